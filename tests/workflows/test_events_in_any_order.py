"""Doubled, reversed, hours late, or never: what ends up true is the same."""

from itertools import permutations

import pytest

from bot.errors import TryLater
from bot.events import EventLevel, EventState
from bot.model import IssuePhase, Status
from bot.ports import DueKind, StageStatus
from bot.workflows.issue_work import on_report
from tests.builders import ISSUE_ARN, KEY, NOW, a_key, a_report
from tests.workflows.harness import MINUTE, Night, held_night

OPENED = a_report(start_at=NOW - 20 * MINUTE, updated_at=NOW - 10 * MINUTE)
UPDATED = a_report(start_at=NOW - 20 * MINUTE, updated_at=NOW - 5 * MINUTE)
CLOSED = a_report(start_at=NOW - 20 * MINUTE, updated_at=NOW + 30 * MINUTE, closed=True)


@pytest.mark.parametrize(
    "order", list(permutations(["open", "update", "close", "fail"])), ids=lambda order: "-".join(order)
)
def test_the_same_news_in_any_order_and_twice_ends_in_one_retry(order: tuple[str, ...]) -> None:
    """All of it arrives an hour late; the API is behind too and shows nothing."""
    night = Night()
    night.stage_fails(told=False)
    night.minutes(60)
    reports = {"open": OPENED, "update": UPDATED, "close": CLOSED}
    for news in [*order, *reversed(order)]:
        if news == "fail":
            night.event(EventState.FAILED)
        else:
            on_report(night.world, reports[news], night.now)
        night.deliver()
    night.minutes(10)
    assert (night.status(), night.asked(), night.accepted()) == (Status.RETRYING, 1, 1)
    night.stage_passes()
    night.event(EventState.FAILED)
    night.minutes(10)
    assert (night.status(), night.accepted(), len(night.store.executions)) == (Status.RECOVERED, 1, 1)


def test_an_old_open_after_the_close_holds_nothing_again() -> None:
    night, report = held_night()
    closed = night.issue_closes(report)
    night.minutes(3)
    on_report(night.world, report, night.now)
    night.minutes(3)
    on_report(night.world, report, night.now)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)
    assert night.store.issues[closed.key].phase is IssuePhase.DONE


def test_a_failure_told_before_codepipeline_shows_the_stage_is_looked_for_again() -> None:
    """All that is shown passed, and the run goes on: the stage that failed is still to be told."""
    night = Night()
    night.issue_opens()
    build = a_key(stage="Build")
    night.show(build, status=StageStatus.SUCCEEDED, execution_status="InProgress")
    night.event(EventState.FAILED)
    assert night.store.executions == {}
    night.stage_fails(told=False)
    night.minutes(2)
    assert night.status() is Status.BLOCKED
    assert night.store.hints == {}


def test_a_closing_event_that_never_comes_is_found_at_aws_health() -> None:
    night, report = held_night()
    night.minutes(10)
    night.issue_closes(report, told=False)
    night.minutes(1)
    assert night.store.issues[ISSUE_ARN].phase is IssuePhase.SETTLING
    night.minutes(6)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_an_issue_shared_by_two_accounts_is_asked_about_for_both() -> None:
    """The organisation's view brings one event for each affected account; they share an ARN."""
    night = Night()
    theirs = a_key(account="444455556666")
    for key in (KEY, theirs):
        night.issue_opens(scope="ACCOUNT_SPECIFIC", account=key.account)
        night.stage_fails(key)
    night.health.reports.clear()
    own = a_report(scope="ACCOUNT_SPECIFIC", account=KEY.account, updated_at=night.now + MINUTE, closed=True)
    night.health.show(own)
    night.minutes(1)
    assert {issue.phase for issue in night.store.issues.values()} == {IssuePhase.SETTLING}
    night.minutes(6)
    assert [night.accepted(key) for key in (KEY, theirs)] == [1, 1]


def test_an_issue_that_re_opens_while_it_settles_keeps_holding() -> None:
    night, report = held_night()
    night.issue_closes(report)
    night.minutes(3)
    night.issue_opens(start_at=report.start_at, told=False)
    night.minutes(60)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)
    assert len(night.lines()) == 1, "nothing was released, not even for a moment: the issue is asked about first"


def test_an_outcome_that_is_never_reported_is_found_at_codepipeline() -> None:
    night, report = held_night()
    night.issue_closes(report)
    night.minutes(6)
    night.stage_passes(told=False)
    night.minutes(5)
    assert night.status() is Status.RECOVERED


def test_a_second_failure_that_is_never_reported_is_found_at_codepipeline() -> None:
    night, report = held_night()
    night.issue_closes(report)
    night.minutes(6)
    night.stage_fails(told=False)
    night.minutes(5)
    assert (night.status(), night.accepted()) == (Status.NEEDS_HUMAN, 1)


def test_an_event_ahead_of_codepipelines_answers_is_looked_at_again_until_they_agree() -> None:
    """The stage's FAILED arrives while GetPipelineState still says InProgress and no action of it failed."""
    night = Night()
    night.issue_opens()
    night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
    night.event(EventState.FAILED)
    assert night.store.executions == {}
    assert night.due(DueKind.HINT)
    night.minutes(1)
    night.stage_fails(told=False)
    night.minutes(2)
    assert night.status() is Status.BLOCKED
    assert night.store.hints == {}


def test_an_event_of_a_run_codepipeline_does_not_tell_of_yet_is_looked_at_again() -> None:
    night = Night()
    night.event(EventState.FAILED)
    night.stage_fails(told=False)
    night.minutes(1)
    assert night.status() is Status.NEEDS_HUMAN


def test_a_failed_action_in_a_stage_that_still_runs_is_no_failure_yet() -> None:
    night = Night()
    night.stage_fails(told=False)
    night.show(status=StageStatus.IN_PROGRESS)
    night.event(EventState.FAILED, level=EventLevel.ACTION)
    assert night.store.executions == {}
    night.show(status=StageStatus.FAILED)
    night.minutes(1)
    assert night.status() is Status.NEEDS_HUMAN


def test_the_pipelines_failure_alone_is_enough() -> None:
    """It names no stage; what failed is read from CodePipeline."""
    night = Night()
    night.stage_fails(told=False)
    night.event(EventState.FAILED, level=EventLevel.PIPELINE)
    assert night.status() is Status.NEEDS_HUMAN


def test_a_failure_of_the_first_attempt_told_after_the_second_passed_changes_nothing() -> None:
    night, report = held_night()
    night.issue_closes(report)
    night.minutes(6)
    night.stage_passes()
    before = night.execution()
    night.event(EventState.FAILED)
    night.event(EventState.STARTED)
    assert night.execution() is before


def test_a_later_stage_that_fails_is_an_execution_of_its_own() -> None:
    night, report = held_night()
    night.issue_closes(report)
    night.minutes(6)
    night.stage_passes()
    later = a_key(stage="Verify")
    night.stage_fails(later)
    assert (night.status(), night.status(later)) == (Status.RECOVERED, Status.NEEDS_HUMAN)
    assert night.execution(later).version == 1


def test_a_later_failure_is_kept_while_codepipeline_still_tells_the_one_that_was_retried() -> None:
    """Retried, passed, and the next stage failed, in a few seconds; every answer is from before the retry."""
    night, report = held_night()
    before = night.pipelines.truth[KEY]
    night.issue_closes(report)
    night.minutes(6)
    assert night.status() is Status.RETRYING
    night.pipelines.truth[KEY] = before
    later = a_key(stage="Verify")
    for level in (EventLevel.STAGE, EventLevel.PIPELINE):
        night.event(EventState.FAILED, later, level=level)
    assert night.due(DueKind.HINT)
    night.stage_passes(told=False)
    night.stage_fails(later, told=False)
    night.minutes(2)
    assert (night.status(later), night.store.hints) == (Status.NEEDS_HUMAN, {})


def test_codepipeline_out_of_reach_loses_no_failure() -> None:
    """Throttled for a while: the hint is saved before the truth is read, and tried again with backoff."""
    night = Night()
    night.issue_opens()
    night.pipelines.raise_next("stages", *(TryLater("Rate exceeded") for _ in range(5)))
    night.stage_fails()
    night.minutes(40)
    assert (night.status(), night.store.hints) == (Status.BLOCKED, {})


def test_tags_out_of_reach_lose_no_failure() -> None:
    night = Night()
    night.pipelines.raise_next("tags", TryLater("Rate exceeded"))
    night.stage_fails()
    night.minutes(1)
    assert night.status() is Status.NEEDS_HUMAN
