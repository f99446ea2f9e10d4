"""What the workflows reach the world through, and the one way to save a decision about an execution."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.errors import VersionConflict
from bot.evidence import Evidence
from bot.lifecycle import Event, advance
from bot.model import Execution, ExecutionKey
from bot.policy import Policy
from bot.ports import Calendar, Health, Pipelines, Store

logger = logging.getLogger(__name__)

SAVE_ATTEMPTS = 8  # optimistic saves; each conflict means that somebody else got on


@dataclass(frozen=True, slots=True)
class World:
    """The ports and settings of one installation."""

    store: Store
    pipelines: Pipelines
    health: Health
    calendar: Calendar
    evidence: Evidence
    policy: Policy
    account: str  # the account Allclear runs in
    new_id: Callable[[], str]  # unique ids for claims and hints


def save(world: World, before: Execution | None, after: Execution) -> None:
    """Save `after` with the edges of the issues that newly hold it. Raises VersionConflict."""
    known = {blocker.issue for blocker in before.blockers} if before else set()
    new = [blocker.issue for blocker in after.blockers if blocker.issue not in known]
    world.store.save_execution(after, holding=new)
    logger.info("%s is %s: %s", after.key, after.status, after.trail[-1].in_full)


def apply(world: World, key: ExecutionKey, event: Event, now: datetime) -> Execution | None:
    """Load, advance by an event that holds whatever the state is by then, save. None: no such execution.

    Raises IllegalTransition, and VersionConflict after SAVE_ATTEMPTS.
    """
    return decide(world, key, lambda _execution: event, now)


def decide(
    world: World, key: ExecutionKey, choose: Callable[[Execution], Event | None], now: datetime
) -> Execution | None:
    """As `apply`, the event chosen from the state as it is loaded each time; None changes nothing."""
    for _ in range(SAVE_ATTEMPTS):
        execution = world.store.load_execution(key)
        if execution is None:
            return None
        event = choose(execution)
        after = advance(execution, event, now, world.policy) if event is not None else execution
        if after is execution:
            return execution
        try:
            save(world, execution, after)
        except VersionConflict:
            continue
        return after
    raise VersionConflict(f"{key} was changed by others {SAVE_ATTEMPTS} times in a row")
