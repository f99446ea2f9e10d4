"""Slack's Web API as the domain's Chat. Posts are sent once; what Slack answers becomes one of our situations."""

import http.client
import logging
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from bot.cards import CARD_EVENT_TYPE
from bot.errors import OutcomeUnknown, SlackRefused, TryLater
from bot.ports import Message, SlackUser

SLACK_API_URL = "https://slack.com/api/"
RESPONSE_URL_HOSTS = ("hooks.slack.com",)
TIMEOUT = 4  # seconds, for connecting and for each read
HISTORY_PAGE = 200

# What Slack's reference says may have taken effect although it answers an error ("It's possible some aspect of the
# operation succeeded before the error was raised"), and service_unavailable, of which it says nothing.
UNCERTAIN = ("internal_error", "fatal_error", "service_unavailable")
# Nothing was done, and the same call may succeed later.
PASSING = ("ratelimited", "rate_limited", "request_timeout", "team_added_to_org")
_ERROR_CODE = re.compile(
    r"[a-z0-9_]{1,60}"
)  # anything else in `error` is slack_sdk quoting a body that is not JSON

log = logging.getLogger(__name__)


class SlackChat:
    """Implements bot.ports.Chat. `token` is called for each request (it caches itself, and may rotate)."""

    def __init__(self, token: Callable[[], str], base_url: str = SLACK_API_URL) -> None:
        self._token = token
        self._base_url = base_url
        self._identity: dict[str, str] | None = None
        # slack_sdk logs request bodies and response URLs at DEBUG, whatever level the application chose.
        self._quiet = logging.getLogger(f"{__name__}.sdk")
        self._quiet.setLevel(logging.WARNING)

    def post(self, channel: str, message: Message) -> tuple[str, str]:
        """Post once, never resent; answers (channel id, ts). Raises OutcomeUnknown, TryLater, SlackRefused."""
        answer = self._call(
            "chat.postMessage",
            json={**_body(channel, message), "unfurl_links": False, "unfurl_media": False},
        )
        return str(answer["channel"]), str(answer["ts"])

    def update(self, channel: str, ts: str, message: Message) -> None:
        """Replace the message. Repeating it is harmless, so an unknown outcome is TryLater."""
        self._harmless("chat.update", json={**_body(channel, message), "ts": ts})

    def find(self, channel: str, key: str, since: datetime) -> str | None:
        """The ts of the first of our own messages whose metadata carries `key`, posted at or after `since`."""
        found: str | None = None
        cursor = ""
        while True:
            page = self._harmless(
                "conversations.history",
                params={
                    "channel": channel,
                    "oldest": f"{since.timestamp():.6f}",
                    "inclusive": True,
                    "include_all_metadata": True,
                    "limit": HISTORY_PAGE,
                    **({"cursor": cursor} if cursor else {}),
                },
            )
            for posted in page.get("messages") or ():
                if self._is_ours(posted) and _carries(posted, key):
                    found = str(posted["ts"])  # newest first: the last one seen is the oldest
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return found

    def user(self, user_id: str) -> SlackUser:
        user: dict[str, Any] = self._harmless("users.info", params={"user": user_id}).get("user") or {}
        barred = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
        full_member = user.get("id") == user_id and not any(user.get(flag) for flag in barred)
        return SlackUser(user_id=user_id, team_id=str(user.get("team_id") or ""), full_member=full_member)

    def team(self) -> str:
        """The team the bot token belongs to; asked once."""
        return self._whoami()["team_id"]

    def respond(self, response_url: str, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
        """An ephemeral answer; best effort. The URL is a capability: never logged, used only if it is Slack's."""
        if not self._is_slacks(response_url):
            log.warning("did not answer a Slack user: the response_url is not Slack's")
            return
        client = WebhookClient(response_url, timeout=TIMEOUT, logger=self._quiet, retry_handlers=[])
        try:
            answer = client.send(
                text=text, blocks=list(blocks) or None, response_type="ephemeral", replace_original=False
            )
        except (OSError, http.client.HTTPException, ValueError) as error:
            log.warning("could not answer a Slack user: %s", type(error).__name__)
            return
        if answer.status_code != 200:
            log.warning("could not answer a Slack user: HTTP %s", answer.status_code)

    def _is_slacks(self, url: str) -> bool:
        try:
            parts, base = urlsplit(url), urlsplit(self._base_url)
        except ValueError:
            return False
        if parts.scheme == "https" and parts.netloc in RESPONSE_URL_HOSTS:
            return True
        replaced = self._base_url != SLACK_API_URL  # a stand-in answers for hooks.slack.com as well
        return replaced and (parts.scheme, parts.netloc) == (base.scheme, base.netloc)

    def _whoami(self) -> dict[str, str]:
        if self._identity is None:
            answer = self._harmless("auth.test")
            self._identity = {name: str(answer.get(name) or "") for name in ("team_id", "user_id", "bot_id")}
        return self._identity

    def _is_ours(self, posted: dict[str, Any]) -> bool:
        """Any app may write any metadata; only a message of our own can be edited later."""
        me = self._whoami()
        return any(
            me[name] and posted.get(field) == me[name]
            for name, field in (("user_id", "user"), ("bot_id", "bot_id"))
        )

    def _harmless(self, method: str, **arguments: Any) -> SlackResponse:
        """A call that may be repeated: not knowing whether it took effect means trying later."""
        try:
            return self._call(method, **arguments)
        except OutcomeUnknown as error:
            raise TryLater(str(error)) from error

    def _call(self, method: str, **arguments: Any) -> SlackResponse:
        # retry_handlers=[]: the SDK's default resends after a dropped connection, which posts twice (measured).
        client = WebClient(
            self._token(), base_url=self._base_url, timeout=TIMEOUT, logger=self._quiet, retry_handlers=[]
        )
        try:
            return client.api_call(method, **arguments)
        except SlackApiError as error:
            raise _situation(method, error.response) from error
        except URLError as error:
            if isinstance(error.reason, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError):
                raise TryLater(f"{method}: Slack cannot be reached") from error  # nothing was sent
            raise OutcomeUnknown(f"{method}: the connection failed") from error
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            raise OutcomeUnknown(f"{method}: the connection failed ({type(error).__name__})") from error


def _body(channel: str, message: Message) -> dict[str, Any]:
    return {
        "channel": channel,
        "text": message.text,
        "blocks": list(message.blocks),
        "metadata": message.metadata,
    }


def _carries(posted: dict[str, Any], key: str) -> bool:
    metadata = posted.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return metadata.get("event_type") == CARD_EVENT_TYPE and payload.get("key") == key


def _situation(method: str, answer: SlackResponse) -> Exception:
    """Which of our situations an unsuccessful answer is."""
    code = str(answer.get("error") or "") if isinstance(answer.data, dict) else ""
    if answer.status_code == 429 or code in PASSING:
        return TryLater(f"{method}: {code or 'ratelimited'}", after=_retry_after(answer))
    if answer.status_code >= 500 or code in UNCERTAIN or not _ERROR_CODE.fullmatch(code):
        return OutcomeUnknown(f"{method}: HTTP {answer.status_code} {code[:60]}")
    return SlackRefused(code)


def _retry_after(answer: SlackResponse) -> timedelta | None:
    text = next((str(value) for name, value in answer.headers.items() if name.lower() == "retry-after"), "")
    return timedelta(seconds=int(text)) if re.fullmatch(r"[0-9]{1,6}", text) else None
