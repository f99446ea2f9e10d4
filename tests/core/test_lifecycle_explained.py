"""What an issue that is heard of later does to a failure that is known."""

from dataclasses import replace
from datetime import timedelta

from bot.lifecycle import Explained, RetryRequested
from bot.model import Status
from tests.builders import ISSUE_ARN, NOW
from tests.core.lifecycle_events import (
    BY_ANOTHER,
    BY_BOTH,
    EXPLAINED,
    OTHER_ARN,
    SOON,
    UNEXPLAINED,
    USER,
    begun,
    in_status,
    resuming_claimed,
    step,
)


def test_one_more_issue_holds_a_held_failure_too() -> None:
    held = step(begun(), Explained(BY_BOTH))
    assert [blocker.issue for blocker in held.blockers] == [ISSUE_ARN, OTHER_ARN]
    assert held.trail[-1].in_full == f"also held by the EC2 issue in us-east-1. {EXPLAINED.reason}"
    assert step(held, Explained(EXPLAINED)) is held


def test_an_issue_takes_over_an_unexplained_failure() -> None:
    held = step(begun(UNEXPLAINED), Explained(EXPLAINED))
    assert (held.status, held.attribution, held.held_at) == (Status.BLOCKED, EXPLAINED, NOW)
    assert (
        held.trail[-1].what
        == "an issue explains it after all; held by the ECS issue in us-east-1 until the all-clear"
    )


def test_an_issue_holds_nothing_whose_budget_is_spent_or_that_is_too_old_and_says_so_once() -> None:
    asked = begun(UNEXPLAINED)
    for told in (
        step(replace(asked, automatic_retries=3), Explained(EXPLAINED)),
        step(asked, Explained(EXPLAINED), at=NOW + timedelta(hours=24)),
    ):
        assert (told.status, told.entered_version) == (Status.NEEDS_HUMAN, asked.entered_version)
        assert (told.blockers, told.attribution) == (EXPLAINED.blockers, EXPLAINED)
        assert told.trail[-1].evidence == f"{told.note} {EXPLAINED.reason}"
        assert step(told, Explained(EXPLAINED)) is told


def test_an_issue_calls_off_a_retry_that_was_not_claimed_yet() -> None:
    held = step(in_status(Status.RESUMING), Explained(BY_ANOTHER))
    assert (held.status, held.retry, held.released_at) == (Status.BLOCKED, None, None)
    assert held.trail[-1].what == "the retry is called off; held by the EC2 issue in us-east-1 until the all-clear"


def test_an_issue_does_not_call_off_what_a_person_asked_for() -> None:
    asked = step(in_status(Status.BLOCKED), RetryRequested(USER))
    assert step(asked, Explained(BY_ANOTHER)) is asked


def test_an_issue_calls_off_a_claim_whose_lease_ended_without_effect() -> None:
    """The failed attempts are still the same, so nothing was started, and the budget is given back."""
    held = step(resuming_claimed(), Explained(EXPLAINED), at=SOON + timedelta(minutes=2))
    assert (held.status, held.claim, held.automatic_retries) == (Status.BLOCKED, None, 0)
