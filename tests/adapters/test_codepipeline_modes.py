"""CodePipeline's answers where executions meet in a stage, a stage moves by itself, or others act on it."""

from typing import Any

import pytest

from bot.adapters.codepipeline import CodePipeline
from bot.errors import TryLater
from bot.ports import StageStatus
from tests.adapters.local_aws import LocalAws, Refusal
from tests.adapters.test_codepipeline_truth import KEY, OTHER, OURS, listed, shown, stage, truths

THEIRS = stage("Deploy", OTHER, "InProgress", shown("Stack", 77, "InProgress", 50))


@pytest.mark.parametrize(
    ("statuses", "execution", "status"),
    [
        (["Succeeded"], "InProgress", StageStatus.IN_PROGRESS),  # Smoke is still to come
        (["Succeeded", "Succeeded"], "InProgress", StageStatus.SUCCEEDED),
        (["Succeeded"], "Succeeded", StageStatus.SUCCEEDED),
        (["Succeeded"], "Stopped", StageStatus.STOPPED),
        (["Succeeded"], "Stopping", StageStatus.STOPPING),
        (["InProgress"], "Stopping", StageStatus.STOPPING),
        (["Succeeded", "InProgress"], "InProgress", StageStatus.IN_PROGRESS),
        (["Failed"], "Failed", StageStatus.FAILED),
        (["Abandoned"], "Stopped", StageStatus.FAILED),
    ],
)
def test_a_parallel_stage_has_passed_only_if_nothing_was_left_to_run(
    aws: LocalAws, pipelines: CodePipeline, statuses: list[str], execution: str, status: StageStatus
) -> None:
    """GetPipelineState speaks of another execution, but names every action that the stage has."""
    theirs = stage("Deploy", OTHER, "Succeeded", shown("Stack", 77, "Succeeded", 50), {"actionName": "Smoke"})
    rows = [listed(name, 1, told, 10, 20) for name, told in zip(("Stack", "Smoke"), statuses, strict=False)]
    found = truths(aws, pipelines, stages=[theirs], actions=rows, executionMode="PARALLEL", status=execution)
    assert (found["Deploy"].status, found["Deploy"].overtaken_by) == (status, "")


def test_a_stage_before_the_one_where_it_was_stopped_has_passed(aws: LocalAws, pipelines: CodePipeline) -> None:
    rows = [listed("Stack", 1, "Succeeded", 10, 20), listed("Smoke", 1, "Abandoned", 20, 30, stageName="After")]
    stages = [THEIRS, stage("After", OTHER, "InProgress")]
    found = truths(aws, pipelines, stages=stages, actions=rows, executionMode="PARALLEL", status="Stopped")
    assert [truth.status for truth in found.values()] == [StageStatus.SUCCEEDED, StageStatus.FAILED]


@pytest.mark.parametrize("kind", ["STANDARD", "ROLLBACK"])
def test_an_execution_that_took_the_stage_is_told_with_its_kind(
    aws: LocalAws, pipelines: CodePipeline, kind: str
) -> None:
    latest = {"pipelineExecutionId": OTHER, "status": "InProgress", "type": kind}
    rows = [listed("Stack", 1, "Failed", 10, 20)]
    found = truths(
        aws, pipelines, stages=[THEIRS | {"latestExecution": latest}], actions=rows, executionMode="QUEUED"
    )["Deploy"]
    assert (found.overtaken_by, found.rolled_back) == (OTHER, kind == "ROLLBACK")


@pytest.mark.parametrize(
    ("state", "overtaken"),
    [
        (shown("Stack", 77, "Failed", 5), False),  # it ended before our action began: an answer of the past
        (shown("Stack", 77, "Failed", 15), True),
        (shown("Stack", 1, "Failed", 20), True),  # it has entered and started nothing yet: our own run still shows
        ({"actionName": "Stack"}, True),
    ],
)
def test_nobody_overtakes_on_an_answer_from_before_we_were_there(
    aws: LocalAws, pipelines: CodePipeline, state: dict[str, Any], overtaken: bool
) -> None:
    """ListActionExecutions has our failure already, and GetPipelineState is behind."""
    rows = [listed("Stack", 1, "Failed", 10, 20)]
    stages = [stage("Deploy", OTHER, "Failed", state)]
    found = truths(aws, pipelines, stages=stages, actions=rows, executionMode="SUPERSEDED")["Deploy"]
    assert (found.status, bool(found.overtaken_by)) == (StageStatus.FAILED, overtaken)


def test_without_the_mode_nobody_is_taken_for_overtaken(aws: LocalAws, pipelines: CodePipeline) -> None:
    """In a PARALLEL pipeline that would forget a deploy; in any other CodePipeline itself refuses the retry."""
    aws.answer("GetPipelineState", {"stageStates": [THEIRS]})
    aws.answer("ListActionExecutions", {"actionExecutionDetails": [listed("Stack", 1, "Failed", 10, 20)]})
    aws.answer("GetPipelineExecution", Refusal("AccessDeniedException", "no"))
    (found,) = pipelines.stages(KEY.account, KEY.region, "web", OURS)
    assert (found.status, found.overtaken_by) == (StageStatus.FAILED, "")


@pytest.mark.parametrize(
    ("metadata", "attempts", "by_itself", "spent"),
    [
        ({}, 1, False, False),
        ({}, 2, False, True),
        ({"autoStageRetryAttempt": 1, "latestRetryTrigger": "AutomatedStageRetry"}, 1, True, True),
        (
            {"autoStageRetryAttempt": 1, "manualStageRetryAttempt": 1, "latestRetryTrigger": "ManualStageRetry"},
            3,
            False,
            True,
        ),
    ],
)
def test_whether_a_stage_has_retried_itself(
    aws: LocalAws, pipelines: CodePipeline, metadata: dict[str, Any], attempts: int, by_itself: bool, spent: bool
) -> None:
    rows = [listed("Stack", n, "Failed", 10 * n, 10 * n + 5) for n in range(attempts, 0, -1)]
    stages = [stage("Deploy", OURS, "Failed", retryStageMetadata=metadata)]
    found = truths(aws, pipelines, stages=stages, actions=rows)["Deploy"]
    assert (found.retried_itself, found.own_retry_spent) == (by_itself, spent)


@pytest.mark.parametrize(("ran_with", "changed"), [(3, False), (2, True), (None, False)])
def test_a_pipeline_of_another_version_than_the_execution_was_changed(
    aws: LocalAws, pipelines: CodePipeline, ran_with: int | None, changed: bool
) -> None:
    aws.answer("GetPipelineState", {"pipelineVersion": 3, "stageStates": [stage("Deploy", OURS, "Failed")]})
    aws.answer("ListActionExecutions", {"actionExecutionDetails": []})
    ran = {} if ran_with is None else {"pipelineVersion": ran_with}
    aws.answer("GetPipelineExecution", {"pipelineExecution": {"pipelineExecutionId": OURS, **ran}})
    (found,) = pipelines.stages(KEY.account, KEY.region, "web", OURS)
    assert found.pipeline_changed is changed


@pytest.mark.parametrize(
    ("changed_by", "person"),
    [
        ("arn:aws:sts::123456789012:assumed-role/Admin/my-user", "Admin/my-user"),
        ("arn:aws:iam::123456789012:user/alice", "alice"),
        ("AIDAEXAMPLE", "AIDAEXAMPLE"),
        (None, ""),
    ],
)
def test_who_closed_a_transition_is_told(
    aws: LocalAws, pipelines: CodePipeline, changed_by: str | None, person: str
) -> None:
    closed = {"enabled": False, "disabledReason": "freeze"} | ({"lastChangedBy": changed_by} if changed_by else {})
    found = truths(
        aws, pipelines, stages=[stage("Deploy", OURS, "Failed", inboundTransitionState=closed)], actions=[]
    )["Deploy"]
    assert (found.transition_disabled, found.transition_disabled_by) == ("freeze", person)


def test_a_rollbacks_commit_is_called_one(aws: LocalAws, pipelines: CodePipeline) -> None:
    artifacts = [{"revisionSummary": "Fix the footer"}]
    found = truths(
        aws,
        pipelines,
        stages=[stage("Deploy", OURS, "Failed")],
        actions=[],
        executionType="ROLLBACK",
        artifactRevisions=artifacts,
    )
    assert found["Deploy"].revision == "Rollback to: Fix the footer"


@pytest.mark.parametrize(
    ("declared", "retries"),
    [
        ({"onFailure": {"result": "RETRY"}}, True),
        ({"onFailure": {"result": "ROLLBACK"}}, False),
        ({}, False),
    ],
)
def test_whether_a_stage_is_declared_to_retry_itself(
    aws: LocalAws, pipelines: CodePipeline, declared: dict[str, Any], retries: bool
) -> None:
    stages = [{"name": "Source", "actions": [], "onFailure": {"result": "RETRY"}}]
    stages.append({"name": "Deploy", "actions": [], **declared})
    aws.answer("GetPipeline", {"pipeline": {"name": "web", "roleArn": "arn:aws:iam::1:role/p", "stages": stages}})
    assert pipelines.retries_itself(KEY) is retries


def test_a_refusal_to_tell_that_counts_as_no_and_throttling_is_asked_again(
    aws: LocalAws, pipelines: CodePipeline
) -> None:
    for code in ("AccessDeniedException", "PipelineNotFoundException"):
        aws.answer("GetPipeline", Refusal(code, "no"))
        assert pipelines.retries_itself(KEY) is False
    aws.answer("GetPipeline", Refusal("ThrottlingException", "slow down"))
    with pytest.raises(TryLater):
        pipelines.retries_itself(KEY)
