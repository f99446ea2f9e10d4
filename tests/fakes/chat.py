"""Slack in memory: a channel's messages as they stand, what people were told, and calls that go wrong on order."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.errors import SlackRefused, TriggerExpired
from bot.slack.port import Message, SlackUser
from playground.slack_limits import check_message, check_view

TEAM = "T0ALLCLEAR"
ALICE = "U0ALICE"
BOT_USER = "U0ALLCLEAR"


@dataclass(frozen=True, slots=True)
class Whisper:
    """Something in a channel, or in a thread of it, that one person saw."""

    channel: str
    user_id: str
    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    thread_ts: str = ""


@dataclass
class FakeChat:
    """bot.ports.Chat. Holds every message and view to Slack's limits, as Slack does.

    `fail("post", error)` makes the next post raise; with `after_effect=True` it takes effect first, as when the
    connection drops before the answer comes. `before` hooks run inside a call, before it does anything: a place
    for somebody else to act meanwhile.
    """

    messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    posted_at: dict[tuple[str, str], datetime] = field(default_factory=dict)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, channel, ts) of every post and update that was asked for; a post's ts is "" """
    answers: list[tuple[str, str]] = field(default_factory=list)
    """(response URL, text) of every ephemeral answer."""
    answered_blocks: list[tuple[dict[str, Any], ...]] = field(default_factory=list)
    """The blocks of every ephemeral answer."""
    threads: dict[tuple[str, str], str] = field(default_factory=dict)
    """(channel, ts) of every reply: the ts of its thread's parent."""
    broadcasts: set[tuple[str, str]] = field(default_factory=set)
    """(channel, ts) of the replies that the channel shows too."""
    views: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """(trigger, view) of every modal that opened."""
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each person's App Home shows."""
    whispers: list[Whisper] = field(default_factory=list)
    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    users: dict[str, SlackUser] = field(default_factory=lambda: {ALICE: SlackUser(ALICE, TEAM, full_member=True)})
    asked: list[str] = field(default_factory=list)
    """The users that were looked up."""
    now: datetime = datetime(2026, 11, 23, 2, 20, tzinfo=UTC)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    _failures: dict[str, deque[tuple[Exception, bool]]] = field(default_factory=lambda: defaultdict(deque))

    def fail(self, method: str, error: Exception, *, after_effect: bool = False) -> None:
        """The next call of a method ("post", "open_view", …; `respond` never raises) raises `error`."""
        self._failures[method].append((error, after_effect))

    def clear_failures(self) -> None:
        """Whatever was still to go wrong does not."""
        self._failures.clear()

    def in_channel(self, channel: str) -> list[Message]:
        """What the channel shows, oldest first: all but the replies that were not broadcast."""
        return [
            message
            for place, message in self.messages.items()
            if place[0] == channel and (place not in self.threads or place in self.broadcasts)
        ]

    def in_thread(self, channel: str, ts: str) -> list[Message]:
        """The replies to one message, oldest first."""
        return [
            message
            for place, message in self.messages.items()
            if place[0] == channel and self.threads.get(place) == ts
        ]

    def post(
        self, channel: str, message: Message, *, thread_ts: str = "", broadcast: bool = False
    ) -> tuple[str, str]:
        self.calls.append(("post", channel, ""))
        self._raise("post", after_effect=False)
        check_message(message.text, message.blocks, "chat.postMessage")
        ts = f"{self.now.timestamp():.0f}.{len(self.calls):06d}"
        self.messages[channel, ts] = message
        self.posted_at[channel, ts] = self.now
        if thread_ts:
            self.threads[channel, ts] = thread_ts
            if broadcast:
                self.broadcasts.add((channel, ts))
        self._raise("post", after_effect=True)
        return channel, ts

    def update(self, channel: str, ts: str, message: Message) -> None:
        self.calls.append(("update", channel, ts))
        self._raise("update", after_effect=False)
        check_message(message.text, message.blocks, "chat.update")
        if (channel, ts) not in self.messages:
            raise SlackRefused("message_not_found")
        self.messages[channel, ts] = message
        self._raise("update", after_effect=True)

    def find(self, channel: str, key: str, since: datetime, *, thread_ts: str = "") -> str | None:
        self._raise("find", after_effect=False)
        found = [
            ts
            for (where, ts), message in self.messages.items()
            if where == channel
            and self.threads.get((where, ts), "") == thread_ts
            and message.metadata["event_payload"]["key"] == key
            and self.posted_at[where, ts] >= since
        ]
        return min(found, default=None)

    def user(self, user_id: str) -> SlackUser:
        self.asked.append(user_id)
        self._raise("user", after_effect=False)
        if user_id not in self.users:
            raise SlackRefused("user_not_found")
        return self.users[user_id]

    def team(self) -> str:
        self._raise("team", after_effect=False)
        return TEAM

    def bot_user(self) -> str:
        return BOT_USER

    def group_members(self, group_id: str) -> frozenset[str]:
        self._raise("group_members", after_effect=False)
        if group_id not in self.groups:
            raise SlackRefused("no_such_subteam")
        return self.groups[group_id]

    def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        self._raise("open_view", after_effect=False)
        check_view(view, "views.open")
        if any(trigger_id == used for used, _view in self.views):
            raise TriggerExpired("exchanged_trigger_id")
        self.views.append((trigger_id, view))
        self._raise("open_view", after_effect=True)

    def publish_home(self, user_id: str, view: dict[str, Any]) -> None:
        self._raise("publish_home", after_effect=False)
        check_view(view, "views.publish")
        self.homes[user_id] = view
        self._raise("publish_home", after_effect=True)

    def whisper(
        self, channel: str, user_id: str, text: str, blocks: Sequence[dict[str, Any]] = (), *, thread_ts: str = ""
    ) -> None:
        self._raise("whisper", after_effect=False)
        check_message(text, list(blocks), "chat.postEphemeral")
        self.whispers.append(Whisper(channel, user_id, text, tuple(blocks), thread_ts))
        self._raise("whisper", after_effect=True)

    def respond(self, response_url: str, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
        check_message(text, list(blocks), "chat.postEphemeral")
        self.answers.append((response_url, text))
        self.answered_blocks.append(tuple(blocks))

    def _raise(self, method: str, *, after_effect: bool) -> None:
        if not after_effect and (hook := self.before.pop(method, None)):
            hook()
        waiting = self._failures[method]
        if waiting and waiting[0][1] is after_effect:
            raise waiting.popleft()[0]
