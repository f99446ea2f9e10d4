"""Slack in memory: a channel's messages as they stand, what people were told, and calls that go wrong on order."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.errors import SlackRefused
from bot.ports import Message, SlackUser
from playground.slack_limits import check_message

TEAM = "T0ALLCLEAR"
ALICE = "U0ALICE"


@dataclass
class FakeChat:
    """bot.ports.Chat. Holds every message to Slack's limits, as Slack does.

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
    users: dict[str, SlackUser] = field(default_factory=lambda: {ALICE: SlackUser(ALICE, TEAM, full_member=True)})
    asked: list[str] = field(default_factory=list)
    """The users that were looked up."""
    now: datetime = datetime(2026, 11, 23, 2, 20, tzinfo=UTC)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    _failures: dict[str, deque[tuple[Exception, bool]]] = field(default_factory=lambda: defaultdict(deque))

    def fail(self, method: str, error: Exception, *, after_effect: bool = False) -> None:
        """The next call of "post", "update", "find", "user" or "team" raises `error`."""
        self._failures[method].append((error, after_effect))

    def post(self, channel: str, message: Message) -> tuple[str, str]:
        self.calls.append(("post", channel, ""))
        self._raise("post", after_effect=False)
        check_message(message.text, message.blocks, "chat.postMessage")
        ts = f"{self.now.timestamp():.0f}.{len(self.calls):06d}"
        self.messages[channel, ts] = message
        self.posted_at[channel, ts] = self.now
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

    def find(self, channel: str, key: str, since: datetime) -> str | None:
        self._raise("find", after_effect=False)
        found = [
            ts
            for (where, ts), message in self.messages.items()
            if where == channel
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

    def respond(self, response_url: str, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
        check_message(text, list(blocks), "chat.postEphemeral")
        self.answers.append((response_url, text))

    def _raise(self, method: str, *, after_effect: bool) -> None:
        if not after_effect and (hook := self.before.pop(method, None)):
            hook()
        waiting = self._failures[method]
        if waiting and waiting[0][1] is after_effect:
            raise waiting.popleft()[0]
