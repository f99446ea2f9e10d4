"""The stories that `make demo SCENARIO=name` tells, one file each."""

from playground.scenarios.alike import ALIKE
from playground.scenarios.burst import BURST
from playground.scenarios.database import DATABASE
from playground.scenarios.example import EXAMPLE_PIPELINE
from playground.scenarios.frozen import FROZEN
from playground.scenarios.hanging import HANGING
from playground.scenarios.late_issue import LATE_ISSUE
from playground.scenarios.no_support_plan import NO_SUPPORT_PLAN
from playground.scenarios.notification_rule import NOTIFICATION_RULE
from playground.scenarios.override import OVERRIDE
from playground.scenarios.rollback import ROLLBACK
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
    "alike": ALIKE,
    "database": DATABASE,
    "hanging": HANGING,
    "no-support-plan": NO_SUPPORT_PLAN,
    "rollback": ROLLBACK,
    "notification-rule": NOTIFICATION_RULE,
    "frozen": FROZEN,
    "shadow": SHADOW,
    "example": EXAMPLE_PIPELINE,
}
