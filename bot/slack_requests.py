"""What Slack sends: is it really Slack, and what does it ask? Pure.

Order matters: `plausible` costs nothing and needs no secret, `verify` needs the secret, and only then is the body
parsed. Slack's rules: docs.slack.dev, "Verifying requests from Slack".
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from bot.cards import DISMISS, RETRY, UNDO
from bot.errors import ParseError
from bot.model import ExecutionKey

WINDOW = timedelta(seconds=300)  # Slack's own; both ways, for clocks that disagree
LARGEST_BODY = 512 * 1024  # bytes; a click carries its whole message, some ten kilobytes
MOST_FORM_FIELDS = 50
OUR_BUTTONS = (RETRY, DISMISS, UNDO)

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TS = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_KEY_PART = re.compile(r"[A-Za-z0-9.@_-]{1,100}")  # CodePipeline's own names and ids


@dataclass(frozen=True, slots=True)
class Challenge:
    """Slack asks whether this address is ours (url_verification); the answer is the text itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Click:
    """Somebody clicked one of our buttons. What the button carries is a hint: the record decides."""

    team_id: str
    user_id: str
    user_team_id: str  # another one than team_id: someone from outside, by Slack Connect
    channel_id: str
    message_ts: str
    action_id: str
    action_ts: str
    key: ExecutionKey
    version: int | None  # the state the button was drawn from
    response_url: str


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command, its text stripped."""

    team_id: str
    user_id: str
    channel_id: str
    text: str
    trigger_id: str
    response_url: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Well formed, and nothing that we act on."""

    what: str


Request = Challenge | Click | Command | Ignored


def plausible(headers: Mapping[str, str], now: datetime) -> bool:
    """Whether the headers are shaped and timed as Slack's. Needs no secret, so a junk flood costs none."""
    timestamp, signature = _signature_headers(headers)
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        return False
    return abs(now.timestamp() - int(timestamp)) <= WINDOW.total_seconds()


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the signing secrets (two during a rotation) signed this body within the window.

    Not slack_sdk's SignatureVerifier: it raises on a junk timestamp and on a non-ASCII signature, and knows one
    secret only; what is left of it is these lines.
    """
    if not plausible(headers, now):
        return False
    timestamp, signature = _signature_headers(headers)
    base = b"v0:" + timestamp.encode() + b":" + body
    return any(
        hmac.compare_digest("v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest(), signature)
        for secret in secrets
        if secret
    )


def _signature_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    return _header(headers, "x-slack-request-timestamp"), _header(headers, "x-slack-signature")


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")


def parse_request(headers: Mapping[str, str], body: bytes) -> Request:
    """What a verified request asks. Raises ParseError naming the field."""
    if len(body) > LARGEST_BODY:
        raise ParseError("body", f"is larger than {LARGEST_BODY} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ParseError("body", "is not UTF-8") from None
    content_type = _header(headers, "content-type").split(";")[0].strip().lower()
    if content_type == "application/json":
        return _parse_event(_json_object("body", text))
    if content_type == "application/x-www-form-urlencoded":
        return _parse_form(_form(text))
    raise ParseError("content-type", "must be application/json or application/x-www-form-urlencoded")


def _json_object(field: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: brackets nested by the ten thousand
        raise ParseError(field, "is not JSON") from None
    if not isinstance(value, dict):
        raise ParseError(field, "must be a JSON object")
    return value


def _form(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FORM_FIELDS
        )
    except ValueError:
        raise ParseError("body", "is not a form") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:  # which of the two was meant, nobody can tell
            raise ParseError("body", "has the same form field twice")
        form[name] = value
    return form


def _parse_event(event: dict[str, Any]) -> Request:
    kind = _text(event, "type")
    if kind == "url_verification":
        return Challenge(_text(event, "challenge"))
    return Ignored(kind)


def _parse_form(form: dict[str, str]) -> Request:
    if "payload" in form:
        payload = _json_object("payload", form["payload"])
        kind = _text(payload, "type", "payload.type")
        return _parse_click(payload) if kind == "block_actions" else Ignored(kind)
    if "command" in form:
        return Command(
            team_id=_id(form, "team_id"),
            user_id=_id(form, "user_id"),
            channel_id=_id(form, "channel_id"),
            text=_text(form, "text").strip() if form.get("text") else "",
            trigger_id=form.get("trigger_id", ""),
            response_url=form.get("response_url", ""),
        )
    if "ssl_check" in form:
        return Ignored("ssl_check")
    raise ParseError("body", "has neither a payload nor a command")


def _parse_click(payload: dict[str, Any]) -> Request:
    actions = payload.get("actions")
    if not isinstance(actions, list) or not all(isinstance(action, dict) for action in actions):
        raise ParseError("payload.actions", "must be a list of objects")
    action = next((action for action in actions if action.get("action_id") in OUR_BUTTONS), None)
    if action is None:
        return Ignored("block_actions")
    where = _where(payload)
    user = _object(payload, "user", "payload.user")
    key, version = _parse_value(_text(action, "value", "payload.actions.value"))
    response_url = payload.get("response_url", "")
    if not isinstance(response_url, str):
        raise ParseError("payload.response_url", "must be text")
    return Click(
        team_id=_id(_object(payload, "team", "payload.team"), "id", "payload.team.id"),
        user_id=_id(user, "id", "payload.user.id"),
        user_team_id=_id(user, "team_id", "payload.user.team_id"),
        channel_id=_id(where, "channel_id", "payload.container.channel_id"),
        message_ts=_ts(where, "message_ts", "payload.container.message_ts"),
        action_id=action["action_id"],
        action_ts=_ts(action, "action_ts", "payload.actions.action_ts"),
        key=key,
        version=version,
        response_url=response_url,
    )


def _where(payload: dict[str, Any]) -> dict[str, Any]:
    """The message that was clicked. Slack tells it twice; the container comes first."""
    if "container" in payload:
        return _object(payload, "container", "payload.container")
    channel = _object(payload, "channel", "payload.channel")
    return {
        "channel_id": channel.get("id"),
        "message_ts": _object(payload, "message", "payload.message").get("ts"),
    }


def _parse_value(text: str) -> tuple[ExecutionKey, int | None]:
    field = "payload.actions.value"
    value = _json_object(field, text)
    key_text, version = _text(value, "key", f"{field}.key"), value.get("version")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise ParseError(f"{field}.version", "must be a whole number")
    if not all(_KEY_PART.fullmatch(part) for part in key_text.split("#")):
        raise ParseError(f"{field}.key", "is no execution's key")
    try:
        return ExecutionKey.parse(key_text), version
    except ValueError:
        raise ParseError(f"{field}.key", "is no execution's key") from None


def _object(parent: Mapping[str, Any], name: str, field: str) -> dict[str, Any]:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise ParseError(field, "must be an object")
    return value


def _text(parent: Mapping[str, Any], name: str, field: str = "") -> str:
    value = parent.get(name)
    if not isinstance(value, str) or not value:
        raise ParseError(field or name, "must be text")
    return value


def _id(parent: Mapping[str, Any], name: str, field: str = "") -> str:
    return _shaped(_ID, parent, name, field)


def _ts(parent: Mapping[str, Any], name: str, field: str) -> str:
    return _shaped(_TS, parent, name, field)


def _shaped(shape: re.Pattern[str], parent: Mapping[str, Any], name: str, field: str) -> str:
    value = _text(parent, name, field)
    if not shape.fullmatch(value):
        raise ParseError(field or name, "is not spelled as Slack spells it")
    return value
