"""What others do to a deploy that waits: a newer execution, a stop, a console retry, a pipeline that is gone."""

import pytest

from bot.events import EventState
from bot.model import Status
from bot.ports import StageStatus
from tests.builders import KEY, a_key
from tests.workflows.harness import Night, held_night

NEWER = a_key(execution_id="99999999-0000")


def test_a_newer_execution_that_enters_the_stage_supersedes_what_waits_there() -> None:
    """A failed run that is overtaken emits no event of its own: the newer one's STARTED tells."""
    night, report = held_night()
    night.show(overtaken_by=NEWER.execution_id)
    night.pipelines.show_status(NEWER, StageStatus.IN_PROGRESS)
    night.event(EventState.STARTED, NEWER)
    assert night.status() is Status.SUPERSEDED
    night.issue_closes(report)
    night.minutes(60)
    assert (night.status(), night.asked()) == (Status.SUPERSEDED, 0)


def test_in_a_parallel_pipeline_another_execution_supersedes_nothing() -> None:
    """There the truth names nobody who overtook it."""
    night, report = held_night()
    night.pipelines.show_status(NEWER, StageStatus.IN_PROGRESS)
    night.event(EventState.STARTED, NEWER)
    assert night.status() is Status.BLOCKED
    night.issue_closes(report)
    night.minutes(6)
    assert night.accepted() == 1


def test_a_start_in_a_parallel_pipeline_asks_about_a_few_of_the_many_that_wait() -> None:
    """Its own execution's events are held against all of them."""
    night, _ = held_night()
    keys = [a_key(execution_id=f"{number:08d}") for number in range(20)]
    for key in keys:
        night.stage_fails(key)
    reads = len(night.pipelines.reads)
    night.pipelines.show_status(NEWER, StageStatus.IN_PROGRESS)
    night.event(EventState.STARTED, NEWER)
    assert len(night.pipelines.reads) - reads == 3
    for key in (keys[0], keys[-1]):
        night.stage_passes(key)
        assert night.status(key) is Status.RECOVERED


def test_an_event_ahead_of_the_truth_is_looked_at_again_a_minute_later() -> None:
    night, _ = held_night()
    night.event(EventState.STARTED, NEWER)
    assert night.status() is Status.BLOCKED
    night.show(overtaken_by=NEWER.execution_id)
    night.minutes(1)
    assert night.status() is Status.SUPERSEDED


def test_an_execution_that_is_stopped_is_left_alone() -> None:
    night, report = held_night()
    night.show(execution_status="Stopped")
    night.event(EventState.STOPPED)
    assert (night.status(), night.execution().note) == (
        Status.STOPPED,
        "The execution was stopped; it is left alone.",
    )
    night.issue_closes(report)
    night.minutes(60)
    assert night.asked() == 0


def test_a_stage_cancelled_by_a_changed_pipeline_is_not_called_stopped_by_somebody() -> None:
    """StageExecution: cancelled means that the definition was updated before the stage could be completed."""
    night, _ = held_night()
    night.show(status=StageStatus.CANCELLED, failed=())
    night.event(EventState.CANCELED)
    assert (night.status(), night.execution().note) == (
        Status.STOPPED,
        "The pipeline was changed, so CodePipeline cancelled this execution; there is nothing left to retry.",
    )


@pytest.mark.parametrize("gone", ["pipeline", "stage"])
def test_what_is_gone_ends_and_is_asked_about_no_more(gone: str) -> None:
    night, report = held_night()
    if gone == "pipeline":
        night.pipelines.gone.add(KEY.pipeline)
    else:
        del night.pipelines.truth[KEY]
    night.issue_closes(report)
    night.minutes(7)
    assert (night.status(), night.asked(), night.execution().due_at) == (Status.STOPPED, 0, None)
    reads = len(night.pipelines.reads)
    night.minutes(600)
    assert len(night.pipelines.reads) == reads


def test_a_pipeline_that_is_gone_when_its_failure_is_told_is_nobodys_worry() -> None:
    night = Night()
    night.pipelines.gone.add(KEY.pipeline)
    night.stage_fails()
    assert (night.store.executions, night.store.hints, night.failed_items) == ({}, {}, 0)


def test_a_retry_in_the_console_is_followed_as_somebody_elses() -> None:
    night, report = held_night()
    night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
    night.event(EventState.RESUMED)
    execution = night.execution()
    assert (execution.status, execution.note) == (Status.RETRYING, "Retried outside Allclear.")
    night.issue_closes(report)
    night.minutes(20)
    assert night.asked() == 0
    night.stage_passes()
    assert (night.status(), night.execution().retries) == (Status.RECOVERED, 0)


def test_a_retry_in_the_console_that_fails_is_held_again() -> None:
    night, report = held_night()
    night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
    night.event(EventState.RESUMED)
    night.minutes(2)
    night.stage_fails()
    assert night.status() is Status.BLOCKED
    night.issue_closes(report)
    night.minutes(6)
    assert night.accepted() == 1


def test_a_console_retry_nobody_told_of_is_found_at_the_claim() -> None:
    night, report = held_night()
    night.issue_closes(report)
    night.minutes(4)
    night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
    night.minutes(4)
    assert (night.status(), night.asked(), night.execution().note) == (
        Status.RETRYING, 0, "Retried outside Allclear.",
    )  # fmt: skip


def test_a_failure_that_was_overtaken_before_it_was_told_is_said_and_left() -> None:
    night = Night()
    night.issue_opens()
    night.stage_fails(told=False)
    night.show(overtaken_by=NEWER.execution_id)
    night.event(EventState.FAILED)
    assert (night.status(), night.asked()) == (Status.SUPERSEDED, 0)
