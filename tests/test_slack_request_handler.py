"""POST /slack/events from outside: signed requests as Slack sends them, and everything else."""

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bot.adapters.slack import SlackChat
from bot.errors import TryLater
from bot.model import Status
from bot.policy import Policy
from bot.ports import DueKind
from bot.workflows.notify import show
from handlers import slack_request
from playground.slack import SIGNING_SECRET, Slack
from playground.slack_requests import Signed, sign
from tests.builders import KEY, NOW, an_execution
from tests.fakes.store import MemoryStore

CHANNEL = "C0DEPLOYS"


class Secrets:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.reads = 0
        self.rotated_to: tuple[str, ...] = ()
        self.values: tuple[str, ...] = (SIGNING_SECRET,)
        self.error: Exception | None = None

    def signing_secrets(self) -> tuple[str, ...]:
        self.reads += 1
        if self.error:
            raise self.error
        return self.values

    def signing_secrets_read_again(self) -> tuple[str, ...]:
        return self.rotated_to


@dataclass
class App:
    """What handlers.composition.app() answers."""

    store: MemoryStore
    chat: SlackChat
    slack_secrets: Secrets
    policy: Policy
    logger: logging.Logger

    def clock(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def slack() -> Iterator[Slack]:
    """A workspace ten minutes after the failure the builders tell of."""
    with time_machine.travel(NOW + timedelta(minutes=10)), Slack() as server:
        yield server
        assert not server.errors


@pytest.fixture
def app(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> App:
    """One held execution with its card posted."""
    app = App(
        MemoryStore(),
        SlackChat(lambda: slack.bot_token, slack.url),
        Secrets(),
        Policy(slack_channel=CHANNEL),
        logging.getLogger("allclear.test"),
    )
    app.store.save_execution(an_execution())
    show(KEY, app.store, app.chat, app.policy, app.clock())
    monkeypatch.setattr(slack_request, "app", lambda: app)
    return app


def send(request: Signed, *, base64_encoded: bool = False, **changes: Any) -> dict[str, Any]:
    """As the HTTP API hands it on (payload format 2.0: header names in lower case)."""
    headers, body = request
    event = {
        "version": "2.0",
        "routeKey": "POST /slack/events",
        "headers": {name.lower(): value for name, value in headers.items()},
        "body": base64.b64encode(body).decode() if base64_encoded else body.decode(),
        "isBase64Encoded": base64_encoded,
    }
    return slack_request.handler({**event, **changes}, None)


@pytest.mark.parametrize("base64_encoded", [False, True])
def test_a_click_is_carried_out_and_answered_to_the_one_who_clicked(
    slack: Slack, app: App, base64_encoded: bool
) -> None:
    answer = send(slack.click(slack.messages()[0], "retry"), base64_encoded=base64_encoded)
    assert answer == {"statusCode": 200}
    execution = app.store.executions[KEY]
    assert execution.status is Status.RESUMING
    assert execution.trail[-1].by == "U0ALICE"
    [whisper] = slack.ephemerals
    assert (whisper.user, whisper.text) == ("U0ALICE", "Done. *web* → Deploy is being resumed.")


def test_dismissed_and_undone_through_the_cards_own_buttons(slack: Slack, app: App) -> None:
    send(slack.click(slack.messages()[0], "dismiss"))
    show(KEY, app.store, app.chat, app.policy, app.clock())
    send(slack.click(slack.messages()[0], "undo"))
    assert app.store.executions[KEY].status is Status.BLOCKED


@pytest.mark.parametrize("user", ["gina", "olga"])
def test_guests_and_outsiders_change_nothing_and_are_told_who_may(slack: Slack, app: App, user: str) -> None:
    assert send(slack.click(slack.messages()[0], "retry", user))["statusCode"] == 200
    assert app.store.executions[KEY].version == 1
    assert "Any full member of this workspace may act" in slack.ephemerals[-1].text


def test_a_request_replayed_within_the_window_changes_nothing_more(slack: Slack, app: App) -> None:
    request = slack.click(slack.messages()[0], "retry")
    send(request)
    before = app.store.executions[KEY]
    assert send(request)["statusCode"] == 200
    assert app.store.executions[KEY] == before


def test_a_click_in_an_old_window_is_answered_with_what_happened(slack: Slack, app: App) -> None:
    old = slack.messages()[0].blocks
    send(slack.click(slack.messages()[0], "dismiss"))
    show(KEY, app.store, app.chat, app.policy, app.clock())
    send(slack.click(slack.messages()[0], "retry", "bob", blocks=old))
    assert app.store.executions[KEY].status is Status.DISMISSED
    assert "will not be resumed" in slack.ephemerals[-1].text


def test_status_is_answered_in_the_response_itself(slack: Slack, app: App) -> None:
    answer = send(slack.slash("status"))
    shown = json.loads(answer["body"])
    assert answer["headers"] == {"content-type": "application/json"}
    assert shown["response_type"] == "ephemeral"
    assert "*web* → Deploy" in shown["text"]
    assert app.store.executions[KEY].version == 1


def test_slack_may_check_the_address(slack: Slack, app: App) -> None:
    assert json.loads(send(slack.url_verification("c-1"))["body"]) == {"challenge": "c-1"}
    assert app.slack_secrets.reads == 1


@pytest.mark.parametrize(
    "body", [b'{"type": "event_callback", "event": {"type": "reaction_added"}}', b'{"type": "app_rate_limited"}']
)
def test_events_that_nobody_acts_on_are_accepted(slack: Slack, app: App, body: bytes) -> None:
    """Anything but 200 makes Slack send them again."""
    assert send(slack.sign(body, "application/json")) == {"statusCode": 200}
    assert app.store.executions[KEY].version == 1


def unsigned(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("X-Slack")}


def test_what_nobody_signed_is_401_and_costs_no_secret_read(slack: Slack, app: App) -> None:
    headers, body = slack.click(slack.messages()[0], "retry")
    stale = slack.sign(body, at=datetime.now(UTC) - timedelta(minutes=6))
    for request in (
        (unsigned(headers), body),
        stale,
        ({**headers, "X-Slack-Signature": "v0=é"}, body),
        ({**headers, "X-Slack-Request-Timestamp": "junk"}, body),
        ({}, b""),
    ):
        assert send(request) == {"statusCode": 401}
    assert app.slack_secrets.reads == 0
    assert app.store.executions[KEY].version == 1


def test_a_wrong_signature_is_401(slack: Slack, app: App) -> None:
    headers, body = slack.click(slack.messages()[0], "retry")
    assert send(sign(body, headers["Content-Type"], "another secret")) == {"statusCode": 401}
    assert send((headers, body + b"&x=1")) == {"statusCode": 401}
    assert app.store.executions[KEY].version == 1


def test_a_secret_that_was_rotated_just_now_is_read_again(slack: Slack, app: App) -> None:
    app.slack_secrets.values = ("the old one",)
    app.slack_secrets.rotated_to = (SIGNING_SECRET,)
    assert send(slack.slash("help"))["statusCode"] == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": None},
        {"headers": {}},
        {"body": None},
        {"body": "%%%", "isBase64Encoded": True},
        {"body": "é", "isBase64Encoded": True},
        {"body": "\ud800"},
    ],
)
def test_an_event_without_its_parts_is_401(slack: Slack, app: App, changes: dict[str, Any]) -> None:
    assert send(slack.slash("help"), **changes) == {"statusCode": 401}
    assert app.store.executions[KEY].version == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"payload=junk", "application/x-www-form-urlencoded"),
        (b"payload=%7B%7D&payload=%7B%7D", "application/x-www-form-urlencoded"),
        (b"[]", "application/json"),
        (b"{}", "text/plain"),
    ],
)
def test_what_is_signed_but_broken_is_400(slack: Slack, app: App, body: bytes, content_type: str) -> None:
    assert send(slack.sign(body, content_type)) == {"statusCode": 400}
    assert app.store.executions[KEY].version == 1


def test_while_the_secret_cannot_be_read_nothing_is_decided(slack: Slack, app: App) -> None:
    app.slack_secrets.error = TryLater("throttled")
    assert send(slack.click(slack.messages()[0], "retry")) == {"statusCode": 503}
    assert app.store.executions[KEY].version == 1


def test_an_answer_that_cannot_be_given_leaves_the_deed_done(slack: Slack, app: App) -> None:
    request = slack.click(slack.messages()[0], "retry")
    slack._methods.response_urls.clear()
    assert send(request) == {"statusCode": 200}
    assert app.store.executions[KEY].status is Status.RESUMING


def test_a_card_on_record_elsewhere_takes_no_clicks(slack: Slack, app: App) -> None:
    """The record says which message is the card; the button only says which it believes to be."""
    request = slack.click(slack.messages()[0], "retry")
    app.store.cards[KEY] = replace(app.store.cards[KEY], ts="1.2")
    send(request)
    assert app.store.executions[KEY].version == 1
    assert "does not know this card" in slack.ephemerals[-1].text


@pytest.mark.usefixtures("app")
def test_nothing_secret_is_logged(slack: Slack, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        send(slack.click(slack.messages()[0], "retry"))
        send(slack.sign(b"payload=secret-body"))
        send(({}, b"secret-body"))
        send(slack.slash("status secret-body"))
    for secret in (
        "secret-body",
        SIGNING_SECRET,
        slack.bot_token,
        "/response/",
        ".playground",
        "verification-token",
    ):
        assert secret not in caplog.text


@pytest.mark.parametrize("kind", [DueKind.EXECUTION, DueKind.CARD])
def test_an_item_that_cannot_be_read_is_no_500_and_the_person_is_told(
    slack: Slack, app: App, kind: DueKind, caplog: pytest.LogCaptureFixture
) -> None:
    request = slack.click(slack.messages()[0], "retry")
    app.store.unreadable.add((kind, str(KEY)))
    assert send(request) == {"statusCode": 200}
    assert slack.ephemerals[-1].text == slack_request.INTERNAL_ERROR
    assert app.store.executions[KEY].version == 1
    assert "could not be carried out" in caplog.text


def test_an_internal_error_answers_a_command_and_lets_slack_send_a_mention_again(slack: Slack, app: App) -> None:
    app.store.of_pipeline = None  # type: ignore[method-assign,assignment]
    answer = send(slack.slash("status web"))
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["text"] == slack_request.INTERNAL_ERROR
    assert send(slack.mention("status web")) == {"statusCode": 503}
