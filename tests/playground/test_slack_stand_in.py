"""The Slack stand-in, through slack_sdk over HTTP as the bot uses it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import URLError
from urllib.parse import parse_qs

import pytest
import time_machine
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient

from playground.slack import Slack

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(action_id: str = "retry", **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain("Retry"), "value": "v", **more}


def actions(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(buttons)}


SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Held*", "verbatim": True}}
METADATA = {"event_type": "allclear_execution", "event_payload": {"key": "a#b#c#d#e"}}


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as server:
        yield server
        assert not server.errors


@pytest.fixture
def client(slack: Slack) -> WebClient:
    return WebClient(slack.bot_token, base_url=slack.url, timeout=5, retry_handlers=[])


def refused(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as refusal:
        call(**arguments)
    return str(refusal.value.response["error"])


def test_a_post_is_kept_with_its_blocks_and_metadata(slack: Slack, client: WebClient) -> None:
    answer = client.chat_postMessage(channel="#deploys", text="Held", blocks=[SECTION], metadata=METADATA)
    [message] = slack.messages("deploys")
    assert (answer["channel"], answer["ts"]) == ("C0DEPLOYS", message.ts)
    assert (message.text, message.blocks, message.metadata) == ("Held", [SECTION], METADATA)


def test_an_update_without_blocks_takes_them_away_and_leaves_the_metadata(slack: Slack, client: WebClient) -> None:
    """Also: every version stays in the history, with its time."""
    with time_machine.travel(NOON, tick=False):
        ts = client.chat_postMessage(channel="C0DEPLOYS", text="Held", blocks=[SECTION], metadata=METADATA)["ts"]
    with time_machine.travel(NOON + timedelta(minutes=5), tick=False):
        client.chat_update(channel="C0DEPLOYS", ts=ts, text="Recovered")
    [message] = slack.messages()
    assert (message.text, message.blocks, message.metadata) == ("Recovered", [], METADATA)
    assert [(edit.at - NOON, edit.text) for edit in message.history] == [
        (timedelta(0), "Held"),
        (timedelta(minutes=5), "Recovered"),
    ]
    assert ts == f"{NOON.timestamp():.6f}"


def test_messages_of_one_instant_have_different_ids(client: WebClient) -> None:
    with time_machine.travel(NOON, tick=False):
        ids = [client.chat_postMessage(channel="C0DEPLOYS", text=str(n))["ts"] for n in range(3)]
    assert len(set(ids)) == 3
    assert ids == sorted(ids)


def test_an_update_needs_the_channel_id_and_our_own_message(slack: Slack, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="deploys", text="Held")["ts"]
    assert refused(client.chat_update, channel="deploys", ts=ts, text="x") == "channel_not_found"
    assert refused(client.chat_update, channel="C0DEPLOYS", ts="1.2", text="x") == "message_not_found"
    slack.messages()[0].user = "U0ALICE"
    assert refused(client.chat_update, channel="C0DEPLOYS", ts=ts, text="x") == "cant_update_message"


def test_text_over_4000_fails_an_update_and_not_a_post(client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C0DEPLOYS", text="x" * 4_001)["ts"]
    assert refused(client.chat_update, channel="C0DEPLOYS", ts=ts, text="x" * 4_001) == "msg_too_long"
    assert refused(client.api_call, api_method="chat.postMessage", json={"channel": "C0DEPLOYS"}) == "no_text"


@pytest.mark.parametrize(
    ("channel", "code"),
    [("C0NOWHERE", "channel_not_found"), ("C0ARCHIVED", "is_archived"), ("C0STRANGE", "not_in_channel")],
)
def test_what_is_wrong_with_a_channel_is_said(client: WebClient, channel: str, code: str) -> None:
    assert refused(client.chat_postMessage, channel=channel, text="x") == code


def test_a_wrong_token_is_refused(slack: Slack) -> None:
    assert refused(WebClient("xoxb-other", base_url=slack.url).auth_test) == "invalid_auth"
    assert slack.calls == []


def test_history_is_paged_newest_first_and_shows_metadata_only_when_asked(slack: Slack, client: WebClient) -> None:
    slack.page_size = 2
    sent = [client.chat_postMessage(channel="C0DEPLOYS", text=str(n), metadata=METADATA) for n in range(5)]
    answer = client.conversations_history(channel="C0DEPLOYS", oldest=sent[0]["ts"])
    pages = [page["messages"] for page in answer]
    assert [[row["text"] for row in page] for page in pages] == [["4", "3"], ["2", "1"]]
    assert "metadata" not in pages[0][0]
    page = client.conversations_history(channel="C0DEPLOYS", oldest=sent[4]["ts"], inclusive=True)
    assert [row["text"] for row in page["messages"]] == ["4"]
    page = client.conversations_history(channel="C0DEPLOYS", include_all_metadata=True)
    assert page["messages"][0]["metadata"] == METADATA
    assert refused(client.conversations_history, channel="C0DEPLOYS", cursor="junk") == "invalid_cursor"


def test_replies_stay_out_of_the_history_unless_broadcast(client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C0DEPLOYS", text="card")["ts"]
    client.chat_postMessage(channel="C0DEPLOYS", text="aside", thread_ts=ts)
    client.chat_postMessage(channel="C0DEPLOYS", text="aloud", thread_ts=ts, reply_broadcast=True)
    history = client.conversations_history(channel="C0DEPLOYS")["messages"]
    assert [row["text"] for row in history] == ["aloud", "card"]
    replies = client.conversations_replies(channel="C0DEPLOYS", ts=ts)["messages"]
    assert [row["text"] for row in replies] == ["card", "aside", "aloud"]


def test_reading_methods_take_no_json(client: WebClient) -> None:
    """Slack ignores a JSON body there, so the channel is missing."""
    assert refused(client.api_call, api_method="conversations.info", json={"channel": "C0DEPLOYS"})
    assert client.conversations_info(channel="C0DEPLOYS")["channel"]["name"] == "deploys"


def test_people_are_told_apart(client: WebClient) -> None:
    users = {name: client.users_info(user=f"U0{name.upper()}")["user"] for name in ("alice", "gina", "olga")}
    assert not users["alice"]["is_restricted"]
    assert users["gina"]["is_restricted"]
    assert not users["olga"]["is_stranger"]  # she is in a channel that the app sees
    team = client.auth_test()["team_id"]
    assert [users[name]["team_id"] == team for name in ("alice", "gina", "olga")] == [True, True, False]
    assert refused(client.users_info, user="U0NOBODY") == "user_not_found"
    assert client.usergroups_users_list(usergroup="S0DEPLOYERS")["users"] == ["U0ALICE"]


def test_a_rate_limit_says_how_long_to_wait(slack: Slack, client: WebClient) -> None:
    slack.fail_next("chat.postMessage", "ratelimited")
    with pytest.raises(SlackApiError) as refusal:
        client.chat_postMessage(channel="C0DEPLOYS", text="x")
    response = refusal.value.response
    assert (response.status_code, response["error"], response.headers["Retry-After"]) == (429, "ratelimited", "30")
    client.chat_postMessage(channel="C0DEPLOYS", text="x")


def test_rates_are_kept_a_channel(slack: Slack, client: WebClient) -> None:
    slack.add_channel("C0OTHER", "other")
    slack.rates["chat.postMessage"] = (1, timedelta(seconds=1))
    with time_machine.travel(NOON, tick=False):
        client.chat_postMessage(channel="C0DEPLOYS", text="x")
        client.chat_postMessage(channel="C0OTHER", text="x")
        assert refused(client.chat_postMessage, channel="C0DEPLOYS", text="x") == "ratelimited"
    with time_machine.travel(NOON + timedelta(seconds=2), tick=False):
        client.chat_postMessage(channel="C0DEPLOYS", text="x")


@pytest.mark.parametrize(("fault", "posted"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_does_not_say_what_happened(
    slack: Slack, client: WebClient, fault: str, posted: int
) -> None:
    slack.fail_next("chat.postMessage", fault)
    with pytest.raises((URLError, ConnectionError)):
        client.chat_postMessage(channel="C0DEPLOYS", text="x")
    assert len(slack.messages()) == posted


def test_a_server_error_and_an_error_code_can_be_ordered(slack: Slack, client: WebClient) -> None:
    slack.fail_next("chat.update", "account_inactive", times=2)
    for _ in range(2):
        assert refused(client.chat_update, channel="C0DEPLOYS", ts="1.2", text="x") == "account_inactive"
    slack.fail_next("chat.update", "server_error")
    with pytest.raises(SlackApiError) as refusal:
        client.chat_update(channel="C0DEPLOYS", ts="1.2", text="x")
    assert refusal.value.response.status_code == 500


def test_a_click_is_signed_and_shaped_as_slack_sends_it(slack: Slack, client: WebClient) -> None:
    client.chat_postMessage(channel="C0DEPLOYS", text="Held", blocks=[SECTION, actions(button())])
    headers, body = slack.click(slack.messages()[0], "retry", "olga")
    assert SignatureVerifier(slack.signing_secret).is_valid_request(body, headers)
    payload = json.loads(parse_qs(body.decode())["payload"][0])
    assert payload["user"] == {"id": "U0OLGA", "username": "olga", "name": "olga", "team_id": "T0OUTSIDER"}
    assert (payload["team"]["id"], payload["channel"]["id"]) == ("T0PLAYGRND", "C0DEPLOYS")
    assert payload["container"]["message_ts"] == slack.messages()[0].ts
    [action] = payload["actions"]
    assert (action["action_id"], action["value"], action["block_id"]) == ("retry", "v", "b1")
    assert set(action) == {"action_id", "block_id", "text", "value", "type", "action_ts"}


def test_nobody_clicks_a_button_that_is_gone_except_in_an_old_window(slack: Slack, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C0DEPLOYS", text="Held", blocks=[actions(button())])["ts"]
    client.chat_update(channel="C0DEPLOYS", ts=ts, text="Recovered")
    [message] = slack.messages()
    assert message.buttons == []
    with pytest.raises(KeyError):
        slack.click(message, "retry")
    assert slack.click(message, "retry", blocks=message.history[0].blocks)


def test_a_slash_command_and_the_url_check_are_signed(slack: Slack) -> None:
    for headers, body in (slack.slash("status web", "bob"), slack.url_verification("c")):
        assert SignatureVerifier(slack.signing_secret).is_valid_request(body, headers)
    form = parse_qs(slack.slash("status web", "bob")[1].decode())
    assert (form["command"], form["text"], form["user_id"]) == (["/allclear"], ["status web"], ["U0BOB"])
    headers, body = slack.url_verification("c")
    assert json.loads(body)["challenge"] == "c"


def test_a_response_url_whispers_five_times_in_half_an_hour(slack: Slack) -> None:
    with time_machine.travel(NOON, tick=False):
        form = parse_qs(slack.slash("status", "bob")[1].decode())
        other = parse_qs(slack.slash("status", "bob")[1].decode())
        hook = WebhookClient(form["response_url"][0])
        answers = [hook.send(text="All clear", replace_original=False).status_code for _ in range(6)]
    assert answers == [200] * 5 + [404]
    assert {(said.user, said.channel, said.text) for said in slack.ephemerals} == {
        ("U0BOB", "C0DEPLOYS", "All clear")
    }
    with time_machine.travel(NOON + timedelta(minutes=31), tick=False):
        assert WebhookClient(other["response_url"][0]).send(text="late").body == "expired_url"


def test_an_answer_that_does_not_say_otherwise_replaces_the_card(slack: Slack, client: WebClient) -> None:
    client.chat_postMessage(channel="C0DEPLOYS", text="Held", blocks=[actions(button())])
    [message] = slack.messages()

    def answer(**more: Any) -> None:
        payload = json.loads(parse_qs(slack.click(message, "retry")[1].decode())["payload"][0])
        WebhookClient(payload["response_url"]).send(text="You may not", **more)

    answer(replace_original=False)
    assert (message.text, len(slack.ephemerals)) == ("Held", 1)
    answer()
    assert (message.text, message.blocks) == ("You may not", [])


def test_a_trigger_opens_one_view_within_three_seconds(slack: Slack, client: WebClient) -> None:
    view = {"type": "modal", "title": plain("Override"), "blocks": [SECTION]}
    with time_machine.travel(NOON, tick=False):
        first, late = (parse_qs(slack.slash("x")[1].decode())["trigger_id"][0] for _ in range(2))
        client.views_open(trigger_id=first, view=view)
        assert refused(client.views_open, trigger_id=first, view=view) == "exchanged_trigger_id"
    with time_machine.travel(NOON + timedelta(seconds=4), tick=False):
        assert refused(client.views_open, trigger_id=late, view=view) == "expired_trigger_id"
    client.views_publish(user_id="U0ALICE", view={"type": "home", "blocks": [SECTION]})
    assert [shown["type"] for shown in slack.views] == ["modal", "home"]
