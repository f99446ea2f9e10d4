"""Every status × event is decided, and this is what each pair leads to."""

from typing import Any, get_args

import pytest

from bot import lifecycle
from bot.errors import IllegalTransition
from bot.lifecycle import Overridden, advance
from bot.lifecycle.table import TABLE
from bot.model import Execution, Status
from tests.builders import a_gate_action
from tests.core.lifecycle_events import ONE_OF_EACH, POLICY, SOON, in_status, resuming_claimed

BLOCKED, RESUMING, RETRYING, NEEDS_HUMAN, RECOVERED, SUPERSEDED, STOPPED, DISMISSED = Status
SAME, ILLEGAL = "same", "illegal"

# Where one good example of each event leads from each status, in the order of the Status enum.
OUTCOMES: dict[str, tuple[object, ...]] = {
    "GateWaits": (BLOCKED,) * 8,
    "GatePassed": (SAME,) * 8,  # no gate waits
    "GateLost": (SAME,) * 8,
    "StageHangs": (SAME, SAME, RETRYING, SAME, BLOCKED, SAME, SAME, SAME),  # the failure that is known stands
    "StageFailed": (BLOCKED,) * 8,
    "StageRunning": (RETRYING, RETRYING, SAME, RETRYING, SAME, SAME, SAME, SAME),
    "StagePassed": (RECOVERED, RECOVERED, RECOVERED, RECOVERED, SAME, RECOVERED, RECOVERED, RECOVERED),
    "Overtaken": (SUPERSEDED, SUPERSEDED, SUPERSEDED, SUPERSEDED, SAME, SAME, SAME, SUPERSEDED),
    "StageStopped": (STOPPED, STOPPED, STOPPED, STOPPED, SAME, SAME, SAME, STOPPED),
    "StageGone": (STOPPED, STOPPED, STOPPED, STOPPED, SAME, SAME, SAME, STOPPED),
    "Explained": (SAME, BLOCKED, SAME, BLOCKED, SAME, SAME, SAME, SAME),  # BLOCKED by this very issue already
    "Released": (RESUMING, SAME, SAME, SAME, SAME, SAME, SAME, SAME),
    "TooOld": (SAME,) * 8,  # not old yet
    "RetryLost": (SAME, SAME, NEEDS_HUMAN, SAME, SAME, SAME, SAME, SAME),
    "Claimed": (ILLEGAL, RESUMING, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL),
    "Accepted": (SAME,) * 8,  # nothing is claimed
    "Postponed": (SAME, RESUMING, RETRYING, SAME, SAME, SAME, SAME, SAME),
    "Refused": (SAME, SAME, RETRYING, SAME, SAME, SAME, SAME, SAME),
    "Frozen": (SAME, NEEDS_HUMAN, SAME, SAME, SAME, SAME, SAME, SAME),
    "Lapsed": (SAME, NEEDS_HUMAN, SAME, SAME, SAME, SAME, SAME, SAME),
    "Overridden": (RESUMING, RESUMING, RETRYING, RESUMING, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL),  # by a gate
    "RetryRequested": (RESUMING, RESUMING, SAME, RESUMING, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL),
    "Dismissed": (DISMISSED, DISMISSED, ILLEGAL, DISMISSED, ILLEGAL, ILLEGAL, ILLEGAL, SAME),
    "Undone": (ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, NEEDS_HUMAN),
}
OUTCOMES_OF_A_CLAIMED_RETRY: dict[str, object] = {
    "GateWaits": BLOCKED,
    "GatePassed": SAME,
    "GateLost": SAME,
    "StageHangs": SAME,
    "StageFailed": BLOCKED,
    "StageRunning": RETRYING,
    "StagePassed": RECOVERED,
    "Overtaken": SUPERSEDED,
    "StageStopped": STOPPED,
    "StageGone": STOPPED,
    "Explained": SAME,
    "Released": SAME,
    "TooOld": SAME,
    "RetryLost": SAME,
    "Claimed": ILLEGAL,
    "Accepted": RETRYING,
    "Postponed": RESUMING,
    "Refused": NEEDS_HUMAN,
    "Frozen": SAME,
    "Lapsed": SAME,
    "RetryRequested": SAME,
    "Overridden": RESUMING,  # the call goes on; the next one, if there is one, is the override's
    "Dismissed": ILLEGAL,
    "Undone": ILLEGAL,
}


def stopped_for(event: lifecycle.Event) -> dict[str, Any]:
    """What the failure must have been for a good example of this event."""
    return {"actions": (a_gate_action(action_execution_id="attempt-1"),)} if isinstance(event, Overridden) else {}


def outcome(execution: Execution, event: lifecycle.Event) -> object:
    try:
        after = advance(execution, event, SOON, POLICY)
    except IllegalTransition:
        return ILLEGAL
    return SAME if after is execution else after.status


def test_every_event_has_a_row_and_every_row_a_step_for_each_status() -> None:
    """No pair is left to chance: the table has exactly the events of the Event type, eight steps each."""
    assert set(TABLE) == set(get_args(lifecycle.Event))
    assert {len(row) for row in TABLE.values()} == {len(Status)}


def test_the_examples_cover_every_event() -> None:
    """The tests below would otherwise leave a new event out without a word."""
    assert {type(event) for event in ONE_OF_EACH} == set(get_args(lifecycle.Event))
    assert set(OUTCOMES) == set(OUTCOMES_OF_A_CLAIMED_RETRY) == {type(event).__name__ for event in ONE_OF_EACH}


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("status", Status)
def test_each_pair_leads_where_the_table_of_outcomes_says(status: Status, event: lifecycle.Event) -> None:
    """A new status, the same object, or IllegalTransition."""
    expected = OUTCOMES[type(event).__name__][list(Status).index(status)]
    assert outcome(in_status(status, **stopped_for(event)), event) == expected


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_each_event_during_a_live_claim_leads_where_it_should(event: lifecycle.Event) -> None:
    """While CodePipeline is being asked, only its answers and the truth move the state."""
    execution = resuming_claimed(**stopped_for(event))
    assert outcome(execution, event) == OUTCOMES_OF_A_CLAIMED_RETRY[type(event).__name__]
