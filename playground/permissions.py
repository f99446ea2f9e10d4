"""Which permissions each API call needs. A call that is not listed is refused aloud: nobody has looked it up yet.

Source: the Service Authorization Reference's pages on Amazon DynamoDB, AWS CodePipeline, AWS Health, AWS Secrets
Manager, AWS Systems Manager and Amazon SQS; for transactions, "Using IAM with DynamoDB transactions".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from playground.deploy_permissions import deploy_needs
from playground.errors import Unsupported
from playground.iam import LEADING_KEYS, Need
from playground.stack import Stack

Params = Mapping[str, Any]

_ON_A_KEY = {"GetItem", "UpdateItem", "DeleteItem"}
_IN_A_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_ON_A_PIPELINE = {
    "GetPipeline": "name",
    "GetPipelineState": "name",
    "GetPipelineExecution": "pipelineName",
    "ListActionExecutions": "pipelineName",
    "ListRuleExecutions": "pipelineName",
    "ListPipelineExecutions": "pipelineName",
}
_ON_A_STAGE = {"RetryStageExecution", "OverrideStageCondition"}
_ON_NOTHING = {
    "codepipeline": {"PutJobSuccessResult", "PutJobFailureResult"},
    "health": {"DescribeEvents", "DescribeEventDetails", "DescribeAffectedEntities"},
}


def needs(stack: Stack, service: str, operation: str, params: Params, region: str) -> tuple[Need, ...]:
    """Every permission the call needs; all of them must be allowed. `service` is the SigV4 signing name.

    Raises Unsupported for a call that is not listed.
    """
    found = tuple(_needs(stack, service, operation, params, region))
    if not found:
        raise Unsupported(f"{service}:{operation} is not known here: which permission it needs must be looked up")
    return found


def _needs(stack: Stack, service: str, operation: str, params: Params, region: str) -> Iterator[Need]:
    if operation in _ON_NOTHING.get(service, ()):
        yield Need(f"{service}:{operation}", "*")
    elif service == "dynamodb":
        yield from _dynamodb(stack, operation, params, region)
    elif service == "codepipeline":
        yield from _codepipeline(stack, operation, params, region)
    elif service in ("cloudformation", "codebuild", "codedeploy", "ecs"):
        yield from deploy_needs(stack.account, service, operation, params, region)
    elif service == "secretsmanager" and operation == "GetSecretValue":
        yield Need("secretsmanager:GetSecretValue", _secret_arn(stack, str(params.get("SecretId", "")), region))
    elif service == "ssm" and operation == "GetCalendarState":
        for name in params.get("CalendarNames", []):
            own = f"arn:aws:ssm:{region}:{stack.account}:document/{name}"
            yield Need("ssm:GetCalendarState", name if str(name).startswith("arn:") else own)
    elif service == "sqs" and operation == "SendMessage":
        name = str(params.get("QueueUrl", "")).rpartition("/")[2]
        yield Need("sqs:SendMessage", f"arn:aws:sqs:{region}:{stack.account}:{name}")


def _codepipeline(stack: Stack, operation: str, params: Params, region: str) -> Iterator[Need]:
    arn = f"arn:aws:codepipeline:{region}:{stack.account}:"
    if operation in _ON_A_PIPELINE:
        yield Need(f"codepipeline:{operation}", arn + str(params.get(_ON_A_PIPELINE[operation], "")))
    elif operation in _ON_A_STAGE:
        stage = f"{params.get('pipelineName', '')}/{params.get('stageName', '')}"
        yield Need(f"codepipeline:{operation}", arn + stage)
    elif operation == "ListTagsForResource":
        yield Need("codepipeline:ListTagsForResource", str(params.get("resourceArn", "")))


def _dynamodb(stack: Stack, operation: str, params: Params, region: str) -> Iterator[Need]:
    if operation == "PutItem":
        yield _item_need(stack, "PutItem", params, params.get("Item", {}), region)
    elif operation in _ON_A_KEY:
        yield _item_need(stack, operation, params, params.get("Key", {}), region)
    elif operation in ("TransactWriteItems", "TransactGetItems"):
        for entry in params.get("TransactItems", []):
            ((kind, request),) = entry.items()
            key = request.get("Item") or request.get("Key", {})
            yield _item_need(stack, _IN_A_TRANSACTION[kind], request, key, region)
    elif operation == "Query":
        yield _query_need(stack, params, region)
    elif operation in ("DescribeTable", "Scan"):
        yield Need(f"dynamodb:{operation}", _table_arn(stack, params, region))


def _item_need(stack: Stack, action: str, request: Params, key: Params, region: str) -> Need:
    attribute = _partition_key(stack, request, "")
    values = tuple(str(value) for value in key.get(attribute, {}).values())
    return Need(f"dynamodb:{action}", _table_arn(stack, request, region), {LEADING_KEYS: values})


def _query_need(stack: Stack, params: Params, region: str) -> Need:
    """The leading key is the partition key of what is queried: of the index, where one is named."""
    index = str(params.get("IndexName", ""))
    arn = _table_arn(stack, params, region)
    attribute = _partition_key(stack, params, index)
    names = params.get("ExpressionAttributeNames", {})
    bound = params.get("ExpressionAttributeValues", {})
    equalities = re.findall(r"(#?[\w.-]+)\s*=\s*(:\w+)", str(params.get("KeyConditionExpression", "")))
    values = tuple(
        str(value)
        for name, variable in equalities
        if names.get(name, name) == attribute
        for value in bound.get(variable, {}).values()
    )
    return Need("dynamodb:Query", f"{arn}/index/{index}" if index else arn, {LEADING_KEYS: values})


def _table_arn(stack: Stack, request: Params, region: str) -> str:
    name = str(request.get("TableName", ""))
    return name if name.startswith("arn:") else f"arn:aws:dynamodb:{region}:{stack.account}:table/{name}"


def _partition_key(stack: Stack, request: Params, index: str) -> str:
    named = {table.name: table for table in stack.tables} | {table.arn: table for table in stack.tables}
    table = named.get(str(request.get("TableName", "")))
    return table.partition_keys.get(index, "") if table else ""


def _secret_arn(stack: Stack, secret_id: str, region: str) -> str:
    for secret in stack.secrets:
        if secret_id in (secret.arn, secret.name):
            return secret.arn
    if secret_id.startswith("arn:"):
        return secret_id
    return f"arn:aws:secretsmanager:{region}:{stack.account}:secret:{secret_id}-??????"
