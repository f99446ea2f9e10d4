"""What runs, and when that is called hanging. Pure; and what the store keeps of it, as a protocol.

An action hangs where an open issue would explain its failure and it has run for longer than it usually does:
than nine in ten of its earlier successes took, or a quarter of an hour where none is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot import attribution
from bot.model import Attribution, Blocker, ExecutionKey, FailedAction, Issue, PipelineTags, Verdict
from bot.names import place
from bot.policy import Policy

LEAST = timedelta(minutes=5)  # nothing is called hanging sooner: a quick action may be late for many reasons
UNKNOWN = timedelta(minutes=15)  # where no earlier success is known

ActionName = tuple[str, str]  # stage and action


@dataclass(frozen=True, slots=True)
class RunningStage:
    """A stage that an event said has begun. Nothing is owed to it: it is looked at only while an issue is open."""

    key: ExecutionKey
    since_at: datetime  # when this run of the stage began
    look_at: datetime  # not before then


@dataclass(frozen=True, slots=True)
class RunningAction:
    """An action that runs now. `action` is what attribution would be given, had it failed."""

    action: FailedAction
    started_at: datetime


def usual_time(successes: Sequence[timedelta]) -> timedelta | None:
    """How long nine in ten of them took at most, so that one that hung does not count. None: none is known."""
    ranked = sorted(successes)
    return ranked[max(0, -(-9 * len(ranked) // 10) - 1)] if ranked else None


def hangs_at(running: RunningAction, usual: timedelta | None) -> datetime:
    """The instant from which it runs longer than usual."""
    return running.started_at + (UNKNOWN if usual is None else max(LEAST, usual))


def standing_in_the_way(
    running: RunningAction,
    account: str,
    tags: PipelineTags,
    issues: Sequence[Issue],
    now: datetime,
    policy: Policy,
) -> tuple[Blocker, ...]:
    """The open issues that would explain it, if this action failed now."""
    found = attribution.explain((running.action,), now, account, tags, [i for i in issues if i.open], now, policy)
    return found.blockers if found.verdict is Verdict.EXPLAINED else ()


def hanging(
    overdue: Sequence[tuple[RunningAction, timedelta | None]],
    account: str,
    tags: PipelineTags,
    issues: Sequence[Issue],
    now: datetime,
    policy: Policy,
    caveat: str = "",
) -> Attribution | None:
    """What is said of actions that run longer than usual, each with its usual time; None where nothing is open.

    Nothing in it grows with time, so that what was said once is no news when it is looked at again.
    """
    said: list[str] = []
    blockers: dict[str, Blocker] = {}
    for running, usual in sorted(overdue, key=lambda each: (each[0].started_at, each[0].action.name)):
        found = standing_in_the_way(running, account, tags, issues, now, policy)
        if found:
            blockers |= {blocker.issue: blocker for blocker in found}
            said.append(_sentence(running, usual, found))
    if not said:
        return None
    chosen = sorted(blockers.values(), key=lambda blocker: (blocker.start_at, blocker.issue))
    return Attribution(Verdict.EXPLAINED, " ".join(said), tuple(chosen), caveat)


def _sentence(running: RunningAction, usual: timedelta | None, found: Sequence[Blocker]) -> str:
    action = running.action
    works_on = sorted({blocker.service for blocker in found} & set(action.services))
    at_work = f", at work on {' and '.join(works_on)}" if works_on else ""
    names = " and ".join(f"the {blocker.service} issue {place(blocker.region)}" for blocker in found[:2])
    more = f" and {len(found) - 2} more" if len(found) > 2 else ""
    verb = "is" if len(found) == 1 else "are"
    if usual is None:
        longer = f"for more than {_minutes(UNKNOWN)} (how long it usually takes is not known)"
    elif usual < LEAST:
        longer = f"for more than {_minutes(LEAST)} (it usually takes {_minutes(usual)} at most)"
    else:
        longer = f"longer than its usual {_minutes(usual)}"
    return (
        f"{action.name} ({action.provider} in {action.region}{at_work}) has been running since "
        f"{running.started_at:%H:%M} UTC, {longer}, while {names}{more} {verb} open."
    )


def _minutes(time: timedelta) -> str:
    minutes = max(1, -(-int(time.total_seconds()) // 60))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


class RunningStages(Protocol):
    """What the store keeps of stages that run. bot.ports.Store is one."""

    def save_running(self, stage: RunningStage) -> None:
        """Write it, whatever was there."""
        ...

    def postpone_running(self, stage: RunningStage, until: datetime) -> None:
        """Look at this run of the stage again then. No-op if it is gone, or if another has begun."""
        ...

    def drop_running(self, key: ExecutionKey, ended_at: datetime) -> None:
        """Remove it, unless it began after `ended_at`: the end of an earlier run came late."""
        ...

    def running(self, limit: int) -> tuple[RunningStage, ...]:
        """Those that are known, in key order, by a consistent query."""
        ...
