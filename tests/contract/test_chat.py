"""The contract of bot.ports.Chat, held by the fake and by the adapter over the Slack stand-in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.slack import SlackChat
from bot.errors import SlackRefused, TriggerExpired
from bot.slack.port import Chat, Message
from playground.slack import Slack
from tests.fakes.chat import FakeChat

DEPLOYS = "C0DEPLOYS"
ALICE, BOB = "U0ALICE", "U0BOB"
GROUP = "S0DEPLOYERS"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SECTION = {"type": "section", "text": {"type": "plain_text", "text": "x"}}
MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "Override"}, "blocks": [SECTION]}
HOME = {"type": "home", "blocks": [SECTION]}


@dataclass
class Room:
    """A chat, and what people see of it."""

    chat: Chat
    in_channel: Callable[[], list[str]]
    """The texts the channel shows, oldest first."""
    in_thread: Callable[[str], list[str]]
    """The texts of the replies to a message, oldest first."""
    modals: Callable[[], list[dict[str, Any]]]
    home: Callable[[str], dict[str, Any] | None]
    whispers: Callable[[], list[tuple[str, str, str, str]]]
    """(channel, thread_ts, user, text) of what one person alone saw."""
    trigger: Callable[[], str]
    """A fresh trigger of alice's."""


def fake_room() -> Room:
    chat = FakeChat(groups={GROUP: frozenset({ALICE})}, now=datetime.now(UTC))
    triggers = iter(f"1.{number}.fake" for number in range(100))
    return Room(
        chat,
        lambda: [message.text for message in chat.in_channel(DEPLOYS)],
        lambda ts: [message.text for message in chat.in_thread(DEPLOYS, ts)],
        lambda: [view for _trigger, view in chat.views],
        chat.homes.get,
        lambda: [(said.channel, said.thread_ts, said.user_id, said.text) for said in chat.whispers],
        lambda: next(triggers),
    )


def stand_in_room(slack: Slack) -> Room:
    slack.page_size = 2  # so that whatever is looked for is on a later page
    return Room(
        SlackChat(lambda: slack.bot_token, slack.url),
        lambda: [
            message.text
            for message in slack.messages("deploys")
            if message.thread_ts in ("", message.ts) or message.broadcast
        ],
        lambda ts: [
            message.text for message in slack.messages("deploys") if message.thread_ts == ts != message.ts
        ],
        lambda: [view for view in slack.views if view["type"] == "modal"],
        slack.home,
        lambda: [(said.channel, said.thread_ts, said.user, said.text) for said in slack.ephemerals],
        lambda: slack.trigger("alice"),
    )


@pytest.fixture(params=["fake", "stand-in"])
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    if request.param == "fake":
        yield fake_room()
        return
    with Slack() as slack:
        yield stand_in_room(slack)
        assert not slack.errors


def said(text: str, key: str = "a") -> Message:
    return Message(text, (SECTION,), {"event_type": "allclear_execution", "event_payload": {"key": key}})


def test_a_reply_stays_in_its_thread_unless_it_is_broadcast(room: Room) -> None:
    _, card = room.chat.post(DEPLOYS, said("card"))
    room.chat.post(DEPLOYS, said("aside"), thread_ts=card)
    room.chat.post(DEPLOYS, said("aloud"), thread_ts=card, broadcast=True)
    assert room.in_channel() == ["card", "aloud"]
    assert room.in_thread(card) == ["aside", "aloud"]


def test_a_reply_is_edited_like_any_message(room: Room) -> None:
    _, card = room.chat.post(DEPLOYS, said("card"))
    _, reply = room.chat.post(DEPLOYS, said("held"), thread_ts=card)
    room.chat.update(DEPLOYS, reply, said("recovered"))
    assert room.in_thread(card) == ["recovered"]


def test_a_reply_is_found_in_its_thread_and_nowhere_else(room: Room) -> None:
    """A card and the replies to it may carry one key: a broadcast reply is no card, and a card no reply."""
    _, card = room.chat.post(DEPLOYS, said("card"))
    _, other = room.chat.post(DEPLOYS, said("other", "b"))
    for number in range(4):
        room.chat.post(DEPLOYS, said(f"{number}", "c"), thread_ts=card)
    _, reply = room.chat.post(DEPLOYS, said("aloud"), thread_ts=card, broadcast=True)
    room.chat.post(DEPLOYS, said("again"), thread_ts=card)
    assert room.chat.find(DEPLOYS, "a", LONG_AGO) == card
    assert room.chat.find(DEPLOYS, "a", LONG_AGO, thread_ts=card) == reply
    assert room.chat.find(DEPLOYS, "b", LONG_AGO, thread_ts=card) is None
    assert room.chat.find(DEPLOYS, "a", LONG_AGO, thread_ts=other) is None
    assert room.chat.find(DEPLOYS, "c", LONG_AGO) is None


def test_a_reply_from_before_is_not_found(room: Room) -> None:
    _, card = room.chat.post(DEPLOYS, said("card"))
    room.chat.post(DEPLOYS, said("reply"), thread_ts=card)
    assert room.chat.find(DEPLOYS, "a", datetime.now(UTC) + timedelta(hours=1), thread_ts=card) is None


def test_a_trigger_opens_one_modal(room: Room) -> None:
    trigger = room.trigger()
    room.chat.open_view(trigger, MODAL)
    with pytest.raises(TriggerExpired):
        room.chat.open_view(trigger, MODAL)
    room.chat.open_view(room.trigger(), MODAL)
    assert [view["title"]["text"] for view in room.modals()] == ["Override", "Override"]


def test_each_person_has_a_home_that_is_replaced(room: Room) -> None:
    later = {"type": "home", "blocks": [SECTION, SECTION]}
    room.chat.publish_home(ALICE, HOME)
    room.chat.publish_home(ALICE, later)
    shown = room.home(ALICE)
    assert shown is not None
    assert shown["blocks"] == later["blocks"]
    assert room.home(BOB) is None


def test_a_whisper_is_seen_by_one_person_in_a_channel_or_a_thread(room: Room) -> None:
    _, card = room.chat.post(DEPLOYS, said("card"))
    room.chat.whisper(DEPLOYS, ALICE, "in the channel")
    room.chat.whisper(DEPLOYS, BOB, "in the thread", [SECTION], thread_ts=card)
    assert room.whispers() == [(DEPLOYS, "", ALICE, "in the channel"), (DEPLOYS, card, BOB, "in the thread")]
    assert room.in_channel() == ["card"]
    assert room.in_thread(card) == []


def test_a_groups_members_are_known_and_an_unknown_group_is_refused(room: Room) -> None:
    assert room.chat.group_members(GROUP) == frozenset({ALICE})
    with pytest.raises(SlackRefused, match="no_such_subteam"):
        room.chat.group_members("S0NOBODY")
