"""Look at what CodePipeline and AWS Health say now about one pipeline execution, and save what follows.

Events are hints; this is the one way from a hint, a clock or a doubt to a decision.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.clocks import OUTCOME_LOOK, OWN_RETRY_COMES, STUCK_AFTER, next_due
from bot.errors import PipelineGone, VersionConflict
from bot.lifecycle import (
    Event,
    Overtaken,
    RetryLost,
    StageGone,
    StagePassed,
    StageRunning,
    StageStopped,
    TooOld,
    advance,
    begin,
)
from bot.lifecycle.holding import tells_more
from bot.model import Execution, ExecutionKey, Status
from bot.ports import Due, DueKind, StageStatus, StageTruth
from bot.workflows.failures import failure, look_again, release_what_is_clear
from bot.workflows.ledger import IssueReader
from bot.workflows.world import SAVE_ATTEMPTS, World, apply, save

logger = logging.getLogger(__name__)

# API reference, StageExecution and PipelineExecution: cancelled means that the definition was updated meanwhile.
CANCELLED = "The pipeline was changed, so CodePipeline cancelled this execution"


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of one pipeline."""

    account: str
    region: str
    pipeline: str
    execution_id: str

    def stage(self, name: str) -> ExecutionKey:
        return ExecutionKey(self.account, self.region, self.pipeline, self.execution_id, name)


def run_of(key: ExecutionKey) -> Run:
    return Run(key.account, key.region, key.pipeline, key.execution_id)


def observe(world: World, reader: IssueReader, run: Run, stages: set[str], now: datetime) -> bool:
    """Bring every stage of this run that failed, or is followed already, up to the truth.

    `stages` are the ones known to be followed. The states are loaded before the truth is read, so that a save over
    anything newer conflicts and both are read again. True when nothing more is expected of the failure that was
    reported; False while something of this run still goes on (CodePipeline's answers may be behind its events, a
    stage may be about to retry itself), or nothing of it is told at all.
    Raises TryLater, and VersionConflict after SAVE_ATTEMPTS.
    """
    followed = set(stages)
    for _ in range(SAVE_ATTEMPTS):
        states = {name: world.store.load_execution(run.stage(name)) for name in followed}
        try:
            truths = world.pipelines.stages(run.account, run.region, run.pipeline, run.execution_id)
        except PipelineGone:
            _gone(world, run, followed, now)
            return True
        unseen = {truth.key.stage for truth in truths if truth.status is StageStatus.FAILED} - followed
        if any(world.store.load_execution(run.stage(name)) is not None for name in unseen):
            followed |= unseen
            continue
        try:
            followed_up = [_bring_up(world, reader, states.get(truth.key.stage), truth, now) for truth in truths]
            for name in followed - {truth.key.stage for truth in truths}:
                _bring_up(world, reader, states[name], StageTruth(run.stage(name), StageStatus.MISSING), now)
        except VersionConflict:
            followed |= unseen
            continue
        return all(followed_up) and not _goes_on(truths)
    raise VersionConflict(f"{run} was changed by others {SAVE_ATTEMPTS} times in a row")


def _goes_on(truths: Sequence[StageTruth]) -> bool:
    """A stage runs; or all that is told passed and the run has not: what failed may not be told yet."""
    if any(truth.status is StageStatus.IN_PROGRESS for truth in truths):
        return True
    return all(
        truth.status is StageStatus.SUCCEEDED and truth.execution_status in ("InProgress", "Failed")
        for truth in truths
    )


def _gone(world: World, run: Run, followed: set[str], now: datetime) -> None:
    logger.warning("CodePipeline knows no pipeline %s in %s", run.pipeline, run.region)
    for name in followed:
        apply(world, run.stage(name), StageGone(f"The pipeline {run.pipeline} no longer exists"), now)


def _bring_up(
    world: World, reader: IssueReader, execution: Execution | None, truth: StageTruth, now: datetime
) -> bool:
    """False where the stage failed and is first left to retry itself, or is told as it was before its retry."""
    if execution is None:
        if truth.status is not StageStatus.FAILED:
            return True
        if _retries_itself(world, truth, now):
            logger.info("%s failed and is about to retry itself", truth.key)
            return False
        _follow(world, reader, truth, now)
        return True
    event = news(world, reader, execution, truth, now)
    after = advance(execution, event, now, world.policy) if event is not None else execution
    if after is not execution:
        save(world, execution, after)
    else:
        push_clock(world, execution, now)
    release_what_is_clear(world, after, now)
    # Told as failed though it was (or may have been) retried: a later stage may have failed meanwhile.
    retried = after.status is Status.RETRYING or after.claim is not None
    return not (retried and truth.status is StageStatus.FAILED)


def _retries_itself(world: World, truth: StageTruth, now: datetime) -> bool:
    """Whether its own retry (onFailure RETRY, once) is still to come: nobody is asked before that failed too."""
    soon = truth.failed_at is not None and now - truth.failed_at < OWN_RETRY_COMES
    may = soon and not truth.own_retry_spent and not truth.condition and _end(truth) is None
    return may and world.pipelines.retries_itself(truth.key)


def _follow(world: World, reader: IssueReader, truth: StageTruth, now: datetime) -> None:
    """A failure seen for the first time: its state, card and history begin."""
    execution = begin(truth.key, failure(world, reader, truth, now), now, world.policy)
    save(world, None, execution)
    end = _end(truth)
    if end is not None:
        apply(world, truth.key, end, now)
    else:
        release_what_is_clear(world, execution, now)


def push_clock(world: World, execution: Execution, now: datetime) -> None:
    """Nothing new: only the clock moves, if it had come."""
    if execution.due_at is not None and execution.due_at <= now:
        due = Due(DueKind.EXECUTION, str(execution.key), execution.due_at)
        world.store.postpone(due, next_due(execution, now, world.policy) or now)


def _end(truth: StageTruth) -> Event | None:
    """The failed stage's end by another hand, if there was one."""
    if truth.overtaken_by or truth.execution_status == "Superseded":
        return Overtaken(truth.overtaken_by, truth.rolled_back)
    if truth.execution_status == "Stopped":
        return StageStopped()
    if truth.execution_status == "Cancelled":
        return StageGone(CANCELLED)
    return None


def news(
    world: World, reader: IssueReader, execution: Execution, truth: StageTruth, now: datetime
) -> Event | None:
    """What the truth says that the state does not know yet; None when nothing is new. Raises TryLater."""
    match truth.status:
        case StageStatus.SUCCEEDED:
            return StagePassed()
        case StageStatus.IN_PROGRESS:
            return None if execution.unfailed else StageRunning(truth.retried_itself)
        case StageStatus.STOPPED:
            return StageStopped()
        case StageStatus.CANCELLED:
            return StageGone(CANCELLED)
        case StageStatus.MISSING:
            return StageGone(f"CodePipeline knows nothing of this execution in {truth.key.stage} any more")
        case StageStatus.STOPPING:
            return None
    end = _end(truth)
    if end is not None:
        return end
    if execution.unfailed:  # it fails now, whether CodePipeline lists the action already or not
        return failure(world, reader, truth, now)
    ids = tuple(sorted(action.action_execution_id for action in truth.failed))
    if ids and ids != execution.action_execution_ids:
        return failure(world, reader, truth, now)
    if tells_more(execution, truth.failed):
        return failure(world, reader, truth, now)
    return _unchanged(world, reader, execution, now)


def _unchanged(world: World, reader: IssueReader, execution: Execution, now: datetime) -> Event | None:
    """The failure that is known still stands: has anything else changed?"""
    if execution.status is Status.RETRYING:
        patience = STUCK_AFTER if execution.claim is not None else OUTCOME_LOOK
        return RetryLost() if now - execution.entered_at >= patience else None
    if execution.status is Status.BLOCKED and execution.held_at is not None:
        if now - execution.held_at >= world.policy.max_age:
            return TooOld()
        return look_again(world, reader, execution, now)
    if execution.status is Status.NEEDS_HUMAN:
        return look_again(world, reader, execution, now)
    return None
