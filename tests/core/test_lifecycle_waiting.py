"""A deploy that a gate keeps waiting: nothing failed, nothing is retried, and the truth ends it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import IllegalTransition
from bot.lifecycle import (
    Dismissed,
    GateLost,
    GatePassed,
    Overridden,
    Released,
    RetryRequested,
    StageFailed,
    StagePassed,
    StageStopped,
)
from bot.lifecycle.waiting import begin_waiting
from bot.model import Execution, PipelineTags, Status
from tests.builders import ISSUE_ARN, KEY, NOW, a_gate_action
from tests.core.lifecycle_events import BY_BOTH, EXPLAINED, GATE_WAITS, POLICY, SOON, USER, step

WAITING = begin_waiting(KEY, GATE_WAITS, NOW, POLICY)
CLEAR = Released(ISSUE_ARN, "AWS closed the ECS issue in us-east-1")


def held_by(execution: Execution) -> list[str]:
    return [blocker.service for blocker in execution.blockers]


def test_it_is_held_from_the_gates_first_job_on_with_a_clock() -> None:
    assert (WAITING.status, WAITING.version, WAITING.waiting) == (Status.BLOCKED, 1, True)
    assert (WAITING.held_at, WAITING.failed_at, WAITING.actions) == (GATE_WAITS.since_at, GATE_WAITS.since_at, ())
    assert held_by(WAITING) == ["ECS"]
    assert WAITING.due_at is not None
    assert WAITING.trail[-1].what == "the gate keeps it waiting for ECS in us-east-1"


def test_the_same_wait_seen_again_is_no_news() -> None:
    assert step(WAITING, GATE_WAITS) is WAITING


def test_it_waits_for_what_the_gate_waits_for_now() -> None:
    later = step(WAITING, replace(GATE_WAITS, attribution=BY_BOTH))
    assert held_by(later) == ["ECS", "EC2"]
    assert later.entered_version == WAITING.entered_version


@pytest.mark.parametrize("event", [RetryRequested(USER), Dismissed(USER)])
def test_there_is_nothing_to_retry_and_nothing_to_leave(event: RetryRequested | Dismissed) -> None:
    """Nor has a gate that was lost a failed action."""
    for execution in (WAITING, step(WAITING, GateLost(NOW))):
        with pytest.raises(IllegalTransition):
            step(execution, event)


def test_the_all_clear_retries_nothing_but_waits_for_the_gate() -> None:
    clear = step(WAITING, CLEAR)
    assert (clear.status, clear.blockers, clear.retry) == (Status.BLOCKED, (), None)
    assert step(clear, CLEAR) is clear
    passed = step(clear, GatePassed())
    assert (passed.status, passed.waiting) == (Status.RECOVERED, False)


def test_an_override_leaves_the_passing_to_the_gate() -> None:
    overridden = step(WAITING, Overridden(USER, "the fix is in this very deploy"))
    assert (overridden.status, overridden.retry, overridden.waiting) == (Status.BLOCKED, None, True)
    assert overridden.trail[-1].what == "overrode the health gate: the fix is in this very deploy"
    passed = step(overridden, GatePassed(USER))
    assert passed.status is Status.RECOVERED
    assert (passed.trail[-1].by, passed.trail[-1].what) == (USER, "the gate let it through, as overridden")


@pytest.mark.parametrize(
    ("event", "status"), [(StagePassed(), Status.RECOVERED), (StageStopped(), Status.STOPPED)]
)
def test_the_truth_ends_the_wait(event: StagePassed | StageStopped, status: Status) -> None:
    ended = step(WAITING, event)
    assert (ended.status, ended.waiting, ended.due_at) == (status, False, None)


def test_a_gate_whose_time_is_up_is_a_failure_that_is_held_and_can_be_retried() -> None:
    failure = StageFailed((a_gate_action(),), SOON, EXPLAINED, PipelineTags())
    failed = step(WAITING, failure)
    assert (failed.status, failed.waiting) == (Status.BLOCKED, False)
    assert failed.trail[-1].what.startswith(
        "Deploy waited as long as a gate can; held by the ECS issue in us-east-1 until"
    )
    assert step(failed, RetryRequested(USER)).status is Status.RESUMING
    assert step(failed, Released(ISSUE_ARN, "AWS closed the ECS issue in us-east-1")).status is Status.RESUMING


def test_a_lost_gate_asks_a_person_and_is_taken_up_again_by_its_next_job() -> None:
    lost = step(WAITING, GateLost(NOW))
    assert (lost.status, lost.blockers) == (Status.NEEDS_HUMAN, ())
    assert "since 02:20 UTC" in lost.note
    found = step(lost, GATE_WAITS)
    assert (found.status, held_by(found), found.note) == (Status.BLOCKED, ["ECS"], "")


def test_another_wait_of_the_same_stage_is_a_new_hold() -> None:
    """The stage was retried, and the gate waits again."""
    again = replace(GATE_WAITS, since_at=SOON, until_at=SOON + timedelta(hours=24))
    second = step(step(WAITING, StagePassed()), again)
    assert (second.status, second.held_at, second.waits_until) == (Status.BLOCKED, SOON, again.until_at)
