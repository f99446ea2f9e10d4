"""The endpoint: who may call what, how refusals look on the wire, and what goes wrong on purpose."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from playground.cloud import Cloud
from playground.gateway import ADMINISTRATOR, FaultKind, access_key_id

TABLE = "allclear-Things"
SEEN = {"pk": {"S": "THING#1"}, "sk": {"S": "STATE"}}


def client_of(cloud: Cloud, function: str, service: str) -> Any:
    """The client a function would have; one call a call."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        region_name="us-east-1",
        endpoint_url=cloud.gateway.url,
        aws_access_key_id=access_key_id(cloud.stack.functions[function]),
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_a_function_may_do_what_its_policy_says_on_the_keys_it_says(cloud: Cloud) -> None:
    writer = client_of(cloud, "WriterFunction", "dynamodb")
    writer.put_item(TableName=TABLE, Item=SEEN)
    with pytest.raises(ClientError) as refused:
        writer.put_item(TableName=TABLE, Item=SEEN | {"pk": {"S": "ELSE"}})
    error = refused.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert error["Message"] == (
        "User: arn:aws:sts::123456789012:assumed-role/allclear-WriterFunctionRole/allclear-WriterFunction "
        "is not authorized to perform: dynamodb:PutItem on resource: "
        "arn:aws:dynamodb:us-east-1:123456789012:table/allclear-Things "
        "because no identity-based policy allows the dynamodb:PutItem action"
    )
    assert [item["pk"] for item in cloud.items()] == ["THING#1"]


def test_each_function_is_held_to_its_own_policy(cloud: Cloud) -> None:
    reader = client_of(cloud, "ReaderFunction", "dynamodb")
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.put_item(TableName=TABLE, Item=SEEN)
    change = {"UpdateExpression": "SET kind = :k", "ExpressionAttributeValues": {":k": {"S": "thing"}}}
    reader.update_item(TableName=TABLE, Key=SEEN, **change)
    with pytest.raises(ClientError, match="AccessDenied"):
        reader.update_item(TableName=TABLE, Key=SEEN | {"pk": {"S": "FORBIDDEN"}}, **change)
    assert [item["pk"] for item in cloud.items()] == ["THING#1"]


def test_a_refused_transaction_writes_nothing(cloud: Cloud) -> None:
    writer = client_of(cloud, "WriterFunction", "dynamodb")
    delete = {"Delete": {"TableName": TABLE, "Key": SEEN | {"pk": {"S": "THING#2"}}}}
    with pytest.raises(ClientError, match="DeleteItem"):
        writer.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": SEEN}}, delete])
    assert cloud.items() == []


def test_the_stand_ins_stand_behind_the_same_policies(cloud: Cloud) -> None:
    web = client_of(cloud, "WebFunction", "codepipeline")
    with pytest.raises(ClientError, match="PipelineNotFoundException"):
        web.get_pipeline_state(name="web")
    with pytest.raises(ClientError, match="AccessDeniedException"):
        web.get_pipeline_state(name="orders")
    with pytest.raises(ClientError, match="AccessDeniedException"):
        client_of(cloud, "WebFunction", "health").describe_events()
    assert [call.error_code for call in cloud.gateway.calls] == [
        "PipelineNotFoundException",
        "AccessDeniedException",
        "AccessDeniedException",
    ]


def test_a_secret_is_read_by_those_who_may_and_by_nobody_else(cloud: Cloud) -> None:
    (secret,) = cloud.stack.secrets
    answer = client_of(cloud, "ReaderFunction", "secretsmanager").get_secret_value(SecretId=secret.arn)
    assert (json.loads(answer["SecretString"]), answer["ARN"]) == ({"token": "hush"}, secret.arn)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        client_of(cloud, "WebFunction", "secretsmanager").get_secret_value(SecretId=secret.arn)


def test_strangers_are_turned_away(cloud: Cloud) -> None:
    stranger = boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=cloud.gateway.url,
        aws_access_key_id="AKIASTRANGER",
        aws_secret_access_key="secret",
    )
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        stranger.list_tables()


def test_every_call_is_written_down_with_its_outcome(cloud: Cloud) -> None:
    cloud.client("dynamodb").get_item(TableName=TABLE, Key=SEEN)
    (call,) = cloud.gateway.calls
    assert (call.function, call.service, call.operation, call.region) == (
        ADMINISTRATOR,
        "dynamodb",
        "GetItem",
        "us-east-1",
    )
    assert (call.params["Key"], call.status, call.error_code, call.at) == (SEEN, 200, "", cloud.now)


def test_a_call_that_the_local_cloud_cannot_do_stops_whoever_runs_it(cloud: Cloud) -> None:
    body = {"ask": "call", "call": {"service": "sns", "operation": "list_topics", "params": {}}}
    with pytest.raises(RuntimeError, match="WebFunction") as failed:
        cloud.http("POST", "/ask", {"Content-Type": "application/json"}, json.dumps(body))
    assert "sns" in str(failed.value.__cause__)


@pytest.mark.parametrize(
    ("kind", "error", "written"),
    [
        ("throttle", "ThrottlingException", False),
        ("error", "InternalServerError", False),
        ("drop_before", "Connection was closed", False),
        ("drop_after", "Connection was closed", True),
    ],
)
def test_a_fault_strikes_once_before_or_after_the_effect(
    cloud: Cloud, kind: FaultKind, error: str, written: bool
) -> None:
    cloud.fault("dynamodb", "PutItem", kind)
    writer = client_of(cloud, "WriterFunction", "dynamodb")
    with pytest.raises((ClientError, ConnectionClosedError, EndpointConnectionError), match=error):
        writer.put_item(TableName=TABLE, Item=SEEN)
    assert bool(cloud.items()) is written
    writer.put_item(TableName=TABLE, Item=SEEN)
    assert len(cloud.gateway.calls) == 2


def test_a_fault_may_be_meant_for_one_function_one_code_and_some_parameters(cloud: Cloud) -> None:
    cloud.fault(
        "dynamodb",
        "PutItem",
        "error",
        times=None,
        error_code="ProvisionedThroughputExceededException",
        function="WriterFunction",
        when=lambda params: params["Item"]["pk"]["S"] == "THING#2",
    )
    writer = client_of(cloud, "WriterFunction", "dynamodb")
    second = SEEN | {"pk": {"S": "THING#2"}}
    writer.put_item(TableName=TABLE, Item=SEEN)
    cloud.client("dynamodb").put_item(TableName=TABLE, Item=second)
    for _ in range(2):
        with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
            writer.put_item(TableName=TABLE, Item=second)


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"Item": SEEN, "ExpressionAttributeValues": {":x": {"S": "1"}}}, "unused"),
        ({"Item": SEEN | {"kind": {"N": "1"}}}, "Type mismatch"),
        ({"Item": SEEN | {"kind": {"S": ""}}}, "Type mismatch"),
        ({"Item": SEEN | {"deep": {"L": [{"N": "1" * 39}]}}}, "38"),
    ],
)
def test_what_dynamodb_refuses_and_moto_would_not_is_refused(
    cloud: Cloud, params: dict[str, Any], word: str
) -> None:
    with pytest.raises(ClientError, match=word) as refused:
        cloud.client("dynamodb").put_item(TableName=TABLE, **params)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
