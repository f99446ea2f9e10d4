"""An override: from where it leads where, what it costs, and what is remembered of it."""

from datetime import timedelta

import pytest

from bot.errors import IllegalTransition
from bot.lifecycle import (
    Accepted,
    Claimed,
    Explained,
    Lapsed,
    Overridden,
    Postponed,
    Refused,
    RetryRequested,
    StageRunning,
)
from bot.model import RULE, RetryPlan, Status
from tests.builders import a_gate_action, an_action
from tests.core.lifecycle_events import EXPLAINED, SOON, USER, failed, in_status, resuming_claimed, step

CAROL = "U0CAROL"
OVERRIDDEN = Overridden(CAROL, "the fix is in this very deploy")
BY_GATE = (a_gate_action(action_execution_id="attempt-1"),)
BY_RULE = (an_action(name="ErrorAlarm", action_execution_id="attempt-1", category=RULE),)
CONDITION = {"actions": BY_RULE, "condition": "BEFORE_ENTRY"}
LATER = SOON + timedelta(minutes=2)


@pytest.mark.parametrize("status", [Status.BLOCKED, Status.NEEDS_HUMAN, Status.RESUMING])
def test_an_override_is_the_persons_own_retry_at_once_and_costs_no_budget(status: Status) -> None:
    after = step(in_status(status, actions=BY_GATE), OVERRIDDEN)
    assert (after.status, after.automatic_retries, after.note) == (Status.RESUMING, 0, "")
    assert after.retry == RetryPlan(CAROL, SOON, SOON, override=True)
    claimed = step(after, Claimed("claim-2", LATER))
    assert claimed.claim is not None
    assert not claimed.claim.spent_budget


def test_its_line_of_history_says_who_that_it_was_an_override_and_why() -> None:
    gate = step(in_status(Status.BLOCKED, actions=BY_GATE), OVERRIDDEN).trail[-1]
    assert (gate.by, gate.what) == (CAROL, "overrode the health gate: the fix is in this very deploy")
    condition = step(in_status(Status.NEEDS_HUMAN, **CONDITION), OVERRIDDEN).trail[-1]
    assert condition.what == "overrode the stage's entry condition: the fix is in this very deploy"
    success = step(in_status(Status.NEEDS_HUMAN, actions=BY_RULE, condition="ON_SUCCESS"), OVERRIDDEN).trail[-1]
    assert success.what.startswith("overrode the stage's success condition: ")


@pytest.mark.parametrize("status", Status)
def test_a_failed_action_cannot_be_overridden_only_retried(status: Status) -> None:
    with pytest.raises(IllegalTransition):
        step(in_status(status), OVERRIDDEN)


def test_it_outlives_issues_that_open_before_the_retry() -> None:
    """Whoever overrides knows that something is open."""
    owed = step(in_status(Status.BLOCKED, actions=BY_GATE), OVERRIDDEN)
    assert step(owed, Explained(EXPLAINED)) is owed


def test_it_takes_a_persons_plain_retry_over() -> None:
    """That one would only be stopped again."""
    asked = step(in_status(Status.BLOCKED, actions=BY_GATE), RetryRequested(USER), OVERRIDDEN)
    assert asked.retry == RetryPlan(CAROL, SOON, SOON, override=True)


def test_a_plain_retry_after_it_changes_nothing() -> None:
    owed = step(in_status(Status.BLOCKED, actions=BY_GATE), OVERRIDDEN)
    assert step(owed, RetryRequested(USER)) is owed


def test_older_buttons_are_stale_after_it() -> None:
    owed = step(in_status(Status.RESUMING, actions=BY_GATE), OVERRIDDEN)
    assert owed.entered_version == owed.version


def test_a_call_that_is_being_made_is_let_finish() -> None:
    """Its claim stays; only if CodePipeline refuses it for now is the next call the override's."""
    in_flight = step(resuming_claimed(**CONDITION), OVERRIDDEN)
    assert in_flight.claim == resuming_claimed().claim
    accepted = step(in_flight, Accepted("claim-1"))
    assert (accepted.status, accepted.retries) == (Status.RETRYING, 1)
    refused = step(in_flight, Postponed("not retryable", LATER, "claim-1", not_retryable=True))
    assert (refused.claim, refused.automatic_retries, refused.passes_condition) == (None, 0, True)


def test_a_claim_whose_call_may_have_been_made_is_not_forgotten() -> None:
    """Its lease is over and nobody has looked yet: a stage that runs by then runs by our own call."""
    unsure = resuming_claimed(actions=BY_GATE)
    after = step(unsure, OVERRIDDEN, StageRunning(), at=SOON + timedelta(minutes=5))
    assert (after.status, after.retries, after.note) == (Status.RETRYING, 1, "")


def test_during_a_retry_it_waits_for_the_gate_and_moves_nothing() -> None:
    running = in_status(Status.RETRYING, actions=BY_GATE)
    after = step(running, OVERRIDDEN)
    assert (after.status, after.claim, after.retry) == (Status.RETRYING, running.claim, running.retry)
    assert (after.entered_at, after.entered_version) == (running.entered_at, running.entered_version)
    assert after.trail[-1].by == CAROL


def test_during_a_retry_nothing_asks_about_a_condition_again() -> None:
    with pytest.raises(IllegalTransition):
        step(in_status(Status.RETRYING, **CONDITION), OVERRIDDEN)


def test_a_condition_that_is_overridden_is_asked_for_in_its_own_words() -> None:
    owed = step(in_status(Status.NEEDS_HUMAN, **CONDITION), OVERRIDDEN)
    assert owed.passes_condition
    claimed = step(owed, Claimed("claim-2", LATER))
    assert claimed.trail[-1].what == "asking CodePipeline to pass the condition"
    assert step(claimed, Accepted("claim-2")).trail[-1].what == "CodePipeline accepted the override"
    refused = step(claimed, Refused("ConditionNotOverridableException: no", "claim-2"))
    expected = "CodePipeline refused the override: ConditionNotOverridableException: no"
    assert (refused.status, refused.note) == (Status.NEEDS_HUMAN, expected)


def test_a_gate_that_is_overridden_is_retried_as_ever() -> None:
    """The gate is an action, and reads the override itself."""
    assert not step(in_status(Status.BLOCKED, actions=BY_GATE), OVERRIDDEN).passes_condition


def test_an_override_that_ran_out_asks_a_person() -> None:
    owed = step(in_status(Status.NEEDS_HUMAN, **CONDITION), OVERRIDDEN)
    after = step(owed, Lapsed("It ran out."))
    assert (after.status, after.note, after.retry) == (Status.NEEDS_HUMAN, "It ran out.", None)


def test_the_failure_of_an_action_after_it_is_no_condition_any_more() -> None:
    """What a person let pass is passed; this failure is another one, and cannot be overridden."""
    running = step(
        in_status(Status.NEEDS_HUMAN, **CONDITION), OVERRIDDEN, Claimed("claim-2", LATER), Accepted("claim-2")
    )
    after = step(running, failed(2))
    assert (after.condition, after.status) == ("", Status.BLOCKED)
    with pytest.raises(IllegalTransition):
        step(after, OVERRIDDEN)


def test_a_condition_that_fails_again_is_known_for_one() -> None:
    fresh = an_action(name="ErrorAlarm", action_execution_id="attempt-2", category=RULE)
    after = step(in_status(Status.RETRYING), failed(2, EXPLAINED, fresh, condition="ON_SUCCESS"))
    assert (after.condition, after.actions) == ("ON_SUCCESS", (fresh,))
