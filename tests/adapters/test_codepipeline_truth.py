"""CodePipeline's answers about an execution become the truth about its stages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.codepipeline import CodePipeline
from bot.model import MESSAGE_LIMIT, ExecutionKey, FailedAction
from bot.ports import StageStatus, StageTruth
from tests.adapters.local_aws import LocalAws

ACCOUNT = "111122223333"
REGION = "us-east-1"
OURS = "3f1c2d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f"
OTHER = "7a7b7c7d-1a2b-4c3d-8e4f-5a6b7c8d9e0f"
KEY = ExecutionKey(ACCOUNT, REGION, "web", OURS, "Deploy")
BEGAN_AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def minute(minutes: float) -> float:
    """Epoch seconds so many minutes after the execution began."""
    return (BEGAN_AT + timedelta(minutes=minutes)).timestamp()


def listed(action: str, number: int, status: str, began: float, ended: float, **changes: Any) -> dict[str, Any]:
    """A row of ListActionExecutions; minutes since the execution began."""
    row = {
        "pipelineExecutionId": OURS,
        "actionExecutionId": f"{action}-{number}",
        "stageName": "Deploy",
        "actionName": action,
        "startTime": minute(began),
        "lastUpdateTime": minute(ended),
        "status": status,
        "input": {
            "actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": "CloudFormation", "version": "1"},
            "region": "eu-west-1",
        },
        "output": {},
    }
    return row | changes


def stage(name: str, execution: str, status: str, *actions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A stage of GetPipelineState."""
    state = {
        "stageName": name,
        "inboundTransitionState": {"enabled": True},
        "actionStates": list(actions),
        "latestExecution": {"pipelineExecutionId": execution, "status": status},
    }
    return state | changes


def shown(action: str, number: int, status: str, changed: float, **changes: Any) -> dict[str, Any]:
    """An action of GetPipelineState."""
    latest = {"actionExecutionId": f"{action}-{number}", "status": status, "lastStatusChange": minute(changed)}
    return {"actionName": action, "latestExecution": latest | changes}


def truths(
    aws: LocalAws,
    pipelines: CodePipeline,
    *,
    stages: list[dict[str, Any]],
    actions: list[dict[str, Any]],
    **execution: Any,
) -> dict[str, StageTruth]:
    """What the adapter makes of these answers, by stage."""
    aws.answer("GetPipelineState", {"pipelineName": "web", "stageStates": stages})
    aws.answer("ListActionExecutions", {"actionExecutionDetails": actions})
    aws.answer("GetPipelineExecution", {"pipelineExecution": {"pipelineExecutionId": OURS, **execution}})
    return {truth.key.stage: truth for truth in pipelines.stages(ACCOUNT, REGION, "web", OURS)}


def test_a_failed_stage_tells_which_actions_failed_and_how(aws: LocalAws, pipelines: CodePipeline) -> None:
    result = {
        "externalExecutionId": "stack/web/1",
        "externalExecutionUrl": "https://console.example/1",
        "externalExecutionSummary": "not this one",
        "errorDetails": {"code": "JobFailed", "message": "service unavailable"},
    }
    found = truths(
        aws,
        pipelines,
        stages=[
            stage("Source", OURS, "Succeeded"),
            stage("Deploy", OURS, "Failed"),
            stage("After", OTHER, "Failed"),
        ],
        actions=[
            listed("Stack", 1, "Failed", 10, 20, output={"executionResult": result}),
            listed("Assets", 1, "Succeeded", 10, 12),
        ],
        status="Failed",
        executionMode="QUEUED",
    )
    assert list(found) == ["Source", "Deploy"]  # ours never reached After
    assert found["Source"].status is StageStatus.SUCCEEDED
    assert found["Deploy"] == StageTruth(
        key=KEY,
        status=StageStatus.FAILED,
        failed=(
            FailedAction(
                name="Stack",
                action_execution_id="Stack-1",
                region="eu-west-1",
                category="Deploy",
                owner="AWS",
                provider="CloudFormation",
                error_code="JobFailed",
                message="service unavailable",
                external_execution_id="stack/web/1",
                external_execution_url="https://console.example/1",
            ),
        ),
        failed_at=BEGAN_AT + timedelta(minutes=20),
        execution_status="Failed",
    )


def test_every_page_of_actions_is_read(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("GetPipelineState", {"stageStates": [stage("Deploy", OURS, "Failed")]})
    aws.answer("GetPipelineExecution", {"pipelineExecution": {}})
    aws.answer(
        "ListActionExecutions",
        {"actionExecutionDetails": [listed("A", 1, "Failed", 1, 2)], "nextToken": "more"},
        {"actionExecutionDetails": [listed("B", 1, "Failed", 1, 3)]},
    )
    (truth,) = pipelines.stages(ACCOUNT, REGION, "web", OURS)
    assert [action.name for action in truth.failed] == ["A", "B"]
    assert [given.get("nextToken") for given in aws.inputs("ListActionExecutions")] == [None, "more"]
    assert aws.inputs("ListActionExecutions")[0]["filter"] == {"pipelineExecutionId": OURS}


def test_only_an_actions_latest_attempt_counts(aws: LocalAws, pipelines: CodePipeline) -> None:
    """Whatever the order they are listed in; on a tie the first, since AWS lists the newest first."""
    found = truths(
        aws,
        pipelines,
        stages=[stage("Deploy", OURS, "Failed")],
        actions=[
            listed("Healed", 1, "Failed", 10, 20),
            listed("Healed", 2, "Succeeded", 30, 31),
            listed("Again", 2, "Failed", 30, 33),
            listed("Again", 1, "Failed", 30, 20),
        ],
    )
    assert [action.action_execution_id for action in found["Deploy"].failed] == ["Again-2"]
    assert found["Deploy"].failed_at == BEGAN_AT + timedelta(minutes=33)


def test_the_pipelines_state_fills_in_what_the_list_leaves_out(aws: LocalAws, pipelines: CodePipeline) -> None:
    """For the same attempt only."""
    seen = shown(
        "Stack",
        1,
        "Failed",
        20,
        summary="not this",
        externalExecutionId="x-1",
        errorDetails={"code": "JobFailed", "message": "rollback complete"},
    )
    found = truths(
        aws,
        pipelines,
        stages=[stage("Deploy", OURS, "Failed", seen)],
        actions=[listed("Stack", 1, "Failed", 10, 20)],
    )
    (action,) = found["Deploy"].failed
    assert (action.error_code, action.message, action.external_execution_id) == (
        "JobFailed",
        "rollback complete",
        "x-1",
    )


def test_a_failure_newer_than_the_list_is_the_one_that_counts(aws: LocalAws, pipelines: CodePipeline) -> None:
    """Retried in the console and failed again between the two reads: the claim must name the new attempt."""
    found = truths(
        aws,
        pipelines,
        stages=[stage("Deploy", OURS, "Failed", shown("Stack", 2, "Failed", 40))],
        actions=[listed("Stack", 1, "Failed", 10, 20)],
    )
    (action,) = found["Deploy"].failed
    assert (action.action_execution_id, action.provider, action.region) == (
        "Stack-2",
        "CloudFormation",
        "eu-west-1",
    )
    assert found["Deploy"].failed_at == BEGAN_AT + timedelta(minutes=40)


def test_a_list_that_lags_behind_is_made_up_for(aws: LocalAws, pipelines: CodePipeline) -> None:
    """Still running by the list, or not on it at all; but never with what another execution left behind."""
    running = truths(
        aws,
        pipelines,
        stages=[stage("Deploy", OURS, "Failed", shown("Stack", 1, "Failed", 20))],
        actions=[listed("Stack", 1, "InProgress", 10, 10)],
    )
    assert [action.action_execution_id for action in running["Deploy"].failed] == ["Stack-1"]
    absent = truths(
        aws,
        pipelines,
        stages=[
            stage(
                "Deploy",
                OURS,
                "Failed",
                shown("Stack", 1, "Failed", 20, summary="no"),
                shown("Old", 9, "Failed", -5),
            )
        ],
        actions=[listed("Checkout", 1, "Succeeded", 0, 1, stageName="Source")],
    )
    (action,) = absent["Deploy"].failed
    assert (action.action_execution_id, action.region, action.message) == ("Stack-1", REGION, "no")
    listed_too = truths(
        aws,
        pipelines,
        stages=[stage("Deploy", OURS, "Failed", shown("Stack", 1, "Failed", 20), shown("Next", 9, "Failed", 5))],
        actions=[listed("Stack", 1, "Failed", 10, 20)],
    )
    assert [action.name for action in listed_too["Deploy"].failed] == ["Stack"]


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["Failed", "InProgress"], StageStatus.IN_PROGRESS),
        (["Succeeded", "Failed"], StageStatus.FAILED),
        (["Succeeded", "Abandoned"], StageStatus.FAILED),
        (["Succeeded"], StageStatus.SUCCEEDED),
    ],
)
def test_an_overtaken_stage_stands_as_our_own_actions_left_it(
    aws: LocalAws, pipelines: CodePipeline, statuses: list[str], status: StageStatus
) -> None:
    actions = [listed(f"A{n}", 1, told, 10, 20) for n, told in enumerate(statuses)]
    theirs = stage("Deploy", OTHER, "Failed", shown("A0", 77, "Failed", 50))
    found = truths(aws, pipelines, stages=[theirs], actions=actions, executionMode="SUPERSEDED")["Deploy"]
    assert (found.status, found.overtaken_by) == (status, OTHER)
    assert all(action.action_execution_id.endswith("-1") for action in found.failed)
    parallel = truths(aws, pipelines, stages=[theirs], actions=actions, executionMode="PARALLEL")["Deploy"]
    assert (parallel.status, parallel.overtaken_by) == (status, "")


def test_a_stage_the_pipeline_no_longer_has_is_missing(aws: LocalAws, pipelines: CodePipeline) -> None:
    found = truths(
        aws, pipelines, stages=[stage("Source", OURS, "Succeeded")], actions=[listed("Stack", 1, "Failed", 10, 20)]
    )
    assert (found["Deploy"].status, found["Deploy"].overtaken_by) == (StageStatus.MISSING, "")


def test_a_stage_status_without_a_place_here_never_leads_to_a_retry(
    aws: LocalAws, pipelines: CodePipeline
) -> None:
    stages = [stage("Deploy", OURS, "Skipped"), stage("Next", OURS, "Meditating")]
    found = truths(aws, pipelines, stages=stages, actions=[])
    assert [truth.status for truth in found.values()] == [StageStatus.SUCCEEDED, StageStatus.IN_PROGRESS]


def test_a_closed_transition_tells_its_reason(aws: LocalAws, pipelines: CodePipeline) -> None:
    frozen = [
        stage("Deploy", OURS, "Failed", inboundTransitionState={"enabled": False, "disabledReason": "freeze"}),
        stage("Next", OURS, "Failed", inboundTransitionState={"enabled": False}),
        stage("Last", OURS, "Failed"),
    ]
    found = truths(aws, pipelines, stages=frozen, actions=[])
    assert [truth.transition_disabled for truth in found.values()] == ["freeze", "no reason given", None]


def gate_row(message: str, provider: str = "Lambda", named: str = "A_1, B_2,,+12") -> dict[str, Any]:
    kind = {"category": "Invoke", "owner": "AWS", "provider": provider, "version": "1"}
    result = {"externalExecutionId": named, "errorDetails": {"code": "JobFailed", "message": message}}
    return listed("Gate", 1, "Failed", 1, 2, input={"actionTypeId": kind}, output={"executionResult": result})


@pytest.mark.parametrize(
    ("row", "issues"),
    [
        (gate_row("Allclear health gate: 2 open issues"), ("A_1", "B_2")),
        (gate_row("Allclear health gate: AWS Health cannot be read", named=""), ()),
        (gate_row("Allclear's health gate cannot run"), None),
        (gate_row("Allclear health gate: quoted by a build", provider="CodeBuild"), None),
    ],
)
def test_the_gates_own_failures_are_recognised(
    aws: LocalAws, pipelines: CodePipeline, row: dict[str, Any], issues: tuple[str, ...] | None
) -> None:
    (action,) = truths(aws, pipelines, stages=[stage("Deploy", OURS, "Failed")], actions=[row])["Deploy"].failed
    assert action.gate_issues == issues
    assert action.region == REGION  # no Region of its own: the pipeline's


def test_a_long_error_is_cut(aws: LocalAws, pipelines: CodePipeline) -> None:
    (action,) = truths(aws, pipelines, stages=[stage("Deploy", OURS, "Failed")], actions=[gate_row("x" * 5_000)])[
        "Deploy"
    ].failed
    assert action.message == "x" * MESSAGE_LIMIT
