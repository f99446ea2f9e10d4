"""Carry out a retry that is owed: look, claim, call once, save the answer."""

import logging
from datetime import datetime, timedelta

from bot.clocks import calendar_look, postponed_until
from bot.errors import (
    CalendarUnreadable,
    NotLatest,
    NotRetryable,
    OutcomeUnknown,
    PipelineGone,
    RetryNotNow,
    RetryRefused,
    TryLater,
    VersionConflict,
)
from bot.lifecycle import (
    Accepted,
    Claimed,
    Event,
    Explained,
    Frozen,
    Lapsed,
    Overtaken,
    Postponed,
    Refused,
    StageGone,
    advance,
)
from bot.lifecycle.retrying import CHANGED, WAY_CLOSED
from bot.model import ALLCLEAR, Execution, ExecutionKey, Status
from bot.overrides import OVERRIDE_LASTS
from bot.policy import WhenHealthUnreadable
from bot.ports import StageStatus, StageTruth
from bot.workflows.failures import open_explanations, release_what_is_clear
from bot.workflows.gate_again import gate_again
from bot.workflows.ledger import IssueReader
from bot.workflows.observe import news
from bot.workflows.world import World, apply, save

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
"""Outlives the resume function (its timeout is 60 s): whoever holds a claim is dead when its lease ends."""

NOT_RETRYABLE_TRIES = 3  # CodePipeline's own state may lag; after that a person looks


def resume(world: World, reader: IssueReader, key: ExecutionKey, now: datetime) -> None:
    """Retry the stage if that is still right. Expected refusals save a later clock and return.

    Raises nothing that a redelivery of the same record would not mend.
    """
    execution = world.store.load_execution(key)
    if execution is None or not _is_owed(execution, now):
        return
    changed = False
    try:
        truth = _truth(world, execution.key)
        obstacle = _obstacle(world, reader, execution, truth, now)
        changed = not isinstance(truth, StageGone) and truth.pipeline_changed
    except TryLater as busy:
        obstacle = Postponed(f"CodePipeline could not be asked ({busy})", postponed_until(execution, now))
    claim_id = world.new_id()
    event = obstacle or Claimed(claim_id, now + LEASE)
    after = advance(execution, event, now, world.policy)
    if after is execution:
        logger.info("%s: %s changes nothing", key, type(event).__name__)
        return
    try:
        save(world, execution, after)
    except VersionConflict:
        logger.info("%s was changed by somebody else; their save wakes the next try", key)
        return
    release_what_is_clear(world, after, now)
    if after.claim is not None and after.claim.claim_id == claim_id:
        answer = _call(world, after, claim_id, now, changed=changed)
        if answer is not None:
            apply(world, key, answer, now)


def _is_owed(execution: Execution, now: datetime) -> bool:
    if execution.status is not Status.RESUMING or execution.retry is None:
        return False
    if execution.claim is not None and now < execution.claim.lease_until_at:
        return False
    return execution.retry.not_before_at <= now


def _obstacle(
    world: World, reader: IssueReader, execution: Execution, truth: StageTruth | StageGone, now: datetime
) -> Event | None:
    """Why the retry must not be made now; None when the failure stands and nothing is in the way.

    Raises TryLater.
    """
    if isinstance(truth, StageGone):
        return truth
    event = news(world, reader, execution, truth, now)
    if event is not None:
        return event
    if truth.status is not StageStatus.FAILED:
        return Postponed(f"the stage is {truth.status}", postponed_until(execution, now))
    if truth.execution_status == "Stopping":
        return Postponed("somebody is stopping the execution", postponed_until(execution, now))
    if truth.transition_disabled is not None:
        by = f" (by {truth.transition_disabled_by})" if truth.transition_disabled_by else ""
        why = f"{WAY_CLOSED} {execution.key.stage} is disabled{by}: {truth.transition_disabled}"
        return Frozen(f"{why}. Enable it, then retry.")
    plan = execution.retry
    overrides = plan is not None and plan.override and execution.passes_condition
    if plan is not None and overrides and now >= plan.requested_at + OVERRIDE_LASTS:
        return Lapsed("The override ran out before CodePipeline took it. Give it again if it is still wanted.")
    obstacle = None
    if plan is not None and plan.requested_by == ALLCLEAR:  # a person asks knowing what is open
        obstacle = _not_unasked(world, reader, execution, now)
    if obstacle is None and execution.passes_condition and not overrides:
        return gate_again(world, reader, execution, now)
    return obstacle


def _not_unasked(world: World, reader: IssueReader, execution: Execution, now: datetime) -> Event | None:
    """What keeps Allclear from retrying, and would not keep a person."""
    known, explained = open_explanations(world, reader, execution, now)
    if explained is not None:
        return Explained(explained)
    if known.unreadable and world.policy.health_unavailable is WhenHealthUnreadable.BLOCK:
        why = f"AWS Health cannot be read ({known.unreadable}), and HealthUnavailable is block"
        return Postponed(why, postponed_until(execution, now))
    return _freeze(world, execution, now)


def _freeze(world: World, execution: Execution, now: datetime) -> Postponed | None:
    """A change calendar that is closed holds an automatic retry; one that cannot be read counts as closed."""
    for name in world.policy.calendars(execution.tags):
        opens_at = None
        try:
            state = world.calendar.state(name)
            if state.open:
                continue
            opens_at = state.changes_at
            until = f"until {opens_at:%Y-%m-%d %H:%M} UTC" if opens_at else "and does not say until when"
            why = f"The change calendar {name} is closed {until}"
        except CalendarUnreadable as problem:
            why = f"The change calendar {name} cannot be read and counts as closed ({problem})"
        look_at = calendar_look(execution, opens_at, now, world.policy)
        return Postponed(why, look_at, calendar=name, opens_at=opens_at)
    return None


def _truth(world: World, key: ExecutionKey) -> StageTruth | StageGone:
    try:
        truths = world.pipelines.stages(key.account, key.region, key.pipeline, key.execution_id)
    except PipelineGone:
        return StageGone(f"The pipeline {key.pipeline} no longer exists")
    for truth in truths:
        if truth.key == key:
            return truth
    return StageGone(f"CodePipeline knows nothing of this execution in {key.stage} any more")


def _overtaken(world: World, key: ExecutionKey) -> Overtaken:
    """CodePipeline says that it is not the stage's newest, and not who is."""
    try:
        truth = _truth(world, key)
    except TryLater:
        return Overtaken()
    return Overtaken(truth.overtaken_by, truth.rolled_back) if isinstance(truth, StageTruth) else Overtaken()


def _call(
    world: World, claimed: Execution, claim_id: str, now: datetime, *, changed: bool = False
) -> Event | None:
    """RetryStageExecution or OverrideStageCondition, once.

    None where nobody can know whether it took effect: the lease's end looks.
    """
    try:
        if claimed.passes_condition:
            world.pipelines.override_condition(claimed.key, claimed.condition)
        else:
            world.pipelines.retry_stage(claimed.key)
    except OutcomeUnknown as problem:
        logger.warning(
            "%s: the call's outcome is unknown (%s); looking again at the lease's end", claimed.key, problem
        )
        return None
    except NotLatest:
        return _overtaken(world, claimed.key)
    except NotRetryable as problem:
        if changed:  # "Configuring stage retry": such a stage may not be retryable, so it was worth the one call
            return Refused(CHANGED, claim_id)
        if claimed.retry is not None and claimed.retry.not_retryable + 1 >= NOT_RETRYABLE_TRIES:
            return Refused(str(problem), claim_id)
        why = f"the stage is not retryable now ({problem})"
        return Postponed(why, postponed_until(claimed, now), claim_id, not_retryable=True)
    except RetryNotNow as problem:
        return Postponed(f"CodePipeline is busy ({problem})", postponed_until(claimed, now), claim_id)
    except RetryRefused as problem:
        return Refused(str(problem), claim_id)
    return Accepted(claim_id)
