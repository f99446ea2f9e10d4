"""Before every retry, automatic or clicked, all is looked at again; what is not as it was is not retried."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.errors import HealthUnreadable, NotRetryable
from bot.model import Status
from bot.ports import StageStatus
from tests.builders import ISSUE_ARN, KEY
from tests.workflows.harness import Night, an_ecs_deploy, held_night, released_night

OTHER_ARN = ISSUE_ARN + "-2"
CHANGED = "StageNotRetryableException: The pipeline structure or stage state might have changed"


def passed(night: Night) -> None:
    night.show(status=StageStatus.SUCCEEDED, failed=())


def runs(night: Night) -> None:
    night.show(status=StageStatus.IN_PROGRESS, failed=())


def failed_differently(night: Night) -> None:
    """Somebody retried it in the console, and it failed for a reason of the team's own."""
    night.stage_fails(KEY, an_ecs_deploy(error_code="ConfigurationError"), told=False)


def frozen(night: Night) -> None:
    night.show(transition_disabled="release freeze")


def refused_for_its_structure(night: Night) -> None:
    night.pipelines.raise_next("retry_stage", *(NotRetryable(CHANGED) for _ in range(3)))


Change = Callable[[Night], None]
CHANGES: list[tuple[Change, Status, str]] = [
    (passed, Status.RECOVERED, ""),
    (runs, Status.RETRYING, "Retried outside Allclear."),
    (failed_differently, Status.NEEDS_HUMAN, ""),
    (
        lambda night: night.show(overtaken_by="99999999-0000"),
        Status.SUPERSEDED,
        "Execution 99999999-0000 took the stage; this one is left alone.",
    ),
    (
        lambda night: night.show(execution_status="Superseded"),
        Status.SUPERSEDED,
        "A newer execution took the stage; this one is left alone.",
    ),
    (
        lambda night: night.show(execution_status="Stopped"),
        Status.STOPPED,
        "The execution was stopped; it is left alone.",
    ),
    (
        lambda night: night.show(execution_status="Stopping"),
        Status.RESUMING,
        "somebody is stopping the execution",
    ),
    (
        lambda night: night.show(execution_status="Cancelled"),
        Status.STOPPED,
        "The pipeline was changed, so CodePipeline cancelled this execution; there is nothing left to retry.",
    ),
    (
        lambda night: night.show(status=StageStatus.MISSING, failed=()),
        Status.STOPPED,
        "CodePipeline knows nothing of this execution in Deploy any more; there is nothing left to retry.",
    ),
    (
        lambda night: night.pipelines.gone.add("web"),
        Status.STOPPED,
        "The pipeline web no longer exists; there is nothing left to retry.",
    ),
    (
        frozen,
        Status.NEEDS_HUMAN,
        "The transition into Deploy is disabled: release freeze. Enable it, then retry.",
    ),
    (refused_for_its_structure, Status.NEEDS_HUMAN, f"CodePipeline refused the retry: {CHANGED}"),
]
NAMES = ["passed", "runs", "failed differently", "overtaken", "superseded", "stopped", "stopping", "cancelled",
         "stage gone", "pipeline gone", "frozen", "structure changed"]  # fmt: skip


@pytest.mark.parametrize("clicked", [False, True], ids=["automatic", "clicked"])
@pytest.mark.parametrize(("change", "status", "note"), CHANGES, ids=NAMES)
def test_what_has_changed_since_is_not_retried(change: Change, status: Status, note: str, clicked: bool) -> None:
    """Nothing is accepted, no budget is spent, and the card has the reason."""
    if clicked:
        night, _ = held_night()
        night.click_retry()
    else:
        night = released_night()
    change(night)
    night.minutes(5)
    execution = night.execution()
    assert (execution.status, execution.note) == (status, note)
    assert (night.accepted(), execution.automatic_retries) == (0, 0)


def other_issue(night: Night) -> None:
    night.issue_opens(arn=OTHER_ARN, told=False)


def unreadable(night: Night) -> None:
    night.health.error = HealthUnreadable("ThrottlingException")


def too_old(night: Night) -> None:
    night.now += timedelta(hours=24)


@pytest.mark.parametrize(
    ("change", "status", "note"),
    [
        (other_issue, Status.BLOCKED, ""),
        (
            unreadable,
            Status.RESUMING,
            "AWS Health cannot be read (ThrottlingException), and HealthUnavailable is block",
        ),
        (too_old, Status.NEEDS_HUMAN, "It has waited for 24 hours, too long to resume unasked."),
    ],
    ids=["another open issue", "Health unreadable", "too old"],
)
def test_what_stops_an_automatic_retry_is_a_clicks_to_overrule(change: Change, status: Status, note: str) -> None:
    """The person has seen what is open, and how old it is."""
    night = released_night()
    change(night)
    night.deliver()
    night.minutes(2)
    assert (night.status(), night.execution().note, night.accepted()) == (status, note, 0)
    night.click_retry()
    night.deliver()
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_an_issue_that_does_not_explain_it_stops_nothing() -> None:
    night = released_night()
    night.issue_opens(arn=OTHER_ARN, service="RDS", told=False)
    night.deliver()
    assert night.accepted() == 1
