"""The stories that `make demo SCENARIO=name` tells, one file each."""

from playground.scenarios.burst import BURST
from playground.scenarios.frozen import FROZEN
from playground.scenarios.late_issue import LATE_ISSUE
from playground.scenarios.notification_rule import NOTIFICATION_RULE
from playground.scenarios.override import OVERRIDE
from playground.scenarios.shadow import SHADOW
from playground.scenarios.stage_condition import STAGE_CONDITION
from playground.scenarios.waiting_gate import WAITING_GATE
from playground.storytelling import Scenario

SCENARIOS: dict[str, Scenario] = {
    "waiting-gate": WAITING_GATE,
    "override": OVERRIDE,
    "stage-condition": STAGE_CONDITION,
    "burst": BURST,
    "late-issue": LATE_ISSUE,
    "notification-rule": NOTIFICATION_RULE,
    "frozen": FROZEN,
    "shadow": SHADOW,
}
