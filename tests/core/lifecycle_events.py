"""Events and states of the lifecycle to start from: the failure is known, at NOW, explained by one ECS issue."""

from datetime import datetime, timedelta
from typing import Any

from bot.lifecycle import (
    Accepted,
    Claimed,
    Dismissed,
    Event,
    Explained,
    Frozen,
    GateLost,
    GatePassed,
    GateWaits,
    Lapsed,
    Overridden,
    Overtaken,
    Postponed,
    Refused,
    Released,
    RetryLost,
    RetryRequested,
    StageFailed,
    StageGone,
    StageHangs,
    StagePassed,
    StageRunning,
    StageStopped,
    TooOld,
    Undone,
    advance,
    begin,
)
from bot.model import (
    ALLCLEAR,
    Attribution,
    Claim,
    Execution,
    FailedAction,
    PipelineTags,
    RetryPlan,
    Status,
    Verdict,
)
from bot.policy import Policy
from tests.builders import ISSUE_ARN, KEY, NOW, a_blocker, an_action, an_attribution, an_execution

POLICY = Policy()
SOON = NOW + timedelta(minutes=10)  # after the failure, within every limit
USER = "U0ALICE"
OTHER_ARN = ISSUE_ARN.replace("ECS", "EC2")
UNEXPLAINED = Attribution(Verdict.UNEXPLAINED, "No AWS Health issue explains the failure of ECS in us-east-1.")
EXPLAINED = an_attribution()
BY_ANOTHER = an_attribution(blockers=(a_blocker(issue=OTHER_ARN, service="EC2"),))
BY_BOTH = an_attribution(blockers=(*EXPLAINED.blockers, *BY_ANOTHER.blockers))
GATE_WAITS = GateWaits(NOW + timedelta(minutes=5), NOW + timedelta(hours=24), EXPLAINED, PipelineTags())
HANGS = StageHangs(NOW + timedelta(minutes=5), EXPLAINED, PipelineTags())
OVER = an_attribution(reason="The health gate stopped it, and nothing it named is open now.", blockers=())


def failed(
    number: int, attribution: Attribution = EXPLAINED, *actions: FailedAction, at: datetime = SOON, **changes: Any
) -> StageFailed:
    """Attempt `number` failed (1 is the failure the states below already know)."""
    failed_actions = actions or (an_action(action_execution_id=f"attempt-{number}"),)
    return StageFailed(failed_actions, at, attribution, changes.pop("tags", PipelineTags()), **changes)


def begun(attribution: Attribution = EXPLAINED, **changes: object) -> Execution:
    return begin(KEY, failed(1, attribution, at=NOW, **changes), NOW, POLICY)  # type: ignore[arg-type]


def a_plan(**changes: Any) -> RetryPlan:
    return RetryPlan(**{"requested_by": ALLCLEAR, "requested_at": NOW, "not_before_at": NOW, **changes})


def a_claim(**changes: Any) -> Claim:
    claim = {
        "claim_id": "claim-1",
        "lease_until_at": SOON + timedelta(seconds=90),
        "action_execution_ids": ("attempt-1",),
        "spent_budget": True,
    }
    return Claim(**{**claim, **changes})


def in_status(status: Status, **changes: Any) -> Execution:
    """A state that really occurs with this status."""
    known: dict[str, Any] = {"status": status, "actions": (an_action(action_execution_id="attempt-1"),)}
    if status is Status.RESUMING:
        known |= {"retry": a_plan(), "held_at": NOW, "released_at": NOW}
    if status is Status.RETRYING:
        known |= {"retry": a_plan(), "claim": a_claim(), "automatic_retries": 1, "retries": 1, "held_at": NOW}
    if status is Status.NEEDS_HUMAN:
        known |= {"attribution": UNEXPLAINED}
    return an_execution(**{**known, **changes})


def resuming_claimed(**changes: Any) -> Execution:
    return in_status(Status.RESUMING, **{"claim": a_claim(), "automatic_retries": 1, **changes})


def step(execution: Execution, *events: Event, at: datetime = SOON, policy: Policy = POLICY) -> Execution:
    for event in events:
        execution = advance(execution, event, at, policy)
    return execution


ONE_OF_EACH: tuple[Event, ...] = (
    GATE_WAITS,
    GatePassed(),
    GateLost(SOON),
    HANGS,
    failed(2),
    StageRunning(),
    StagePassed(),
    Overtaken("99999999-0000"),
    StageStopped(),
    StageGone("The pipeline web no longer exists"),
    Explained(EXPLAINED),
    Released(ISSUE_ARN, "AWS closed the ECS issue in us-east-1"),
    TooOld(),
    RetryLost(),
    Claimed("claim-2", SOON + timedelta(seconds=90)),
    Accepted("claim-1"),
    Postponed("CodePipeline is busy", SOON + timedelta(minutes=1), "claim-1"),
    Refused("no such stage", "claim-1"),
    Frozen("The transition into Deploy is disabled: release freeze. Enable it, then retry."),
    Lapsed("The override ran out before CodePipeline took it."),
    RetryRequested(USER),
    Overridden(USER, "the fix is in this very deploy"),
    Dismissed(USER),
    Undone(USER),
)
