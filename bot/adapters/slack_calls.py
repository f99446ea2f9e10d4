"""Calls of Slack's Web API, each sent once, and which of our situations each answer of Slack's is."""

import http.client
import logging
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.errors import OutcomeUnknown, SlackRefused, TriggerExpired, TryLater

TIMEOUT = 4  # seconds, for connecting and for each read

# What Slack's reference says may have taken effect although it answers an error ("It's possible some aspect of the
# operation succeeded before the error was raised"), and service_unavailable, of which it says nothing.
UNCERTAIN = ("internal_error", "fatal_error", "service_unavailable")
# Nothing was done, and the same call may succeed later.
PASSING = ("ratelimited", "rate_limited", "request_timeout", "team_added_to_org")
# views.open's words for a trigger that is older than three seconds or was used; trigger_expired is dialog.open's.
EXPIRED = ("expired_trigger_id", "exchanged_trigger_id", "trigger_expired")
_ERROR_CODE = re.compile(
    r"[a-z0-9_]{1,60}"
)  # anything else in `error` is slack_sdk quoting a body that is not JSON


class SlackCalls:
    """The Web API at `base_url`. `token` is called for each request (it caches itself, and may rotate)."""

    def __init__(self, token: Callable[[], str], base_url: str) -> None:
        self._token = token
        self._base_url = base_url
        # slack_sdk logs request bodies and response URLs at DEBUG, whatever level the application chose.
        self.quiet = logging.getLogger(f"{__name__}.sdk")
        self.quiet.setLevel(logging.WARNING)

    def once(self, method: str, **arguments: Any) -> SlackResponse:
        """A call not to be repeated blindly. Raises OutcomeUnknown, TryLater, SlackRefused, TriggerExpired."""
        # retry_handlers=[]: the SDK's default resends after a dropped connection, which posts twice (measured).
        client = WebClient(
            self._token(), base_url=self._base_url, timeout=TIMEOUT, logger=self.quiet, retry_handlers=[]
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

    def harmless(self, method: str, **arguments: Any) -> SlackResponse:
        """A call that may be repeated: not knowing whether it took effect means trying later."""
        try:
            return self.once(method, **arguments)
        except OutcomeUnknown as error:
            raise TryLater(str(error)) from error

    def rows(self, method: str, member: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Every row of every page of a reading method, in Slack's order."""
        cursor = ""
        while True:
            page = self.harmless(method, params={**params, **({"cursor": cursor} if cursor else {})})
            yield from page.get(member) or ()
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return


def _situation(method: str, answer: SlackResponse) -> Exception:
    """Which of our situations an unsuccessful answer is."""
    code = str(answer.get("error") or "") if isinstance(answer.data, dict) else ""
    if answer.status_code == 429 or code in PASSING:
        return TryLater(f"{method}: {code or 'ratelimited'}", after=_retry_after(answer))
    if answer.status_code >= 500 or code in UNCERTAIN or not _ERROR_CODE.fullmatch(code):
        return OutcomeUnknown(f"{method}: HTTP {answer.status_code} {code[:60]}")
    if code in EXPIRED:
        return TriggerExpired(f"{method}: {code}")
    return SlackRefused(code)


def _retry_after(answer: SlackResponse) -> timedelta | None:
    text = next((str(value) for name, value in answer.headers.items() if name.lower() == "retry-after"), "")
    return timedelta(seconds=int(text)) if re.fullmatch(r"[0-9]{1,6}", text) else None
