"""A night on the local cloud: pipelines, issues, people, and what came of it. Nothing of bot/ is imported here.

Seen from outside only: template.yaml runs, events go in, and the stand-ins show the outcome.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playground.cloud import Cloud
from playground.codepipeline import Action, Stage
from playground.slack import Slack
from playground.slack_workspace import Message

TEMPLATE = Path(__file__).parent.parent.parent / "template.yaml"
START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
REGION = "us-east-1"
CHANNEL = "C0DEPLOYS"
BROKEN = "Rate exceeded (Service: AmazonCloudFormation; Status Code: 503; Error Code: ServiceUnavailable)"
MINUTE = timedelta(minutes=1)
CARD = "allclear_execution"  # the type in a card's metadata


class Night:
    """The cloud, its stand-ins, and the few things every story does with them."""

    def __init__(self, slack: Slack, **parameters: str) -> None:
        self.slack = slack
        settings = {
            "SlackBotToken": slack.bot_token,
            "SlackSigningSecret": slack.signing_secret,
            "SlackChannel": CHANNEL,
            **parameters,
        }
        self.cloud = Cloud(TEMPLATE, settings, slack=slack, start=START)
        self.broken: set[str] = set()  # pipelines whose deploy action fails at its end

    @property
    def now(self) -> datetime:
        return self.cloud.now

    def pipeline(
        self,
        name: str = "web",
        *,
        gate: bool = False,
        provider: str = "CloudFormation",
        region: str = REGION,
        tags: dict[str, str] | None = None,
        mode: str = "SUPERSEDED",
        gate_parameters: str = "",
        category: str = "Deploy",
        configuration: dict[str, str] | None = None,
        external_id: str = "",
        lasts: timedelta = MINUTE,
    ) -> None:
        """Source, HealthGate if wanted, and Deploy, which `lasts` and fails while the name is in `broken`."""
        parameters = gate_parameters or (
            f'{{"pipeline": "{name}", "execution": "#{{codepipeline.PipelineExecutionId}}",'
            f' "regions": ["{REGION}"]}}'
        )
        stages = [Stage("Source", [Action("Checkout", "Source", "AWS", "CodeCommit")])]
        if gate:
            configuration = {
                "FunctionName": self.cloud.stack.outputs["GateFunctionName"],
                "UserParameters": parameters,
            }
            stages.append(
                Stage("HealthGate", [Action("AwsHealth", "Invoke", "AWS", "Lambda", configuration=configuration)])
            )
        stages.append(
            Stage(
                "Deploy",
                [
                    Action(
                        "DeployStack",
                        category,
                        "AWS",
                        provider,
                        region,
                        configuration=configuration or {},
                        duration=lasts,
                    )
                ],
            )
        )
        self.cloud.codepipeline.create_pipeline(name, REGION, stages, mode, tags)  # type: ignore[arg-type]
        self.cloud.codepipeline.fail_action(
            name,
            "Deploy",
            "DeployStack",
            while_=lambda: name in self.broken,
            message=BROKEN,
            external_execution_id=external_id,
        )

    def run(self, name: str = "web", minutes: int = 4) -> str:
        """Start the pipeline and let it come to its end; answers the execution id."""
        execution = self.cloud.codepipeline.start(name)
        self.wait(minutes)
        return execution

    def fail(self, name: str = "web", minutes: int = 4) -> str:
        """Start it with a deploy that fails, until `mend`."""
        self.broken.add(name)
        return self.run(name, minutes)

    def mend(self, name: str = "web") -> None:
        self.broken.discard(name)

    def wait(self, minutes: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let simulated minutes pass."""
        end = self.now + timedelta(minutes=minutes)
        while self.now < end and not until():
            self.cloud.advance(MINUTE)

    def cards(self, name: str = "") -> list[Message]:
        """The messages in the channel, those of one pipeline if it is named."""
        return [
            message
            for message in self.slack.messages(CHANNEL)
            if not message.thread_ts and message.text.startswith(f"{name} → " if name else "")
        ]

    def replies(self, name: str = "") -> list[Message]:
        """The messages in threads, those of one pipeline if it is named."""
        return [
            message
            for message in self.slack.messages(CHANNEL)
            if message.thread_ts and message.text.startswith(f"{name} → " if name else "")
        ]

    def card(self, name: str = "web") -> Message:
        """The one card of a pipeline, in the channel or in a burst's thread."""
        every = (*self.cards(name), *self.replies(name))
        (card,) = [message for message in every if message.metadata.get("event_type") == CARD]
        return card

    def title(self, name: str = "web") -> str:
        return str(self.card(name).blocks[0]["text"]["text"])

    def accepted(self, name: str = "web") -> int:
        """How many retries CodePipeline accepted from Allclear."""
        return sum(retry.accepted for retry in self.cloud.codepipeline.retries if retry.pipeline == name)

    def asked(self, name: str = "web") -> int:
        """How often Allclear called RetryStageExecution, refused calls included."""
        return sum(retry.pipeline == name for retry in self.cloud.codepipeline.retries)

    def stage(self, execution: str, name: str = "web", stage: str = "Deploy") -> str | None:
        return self.cloud.codepipeline.stage_status(name, stage, execution)
