"""CodePipeline's answers become the truth, its errors become situations, and a retry is sent once."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.aws import AwsClients
from bot.adapters.codepipeline import CodePipeline
from bot.errors import (
    AllclearError,
    NotLatest,
    NotRetryable,
    OutcomeUnknown,
    PipelineGone,
    RetryImpossible,
    RetryNotNow,
    TryLater,
)
from bot.model import MESSAGE_LIMIT, ExecutionKey, FailedAction, PipelineTags
from bot.ports import StageStatus, StageTruth
from tests.adapters.local_aws import Broken, LocalAws, Refusal, unused_url

ACCOUNT = "111122223333"
REGION = "us-east-1"
OURS = "3f1c2d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f"
OTHER = "7a7b7c7d-1a2b-4c3d-8e4f-5a6b7c8d9e0f"
JOB = "11111111-abcd-1111-abcd-111111abcdef"
KEY = ExecutionKey(ACCOUNT, REGION, "web", OURS, "Deploy")
BEGAN_AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

AN_ERROR_OF_EACH_KIND_THAT_PASSES = [
    Refusal("ThrottlingException"),
    Refusal("Anything", status=429),
    Refusal("InternalFailure", status=500),
    Refusal("ServiceUnavailable", status=503),
    Broken.DROPPED,
]


@pytest.fixture
def pipelines(aws: LocalAws) -> CodePipeline:  # noqa: ARG001 - the environment must be set
    return CodePipeline(AwsClients(read_timeout=1))


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
    assert found["Deploy"].failed_at is not None
    assert found["Deploy"].failed_at.tzinfo is UTC


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
    assert found["Deploy"].status is StageStatus.MISSING
    assert found["Deploy"].overtaken_by == ""


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


@pytest.mark.parametrize(
    ("artifacts", "revision"),
    [
        ([{"revisionSummary": "Fix the footer\n\nLong story"}], "Fix the footer"),
        ([{"revisionSummary": '{"ProviderType":"GitHub","CommitMessage":"Fix it\\nmore"}'}], "Fix it"),
        ([{"revisionSummary": '{"ProviderType":"GitHub"}'}], '{"ProviderType":"GitHub"}'),
        ([{"revisionId": "0123456789abcdef0123456789abcdef01234567"}], "01234567"),
        ([{"revisionId": "s3-version-id"}, {"revisionSummary": "Second"}], "s3-version-id; Second"),
        ([{"revisionSummary": "y" * 2_000}], "y" * 200),
        ([{}], ""),
    ],
)
def test_the_revision_is_one_line(
    aws: LocalAws, pipelines: CodePipeline, artifacts: list[dict[str, str]], revision: str
) -> None:
    found = truths(
        aws, pipelines, stages=[stage("Deploy", OURS, "Failed")], actions=[], artifactRevisions=artifacts
    )
    assert found["Deploy"].revision == revision


def test_an_execution_unknown_to_the_list_has_no_actions(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("GetPipelineState", {"stageStates": [stage("Deploy", OTHER, "Failed")]})
    aws.answer("ListActionExecutions", Refusal("PipelineExecutionNotFoundException"))
    aws.answer("GetPipelineExecution", Refusal("PipelineExecutionNotFoundException"))
    assert pipelines.stages(ACCOUNT, REGION, "web", OURS) == ()


def test_a_pipeline_that_is_gone_is_said_to_be(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("ListActionExecutions", Refusal("PipelineNotFoundException"))
    with pytest.raises(PipelineGone):
        pipelines.stages(ACCOUNT, REGION, "web", OURS)


@pytest.mark.parametrize("refused", ["AccessDeniedException", "UnknownOperationException", "ValidationException"])
def test_the_truth_does_not_wait_for_what_is_only_good_to_know(
    aws: LocalAws, pipelines: CodePipeline, refused: str
) -> None:
    aws.answer("GetPipelineState", {"stageStates": [stage("Deploy", OURS, "Failed")]})
    aws.answer("ListActionExecutions", {"actionExecutionDetails": []})
    aws.answer("GetPipelineExecution", Refusal(refused))
    (truth,) = pipelines.stages(ACCOUNT, REGION, "web", OURS)
    assert (truth.status, truth.execution_status, truth.revision) == (StageStatus.FAILED, "", "")


@pytest.mark.parametrize("trouble", AN_ERROR_OF_EACH_KIND_THAT_PASSES, ids=str)
@pytest.mark.parametrize("operation", ["GetPipelineState", "ListActionExecutions", "GetPipelineExecution"])
def test_trouble_that_passes_is_for_later(
    aws: LocalAws, pipelines: CodePipeline, operation: str, trouble: Refusal | Broken
) -> None:
    """Even where the answer is only good to know: a guess now would be a wrong card later."""
    aws.answer("GetPipelineState", {"stageStates": []})
    aws.answer("ListActionExecutions", {"actionExecutionDetails": []})
    aws.answer("GetPipelineExecution", {"pipelineExecution": {}})
    aws.answer(operation, trouble)
    with pytest.raises(TryLater):
        pipelines.stages(ACCOUNT, REGION, "web", OURS)


def test_a_read_is_sent_again_by_the_sdk(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("ListActionExecutions", {"actionExecutionDetails": []})
    aws.answer("GetPipelineExecution", {"pipelineExecution": {}})
    aws.answer("GetPipelineState", Broken.DROPPED, Refusal("Slow", status=500), {"stageStates": []})
    assert pipelines.stages(ACCOUNT, REGION, "web", OURS) == ()
    assert len(aws.inputs("GetPipelineState")) == 3


def test_a_pipelines_tags_are_its_wishes(aws: LocalAws, pipelines: CodePipeline) -> None:
    """From every page; tags of others mean nothing here."""
    first = [{"key": "allclear:channel", "value": "C0DEP10YS"}, {"key": "allclear:auto-retry", "value": "off"}]
    rest = [
        {"key": "allclear:services", "value": "ECS  cloudformation"},
        {"key": "allclear:regions", "value": "eu-west-1 us-east-1"},
        {"key": "allclear:unexplained", "value": "off"},
        {"key": "team", "value": "web"},
    ]
    aws.answer("ListTagsForResource", {"tags": first, "nextToken": "more"}, {"tags": rest})
    assert pipelines.tags(ACCOUNT, REGION, "web") == PipelineTags(
        channel="C0DEP10YS",
        auto_retry=False,
        announce_unexplained=False,
        services=("ECS", "CLOUDFORMATION"),
        regions=("eu-west-1", "us-east-1"),
    )
    assert [given["resourceArn"] for given in aws.inputs("ListTagsForResource")] == [
        f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:web"
    ] * 2


def test_a_pipelines_arn_is_of_its_partition(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("ListTagsForResource", {"tags": []})
    for region in ("cn-north-1", "us-gov-west-1"):
        pipelines.tags(ACCOUNT, region, "web")
    arns = [given["resourceArn"].split(":")[1] for given in aws.inputs("ListTagsForResource")]
    assert arns == ["aws-cn", "aws-us-gov"]


def test_a_tag_that_makes_no_sense_is_left_out_aloud(
    aws: LocalAws, pipelines: CodePipeline, caplog: pytest.LogCaptureFixture
) -> None:
    tags = {"channel": "#deploys", "auto-retry": "maybe"}
    told = [{"key": f"allclear:{name}", "value": value} for name, value in tags.items()]
    aws.answer("ListTagsForResource", {"tags": told})
    with caplog.at_level(logging.WARNING):
        assert pipelines.tags(ACCOUNT, REGION, "web") == PipelineTags()
    assert "allclear:channel" in caplog.text
    assert "allclear:auto-retry" in caplog.text


@pytest.mark.parametrize(
    "refused", ["AccessDeniedException", "ResourceNotFoundException", "UnknownOperationException"]
)
def test_tags_that_may_not_be_read_are_none(aws: LocalAws, pipelines: CodePipeline, refused: str) -> None:
    aws.answer("ListTagsForResource", Refusal(refused))
    assert pipelines.tags(ACCOUNT, REGION, "web") == PipelineTags()


@pytest.mark.parametrize("trouble", AN_ERROR_OF_EACH_KIND_THAT_PASSES, ids=str)
def test_tags_that_cannot_be_read_now_are_for_later(
    aws: LocalAws, pipelines: CodePipeline, trouble: Refusal | Broken
) -> None:
    """Otherwise a pipeline with auto-retry off would be retried during a throttled minute."""
    aws.answer("ListTagsForResource", trouble)
    with pytest.raises(TryLater):
        pipelines.tags(ACCOUNT, REGION, "web")


def test_a_retry_repeats_the_failed_actions(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("RetryStageExecution", {"pipelineExecutionId": OURS})
    pipelines.retry_stage(KEY)
    assert aws.requests == [
        (
            "RetryStageExecution",
            {
                "pipelineName": "web",
                "stageName": "Deploy",
                "pipelineExecutionId": OURS,
                "retryMode": "FAILED_ACTIONS",
            },
        )
    ]


@pytest.mark.parametrize(
    "lost",
    [Broken.DROPPED, Broken.SILENT, Refusal("InternalFailure", status=500), Refusal("", status=503)],
    ids=str,
)
def test_a_retry_whose_answer_is_lost_is_sent_exactly_once(
    aws: LocalAws, pipelines: CodePipeline, lost: Broken | Refusal
) -> None:
    """The server counts: a dropped connection, a time-out and a 5xx must not make the SDK resend."""
    aws.answer("RetryStageExecution", lost)
    with pytest.raises(OutcomeUnknown):
        pipelines.retry_stage(KEY)
    assert len(aws.requests) == 1


def test_the_reads_before_a_retry_do_not_make_it_resend(aws: LocalAws, pipelines: CodePipeline) -> None:
    """The client that repeats and the one that must not are kept apart."""
    aws.answer("ListTagsForResource", {"tags": []})
    aws.answer("RetryStageExecution", Broken.DROPPED)
    pipelines.tags(ACCOUNT, REGION, "web")
    with pytest.raises(OutcomeUnknown):
        pipelines.retry_stage(KEY)
    assert len(aws.inputs("RetryStageExecution")) == 1


def test_a_retry_that_was_certainly_not_sent_is_for_later(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", unused_url())
    with pytest.raises(RetryNotNow):
        CodePipeline(AwsClients()).retry_stage(KEY)
    assert aws.requests == []


@pytest.mark.parametrize(
    ("code", "situation"),
    [
        ("ConflictException", RetryNotNow),
        ("ConcurrentPipelineExecutionsLimitExceededException", RetryNotNow),
        ("ThrottlingException", RetryNotNow),
        ("TooManyRequestsException", RetryNotNow),
        ("RequestLimitExceeded", RetryNotNow),
        ("Throttling", RetryNotNow),
        ("StageNotRetryableException", NotRetryable),
        ("NotLatestPipelineExecutionException", NotLatest),
        ("PipelineNotFoundException", RetryImpossible),
        ("StageNotFoundException", RetryImpossible),
        ("ValidationException", RetryImpossible),
        ("AccessDeniedException", RetryImpossible),
        ("SomethingNewException", RetryImpossible),
    ],
)
def test_a_refused_retry_says_what_to_do_next(
    aws: LocalAws, pipelines: CodePipeline, code: str, situation: type[AllclearError]
) -> None:
    aws.answer("RetryStageExecution", Refusal(code, "why " * 200))
    with pytest.raises(situation) as refused:
        pipelines.retry_stage(KEY)
    assert type(refused.value) is situation
    assert str(refused.value).startswith(f"{code}: why")
    assert len(str(refused.value)) == 300
    assert len(aws.requests) == 1


def test_a_failed_job_names_the_issues(aws: LocalAws, pipelines: CodePipeline) -> None:
    """Within CodePipeline's limits, and without an empty id, which it would refuse."""
    aws.answer("PutJobFailureResult", {})
    pipelines.fail_job(REGION, JOB, "Allclear health gate: 1 open issue", "A_1")
    pipelines.fail_job(REGION, JOB, "m" * 6_000, "i" * 1_600)
    pipelines.fail_job(REGION, JOB, "", "")
    first, long, empty = aws.inputs("PutJobFailureResult")
    assert first == {
        "jobId": JOB,
        "failureDetails": {
            "type": "JobFailed",
            "message": "Allclear health gate: 1 open issue",
            "externalExecutionId": "A_1",
        },
    }
    assert len(long["failureDetails"]["message"]) == 5_000
    assert len(long["failureDetails"]["externalExecutionId"]) == 1_500
    assert empty["failureDetails"] == {"type": "JobFailed", "message": "No reason given"}


def test_a_passed_job_says_why(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("PutJobSuccessResult", {})
    pipelines.pass_job(REGION, JOB, "s" * 3_000)
    pipelines.pass_job(REGION, JOB, "")
    assert aws.inputs("PutJobSuccessResult") == [
        {"jobId": JOB, "executionDetails": {"summary": "s" * 2_048}},
        {"jobId": JOB},
    ]


@pytest.mark.parametrize("code", ["InvalidJobStateException", "JobNotFoundException"])
def test_a_job_that_is_over_needs_no_answer(aws: LocalAws, pipelines: CodePipeline, code: str) -> None:
    aws.answer("PutJobFailureResult", Refusal(code))
    aws.answer("PutJobSuccessResult", Refusal(code))
    pipelines.fail_job(REGION, JOB, "no", "")
    pipelines.pass_job(REGION, JOB, "yes")
    assert len(aws.requests) == 2


@pytest.mark.parametrize("trouble", AN_ERROR_OF_EACH_KIND_THAT_PASSES, ids=str)
def test_a_job_that_cannot_be_answered_now_is_for_later(
    aws: LocalAws, pipelines: CodePipeline, trouble: Refusal | Broken
) -> None:
    aws.answer("PutJobFailureResult", trouble)
    aws.answer("PutJobSuccessResult", trouble)
    with pytest.raises(TryLater):
        pipelines.fail_job(REGION, JOB, "no", "")
    with pytest.raises(TryLater):
        pipelines.pass_job(REGION, JOB, "yes")
