"""When a waiting execution is looked at next. No status without an alarm clock; only ends have none."""

import zlib
from datetime import datetime, timedelta

from bot.model import Execution, ExecutionKey, Status
from bot.policy import Policy

LOOKS_AT_UNEXPLAINED = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
SLOW_LOOK = timedelta(hours=4)  # a held execution's own clock; its issues are watched every minute
SLOW_LOOK_JITTER = timedelta(minutes=30)
OUTCOME_LOOK = timedelta(minutes=5)  # a retry's outcome normally comes as an event
HANGING_LOOK = timedelta(minutes=15)  # how an action that runs for long ends comes as an event
WAKE_AFTER = timedelta(minutes=1)  # a retry the stream should have delivered by now
OWN_RETRY_COMES = timedelta(minutes=2)  # a stage with onFailure RETRY: it fails, and goes on by itself
STUCK_AFTER = timedelta(minutes=30)  # CodePipeline accepted a retry but shows the same failure ever since
CALENDAR_LOOK = timedelta(minutes=10)  # a change calendar that cannot be read, or does not tell when it opens
CALENDAR_SPREAD = timedelta(minutes=2)
GATE_BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 15))
POSTPONE_FIRST = timedelta(seconds=30)
POSTPONE_MOST = timedelta(minutes=15)


RELEASE_EACH = timedelta(milliseconds=600)  # a hundred releases a minute
RELEASE_MOST = timedelta(minutes=5)


def jitter(execution: Execution) -> timedelta:
    """Up to SLOW_LOOK_JITTER, the same for one execution each time, so that thousands do not wake together."""
    return spread(execution.key, SLOW_LOOK_JITTER)


def spread(key: ExecutionKey, window: timedelta) -> timedelta:
    """This execution's own place in a window: less than `window`, the same each time it is asked."""
    return window * (zlib.crc32(str(key).encode()) % 1000) / 1000


def release_window(released: int) -> timedelta:
    """Over which time the next page of an all-clear's retries is spread, after so many were released.

    The first page goes at once; the more there are, the wider, so that AWS meets a rising tide and no wave.
    """
    return min(RELEASE_MOST, RELEASE_EACH * released)


def postponed_until(execution: Execution, now: datetime) -> datetime:
    """Exponential backoff for a retry that CodePipeline cannot take now: 30 s, doubling, at most 15 minutes."""
    times = execution.retry.postponed if execution.retry else 0
    delay: timedelta = min(POSTPONE_MOST, POSTPONE_FIRST * (1 << min(times, 10)))
    return now + delay + jitter(execution) / 60


def calendar_look(execution: Execution, opens_at: datetime | None, now: datetime, policy: Policy) -> datetime:
    """When a retry that a closed change calendar holds is looked at again.

    As the calendar opens, within two minutes, so that a freeze's end brings no wave; sooner where that is far
    away (calendars are edited) or unknown; and at last when the hold gets too old to resume unasked.
    """
    first = now + CALENDAR_LOOK + jitter(execution) / 10
    if opens_at is not None and opens_at > now:
        opening = opens_at + spread(execution.key, CALENDAR_SPREAD)
        first = min(opening, now + SLOW_LOOK + jitter(execution))
    if execution.held_at is not None and now < execution.held_at + policy.max_age:
        first = min(first, execution.held_at + policy.max_age)
    return first


def next_due(execution: Execution, now: datetime, policy: Policy) -> datetime | None:
    """The instant at which the sweep looks at this execution again; None for an end."""
    match execution.status:
        case Status.BLOCKED if execution.hangs_since is not None:
            return now + HANGING_LOOK
        case Status.BLOCKED:
            slow = now + SLOW_LOOK + jitter(execution)
            if execution.held_at is not None and now < execution.held_at + policy.max_age:
                return min(slow, execution.held_at + policy.max_age)
            return slow
        case Status.RESUMING:
            if execution.claim is not None:
                return max(execution.claim.lease_until_at, now)
            not_before = execution.retry.not_before_at if execution.retry else now
            return max(not_before, now + WAKE_AFTER) if not_before <= now else not_before
        case Status.RETRYING:
            return now + OUTCOME_LOOK
        case Status.NEEDS_HUMAN:
            for age in LOOKS_AT_UNEXPLAINED:
                if execution.failed_at + age > now:
                    return execution.failed_at + age
            return now + SLOW_LOOK + jitter(execution)
        case _:
            return None
