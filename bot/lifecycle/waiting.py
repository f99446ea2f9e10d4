"""The steps of a deploy that a gate keeps waiting: nothing failed, nothing is retried; the gate ends it."""

from dataclasses import replace
from datetime import datetime

from bot.lifecycle.events import GateLost, GatePassed, GateWaits
from bot.lifecycle.state import next_state, unborn
from bot.model import ALLCLEAR, Execution, ExecutionKey, Status
from bot.names import issue_at
from bot.policy import Policy


def begin_waiting(key: ExecutionKey, event: GateWaits, now: datetime, policy: Policy) -> Execution:
    """The first state of a stage in which a gate waits: version 1."""
    return wait(unborn(key, event.since_at, event.attribution, now), event, now, policy)


def wait(execution: Execution, event: GateWaits, now: datetime, policy: Policy) -> Execution:
    """Held by the gate's own issues. A wait that is known is news only where it waits for something else now."""
    blockers = event.attribution.blockers
    same_wait = execution.waiting and execution.status is Status.BLOCKED and execution.failed_at == event.since_at
    if same_wait:
        if blockers == execution.blockers:
            return execution
        what = "the gate waits for other issues now" if blockers else "the gate waits"
        return next_state(execution, now, policy, what, blockers=blockers, attribution=event.attribution)
    waiting = replace(
        execution,
        actions=(),
        condition="",
        failed_at=event.since_at,
        held_at=event.since_at,
        released_at=None,
        retry=None,
        claim=None,
        tags=event.tags,
        revision=event.revision or execution.revision,
        waits_until=event.until_at,
        hangs_since=None,
    )
    names = ", ".join(issue_at(blocker.service, blocker.region) for blocker in blockers[:3])
    what = f"the gate keeps it waiting{f' for {names}' if names else ''}"
    return next_state(
        waiting, now, policy, what,
        status=Status.BLOCKED, note="", blockers=blockers, attribution=event.attribution, anew=True,
    )  # fmt: skip


def let_through(execution: Execution, event: GatePassed, now: datetime, policy: Policy) -> Execution:
    """The end of the wait; a later failure of the same stage opens it again."""
    if not execution.waiting:
        return execution
    what = "the gate let it through, as overridden" if event.by else "the gate let it through"
    return next_state(
        execution, now, policy, what, by=event.by or ALLCLEAR,
        status=Status.RECOVERED, note="", blockers=(), waits_until=None,
        released_at=None if event.by else execution.released_at or now,
    )  # fmt: skip


def lose(execution: Execution, event: GateLost, now: datetime, policy: Policy) -> Execution:
    """Nobody can say what CodePipeline will do, so a person looks. Another job of the gate's takes it up again."""
    if not execution.waiting:
        return execution
    note = f"The waiting gate has not been heard of since {event.seen_at:%H:%M} UTC, and its stage still runs."
    return next_state(execution, now, policy, note, status=Status.NEEDS_HUMAN, note=note, blockers=())
