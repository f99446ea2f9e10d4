"""Slack with people in it: messages as they stand, every button ever shown, and clicks on new and old ones."""

import json
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from bot.cards.burst_card import BURST_EVENT_TYPE
from bot.cards.card import CARD_EVENT_TYPE, DISMISS, RETRY, UNDO
from bot.errors import SlackRefused
from bot.model import ExecutionKey
from bot.slack.port import SlackUser
from playground.slack_requests import FORM, encode_payload, sign
from tests.fakes.chat import ALICE, TEAM, FakeChat
from tests.simulation.scheduler import Scheduler

BOB, GUEST, STRANGER = "U0BOB", "U0GUEST", "U0STRANGER"
MAY_CLICK = (ALICE, BOB)
OTHER_TEAM = "T0OTHER"
SECRET = "the-signing-secret"


@dataclass(frozen=True, slots=True)
class Button:
    """As it was shown once, on one message."""

    channel: str
    ts: str
    action_id: str
    value: str

    @property
    def key(self) -> ExecutionKey:
        return ExecutionKey.parse(json.loads(self.value)["key"])

    @property
    def version(self) -> int:
        version: int = json.loads(self.value)["version"]
        return version


@dataclass(frozen=True, slots=True)
class Clicked:
    """What one request asks, and of whom it is."""

    user: str
    button: Button

    def __str__(self) -> str:
        return f"{self.user} {self.button.action_id} {self.button.key.execution_id} v{self.button.version}"


class Workspace(FakeChat):
    """bot.ports.Chat, remembering every button it ever showed."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        for user in MAY_CLICK:
            self.users[user] = SlackUser(user, TEAM, full_member=True)
        self.users[GUEST] = SlackUser(GUEST, TEAM, full_member=False)
        self.users[STRANGER] = SlackUser(STRANGER, OTHER_TEAM, full_member=True)
        self.shown: list[Button] = []
        self._scheduler = scheduler

    def post(self, channel: str, message: Any, **options: Any) -> tuple[str, str]:
        self.now = self._scheduler.now
        if channel == "":
            raise SlackRefused("channel_not_found")
        answer = super().post(channel, message, **options)
        self._remember(channel, answer[1], message)
        return answer

    def update(self, channel: str, ts: str, message: Any) -> None:
        super().update(channel, ts, message)
        self._remember(channel, ts, message)

    def _remember(self, channel: str, ts: str, message: Any) -> None:
        for block in message.blocks:
            for element in block.get("elements", ()) if block["type"] == "actions" else ():
                if element["action_id"] in (RETRY, DISMISS, UNDO):
                    self.shown.append(Button(channel, ts, element["action_id"], element["value"]))

    def choose(self, random: Random, *, stale: bool) -> Button | None:
        """A button somebody has in front of them; a stale one is in a window that was not redrawn."""
        if stale:
            return random.choice(self.shown) if self.shown else None
        newest: dict[tuple[str, str], list[Button]] = {}
        for button in self.shown:
            shown = newest.setdefault((button.channel, button.ts), [])
            if shown and shown[0].version != button.version:
                shown.clear()
            shown.append(button)
        there = [button for place, shown in newest.items() if place in self.messages for button in shown]
        return random.choice(there) if there else None

    def delete(self, number: int) -> None:
        """Somebody deletes a message."""
        places = sorted(self.messages)
        if places:
            del self.messages[places[number % len(places)]]

    def cards_of(self, key: ExecutionKey) -> list[tuple[str, str]]:
        """Where this execution's own messages are: in the channel or in a burst's thread."""
        return self._places(CARD_EVENT_TYPE, str(key))

    def burst_cards_of(self, burst_id: str) -> list[tuple[str, str]]:
        return self._places(BURST_EVENT_TYPE, burst_id)

    def _places(self, event_type: str, key: str) -> list[tuple[str, str]]:
        wanted = {"event_type": event_type, "event_payload": {"key": key}}
        return [place for place, message in self.messages.items() if message.metadata == wanted]


def request_of(clicked: Clicked, action_ts: str, now: datetime) -> dict[str, Any]:
    """The signed HTTP request of one click."""
    button = clicked.button
    payload = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": clicked.user, "team_id": OTHER_TEAM if clicked.user == STRANGER else TEAM},
        "container": {"channel_id": button.channel, "message_ts": button.ts},
        "response_url": "https://hooks.slack.com/actions/1",
        "trigger_id": f"trigger.{action_ts}",
        "actions": [{"action_id": button.action_id, "value": button.value, "action_ts": action_ts}],
    }
    headers, body = sign(encode_payload(payload), FORM, SECRET, now)
    return {"headers": headers, "body": body.decode()}


class Secrets:
    """The part of SlackSecrets the handler asks."""

    def signing_secrets(self) -> tuple[str, ...]:
        return (SECRET,)

    def signing_secrets_read_again(self) -> tuple[str, ...]:
        return (SECRET,)
