"""What people do in the Slack stand-in, and what Slack sends the app for it."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient

from playground.slack import Slack
from playground.slack_requests import Signed

DEPLOYS = "C0DEPLOYS"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def field(action_id: str, **more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": action_id}
    return {"type": "input", "block_id": f"of_{action_id}", "label": plain("Why"), "element": element, **more}


BUTTONS = {"type": "actions", "elements": [{"type": "button", "action_id": "retry", "text": plain("Retry")}]}
MODAL = {
    "type": "modal",
    "callback_id": "override",
    "private_metadata": "a hint",
    "title": plain("Override"),
    "submit": plain("Override"),
    "blocks": [field("reason"), field("ticket", optional=True)],
}
HOME = {"type": "home", "blocks": [BUTTONS]}


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as server:
        yield server
        assert not server.errors


@pytest.fixture
def client(slack: Slack) -> WebClient:
    return WebClient(slack.bot_token, base_url=slack.url, timeout=5, retry_handlers=[])


def event_of(slack: Slack, request: Signed) -> dict[str, Any]:
    headers, body = request
    assert SignatureVerifier(slack.signing_secret).is_valid_request(body, headers)
    assert headers["Content-Type"] == "application/json"
    content = json.loads(body)
    assert isinstance(content, dict)
    return content


def payload_of(slack: Slack, request: Signed) -> dict[str, Any]:
    headers, body = request
    assert SignatureVerifier(slack.signing_secret).is_valid_request(body, headers)
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    payload = json.loads(parse_qs(body.decode())["payload"][0])
    assert isinstance(payload, dict)
    return payload


def test_a_mention_stands_in_the_channel_and_has_a_thread(slack: Slack, client: WebClient) -> None:
    content = event_of(slack, slack.mention("status web", "bob"))
    [written] = slack.messages("deploys")
    assert (written.user, written.text) == ("U0BOB", "<@U0ALLCLEAR> status web")
    assert content["event"] == {
        "type": "app_mention",
        "user": "U0BOB",
        "text": written.text,
        "ts": written.ts,
        "team": "T0PLAYGRND",
        "channel": DEPLOYS,
        "event_ts": written.ts,
    }
    assert (content["type"], content["team_id"], content["api_app_id"]) == (
        "event_callback",
        "T0PLAYGRND",
        "A0ALLCLEAR",
    )
    assert content["authorizations"][0]["team_id"] == "T0PLAYGRND"
    client.chat_postMessage(channel=DEPLOYS, text="Nothing is held", thread_ts=written.ts)
    replies = client.conversations_replies(channel=DEPLOYS, ts=written.ts)["messages"]
    assert [row["text"] for row in replies] == [written.text, "Nothing is held"]


def test_a_mention_in_a_thread_says_which(slack: Slack, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=DEPLOYS, text="card")["ts"]
    event = event_of(slack, slack.mention("why web", thread_ts=ts))["event"]
    assert (event["thread_ts"], event["parent_user_id"]) == (ts, "U0ALLCLEAR")
    assert event["ts"] != ts
    assert [message.text for message in slack.messages() if message.in_channel] == ["card"]


def test_somebody_from_outside_is_told_apart_by_their_team(slack: Slack) -> None:
    content = event_of(slack, slack.mention("status", "olga"))
    assert (content["event"]["user_team"], content["event"]["team"]) == ("T0OUTSIDER", "T0OUTSIDER")
    assert (content["team_id"], content["is_ext_shared_channel"]) == ("T0PLAYGRND", True)


def test_an_event_sent_again_is_the_same_event_signed_anew(slack: Slack) -> None:
    first = slack.mention("status")
    again = slack.redeliver(first, 2)
    assert event_of(slack, again) == event_of(slack, first)
    assert (again[0]["X-Slack-Retry-Num"], again[0]["X-Slack-Retry-Reason"]) == ("2", "http_timeout")
    assert event_of(slack, slack.mention("status"))["event_id"] != event_of(slack, first)["event_id"]


def test_an_opened_home_brings_what_it_shows(slack: Slack, client: WebClient) -> None:
    first = event_of(slack, slack.home_opened("bob"))["event"]
    assert (first["type"], first["user"], first["tab"]) == ("app_home_opened", "U0BOB", "home")
    assert "view" not in first
    client.views_publish(user_id="U0BOB", view=HOME)
    later = event_of(slack, slack.home_opened("bob"))["event"]
    assert [block["type"] for block in later["view"]["blocks"]] == ["actions"]
    assert "view" not in event_of(slack, slack.home_opened("bob", "messages"))["event"]
    assert "view" not in event_of(slack, slack.home_opened("alice"))["event"]


def test_a_home_keeps_its_id_when_it_is_published_again(client: WebClient) -> None:
    first = client.views_publish(user_id="U0BOB", view=HOME)["view"]
    again = client.views_publish(user_id="U0BOB", view=HOME)["view"]
    other = client.views_publish(user_id="U0ALICE", view=HOME)["view"]
    assert again["id"] == first["id"] != other["id"]
    assert again["hash"] != first["hash"]


def test_a_click_in_a_home_has_no_channel_and_no_response_url(slack: Slack, client: WebClient) -> None:
    client.views_publish(user_id="U0BOB", view=HOME)
    home = slack.home("bob")
    assert home is not None
    payload = payload_of(slack, slack.click(home, "retry", "bob"))
    assert payload["container"] == {"type": "view", "view_id": home["id"]}
    assert not {"channel", "message", "response_url"} & set(payload)
    assert (payload["view"]["id"], payload["view"]["type"]) == (home["id"], "home")
    assert payload["actions"][0]["block_id"] == payload["view"]["blocks"][0]["block_id"]
    with pytest.raises(KeyError):
        slack.click(home, "retry", "alice")


def test_a_click_in_what_one_person_saw_has_no_message_and_may_replace_it(slack: Slack, client: WebClient) -> None:
    client.chat_postEphemeral(channel=DEPLOYS, user="U0BOB", text="Which?", blocks=[BUTTONS])
    [asked] = slack.ephemerals
    assert asked.buttons == ["retry"]
    payload = payload_of(slack, slack.click(asked, "retry", "bob"))
    assert payload["container"] == {
        "type": "message",
        "message_ts": asked.ts,
        "channel_id": DEPLOYS,
        "is_ephemeral": True,
    }
    assert (payload["channel"]["id"], "message" in payload) == (DEPLOYS, False)
    WebhookClient(payload["response_url"]).send(text="Done", replace_original=True)
    WebhookClient(payload["response_url"]).send(text="And more", replace_original=False)
    assert [said.text for said in slack.ephemerals] == ["Done", "And more"]
    with pytest.raises(KeyError):
        slack.click(asked, "retry", "alice")


def test_a_whisper_in_a_thread_stays_there_and_its_answers_too(slack: Slack, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=DEPLOYS, text="card")["ts"]
    client.chat_postEphemeral(channel=DEPLOYS, user="U0BOB", text="Which?", blocks=[BUTTONS], thread_ts=ts)
    payload = payload_of(slack, slack.click(slack.ephemerals[0], "retry", "bob"))
    assert payload["container"]["thread_ts"] == ts
    WebhookClient(payload["response_url"]).send(text="Done", replace_original=False)
    assert [said.thread_ts for said in slack.ephemerals] == [ts, ts]


def test_a_submission_carries_what_was_entered(slack: Slack, client: WebClient) -> None:
    shown = client.views_open(trigger_id=slack.trigger("bob"), view=MODAL)["view"]
    [modal] = slack.views
    payload = payload_of(slack, slack.submit(modal, "bob", {"reason": "hotfix"}))
    assert (payload["type"], payload["user"]["id"], payload["team"]["id"]) == (
        "view_submission",
        "U0BOB",
        "T0PLAYGRND",
    )
    view = payload["view"]
    assert (view["id"], view["callback_id"], view["private_metadata"]) == (shown["id"], "override", "a hint")
    assert view["state"]["values"] == {
        "of_reason": {"reason": {"type": "plain_text_input", "value": "hotfix"}},
        "of_ticket": {"ticket": {"type": "plain_text_input", "value": None}},
    }
    assert not {"channel", "response_url", "user_id"} & {*payload, *view}
    with pytest.raises(KeyError):
        slack.submit(modal, "bob", {"excuse": "x"})


def test_a_submission_from_outside_names_their_team_and_where_the_app_is(slack: Slack, client: WebClient) -> None:
    client.views_open(trigger_id=slack.trigger("olga"), view=MODAL)
    payload = payload_of(slack, slack.submit(slack.views[0], "olga", {"reason": "x"}))
    assert (payload["team"]["id"], payload["user"]["team_id"]) == ("T0OUTSIDER", "T0OUTSIDER")
    assert payload["view"]["app_installed_team_id"] == "T0PLAYGRND"


def test_a_broadcast_reply_says_so_and_the_parent_counts_its_replies(client: WebClient) -> None:
    ts = client.chat_postMessage(channel=DEPLOYS, text="card")["ts"]
    client.chat_postMessage(channel=DEPLOYS, text="aside", thread_ts=ts)
    aloud = client.chat_postMessage(channel=DEPLOYS, text="aloud", thread_ts=ts, reply_broadcast=True)["ts"]
    shown, card = client.conversations_history(channel=DEPLOYS)["messages"]
    assert (shown["subtype"], shown["thread_ts"], shown["parent_user_id"]) == (
        "thread_broadcast",
        ts,
        "U0ALLCLEAR",
    )
    assert (card["thread_ts"], card["reply_count"], card["latest_reply"]) == (ts, 2, aloud)
    rows = client.conversations_replies(channel=DEPLOYS, ts=aloud)["messages"]
    assert [row["text"] for row in rows] == ["card", "aside", "aloud"]
    later = client.conversations_replies(channel=DEPLOYS, ts=ts, oldest=aloud, inclusive=True)["messages"]
    assert [row["text"] for row in later] == ["card", "aloud"]
