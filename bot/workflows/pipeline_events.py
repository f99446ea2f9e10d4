"""What a CodePipeline event sets off. The event is a hint; the truth is read before anything is decided."""

import logging
from datetime import datetime, timedelta

from bot.errors import TryLater, VersionConflict
from bot.events import EventLevel, EventState, PipelineEvent
from bot.hints import Hint
from bot.model import Execution, Status
from bot.ports import Due, DueKind
from bot.workflows.ledger import IssueReader
from bot.workflows.observe import Run, observe, run_of
from bot.workflows.running import keep_track
from bot.workflows.world import World

logger = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(minutes=1)
NEWEST = 50  # executions of one pipeline an event is held against; the slow clocks cover the rest
OVERTAKEN = 3  # of those in a stage that a start is held against: where more wait, none of them can be overtaken


def on_pipeline_event(world: World, event: PipelineEvent, now: datetime) -> None:
    """A failure is saved as a hint before anything else, so that nothing can lose it; the rest only hastens."""
    if event.state is EventState.FAILED:
        _failed(world, event, now)
    else:
        _moved(world, event, now)
    keep_track(world, event)


def _failed(world: World, event: PipelineEvent, now: datetime) -> None:
    run = Run(event.account, event.region, event.pipeline, event.execution_id)
    hint = Hint(
        run.account, run.region, run.pipeline, run.execution_id,
        seen_at=now, due_at=now + LOOK_AGAIN, token=world.new_id(),
    )  # fmt: skip
    world.store.save_hint(hint)
    try:
        done = observe(world, IssueReader(world), run, {event.stage} if event.stage else set(), now)
    except (TryLater, VersionConflict) as busy:
        logger.info("%s: the failure is kept and looked at again in a minute (%s)", hint.key, busy)
        return
    if done:
        world.store.drop_hint(hint)


def _moved(world: World, event: PipelineEvent, now: datetime) -> None:
    """Something started, resumed, passed or stopped: whoever waits in that stage looks now instead of later."""
    reader = IssueReader(world)
    for execution in _waiting(world, event):
        try:
            observe(world, reader, run_of(execution.key), {execution.key.stage}, now)
        except (TryLater, VersionConflict) as busy:
            logger.info("%s: looked at again in a minute (%s)", execution.key, busy)
        _hasten(world, execution, now)


def _waiting(world: World, event: PipelineEvent) -> list[Execution]:
    """The unfinished executions this event may concern: its own, and those in the stage it entered.

    Where executions take turns, one waits in a stage, or a few if events came late or never. Only in a PARALLEL
    pipeline do many wait; every start there would ask CodePipeline about each of them, for nothing.
    """
    found, others = [], 0
    for execution in world.store.of_pipeline(event.pipeline, NEWEST):
        key = execution.key
        own = key.execution_id == event.execution_id and event.stage in (None, key.stage)
        passed = own and event.state is EventState.SUCCEEDED and execution.status is not Status.RECOVERED
        if (key.account, key.region) != (event.account, event.region) or (_has_ended(execution) and not passed):
            continue
        overtaken = (
            event.level is EventLevel.STAGE and event.state is EventState.STARTED and event.stage == key.stage
        )
        if own or (overtaken and others < OVERTAKEN):
            found.append(execution)
            others += 0 if own else 1
    return found


def _has_ended(execution: Execution) -> bool:
    """Ended for good: a dismissed execution may still pass, stop or be overtaken, a stopped one only pass."""
    return execution.status.finished and execution.status is not Status.DISMISSED


def _hasten(world: World, before: Execution, now: datetime) -> None:
    """The event may be ahead of CodePipeline's own answers: where nothing changed, look again in a minute."""
    execution = world.store.load_execution(before.key)
    if execution is None or execution.version != before.version or execution.due_at is None:
        return
    if execution.due_at > now + LOOK_AGAIN:
        world.store.postpone(Due(DueKind.EXECUTION, str(execution.key), execution.due_at), now + LOOK_AGAIN)
