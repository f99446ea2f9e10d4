"""What people do in Slack, as values, and the signed requests that Slack makes of it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from bot.model import ExecutionKey
from bot.slack.modals import REASON
from playground.slack_requests import FORM, JSON, Signed, encode_payload, sign
from tests.fakes.chat import BOT_USER, TEAM

STRANGER, OTHER_TEAM = "U0STRANGER", "T0OTHER"
CHANNEL = "C0DEPLOYS"
SECRET = "the-signing-secret"


@dataclass(frozen=True, slots=True)
class Button:
    """As it was shown once: on a message, in an answer that one person saw, or in that person's App Home."""

    channel: str  # "" in an App Home
    ts: str
    action_id: str
    value: str
    only: str = ""  # the one person who sees it; "": everybody

    @property
    def about(self) -> dict[str, Any]:
        about: dict[str, Any] = json.loads(self.value)
        return about

    @property
    def key(self) -> ExecutionKey:
        return ExecutionKey.parse(self.about["key"])

    @property
    def version(self) -> int:
        version: int = self.about["version"]
        return version


@dataclass(frozen=True, slots=True)
class Deed:
    """Something one person does. `number` stays the same when Slack sends it again."""

    user: str
    number: int

    @property
    def team(self) -> str:
        return OTHER_TEAM if self.user == STRANGER else TEAM


@dataclass(frozen=True, slots=True)
class Clicked(Deed):
    button: Button

    def __str__(self) -> str:
        about = " ".join(str(part) for part in self.button.about.values())
        return f"{self.user} {self.button.action_id} {about}"


@dataclass(frozen=True, slots=True)
class Submitted(Deed):
    """A modal sent off."""

    view: dict[str, Any]
    reason: str

    @property
    def about(self) -> dict[str, Any]:
        about: dict[str, Any] = json.loads(self.view["private_metadata"])
        return about

    def __str__(self) -> str:
        return f"{self.user} submits {self.view['callback_id']} {self.reason!r}"


@dataclass(frozen=True, slots=True)
class Said(Deed):
    """Words: a slash command, or (`mention`) a message with the app's name."""

    text: str
    mention: bool
    at: datetime

    @property
    def words(self) -> list[str]:
        return self.text.split()

    @property
    def event_id(self) -> str:
        return f"Ev{self.number}"

    def __str__(self) -> str:
        return f"{self.user} {'mentions' if self.mention else 'types'}: {self.text}"


@dataclass(frozen=True, slots=True)
class Opened(Deed):
    """Somebody looks at the app's Home."""

    def __str__(self) -> str:
        return f"{self.user} opens the App Home"


def request_of(deed: Deed, now: datetime) -> dict[str, Any]:
    """The HTTP request, signed as it is sent."""
    headers, body = _signed(deed, now)
    return {"headers": headers, "body": body.decode()}


def _signed(deed: Deed, now: datetime) -> Signed:
    match deed:
        case Clicked():
            return sign(encode_payload(_click(deed)), FORM, SECRET, now)
        case Submitted():
            return sign(encode_payload(_submission(deed)), FORM, SECRET, now)
        case Said(mention=True):
            event: dict[str, Any] = {
                "type": "app_mention",
                "user": deed.user,
                "text": f"<@{BOT_USER}> {deed.text}",
                "ts": f"{int(deed.at.timestamp())}.{deed.number:06d}",
                "channel": CHANNEL,
                **({"user_team": OTHER_TEAM} if deed.user == STRANGER else {}),
            }
            return sign(_event(event, deed.event_id), JSON, SECRET, now)
        case Said():
            form = {
                "team_id": deed.team,  # of a command Slack tells the person's own
                "channel_id": CHANNEL,
                "user_id": deed.user,
                "command": "/allclear",
                "text": deed.text,
                "response_url": "https://hooks.slack.com/commands/1",
                "trigger_id": f"trigger.{deed.number}",
            }
            return sign(urlencode(form).encode(), FORM, SECRET, now)
        case _:
            event = {"type": "app_home_opened", "user": deed.user, "tab": "home"}
            return sign(_event(event, f"Ev{deed.number}"), JSON, SECRET, now)


def _event(event: dict[str, Any], event_id: str) -> bytes:
    envelope = {"type": "event_callback", "team_id": TEAM, "event_id": event_id, "event": event}
    return json.dumps(envelope).encode()


def _click(clicked: Clicked) -> dict[str, Any]:
    button = clicked.button
    place: dict[str, Any] = {"container": {"type": "view", "view_id": "V0HOME"}}
    if button.channel:
        container: dict[str, Any] = {"channel_id": button.channel, "message_ts": button.ts}
        if button.only:
            container["is_ephemeral"] = True
        place = {"container": container, "response_url": "https://hooks.slack.com/actions/1"}
    action_ts = f"{clicked.number}.000001"
    return {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": clicked.user, "team_id": clicked.team},
        "trigger_id": f"trigger.{clicked.number}",
        "actions": [{"action_id": button.action_id, "value": button.value, "action_ts": action_ts}],
        **place,
    }


def _submission(submitted: Submitted) -> dict[str, Any]:
    shown = {key: submitted.view[key] for key in ("callback_id", "private_metadata")}
    entered = {REASON: {REASON: {"type": "plain_text_input", "value": submitted.reason or None}}}
    return {
        "type": "view_submission",
        "team": {"id": submitted.team},
        "user": {"id": submitted.user, "team_id": submitted.team},
        "view": {**shown, "id": f"V{submitted.number}", "state": {"values": entered}},
    }
