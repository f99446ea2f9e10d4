"""Look at what runs while an issue is open, and show what hangs. An idle night costs a write and a delete a stage.

Events say that a stage began and ended (docs/decisions/0019-hanging-actions.md); only while the ledger has an open
issue are those that run looked at, each every few minutes.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.errors import PipelineGone, TryLater, VersionConflict
from bot.events import EventLevel, EventState, PipelineEvent
from bot.lifecycle import StageHangs
from bot.lifecycle.hanging import begin_hanging
from bot.model import Execution, ExecutionKey, Issue, Status
from bot.ports import StageStatus, StageTruth
from bot.running import LEAST, RunningAction, RunningStage, hanging, hangs_at, standing_in_the_way
from bot.workflows.evidence import ASKED_AT_MOST
from bot.workflows.failures import regions_of, release_what_is_clear
from bot.workflows.ledger import IssueReader
from bot.workflows.observe import observe, run_of
from bot.workflows.world import World, apply, save

logger = logging.getLogger(__name__)

LISTED = 2_000  # stages that run at the same time
LOOKS = 20  # stages one sweep looks at, three to six calls each; the next minute brings the rest
LOOK_EVERY = timedelta(minutes=5)
SOON = timedelta(minutes=1)
AFTER_AN_ERROR = timedelta(minutes=10)

BEGINNINGS = (EventState.STARTED, EventState.RESUMED)


def keep_track(world: World, event: PipelineEvent) -> None:
    """A stage has begun or ended: write that down. Twice, late or out of order it does no harm."""
    if event.level is not EventLevel.STAGE or event.stage is None:
        return
    key = ExecutionKey(event.account, event.region, event.pipeline, event.execution_id, event.stage)
    if event.state in BEGINNINGS:
        world.store.save_running(RunningStage(key, event.at, event.at + LEAST))
    elif event.state is not EventState.STOPPING:
        world.store.drop_running(key, event.at)


def look(world: World, reader: IssueReader, now: datetime, out_of_time: Callable[[], bool] = lambda: False) -> int:
    """Look at the stages that run, if an issue is open. Answers how many failed in a way nobody expected."""
    issues = [issue for issue in world.store.ledger() if issue.open]
    known = world.store.running(LISTED) if issues else ()
    due = sorted((stage for stage in known if stage.look_at <= now), key=lambda stage: (stage.look_at, stage.key))
    failed = 0
    for stage in due[:LOOKS]:
        if out_of_time():
            break
        try:
            again_at = _look_at(world, reader, stage, issues, now)
        except (TryLater, VersionConflict, PipelineGone) as busy:  # gone between two questions
            logger.info("%s runs: looked at again in a minute (%s)", stage.key, busy)
            again_at = now + SOON
        except Exception:  # one that cannot be looked at must not keep the others from it
            logger.exception("%s runs, and could not be looked at", stage.key)
            again_at = now + AFTER_AN_ERROR
            failed += 1
        if again_at is not None:
            world.store.postpone_running(stage, again_at)
    return failed


def _look_at(
    world: World, reader: IssueReader, stage: RunningStage, issues: list[Issue], now: datetime
) -> datetime | None:
    """When to look again; None: it runs no more. Raises TryLater, VersionConflict, PipelineGone."""
    key = stage.key
    execution = world.store.load_execution(key)
    try:
        truths = world.pipelines.stages(key.account, key.region, key.pipeline, key.execution_id)
    except PipelineGone:
        truths = ()
    truth = next((each for each in truths if each.key == key), None)
    if truth is None or truth.status is not StageStatus.IN_PROGRESS:
        observe(world, reader, run_of(key), {key.stage} if execution is not None else set(), now)
        world.store.drop_running(key, now)
        return None
    if execution is not None and execution.status is Status.BLOCKED and not execution.unfailed:
        observe(world, reader, run_of(key), {key.stage}, now)  # somebody has it run again
    if _a_gate_waits(world, key, execution):
        return now + LOOK_EVERY
    return _what_hangs(world, reader, truth, execution, issues, now)


def _a_gate_waits(world: World, key: ExecutionKey, execution: Execution | None) -> bool:
    """A gate's action runs for as long as it waits, which is what it is for."""
    if execution is not None and execution.waiting:
        return True
    run = run_of(key)
    return world.store.load_hold("#".join((run.account, run.region, run.pipeline, run.execution_id))) is not None


def _what_hangs(
    world: World,
    reader: IssueReader,
    truth: StageTruth,
    execution: Execution | None,
    issues: list[Issue],
    now: datetime,
) -> datetime:
    """The cheap questions first: most that runs during an issue has nothing to do with it."""
    key = truth.key
    old = [running for running in truth.running if now - running.started_at >= LEAST]
    if not old:
        began = [running.started_at for running in truth.running]
        return max(min(began) + LEAST if began else now + LOOK_EVERY, now + SOON)
    tags = execution.tags if execution is not None else world.pipelines.tags(key.account, key.region, key.pipeline)

    def concerned(running: RunningAction) -> bool:
        return bool(standing_in_the_way(running, key.account, tags, issues, now, world.policy))

    met = [running for running in _looked_behind(world, key.account, old) if concerned(running)]
    if not met:
        return now + LOOK_EVERY
    usual = world.pipelines.usual_times(key.region, key.pipeline)
    timed = [(running, usual.get((key.stage, running.action.name))) for running in met]
    overdue = [each for each in timed if hangs_at(*each) < now]
    if not overdue:
        return max(min(hangs_at(*each) for each in timed), now + SOON)
    known = reader.read(regions_of(key.region, [each.action for each, _ in overdue], tags), now)
    found = hanging(overdue, key.account, tags, known.issues, now, world.policy, known.caveat)
    if found is not None:
        since_at = min(running.started_at for running, _ in overdue)
        _show(world, key, StageHangs(since_at, found, tags, truth.revision), now)
    return now + LOOK_EVERY


def _looked_behind(world: World, account: str, running: list[RunningAction]) -> list[RunningAction]:
    """With what their services say they work on, such as the database in a stack; a few of them.

    The first service that is busy ends the asking: the next look asks again.
    """
    known = list(running)
    for number, each in enumerate(running[:ASKED_AT_MOST]):
        try:
            found = world.evidence.underway(account, each.action)
        except TryLater as busy:
            logger.info("%s: what it works on is not known now (%s)", each.action.name, busy)
            break
        known[number] = replace(each, action=replace(each.action, services=found.services))
    return known


def _show(world: World, key: ExecutionKey, event: StageHangs, now: datetime) -> None:
    after = apply(world, key, event, now)
    if after is None:
        after = begin_hanging(key, event, now, world.policy)
        save(world, None, after)
    release_what_is_clear(world, after, now)
