"""Handlers of the toy stack. They use AWS as the bot does: boto3, whose endpoint the environment names."""

import json
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

import boto3

TABLE = os.environ["TABLE_NAME"]
database = boto3.client("dynamodb")


def write(event: dict[str, Any], context: Any) -> None:
    """Put what the event names; `crash`, `exit` and `deny` make it fail in those ways."""
    detail = event["detail"]
    print("writing", detail["name"], "for", context.function_name)
    if detail.get("crash"):
        raise ValueError("told to crash")
    if detail.get("exit"):
        os._exit(3)
    key = "ELSE" if detail.get("deny") else f"THING#{detail['name']}"
    item = {
        "pk": {"S": key},
        "sk": {"S": "STATE"},
        "kind": {"S": "thing"},
        "at": {"S": datetime.now(UTC).isoformat()},
    }
    if detail.get("poison"):
        item["poison"] = {"BOOL": True}
    database.put_item(TableName=TABLE, Item=item)


def read(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Count the changes of each thing under SEEN#<name>; a poisoned one fails, by itself."""
    failures = []
    for record in event["Records"]:
        change = record["dynamodb"]
        name = change["Keys"]["pk"]["S"].removeprefix("THING#")
        if name == "explosive":
            raise RuntimeError("the whole batch")
        if change["NewImage"].get("poison"):
            failures.append({"itemIdentifier": change["SequenceNumber"]})
            break
        count(f"SEEN#{name}")
    return {"batchItemFailures": failures}


def tick(_event: dict[str, Any], _context: Any) -> None:
    """Count the minutes."""
    count("MINUTES")


def count(key: str) -> None:
    database.update_item(
        TableName=TABLE,
        Key={"pk": {"S": key}, "sk": {"S": "STATE"}},
        UpdateExpression="ADD times :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def answer(event: dict[str, Any], context: Any) -> Any:
    """Over HTTP: does what the body asks. From the bus: answers nothing."""
    if "requestContext" not in event:
        return None
    question = json.loads(event["body"]) if not event["isBase64Encoded"] else {"ask": "event"}
    ask = question["ask"]
    if ask == "environment":
        return {"environment": dict(os.environ), "path": sys.path, "directory": os.getcwd()}
    if ask == "event":
        return event
    if ask == "now":
        return {"now": datetime.now(UTC).isoformat(), "left": context.get_remaining_time_in_millis()}
    if ask == "sleep":
        time.sleep(question["seconds"])
        return {"now": datetime.now(UTC).isoformat(), "left": context.get_remaining_time_in_millis()}
    if ask == "things":
        return {
            "statusCode": 201,
            "headers": {"X-Kind": question["kind"]},
            "body": json.dumps(things(question["kind"])),
        }
    if ask == "call":
        return call(**question["call"])
    raise KeyError(ask)


def things(kind: str) -> list[str]:
    found = database.query(
        TableName=TABLE,
        IndexName="kinds",
        KeyConditionExpression="#k = :k",
        ExpressionAttributeNames={"#k": "kind"},
        ExpressionAttributeValues={":k": {"S": kind}},
    )
    return [item["pk"]["S"] for item in found["Items"]]


def call(service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    client = boto3.client(service)
    try:
        getattr(client, operation)(**params)
    except client.exceptions.ClientError as error:
        return {"error": error.response["Error"]}
    return {"error": None}
