"""CodePipeline over boto3: the reads that make the truth, the one call that retries, the answers to gate jobs."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from bot.adapters.aws import (
    AWS_ERRORS,
    AwsClients,
    error_code,
    error_text,
    is_passing,
    is_throttling,
    is_unanswered,
)
from bot.adapters.codepipeline_rows import Row
from bot.adapters.codepipeline_truth import Answers, stage_truths
from bot.adapters.pipeline_tags import read_tags
from bot.adapters.running_actions import usual_times
from bot.errors import (
    NotAllowed,
    NotLatest,
    NotRetryable,
    OutcomeUnknown,
    PipelineGone,
    RetryImpossible,
    RetryNotNow,
    RetryRefused,
    TryLater,
)
from bot.model import ExecutionKey, PipelineTags
from bot.pipelines import PlannedAction, StageTruth
from bot.running import ActionName

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

T = TypeVar("T")

logger = logging.getLogger(__name__)

# PutJobFailureResult's and PutJobSuccessResult's limits, in characters.
MESSAGE_LIMIT = 5_000
EXTERNAL_ID_LIMIT = 1_500
SUMMARY_LIMIT = 2_048

USUAL_OF = 300  # action executions of a pipeline, the newest: by these its actions' usual times are judged

# The request certainly never reached CodePipeline.
_NOT_SENT = (EndpointConnectionError, ConnectTimeoutError)

# Somebody answered the job before, or it timed out: there is nothing left to answer.
_JOB_OVER = frozenset({"InvalidJobStateException", "JobNotFoundException"})

# An id of an invalid format may be told as either.
_NO_SUCH_EXECUTION = frozenset({"PipelineExecutionNotFoundException", "ValidationException"})


class CodePipeline:
    """bot.ports.Pipelines."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def stages(self, account: str, region: str, pipeline: str, execution_id: str) -> tuple[StageTruth, ...]:
        """See bot.ports.Pipelines. An error that is neither passing nor a missing pipeline propagates."""
        actions = self._actions(region, pipeline, execution_id)
        state = _read(lambda: self._client(region).get_pipeline_state(name=pipeline))
        answers = Answers(
            actions=actions,
            stages=state.get("stageStates", ()),
            execution=self._execution(region, pipeline, execution_id),
            version=state.get("pipelineVersion"),
        )
        return stage_truths(ExecutionKey(account, region, pipeline, execution_id, ""), answers)

    def _actions(self, region: str, pipeline: str, execution_id: str) -> list[Row]:
        pages = self._client(region).get_paginator("list_action_executions")
        try:
            return _read(
                lambda: [
                    row
                    for page in pages.paginate(
                        pipelineName=pipeline,
                        filter={"pipelineExecutionId": execution_id},
                        PaginationConfig={"PageSize": 100},
                    )
                    for row in page.get("actionExecutionDetails", ())
                    if row.get("pipelineExecutionId", execution_id) == execution_id
                ]
            )
        except ClientError as error:
            if error_code(error) in _NO_SUCH_EXECUTION:
                return []
            raise

    def _execution(self, region: str, pipeline: str, execution_id: str) -> Row:
        """Mode, status and revision: good to know, and nothing waits for them. A refusal is an empty answer."""
        try:
            answer = _read(
                lambda: self._client(region).get_pipeline_execution(
                    pipelineName=pipeline, pipelineExecutionId=execution_id
                )
            )
        except (ClientError, PipelineGone) as error:  # the two reads that count have found the pipeline
            logger.warning("GetPipelineExecution refused for %s in %s: %s", pipeline, region, error_text(error))
            return {}
        return answer.get("pipelineExecution", {})

    def tags(self, account: str, region: str, pipeline: str) -> PipelineTags:
        """See bot.ports.Pipelines. A tag whose value makes no sense is left out with a warning."""
        client = self._client(region)
        arn = f"arn:{client.meta.partition}:codepipeline:{region}:{account}:{pipeline}"
        pages = client.get_paginator("list_tags_for_resource")
        try:
            tags = _read(lambda: [tag for page in pages.paginate(resourceArn=arn) for tag in page.get("tags", ())])
        except (ClientError, PipelineGone) as error:
            logger.warning("ListTagsForResource refused for %s: %s", arn, error_text(error))
            return PipelineTags()
        return read_tags({tag["key"]: tag["value"] for tag in tags}, arn)

    def planned_actions(self, region: str, pipeline: str) -> tuple[PlannedAction, ...]:
        """See bot.ports.Pipelines."""
        try:
            answer = _read(lambda: self._client(region).get_pipeline(name=pipeline))
        except ClientError as error:
            raise NotAllowed(f"codepipeline:GetPipeline on {pipeline} was refused: {error_text(error)}") from error
        return tuple(
            PlannedAction(
                stage=stage["name"],
                name=action["name"],
                owner=action["actionTypeId"]["owner"],
                provider=action["actionTypeId"]["provider"],
                region=action.get("region", region),
            )
            for stage in answer["pipeline"]["stages"]
            for action in stage.get("actions", ())
        )

    def rule_parameters(self, key: ExecutionKey) -> Mapping[str, str]:
        """See bot.ports.Pipelines. Empty for an execution that ran no rule."""
        pages = self._client(key.region).get_paginator("list_rule_executions")
        try:
            rows: list[Row] = _read(
                lambda: [
                    dict(row)
                    for page in pages.paginate(
                        pipelineName=key.pipeline, filter={"pipelineExecutionId": key.execution_id}
                    )
                    for row in page.get("ruleExecutionDetails", ())
                ]
            )
        except ClientError as error:
            if error_code(error) in _NO_SUCH_EXECUTION:
                return {}
            what = f"codepipeline:ListRuleExecutions on {key.pipeline}"
            raise NotAllowed(f"{what} was refused: {error_text(error)}") from error
        return {
            row["ruleExecutionId"]: row.get("input", {}).get("resolvedConfiguration", {}).get("UserParameters", "")
            for row in rows
            if row.get("stageName") == key.stage and row.get("ruleExecutionId")
        }

    def usual_times(self, region: str, pipeline: str) -> Mapping[ActionName, timedelta]:
        """See bot.ports.Pipelines. By the pipeline's newest action executions, as many as fit in a few answers.

        ListActionExecutions lists a pipeline's actions newest first, and has no filter for one action.
        """
        pages = self._client(region).get_paginator("list_action_executions")
        rows = _read(
            lambda: [
                row
                for page in pages.paginate(
                    pipelineName=pipeline, PaginationConfig={"PageSize": 100, "MaxItems": USUAL_OF}
                )
                for row in page.get("actionExecutionDetails", ())
            ]
        )
        return usual_times(rows)

    def retries_itself(self, key: ExecutionKey) -> bool:
        """See bot.ports.Pipelines."""
        try:
            answer = _read(lambda: self._client(key.region).get_pipeline(name=key.pipeline))
        except (ClientError, PipelineGone) as error:
            logger.warning("GetPipeline refused for %s in %s: %s", key.pipeline, key.region, error_text(error))
            return False
        declared = next((each for each in answer["pipeline"]["stages"] if each["name"] == key.stage), None)
        return declared is not None and declared.get("onFailure", {}).get("result") == "RETRY"

    def retry_stage(self, key: ExecutionKey) -> None:
        """See bot.ports.Pipelines. The client is one of its own: the SDK sends this call once and never again."""
        client = self._client(key.region, attempts=1)
        _sent_once(
            lambda: client.retry_stage_execution(
                pipelineName=key.pipeline,
                stageName=key.stage,
                pipelineExecutionId=key.execution_id,
                retryMode="FAILED_ACTIONS",
            )
        )

    def override_condition(self, key: ExecutionKey, condition: str) -> None:
        """See bot.ports.Pipelines. Sent as a retry is."""
        client = self._client(key.region, attempts=1)
        _sent_once(
            lambda: client.override_stage_condition(
                pipelineName=key.pipeline,
                stageName=key.stage,
                pipelineExecutionId=key.execution_id,
                conditionType=condition,  # type: ignore[arg-type]  # the stubs know its words only as literals
            )
        )

    def fail_job(self, region: str, job_id: str, message: str, external_execution_id: str) -> bool:
        """See bot.ports.Pipelines. Texts are cut to CodePipeline's limits, and it takes no empty message."""
        details: Any = {"type": "JobFailed", "message": message[:MESSAGE_LIMIT] or "No reason given"}
        if external_execution_id:
            details["externalExecutionId"] = external_execution_id[:EXTERNAL_ID_LIMIT]
        client = self._client(region)
        return self._answer(lambda: client.put_job_failure_result(jobId=job_id, failureDetails=details))

    def pass_job(self, region: str, job_id: str, summary: str) -> bool:
        """See bot.ports.Pipelines."""
        return self._succeed(region, job_id, summary)

    def keep_job(self, region: str, job_id: str, token: str, summary: str) -> bool:
        """See bot.ports.Pipelines."""
        return self._succeed(region, job_id, summary, continuationToken=token)

    def _succeed(self, region: str, job_id: str, summary: str, **more: Any) -> bool:
        if summary:
            more["executionDetails"] = {"summary": summary[:SUMMARY_LIMIT]}
        client = self._client(region)
        return self._answer(lambda: client.put_job_success_result(jobId=job_id, **more))

    def _answer(self, call: Callable[[], object]) -> bool:
        """Sent again by the SDK when in doubt: answering a job twice is harmless."""
        try:
            call()
        except AWS_ERRORS as error:
            if is_passing(error):
                raise TryLater(error_text(error)) from error
            if error_code(error) not in _JOB_OVER:
                raise
            logger.info("the job needs no answer any more: %s", error_text(error))
            return False
        return True

    def _client(self, region: str, **options: int) -> "CodePipelineClient":
        client: CodePipelineClient = self._clients.client("codepipeline", region, **options)
        return client


def _read(call: Callable[[], T]) -> T:
    """Raises TryLater, PipelineGone, and ClientError for any other refusal."""
    try:
        return call()
    except AWS_ERRORS as error:
        if is_passing(error) or error_code(error) == "InvalidNextTokenException":  # a page's token can age
            raise TryLater(error_text(error)) from error
        if error_code(error) == "PipelineNotFoundException":
            raise PipelineGone(error_text(error)) from error
        raise


def _sent_once(call: Callable[[], object]) -> None:
    """Start something, by a client that never resends. Raises RetryRefused's children, OutcomeUnknown."""
    try:
        call()
    except AWS_ERRORS as error:
        outcome = _outcome(error)
        if outcome is None:
            raise
        raise outcome from error


def _outcome(error: Exception) -> RetryRefused | OutcomeUnknown | None:
    """What an error of RetryStageExecution or OverrideStageCondition means.

    None: the SDK's own complaint before it sent anything. ConditionNotOverridableException is final, as all that
    is not named here.
    """
    text = error_text(error)
    if is_throttling(error) or isinstance(error, _NOT_SENT):
        return RetryNotNow(text)
    if is_unanswered(error):
        return OutcomeUnknown(text)
    match error_code(error):
        case "ConflictException" | "ConcurrentPipelineExecutionsLimitExceededException":
            return RetryNotNow(text)
        case "StageNotRetryableException":
            return NotRetryable(text)
        case "NotLatestPipelineExecutionException":
            return NotLatest(text)
        case "":
            return None
        case _:
            return RetryImpossible(text)
