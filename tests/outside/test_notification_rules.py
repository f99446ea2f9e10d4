"""A pipeline's notification rule, through SNS: a second way to hear of a failure, never a second failure."""

from dataclasses import replace
from typing import Literal

import pytest

from tests.outside.night import REGION, Night

FAILED = {
    "action": "codepipeline-pipeline-action-execution-failed",
    "stage": "codepipeline-pipeline-stage-execution-failed",
    "pipeline": "codepipeline-pipeline-pipeline-execution-failed",
}


def add_rule(
    night: Night, *events: str, detail_type: Literal["BASIC", "FULL"] = "FULL", account: str = "123456789012"
) -> None:
    topic = night.cloud.stack.outputs["PipelineNotificationTopic"]
    pipeline = f"arn:aws:codepipeline:{REGION}:{account}:web"
    night.cloud.notifications.create(pipeline, topic, events, detail_type)


def without_eventbridge(night: Night) -> None:
    """Its rules are gone: what is heard is heard through SNS, and the sweep."""
    night.cloud.stack = replace(night.cloud.stack, rules=())


def notified(night: Night) -> int:
    """How often a notification invoked the function."""
    invoked = [call for call in night.cloud.functions.invocations if call.function == "PipelineEventFunction"]
    return sum("Records" in call.event for call in invoked)


@pytest.mark.parametrize("detail_type", ["BASIC", "FULL"])
@pytest.mark.parametrize("level", FAILED)
def test_a_failure_told_by_a_notification_alone_is_held_and_resumed(
    night: Night, level: str, detail_type: Literal["BASIC", "FULL"]
) -> None:
    """Whatever the rule's level and detail, though the pipeline's own names no stage."""
    without_eventbridge(night)
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    add_rule(night, FAILED[level], detail_type=detail_type)
    execution = night.fail()
    assert notified(night) == 1
    assert night.title() == "web → Deploy: held"
    night.mend()
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.accepted() == 1
    assert night.stage(execution) == "Succeeded"


def test_a_failure_told_by_both_routes_is_one_failure(night: Night) -> None:
    """Every level by both: one card, one history, one retry."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    add_rule(night, *FAILED.values())
    execution = night.fail()
    assert notified(night) == 3
    (card,) = night.cards()
    assert night.title() == "web → Deploy: held"
    states = [item for item in night.cloud.items() if item["sk"] == "STATE"]
    histories = [item for item in night.cloud.items() if item["sk"].startswith("HISTORY#")]
    assert (len(states), len(histories)) == (1, 1)
    assert not [item for item in night.cloud.items() if item["pk"].startswith("HINT#")]
    night.mend()
    night.cloud.health.close(issue)
    night.wait(20)
    assert (night.asked(), night.accepted()) == (1, 1)
    assert night.stage(execution) == "Succeeded"
    assert night.card().ts == card.ts


def test_a_rule_on_other_states_only_hastens(night: Night) -> None:
    """A notice that something started or passed is followed as its event would be."""
    night.pipeline()
    add_rule(
        night, "codepipeline-pipeline-stage-execution-started", "codepipeline-pipeline-stage-execution-succeeded"
    )
    assert night.stage(night.run()) == "Succeeded"
    assert notified(night) == 4
    assert night.cards() == []


def test_a_topic_takes_notifications_of_its_own_account_only(night: Night) -> None:
    """Somebody else's rule that names our topic reaches nobody."""
    ours = night.cloud.stack.outputs["PipelineNotificationTopic"]
    (topic,) = night.cloud.stack.topics
    assert topic.arn == ours
    assert topic.publishers == {("codestar-notifications.amazonaws.com", night.cloud.stack.account)}
    without_eventbridge(night)
    night.pipeline()
    add_rule(night, FAILED["stage"])
    (rule,) = night.cloud.notifications.rules
    stranger = replace(rule, arn=rule.arn.replace(night.cloud.stack.account, "999999999999"))
    night.cloud.notifications.rules = [stranger]
    night.fail()
    assert notified(night) == 0
    assert night.cards() == []


def test_a_notification_that_is_none_is_refused_by_its_field_and_harms_nothing(night: Night) -> None:
    """Not raised: SNS and Lambda would only bring it again."""
    record = {"EventSource": "aws:sns", "Sns": {"Message": '{"source": "aws.codepipeline"}'}}
    invocation = night.cloud.invoke("pipeline_event", {"Records": [record]})
    assert invocation.error is None
    assert invocation.value["refused"].startswith("Records.0.Sns.Message.detailType: ")
    assert night.cloud.items() == []
