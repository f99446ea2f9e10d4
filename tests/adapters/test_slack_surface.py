"""SlackChat's modals, App Home, whispers and user groups over HTTP: what Slack may answer, and for how long."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bot.adapters.slack import SlackChat
from bot.errors import OutcomeUnknown, SlackRefused, TriggerExpired, TryLater
from bot.slack.port import Chat, Message
from playground.slack import Slack
from tests.adapters.odd_server import OddServer, raw

DEPLOYS = "C0DEPLOYS"
GROUP = "S0DEPLOYERS"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECTION = {"type": "section", "text": {"type": "plain_text", "text": "x"}}
MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "Override"}, "blocks": [SECTION]}
HOME = {"type": "home", "blocks": [SECTION]}
REPLY = Message("reply", (SECTION,), {"event_type": "allclear_execution", "event_payload": {"key": "a"}})


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as server:
        yield server
        assert not server.errors


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def chat(slack: Slack, clock: Clock) -> SlackChat:
    return SlackChat(lambda: slack.bot_token, slack.url, clock)


def called(slack: Slack, method: str) -> list[dict[str, Any]]:
    return [arguments for _at, name, arguments in slack.calls if name == method]


def test_a_reply_is_sent_as_slack_wants_it(slack: Slack, chat: SlackChat) -> None:
    _, card = chat.post(DEPLOYS, REPLY)
    chat.post(DEPLOYS, REPLY, thread_ts=card, broadcast=True)
    first, second = called(slack, "chat.postMessage")
    assert not {"thread_ts", "reply_broadcast"} & set(first)
    assert (second["thread_ts"], second["reply_broadcast"], second["unfurl_links"]) == (card, True, False)


def test_a_reply_whose_answer_is_lost_is_unknown_and_never_sent_again(slack: Slack, chat: SlackChat) -> None:
    _, card = chat.post(DEPLOYS, REPLY)
    slack.fail_next("chat.postMessage", "drop_after")
    with pytest.raises(OutcomeUnknown):
        chat.post(DEPLOYS, REPLY, thread_ts=card)
    assert len(slack.messages()) == 2
    assert chat.find(DEPLOYS, "a", NOON - timedelta(days=4000), thread_ts=card) == slack.messages()[1].ts


def test_a_thread_that_is_not_there_is_refused(chat: SlackChat) -> None:
    with pytest.raises(SlackRefused, match="thread_not_found"):
        chat.find(DEPLOYS, "a", NOON, thread_ts="1.2")


def test_another_apps_reply_with_our_metadata_is_not_ours(slack: Slack, chat: SlackChat) -> None:
    _, card = chat.post(DEPLOYS, REPLY)
    chat.post(DEPLOYS, REPLY, thread_ts=card)
    slack.messages()[1].user = "U0EVIL"
    assert chat.find(DEPLOYS, "a", NOON - timedelta(days=4000), thread_ts=card) is None


def test_a_trigger_is_too_old_after_three_seconds(slack: Slack, chat: SlackChat) -> None:
    with time_machine.travel(NOON, tick=False):
        trigger = slack.trigger("alice")
    with time_machine.travel(NOON + timedelta(seconds=4), tick=False), pytest.raises(TriggerExpired):
        chat.open_view(trigger, MODAL)
    assert not slack.views


@pytest.mark.parametrize("code", ["expired_trigger_id", "exchanged_trigger_id", "trigger_expired"])
def test_each_word_slack_has_for_a_spent_trigger_is_understood(slack: Slack, chat: SlackChat, code: str) -> None:
    slack.fail_next("views.open", code)
    with pytest.raises(TriggerExpired):
        chat.open_view(slack.trigger("alice"), MODAL)


@pytest.mark.parametrize("fault", ["server_error", "drop_before", "drop_after"])
def test_a_modal_is_asked_for_once(slack: Slack, chat: SlackChat, fault: str) -> None:
    slack.fail_next("views.open", fault)
    with pytest.raises(TryLater):
        chat.open_view(slack.trigger("alice"), MODAL)
    assert len(called(slack, "views.open")) == 1


def test_a_modal_slack_will_not_draw_is_refused(slack: Slack, chat: SlackChat) -> None:
    with pytest.raises(SlackRefused, match="invalid_arguments"):
        chat.open_view(slack.trigger("alice"), HOME)


def test_a_home_tab_that_is_switched_off_is_refused(slack: Slack, chat: SlackChat) -> None:
    slack.fail_next("views.publish", "not_enabled")
    with pytest.raises(SlackRefused, match="not_enabled"):
        chat.publish_home("U0ALICE", HOME)


@pytest.mark.parametrize("fault", ["ratelimited", "server_error", "drop_after"])
@pytest.mark.parametrize("method", ["views.publish", "chat.postEphemeral", "usergroups.users.list"])
def test_what_may_be_repeated_is_tried_later(slack: Slack, chat: Chat, method: str, fault: str) -> None:
    slack.fail_next(method, fault)
    calls: dict[str, Callable[[], object]] = {
        "views.publish": lambda: chat.publish_home("U0ALICE", HOME),
        "chat.postEphemeral": lambda: chat.whisper(DEPLOYS, "U0ALICE", "psst"),
        "usergroups.users.list": lambda: chat.group_members(GROUP),
    }
    with pytest.raises(TryLater):
        calls[method]()
    assert len(called(slack, method)) == 1


def test_nobody_is_whispered_to_in_a_channel_they_are_not_in(chat: SlackChat) -> None:
    with pytest.raises(SlackRefused, match="user_not_in_channel"):
        chat.whisper(DEPLOYS, "U0NOBODY", "psst")


def test_a_groups_members_are_asked_again_after_five_minutes(slack: Slack, chat: SlackChat, clock: Clock) -> None:
    assert chat.group_members(GROUP) == {"U0ALICE"}
    slack.workspace.user_groups[GROUP] = ["U0BOB"]
    clock.now += timedelta(minutes=5) - timedelta(seconds=1)
    assert chat.group_members(GROUP) == {"U0ALICE"}
    clock.now += timedelta(seconds=1)
    assert chat.group_members(GROUP) == {"U0BOB"}
    asked = called(slack, "usergroups.users.list")
    assert len(asked) == 2
    assert [arguments["include_disabled"] for arguments in asked] == ["0", "0"]


def test_two_groups_are_kept_apart(slack: Slack, chat: SlackChat) -> None:
    slack.workspace.user_groups["S0OTHERS"] = ["U0CAROL"]
    assert chat.group_members(GROUP) == {"U0ALICE"}
    assert chat.group_members("S0OTHERS") == {"U0CAROL"}


@pytest.mark.parametrize("fault", ["no_such_subteam", "plan_upgrade_required", "missing_scope", "invalid_auth"])
def test_a_group_that_cannot_be_read_has_no_members_however_young_the_last_answer(
    slack: Slack, chat: SlackChat, clock: Clock, fault: str
) -> None:
    """It fails closed: who was a member five minutes ago may have been taken out since."""
    chat.group_members(GROUP)
    clock.now += timedelta(minutes=5)
    slack.fail_next("usergroups.users.list", fault)
    with pytest.raises(SlackRefused, match=fault):
        chat.group_members(GROUP)
    assert chat.group_members(GROUP) == {"U0ALICE"}
    assert len(called(slack, "usergroups.users.list")) == 3


@pytest.mark.parametrize(
    "body", [b'{"ok": true}', b'{"ok": true, "users": null}', b'{"ok": true, "users": "U0ALICE"}']
)
def test_an_answer_that_names_no_users_is_not_taken_for_an_empty_group(body: bytes, clock: Clock) -> None:
    with OddServer(raw("200 OK", body)) as server:
        chat = SlackChat(lambda: "xoxb-1", server.url, clock)
        for _ in range(2):
            with pytest.raises(TryLater):
                chat.group_members(GROUP)
        assert len(server.requests) == 2
