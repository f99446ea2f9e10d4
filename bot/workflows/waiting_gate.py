"""Mode wait: the gate keeps its job with a continuation token, and writes down that it does.

The answer comes first, the hold after it: the hold only makes the wait visible, the next job writes it again, and
a job that CodePipeline did not take (a late double, an execution that was stopped) must not write one.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.attribution import blocker
from bot.errors import PipelineGone
from bot.gate import GateAnswer, GateJob, GateRequest
from bot.gate_wait import (
    LONGEST,
    began_at,
    being_stopped,
    no_waiting_in_a_condition,
    time_is_up,
    token_of,
    wait_summary,
    why_it_waits,
)
from bot.holds import Hold, HoldEnd
from bot.model import Blocker
from bot.ports import StageStatus
from bot.workflows.ledger import open_unreadable
from bot.workflows.world import World

logger = logging.getLogger(__name__)


def answer_waiting(
    world: World, job: GateJob, request: GateRequest, answer: GateAnswer, region: str, now: datetime
) -> GateAnswer:
    """Answer the job: keep it while `answer` stops the deploy, as long as there is time. Raises TryLater.

    What the job was answered with is the answer; `passes` is False for a job that was kept.
    """
    since_at = began_at(job.continuation_token, now)
    stage, stopping, checking = ("", False, False) if answer.passes else _standing(world, job, request, region)
    if checking:
        answer = no_waiting_in_a_condition(answer)
    elif stopping and job.continuation_token:
        answer = being_stopped()
    elif not answer.passes and now - since_at >= LONGEST:
        answer = time_is_up(answer, since_at, now)
    elif not answer.passes:
        if world.pipelines.keep_job(region, job.job_id, token_of(since_at), wait_summary(answer)):
            hold = _hold(job, request, region, since_at, now, answer)
            _write(world, replace(hold, stage=stage), now)
        return answer
    if answer.passes:
        taken, ended = world.pipelines.pass_job(region, job.job_id, answer.message), HoldEnd.PASSED
    else:
        taken = world.pipelines.fail_job(region, job.job_id, answer.message, answer.external_execution_id)
        ended = HoldEnd.STOPPED
    if taken and job.continuation_token:
        _write(world, replace(_hold(job, request, region, since_at, now, answer), ended=ended), now)
    return answer


def _standing(world: World, job: GateJob, request: GateRequest, region: str) -> tuple[str, bool, bool]:
    """The stage the gate stands in ("" if that is not known), whether its execution is being stopped, and whether
    the gate is a rule of the stage's condition.

    "Stop and wait" waits for running actions, so that a waiting gate would keep it waiting for a day.
    """
    try:
        truths = world.pipelines.stages(job.account, region, request.pipeline, request.execution)
    except PipelineGone as gone:
        logger.warning("in which stage of %s the gate stands: %s", request.execution, gone)
        return "", False, False
    except Exception:  # not knowing keeps the deploy waiting, which the next job may end
        logger.exception("CodePipeline did not tell in which stage of %s the gate stands", request.execution)
        return "", False, False
    stopping = any(
        truth.status is StageStatus.STOPPING or truth.execution_status == "Stopping" for truth in truths
    )
    running = [truth.key.stage for truth in truths if truth.status is StageStatus.IN_PROGRESS]
    checking = any(truth.checking for truth in truths)
    return running[0] if len(running) == 1 else "", stopping, checking


def _hold(
    job: GateJob, request: GateRequest, region: str, since_at: datetime, now: datetime, answer: GateAnswer
) -> Hold:
    return Hold(
        account=job.account,
        region=region,
        pipeline=request.pipeline,
        execution_id=request.execution,
        since_at=since_at,
        seen_at=now,
        ends_at=since_at + LONGEST,
        blockers=tuple(blocker(issue) for issue in answer.issues),
        due_at=now,
        reason=why_it_waits(answer),
        overridden_by=answer.overridden_by,
    )


def _write(world: World, hold: Hold, now: datetime) -> None:
    """Due at once where there is something new to show; else when it was. A failed write keeps nobody waiting."""
    try:
        if not hold.blockers and hold.ended is None:  # a pseudo-issue stands for AWS Health being unreadable
            hold = replace(hold, blockers=(blocker(open_unreadable(world, now)),))
        before = world.store.load_hold(hold.key)
        if before is not None and _is_known(before, hold):
            hold = replace(hold, due_at=before.due_at)
        world.store.save_hold(hold)
    except Exception:  # the job is answered; the next one writes it again
        logger.exception("the hold of %s could not be written at %s", hold.key, now)


def _is_known(before: Hold, after: Hold) -> bool:
    return (before.since_at, before.ended, _keys(before.blockers)) == (
        after.since_at, after.ended, _keys(after.blockers),
    )  # fmt: skip


def _keys(blockers: Sequence[Blocker]) -> set[str]:
    return {each.issue for each in blockers}
