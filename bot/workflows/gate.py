"""Answer a health gate's job: always, whatever happens."""

import logging
from dataclasses import replace
from datetime import datetime

from bot.errors import AllclearError, NotAllowed, ParseError, PipelineGone, TryLater, VersionConflict
from bot.gate import (
    GateAnswer,
    GateJob,
    GateRequest,
    cannot_run,
    decide,
    parse_user_parameters,
    pass_by_override,
    stop_all_the_same,
)
from bot.overrides import in_force
from bot.ports import StageStatus
from bot.providers import services_of
from bot.workflows.ledger import IssueReader, Known
from bot.workflows.waiting_gate import answer_waiting
from bot.workflows.world import World

logger = logging.getLogger(__name__)


def answer_gate(world: World, job: GateJob, region: str, now: datetime) -> GateAnswer:
    """Decide and answer the job in `region`. Raises TryLater only when CodePipeline would not take the answer:
    the asynchronous invocation is then repeated, and answering twice is harmless.
    """
    request = None
    try:
        request, answer = _decide(world, job, region, now)
    except Exception:  # a job never answered hangs the pipeline for 20 minutes and says nothing
        logger.exception("the gate failed on job %s", job.job_id)
        answer = cannot_run(
            "an internal error. Its log group (the gate function's) has the details. "
            "Retry the stage; if it fails again, report it."
        )
    if request is not None and request.wait:
        return answer_waiting(world, job, request, answer, region, now)
    if answer.passes:
        world.pipelines.pass_job(region, job.job_id, answer.message)
    else:
        world.pipelines.fail_job(region, job.job_id, answer.message, answer.external_execution_id)
    return answer


def _decide(world: World, job: GateJob, region: str, now: datetime) -> tuple[GateRequest | None, GateAnswer]:
    """The answer, and the request it is for; None where there is none to read."""
    try:
        request = read_request(world, job.user_parameters, region)
    except ParseError as wrong:
        return None, cannot_run(f"{wrong}. Correct the action's UserParameters, then release the change anew.")
    until_settled = request.wait and bool(job.continuation_token)
    answer = judge(world, IssueReader(world), request, job.account, now, until_settled=until_settled)
    return request, answer if answer.passes else _unless_overridden(world, job, region, request, answer, now)


def read_request(world: World, user_parameters: str, region: str) -> GateRequest:
    """What the pipeline's author asked, "auto" replaced by the services it means. Raises ParseError."""
    request = parse_user_parameters(user_parameters)
    return replace(request, services=_services(world, request, region)) if request.auto else request


def judge(
    world: World,
    reader: IssueReader,
    request: GateRequest,
    account: str,
    now: datetime,
    *,
    until_settled: bool = False,
) -> GateAnswer:
    """The gate's decision by what the ledger and AWS Health say now, whatever was overridden."""
    try:
        known = reader.read(request.regions, now)
    except (TryLater, VersionConflict) as busy:
        known = Known((), unreadable=f"Allclear's own table is busy: {busy}")
    return decide(
        request, known.issues, account, now, world.policy, unreadable=known.unreadable, caveat=known.caveat,
        until_settled=until_settled,
    )  # fmt: skip


def _unless_overridden(
    world: World, job: GateJob, region: str, request: GateRequest, stop: GateAnswer, now: datetime
) -> GateAnswer:
    """Pass for an override in force of this execution and the stage the gate stands in; else the stop stands."""
    try:
        given = world.store.overrides(job.account, region, request.pipeline, request.execution)
        given = tuple(each for each in given if in_force(each, each.key.stage, now))
        if not given:
            return stop
        truths = world.pipelines.stages(job.account, region, request.pipeline, request.execution)
    except Exception as problem:  # whatever it is, it lets nothing pass, and the job has its answer
        logger.exception("could not tell whether job %s is overridden", job.job_id)
        why = str(problem) if isinstance(problem, AllclearError) else "an internal error, which the gate's log has"
        return stop_all_the_same(stop, f"it could not be read ({why[:300]}).")
    standing = [truth.key.stage for truth in truths if truth.status is StageStatus.IN_PROGRESS]
    if len(standing) != 1:
        shown = f"CodePipeline shows {len(standing)} stages of this execution in progress"
        return stop_all_the_same(stop, f"{shown}, so the gate cannot tell in which of them it stands.")
    for override in given:
        if in_force(override, standing[0], now):
            logger.info("job %s passes: overridden by %s", job.job_id, override.by)
            return pass_by_override(stop, override)
    return stop


def _services(world: World, request: GateRequest, region: str) -> tuple[str, ...]:
    """What "auto" means: the services behind the pipeline's own actions."""
    try:
        actions = world.pipelines.planned_actions(region, request.pipeline)
    except PipelineGone:
        raise ParseError(
            "UserParameters.pipeline", f"there is no pipeline {request.pipeline} in {region}"
        ) from None
    except (TryLater, NotAllowed) as problem:
        raise ParseError("UserParameters.services", f"auto could not read the pipeline ({problem})") from problem
    services = {
        service
        for action in actions
        for service in services_of(action.owner, action.provider, world.policy.provider_services)
    }
    return tuple(sorted(services))
