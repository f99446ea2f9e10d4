"""A deploy that runs longer than usual while an issue is open: shown, never retried, held if it fails."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import IllegalTransition
from bot.lifecycle import (
    Dismissed,
    GateWaits,
    Overridden,
    Overtaken,
    Released,
    RetryRequested,
    StageFailed,
    StageGone,
    StageHangs,
    StagePassed,
    StageStopped,
    TooOld,
)
from bot.lifecycle.hanging import begin_hanging
from bot.model import PipelineTags, Status
from tests.builders import ISSUE_ARN, KEY, NOW
from tests.core.lifecycle_events import (
    BY_BOTH,
    GATE_WAITS,
    HANGS,
    OTHER_ARN,
    POLICY,
    SOON,
    USER,
    failed,
    in_status,
    step,
)

HUNG = begin_hanging(KEY, HANGS, NOW, POLICY)
CLEAR = Released(ISSUE_ARN, "AWS closed the ECS issue in us-east-1")


def test_it_is_listed_with_what_is_open_and_has_a_clock() -> None:
    assert (HUNG.status, HUNG.version, HUNG.hangs_since) == (Status.BLOCKED, 1, HANGS.since_at)
    assert (HUNG.actions, HUNG.held_at, HUNG.retry) == ((), None, None)
    assert [blocker.service for blocker in HUNG.blockers] == ["ECS"]
    assert HUNG.due_at == NOW + timedelta(minutes=15)
    assert HUNG.trail[-1].in_full == f"Deploy runs longer than usual. {HANGS.attribution.reason}"


def test_the_same_seen_again_is_no_news() -> None:
    assert step(HUNG, HANGS, HANGS) is HUNG


def test_another_open_issue_is_news_once() -> None:
    more = replace(HANGS, attribution=BY_BOTH)
    both = step(HUNG, more)
    assert [blocker.service for blocker in both.blockers] == ["ECS", "EC2"]
    assert both.entered_version == HUNG.entered_version
    assert step(both, more) is both


@pytest.mark.parametrize("event", [RetryRequested(USER), Dismissed(USER), Overridden(USER, "now")])
def test_there_is_nothing_to_retry_nothing_to_leave_and_nothing_to_override(
    event: RetryRequested | Dismissed | Overridden,
) -> None:
    with pytest.raises(IllegalTransition):
        step(HUNG, event)


def test_the_all_clear_retries_nothing() -> None:
    both = step(HUNG, replace(HANGS, attribution=BY_BOTH))
    one = step(both, CLEAR)
    assert (one.status, one.retry, [b.issue for b in one.blockers]) == (Status.BLOCKED, None, [OTHER_ARN])
    none = step(one, Released(OTHER_ARN, "AWS closed the EC2 issue in us-east-1"))
    assert (none.status, none.retry, none.blockers) == (Status.BLOCKED, None, ())
    assert none.note == "AWS closed the EC2 issue in us-east-1, and the stage still runs."
    assert step(none, CLEAR) is none
    assert none.due_at is not None


def test_age_is_not_counted_while_nothing_is_held() -> None:
    assert step(HUNG, TooOld(), at=NOW + timedelta(days=3)) is HUNG


def test_if_it_fails_it_is_held_from_the_failure_on_and_retried_after_the_all_clear() -> None:
    held = step(HUNG, failed(1))
    assert (held.status, held.hangs_since, held.held_at) == (Status.BLOCKED, None, SOON)
    assert held.trail[-1].what.startswith("Deploy failed; held by the ECS issue in us-east-1")
    assert step(held, CLEAR).status is Status.RESUMING


def test_a_failure_whose_action_is_not_listed_yet_is_a_failure_all_the_same() -> None:
    held = step(HUNG, StageFailed((), SOON, HANGS.attribution, PipelineTags()))
    assert (held.status, held.hangs_since) == (Status.BLOCKED, None)
    assert step(held, failed(1)).action_execution_ids == ("attempt-1",)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (StagePassed(), Status.RECOVERED),
        (StageStopped(), Status.STOPPED),
        (StageGone("The pipeline web no longer exists"), Status.STOPPED),
        (Overtaken("another"), Status.SUPERSEDED),
    ],
)
def test_whatever_ends_the_stage_ends_it(
    event: StagePassed | StageStopped | StageGone | Overtaken, status: Status
) -> None:
    ended = step(HUNG, event)
    assert (ended.status, ended.hangs_since, ended.due_at, ended.blockers) == (status, None, None, ())


def test_an_answer_from_before_the_end_does_not_bring_it_back_and_a_new_run_does() -> None:
    passed = step(HUNG, StagePassed())
    assert step(passed, HANGS) is passed
    anew = step(passed, StageHangs(SOON, HANGS.attribution, PipelineTags()), at=SOON + timedelta(hours=1))
    assert (anew.status, anew.hangs_since, anew.finished_at) == (Status.BLOCKED, SOON, None)


def test_what_showed_a_failed_stage_running_was_older() -> None:
    blocked = in_status(Status.BLOCKED)
    assert step(blocked, HANGS) is blocked


def test_a_retry_that_hangs_stays_a_retry_and_says_so_once() -> None:
    retrying = in_status(Status.RETRYING)
    said = step(retrying, HANGS)
    assert (said.status, said.note, said.hangs_since) == (Status.RETRYING, HANGS.attribution.reason, None)
    assert (said.claim, said.retry) == (retrying.claim, retrying.retry)
    assert step(said, HANGS) is said


def test_a_gate_that_waits_in_the_stage_takes_over() -> None:
    waits: GateWaits = GATE_WAITS
    waiting = step(HUNG, waits)
    assert (waiting.waiting, waiting.hangs_since) == (True, None)
