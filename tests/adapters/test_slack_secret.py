"""The Slack secret is read seldom, read again when it may have rotated, and never shown."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from bot.adapters.slack_secret import BadSlackSecret, SlackSecrets
from bot.errors import TryLater
from tests.builders import NOW

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:allclear-AbCdEf"


@dataclass
class Vault:
    """Secrets Manager with one secret, and a clock."""

    text: str = json.dumps({"bot_token": "xoxb-1", "signing_secret": "new"})
    now: datetime = NOW
    reads: list[str] = field(default_factory=list)
    error: Exception | None = None

    def get_secret_value(self, **given: str) -> dict[str, Any]:
        self.reads.append(given["SecretId"])
        if self.error:
            raise self.error
        return {"SecretString": self.text}

    def secrets(self) -> SlackSecrets:
        return SlackSecrets(lambda: cast(Any, self), ARN, lambda: self.now)

    def after(self, **span: float) -> None:
        self.now += timedelta(**span)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetSecretValue")


def test_nothing_is_read_before_it_is_needed() -> None:
    vault = Vault()
    vault.secrets()
    assert not vault.reads


def test_one_read_serves_five_minutes() -> None:
    vault = Vault()
    secrets = vault.secrets()
    assert (secrets.bot_token(), secrets.signing_secrets()) == ("xoxb-1", ("new",))
    vault.after(minutes=4, seconds=59)
    secrets.bot_token()
    assert vault.reads == [ARN]
    vault.text = json.dumps({"bot_token": "xoxb-2", "signing_secret": "newer"})
    vault.after(seconds=1)
    assert secrets.bot_token() == "xoxb-2"


def test_during_a_rotation_the_previous_secret_counts_too() -> None:
    vault = Vault(json.dumps({"bot_token": "x", "signing_secret": "new", "previous_signing_secret": "old"}))
    assert vault.secrets().signing_secrets() == ("new", "old")


def test_a_signature_that_fails_makes_it_read_again_at_most_every_thirty_seconds() -> None:
    """A flood of well-shaped junk costs two reads a minute."""
    vault = Vault()
    secrets = vault.secrets()
    secrets.signing_secrets()
    assert secrets.signing_secrets_read_again() == ()
    vault.after(seconds=30)
    vault.text = json.dumps({"bot_token": "x", "signing_secret": "rotated"})
    assert secrets.signing_secrets_read_again() == ("rotated",)
    for _ in range(29):
        vault.after(seconds=1)
        assert secrets.signing_secrets_read_again() == ()
    assert len(vault.reads) == 2


def test_reads_that_fail_are_paced_as_well() -> None:
    vault = Vault()
    secrets = vault.secrets()
    secrets.signing_secrets()
    vault.after(seconds=30)
    vault.error = refusal("ThrottlingException")
    with pytest.raises(TryLater):
        secrets.signing_secrets_read_again()
    assert secrets.signing_secrets_read_again() == ()
    assert len(vault.reads) == 2


@pytest.mark.parametrize("error", [refusal("ThrottlingException"), EndpointConnectionError(endpoint_url="x")])
def test_a_busy_service_leaves_the_values_that_were_read_before(error: Exception) -> None:
    vault = Vault()
    secrets = vault.secrets()
    secrets.bot_token()
    vault.after(minutes=10)
    vault.error = error
    assert secrets.bot_token() == "xoxb-1"


def test_a_busy_service_at_the_first_read_is_tried_later() -> None:
    with pytest.raises(TryLater):
        Vault(error=refusal("InternalServiceError")).secrets().bot_token()


def test_a_missing_permission_goes_to_the_alarm() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        Vault(error=refusal("AccessDeniedException")).secrets().bot_token()


@pytest.mark.parametrize(
    "text",
    [
        "xoxb-not-json",
        "[]",
        "{}",
        json.dumps({"bot_token": "xoxb-1"}),
        json.dumps({"bot_token": "", "signing_secret": "xoxb-s"}),
        json.dumps({"bot_token": "xoxb-1", "signing_secret": "s", "previous_signing_secret": None}),
    ],
)
def test_a_secret_of_another_shape_says_what_it_should_be_and_shows_nothing(text: str) -> None:
    with pytest.raises(BadSlackSecret, match="signing_secret") as refusal:
        Vault(text).secrets().bot_token()
    assert "xoxb" not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None
