"""How a story is told in the terminal: a timeline, the cards as they change, what people do, what was checked."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rich.console import Console
from rich.text import Text

from playground.cloud import Cloud
from playground.scenery import CHANNEL, installed
from playground.slack import Slack
from playground.slack_workspace import Message
from playground.terminal_card import mrkdwn, panel

Check = tuple[str, bool]
"""What was to hold at a story's end, and whether it does."""


@dataclass
class Story:
    """The night, told as it happens: a timeline, and each deploy's card whenever it has changed."""

    cloud: Cloud
    console: Console
    shown: dict[str, int] = field(default_factory=dict)

    def tell(self, who: str, what: str | Text, style: str = "") -> None:
        """One line of the timeline at the simulated time."""
        at = f"{self.cloud.now:%H:%M}"
        self.console.print(Text.assemble((f"{at}  ", "dim"), (f"{who:<14} ", f"bold {style}"), what))

    def wait(self, until: datetime, stop: Callable[[], bool] = lambda: False) -> None:
        """Let simulated minutes pass, showing the clock and every card that changes."""
        with self.console.status("") as status:
            while self.cloud.now < until and not stop():
                status.update(f"{self.cloud.now:%H:%M} · waiting, a sweep every minute")
                self.cloud.advance(timedelta(minutes=1))
                self.show_cards()

    def minutes(self, number: int, stop: Callable[[], bool] = lambda: False) -> None:
        """As `wait`, for so many minutes."""
        self.wait(self.cloud.now + timedelta(minutes=number), stop)

    def show_cards(self) -> None:
        """Draw what the channel shows now, where it differs from what was drawn last. Threads stay closed."""
        for message in self.cloud.slack.messages(CHANNEL):
            if message.in_channel and self.shown.get(message.ts) != len(message.history):
                title = title_of(message)
                what = f"card edited: {title}" if message.ts in self.shown else f"new card: {title}"
                self.tell("Slack", what, "magenta")
                self.console.print(panel(message))
                self.shown[message.ts] = len(message.history)

    def card(self, title: str) -> Message:
        """The newest card whose title begins like this ("web → Deploy"). Raises LookupError."""
        for message in reversed(self.cloud.slack.messages(CHANNEL)):
            if not message.is_reply and title_of(message).startswith(title):
                return message
        raise LookupError(title)

    def status(self, title: str) -> str:
        """What that card's title ends with: "held", "recovered". Raises LookupError."""
        return title_of(self.card(title)).rpartition(": ")[2]

    def click(self, title: str, action_id: str, user: str) -> None:
        """A person clicks a button of the card, and what they are told is told."""
        self.tell(user, f"clicks “{action_id}” on the card of {title}.", "yellow")
        told = len(self.cloud.slack.ephemerals)
        headers, body = self.cloud.slack.click(self.card(title), action_id, user)
        self.cloud.http("POST", "/slack/events", headers, body)
        for answer in self.cloud.slack.ephemerals[told:]:
            self.tell("Allclear", mrkdwn(answer.text), "green")

    def ask(self, text: str, user: str) -> str:
        """A person types /allclear and these words; answers what they are told."""
        self.tell(user, f"/allclear {text}", "yellow")
        headers, body = self.cloud.slack.slash(text, user, CHANNEL)
        answer = str(json.loads(self.cloud.http("POST", "/slack/events", headers, body)[2])["text"])
        self.tell("Allclear", mrkdwn(answer), "green")
        return answer


def title_of(message: Message) -> str:
    """A card's header; of a message without one, its first words."""
    first = message.blocks[0] if message.blocks else {}
    return str(first["text"]["text"]) if first.get("type") == "header" else message.text.partition(". ")[0]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story. `summary`: what it shows, in a line; `settings`: parameters of the template."""

    title: str
    summary: str
    play: Callable[[Story], list[Check]]
    settings: Mapping[str, str] = field(default_factory=dict)


def perform(scenario: Scenario, console: Console) -> int:
    """Play it and say what was checked; answers the exit status: 1 if a check does not hold."""
    console.rule(f"[bold]Allclear: {scenario.title}")
    began = time.perf_counter()
    with Slack() as slack, installed(slack, **scenario.settings) as cloud:
        start = cloud.now
        checks = scenario.play(Story(cloud, console))
        hours = (cloud.now - start) / timedelta(hours=1)
    console.rule("[bold]What the demo checked")
    for what, holds in checks:
        console.print(Text(f"  {'✔' if holds else '✘'} {what}", style="green" if holds else "bold red"))
    console.print(Text(f"  {hours:.1f} simulated hours in {time.perf_counter() - began:.0f} s", style="dim"))
    return 0 if all(holds for _, holds in checks) else 1
