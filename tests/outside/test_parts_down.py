"""A part is down, or an item is broken: the others go on, somebody is told, a command that is documented helps."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.outside.night import REGION, Night

OPERATIONS = Path(__file__).parent.parent.parent / "docs" / "operations.md"
ALL_OF_SLACK = ("chat.postMessage", "chat.update", "conversations.history", "conversations.replies", "auth.test")


def documented_command(night: Night) -> Any:
    """What docs/operations.md says to invoke, by the stack's output it names, with the payload it names."""
    text = OPERATIONS.read_text(encoding="utf-8")
    (output,) = re.findall(r"OutputKey=='(\w+)'", text)
    (payload,) = re.findall(r"--payload '(.+)'", text)
    invocation = night.cloud.invoke(night.cloud.stack.outputs[output], json.loads(payload))
    assert invocation.error is None
    return invocation.value


def state_of(night: Night, pipeline: str) -> dict[str, Any]:
    (item,) = [item for item in night.cloud.items() if item["sk"] == "STATE" and f"#{pipeline}#" in item["pk"]]
    return item


def edit(night: Night, item: dict[str, Any], name: str, value: str) -> None:
    """Somebody edits the table by hand."""
    night.cloud.client("dynamodb").update_item(
        TableName=night.cloud.stack.outputs["TableName"],
        Key={"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}},
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": {"S": value}},
    )


def in_queue(night: Night, logical_id: str) -> list[dict[str, Any]]:
    return [message for queue, message in night.cloud.failures() if logical_id in queue]


def test_slack_down_all_night_delays_no_retry_and_its_card_appears_after(night: Night) -> None:
    for method in ALL_OF_SLACK:
        night.slack.fail_next(method, "server_error", 10_000)
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.cloud.health.close(issue)
    closed_at = night.now
    night.wait(15)
    (retry,) = night.cloud.codepipeline.retries
    assert retry.accepted
    assert retry.at - closed_at <= timedelta(minutes=7)  # five to settle, and a sweep
    assert night.cards() == []
    night.slack._faults.clear()
    night.wait(15)
    assert [card.buttons for card in night.cards()] == [[]]
    assert night.title() == "web → Deploy: recovered"
    assert in_queue(night, "Failed") == []


def test_a_poison_item_holds_up_nobody_is_reported_and_goes_on_by_the_documented_command(night: Night) -> None:
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    for name in ("web", "api"):
        night.pipeline(name)
        night.fail(name)
    item = state_of(night, "web")
    edit(night, item, "failed_at", "yesterday")
    for name in ("web", "api"):
        night.mend(name)
    night.cloud.health.close(issue)
    night.wait(12)
    assert night.accepted("api") == 1  # the stand-in's stream has one shard: it was behind the poison record
    assert night.title("api") == "api → Deploy: recovered"
    assert night.accepted("web") == 0
    given_up = in_queue(night, "FailedStreamRecords")
    assert given_up
    assert all("DDBStreamBatchInfo" in message and "yesterday" not in str(message) for message in given_up)

    night.wait(12)
    assert len(in_queue(night, "FailedStreamRecords")) == len(given_up)  # nobody sends it in again and again
    edit(night, item, "failed_at", item["failed_at"])
    night.wait(1)
    assert night.accepted("web") == 0  # its own clock is hours away
    assert documented_command(night)["make_due"] >= 1
    night.wait(3)
    assert night.accepted("web") == 1
    assert night.title("web") == "web → Deploy: recovered"
