"""CodePipeline's errors become situations, and a retry is sent once."""

import logging

import pytest

from bot.adapters.aws import AwsClients
from bot.adapters.codepipeline import CodePipeline
from bot.errors import (
    AllclearError,
    NotAllowed,
    NotLatest,
    NotRetryable,
    OutcomeUnknown,
    PipelineGone,
    RetryImpossible,
    RetryNotNow,
    TryLater,
)
from bot.model import ExecutionKey, PipelineTags
from bot.ports import PlannedAction, StageStatus
from tests.adapters.local_aws import Broken, LocalAws, Refusal, unused_url

ACCOUNT = "111122223333"
REGION = "us-east-1"
OURS = "3f1c2d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f"
KEY = ExecutionKey(ACCOUNT, REGION, "web", OURS, "Deploy")
DEPLOY_FAILED = {"stageName": "Deploy", "latestExecution": {"pipelineExecutionId": OURS, "status": "Failed"}}

AN_ERROR_OF_EACH_KIND_THAT_PASSES = [
    Refusal("ThrottlingException"),
    Refusal("Anything", status=429),
    Refusal("InternalFailure", status=500),
    Refusal("ServiceUnavailable", status=503),
    Broken.DROPPED,
]


def test_an_execution_unknown_to_the_list_has_no_actions(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("GetPipelineState", {"stageStates": []})
    aws.answer("ListActionExecutions", Refusal("PipelineExecutionNotFoundException"))
    aws.answer("GetPipelineExecution", Refusal("PipelineExecutionNotFoundException"))
    assert pipelines.stages(ACCOUNT, REGION, "web", OURS) == ()


def test_a_pipeline_that_is_gone_is_said_to_be(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("ListActionExecutions", Refusal("PipelineNotFoundException"))
    with pytest.raises(PipelineGone):
        pipelines.stages(ACCOUNT, REGION, "web", OURS)


@pytest.mark.parametrize(
    "refused",
    [
        Refusal("AccessDeniedException"),
        Refusal("UnknownOperationException"),
        Refusal("ValidationException"),
        Refusal("PipelineNotFoundException"),  # the other two reads found it
        Refusal("NotImplemented", status=501),
    ],
    ids=str,
)
def test_the_truth_does_not_wait_for_what_is_only_good_to_know(
    aws: LocalAws, pipelines: CodePipeline, refused: Refusal
) -> None:
    aws.answer("GetPipelineState", {"stageStates": [DEPLOY_FAILED]})
    aws.answer("ListActionExecutions", {"actionExecutionDetails": []})
    aws.answer("GetPipelineExecution", refused)
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
        {"key": "allclear:overriders", "value": "U0CAROL  U0DAVE"},
        {"key": "allclear:tier", "value": "Production"},
        {"key": "allclear:mode", "value": "Shadow"},
        {"key": "allclear:calendar", "value": "team-freeze"},
        {"key": "team", "value": "web"},
    ]
    aws.answer("ListTagsForResource", {"tags": first, "nextToken": "more"}, {"tags": rest})
    assert pipelines.tags(ACCOUNT, REGION, "web") == PipelineTags(
        channel="C0DEP10YS",
        auto_retry=False,
        announce_unexplained=False,
        services=("ECS", "CLOUDFORMATION"),
        regions=("eu-west-1", "us-east-1"),
        overriders=("U0CAROL", "U0DAVE"),
        calendar="team-freeze",
        mode="shadow",
        tier="production",
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
    tags = {"channel": "#deploys", "auto-retry": "maybe", "calendar": "the big freeze", "mode": "on"}
    told = [{"key": f"allclear:{name}", "value": value} for name, value in tags.items()]
    aws.answer("ListTagsForResource", {"tags": told})
    with caplog.at_level(logging.WARNING):
        assert pipelines.tags(ACCOUNT, REGION, "web") == PipelineTags()
    assert "allclear:channel" in caplog.text
    assert "allclear:auto-retry" in caplog.text
    assert "allclear:calendar" in caplog.text
    assert "allclear:mode" in caplog.text


def test_an_overrider_that_is_no_id_still_narrows(aws: LocalAws, pipelines: CodePipeline) -> None:
    """Left out, it would let everybody on the stack's list override."""
    aws.answer("ListTagsForResource", {"tags": [{"key": "allclear:overriders", "value": "@carol"}]})
    assert pipelines.tags(ACCOUNT, REGION, "web").overriders == ("@carol",)


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


def test_a_pipelines_structure_tells_where_its_actions_will_run(aws: LocalAws, pipelines: CodePipeline) -> None:
    kind = {"category": "Deploy", "owner": "AWS", "provider": "ECS", "version": "1"}
    actions = [
        {"name": "Here", "actionTypeId": kind},
        {"name": "There", "actionTypeId": kind, "region": "eu-west-1"},
    ]
    aws.answer("GetPipeline", {"pipeline": {"stages": [{"name": "Deploy", "actions": actions}]}})
    assert pipelines.planned_actions(REGION, "web") == (
        PlannedAction(stage="Deploy", name="Here", owner="AWS", provider="ECS", region=REGION),
        PlannedAction(stage="Deploy", name="There", owner="AWS", provider="ECS", region="eu-west-1"),
    )


@pytest.mark.parametrize(
    ("answer", "situation"),
    [
        (Refusal("PipelineNotFoundException"), PipelineGone),
        (Refusal("AccessDeniedException"), NotAllowed),
        (Refusal("ThrottlingException"), TryLater),
    ],
)
def test_a_structure_that_cannot_be_read_says_why(
    aws: LocalAws, pipelines: CodePipeline, answer: Refusal, situation: type[AllclearError]
) -> None:
    aws.answer("GetPipeline", answer)
    with pytest.raises(situation):
        pipelines.planned_actions(REGION, "web")


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
