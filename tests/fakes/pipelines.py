"""CodePipeline in memory: the truth is what a test shows, and everything asked of it is written down."""

from collections import defaultdict, deque
from dataclasses import replace
from datetime import datetime, timedelta

from bot.errors import NotRetryable, PipelineGone, RetryImpossible
from bot.model import ExecutionKey, FailedAction, PipelineTags
from bot.pipelines import PlannedAction, StageStatus, StageTruth
from bot.running import ActionName


class FakePipelines:
    """Implements bot.ports.Pipelines. `truth` may be changed freely between calls."""

    def __init__(self) -> None:
        self.truth: dict[ExecutionKey, StageTruth] = {}
        self.tags_of: dict[str, PipelineTags] = {}
        self.rules: dict[ExecutionKey, dict[str, str]] = {}  # what each rule was asked, by ruleExecutionId
        self.planned: dict[str, tuple[PlannedAction, ...]] = {}
        self.usual: dict[ActionName, timedelta] = {}  # whatever the pipeline
        self.retrying_themselves: set[ExecutionKey] = set()  # stages with onFailure RETRY
        self.gone: set[str] = set()  # names of pipelines that CodePipeline no longer knows
        self.reads: list[tuple[str, str, str, str]] = []  # account, region, pipeline, execution id
        self.overridden: list[tuple[ExecutionKey, str]] = []  # every call, refused ones too
        self.retried: list[ExecutionKey] = []  # every call, refused ones too
        self.accepted: list[ExecutionKey] = []
        self.failed_jobs: list[tuple[str, str, str, str]] = []  # region, job id, message, external execution id
        self.passed_jobs: list[tuple[str, str, str]] = []  # region, job id, summary
        self.kept_jobs: list[tuple[str, str, str, str]] = []  # region, job id, continuation token, summary
        self.over_jobs: set[str] = set()  # ids of jobs that take no answer any more
        self.jobs_are_answered_once = False
        self._errors: defaultdict[str, deque[Exception]] = defaultdict(deque)

    def raise_next(self, method: str, *errors: Exception) -> None:
        """The next calls of `method` ("stages", "retry_stage", …) raise these, one each, and do nothing."""
        self._errors[method].extend(errors)

    def clear_errors(self) -> None:
        """Whatever was still to be raised is not."""
        self._errors.clear()

    def show(self, *stages: StageTruth) -> None:
        """From now on this is the truth about these stages; others stay as they were."""
        self.truth.update({stage.key: stage for stage in stages})

    def show_failed(self, key: ExecutionKey, *actions: FailedAction, at: datetime) -> None:
        self.show(
            StageTruth(key, StageStatus.FAILED, failed=actions, failed_at=at, execution_status="Failed"),
        )

    def show_status(self, key: ExecutionKey, status: StageStatus) -> None:
        """The stage stands like this now, nothing in it failed."""
        self.show(StageTruth(key, status))

    def stages(self, account: str, region: str, pipeline: str, execution_id: str) -> tuple[StageTruth, ...]:
        asked = (account, region, pipeline, execution_id)
        self.reads.append(asked)
        self._raise_scripted("stages")
        if pipeline in self.gone:
            raise PipelineGone(pipeline)
        return tuple(
            truth
            for key, truth in self.truth.items()
            if (key.account, key.region, key.pipeline, key.execution_id) == asked
        )

    def tags(self, account: str, region: str, pipeline: str) -> PipelineTags:  # noqa: ARG002 - by name is enough
        self._raise_scripted("tags")
        return self.tags_of.get(pipeline, PipelineTags())

    def planned_actions(self, region: str, pipeline: str) -> tuple[PlannedAction, ...]:  # noqa: ARG002 - as tags
        self._raise_scripted("planned_actions")
        if pipeline in self.gone:
            raise PipelineGone(pipeline)
        return self.planned.get(pipeline, ())

    def rule_parameters(self, key: ExecutionKey) -> dict[str, str]:
        self._raise_scripted("rule_parameters")
        if key.pipeline in self.gone:
            raise PipelineGone(key.pipeline)
        return self.rules.get(key, {})

    def usual_times(self, region: str, pipeline: str) -> dict[ActionName, timedelta]:  # noqa: ARG002 - as tags
        self._raise_scripted("usual_times")
        if pipeline in self.gone:
            raise PipelineGone(pipeline)
        return self.usual

    def retries_itself(self, key: ExecutionKey) -> bool:
        self._raise_scripted("retries_itself")
        return key in self.retrying_themselves

    def retry_stage(self, key: ExecutionKey) -> None:
        """As CodePipeline: only a failed stage can be retried, and an accepted retry puts it in progress."""
        self.retried.append(key)
        self._raise_scripted("retry_stage")
        truth = self.truth.get(key)
        if truth is None or key.pipeline in self.gone:
            raise RetryImpossible("PipelineNotFoundException: no such pipeline, execution or stage")
        if truth.status is not StageStatus.FAILED:
            raise NotRetryable(f"StageNotRetryableException: the stage is {truth.status}")
        if truth.condition:
            raise NotRetryable("StageNotRetryableException: the stage contains no failed actions")
        self.accepted.append(key)
        self.show(replace(truth, status=StageStatus.IN_PROGRESS, failed=(), failed_at=None))

    def override_condition(self, key: ExecutionKey, condition: str) -> None:
        """As CodePipeline: only the condition that failed the stage can be passed, and the stage then goes on."""
        self.overridden.append((key, condition))
        self._raise_scripted("override_condition")
        truth = self.truth.get(key)
        if truth is None or key.pipeline in self.gone:
            raise RetryImpossible("PipelineNotFoundException: no such pipeline, execution or stage")
        if truth.status is not StageStatus.FAILED or truth.condition != condition:
            raise RetryImpossible("ConditionNotOverridableException: the condition does not allow overrides")
        self.show(replace(truth, status=StageStatus.IN_PROGRESS, failed=(), failed_at=None, condition=""))

    def fail_job(self, region: str, job_id: str, message: str, external_execution_id: str) -> bool:
        self._raise_scripted("fail_job")
        if not self._answers(job_id):
            return False
        self.failed_jobs.append((region, job_id, message, external_execution_id))
        return True

    def pass_job(self, region: str, job_id: str, summary: str) -> bool:
        self._raise_scripted("pass_job")
        if not self._answers(job_id):
            return False
        self.passed_jobs.append((region, job_id, summary))
        return True

    def keep_job(self, region: str, job_id: str, token: str, summary: str) -> bool:
        self._raise_scripted("keep_job")
        if not self._answers(job_id):
            return False
        self.kept_jobs.append((region, job_id, token, summary))
        return True

    def _answers(self, job_id: str) -> bool:
        """A job is answered once, where a test says that CodePipeline minds."""
        taken = job_id not in self.over_jobs
        if self.jobs_are_answered_once:
            self.over_jobs.add(job_id)
        return taken

    def _raise_scripted(self, method: str) -> None:
        if self._errors[method]:
            raise self._errors[method].popleft()
