"""boto3: one Session, clients made lazily and once, and what AWS's errors have in common."""

import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from botocore.parsers import ResponseParserError

ATTEMPTS = 3  # calls in all; safe for everything that may happen twice

# What an AWS call can end with: an answer that says no, no answer, or an answer nobody can read.
AWS_ERRORS = (ClientError, BotoCoreError, ResponseParserError)

_THROTTLING = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled"}
)
_NO_ANSWER = (ConnectionError, HTTPClientError, ResponseParserError)
_ERROR_TEXT_LIMIT = 300  # characters


class AwsClients:
    """Clients by service, Region and number of attempts. AWS_ENDPOINT_URL* are boto3's to honour.

    `connect_timeout` and `read_timeout` are seconds. One Session serves all: a client of a second Session costs
    its service model again.
    """

    def __init__(self, *, connect_timeout: float = 3, read_timeout: float = 10) -> None:
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._session: boto3.Session | None = None
        self._clients: dict[tuple[str, str, int, float | None], Any] = {}
        self._lock = threading.Lock()  # clients may be shared between threads, making them may not

    def client(
        self, service: str, region: str, *, attempts: int = ATTEMPTS, read_timeout: float | None = None
    ) -> Any:
        """The client of `service` for this Region.

        `attempts` is the number of calls in all, the first one included. With 1 the SDK never resends by itself
        ("max_attempts": 1 would still send two). `read_timeout`, in seconds, is for what nobody waits long for.
        """
        key = (service, region, attempts, read_timeout)
        with self._lock:
            if key not in self._clients:
                self._session = self._session or boto3.Session()
                self._clients[key] = self._session.client(
                    service,  # type: ignore[call-overload]  # the stubs know names only as literals
                    region_name=region,
                    config=Config(
                        connect_timeout=self._connect_timeout,
                        read_timeout=read_timeout or self._read_timeout,
                        retries={"mode": "standard", "total_max_attempts": attempts},
                    ),
                )
            return self._clients[key]


def error_code(error: Exception) -> str:
    """The code AWS answered with; "" if it did not answer."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def error_text(error: Exception) -> str:
    """AWS's own message with its code, cut to a line a card can show."""
    if not isinstance(error, ClientError):
        return str(error)[:_ERROR_TEXT_LIMIT]
    message = str(error.response.get("Error", {}).get("Message", ""))
    return f"{error_code(error)}: {message}"[:_ERROR_TEXT_LIMIT]


def is_throttling(error: Exception) -> bool:
    """True when AWS refused for the load alone: nothing was done, the same call may succeed later."""
    return error_code(error) in _THROTTLING or _http_status(error) == 429


def is_unanswered(error: Exception) -> bool:
    """True after a 5xx, a time-out or a lost connection: the call may or may not have taken effect."""
    return isinstance(error, _NO_ANSWER) or _http_status(error) >= 500


def is_passing(error: Exception) -> bool:
    """True when a call that may be repeated is worth repeating later. 501 is a no for good: not implemented."""
    return is_throttling(error) or (is_unanswered(error) and _http_status(error) != 501)


def _http_status(error: Exception) -> int:
    return (
        int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if isinstance(error, ClientError)
        else 0
    )
