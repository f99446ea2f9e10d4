"""What the API says about pipelines, in the shapes of its reference (GetPipelineState and others)."""

from typing import Any

from playground.codepipeline import rule_state
from playground.codepipeline.model import (
    FAILED,
    IN_PROGRESS,
    SUCCEEDED,
    Action,
    ActionRun,
    Execution,
    Pipeline,
    Stage,
    StageRun,
)

Answer = dict[str, Any]


def pipeline_state(pipeline: Pipeline) -> Answer:
    """GetPipelineState's answer."""
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.version,
        "stageStates": [_stage_state(pipeline, stage) for stage in pipeline.stages],
        "created": pipeline.created_at,
        "updated": pipeline.created_at,
    }


def action_detail(run: ActionRun) -> Answer:
    """One row of ListActionExecutions."""
    result: Answer = _present(
        externalExecutionId=run.external_execution_id,
        externalExecutionSummary=run.summary,
        externalExecutionUrl=run.external_execution_url,
        errorDetails=_error_details(run),
    )
    return {
        "pipelineExecutionId": run.execution.execution_id,
        "actionExecutionId": run.action_execution_id,
        "pipelineVersion": run.execution.version,
        "stageName": run.stage,
        "actionName": run.action.name,
        "startTime": run.started_at,
        "lastUpdateTime": run.updated_at,
        "status": run.status,
        "input": {
            "actionTypeId": _action_type(run.action),
            "region": run.action.region or run.execution.pipeline.region,
            "inputArtifacts": [],
            **_present(configuration=dict(run.action.configuration)),
        },
        "output": {"outputArtifacts": [], "outputVariables": _variables(run), **_present(executionResult=result)},
    }


def _variables(run: ActionRun) -> dict[str, str]:
    """What a source action puts out ("Variables reference", "Action structure reference"), once it has succeeded.

    Only a connection names the author; AuthorDisplayName, AuthorEmail and AuthorId are seen in use, not in the
    reference's table.
    """
    execution, configuration = run.execution, run.action.configuration
    if run.action.category != "Source" or run.status != SUCCEEDED:
        return {}
    written_at = f"{execution.started_at:%Y-%m-%dT%H:%M:%SZ}"
    commit = {
        "AuthorDate": written_at,
        "BranchName": configuration.get("BranchName", "main"),
        "CommitId": execution.revision_id,
        "CommitMessage": execution.revision_summary,
    }
    match run.action.provider:
        case "CodeCommit":
            name = configuration.get("RepositoryName", execution.pipeline.name)
            return commit | {"CommitterDate": written_at, "RepositoryName": name}
        case "CodeStarSourceConnection":
            return commit | {
                "AuthorDisplayName": execution.author,
                "AuthorEmail": f"{execution.author.lower()}@example.com",
                "AuthorId": execution.author.lower(),
                "ConnectionArn": configuration.get("ConnectionArn", ""),
                "FullRepositoryName": configuration.get("FullRepositoryId", f"example/{execution.pipeline.name}"),
            }
        case _:
            return {}


def execution_detail(execution: Execution) -> Answer:
    """GetPipelineExecution's `pipelineExecution`."""
    return {
        "pipelineName": execution.pipeline.name,
        "pipelineVersion": execution.version,
        "pipelineExecutionId": execution.execution_id,
        "status": execution.status,
        "artifactRevisions": [
            {
                "name": "SourceOutput",
                "revisionId": execution.revision_id,
                "revisionSummary": execution.revision_summary,
                "created": execution.started_at,
            }
        ],
        "trigger": {"triggerType": execution.trigger},
        "executionMode": execution.pipeline.mode,
        "executionType": execution.kind,
        **_rollback(execution),
    }


def execution_summary(execution: Execution) -> Answer:
    """One row of ListPipelineExecutions."""
    source = execution.pipeline.stages[0].actions[0].name
    revision = {"revisionId": execution.revision_id, "revisionSummary": execution.revision_summary}
    stopped = {"stopTrigger": {"reason": execution.stop_reason}} if execution.stop_reason else {}
    return {
        "pipelineExecutionId": execution.execution_id,
        "status": execution.status,
        "startTime": execution.started_at,
        "lastUpdateTime": execution.updated_at,
        "sourceRevisions": [{"actionName": source, **revision}],
        "trigger": {"triggerType": execution.trigger},
        "executionMode": execution.pipeline.mode,
        "executionType": execution.kind,
        **_rollback(execution),
        **stopped,
    }


def _rollback(execution: Execution) -> Answer:
    """ "View rollback status details"."""
    target = execution.rolls_back_to
    return {"rollbackMetadata": {"rollbackTargetPipelineExecutionId": target}} if target else {}


def declaration(pipeline: Pipeline) -> Answer:
    """GetPipeline's answer."""
    return {
        "pipeline": {
            "name": pipeline.name,
            "roleArn": f"arn:aws:iam::{pipeline.account}:role/pipeline",
            "artifactStore": {"type": "S3", "location": f"codepipeline-{pipeline.region}-artifacts"},
            "stages": [_stage_declaration(stage) for stage in pipeline.stages],
            "version": pipeline.version,
            "executionMode": pipeline.mode,
            "pipelineType": "V2",
        },
        "metadata": {
            "pipelineArn": pipeline.arn,
            "created": pipeline.created_at,
            "updated": pipeline.created_at,
        },
    }


def _stage_state(pipeline: Pipeline, stage: Stage) -> Answer:
    """A stage as GetPipelineState shows it: the execution that entered it last, and each action's latest run.

    An action that the latest execution has not reached still shows the run of an older one.
    """
    state: Answer = {
        "stageName": stage.name,
        "inboundExecutions": [_inbound(waiting) for waiting in pipeline.waiting.get(stage.name, [])],
        "inboundTransitionState": _transition_state(pipeline, stage),
        "actionStates": [_action_state(pipeline, stage, action.name) for action in stage.actions],
    }
    if state["inboundExecutions"]:
        state["inboundExecution"] = state["inboundExecutions"][-1]
    latest = pipeline.latest.get(stage.name)
    if latest is not None:
        run = latest.stages[stage.name]
        state["latestExecution"] = {
            "pipelineExecutionId": latest.execution_id,
            "status": run.status,
            "type": latest.kind,
        }
        state |= _present(
            retryStageMetadata=_retry_metadata(run),
            beforeEntryConditionState=rule_state.condition(run.entry) if run.entry else {},
        )
    return state


def _inbound(execution: Execution) -> Answer:
    return {"pipelineExecutionId": execution.execution_id, "status": IN_PROGRESS, "type": execution.kind}


def _transition_state(pipeline: Pipeline, stage: Stage) -> Answer:
    closed = pipeline.disabled.get(stage.name)
    if closed is None:
        return {"enabled": True}
    return {
        "enabled": False,
        "lastChangedBy": f"arn:aws:sts::{pipeline.account}:assumed-role/Admin/my-user",
        "lastChangedAt": closed.disabled_at,
        "disabledReason": closed.reason,
    }


def _retry_metadata(run: StageRun) -> Answer:
    if run.last_retry_at is None:
        return {}
    trigger = "ManualStageRetry" if run.last_retry_manual else "AutomatedStageRetry"
    return _present(
        manualStageRetryAttempt=run.manual_retries,
        autoStageRetryAttempt=run.automatic_retries,
        latestRetryTrigger=trigger,
    )


def _action_state(pipeline: Pipeline, stage: Stage, action: str) -> Answer:
    for run in reversed(pipeline.runs):
        if (run.stage, run.action.name) == (stage.name, action):
            return {
                "actionName": action,
                "latestExecution": {
                    "actionExecutionId": run.action_execution_id,
                    "status": run.status,
                    "lastStatusChange": run.updated_at,
                    **_present(
                        summary=run.summary,
                        token=run.token,
                        externalExecutionId=run.external_execution_id,
                        externalExecutionUrl=run.external_execution_url,
                        errorDetails=_error_details(run),
                    ),
                },
            }
    return {"actionName": action}


def _error_details(run: ActionRun) -> Answer:
    """A rejected approval has a summary and no error code."""
    return {"code": run.error_code, "message": run.summary} if run.status == FAILED and run.error_code else {}


def _action_type(action: Action) -> Answer:
    return {"category": action.category, "owner": action.owner, "provider": action.provider, "version": "1"}


def _stage_declaration(stage: Stage) -> Answer:
    declared: Answer = {
        "name": stage.name,
        "actions": [
            {
                "name": action.name,
                "actionTypeId": _action_type(action),
                "runOrder": action.run_order,
                **_present(configuration=dict(action.configuration), region=action.region),
            }
            for action in stage.actions
        ],
    }
    if stage.entry_rules:
        declared["beforeEntry"] = rule_state.declaration(stage)
    if stage.retries_itself:
        declared["onFailure"] = {"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}}
    if stage.rolls_back:
        declared["onFailure"] = {"result": "ROLLBACK"}
    return declared


def _present(**members: Any) -> Answer:
    """The members that have something to say; AWS leaves the others out."""
    return {name: value for name, value in members.items() if value}
