"""Requests as Slack sends them to an app: signed, form-encoded interactions and commands, JSON events.

Shapes: docs.slack.dev, "block_actions payload", "View interaction payloads", "Slash commands", "url_verification",
"app_mention", "app_home_opened", and the examples in Slack's own SDKs; signature: "Verifying requests from Slack".
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from playground.slack_workspace import (
    APP_ID,
    BOT_USER,
    OTHER_TEAM,
    TEAM,
    TEAM_DOMAIN,
    Blocks,
    Channel,
    Ephemeral,
    Message,
    User,
    Workspace,
    buttons,
    view_wire,
    with_block_ids,
)

OLD_TOKEN = "a-deprecated-verification-token"

Signed = tuple[dict[str, str], bytes]

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def sign(body: bytes, content_type: str, secret: str, at: datetime | None = None) -> Signed:
    """Headers with Slack's v0 signature of this body, made `at` (now)."""
    timestamp = str(int((at or datetime.now(UTC)).timestamp()))
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": content_type,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
    }
    return headers, body


def retried(request: Signed, number: int, reason: str) -> Signed:
    """With the headers Slack adds when it sends an event again."""
    headers, body = request
    return headers | {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}, body


def message_place(
    workspace: Workspace, shown: Message | Ephemeral, channel: Channel, response_url: str, blocks: Blocks | None
) -> dict[str, Any]:
    """Where a click in a message came from. What only one person saw comes without its content."""
    ephemeral = isinstance(shown, Ephemeral)
    container: dict[str, Any] = {
        "type": "message",
        "message_ts": shown.ts,
        "channel_id": channel.channel_id,
        "is_ephemeral": ephemeral,
    }
    if shown.thread_ts:
        container["thread_ts"] = shown.thread_ts
    place: dict[str, Any] = {
        "blocks": with_block_ids(shown.blocks if blocks is None else blocks),
        "container": container,
        "channel": {"id": channel.channel_id, "name": channel.name},
        "response_url": response_url,
    }
    if isinstance(shown, Message):
        place["message"] = workspace.wire(shown) | {"blocks": place["blocks"]}
    return place


def view_place(view: dict[str, Any], blocks: Blocks | None) -> dict[str, Any]:
    """Where a click in a view came from: no channel, no response_url."""
    shown = view_wire(view if blocks is None else {**view, "blocks": blocks})
    return {"blocks": shown["blocks"], "container": {"type": "view", "view_id": view["id"]}, "view": shown}


def click_payload(
    place: dict[str, Any], action_id: str, user: User, *, action_ts: str, trigger_id: str
) -> dict[str, Any]:
    """A click on a button of a place's blocks, as this person sees them.

    Raises KeyError when there is no such button: nobody can click it.
    """
    blocks = place.pop("blocks")
    found = [(block, button) for block, button in buttons(blocks) if button.get("action_id") == action_id]
    if not found:
        raise KeyError(f"no button {action_id} is shown")
    block, button = found[0]
    return {
        "type": "block_actions",
        "user": _person(user),
        "api_app_id": APP_ID,
        "token": OLD_TOKEN,
        "trigger_id": trigger_id,
        "team": {"id": TEAM, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "state": {"values": {}},
        "actions": [{**button, "block_id": block["block_id"], "action_ts": action_ts}],
        **place,
    }


def submission_payload(
    view: dict[str, Any], user: User, values: Mapping[str, str | None], *, trigger_id: str
) -> dict[str, Any]:
    """A modal that is sent off: every input of it with what was entered, None for nothing.

    The team is the person's own, which by Slack Connect may be another one than the app is installed in.
    Raises KeyError for an input that the modal does not have.
    """
    shown = view_wire(view, user.team_id)
    state: dict[str, dict[str, Any]] = {}
    left = dict(values)
    for block in shown["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            entered = left.pop(element.get("action_id", ""), None)
            state[block["block_id"]] = {
                element.get("action_id", ""): {"type": element["type"], "value": entered or None}
            }
    if left:
        raise KeyError(f"the modal has no input {', '.join(left)}")
    return {
        "type": "view_submission",
        "team": {"id": user.team_id, "domain": _domain(user)},
        "user": _person(user),
        "api_app_id": APP_ID,
        "token": OLD_TOKEN,
        "trigger_id": trigger_id,
        "view": {**shown, "state": {"values": state}},
        "response_urls": [],
        "is_enterprise_install": False,
        "enterprise": None,
    }


def app_mention(message: dict[str, Any], channel: Channel, user: User) -> dict[str, Any]:
    """Somebody wrote the app's name."""
    told = ("user", "ts", "text", "team", "thread_ts", "parent_user_id")
    shown: dict[str, Any] = {name: value for name, value in message.items() if name in told}
    from_outside = {"user_team": user.team_id, "source_team": user.team_id} if user.outsider else {}
    return {
        "type": "app_mention",
        **shown,
        **from_outside,
        "channel": channel.channel_id,
        "event_ts": message["ts"],
    }


def app_home_opened(user: User, tab: str, view: dict[str, Any] | None, event_ts: str) -> dict[str, Any]:
    """Somebody opened the app's Home. The view comes along once one was published."""
    event = {"type": "app_home_opened", "user": user.user_id, "channel": f"D{user.user_id[1:]}", "tab": tab}
    return {**event, **({"view": view_wire(view)} if view and tab == "home" else {}), "event_ts": event_ts}


def event_callback(event: dict[str, Any], event_id: str, at: datetime, *, shared: bool) -> dict[str, Any]:
    """The envelope an event comes in."""
    installation = {"enterprise_id": None, "team_id": TEAM, "user_id": BOT_USER, "is_bot": True}
    return {
        "token": OLD_TOKEN,
        "team_id": TEAM,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(at.timestamp()),
        "authorizations": [{**installation, "is_enterprise_install": False}],
        "is_ext_shared_channel": shared,
    }


def _person(user: User) -> dict[str, str]:
    return {"id": user.user_id, "username": user.name, "name": user.name, "team_id": user.team_id}


def _domain(user: User) -> str:
    return "outside" if user.team_id == OTHER_TEAM else TEAM_DOMAIN


def encode_payload(payload: dict[str, Any]) -> bytes:
    """Interactions come as a form with one field."""
    return urlencode({"payload": json.dumps(payload)}).encode()


def command_body(
    text: str, user: User, channel: Channel, *, command: str, trigger_id: str, response_url: str
) -> bytes:
    """A slash command's form."""
    return urlencode(
        {
            "token": OLD_TOKEN,
            "team_id": user.team_id,
            "team_domain": _domain(user),
            "channel_id": channel.channel_id,
            "channel_name": channel.name,
            "user_id": user.user_id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": response_url,
            "trigger_id": trigger_id,
        }
    ).encode()
