"""SlackChat over HTTP: each thing Slack may answer becomes the situation it is."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bot.adapters import slack_calls
from bot.adapters.slack import SlackChat
from bot.cards.card import render
from bot.errors import OutcomeUnknown, SlackRefused, TryLater
from bot.policy import Policy
from bot.slack.port import SlackUser
from playground.slack import BOT_TOKEN, Slack
from playground.slack_workspace import BOT_USER, TEAM
from tests.adapters.odd_server import OddServer, raw
from tests.builders import KEY, a_key, an_execution

DEPLOYS = "C0DEPLOYS"
CARD = render(an_execution(), Policy())
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as server:
        yield server
        assert not server.errors


@pytest.fixture
def chat(slack: Slack) -> SlackChat:
    return SlackChat(lambda: slack.bot_token, slack.url)


def test_a_post_arrives_whole_and_is_not_unfurled(slack: Slack, chat: SlackChat) -> None:
    channel, ts = chat.post(DEPLOYS, CARD)
    [message] = slack.messages()
    assert (message.channel, message.ts) == (channel, ts)
    assert (message.text, message.blocks, message.metadata) == (CARD.text, list(CARD.blocks), CARD.metadata)
    [(_at, _method, arguments)] = slack.calls
    assert arguments["unfurl_links"] is False
    assert arguments["unfurl_media"] is False


def test_an_update_replaces_the_message(slack: Slack, chat: SlackChat) -> None:
    channel, ts = chat.post(DEPLOYS, CARD)
    later = render(an_execution(status="RETRYING", version=2), Policy())
    chat.update(channel, ts, later)
    [message] = slack.messages()
    assert (message.text, message.blocks) == (later.text, list(later.blocks))


def test_a_post_whose_answer_is_lost_is_unknown_and_never_sent_again(slack: Slack, chat: SlackChat) -> None:
    """slack_sdk's own default would post a second message."""
    slack.fail_next("chat.postMessage", "drop_after")
    with pytest.raises(OutcomeUnknown):
        chat.post(DEPLOYS, CARD)
    assert len(slack.messages()) == 1
    assert len(slack.calls) == 1


@pytest.mark.parametrize("fault", ["server_error", "drop_before", "internal_error", "fatal_error"])
def test_a_post_that_may_have_taken_effect_is_unknown(slack: Slack, chat: SlackChat, fault: str) -> None:
    slack.fail_next("chat.postMessage", fault)
    with pytest.raises(OutcomeUnknown):
        chat.post(DEPLOYS, CARD)
    assert len(slack.calls) == 1


@pytest.mark.parametrize("fault", ["server_error", "drop_before", "drop_after", "internal_error"])
def test_an_update_is_simply_tried_later(slack: Slack, chat: SlackChat, fault: str) -> None:
    channel, ts = chat.post(DEPLOYS, CARD)
    slack.fail_next("chat.update", fault)
    with pytest.raises(TryLater):
        chat.update(channel, ts, CARD)


@pytest.mark.parametrize(
    "odd",
    [
        raw("502 Bad Gateway", b"<html>", "text/html"),
        raw("200 OK", b"<html>please log in</html>", "text/html"),
        raw("200 OK", b"\xff\xfe", "text/html; charset=utf-8"),
        raw("200 OK", b"[]"),
        raw("200 OK", b'{"ok": true', length=500),
        raw("200 OK", b""),
        b"not HTTP at all\r\n\r\n",
    ],
    ids=["502", "html", "not UTF-8", "a list", "cut short", "empty", "no HTTP"],
)
def test_an_answer_that_is_none_leaves_a_post_unknown(odd: bytes) -> None:
    with OddServer(odd) as server, pytest.raises(OutcomeUnknown):
        SlackChat(lambda: "xoxb-1", server.url).post(DEPLOYS, CARD)
    assert server.requests == ["/api/chat.postMessage"]


def test_a_server_that_does_not_answer_in_time_leaves_a_post_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_calls, "TIMEOUT", 0.2)
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # listens and never serves
    try:
        with pytest.raises(OutcomeUnknown):
            SlackChat(lambda: "xoxb-1", f"http://127.0.0.1:{server.server_address[1]}/api/").post(DEPLOYS, CARD)
    finally:
        server.server_close()


def test_a_server_nobody_listens_on_was_never_reached() -> None:
    """Nothing was sent, so nothing has to be looked for."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    url = f"http://127.0.0.1:{server.server_address[1]}/api/"
    server.server_close()
    with pytest.raises(TryLater):
        SlackChat(lambda: "xoxb-1", url).post(DEPLOYS, CARD)


def test_a_rate_limit_says_how_long(slack: Slack, chat: SlackChat) -> None:
    slack.fail_next("chat.postMessage", "ratelimited")
    with pytest.raises(TryLater) as busy:
        chat.post(DEPLOYS, CARD)
    assert busy.value.after == timedelta(seconds=30)
    assert not slack.messages()


@pytest.mark.parametrize("fault", ["request_timeout", "team_added_to_org"])
def test_what_passes_is_tried_later(slack: Slack, chat: SlackChat, fault: str) -> None:
    slack.fail_next("chat.postMessage", fault)
    with pytest.raises(TryLater):
        chat.post(DEPLOYS, CARD)


@pytest.mark.parametrize("channel", ["C0ARCHIVED", "C0STRANGE", "C0NOWHERE"])
def test_a_channel_that_cannot_be_written_to_is_final(chat: SlackChat, channel: str) -> None:
    codes = {"C0ARCHIVED": "is_archived", "C0STRANGE": "not_in_channel", "C0NOWHERE": "channel_not_found"}
    with pytest.raises(SlackRefused) as refusal:
        chat.post(channel, CARD)
    assert refusal.value.error == codes[channel]


@pytest.mark.parametrize(
    "code",
    ["invalid_auth", "account_inactive", "token_revoked", "missing_scope", "msg_too_long", "invalid_blocks"],
)
def test_what_will_never_work_is_final_and_carries_slacks_code(slack: Slack, chat: SlackChat, code: str) -> None:
    slack.fail_next("chat.postMessage", code)
    with pytest.raises(SlackRefused) as refusal:
        chat.post(DEPLOYS, CARD)
    assert refusal.value.error == code


def test_updating_a_deleted_message_says_so(chat: SlackChat) -> None:
    with pytest.raises(SlackRefused) as refusal:
        chat.update(DEPLOYS, "1.2", CARD)
    assert refusal.value.error == "message_not_found"


def test_a_lost_post_is_found_by_its_metadata_on_a_later_page(slack: Slack, chat: SlackChat) -> None:
    slack.page_size = 2
    _, ts = chat.post(DEPLOYS, CARD)
    for number in range(5):
        chat.post(DEPLOYS, render(an_execution(key=a_key(pipeline=f"p{number}")), Policy()))
    assert chat.find(DEPLOYS, str(KEY), LONG_AGO) == ts
    assert len([call for call in slack.calls if call[1] == "conversations.history"]) == 3


def test_the_first_of_two_posts_is_the_one_that_counts(chat: SlackChat) -> None:
    _, first = chat.post(DEPLOYS, CARD)
    chat.post(DEPLOYS, CARD)
    assert chat.find(DEPLOYS, str(KEY), LONG_AGO) == first


def test_what_was_posted_before_or_for_another_is_not_found(chat: SlackChat) -> None:
    chat.post(DEPLOYS, CARD)
    assert chat.find(DEPLOYS, str(a_key(pipeline="other")), LONG_AGO) is None
    assert chat.find(DEPLOYS, str(KEY), datetime.now(UTC) + timedelta(hours=1)) is None


def test_another_apps_message_with_our_metadata_is_not_ours(slack: Slack, chat: SlackChat) -> None:
    """Any app can write any metadata, and we could not edit its message."""
    chat.post(DEPLOYS, CARD)
    slack.messages()[0].user = "U0EVIL"
    assert chat.find(DEPLOYS, str(KEY), LONG_AGO) is None


@pytest.mark.parametrize(("user_id", "full_member"), [("U0ALICE", True), ("U0GINA", False), ("U0OLGA", False)])
def test_guests_and_outsiders_are_no_full_members(chat: SlackChat, user_id: str, full_member: bool) -> None:
    user = chat.user(user_id)
    assert (user.user_id, user.full_member) == (user_id, full_member)


def test_an_unknown_user_is_refused(chat: SlackChat) -> None:
    with pytest.raises(SlackRefused, match="user_not_found"):
        chat.user("U0NOBODY")


@pytest.mark.parametrize(("teams", "full_member"), [(["T2", "T1"], True), (["T2", "T3"], False)])
def test_in_an_organisation_every_workspace_of_a_person_counts(teams: list[str], full_member: bool) -> None:
    user = {"id": "U1", "team_id": "T2", "enterprise_user": {"teams": teams}}
    body = json.dumps({"ok": True, "team_id": "T1", "user": user}).encode()  # of auth.test and users.info
    with OddServer(raw("200 OK", body)) as server:
        assert SlackChat(lambda: "xoxb-1", server.url).user("U1").full_member is full_member


@pytest.mark.parametrize("flag", ["deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger"])
def test_each_of_slacks_flags_takes_the_membership_away(flag: str) -> None:
    body = b'{"ok": true, "team_id": "T1", "user": {"id": "U1", "team_id": "T1", "%s": true}}' % flag.encode()
    with OddServer(raw("200 OK", body)) as server:
        assert SlackChat(lambda: "xoxb-1", server.url).user("U1") == SlackUser("U1", "T1", full_member=False)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "ali", "profile": {"display_name": "Ali", "real_name": "Alice L."}}, "Ali"),
        ({"name": "ali", "profile": {"display_name": "", "real_name": "Alice L."}}, "Alice L."),
        ({"name": "ali", "profile": None}, "ali"),
        ({}, ""),
    ],
)
def test_a_person_is_called_what_slack_shows(fields: dict[str, object], name: str) -> None:
    body = json.dumps({"ok": True, "team_id": "T1", "user": {"id": "U1", "team_id": "T1", **fields}}).encode()
    with OddServer(raw("200 OK", body)) as server:
        assert SlackChat(lambda: "xoxb-1", server.url).user("U1").name == name


def test_its_own_id_comes_with_the_team(slack: Slack, chat: SlackChat) -> None:
    assert (chat.team(), chat.bot_user()) == (TEAM, BOT_USER)
    assert [method for _at, method, _arguments in slack.calls] == ["auth.test"]


def test_an_answer_without_a_user_is_nobody() -> None:
    with OddServer(raw("200 OK", b'{"ok": true}')) as server:
        assert not SlackChat(lambda: "xoxb-1", server.url).user("U1").full_member


def test_the_team_is_asked_once(slack: Slack, chat: SlackChat) -> None:
    assert (chat.team(), chat.team()) == (TEAM, TEAM)
    assert [method for _at, method, _arguments in slack.calls] == ["auth.test"]


def test_the_token_is_asked_for_each_time_so_that_it_may_rotate(slack: Slack) -> None:
    tokens = iter(["xoxb-old", BOT_TOKEN])
    chat = SlackChat(lambda: next(tokens), slack.url)
    with pytest.raises(SlackRefused, match="invalid_auth"):
        chat.team()
    assert chat.team() == TEAM


def test_no_token_and_no_card_is_ever_logged(
    slack: Slack, chat: SlackChat, caplog: pytest.LogCaptureFixture
) -> None:
    """slack_sdk logs whole requests at DEBUG."""
    with caplog.at_level(logging.DEBUG):
        chat.post(DEPLOYS, CARD)
        slack.fail_next("chat.postMessage", "drop_after")
        with pytest.raises(OutcomeUnknown):
            chat.post(DEPLOYS, CARD)
    assert BOT_TOKEN not in caplog.text
    assert "DeployStack" not in caplog.text
