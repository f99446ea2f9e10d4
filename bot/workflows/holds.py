"""What a waiting gate wrote down, held against CodePipeline's truth: the wait is shown, and never stranded.

The gate may write holds and nothing else; here one becomes the execution that has a card, a history and Override.
"""

import logging
from datetime import datetime, timedelta

from bot.errors import PipelineGone
from bot.gate_wait import LOST_AFTER
from bot.holds import Hold, HoldEnd
from bot.lifecycle import GateLost, GatePassed, GateWaits
from bot.lifecycle.waiting import begin_waiting
from bot.model import Attribution, ExecutionKey, Verdict
from bot.ports import Due, StageStatus, StageTruth
from bot.workflows.ledger import IssueReader
from bot.workflows.observe import Run, observe
from bot.workflows.world import World, apply, save

logger = logging.getLogger(__name__)

TOLD_WITHIN = timedelta(minutes=1)
"""What CodePipeline tells of a stage may be this old: that it runs on, or that somebody stopped it meanwhile."""


def look(world: World, reader: IssueReader, due: Due, now: datetime) -> None:
    """Bring the wait's execution up to the hold and the truth. Raises TryLater and VersionConflict.

    A hold is looked at when its gate begins, waits for other issues, or ends; else when it should have been lost.
    """
    hold = world.store.load_hold(due.key)
    if hold is None:
        return
    run = Run(hold.account, hold.region, hold.pipeline, hold.execution_id)
    try:
        truths = world.pipelines.stages(run.account, run.region, run.pipeline, run.execution_id)
    except PipelineGone:
        truths = ()
    running = [
        truth
        for truth in truths
        if truth.status in (StageStatus.IN_PROGRESS, StageStatus.STOPPING) and hold.stage in ("", truth.key.stage)
    ]
    if hold.ended is HoldEnd.PASSED:
        told_at = hold.seen_at + TOLD_WITHIN
        if running and now < told_at:
            world.store.postpone(due, told_at)
            return
        _let_through(world, run, hold, truths, now)
    waits = hold.ended is None and len(running) == 1
    if not waits:  # whatever became of the stage, its events and its clock tell; the wait is over
        observe(world, reader, run, _followed(world, truths), now)
        world.store.drop_hold(hold)
        return
    (truth,) = running
    lost_at = hold.seen_at + LOST_AFTER
    if lost_at <= now:
        apply(world, truth.key, GateLost(hold.seen_at), now)
    else:
        _wait(world, truth, hold, now)
    world.store.postpone(due, lost_at if lost_at > now else now + LOST_AFTER)


def _followed(world: World, truths: tuple[StageTruth, ...]) -> set[str]:
    return {truth.key.stage for truth in truths if world.store.load_execution(truth.key) is not None}


def _let_through(world: World, run: Run, hold: Hold, truths: tuple[StageTruth, ...], now: datetime) -> None:
    """The gate's own word, whether the rest of its stage still runs or not; it is no word on what was stopped."""
    for truth in truths:
        if truth.status in (StageStatus.STOPPED, StageStatus.STOPPING):
            continue
        execution = world.store.load_execution(run.stage(truth.key.stage))
        if execution is not None and execution.waiting and execution.failed_at == hold.since_at:
            apply(world, truth.key, GatePassed(hold.overridden_by), now)


def _wait(world: World, truth: StageTruth, hold: Hold, now: datetime) -> None:
    key = truth.key
    waits = _waits(world, key, truth, hold)
    if apply(world, key, waits, now) is None:
        save(world, None, begin_waiting(key, waits, now, world.policy))


def _waits(world: World, key: ExecutionKey, truth: StageTruth, hold: Hold) -> GateWaits:
    known = world.store.load_execution(key)
    tags = known.tags if known is not None else world.pipelines.tags(key.account, key.region, key.pipeline)
    found = Attribution(Verdict.EXPLAINED, hold.reason, hold.blockers)
    return GateWaits(hold.since_at, hold.ends_at, found, tags, truth.revision)
