"""What DynamoDB refuses and moto accepts.

Source: DynamoDB's Developer Guide, "Expressions" and "Naming rules and data types" (a number has at most 38
digits).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from playground.stack import Stack

_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)


def refusal(stack: Stack, operation: str, params: Mapping[str, Any]) -> str:
    """Why DynamoDB answers ValidationException, or "" where this module knows no reason."""
    transaction = operation in ("TransactWriteItems", "TransactGetItems")
    entries = params.get("TransactItems", []) if transaction else []
    requests = [request for entry in entries for request in entry.values()] if transaction else [params]
    return next((reason for request in requests for reason in _reasons(stack, request)), "")


def _reasons(stack: Stack, request: Mapping[str, Any]) -> Iterator[str]:
    text = " ".join(str(request.get(name, "")) for name in _EXPRESSIONS)
    used = set(re.findall(r"[:#]\w+", text))
    for member in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        unused = sorted(set(request.get(member, {})) - used)
        if unused:
            yield f"Value provided in {member} unused in expressions: keys: {{{', '.join(unused)}}}"
    yield from _index_key_reasons(stack, request)
    for number in _numbers(request.get("Item", {}), request.get("ExpressionAttributeValues", {})):
        if len(re.sub(r"[eE].*|\D", "", number).strip("0")) > 38:
            yield "Attempting to store more than 38 significant digits in a Number"


def _index_key_reasons(stack: Stack, request: Mapping[str, Any]) -> Iterator[str]:
    """An index's key must have the type it was declared with, and must not be an empty string."""
    for table in stack.tables:
        if table.name != request.get("TableName"):
            continue
        for attribute in table.create["AttributeDefinitions"]:
            name, wanted = attribute["AttributeName"], attribute["AttributeType"]
            for kind, value in request.get("Item", {}).get(name, {wanted: "absent"}).items():
                if kind != wanted or value == "":
                    yield f"One or more parameter values were invalid: Type mismatch for Index Key {name}"


def _numbers(*values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, Mapping):
            if isinstance(value.get("N"), str):
                yield value["N"]
            yield from _numbers(*value.values())
        elif isinstance(value, list):
            yield from _numbers(*value)
