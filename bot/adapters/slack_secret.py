"""The Slack app's token and signing secrets, from one Secrets Manager secret, read lazily and kept a while."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from bot.errors import AllclearError, TryLater

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEPT_FOR = timedelta(minutes=5)
FORCED_AT_MOST_EVERY = timedelta(seconds=30)
_PASSING_CODES = ("ThrottlingException", "InternalServiceError", "ServiceUnavailable", "RequestTimeout")


class BadSlackSecret(AllclearError):
    """The secret is not the JSON object this project documents. Goes to the alarm; its message shows no value."""


class SlackSecrets:
    """Reads `{"bot_token": …, "signing_secret": …, "previous_signing_secret": …}` (the last one optional).

    Every method raises TryLater while Secrets Manager is busy and nothing was read before, BadSlackSecret when the
    secret is not what it should be. Other refusals (no such secret, no permission) propagate.
    """

    def __init__(
        self, client: Callable[[], "SecretsManagerClient"], secret_arn: str, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._clock = clock
        self._values: dict[str, str] = {}
        self._read_at: datetime | None = None
        self._forced_at: datetime | None = None

    def bot_token(self) -> str:
        return self._current()["bot_token"]

    def signing_secrets(self) -> tuple[str, ...]:
        """The signing secrets a request may be signed with, the present one first."""
        return self._signing(self._current())

    def signing_secrets_read_again(self) -> tuple[str, ...]:
        """As `signing_secrets`, past the cache, for a signature that did not verify: the secret may have rotated.

        At most one read per FORCED_AT_MOST_EVERY, and none when the values are that young: () then.
        """
        now = self._clock()
        newest = max(at for at in (self._read_at, self._forced_at, datetime.min.replace(tzinfo=now.tzinfo)) if at)
        if now - newest < FORCED_AT_MOST_EVERY:
            return ()
        self._forced_at = now
        return self._signing(self._read(now))

    @staticmethod
    def _signing(values: dict[str, str]) -> tuple[str, ...]:
        present, previous = values["signing_secret"], values.get("previous_signing_secret", "")
        return (present, previous) if previous else (present,)

    def _current(self) -> dict[str, str]:
        now = self._clock()
        if self._read_at is not None and now - self._read_at < KEPT_FOR:
            return self._values
        try:
            return self._read(now)
        except TryLater:
            if not self._values:
                raise
            return self._values  # five minutes old and still right, unless it was rotated just now

    def _read(self, now: datetime) -> dict[str, str]:
        try:
            text = self._client().get_secret_value(SecretId=self._secret_arn)["SecretString"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _PASSING_CODES:
                raise TryLater(f"Secrets Manager answered {code}") from error
            raise
        except (ConnectionError, HTTPClientError) as error:
            raise TryLater("Secrets Manager could not be reached") from error
        self._values = _parse(text)
        self._read_at = now
        return self._values


def _parse(text: str) -> dict[str, str]:
    problem = 'the Slack secret must be a JSON object with the texts "bot_token" and "signing_secret"'
    try:
        values = json.loads(text)
    except ValueError:
        raise BadSlackSecret(problem) from None  # the original would show the secret
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise BadSlackSecret(problem)
    if not values.get("bot_token") or not values.get("signing_secret"):
        raise BadSlackSecret(problem)
    return values
