"""`make demo`: a night in us-east-1, from blocked to resumed, on the local cloud that runs template.yaml itself.

Two deploys: one dies in CloudFormation before AWS says anything, one is stopped by its health gate. Nobody touches
them. The demo succeeds only if each recovered with exactly one retry, and says which of its checks failed if not.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rich.console import Console
from rich.text import Text

from playground.cloud import Cloud
from playground.codepipeline import Action, Stage
from playground.scenery import CHANNEL, REGION, START, UNAVAILABLE, health_gate, installed, source
from playground.slack import Slack
from playground.terminal_card import panel


def deploy_pipeline(cloud: Cloud, name: str, deploy_minutes: int) -> list[Stage]:
    """Source, health gate, CloudFormation deploy."""
    deploy = Stage("Deploy", [Action("DeployStack", duration=timedelta(minutes=deploy_minutes))])
    return [source(), health_gate(cloud, name), deploy]


@dataclass
class Story:
    """The night, told as it happens: a timeline, and each deploy's card whenever it has changed."""

    cloud: Cloud
    console: Console
    shown: dict[str, int] = field(default_factory=dict)

    def tell(self, who: str, what: str, style: str = "") -> None:
        """One line of the timeline at the simulated time."""
        at = f"{self.cloud.now:%H:%M}"
        self.console.print(Text.assemble((f"{at}  ", "dim"), (f"{who:<13}", f"bold {style}"), what))

    def wait(self, until: datetime, stop: Callable[[], bool] = lambda: False) -> None:
        """Let simulated minutes pass, showing the clock and every card that changes."""
        with self.console.status("") as status:
            while self.cloud.now < until and not stop():
                status.update(f"{self.cloud.now:%H:%M} · waiting, a sweep every minute")
                self.cloud.advance(timedelta(minutes=1))
                self.show_cards()

    def show_cards(self) -> None:
        """Draw what the channel shows now, where it differs from what was drawn last."""
        for message in self.cloud.slack.messages(CHANNEL):
            if self.shown.get(message.ts) != len(message.history):
                title = message.blocks[0]["text"]["text"]
                what = f"card edited: {title}" if message.ts in self.shown else f"new card: {title}"
                self.tell("Slack", what, "magenta")
                self.console.print(panel(message))
                self.shown[message.ts] = len(message.history)


def play(cloud: Cloud, console: Console) -> list[tuple[str, bool]]:
    """The night itself; answers what was checked at the end and whether it holds."""
    story = Story(cloud, console)
    pipelines, health = cloud.codepipeline, cloud.health
    pipelines.create_pipeline("orders", REGION, deploy_pipeline(cloud, "orders", deploy_minutes=10))
    pipelines.create_pipeline("web", REGION, deploy_pipeline(cloud, "web", deploy_minutes=6))
    broken = {"now": True}
    pipelines.fail_action("orders", "Deploy", "DeployStack", while_=lambda: broken["now"], message=UNAVAILABLE)

    story.wait(START + timedelta(minutes=8))
    orders = pipelines.start("orders", revision_summary="Upgrade the orders database", author="Ana")
    story.tell("CodePipeline", "orders starts. Its health gate looks at AWS Health: nothing is open.", "blue")
    story.wait(START + timedelta(minutes=20))

    story.wait(START + timedelta(minutes=31))
    issue = health.open_issue(
        "CLOUDFORMATION",
        REGION,
        start_at=START + timedelta(minutes=5),
        description="We are investigating increased error rates in the US-EAST-1 Region.",
    )
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1, since 02:05.", "red")
    story.wait(START + timedelta(minutes=40))

    web = pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.tell("CodePipeline", "web starts. Its health gate finds the open issue.", "blue")
    story.wait(START + timedelta(hours=2, minutes=55))

    health.update(issue, "[RESOLVED] We continue to see recovery.", endTime="Tue, 24 Nov 2026 04:40:00 GMT")
    story.tell("AWS Health", "says [RESOLVED] and states an end time, but the status code stays open.", "red")
    story.wait(START + timedelta(hours=3, minutes=5))
    held = not pipelines.retries
    story.tell("Allclear", "keeps waiting: only the status code closes an issue.", "green")

    broken["now"] = False
    story.wait(START + timedelta(hours=3, minutes=10))
    health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")
    recovered = lambda: (pipelines.status("orders", orders), pipelines.status("web", web)) == ("Succeeded",) * 2  # noqa: E731
    story.wait(START + timedelta(hours=4), stop=recovered)
    story.wait(cloud.now + timedelta(minutes=2))

    accepted = [retry.pipeline for retry in pipelines.retries if retry.accepted]
    messages = cloud.slack.messages(CHANNEL)
    return [
        ("no retry while the issue was open", held),
        ("orders recovered", pipelines.stage_status("orders", "Deploy", orders) == "Succeeded"),
        ("web recovered", pipelines.stage_status("web", "Deploy", web) == "Succeeded"),
        ("exactly one retry of each", sorted(accepted) == ["orders", "web"] and len(pipelines.retries) == 2),
        ("one card each", len(messages) == 2),
        ("no buttons left on the cards", not any(message.buttons for message in messages)),
        ("nothing in a failure queue", not cloud.failures()),
    ]


def main() -> int:
    """Run the demo; answers the exit status."""
    console = Console(highlight=False)
    began = time.perf_counter()
    console.rule("[bold]Allclear: a night in us-east-1")
    with Slack() as slack, installed(slack) as cloud:
        checks = play(cloud, console)
    console.rule("[bold]What the demo checked")
    for what, holds in checks:
        console.print(Text(f"  {'✔' if holds else '✘'} {what}", style="green" if holds else "bold red"))
    console.print(Text(f"  four simulated hours in {time.perf_counter() - began:.0f} s", style="dim"))
    return 0 if all(holds for _, holds in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
