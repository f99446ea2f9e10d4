"""Requests as Slack sends them to an app: signed, form-encoded interactions and commands, JSON events.

Shapes: docs.slack.dev, "block_actions payload", "Slash commands", "url_verification"; signature: "Verifying
requests from Slack".
"""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from playground.slack_workspace import (
    APP_ID,
    OTHER_TEAM,
    TEAM,
    TEAM_DOMAIN,
    Blocks,
    Channel,
    Message,
    User,
    buttons,
    with_block_ids,
)

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


def click_payload(
    message: Message,
    blocks: Blocks,
    action_id: str,
    user: User,
    channel: Channel,
    *,
    action_ts: str,
    trigger_id: str,
    response_url: str,
) -> dict[str, Any]:
    """A click on a button of `blocks` (the message's, as this person still sees them).

    Raises KeyError when there is no such button: nobody can click it.
    """
    shown = with_block_ids(blocks)
    found = [(block, button) for block, button in buttons(shown) if button.get("action_id") == action_id]
    if not found:
        raise KeyError(f"the message shows no button {action_id}")
    block, button = found[0]
    return {
        "type": "block_actions",
        "user": {"id": user.user_id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": APP_ID,
        "token": "a-deprecated-verification-token",
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.channel_id,
            "is_ephemeral": False,
        },
        "trigger_id": trigger_id,
        "team": {"id": TEAM, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel.channel_id, "name": channel.name},
        "message": message.wire() | {"blocks": shown},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [{**button, "block_id": block["block_id"], "action_ts": action_ts}],
    }


def encode_payload(payload: dict[str, Any]) -> bytes:
    """Interactions come as a form with one field."""
    return urlencode({"payload": json.dumps(payload)}).encode()


def command_body(
    text: str, user: User, channel: Channel, *, command: str, trigger_id: str, response_url: str
) -> bytes:
    """A slash command's form."""
    return urlencode(
        {
            "token": "a-deprecated-verification-token",
            "team_id": user.team_id,
            "team_domain": "outside" if user.team_id == OTHER_TEAM else TEAM_DOMAIN,
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
