"""POST /slack/events: everything Slack sends. HTTP API, payload format 2.0."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from bot.errors import ParseError, TryLater
from bot.slack_requests import Challenge, Click, Command, Request, parse_request, plausible, verify
from bot.workflows.slack import answer_command, handle_click
from handlers.composition import app

BROKEN = 400
REFUSED = 401
UNAVAILABLE = 503


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """401 for what Slack did not sign, 400 for what it signed but never sends, else 200.

    503 only while Secrets Manager is busy and the signing secret was never read.
    The body, the token, the response URL and the trigger id are never logged.
    """
    headers: Mapping[str, str] = event.get("headers") or {}
    body = _body(event)
    try:
        signed = body is not None and _is_slacks(headers, body)
    except TryLater as busy:
        app().logger.warning("could not read the signing secret: %s", busy)
        return _answer(UNAVAILABLE)
    if body is None or not signed:
        app().logger.warning("refused a request that Slack did not sign")
        return _answer(REFUSED)
    try:
        request = parse_request(headers, body)
    except ParseError as error:
        app().logger.warning("refused a signed request: %s", error)
        return _answer(BROKEN)
    return _answer(200, _act(request))


def _body(event: dict[str, Any]) -> bytes | None:
    """The bytes Slack signed; None if they cannot be had."""
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode(errors="surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_slacks(headers: Mapping[str, str], body: bytes) -> bool:
    now = app().clock()
    if not plausible(headers, now):
        return False  # before the secret is read: an unsigned flood costs no reads
    secrets = app().slack_secrets
    return verify(headers, body, secrets.signing_secrets(), now) or verify(
        headers, body, secrets.signing_secrets_read_again(), now
    )


def _act(request: Request) -> dict[str, Any] | None:
    """Carry the request out; answers what Slack shows in place of an empty 200."""
    match request:
        case Challenge(text):
            return {"challenge": text}
        case Click():
            handle_click(request, app().store, app().chat, app().policy, app().clock())
        case Command():
            answer = answer_command(request, app().store, app().chat)
            return {"response_type": "ephemeral", "text": answer}
        case _:
            pass  # well formed and not for us
    return None


def _answer(status: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
    if body is None:
        return {"statusCode": status}
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
