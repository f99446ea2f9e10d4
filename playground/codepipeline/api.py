"""CodePipeline's API operations, called by the wire with validated input; errors are those each one declares."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from playground.codepipeline import rule_state, state
from playground.codepipeline.console import Console
from playground.codepipeline.engine import CONTINUATION_WAIT, utc_now
from playground.codepipeline.model import (
    FAILED,
    IN_PROGRESS,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    ActionRun,
    ConditionOverride,
    Execution,
    Job,
    Pipeline,
    Retry,
    RuleRun,
)
from playground.codepipeline.on_failure import why_not_to
from playground.errors import Unsupported
from playground.paging import page
from playground.wire import AwsError

Params = dict[str, Any]


class CodePipeline(Console):
    """CodePipeline of one account, every Region: the API over the console over the engine.

    `emit(event)` receives EventBridge envelopes; `invoke_lambda(function_name, event)` is an asynchronous
    invocation. Both are called without the lock, in the thread that calls `tick(now)`, `deliver()` or a method of
    the console: an API call (another thread's) only leaves its events for the next of these.
    """

    page_size = 3
    """Rows a page of ListActionExecutions and ListPipelineExecutions at most, so that paging is exercised."""

    def __init__(
        self,
        emit: Callable[[dict[str, Any]], None],
        invoke_lambda: Callable[[str, dict[str, Any]], None],
        account: str = "123456789012",
    ) -> None:
        super().__init__(emit, invoke_lambda, account)
        self.retries: list[Retry] = []
        """Every RetryStageExecution that reached the API, accepted or refused, in order."""
        self.overrides: list[ConditionOverride] = []
        """Every OverrideStageCondition that reached the API, in order."""
        self._refusals: deque[tuple[str, bool]] = deque()

    def refuse_next_retries(self, code: str, times: int = 1, *, after_effect: bool = False) -> None:
        """Answer the next RetryStageExecution calls with this error; `after_effect`: having carried them out."""
        with self._lock:
            self._refusals.extend([(code, after_effect)] * times)

    def get_pipeline_state(self, params: Params, *, region: str, account: str) -> Params:
        with self._lock:
            return state.pipeline_state(self._pipeline(params["name"], region, account))

    def get_pipeline(self, params: Params, *, region: str, account: str) -> Params:
        with self._lock:
            pipeline = self._pipeline(params["name"], region, account)
            if params.get("version", pipeline.version) != pipeline.version:
                raise AwsError("PipelineVersionNotFoundException", "The pipeline has no such version here")
            return state.declaration(pipeline)

    def get_pipeline_execution(self, params: Params, *, region: str, account: str) -> Params:
        with self._lock:
            pipeline = self._pipeline(params["pipelineName"], region, account)
            execution = self._execution(pipeline, params["pipelineExecutionId"])
            return {"pipelineExecution": state.execution_detail(execution)}

    def list_action_executions(self, params: Params, *, region: str, account: str) -> Params:
        """Newest first; of one execution with `filter` (ActionExecutionFilter)."""
        with self._lock:
            pipeline = self._pipeline(params["pipelineName"], region, account)
            runs = self._filtered(pipeline, params.get("filter", {}))
            rows, token = page(runs, params, self.page_size, "InvalidNextTokenException")
            return {"actionExecutionDetails": [state.action_detail(run) for run in rows]} | token

    def list_pipeline_executions(self, params: Params, *, region: str, account: str) -> Params:
        """Newest first."""
        with self._lock:
            pipeline = self._pipeline(params["pipelineName"], region, account)
            wanted = params.get("filter", {}).get("succeededInStage", {}).get("stageName")
            executions = [
                execution
                for execution in pipeline.executions.values()
                if wanted is None or (wanted in execution.stages and execution.stages[wanted].status == SUCCEEDED)
            ]
            rows, token = page(executions, params, self.page_size, "InvalidNextTokenException")
            return {"pipelineExecutionSummaries": [state.execution_summary(row) for row in rows]} | token

    def list_rule_executions(self, params: Params, *, region: str, account: str) -> Params:
        """Newest first; of one execution with `filter` (RuleExecutionFilter)."""
        with self._lock:
            pipeline = self._pipeline(params["pipelineName"], region, account)
            wanted = _execution_asked_for(params.get("filter", {}))
            runs = [run for run in self._rule_runs if run.execution.pipeline is pipeline]
            if wanted is not None:
                execution = self._execution(pipeline, wanted)
                runs = [run for run in runs if run.execution is execution]
            rows, token = page(runs, params, self.page_size, "InvalidNextTokenException")
            return {"ruleExecutionDetails": [rule_state.detail(run) for run in rows]} | token

    def list_tags_for_resource(self, params: Params, *, region: str, account: str) -> Params:
        with self._lock:
            for pipeline in self._pipelines.values():
                if pipeline.arn == params["resourceArn"] and (pipeline.region, self.account) == (region, account):
                    return {"tags": [{"key": key, "value": value} for key, value in pipeline.tags.items()]}
        raise AwsError("ResourceNotFoundException", "The resource was not found")

    def retry_stage_execution(self, params: Params, *, region: str, account: str) -> Params:
        """Errors and their conditions are those of RetryStageExecution's page in the API reference."""
        with self._lock:
            code, after_effect = self._refusals.popleft() if self._refusals else ("", False)
            refusal = AwsError(code, "Refused by the scenario", 500 if code == "InternalFailure" else 400)
            try:
                if code and not after_effect:
                    raise refusal
                self._retry_as_asked(params, region, account)
            except AwsError as error:
                self._record(params, accepted=False, code=error.code)
                raise
            self._record(params, accepted=True, code=code)
            if code:
                raise refusal
            return {"pipelineExecutionId": params["pipelineExecutionId"]}

    def override_stage_condition(self, params: Params, *, region: str, account: str) -> Params:
        """Errors and their conditions are those of OverrideStageCondition's page in the API reference."""
        with self._lock:
            names = (params["pipelineName"], params["stageName"], params["pipelineExecutionId"])
            call = ConditionOverride(utc_now(), *names, params["conditionType"])
            try:
                self._override_as_asked(call, region, account)
            except AwsError as error:
                self.overrides.append(replace(call, code=error.code))
                raise
            self.overrides.append(call)
            return {}

    def rollback_stage(self, params: Params, *, region: str, account: str) -> Params:
        """Errors are those of RollbackStage's page in the API reference."""
        with self._lock:
            pipeline = self._pipeline(params["pipelineName"], region, account)
            stage = pipeline.stage(params["stageName"])
            if stage is None:
                raise AwsError("StageNotFoundException", f"'{pipeline.name}' has no stage '{params['stageName']}'")
            target = self._execution(pipeline, params["targetPipelineExecutionId"])
            code, why = why_not_to(pipeline, stage, target)
            if code:
                raise AwsError(code, why)
            if pipeline.locked(stage.name):
                raise AwsError("ConflictException", "The pipeline is busy handling ongoing activities")
            rollback = self._roll_back(pipeline, stage, target, utc_now(), "ManualRollback")
            return {"pipelineExecutionId": rollback.execution_id}

    def stop_pipeline_execution(self, params: Params, *, region: str, account: str) -> Params:
        """An execution that is stopping already may still be abandoned ("Stop a pipeline execution")."""
        with self._lock:
            pipeline = self._pipeline(params["pipelineName"], region, account)
            execution = pipeline.executions.get(params["pipelineExecutionId"])
            abandon = params.get("abandon", False)
            if execution is None or execution.status not in (IN_PROGRESS, STOPPING):
                raise AwsError("PipelineExecutionNotStoppableException", "The execution cannot be stopped")
            if execution.status == STOPPING and not abandon:
                raise AwsError("DuplicatedStopRequestException", "The execution is stopping already")
            self._stop(execution, abandon, params.get("reason", ""), utc_now())
            return {"pipelineExecutionId": execution.execution_id}

    def disable_stage_transition(self, params: Params, *, region: str, account: str) -> Params:
        with self._lock:
            pipeline = self._with_inbound(params, region, account)
            self._disable(pipeline, params["stageName"], params["reason"])
            return {}

    def put_job_success_result(self, params: Params, *, region: str, account: str) -> Params:
        """A continuation token keeps the action waiting, and a new job comes with it."""
        with self._lock:
            job = self._open_job(params["jobId"], region, account)
            token = params.get("continuationToken", "")
            if token and params.get("outputVariables"):
                raise AwsError("ValidationException", "Output variables cannot go with a continuation token")
            details, run = params.get("executionDetails", {}), job.run
            if token and isinstance(run, RuleRun):
                raise Unsupported("what a continuation token does to a rule's job is not documented")
            run.external_execution_id = details.get("externalExecutionId", run.external_execution_id)
            job.open = False
            if isinstance(run, RuleRun):
                self._finish_rule(run, SUCCEEDED, utc_now(), summary=details.get("summary", ""))
            elif token:
                run.continuation_token = token
                run.ends_at = utc_now() + CONTINUATION_WAIT
            else:
                self._finish(run, SUCCEEDED, utc_now(), summary=details.get("summary", ""))
            return {}

    def put_job_failure_result(self, params: Params, *, region: str, account: str) -> Params:
        with self._lock:
            job = self._open_job(params["jobId"], region, account)
            details, run = params["failureDetails"], job.run
            run.external_execution_id = details.get("externalExecutionId", run.external_execution_id)
            if isinstance(run, RuleRun):
                self._finish_rule(run, FAILED, utc_now(), details["type"], details["message"])
            else:
                self._finish(run, FAILED, utc_now(), details["type"], details["message"])
            return {}

    # Below here: under the lock.

    def _pipeline(self, name: str, region: str, account: str) -> Pipeline:
        pipeline = self._pipelines.get(name)
        if pipeline is None or (pipeline.region, self.account) != (region, account):
            raise AwsError("PipelineNotFoundException", f"Account '{account}' does not have a pipeline '{name}'")
        return pipeline

    def _execution(self, pipeline: Pipeline, execution_id: str) -> Execution:
        execution = pipeline.executions.get(execution_id)
        if execution is None:
            raise AwsError(
                "PipelineExecutionNotFoundException", f"'{pipeline.name}' has no execution '{execution_id}'"
            )
        return execution

    def _filtered(self, pipeline: Pipeline, wanted: Params) -> list[ActionRun]:
        latest = wanted.get("latestInPipelineExecution", {})
        execution_id = _execution_asked_for(wanted)
        if execution_id is None:
            return pipeline.runs
        execution = self._execution(pipeline, execution_id)
        runs = [run for run in pipeline.runs if run.execution is execution]
        if latest.get("startTimeRange") == "Latest":
            newest = {(run.stage, run.action.name): run for run in runs}
            runs = [run for run in runs if newest[run.stage, run.action.name] is run]
        return runs

    def _with_inbound(self, params: Params, region: str, account: str) -> Pipeline:
        pipeline = self._pipeline(params["pipelineName"], region, account)
        if pipeline.stage(params["stageName"]) is None:
            raise AwsError("StageNotFoundException", f"'{pipeline.name}' has no stage '{params['stageName']}'")
        if params["transitionType"] != "Inbound":
            raise Unsupported("only inbound transitions are played here")
        return pipeline

    def _open_job(self, job_id: str, region: str, account: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None or (job.run.execution.pipeline.region, self.account) != (region, account):
            raise AwsError("JobNotFoundException", f"There is no job '{job_id}'")
        if not job.open:
            raise AwsError("InvalidJobStateException", f"Job '{job_id}' has been answered or its time is up")
        return job

    def _retry_as_asked(self, params: Params, region: str, account: str) -> None:
        pipeline = self._pipeline(params["pipelineName"], region, account)
        name, execution_id, mode = params["stageName"], params["pipelineExecutionId"], params["retryMode"]
        if pipeline.stage(name) is None:
            raise AwsError("StageNotFoundException", f"'{pipeline.name}' has no stage '{name}'")
        execution = pipeline.executions.get(execution_id)
        stage_run = execution.stages.get(name) if execution else None
        if execution is None or stage_run is None:
            raise AwsError("StageNotRetryableException", "The execution has not been in the stage")
        if pipeline.mode != "PARALLEL" and pipeline.latest[name] is not execution:
            raise AwsError("NotLatestPipelineExecutionException", "The stage has been in a later run since")
        if execution.version != pipeline.version:
            raise AwsError("StageNotRetryableException", "The pipeline structure has changed since")
        failed = [run for run in stage_run.runs.values() if run.failed]
        if not failed or stage_run.status not in (FAILED, STOPPED, IN_PROGRESS):
            raise AwsError("StageNotRetryableException", "The stage contains no failed actions")
        if stage_run.in_progress and mode == "ALL_ACTIONS":
            raise AwsError("ConflictException", "The pipeline is busy handling ongoing activities")
        self._retry(execution, stage_run, mode, utc_now())

    def _override_as_asked(self, call: ConditionOverride, region: str, account: str) -> None:
        pipeline = self._pipeline(call.pipeline, region, account)
        if pipeline.stage(call.stage) is None:
            raise AwsError("StageNotFoundException", f"'{pipeline.name}' has no stage '{call.stage}'")
        execution = pipeline.executions.get(call.execution_id)
        stage_run = execution.stages.get(call.stage) if execution else None
        if pipeline.mode != "PARALLEL" and pipeline.latest.get(call.stage) is not execution:
            raise AwsError("NotLatestPipelineExecutionException", "The stage has been in a later run since")
        check = stage_run.entry if stage_run else None
        if execution is None or stage_run is None or check is None or call.condition != "BEFORE_ENTRY":
            raise AwsError("ConditionNotOverridableException", "There is no such condition to override")
        if check.status != FAILED or stage_run.status != FAILED:
            raise AwsError("ConditionNotOverridableException", f"The condition is {check.status}")
        self._override_entry(execution, stage_run, check, utc_now())

    def _record(self, params: Params, *, accepted: bool, code: str) -> None:
        names = (params["pipelineName"], params["stageName"], params["pipelineExecutionId"], params["retryMode"])
        self.retries.append(Retry(utc_now(), *names, accepted, code))


def _execution_asked_for(wanted: Params) -> str | None:
    """Of an ActionExecutionFilter or a RuleExecutionFilter."""
    latest = wanted.get("latestInPipelineExecution", {})
    found: str | None = wanted.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
    return found
