"""What the demo and the pictures are played in: the installed stack, a channel, and a pipeline's usual stages."""

import json
from datetime import UTC, datetime
from pathlib import Path

from playground.cloud import Cloud
from playground.codepipeline import Action, Stage
from playground.slack import Slack

TEMPLATE = Path(__file__).parent.parent / "template.yaml"
START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
REGION, CHANNEL = "us-east-1", "C0DEPLOYS"
UNAVAILABLE = "Rate exceeded (Service: AmazonCloudFormation; Status Code: 503; Error Code: ServiceUnavailable)"


def installed(slack: Slack, **more: str) -> Cloud:
    """The stack in a new cloud, with this Slack. `more`: the template's parameters."""
    parameters = {
        "SlackBotToken": slack.bot_token,
        "SlackSigningSecret": slack.signing_secret,
        "SlackChannel": CHANNEL,
        "OverrideUsers": "U0ALICE,U0BOB",
    }
    return Cloud(TEMPLATE, parameters | more, slack=slack, start=START)


def source() -> Stage:
    """The first stage of every pipeline."""
    return Stage("Source", [Action("Checkout", "Source", "AWS", "CodeStarSourceConnection")])


def health_gate(cloud: Cloud, pipeline: str) -> Stage:
    """The stage that asks Allclear before the deploy, as the README says to write it."""
    asked = {"pipeline": pipeline, "execution": "#{codepipeline.PipelineExecutionId}", "regions": [REGION]}
    configuration = {
        "FunctionName": cloud.stack.outputs["GateFunctionName"],
        "UserParameters": json.dumps(asked),
    }
    return Stage("HealthGate", [Action("AwsHealth", "Invoke", "AWS", "Lambda", configuration=configuration)])
