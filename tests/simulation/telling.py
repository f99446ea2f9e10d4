"""What CodePipeline tells: EventBridge's event, the same once more by a notification rule, a truth in words."""

import json
from datetime import datetime
from typing import Any

from bot.model import ExecutionKey
from bot.ports import StageTruth
from tests.builders import ACCOUNT, REGION


def event_of(level: str, key: ExecutionKey, state: str, at: datetime, number: int) -> dict[str, Any]:
    detail = {"pipeline": key.pipeline, "execution-id": key.execution_id, "state": state}
    if level != "Pipeline":
        detail["stage"] = key.stage
    return {
        "source": "aws.codepipeline",
        "detail-type": f"CodePipeline {level} Execution State Change",
        "account": ACCOUNT,
        "region": REGION,
        "time": at.isoformat(),
        "id": f"event-{number}",
        "detail": detail,
    }


def notification_of(event: dict[str, Any]) -> dict[str, Any]:
    """As SNS invokes the function: the event without its id, its type under another name."""
    message = {name: value for name, value in event.items() if name not in ("id", "detail-type")}
    text = json.dumps({**message, "detailType": event["detail-type"]})
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Subject": None, "Message": text}}]}


def in_words(truth: StageTruth) -> str:
    """For the history of a night."""
    more = "".join(
        f", {text}"
        for text in (
            truth.overtaken_by and f"overtaken by {truth.overtaken_by}",
            truth.rolled_back and "rolled back",
            truth.pipeline_changed and "in an older version",
            truth.transition_disabled and "transition disabled",
            truth.condition,
            ",".join(action.action_execution_id for action in truth.failed),
        )
        if text
    )
    return f"{truth.key.pipeline} {truth.key.execution_id} {truth.key.stage} {truth.status}{more}"
