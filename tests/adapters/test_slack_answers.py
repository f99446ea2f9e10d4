"""Ephemeral answers by response_url: to the one who asked, best effort, and only where Slack is."""

import logging
from collections.abc import Iterator

import pytest

from bot.adapters import slack as adapter
from bot.adapters.slack import SlackChat
from bot.cards.card import render
from bot.policy import Policy
from playground.slack import Slack
from tests.adapters.odd_server import OddServer, raw
from tests.builders import an_execution

CARD = render(an_execution(), Policy())


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as server:
        yield server
        assert not server.errors


@pytest.fixture
def chat(slack: Slack) -> SlackChat:
    return SlackChat(lambda: slack.bot_token, slack.url)


def test_an_answer_is_seen_by_the_one_who_asked_and_leaves_the_card_alone(slack: Slack, chat: SlackChat) -> None:
    chat.post("C0DEPLOYS", CARD)
    headers, body = slack.click(slack.messages()[0], "retry")
    assert headers
    url = next(f"{slack.url.removesuffix('/api/')}/response/{name}" for name in slack._methods.response_urls)
    assert url.rsplit("/", 1)[-1] in body.decode()
    chat.respond(url, "Done.")
    assert [whisper.text for whisper in slack.ephemerals] == ["Done."]
    assert slack.messages()[0].text == CARD.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://hooks.slack.com/actions/T/1/secret-part",
        "https://hooks.slack.com.evil.example/secret-part",
        "https://hooks.slack.com@evil.example/secret-part",
        "https://evil.example/hooks.slack.com/secret-part",
        "https://hooks.slack.com\\@evil.example/secret-part",
        "https://[secret-part",
        "file:///etc/secret-part",
    ],
)
def test_only_slacks_own_url_is_answered_and_none_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    def never(*_arguments: object, **_named: object) -> None:
        raise AssertionError("nothing may be sent there")

    monkeypatch.setattr(adapter, "WebhookClient", never)
    with caplog.at_level(logging.DEBUG):
        SlackChat(lambda: "xoxb-1").respond(url, "Done.")
    assert "the response_url is not Slack's" in caplog.text
    assert "secret-part" not in caplog.text


def test_slacks_own_url_is_answered_over_https(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    class Webhook:
        status_code = 200

        def __init__(self, url: str, **_options: object) -> None:
            sent.append(url)

        def send(self, **_message: object) -> "Webhook":
            return self

    monkeypatch.setattr(adapter, "WebhookClient", Webhook)
    SlackChat(lambda: "xoxb-1").respond("https://hooks.slack.com/actions/T/1/x", "Done.")
    assert sent == ["https://hooks.slack.com/actions/T/1/x"]


@pytest.mark.parametrize("odd", [raw("500 Oops", b"x"), raw("404 Not Found", b"expired_url"), b"junk\r\n\r\n"])
def test_an_answer_that_fails_is_logged_and_forgotten(odd: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with OddServer(odd) as server, caplog.at_level(logging.DEBUG):
        url = server.url.replace("/api/", "/response/secret-part")
        SlackChat(lambda: "xoxb-secret", server.url).respond(url, "Done.")
    assert "could not answer a Slack user" in caplog.text
    assert "secret" not in caplog.text
