"""A gate's job is answered within CodePipeline's limits, and a job that is over needs no answer."""

import pytest

from bot.adapters.codepipeline import CodePipeline
from bot.errors import TryLater
from tests.adapters.local_aws import Broken, LocalAws, Refusal
from tests.adapters.test_codepipeline import AN_ERROR_OF_EACH_KIND_THAT_PASSES, REGION

JOB = "11111111-abcd-1111-abcd-111111abcdef"


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
