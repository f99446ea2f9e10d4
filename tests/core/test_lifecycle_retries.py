"""A retry that is owed: claimed, answered, refused, postponed; and what people say."""

from datetime import timedelta

import pytest

from bot.errors import IllegalTransition
from bot.lifecycle import (
    Accepted,
    Claimed,
    Dismissed,
    Explained,
    Frozen,
    Postponed,
    Refused,
    Released,
    RetryLost,
    RetryRequested,
    StagePassed,
    StageRunning,
    TooOld,
    Undone,
)
from bot.model import ALLCLEAR, Status
from bot.policy import Policy
from tests.builders import ISSUE_ARN, NOW, a_blocker
from tests.core.lifecycle_events import (
    EXPLAINED,
    POLICY,
    SOON,
    USER,
    a_claim,
    a_plan,
    failed,
    in_status,
    resuming_claimed,
    step,
)

LEASE_END = SOON + timedelta(seconds=90)
LATER = SOON + timedelta(minutes=1)


def test_a_claim_spends_the_budget_and_waits_for_its_lease() -> None:
    claimed = step(in_status(Status.RESUMING), Claimed("claim-1", LEASE_END))
    assert claimed.claim == a_claim()
    assert (claimed.status, claimed.automatic_retries, claimed.due_at) == (Status.RESUMING, 1, LEASE_END)
    assert claimed.trail[-1].what == "asking CodePipeline to retry"
    assert claimed.trail[-1].evidence == "The same failure stands, nothing is frozen, no known issue explains it."


def test_a_live_lease_cannot_be_claimed_over() -> None:
    with pytest.raises(IllegalTransition):
        step(resuming_claimed(), Claimed("claim-2", LEASE_END), at=LEASE_END - timedelta(seconds=1))


def test_an_expired_claim_is_taken_over_and_paid_once() -> None:
    again = step(resuming_claimed(), Claimed("claim-2", LEASE_END + timedelta(seconds=90)), at=LEASE_END)
    assert again.claim is not None
    assert (again.claim.claim_id, again.automatic_retries) == ("claim-2", 1)
    assert again.trail[-1].what == "asking CodePipeline again"


def test_the_last_of_the_budget_may_be_claimed_again_after_an_unknown_outcome() -> None:
    last = resuming_claimed(automatic_retries=3)
    again = step(last, Claimed("claim-2", LEASE_END + timedelta(seconds=90)), at=LEASE_END)
    assert (again.status, again.automatic_retries) == (Status.RESUMING, 3)


def test_a_claim_without_budget_asks_a_person_instead() -> None:
    """The stack's maximum was lowered while the retry was owed."""
    lowered = Policy(max_automatic_retries=1)
    asked = step(in_status(Status.RESUMING, automatic_retries=1), Claimed("c", LEASE_END), policy=lowered)
    assert (asked.status, asked.claim, asked.retry, asked.automatic_retries) == (Status.NEEDS_HUMAN, None, None, 1)
    assert asked.note == "The budget of 1 automatic retry is spent."


def test_a_claim_that_comes_too_late_asks_a_person_instead() -> None:
    """However often the outcome stays unknown, nothing is retried unasked after MaxAgeHours."""
    late = NOW + POLICY.max_age
    asked = step(resuming_claimed(), Claimed("c", late + timedelta(seconds=90)), at=late)
    assert (asked.status, asked.claim, asked.automatic_retries) == (Status.NEEDS_HUMAN, None, 0)


def test_a_persons_retry_costs_no_budget_and_is_not_bound_by_it() -> None:
    spent = in_status(Status.NEEDS_HUMAN, automatic_retries=3)
    claimed = step(spent, RetryRequested(USER), Claimed("claim-1", LEASE_END))
    assert claimed.claim is not None
    assert (claimed.claim.spent_budget, claimed.automatic_retries) == (False, 3)
    accepted = step(claimed, Accepted("claim-1"))
    assert (accepted.status, accepted.automatic_retries, accepted.retries) == (Status.RETRYING, 3, 1)


def test_accepted_is_awaited() -> None:
    accepted = step(resuming_claimed(), Accepted("claim-1"))
    assert (accepted.status, accepted.retries, accepted.automatic_retries) == (Status.RETRYING, 1, 1)
    assert (accepted.trail[-1].what, accepted.trail[-1].by) == ("CodePipeline accepted the retry", ALLCLEAR)


def test_running_seen_before_the_answer_is_our_own_retry() -> None:
    running = step(resuming_claimed(), StageRunning())
    assert (running.status, running.retries, running.note) == (Status.RETRYING, 1, "")
    assert step(running, Accepted("claim-1")) is running


def test_failing_again_before_the_answer_came_counts_the_retry() -> None:
    again = step(resuming_claimed(), failed(2), Accepted("claim-1"))
    assert (again.status, again.retries, again.automatic_retries) == (Status.BLOCKED, 1, 1)


def test_not_now_gives_the_budget_back_and_keeps_the_retry_owed() -> None:
    postponed = step(resuming_claimed(), Postponed("CodePipeline is busy", LATER, "claim-1"))
    assert (postponed.status, postponed.claim, postponed.automatic_retries) == (Status.RESUMING, None, 0)
    assert postponed.retry == a_plan(not_before_at=LATER, postponed=1)
    assert (postponed.due_at, postponed.entered_version) == (LATER, 1)
    assert postponed.note == "CodePipeline is busy"
    assert postponed.trail[-1].in_full == "not now. CodePipeline is busy. Again at 02:31 UTC."


def test_not_now_of_a_check_before_the_claim_costs_nothing_either() -> None:
    postponed = step(in_status(Status.RESUMING), Postponed("Health cannot be read", LATER))
    assert (postponed.retry, postponed.automatic_retries) == (a_plan(not_before_at=LATER, postponed=1), 0)


def test_not_now_of_somebody_elses_claim_is_no_news() -> None:
    claimed = resuming_claimed()
    assert step(claimed, Postponed("busy", LATER, "claim-0")) is claimed
    assert step(claimed, Postponed("busy", LATER)) is claimed
    assert step(claimed, Refused("no", "claim-0")) is claimed
    assert step(claimed, Accepted("claim-0")) is claimed


def test_not_now_for_a_whole_day_asks_a_person() -> None:
    at = NOW + POLICY.max_age
    asked = step(in_status(Status.RESUMING), Postponed("CodePipeline is busy", at + timedelta(minutes=15)), at=at)
    assert (asked.status, asked.retry) == (Status.NEEDS_HUMAN, None)
    assert asked.note == "CodePipeline is busy. It has waited for 24 hours, too long to resume unasked."


def test_a_refusal_gives_the_budget_back_and_asks_a_person() -> None:
    refused = step(resuming_claimed(), Refused("StageNotFoundException", "claim-1"))
    assert (refused.status, refused.automatic_retries, refused.retries) == (Status.NEEDS_HUMAN, 0, 0)
    assert refused.note == "CodePipeline refused the retry: StageNotFoundException"


def test_a_refusal_after_the_stage_was_seen_running_is_somebody_elses_retry() -> None:
    """RESUMED may be seen before "refused" is saved: what was counted as ours is given back, once."""
    running = step(resuming_claimed(), StageRunning())
    for answer in (Refused("not retryable", "claim-1"), Postponed("not retryable", LATER, "claim-1")):
        outside = step(running, answer)
        assert (outside.status, outside.automatic_retries, outside.retries) == (Status.RETRYING, 0, 0)
        assert outside.note == "Retried outside Allclear."
        assert step(outside, answer) is outside


def test_a_closed_way_in_asks_a_person_and_costs_nothing() -> None:
    why = "The transition into Deploy is disabled: release freeze."
    frozen = step(resuming_claimed(), Frozen(why), at=LEASE_END)
    assert (frozen.status, frozen.claim, frozen.automatic_retries) == (Status.NEEDS_HUMAN, None, 0)
    assert frozen.note == why


def test_an_accepted_retry_that_started_nothing_asks_a_person() -> None:
    lost = step(in_status(Status.RETRYING), RetryLost())
    assert (lost.status, lost.claim) == (Status.NEEDS_HUMAN, None)
    assert lost.note == "CodePipeline accepted a retry, but the stage still shows the same failure."


def test_a_run_outside_that_never_was_holds_again() -> None:
    """One lagging answer of CodePipeline showed the stage running; nobody had retried it."""
    back = step(in_status(Status.BLOCKED), StageRunning(), RetryLost())
    assert (back.status, back.blockers) == (Status.BLOCKED, (a_blocker(),))
    assert (
        back.trail[-1].what
        == "the stage is not running after all; held by the ECS issue in us-east-1 until the all-clear"
    )


def test_a_click_does_not_wait_for_the_all_clear() -> None:
    asked = step(in_status(Status.BLOCKED), RetryRequested(USER))
    wish = a_plan(requested_by=USER, requested_at=SOON, not_before_at=SOON)
    assert (asked.status, asked.retry) == (Status.RESUMING, wish)
    assert (asked.trail[-1].what, asked.trail[-1].by) == (
        "asked for a retry with an issue open (ECS in us-east-1)",
        USER,
    )
    assert step(asked, Explained(EXPLAINED)) is asked, "the person knows what is open"


def test_a_click_brings_a_postponed_retry_forward() -> None:
    waiting = in_status(Status.RESUMING, retry=a_plan(not_before_at=SOON + timedelta(minutes=15), postponed=5))
    hastened = step(waiting, RetryRequested(USER))
    assert hastened.retry == a_plan(requested_by=USER, requested_at=SOON, not_before_at=SOON)
    assert hastened.entered_version == hastened.version
    assert step(hastened, RetryRequested("U0BOB")) is hastened
    claimed = resuming_claimed()
    assert step(claimed, RetryRequested(USER)) is claimed


def test_a_persons_retry_that_fails_begins_a_new_hold() -> None:
    """Too old was said once; the person who retried decided that it is worth waiting again."""
    late = NOW + POLICY.max_age + timedelta(hours=1)
    old = step(in_status(Status.BLOCKED), TooOld(), at=late)
    retried = step(
        old, RetryRequested(USER), Claimed("claim-1", late + timedelta(seconds=90)), Accepted("claim-1"), at=late
    )
    again = step(retried, failed(2, at=late), at=late)
    assert (again.status, again.held_at) == (Status.BLOCKED, late)


def test_dont_resume_is_obeyed_until_it_is_undone() -> None:
    dismissed = step(in_status(Status.BLOCKED), Dismissed(USER))
    assert (dismissed.status, dismissed.due_at, dismissed.finished_at) == (Status.DISMISSED, None, SOON)
    quiet = step(dismissed, Released(ISSUE_ARN, "closed"), Explained(EXPLAINED), StageRunning(), Dismissed(USER))
    assert quiet is dismissed
    undone = step(dismissed, Undone(USER))
    assert (undone.status, undone.due_at, undone.finished_at) == (Status.BLOCKED, SOON, None)
    assert undone.blockers == (a_blocker(),)
    assert step(dismissed, StagePassed()).status is Status.RECOVERED


def test_undoing_what_was_with_a_person_gives_it_back_to_a_person() -> None:
    spent = {"attribution": EXPLAINED, "automatic_retries": 3, "blockers": (a_blocker(),)}
    for before in (in_status(Status.NEEDS_HUMAN), in_status(Status.NEEDS_HUMAN, **spent)):
        undone = step(before, Dismissed(USER), Undone(USER))
        assert (undone.status, undone.due_at) == (Status.NEEDS_HUMAN, SOON)


def test_undoing_after_the_all_clear_says_why_a_person_is_asked() -> None:
    """Dismissed between the all-clear and the retry: its explanation is over, and nothing resumes it unasked."""
    undone = step(in_status(Status.RESUMING, attribution=EXPLAINED), Dismissed(USER), Undone(USER))
    assert undone.status is Status.NEEDS_HUMAN
    assert undone.note == "What held it is over, but it was dismissed and is not resumed unasked."


def test_dont_resume_comes_too_late_while_codepipeline_is_being_asked() -> None:
    with pytest.raises(IllegalTransition):
        step(resuming_claimed(), Dismissed(USER))
    assert step(in_status(Status.RESUMING), Dismissed(USER)).retry is None
