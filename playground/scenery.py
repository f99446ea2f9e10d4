"""What the demo and the pictures are played in: the installed stack, a channel, and a pipeline's usual stages."""

import json
from datetime import UTC, datetime, timedelta
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


class Outage:
    """While it lasts, the action DeployStack fails in the pipelines it is given."""

    def __init__(self, cloud: Cloud, *pipelines: str, message: str = UNAVAILABLE) -> None:
        self.lasts = True
        for name in pipelines:
            cloud.codepipeline.fail_action(
                name, "Deploy", "DeployStack", while_=lambda: self.lasts, message=message
            )


def source() -> Stage:
    """The first stage of every pipeline."""
    return Stage("Source", [Action("Checkout", "Source", "AWS", "CodeStarSourceConnection")])


def gate_configuration(cloud: Cloud, pipeline: str, **more: str) -> dict[str, str]:
    """What a pipeline asks of Allclear's gate, as the README says to write it. `more`: other parameters."""
    execution = "#{codepipeline.PipelineExecutionId}"
    asked = {"pipeline": pipeline, "execution": execution, "regions": [REGION], **more}
    return {"FunctionName": cloud.stack.outputs["GateFunctionName"], "UserParameters": json.dumps(asked)}


def health_gate(cloud: Cloud, pipeline: str, **more: str) -> Stage:
    """The stage that asks Allclear before the deploy."""
    configuration = gate_configuration(cloud, pipeline, **more)
    return Stage("HealthGate", [Action("AwsHealth", "Invoke", "AWS", "Lambda", configuration=configuration)])


def deploy(minutes: int = 1) -> Stage:
    """The stage that deploys by CloudFormation."""
    return Stage("Deploy", [Action("DeployStack", duration=timedelta(minutes=minutes))])
