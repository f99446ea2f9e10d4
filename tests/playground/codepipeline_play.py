"""A CodePipeline to play with: its clock, what it emitted, whom it invoked, and its API through boto3."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from playground.codepipeline import Action, CodePipeline, Stage

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

SOURCE = Stage("Source", [Action("Checkout", "Source", provider="CodeCommit")])
DEPLOY = Stage("Deploy", [Action("Stack")])
GATED = Stage(
    "Deploy",
    [
        Action(
            "Gate",
            "Invoke",
            provider="Lambda",
            configuration={
                "FunctionName": "gate",
                "UserParameters": '{"execution": "#{codepipeline.PipelineExecutionId}"}',
            },
        ),
        Action("Stack", run_order=2, region="eu-west-1"),
    ],
)
APPROVED = Stage("Approve", [Action("Ask", "Approval", provider="Manual")])


class Play:
    """A CodePipeline with its clock, what it emitted and whom it invoked."""

    def __init__(self, traveller: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.invoked: list[tuple[str, dict[str, Any]]] = []
        self.cp = CodePipeline(self.events.append, lambda name, event: self.invoked.append((name, event)))
        self.traveller = traveller

    def pass_time(self, span: timedelta = MINUTE) -> None:
        self.traveller.shift(span)
        self.cp.tick(datetime.now(UTC))

    def states(self, *, since: int = 0) -> list[str]:
        """What happened, as "Stage Deploy FAILED"; a pipeline's own events as "FAILED"."""
        said = []
        for event in self.events[since:]:
            detail = event["detail"]
            place = [detail[part] for part in ("stage", "action") if part in detail]
            said.append(" ".join([*place, detail["state"]]))
        return said

    def job_id(self) -> str:
        return str(self.invoked[-1][1]["CodePipeline.job"]["id"])


def fail(play: Play, stages: list[Stage] | None = None, **more: Any) -> str:
    """An execution of `web` whose Deploy stage has just failed, once."""
    play.cp.create_pipeline("web", "us-east-1", stages or [SOURCE, DEPLOY], **more)
    play.cp.fail_action("web", "Deploy", "Stack", times=1, message="Resource handler returned 503")
    execution = play.cp.start("web")
    play.pass_time(2 * MINUTE)
    return execution


def retry(client: Any, execution: str, *, stage: str = "Deploy", mode: str = "FAILED_ACTIONS") -> Any:
    return client.retry_stage_execution(
        pipelineName="web", stageName=stage, pipelineExecutionId=execution, retryMode=mode
    )


def refusal(client: Any, execution: str, **more: Any) -> str:
    with pytest.raises(ClientError) as refused:
        retry(client, execution, **more)
    return str(refused.value.response["Error"]["Code"])


def runs(client: Any, execution: str | None = None) -> list[dict[str, Any]]:
    wanted = {"filter": {"pipelineExecutionId": execution}} if execution else {}
    pages = client.get_paginator("list_action_executions").paginate(pipelineName="web", **wanted)
    return [run for page in pages for run in page["actionExecutionDetails"]]


def stage_state(client: Any, stage: str = "Deploy") -> dict[str, Any]:
    states = client.get_pipeline_state(name="web")["stageStates"]
    return next(state for state in states if state["stageName"] == stage)


def types(value: dict[str, Any]) -> dict[str, type]:
    return {name: type(member) for name, member in value.items()}
