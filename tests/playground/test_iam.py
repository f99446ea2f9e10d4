"""Policies: what they allow, and which permissions each call needs."""

from typing import Any

import pytest

from playground.errors import Unsupported
from playground.iam import LEADING_KEYS, Need, allowed
from playground.permissions import needs
from playground.stack import Stack, Statement
from playground.template import load
from tests.playground.cloud.conftest import TOY

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/allclear-Things"


def statement(action: str, resource: str, *, allow: bool = True, **condition: list[str]) -> Statement:
    conditions = {f"ForAllValues:{operator}": {LEADING_KEYS: keys} for operator, keys in condition.items()}
    return Statement(allow, (action,), (resource,), conditions)


def need(action: str = "dynamodb:PutItem", resource: str = TABLE, *keys: str) -> Need:
    return Need(action, resource, {LEADING_KEYS: keys})


@pytest.mark.parametrize(
    ("given", "wanted", "outcome"),
    [
        (statement("dynamodb:PutItem", TABLE), need(), True),
        (statement("dynamodb:putitem", TABLE), need(), True),
        (statement("dynamodb:Put*", TABLE), need(), True),
        (statement("dynamodb:GetItem", TABLE), need(), False),
        (statement("*", "*"), need(), True),
        (statement("dynamodb:PutItem", TABLE.upper()), need(), False),
        (statement("dynamodb:Query", TABLE), need("dynamodb:Query", TABLE + "/index/kinds"), False),
        (statement("dynamodb:Query", TABLE + "/index/*"), need("dynamodb:Query", TABLE + "/index/kinds"), True),
        (statement("health:DescribeEvents", "*"), need("health:DescribeEvents", "*"), True),
        (statement("health:DescribeEvents", "arn:aws:health:*"), need("health:DescribeEvents", "*"), False),
        (
            statement("dynamodb:PutItem", TABLE, StringEquals=["ISSUE"]),
            need("dynamodb:PutItem", TABLE, "ISSUE"),
            True,
        ),
        (
            statement("dynamodb:PutItem", TABLE, StringEquals=["ISS*"]),
            need("dynamodb:PutItem", TABLE, "ISSUE"),
            False,
        ),
        (
            statement("dynamodb:PutItem", TABLE, StringLike=["EXEC#*"]),
            need("dynamodb:PutItem", TABLE, "EXEC#1"),
            True,
        ),
        (
            statement("dynamodb:PutItem", TABLE, StringLike=["EXEC#?"]),
            need("dynamodb:PutItem", TABLE, "EXEC#12"),
            False,
        ),
        (
            statement("dynamodb:PutItem", TABLE, StringLike=["A", "B*"]),
            need("dynamodb:PutItem", TABLE, "A", "C"),
            False,
        ),
        # AWS: ForAllValues is true of no values at all.
        (statement("dynamodb:Scan", TABLE, StringLike=["EXEC#*"]), need("dynamodb:Scan", TABLE), True),
    ],
)
def test_a_statement_allows_what_it_says_and_no_more(given: Statement, wanted: Need, outcome: bool) -> None:
    assert allowed([given], wanted) is outcome


def test_nothing_is_allowed_without_a_statement_and_a_denial_wins() -> None:
    allow = statement("dynamodb:*", "*")
    deny = statement("dynamodb:PutItem", TABLE, allow=False, StringEquals=["FORBIDDEN"])
    assert not allowed([], need())
    assert allowed([allow, deny], need("dynamodb:PutItem", TABLE, "FINE"))
    assert not allowed([allow, deny], need("dynamodb:PutItem", TABLE, "FORBIDDEN"))


@pytest.fixture(scope="module")
def stack() -> Stack:
    return load(TOY, {"Greeting": "hello"})


KEY = {"pk": {"S": "THING#1"}, "sk": {"S": "STATE"}}
NAMED = {"TableName": "allclear-Things"}
PIPELINES = "arn:aws:codepipeline:eu-west-1:123456789012:"


@pytest.mark.parametrize(
    ("service", "operation", "params", "expected"),
    [
        ("dynamodb", "GetItem", NAMED | {"Key": KEY}, [need("dynamodb:GetItem", TABLE, "THING#1")]),
        ("dynamodb", "PutItem", NAMED | {"Item": KEY}, [need("dynamodb:PutItem", TABLE, "THING#1")]),
        (
            "dynamodb",
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": NAMED | {"Item": KEY}},
                    {"Update": NAMED | {"Key": KEY}},
                    {"Delete": NAMED | {"Key": KEY}},
                    {"ConditionCheck": NAMED | {"Key": KEY}},
                ]
            },
            [
                need("dynamodb:PutItem", TABLE, "THING#1"),
                need("dynamodb:UpdateItem", TABLE, "THING#1"),
                need("dynamodb:DeleteItem", TABLE, "THING#1"),
                need("dynamodb:ConditionCheckItem", TABLE, "THING#1"),
            ],
        ),
        (
            "dynamodb",
            "Query",
            NAMED
            | {
                "KeyConditionExpression": "#p = :p AND begins_with(sk, :s)",
                "ExpressionAttributeNames": {"#p": "pk"},
                "ExpressionAttributeValues": {":p": {"S": "THING#1"}, ":s": {"S": "S"}},
            },
            [need("dynamodb:Query", TABLE, "THING#1")],
        ),
        (
            "dynamodb",
            "Query",
            NAMED
            | {
                "IndexName": "kinds",
                "KeyConditionExpression": "kind = :k AND sk <= :s",
                "ExpressionAttributeValues": {":k": {"S": "thing"}, ":s": {"S": "Z"}},
            },
            [need("dynamodb:Query", f"{TABLE}/index/kinds", "thing")],
        ),
        (
            "codepipeline",
            "RetryStageExecution",
            {"pipelineName": "web", "stageName": "Deploy"},
            [Need("codepipeline:RetryStageExecution", PIPELINES + "web/Deploy")],
        ),
        (
            "codepipeline",
            "GetPipelineState",
            {"name": "web"},
            [Need("codepipeline:GetPipelineState", PIPELINES + "web")],
        ),
        (
            "codepipeline",
            "ListTagsForResource",
            {"resourceArn": PIPELINES + "web"},
            [Need("codepipeline:ListTagsForResource", PIPELINES + "web")],
        ),
        ("codepipeline", "PutJobFailureResult", {"jobId": "1"}, [Need("codepipeline:PutJobFailureResult", "*")]),
        ("health", "DescribeEvents", {}, [Need("health:DescribeEvents", "*")]),
    ],
)
def test_a_call_needs_the_permissions_that_aws_lists(
    stack: Stack, service: str, operation: str, params: dict[str, Any], expected: list[Need]
) -> None:
    region = "us-east-1" if service == "dynamodb" else "eu-west-1"
    assert list(needs(stack, service, operation, params, region)) == expected


def test_a_secret_is_meant_by_its_arn_whether_named_or_not(stack: Stack) -> None:
    (secret,) = stack.secrets
    for identity in (secret.arn, secret.name):
        (found,) = needs(stack, "secretsmanager", "GetSecretValue", {"SecretId": identity}, "us-east-1")
        assert found == Need("secretsmanager:GetSecretValue", secret.arn)


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("dynamodb", "ExecuteStatement"),
        ("codepipeline", "DeletePipeline"),
        ("s3", "GetObject"),
        ("sts", "AssumeRole"),
    ],
)
def test_a_call_whose_permissions_nobody_looked_up_is_refused_aloud(
    stack: Stack, service: str, operation: str
) -> None:
    with pytest.raises(Unsupported, match=operation):
        needs(stack, service, operation, {}, "us-east-1")
