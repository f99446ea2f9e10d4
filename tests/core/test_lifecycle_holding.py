"""How a failure is held, explained, released, given up, and ended."""

from datetime import timedelta

import pytest

from bot.attribution import blocker
from bot.clocks import GATE_BACKOFF
from bot.issues import unreadable_report
from bot.lifecycle import (
    Accepted,
    Claimed,
    Explained,
    Overtaken,
    Released,
    StageGone,
    StagePassed,
    StageRunning,
    StageStopped,
    TooOld,
    begin,
)
from bot.model import Attribution, Execution, Issue, IssuePhase, PipelineTags, Status, Verdict
from bot.policy import Policy
from tests.builders import ISSUE_ARN, KEY, NOW, a_blocker, a_gate_action, an_action
from tests.core.lifecycle_events import (
    BY_BOTH,
    EXPLAINED,
    OTHER_ARN,
    OVER,
    POLICY,
    SOON,
    UNEXPLAINED,
    begun,
    failed,
    in_status,
    resuming_claimed,
    step,
)

ALL_CLEAR = Released(ISSUE_ARN, "AWS closed the ECS issue in us-east-1")
OTHER_ALL_CLEAR = Released(OTHER_ARN, "AWS closed the EC2 issue in us-east-1")


def gate_stops(execution: Execution, number: int) -> Execution:
    """The claimed retry was accepted, and the gate stopped it again for the same issue."""
    stop = a_gate_action(action_execution_id=f"stop-{number}")
    return step(
        execution,
        Claimed(f"claim-{number}", SOON + timedelta(seconds=90)),
        Accepted(f"claim-{number}"),
        failed(number, EXPLAINED, stop, at=SOON + timedelta(seconds=number)),
    )


def test_an_explained_failure_begins_held_and_says_by_what() -> None:
    execution = begun()
    assert (execution.version, execution.status, execution.held_at) == (1, Status.BLOCKED, NOW)
    assert execution.trail[0].what == "Deploy failed; held by the ECS issue in us-east-1 until the all-clear"


def test_an_unexplained_failure_begins_with_a_person() -> None:
    execution = begun(UNEXPLAINED)
    assert (execution.version, execution.status, execution.held_at) == (1, Status.NEEDS_HUMAN, None)
    assert execution.trail[0].in_full == (
        "Deploy failed; a person is asked. No AWS Health issue explains the failure of ECS in us-east-1. "
        "A notice until 06:20 UTC would hold it."
    )


def test_what_cannot_be_told_is_held_until_it_can() -> None:
    pseudo = blocker(Issue(unreadable_report(NOW), 1, IssuePhase.OPEN, NOW))
    held = begun(Attribution(Verdict.UNREADABLE, "AWS Health cannot be read.", (pseudo,)))
    assert (held.status, held.trail[0].in_full) == (
        Status.BLOCKED,
        "Deploy failed; held by AWS Health being unreadable until the all-clear. AWS Health cannot be read.",
    )


def test_a_global_issue_holds_everywhere() -> None:
    held = begun(Attribution(Verdict.EXPLAINED, "It does.", (a_blocker(service="IAM", region="global"),)))
    assert held.trail[0].in_full == "Deploy failed; held by the IAM issue everywhere until the all-clear. It does."


def test_a_gate_stop_whose_issue_is_over_is_resumed_at_once() -> None:
    execution = begun(OVER)
    assert (execution.status, execution.released_at) == (Status.RESUMING, NOW)
    assert execution.trail[0].what == "Deploy failed, and what stopped it is over: resuming"


def test_one_of_two_issues_closing_frees_nothing() -> None:
    """The last one does, and then only that one."""
    held = begun(BY_BOTH)
    half = step(held, ALL_CLEAR)
    assert (half.status, [blocker.issue for blocker in half.blockers]) == (Status.BLOCKED, [OTHER_ARN])
    assert half.trail[-1].what == "AWS closed the ECS issue in us-east-1; still held by the EC2 issue in us-east-1"
    free = step(half, OTHER_ALL_CLEAR)
    assert (free.status, free.blockers) == (Status.RESUMING, ())
    assert free.trail[-1].what == "AWS closed the EC2 issue in us-east-1: resuming"
    assert half.entered_version == held.version, "a button drawn before half the all-clear is still good"


def test_an_all_clear_of_an_issue_that_does_not_hold_it_is_no_news() -> None:
    held = begun()
    assert step(held, OTHER_ALL_CLEAR) is held
    half = step(begun(BY_BOTH), ALL_CLEAR)
    assert step(half, ALL_CLEAR) is half, "the same page drained twice"


def test_the_failure_already_known_is_no_news() -> None:
    for status in Status:
        known = in_status(status)
        assert step(known, failed(1, UNEXPLAINED)) is known


def test_an_older_failure_is_no_news() -> None:
    held = begun()
    assert step(held, failed(0, UNEXPLAINED, at=NOW - timedelta(seconds=1))) is held


def test_a_failure_first_seen_without_its_actions_is_completed() -> None:
    """CodePipeline's list lagged: the failure's own time is earlier than the time it was seen."""
    bare = in_status(Status.NEEDS_HUMAN, actions=(), failed_at=SOON, first_failed_at=SOON)
    held = step(bare, failed(1, at=NOW))
    assert (held.status, held.action_execution_ids, held.failed_at) == (Status.BLOCKED, ("attempt-1",), NOW)


def test_more_failed_actions_of_the_same_attempt_are_told_as_such() -> None:
    first, second = an_action(action_execution_id="attempt-1"), an_action(action_execution_id="attempt-1b")
    more = step(begun(), failed(1, UNEXPLAINED, first, second))
    assert (more.status, len(more.actions)) == (Status.NEEDS_HUMAN, 2)
    assert more.trail[-1].in_full.startswith("Deploy has more failed actions; a person is asked. ")


def test_failing_again_with_an_issue_open_waits_again() -> None:
    again = step(in_status(Status.RETRYING), failed(2))
    assert (again.status, again.automatic_retries, again.retries) == (Status.BLOCKED, 1, 1)
    assert (again.retry, again.claim, again.held_at) == (None, None, NOW)
    assert again.trail[-1].what == "Deploy failed again; held by the ECS issue in us-east-1 until the all-clear"


def test_the_last_retry_of_the_budget_leaves_the_failure_to_a_person() -> None:
    again = step(in_status(Status.RETRYING, automatic_retries=3), failed(2))
    assert (again.status, again.automatic_retries) == (Status.NEEDS_HUMAN, 3)
    assert again.note == "The budget of 3 automatic retries is spent."
    assert again.trail[-1].in_full == (
        f"Deploy failed again; a person is asked. The budget of 3 automatic retries is spent. {EXPLAINED.reason}"
    )


def test_a_new_failure_opens_what_had_ended_with_a_new_budget() -> None:
    for status in (Status.RECOVERED, Status.SUPERSEDED, Status.STOPPED, Status.DISMISSED):
        ended = in_status(status, automatic_retries=3, gate_stops=2, held_at=NOW - timedelta(days=3))
        again = step(ended, failed(2))
        assert (again.status, again.automatic_retries, again.gate_stops) == (Status.BLOCKED, 0, 0)
        assert (again.held_at, again.finished_at) == (SOON, None)


def test_a_retry_the_gate_stopped_again_costs_nothing_and_backs_off() -> None:
    """2, 5, then 15 minutes after each further all-clear; the budget stays whole."""
    gate = a_gate_action(action_execution_id="stop-0")
    execution = begin(KEY, failed(0, EXPLAINED, gate, at=NOW), NOW, POLICY)
    delays = []
    for number in range(1, 6):
        resuming = step(execution, ALL_CLEAR)
        assert resuming.retry is not None
        delays.append(resuming.retry.not_before_at - SOON)
        assert resuming.due_at is not None
        assert resuming.due_at >= resuming.retry.not_before_at
        execution = gate_stops(resuming, number)
        assert (execution.status, execution.automatic_retries) == (Status.BLOCKED, 0)
    assert delays == [timedelta(0), *GATE_BACKOFF, GATE_BACKOFF[-1]]
    assert execution.retries == 5


def test_more_that_is_told_of_a_stop_by_the_gate_is_no_second_stop() -> None:
    stop, other = a_gate_action(action_execution_id="stop-1"), an_action(action_execution_id="other")
    once = begin(KEY, failed(1, EXPLAINED, stop, at=NOW), NOW, POLICY)
    more = step(once, failed(1, EXPLAINED, stop, other))
    assert (once.gate_stops, more.gate_stops) == (1, 1)
    assert more.trail[-1].what.startswith("Deploy has more failed actions")


def test_another_failure_than_the_gates_ends_its_backing_off() -> None:
    stopped = in_status(Status.BLOCKED, gate_stops=3)
    assert step(stopped, failed(2)).gate_stops == 0


def test_held_too_long_asks_a_person_once() -> None:
    """At MaxAgeHours to the second; afterwards neither time nor the all-clear resumes it unasked."""
    held, at = begun(), NOW + POLICY.max_age
    assert held.due_at is not None
    assert step(held, TooOld(), at=at - timedelta(seconds=1)) is held
    asked = step(held, TooOld(), at=at)
    assert (asked.status, asked.note) == (
        Status.NEEDS_HUMAN,
        "It has waited for 24 hours, too long to resume unasked.",
    )
    assert step(asked, TooOld(), Explained(EXPLAINED), at=at + timedelta(hours=1)) is asked
    told = step(asked, ALL_CLEAR, at=at + timedelta(hours=1))
    assert (told.status, told.blockers, told.retry) == (Status.NEEDS_HUMAN, (), None)


def test_an_all_clear_that_comes_too_late_resumes_nothing_unasked() -> None:
    late = step(begun(), ALL_CLEAR, at=NOW + POLICY.max_age)
    assert (late.status, late.blockers) == (Status.NEEDS_HUMAN, ())
    assert "but not resumed. It has waited for 24 hours" in late.trail[-1].in_full


def test_a_failure_heard_of_too_late_is_not_held_at_all() -> None:
    old = begin(KEY, failed(1, at=NOW - timedelta(hours=30)), NOW, POLICY)
    assert (old.status, old.held_at) == (Status.NEEDS_HUMAN, NOW - timedelta(hours=30))


def test_a_pipeline_that_wants_no_automatic_retries_is_held_and_then_handed_to_a_person() -> None:
    held = begun(tags=PipelineTags(auto_retry=False))
    assert held.status is Status.BLOCKED
    asked = step(held, ALL_CLEAR)
    assert (asked.status, asked.released_at) == (Status.NEEDS_HUMAN, SOON)
    assert asked.note == "Automatic retries are off for this pipeline (tag allclear:auto-retry)."


def test_no_budget_at_all_means_a_person_every_time() -> None:
    none = Policy(max_automatic_retries=0)
    assert begin(KEY, failed(1), NOW, none).status is Status.NEEDS_HUMAN


def test_the_hold_ends_when_the_close_came_and_never_before_it_began() -> None:
    """The settle time and the page it was released on are Allclear's own; a late failure was never held at all."""
    closed_at = SOON - timedelta(minutes=5)
    assert step(begun(), Released(ISSUE_ARN, "closed", closed_at)).released_at == closed_at
    assert step(begun(), Released(ISSUE_ARN, "closed", NOW - timedelta(hours=1))).released_at == NOW


def test_a_stage_that_passes_recovers_from_anything_and_keeps_nothing_owed() -> None:
    for status in set(Status) - {Status.RECOVERED}:
        passed = step(in_status(status), StagePassed())
        assert (passed.status, passed.finished_at, passed.due_at) == (Status.RECOVERED, SOON, None)
        assert (passed.retry, passed.claim, passed.blockers, passed.note) == (None, None, (), "")
        assert passed.trail[-1].what == "Deploy passed"


def test_passing_before_the_answer_came_counts_the_retry_that_was_made() -> None:
    passed = step(resuming_claimed(), StagePassed())
    assert (passed.status, passed.retries, passed.automatic_retries) == (Status.RECOVERED, 1, 1)
    assert step(passed, Accepted("claim-1")) is passed


@pytest.mark.parametrize(
    ("event", "status", "note"),
    [
        (Overtaken("new-1"), Status.SUPERSEDED, "Execution new-1 took the stage; this one is left alone."),
        (Overtaken(), Status.SUPERSEDED, "A newer execution took the stage; this one is left alone."),
        (StageStopped(), Status.STOPPED, "The execution was stopped; it is left alone."),
        (
            StageGone("The pipeline web no longer exists"),
            Status.STOPPED,
            "The pipeline web no longer exists; there is nothing left to retry.",
        ),
    ],
)
def test_an_end_by_another_hand_says_so(
    event: Overtaken | StageStopped | StageGone, status: Status, note: str
) -> None:
    ended = step(in_status(Status.BLOCKED), event)
    assert (ended.status, ended.note, ended.trail[-1].what, ended.due_at) == (status, note, note, None)


def test_a_retry_that_was_refused_because_it_was_overtaken_costs_nothing() -> None:
    ended = step(resuming_claimed(), Overtaken())
    assert (ended.status, ended.automatic_retries, ended.retries) == (Status.SUPERSEDED, 0, 0)


def test_a_retry_in_the_console_is_told_as_not_ours() -> None:
    for status in (Status.BLOCKED, Status.NEEDS_HUMAN, Status.RESUMING):
        running = step(in_status(status), StageRunning())
        assert (running.status, running.note) == (Status.RETRYING, "Retried outside Allclear.")
        assert (running.automatic_retries, running.retries) == (0, 0)
        assert step(running, failed(2)).status is Status.BLOCKED
