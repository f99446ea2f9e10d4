"""What CodePipeline does by itself to a failed deploy, and what people do to its pipeline meanwhile."""

import pytest

from bot.errors import NotLatest, NotRetryable, TryLater
from bot.events import EventLevel, EventState
from bot.model import ExecutionKey, Status
from bot.ports import StageStatus
from tests.builders import KEY, a_key
from tests.workflows.harness import MINUTE, Night, held_night, released_night

NEWER = a_key(execution_id="99999999-0000")


def own_retry_night() -> Night:
    """An issue is open, and web's Deploy has just failed; its onFailure retries it."""
    night = Night()
    night.issue_opens()
    night.pipelines.retrying_themselves.add(KEY)
    night.stage_fails()
    return night


def test_a_stage_about_to_retry_itself_is_not_announced_and_not_forgotten() -> None:
    night = own_retry_night()
    assert (night.store.executions, len(night.store.hints)) == ({}, 1)
    night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
    night.minutes(3)
    assert (night.store.executions, len(night.store.hints)) == ({}, 1)
    night.stage_passes()
    night.minutes(5)
    assert (night.store.executions, night.store.hints) == ({}, {})


def test_its_second_failure_is_held_even_where_nobody_tells_of_it() -> None:
    night = own_retry_night()
    night.minutes(1)
    night.stage_fails(told=False)
    night.show(own_retry_spent=True)
    night.minutes(2)
    assert night.status() is Status.BLOCKED


def test_an_own_retry_that_never_comes_is_waited_for_two_minutes() -> None:
    night = own_retry_night()
    night.minutes(1)
    assert night.store.executions == {}
    night.minutes(3)
    assert night.status() is Status.BLOCKED
    assert night.store.hints == {}


def test_whether_it_retries_itself_is_asked_again_where_codepipeline_is_busy() -> None:
    night = Night()
    night.issue_opens()
    night.pipelines.raise_next("retries_itself", TryLater("Rate exceeded"))
    night.stage_fails()
    assert (night.store.executions, len(night.store.hints)) == ({}, 1)
    night.minutes(1)
    assert night.status() is Status.BLOCKED


def test_a_failure_that_was_overtaken_waits_for_no_retry_of_its_own() -> None:
    night = Night()
    night.pipelines.retrying_themselves.add(KEY)
    night.stage_fails(told=False)
    night.show(overtaken_by=NEWER.execution_id)
    night.event(EventState.FAILED)
    assert night.status() is Status.SUPERSEDED


def test_a_held_stage_that_retries_itself_is_not_said_to_be_retried_by_somebody() -> None:
    night, _ = held_night()
    night.show(status=StageStatus.IN_PROGRESS, retried_itself=True)
    night.event(EventState.RESUMED)
    execution = night.execution()
    assert (execution.status, execution.note) == (Status.RETRYING, "The stage retries itself (onFailure).")


def test_a_rollback_that_takes_the_stage_is_said() -> None:
    night, report = held_night()
    night.show(overtaken_by=NEWER.execution_id, rolled_back=True)
    night.event(EventState.STARTED, NEWER)
    assert night.status() is Status.SUPERSEDED
    assert night.execution().note == "The stage was rolled back (execution 99999999-0000); this one is left alone."
    night.issue_closes(report)
    night.minutes(10)
    assert night.asked() == 0


@pytest.mark.parametrize("readable", [True, False])
def test_a_rollback_that_is_quicker_than_the_retry_is_said_if_codepipeline_tells(
    monkeypatch: pytest.MonkeyPatch, readable: bool
) -> None:
    """It entered between the last look and the call, which is refused and does not say for whom."""
    night = released_night()

    def refuse(key: ExecutionKey) -> None:
        night.show(key, overtaken_by=NEWER.execution_id, rolled_back=True)
        if not readable:
            night.pipelines.raise_next("stages", TryLater("ThrottlingException"))
        raise NotLatest("NotLatestPipelineExecutionException")

    monkeypatch.setattr(night.pipelines, "retry_stage", refuse)
    night.deliver()
    who = "The stage was rolled back (execution 99999999-0000)" if readable else "A newer execution took the stage"
    assert (night.status(), night.execution().note) == (Status.SUPERSEDED, f"{who}; this one is left alone.")
    assert night.execution().automatic_retries == 0


def test_a_changed_pipeline_is_asked_once_and_then_a_person() -> None:
    night = released_night()
    night.show(pipeline_changed=True)
    night.pipelines.raise_next("retry_stage", NotRetryable("StageNotRetryableException: structure"))
    night.minutes(30)
    assert night.asked() == 1
    execution = night.execution()
    assert (execution.status, execution.automatic_retries) == (Status.NEEDS_HUMAN, 0)
    assert execution.note == (
        "CodePipeline refused the retry: the pipeline was changed since this execution started, and CodePipeline "
        "retries no older structure"
    )


def test_a_changed_pipeline_may_still_take_the_retry() -> None:
    """It "might not" be possible, says the documentation; so it is tried."""
    night = released_night()
    night.show(pipeline_changed=True)
    night.minutes(2)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_a_closed_transition_is_named_with_who_closed_it() -> None:
    night = released_night()
    night.show(transition_disabled="freeze", transition_disabled_by="Admin/alice")
    night.minutes(2)
    assert night.status() is Status.NEEDS_HUMAN
    assert night.execution().note == (
        "The transition into Deploy is disabled (by Admin/alice): freeze. Enable it, then retry."
    )


@pytest.mark.parametrize("level", [EventLevel.STAGE, EventLevel.PIPELINE])
def test_a_stopped_execution_that_was_retried_in_the_console_and_passed_has_recovered(level: EventLevel) -> None:
    night, _ = held_night()
    night.show(execution_status="Stopped")
    night.event(EventState.STOPPED)
    assert night.status() is Status.STOPPED
    night.stage_passes(told=False)
    night.event(EventState.SUCCEEDED, level=level)
    assert night.status() is Status.RECOVERED


def test_a_failure_that_is_told_late_in_a_parallel_pipeline_is_not_forgotten() -> None:
    """GetPipelineState speaks of another execution, and the list does not have the failed action yet."""
    night = Night()
    night.issue_opens()
    night.pipelines.show_status(a_key(stage="Source"), StageStatus.SUCCEEDED)
    night.show(a_key(stage="Source"), execution_status="Failed")
    night.event(EventState.FAILED)
    assert (night.store.executions, len(night.store.hints)) == ({}, 1)
    night.stage_fails(told=False)
    night.minutes(2)
    assert night.status() is Status.BLOCKED


def test_parallel_executions_of_one_stage_are_each_followed_for_themselves() -> None:
    night, report = held_night()
    night.stage_fails(NEWER)
    night.event(EventState.STARTED, NEWER)
    assert (night.status(), night.status(NEWER)) == (Status.BLOCKED, Status.BLOCKED)
    night.click_dismiss(NEWER)
    night.issue_closes(report)
    night.minutes(6)
    assert (night.accepted(), night.accepted(NEWER)) == (1, 0)
    night.now += MINUTE
    night.stage_passes()
    assert (night.status(), night.status(NEWER)) == (Status.RECOVERED, Status.DISMISSED)
