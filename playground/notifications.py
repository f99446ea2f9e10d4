"""CodeStar Notifications: rules that repeat a pipeline's events to an SNS topic, which invokes its functions.

Sources: Developer Tools console guide, "Events for notification rules on pipelines" (the event type ids),
"Understanding notification contents" (detail type BASIC or FULL) and its examples.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from playground.stack import Function, Stack

SERVICE = "codestar-notifications.amazonaws.com"
DetailType = Literal["BASIC", "FULL"]


@dataclass(frozen=True, slots=True)
class NotificationRule:
    """One rule of one pipeline. `events`: event type ids, such as codepipeline-pipeline-stage-execution-failed."""

    arn: str
    pipeline_arn: str
    topic_arn: str
    events: frozenset[str]
    detail_type: DetailType


class NotificationRules:
    """Every rule of the account. `invoke` gets a function and the SNS event it is to be invoked with."""

    def __init__(self, stack: Stack, invoke: Callable[[Function, dict[str, Any]], None]) -> None:
        self.rules: list[NotificationRule] = []
        self._stack = stack
        self._invoke = invoke
        self._failed: dict[tuple[str, str], dict[str, str]] = {}  # (execution, stage): failed action → its summary

    def create(
        self, pipeline_arn: str, topic_arn: str, events: Collection[str], detail_type: DetailType = "FULL"
    ) -> None:
        """CreateNotificationRule, with one topic as its target."""
        arn = (
            f"arn:aws:codestar-notifications:{self._stack.region}:{self._stack.account}:notificationrule/{uuid4()}"
        )
        self.rules.append(NotificationRule(arn, pipeline_arn, topic_arn, frozenset(events), detail_type))

    def tell(self, event: Mapping[str, Any], now: datetime) -> None:
        """Something happened: every rule that names it publishes its message."""
        if event.get("source") != "aws.codepipeline":
            return
        self._remember(event)
        for rule in self.rules:
            if event.get("resources") == [rule.pipeline_arn] and _event_type_id(event) in rule.events:
                self._publish(rule, event, now)

    def _remember(self, event: Mapping[str, Any]) -> None:
        detail = event.get("detail", {})
        if "action" in detail and detail["state"] == "FAILED":
            summary = detail.get("execution-result", {}).get("external-execution-summary", "")
            self._failed.setdefault((detail["execution-id"], detail["stage"]), {})[detail["action"]] = summary

    def _publish(self, rule: NotificationRule, event: Mapping[str, Any], now: datetime) -> None:
        """The topic's policy decides whether the message gets there; a refused one is lost, as in AWS."""
        topic = next((topic for topic in self._stack.topics if topic.arn == rule.topic_arn), None)
        account = rule.arn.split(":")[4]
        if topic is None or (SERVICE, account) not in topic.publishers:
            return
        message = {
            "account": event["account"],
            "detailType": event["detail-type"],
            "region": event["region"],
            "source": event["source"],
            "time": event["time"],
            "notificationRuleArn": rule.arn,
            "detail": event["detail"],
            "resources": event["resources"],
            "additionalAttributes": self._attributes(event["detail"]) if rule.detail_type == "FULL" else {},
        }
        for subscription in self._stack.subscriptions:
            if subscription.topic_arn == topic.arn:
                function = self._stack.functions[subscription.function]
                self._invoke(function, {"Records": [_record(topic.arn, json.dumps(message), now)]})

    def _attributes(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        if detail["state"] != "FAILED":
            return {}
        if "action" in detail:
            summary = detail.get("execution-result", {}).get("external-execution-summary", "")
            return {"additionalInformation": summary}
        stages = [key for key in self._failed if key[0] == detail["execution-id"]]
        stage = detail.get("stage") or (stages[-1][1] if stages else "")
        failed = self._failed.get((detail["execution-id"], stage), {})
        return {
            "failedActionCount": len(failed),
            "failedActions": [
                {"action": name, "additionalInformation": summary} for name, summary in failed.items()
            ],
            **({} if "stage" in detail else {"failedStage": stage}),
        }


def _event_type_id(event: Mapping[str, Any]) -> str:
    words = str(event.get("detail-type", "")).split()  # CodePipeline Stage Execution State Change
    level = words[1].lower() if len(words) > 1 else ""
    return f"codepipeline-pipeline-{level}-execution-{event.get('detail', {}).get('state', '').lower()}"


def _record(topic_arn: str, message: str, now: datetime) -> dict[str, Any]:
    """What Lambda is invoked with: "Invoking Lambda functions with Amazon SNS notifications"."""
    region = topic_arn.split(":")[3]
    subscription = f"{topic_arn}:{uuid4()}"
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "Sns": {
            "Type": "Notification",
            "MessageId": str(uuid4()),
            "TopicArn": topic_arn,
            "Subject": None,
            "Message": message,
            "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "SignatureVersion": "1",
            "Signature": "not-a-signature",
            "SigningCertUrl": f"https://sns.{region}.amazonaws.com/SimpleNotificationService.pem",
            "UnsubscribeUrl": f"https://sns.{region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription}",
            "MessageAttributes": {},
        },
    }
