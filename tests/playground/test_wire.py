"""The wire holds input and answers to botocore's models, further than botocore does."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from playground.errors import Unsupported
from playground.wire import AwsError, StandInLied, handle, operation_name

ID = "11111111-2222-3333-4444-555555555555"
NOON = datetime(2026, 3, 2, 12, 0, 0, 500_000, UTC)


class StandIn:
    """Answers GetPipelineState and RetryStageExecution with whatever the test wants said."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[dict[str, Any], str, str]] = []

    def get_pipeline_state(self, params: dict[str, Any], *, region: str, account: str) -> Any:
        self.asked.append((params, region, account))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    retry_stage_execution = list_action_executions = describe_events = put_job_failure_result = get_pipeline_state


def ask(operation: str, params: Any, answer: Any = None, *, service: str = "codepipeline") -> tuple[int, Any]:
    prefix = {"codepipeline": "CodePipeline_20150709", "health": "AWSHealth_20160804"}[service]
    headers = {"x-amz-target": f"{prefix}.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    body = params if isinstance(params, bytes) else json.dumps(params).encode()
    stand_in = StandIn({} if answer is None else answer)
    status, _, content = handle(service, headers, body, stand_in, "eu-west-1", "123456789012")
    return status, json.loads(content)


def test_a_good_call_reaches_the_stand_in_with_its_region_and_account() -> None:
    stand_in = StandIn({"pipelineName": "web", "created": NOON})
    headers = {"X-Amz-Target": "CodePipeline_20150709.GetPipelineState"}
    headers["Content-Type"] = "application/x-amz-json-1.1"
    status, sent, body = handle("codepipeline", headers, b'{"name": "web"}', stand_in, "eu-west-1", "123456789012")
    assert stand_in.asked == [({"name": "web"}, "eu-west-1", "123456789012")]
    assert (status, sent["Content-Type"]) == (200, "application/x-amz-json-1.1")
    assert json.loads(body) == {"pipelineName": "web", "created": NOON.timestamp()}
    assert operation_name(headers) == "GetPipelineState"


@pytest.mark.parametrize(
    ("operation", "params", "code", "says"),
    [
        ("GetPipelineState", {}, "ValidationException", "Value null at 'name'"),
        ("GetPipelineState", {"name": None}, "ValidationException", "must not be null"),
        ("GetPipelineState", {"name": "a b"}, "ValidationException", "regular expression pattern"),
        ("GetPipelineState", {"name": "web\n"}, "ValidationException", "regular expression pattern"),
        ("GetPipelineState", {"name": "x" * 101}, "ValidationException", "length less than or equal to 100"),
        ("GetPipelineState", {"name": 7}, "SerializationException", "name must be a string"),
        ("GetPipelineState", {"name": "web", "colour": "red"}, "SerializationException", "colour is not a member"),
        ("GetPipelineState", b"{", "SerializationException", "not JSON"),
        ("GetPipelineState", ["web"], "SerializationException", "must be a structure"),
        ("ListActionExecutions", {"pipelineName": "web", "maxResults": 101}, "ValidationException", "value less"),
        ("ListActionExecutions", {"pipelineName": "web", "maxResults": True}, "SerializationException", "integer"),
        (
            "PutJobFailureResult",
            {"jobId": ID, "failureDetails": {"type": "Sad", "message": "m"}},
            "ValidationException",
            "at 'failureDetails.type' failed to satisfy constraint: Member must satisfy enum value set",
        ),
        (
            "PutJobFailureResult",
            {"jobId": ID, "failureDetails": {"type": "JobFailed", "message": "m" * 5_001}},
            "ValidationException",
            "failureDetails.message",
        ),
    ],
)
def test_bad_input_is_refused_as_aws_refuses_it(operation: str, params: Any, code: str, says: str) -> None:
    status, content = ask(operation, params)
    assert (status, content["__type"]) == (400, code)
    assert says in content["message"]


def test_lists_are_counted_and_looked_into() -> None:
    regions = [f"r{n}" for n in range(11)]
    _, content = ask("DescribeEvents", {"filter": {"regions": regions}}, service="health")
    assert "at 'filter.regions' failed to satisfy constraint" in content["message"]
    _, content = ask("DescribeEvents", {"filter": {"eventStatusCodes": ["ajar"]}}, service="health")
    assert "filter.eventStatusCodes.1.member" in content["message"]


def test_timestamps_come_in_as_instants() -> None:
    stand_in = StandIn({"events": []})
    headers = {
        "X-Amz-Target": "AWSHealth_20160804.DescribeEvents",
        "Content-Type": "application/x-amz-json-1.1",
    }
    body = json.dumps({"filter": {"startTimes": [{"from": NOON.timestamp()}]}}).encode()
    handle("health", headers, body, stand_in, "us-east-1", "123456789012")
    assert stand_in.asked[0][0] == {"filter": {"startTimes": [{"from": NOON}]}}


@pytest.mark.parametrize("target", ["CodePipeline_20150709.Dance", "Health_1.GetPipelineState", ""])
def test_an_unknown_operation_is_said_to_be_one(target: str) -> None:
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    status, _, body = handle("codepipeline", headers, b"{}", StandIn({}), "eu-west-1", "123456789012")
    assert (status, json.loads(body)["__type"]) == (400, "UnknownOperationException")


def test_a_declared_error_is_answered_as_it_is() -> None:
    error = AwsError("PipelineNotFoundException", "no such pipeline")
    assert ask("GetPipelineState", {"name": "web"}, error) == (
        400,
        {"__type": "PipelineNotFoundException", "message": "no such pipeline"},
    )
    assert ask("GetPipelineState", {"name": "web"}, AwsError("InternalFailure", "", 500))[0] == 500


@pytest.mark.parametrize(
    "answer",
    [
        AwsError("StageNotRetryableException", "another operation's"),
        {"pipelineNames": "web"},
        {"pipelineName": 7},
        {"pipelineVersion": 0},
        {"created": NOON.timestamp()},
        {"created": NOON.replace(tzinfo=None)},
        {"stageStates": [{"latestExecution": {"pipelineExecutionId": ID, "status": "FAILED"}}]},
        {"stageStates": [{"latestExecution": {"status": "Failed"}}]},
        "an answer",
    ],
)
def test_a_stand_in_that_lies_is_found_out(answer: Any) -> None:
    """An undeclared error, an unknown member, a wrong type, a bad enum, a missing member: loud, not an answer."""
    with pytest.raises(StandInLied):
        ask("GetPipelineState", {"name": "web"}, answer)


def test_what_is_not_played_is_loud() -> None:
    with pytest.raises(Unsupported):
        ask("DeletePipeline", {"name": "web"})
    with pytest.raises(Unsupported):
        handle("dynamodb", {}, b"{}", StandIn({}), "eu-west-1", "123456789012")
