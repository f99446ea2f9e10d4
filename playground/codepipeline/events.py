"""CodePipeline's EventBridge events, in the shapes of the User Guide's page "Monitoring CodePipeline events".

`version` and `pipeline-execution-attempt` are floats on the wire; times inside `detail` have milliseconds, the
envelope's does not.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from playground.codepipeline.model import ActionRun, Execution, StageRun

Event = dict[str, Any]


def pipeline_event(execution: Execution, state: str, at: datetime) -> Event:
    """State STARTED RESUMED SUCCEEDED FAILED STOPPING STOPPED SUPERSEDED. It names no stage."""
    detail: dict[str, Any] = {"start-time": _milliseconds(execution.started_at)}
    if state == "STARTED":
        role = f"arn:aws:sts::{execution.pipeline.account}:assumed-role/Admin/my-user"
        detail["execution-trigger"] = {"trigger-type": execution.trigger, "trigger-detail": role}
    return _event("Pipeline", execution, state, at, detail)


def stage_event(execution: Execution, run: StageRun, state: str, at: datetime) -> Event:
    """State as a pipeline's, without SUPERSEDED."""
    detail: dict[str, Any] = {"stage": run.stage.name}
    if state == "RESUMED":
        detail["stage-last-retry-attempt-time"] = _milliseconds(run.last_retry_at or at)
    else:
        detail["start-time"] = _milliseconds(run.started_at)
    return _event("Stage", execution, state, at, detail)


def action_event(run: ActionRun, state: str, at: datetime) -> Event:
    """State STARTED SUCCEEDED FAILED ABANDONED; only an ended action has an execution-result."""
    action = run.action
    detail: dict[str, Any] = {
        "start-time": _milliseconds(run.started_at),
        "stage": run.stage,
        "action-execution-id": run.action_execution_id,
        "action": action.name,
        "region": action.region or run.execution.pipeline.region,
        "type": {
            "owner": action.owner,
            "provider": action.provider,
            "category": action.category,
            "version": "1",
        },
    }
    result = {
        "external-execution-url": run.external_execution_url,
        "external-execution-summary": run.summary,
        "external-execution-id": run.external_execution_id,
        "error-code": run.error_code,
    }
    if state in ("SUCCEEDED", "FAILED"):
        detail["execution-result"] = {name: value for name, value in result.items() if value}
    return _event("Action", run.execution, state, at, detail)


def job_event(
    job_id: str, execution: Execution, configuration: Mapping[str, str], continuation_token: str = ""
) -> Event:
    """What the function is invoked with (action reference "AWS Lambda invoke", "Example JSON event").

    What a LambdaInvoke rule invokes its function with is not documented: the same (inferred).
    """
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": resolved(configuration, execution)},
        "inputArtifacts": [],
        "outputArtifacts": [],
        "artifactCredentials": {
            "accessKeyId": "ASIAEXAMPLEEXAMPLE00",
            "secretAccessKey": "an-artifact-secret-that-must-never-be-logged",
            "sessionToken": "an-artifact-session-token-that-must-never-be-logged",
        },
    }
    if continuation_token:
        data["continuationToken"] = continuation_token
    return {"CodePipeline.job": {"id": job_id, "accountId": execution.pipeline.account, "data": data}}


def resolved(configuration: Mapping[str, str], execution: Execution) -> dict[str, str]:
    """With its variables resolved ("Variables reference": codepipeline.PipelineExecutionId)."""
    return {
        name: value.replace("#{codepipeline.PipelineExecutionId}", execution.execution_id)
        for name, value in configuration.items()
    }


def _event(kind: str, execution: Execution, state: str, at: datetime, detail: dict[str, Any]) -> Event:
    pipeline = execution.pipeline
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": f"CodePipeline {kind} Execution State Change",
        "source": "aws.codepipeline",
        "account": pipeline.account,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": pipeline.region,
        "resources": [pipeline.arn],
        "detail": {
            "pipeline": pipeline.name,
            "execution-id": execution.execution_id,
            "state": state,
            "version": float(execution.version),
            "pipeline-execution-attempt": float(execution.attempt),
            **detail,
        },
    }


def _milliseconds(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
