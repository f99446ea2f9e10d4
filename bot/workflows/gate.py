"""Answer a health gate's job: always, whatever happens."""

import logging
from dataclasses import replace
from datetime import datetime

from bot.errors import NotAllowed, ParseError, PipelineGone, TryLater, VersionConflict
from bot.gate import GateAnswer, GateJob, GateRequest, cannot_run, decide, parse_user_parameters
from bot.providers import services_of
from bot.workflows.ledger import IssueReader, Known
from bot.workflows.world import World

logger = logging.getLogger(__name__)


def answer_gate(world: World, job: GateJob, region: str, now: datetime) -> GateAnswer:
    """Decide and answer the job in `region`. Raises TryLater only when CodePipeline would not take the answer:
    the asynchronous invocation is then repeated, and answering twice is harmless.
    """
    try:
        answer = _decide(world, job, region, now)
    except Exception:  # a job never answered hangs the pipeline for 20 minutes and says nothing
        logger.exception("the gate failed on job %s", job.job_id)
        answer = cannot_run(
            "an internal error. Its log group (the gate function's) has the details. "
            "Retry the stage; if it fails again, report it."
        )
    if answer.passes:
        world.pipelines.pass_job(region, job.job_id, answer.message)
    else:
        world.pipelines.fail_job(region, job.job_id, answer.message, answer.external_execution_id)
    return answer


def _decide(world: World, job: GateJob, region: str, now: datetime) -> GateAnswer:
    try:
        request = parse_user_parameters(job.user_parameters)
        if request.auto:
            request = replace(request, services=_services(world, request, region))
    except ParseError as wrong:
        return cannot_run(f"{wrong}. Correct the action's UserParameters, then retry the stage.")
    try:
        known = IssueReader(world).read(request.regions, now)
    except (TryLater, VersionConflict) as busy:
        known = Known((), unreadable=f"Allclear's own table is busy: {busy}")
    return decide(
        request, known.issues, job.account, now, world.policy, unreadable=known.unreadable, caveat=known.caveat
    )


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
