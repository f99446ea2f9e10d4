"""Everything that waits has a clock that fits what it waits for."""

from datetime import timedelta

from bot.clocks import (
    OUTCOME_LOOK,
    POSTPONE_MOST,
    SLOW_LOOK,
    SLOW_LOOK_JITTER,
    WAKE_AFTER,
    jitter,
    next_due,
    postponed_until,
)
from bot.model import Status
from tests.builders import NOW, a_key
from tests.core.lifecycle_events import POLICY, a_claim, a_plan, in_status


def test_an_unexplained_failure_is_looked_at_after_1_5_15_60_and_240_minutes() -> None:
    """Counted from the failure, so that no counter is kept; after that slowly."""
    failure, at, looks = in_status(Status.NEEDS_HUMAN), NOW, []
    for _ in range(5):
        due = next_due(failure, at, POLICY)
        assert due is not None
        looks.append(due - NOW)
        at = due
    assert looks == [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)]
    slow = next_due(failure, at, POLICY)
    assert slow is not None
    assert SLOW_LOOK <= slow - at <= SLOW_LOOK + SLOW_LOOK_JITTER


def test_a_held_failure_is_looked_at_slowly_and_at_its_greatest_age() -> None:
    held, end = in_status(Status.BLOCKED), NOW + POLICY.max_age
    first = next_due(held, NOW, POLICY)
    assert first is not None
    assert SLOW_LOOK <= first - NOW <= SLOW_LOOK + SLOW_LOOK_JITTER
    assert next_due(held, end - timedelta(hours=1), POLICY) == end


def test_thousands_of_held_failures_do_not_wake_together() -> None:
    spread = {jitter(in_status(Status.BLOCKED, key=a_key(pipeline=f"p{number}"))) for number in range(200)}
    assert len(spread) > 100
    assert all(timedelta(0) <= each < SLOW_LOOK_JITTER for each in spread)


def test_an_owed_retry_is_woken_when_it_may_be_made_or_when_the_stream_did_not_bring_it() -> None:
    assert next_due(in_status(Status.RESUMING), NOW, POLICY) == NOW + WAKE_AFTER
    later = NOW + timedelta(seconds=20)
    assert next_due(in_status(Status.RESUMING, retry=a_plan(not_before_at=later)), NOW, POLICY) == later
    claimed = in_status(Status.RESUMING, claim=a_claim())
    assert next_due(claimed, NOW, POLICY) == a_claim().lease_until_at


def test_an_outcome_is_asked_for_after_five_minutes() -> None:
    assert next_due(in_status(Status.RETRYING), NOW, POLICY) == NOW + OUTCOME_LOOK


def test_an_end_has_no_clock() -> None:
    assert {next_due(in_status(status), NOW, POLICY) for status in Status if status.finished} == {None}


def test_backing_off_doubles_from_thirty_seconds_to_a_quarter_of_an_hour() -> None:
    delays = []
    for times in (0, 1, 2, 5, 60):
        execution = in_status(Status.RESUMING, retry=a_plan(postponed=times))
        delays.append(postponed_until(execution, NOW) - NOW - jitter(execution) / 60)
    assert delays == [*(timedelta(seconds=seconds) for seconds in (30, 60, 120)), POSTPONE_MOST, POSTPONE_MOST]
