"""POST /slack/events: everything Slack sends. HTTP API, payload format 2.0."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from bot.errors import ParseError, TryLater
from bot.slack.modals import REASON
from bot.slack.parsing import parse_request
from bot.slack.requests import (
    BurstClick,
    Challenge,
    Click,
    Command,
    HomeOpened,
    IssueClick,
    Mention,
    Request,
    Submission,
)
from bot.slack.signature import plausible, verify
from bot.workflows.slack.clicks import handle_click
from bot.workflows.slack.desk import Desk
from bot.workflows.slack.home import open_home
from bot.workflows.slack.mentions import handle_mention
from bot.workflows.slack.modals import handle_submission
from bot.workflows.slack.words import answer_command
from handlers.composition import app

BROKEN = 400
REFUSED = 401
UNAVAILABLE = 503

INTERNAL_ERROR = (
    "Something is wrong inside Allclear, so this was not done, or not all of it. "
    "The log of its slack_request function says what; /allclear status shows what is held."
)


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """401 for what Slack did not sign, 400 for what it signed but never sends, else 200.

    503 while the signing secret cannot be read, and for a mention that Slack shall send again. An internal error
    is logged, and the person who asked is told.
    The body, the token, the response URL and the trigger id are never logged.
    """
    headers = _headers(event)
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
    try:
        return _act(request)
    except Exception as error:  # noqa: BLE001 - a bug, or an item that cannot be read; a 500 tells a person nothing
        app().logger.error("a request could not be carried out", exc_info=error)
        return _say_so(request)


def _headers(event: dict[str, Any]) -> Mapping[str, str]:
    headers = event.get("headers")
    return headers if isinstance(headers, dict) else {}


def _body(event: dict[str, Any]) -> bytes | None:
    """The bytes Slack signed; None if they cannot be had."""
    text = str(event.get("body") or "")
    if not event.get("isBase64Encoded"):
        return text.encode(errors="surrogatepass")
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


def _act(request: Request) -> dict[str, Any]:
    """Carry the request out; the body is what Slack shows in place of an empty 200."""
    desk, now = Desk(app().store, app().chat, app().policy), app().clock()
    match request:
        case Challenge(text):
            return _answer(200, {"challenge": text})
        case Click() | IssueClick() | BurstClick():
            handle_click(desk, request, now)
        case Submission():
            return _answer(200, handle_submission(desk, request, now))
        case Command():
            answer = answer_command(desk, request, now)
            return _answer(200, {"response_type": "ephemeral", "text": answer.spoken, "blocks": answer.blocks})
        case Mention():
            return _answer(200 if handle_mention(desk, request, now) else UNAVAILABLE)
        case HomeOpened():
            open_home(desk, request, now)
        case _:
            pass  # well formed and not for us
    return _answer(200)


def _say_so(request: Request) -> dict[str, Any]:
    match request:
        case Command():
            return _answer(200, {"response_type": "ephemeral", "text": INTERNAL_ERROR})
        case Submission():
            return _answer(200, {"response_action": "errors", "errors": {REASON: INTERNAL_ERROR}})
        case Mention():
            return _answer(UNAVAILABLE)  # Slack sends it again
        case Click() | IssueClick() | BurstClick() if request.response_url:
            app().chat.respond(request.response_url, INTERNAL_ERROR)
    return _answer(200)


def _answer(status: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
    if body is None:
        return {"statusCode": status}
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
