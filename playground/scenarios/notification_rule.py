"""examples/pipeline.yaml, and EventBridge silent: its notification rule alone brings the failure to Allclear."""

from dataclasses import replace
from pathlib import Path

from playground.scenery import CHANNEL, REGION, Outage
from playground.storytelling import Check, Scenario, Story

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "pipeline.yaml"


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    outputs = ("GateFunctionName", "PipelineNotificationTopic")
    cloud.deploy_pipelines(EXAMPLE, {name: cloud.stack.outputs[name] for name in outputs})
    story.tell("CloudFormation", "deploys examples/pipeline.yaml: a pipeline, its gate and its notification rule.")
    cloud.stack = replace(cloud.stack, rules=())
    story.tell("EventBridge", "delivers nothing tonight.", "red")
    outage = Outage(cloud, "web")
    web = pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.minutes(2)
    issue = cloud.health.open_issue("CLOUDFORMATION", REGION)
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1. No event says so; its API does.", "red")
    story.minutes(8)
    held = story.status("web → Deploy") == "held"
    outage.lasts = False
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue, which no event says either.", "red")
    story.minutes(20, stop=lambda: pipelines.status("web", web) == "Succeeded")
    story.minutes(8)
    told = [call for call in cloud.functions.invocations if "Records" in call.event]
    told = [call for call in told if call.function == "PipelineEventFunction"]
    return [
        ("one message of the notification rule came, and no event", len(told) == 1),
        ("the deploy was held by the issue", held),
        ("it recovered by exactly one retry", [retry.accepted for retry in pipelines.retries] == [True]),
        ("one card", len([m for m in cloud.slack.messages(CHANNEL) if not m.is_reply]) == 1),
        ("nothing in a failure queue", not cloud.failures()),
    ]


NOTIFICATION_RULE = Scenario(
    "a notification rule", "EventBridge is silent, and the pipeline's notification rule tells Allclear", play,
    {"SettleSeconds": "120"},
)  # fmt: skip
