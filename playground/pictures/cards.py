"""The cards in docs/cards.png and docs/card.png: a night on the local cloud, every card as it was really sent.

`python -m playground.pictures.cards FILE` writes them as JSON, which draw.mjs turns into one page of HTML.
"""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from playground.cloud import Cloud
from playground.codepipeline import Action, Stage
from playground.scenery import CHANNEL, REGION, UNAVAILABLE, health_gate, installed, source
from playground.slack import Slack
from playground.slack_workspace import USERS, Message

DENIED = "User: arn:aws:sts::123456789012:assumed-role/deploy is not authorized to perform: iam:PassRole"
HOSTILE = "<!channel> *bold* `code` _it_ <https://evil.example|click> www.evil.example \u202egnp.exe @here :tada:"


class Night:
    """The cloud, and the cards taken down so far."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.pictures: list[dict[str, Any]] = []
        self._broken: set[str] = set()

    def pipeline(
        self, name: str, provider: str = "CloudFormation", *, gate: bool = False, minutes: int = 1, **failure: Any
    ) -> None:
        """Source, a health gate if wanted, Deploy, which fails while the name is among the broken."""
        deploy = Stage("Deploy", [Action("DeployStack", provider=provider, duration=timedelta(minutes=minutes))])
        stages = [source(), *([health_gate(self.cloud, name)] if gate else []), deploy]
        self.cloud.codepipeline.create_pipeline(name, REGION, stages)
        self._broken.add(name)
        self.cloud.codepipeline.fail_action(
            name,
            "Deploy",
            "DeployStack",
            while_=lambda: name in self._broken,
            **({"message": UNAVAILABLE} | failure),
        )

    def mend(self, *names: str) -> None:
        self._broken -= set(names)

    def wait(self, minutes: int, until: Callable[[], bool] = lambda: False) -> None:
        for _ in range(minutes):
            if not until():
                self.cloud.advance(timedelta(minutes=1))

    def card(self, name: str) -> Message:
        return next(message for message in self.cloud.slack.messages(CHANNEL) if _is_of(message, name))

    def status(self, name: str) -> str:
        """The last word of the card's header."""
        return str(self.card(name).blocks[0]["text"]["text"]).rpartition(": ")[2]

    def take(self, name: str, what: str) -> None:
        """Take the card down as it stands."""
        self.pictures.append({"what": what, "blocks": self.card(name).blocks})

    def take_shared(self, what: str) -> None:
        """Take down the newest card that many deploys share."""
        shared = [each for each in self.cloud.slack.messages(CHANNEL) if "retry_all" in each.buttons]
        self.pictures.append({"what": what, "blocks": shared[-1].blocks})

    def click(self, name: str, action_id: str, user: str) -> None:
        headers, body = self.cloud.slack.click(self.card(name), action_id, user)
        self.cloud.http("POST", "/slack/events", headers, body)
        self.cloud.settle()


def _is_of(message: Message, name: str) -> bool:
    is_card = message.metadata.get("event_type") == "allclear_execution"
    return is_card and f"#{name}#" in str(message.metadata["event_payload"].get("key"))


def play(cloud: Cloud) -> list[dict[str, Any]]:
    """Every status, in the order of the picture."""
    night = Night(cloud)
    pipelines, health = cloud.codepipeline, cloud.health
    for name in ("invoices", "mobile"):
        night.pipeline(name)
    night.pipeline("orders", minutes=5)
    night.pipeline("search", minutes=10)
    night.pipeline("web", gate=True)
    night.pipeline("assets", "S3")
    night.pipeline("api", error_code="PermissionError", message=DENIED)
    night.pipeline("reports", minutes=40)
    night.pipeline("evil", error_code="JobFailed", message=f"{HOSTILE}\n```\n{HOSTILE}")
    night.mend("web")

    health.unreadable = True
    pipelines.start("assets", "Serve smaller images", "Dana")
    night.wait(4)
    night.take("assets", "Held: AWS Health cannot be read")
    health.unreadable = False
    night.mend("assets")
    night.wait(4)

    for name in ("cart", "login", "shop"):
        night.pipeline(name, "ECS", message="Service unavailable (Service: AmazonECS; Status Code: 503)")
        pipelines.start(name, "Move to the new base image", "Gil")
        night.wait(1)
    night.wait(3)
    night.take_shared("Several fail alike, and AWS has posted nothing")
    night.mend("cart", "login", "shop")
    for name in ("cart", "login", "shop"):
        night.click(name, "retry", "alice")
    night.wait(15)

    pipelines.start("orders", "Upgrade the orders database", "Ana")
    night.wait(8)
    night.take("orders", "Needs a person: no issue explains it")
    issue = health.open_issue("CLOUDFORMATION", REGION, start_at=cloud.now - timedelta(minutes=6))
    night.wait(2)
    for name, commit, author in (
        ("web", "Change the greeting", "Ben"),
        ("search", "Rank by freshness", "Carol"),
        ("invoices", "Round half to even", "Dana"),
        ("mobile", "Raise the minimum version", "Emil"),
        ("api", "Let the worker assume its role", "Fay"),
        ("reports", "Print the totals first", "Hal"),
        ("evil", HOSTILE, HOSTILE),
    ):
        pipelines.start(name, commit, author)
    night.wait(5)
    night.take("orders", "Held: an issue explains it")
    night.take("web", "Held by the health gate")
    night.take("api", "Needs a person: not AWS's doing")
    night.take("evil", "Held, with names and errors that mean harm")
    night.take_shared("One incident, many deploys")
    night.click("mobile", "dismiss", "bob")
    night.wait(1)
    night.take("mobile", "Dismissed")
    pipelines.start("invoices", "Round half up after all", "Dana")
    night.wait(15)
    night.take("invoices", "Superseded")
    night.take("reports", "Running longer than usual, and not failed")
    night.mend("reports")

    night.mend("orders", "web", "evil", "mobile")
    night.wait(150)
    health.close(issue)
    pipelines.refuse_next_retries("ConflictException", 8)
    night.wait(12, lambda: night.status("orders") == "resuming")
    night.take("orders", "Resuming: CodePipeline was busy")
    night.wait(12, lambda: night.status("orders") == night.status("search") == "retrying")
    night.take("orders", "Retrying")
    health.open_issue("CLOUDFORMATION", REGION)
    night.wait(25)
    night.take("orders", "Recovered")
    night.take("search", "Needs a person: the budget is spent")
    pipelines.update_pipeline("search", [Stage("Source", [Action("Checkout", "Source", "AWS", "CodeCommit")])])
    night.wait(300, lambda: night.status("search") == "stopped")
    night.take("search", "Stopped")
    return night.pictures


def main(path: str) -> None:
    with Slack() as slack, installed(slack, MaxAutomaticRetries="1", OnCallMention="U0CAROL") as cloud:
        cards = play(cloud)
    users = [{"id": user.user_id, "name": user.name} for user in USERS]
    Path(path).write_text(json.dumps({"users": users, "cards": cards}, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
