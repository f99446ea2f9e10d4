"""CodePipeline, playing the script: stages that run for two minutes and end as the script says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

from bot.errors import NotLatest, NotRetryable
from bot.gate import GATE_MESSAGE_PREFIX
from bot.model import ExecutionKey, FailedAction, PipelineTags
from bot.ports import StageStatus, StageTruth
from tests.builders import ACCOUNT
from tests.fakes.pipelines import FakePipelines
from tests.replay.fleet import OWN, Deploy, Why
from tests.replay.record import MINUTE, Trouble
from tests.simulation.scheduler import SECOND, Scheduler

RUNS = 2 * MINUTE
JOB_AGAIN = (
    2 * MINUTE
)  # CodePipeline sends a kept job again about every half minute; this plays four times as fast
GATE, DEPLOY = "Gate", "Deploy"
OWN_WORDS = {
    Why.CONFIGURATION: ("ConfigurationError", "The action's configuration names no such cluster."),
    Why.PERMISSION: ("PermissionError", "The role is not authorized to perform this."),
    Why.TEST: ("JobFailed", "Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, "
               "Message: Error while executing command: npm test. Reason: exit status 1"),
    Why.APPROVAL: ("", "Rejected by somebody."),
}  # fmt: skip
AWS_WORDS = ("JobFailed", "The deployment failed: service unavailable.")

Emit = Callable[[str, ExecutionKey, str], None]  # level, key, state
StartJob = Callable[[str, ExecutionKey, Deploy, str], None]  # job, key, deploy, continuation token


@dataclass(slots=True)
class Job:
    key: ExecutionKey
    attempt: int
    answered: bool = False


class Pipelines(FakePipelines):
    """bot.ports.Pipelines over the deploys of an episode. `emit` sends events, `start_job` the gate's jobs."""

    def __init__(
        self,
        deploys: Sequence[Deploy],
        troubles: Sequence[Trouble],
        scheduler: Scheduler,
        emit: Emit,
        start_job: StartJob,
    ) -> None:
        super().__init__()
        self.deploys = {deploy.pipeline: deploy for deploy in deploys}
        self.passed_at: dict[ExecutionKey, datetime] = {}
        self.causes: dict[str, Why] = {}  # of each failed action, by its execution id
        self._troubles = troubles
        self._scheduler = scheduler
        self._emit = emit
        self._start_job = start_job
        self._attempts: dict[ExecutionKey, int] = {}
        self._latest: dict[tuple[str, str], ExecutionKey] = {}
        self._jobs: dict[str, Job] = {}
        self._numbers = count(1)
        for deploy in deploys:
            if deploy.production:
                self.tags_of[deploy.pipeline] = PipelineTags(tier="production")
            begins_at = deploy.fails_at if deploy.gate else deploy.fails_at - RUNS
            scheduler.at(begins_at, lambda deploy=deploy: self._commit(deploy, 1))  # type: ignore[misc]
            if deploy.newer_after is not None:
                newer_at = begins_at + deploy.newer_after
                scheduler.at(newer_at, lambda deploy=deploy: self._commit(deploy, 2))  # type: ignore[misc]

    def _commit(self, deploy: Deploy, number: int) -> None:
        stage = GATE if deploy.gate else DEPLOY
        key = ExecutionKey(ACCOUNT, deploy.region, deploy.pipeline, f"{deploy.pipeline}-commit-{number}", stage)
        self._emit("Pipeline", key, "STARTED")
        self._enter(key)

    def _enter(self, key: ExecutionKey) -> None:
        before = self._latest.get((key.pipeline, key.stage))
        if before is not None:
            if self.truth[before].status is StageStatus.IN_PROGRESS:
                self._scheduler.after(30 * SECOND, lambda: self._enter(key))  # it waits at the transition
                return
            self.show(replace(self.truth[before], overtaken_by=key.execution_id))
        self._latest[key.pipeline, key.stage] = key
        self._begin(key, "STARTED")

    def _begin(self, key: ExecutionKey, state: str) -> None:
        attempt = self._attempts[key] = self._attempts.get(key, 0) + 1
        self.show(StageTruth(key, StageStatus.IN_PROGRESS, execution_status="InProgress"))
        self._emit("Stage", key, state)
        if key.stage == GATE:
            self._new_job(key, attempt, "")
        else:
            self._scheduler.after(RUNS, lambda: self._finish(key, attempt))

    def _new_job(self, key: ExecutionKey, attempt: int, token: str) -> None:
        if self._runs(key, attempt):
            job = f"job-{next(self._numbers)}"
            self._jobs[job] = Job(key, attempt)
            self._start_job(job, key, self.deploys[key.pipeline], token)

    def _runs(self, key: ExecutionKey, attempt: int) -> bool:
        return self._attempts[key] == attempt and self.truth[key].status is StageStatus.IN_PROGRESS

    def _finish(self, key: ExecutionKey, attempt: int) -> None:
        if not self._runs(key, attempt):
            return
        failed = self._failure(self.deploys[key.pipeline])
        if failed is None:
            self._passes(key)
        else:
            self._fails(key, failed)

    def hurt(self, deploy: Deploy, at: datetime) -> bool:
        """Whether AWS's trouble breaks this deploy now: the script's word."""
        return any(t.hurts_at(at) and t.concerns(deploy.region, deploy.way.stands_on) for t in self._troubles)

    def _failure(self, deploy: Deploy) -> FailedAction | None:
        """How this attempt ends; None: it passes."""
        hurt = deploy.why is Why.AWS and self.hurt(deploy, self._scheduler.now)
        why = deploy.why
        if why is Why.AWS and not hurt:
            if not deploy.then_own:
                return None
            why = Why.CONFIGURATION
        if why is Why.NOTHING:
            return None
        way, action_id = deploy.way, f"{deploy.pipeline}-{next(self._numbers):04d}"
        self.causes[action_id] = why
        action = FailedAction(
            name=action_name(deploy),
            action_execution_id=action_id,
            region=deploy.region,
            category=way.category,
            owner="AWS",
            provider=way.provider,
        )
        if why is Why.APPROVAL:
            action = replace(action, category="Approval", provider="Manual")
        elif why is Why.TEST:
            action = replace(action, category="Test", provider="CodeBuild")
        code, message = OWN_WORDS[why] if why in OWN else AWS_WORDS
        if way.phase and why not in OWN:
            message = f"Build terminated with state: FAULT. Phase: {way.phase}, Code: INTERNAL_ERROR"
        return replace(action, error_code=code, message=message)

    def _fails(self, key: ExecutionKey, action: FailedAction) -> None:
        now = self._scheduler.now
        self.show(StageTruth(key, StageStatus.FAILED, failed=(action,), failed_at=now, execution_status="Failed"))
        for level in ("Stage", "Pipeline"):
            self._emit(level, key, "FAILED")

    def _passes(self, key: ExecutionKey) -> None:
        self.passed_at[key] = self._scheduler.now
        self.show(StageTruth(key, StageStatus.SUCCEEDED, execution_status="InProgress"))
        self._emit("Stage", key, "SUCCEEDED")
        if key.stage == GATE:
            self._enter(replace(key, stage=DEPLOY))
        else:
            self._emit("Pipeline", key, "SUCCEEDED")

    # The port.

    def retry_stage(self, key: ExecutionKey) -> None:
        self.retried.append(key)
        if self._latest.get((key.pipeline, key.stage)) != key:
            raise NotLatest("NotLatestPipelineExecutionException")
        if self.truth[key].status is not StageStatus.FAILED:
            raise NotRetryable(f"StageNotRetryableException: the stage is {self.truth[key].status}")
        self.accepted.append(key)
        self._begin(key, "RESUMED")

    def fail_job(self, _region: str, job_id: str, message: str, external_execution_id: str) -> bool:
        job = self._answered(job_id)
        if job is not None:
            named = tuple(part for part in external_execution_id.split(",") if part)
            stopped = message.startswith(GATE_MESSAGE_PREFIX)
            self._fails(job.key, self._gate_action(job.key, message, gate_issues=named if stopped else None))
        return job is not None

    def pass_job(self, _region: str, job_id: str, _summary: str) -> bool:
        job = self._answered(job_id)
        if job is not None:
            self._passes(job.key)
        return job is not None

    def keep_job(self, _region: str, job_id: str, token: str, _summary: str) -> bool:
        job = self._answered(job_id)
        if job is not None:
            self._scheduler.after(JOB_AGAIN, lambda: self._new_job(job.key, job.attempt, token))
        return job is not None

    def key_of(self, job_id: str) -> ExecutionKey:
        return self._jobs[job_id].key

    def _answered(self, job_id: str) -> Job | None:
        """The job, unless it was answered before or its stage has moved on."""
        job = self._jobs[job_id]
        if job.answered or not self._runs(job.key, job.attempt):
            return None
        job.answered = True
        return job

    def _gate_action(self, key: ExecutionKey, message: str, **more: Any) -> FailedAction:
        action = FailedAction(
            name="HealthGate",
            action_execution_id=f"{key.pipeline}-{next(self._numbers):04d}",
            region=key.region,
            category="Invoke",
            owner="AWS",
            provider="Lambda",
            error_code="JobFailed",
            message=message,
        )
        return replace(action, **more)


def action_name(deploy: Deploy) -> str:
    """Its own in each pipeline, as the stand-in for the services behind actions knows them by name."""
    return f"Run-{deploy.pipeline}"
