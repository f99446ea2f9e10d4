"""CodePipeline says not now, never, or nothing at all; and the last looks before the call."""

from itertools import pairwise

import pytest

from bot.clocks import POSTPONE_MOST
from bot.errors import NotLatest, NotRetryable, RetryImpossible, RetryNotNow, TryLater
from bot.events import EventState
from bot.model import Status
from bot.ports import StageStatus
from tests.builders import KEY, a_key
from tests.workflows.harness import MINUTE, USER, Night, held_night, released_night

NEWER = a_key(execution_id="99999999-0000")


@pytest.mark.parametrize(
    "error", ["ConflictException", "ConcurrentPipelineExecutionsLimitExceededException", "ThrottlingException"]
)
def test_not_now_is_tried_later_with_backoff_and_costs_nothing(error: str) -> None:
    night = released_night()
    night.pipelines.raise_next("retry_stage", *(RetryNotNow(error) for _ in range(6)))
    night.deliver()
    execution = night.execution()
    assert (execution.status, execution.automatic_retries, execution.claim) == (Status.RESUMING, 0, None)
    assert execution.note == f"CodePipeline is busy ({error})"
    asked_at = []
    for minute in range(60):
        before = night.asked()
        night.minutes(1)
        asked_at += [minute] * (night.asked() - before)
    gaps = [later - earlier for earlier, later in pairwise(asked_at)]
    assert gaps == sorted(gaps), "each wait is at least as long as the one before"
    assert max(gaps) * MINUTE <= POSTPONE_MOST + 2 * MINUTE
    assert (night.status(), night.accepted(), night.execution().automatic_retries) == (Status.RETRYING, 1, 1)


def test_not_now_for_a_whole_day_ends_with_a_person() -> None:
    night = released_night()
    night.pipelines.raise_next("retry_stage", *(RetryNotNow("ConflictException") for _ in range(2_000)))
    night.minutes(25 * 60)
    asked = night.asked()
    assert (night.status(), night.execution().automatic_retries) == (Status.NEEDS_HUMAN, 0)
    night.minutes(300)
    assert night.asked() == asked < 150


def test_not_retryable_reads_the_truth_again_and_finds_it_running() -> None:
    """Somebody else's retry was faster by a moment."""
    night = released_night()
    night.pipelines.raise_next("retry_stage", NotRetryable("StageNotRetryableException"))
    night.deliver()
    night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
    night.minutes(2)
    execution = night.execution()
    assert (execution.status, night.asked(), execution.automatic_retries) == (Status.RETRYING, 1, 0)
    assert execution.note == "Retried outside Allclear."


def test_not_retryable_again_and_again_ends_with_a_person() -> None:
    night = released_night()
    night.pipelines.raise_next("retry_stage", *(NotRetryable("StageNotRetryableException") for _ in range(9)))
    night.minutes(60)
    execution = night.execution()
    assert (execution.status, night.asked(), execution.automatic_retries) == (Status.NEEDS_HUMAN, 3, 0)
    assert execution.note == "CodePipeline refused the retry: StageNotRetryableException"


def test_a_newer_execution_is_left_alone_whether_the_truth_or_the_refusal_tells() -> None:
    refused = released_night()
    refused.pipelines.raise_next("retry_stage", NotLatest("NotLatestPipelineExecutionException"))
    refused.deliver()
    assert (refused.status(), refused.execution().automatic_retries) == (Status.SUPERSEDED, 0)
    seen = released_night()
    seen.show(overtaken_by=NEWER.execution_id)
    seen.deliver()
    assert (seen.status(), seen.asked()) == (Status.SUPERSEDED, 0)
    assert seen.execution().note == "Execution 99999999-0000 took the stage; this one is left alone."


def test_a_final_refusal_asks_a_person_and_gives_the_budget_back() -> None:
    night = released_night()
    night.pipelines.raise_next("retry_stage", RetryImpossible("StageNotFoundException: no stage Deploy"))
    night.minutes(300)
    execution = night.execution()
    assert (execution.status, night.asked(), execution.automatic_retries) == (Status.NEEDS_HUMAN, 1, 0)
    assert execution.note == "CodePipeline refused the retry: StageNotFoundException: no stage Deploy"


def test_a_closed_transition_is_a_persons_no() -> None:
    night = released_night()
    night.show(transition_disabled="release freeze")
    night.minutes(60)
    assert (night.status(), night.asked()) == (Status.NEEDS_HUMAN, 0)
    assert night.execution().note == (
        "The transition into Deploy is disabled: release freeze. Enable it, then retry."
    )


def test_a_truth_out_of_reach_postpones_the_retry() -> None:
    night = released_night()
    night.pipelines.raise_next("stages", TryLater("Rate exceeded"))
    night.deliver()
    assert (night.status(), night.asked()) == (Status.RESUMING, 0)
    night.minutes(3)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_a_stage_that_is_stopping_is_waited_for() -> None:
    night = released_night()
    night.show(status=StageStatus.STOPPING)
    night.minutes(5)
    assert (night.status(), night.asked()) == (Status.RESUMING, 0)
    night.show(status=StageStatus.STOPPED, execution_status="Stopped")
    night.event(EventState.STOPPED)
    assert (night.status(), night.asked()) == (Status.STOPPED, 0)


def test_an_accepted_retry_that_starts_nothing_asks_a_person_after_half_an_hour() -> None:
    night = released_night()
    failed = night.pipelines.truth[KEY]
    night.deliver()
    night.pipelines.show(failed)
    night.minutes(29)
    assert night.status() is Status.RETRYING
    night.minutes(8)
    assert (night.status(), night.asked()) == (Status.NEEDS_HUMAN, 1)


def test_the_stream_that_never_delivers_is_said_again_by_the_sweep() -> None:
    night = released_night()
    night.stream.clear()
    night.minutes(2)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_a_click_is_retried_with_the_issue_open_and_what_it_leads_to_is_held_anew() -> None:
    night, report = held_night()
    night.click_retry()
    night.deliver()
    execution = night.execution()
    assert (execution.status, night.accepted(), execution.automatic_retries) == (Status.RETRYING, 1, 0)
    assert execution.trail[-3].by == USER
    night.minutes(3)
    night.stage_fails()
    assert (night.status(), night.execution().held_at) == (Status.BLOCKED, night.now)
    night.issue_closes(report)
    night.minutes(6)
    assert night.accepted() == 2


def test_dont_resume_keeps_it_through_the_all_clear_and_undo_catches_up() -> None:
    night, report = held_night()
    night.click_dismiss()
    night.issue_closes(report)
    night.minutes(120)
    assert (night.status(), night.asked()) == (Status.DISMISSED, 0)
    night.click_undo()
    night.minutes(1)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_undo_while_the_issue_is_open_holds_again() -> None:
    night, report = held_night()
    night.click_dismiss()
    night.minutes(10)
    night.click_undo()
    night.minutes(60)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)
    night.issue_closes(report)
    night.minutes(6)
    assert night.accepted() == 1


def test_a_dismissed_deploy_that_fails_anew_is_followed_again() -> None:
    night, _ = held_night()
    night.click_dismiss()
    night.minutes(1)
    night.stage_fails()
    assert night.status() is Status.BLOCKED


def test_two_releases_of_one_deploy_never_overlap() -> None:
    """Both issues close in the same minute, and both drains reach it."""
    night = Night()
    first = night.issue_opens()
    second = night.issue_opens(arn=first.arn + "-2")
    night.stage_fails()
    night.issue_closes(first)
    night.issue_closes(second)
    night.minutes(10)
    assert (night.status(), night.asked(), night.execution().automatic_retries) == (Status.RETRYING, 1, 1)
