"""What the domain asks of Slack. bot/adapters/slack.py implements it over the Web API; tests in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A Slack message: top-level text for screen readers, blocks, and the metadata it is found again by."""

    text: str
    blocks: tuple[dict[str, Any], ...]
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SlackUser:
    """What users.info says that matters here."""

    user_id: str
    team_id: str
    full_member: bool  # not a guest, not a bot, not deleted, not a stranger
    name: str = ""  # as Slack shows it; foreign text


class Chat(Protocol):
    """Slack's Web API. Every method raises TryLater (rate limit, unreachable) or SlackRefused (final)."""

    def post(
        self, channel: str, message: Message, *, thread_ts: str = "", broadcast: bool = False
    ) -> tuple[str, str]:
        """Post once, never resent; answers (channel id, ts). Raises OutcomeUnknown as well.

        With `thread_ts` a reply in that thread, which `broadcast` shows in the channel too.
        """
        ...

    def update(self, channel: str, ts: str, message: Message) -> None: ...

    def find(self, channel: str, key: str, since: datetime, *, thread_ts: str = "") -> str | None:
        """The ts of our own message whose metadata's payload says `key`, posted at or after `since`; every page.

        With `thread_ts` it is looked for among that thread's replies.
        """
        ...

    def user(self, user_id: str) -> SlackUser: ...

    def team(self) -> str:
        """The team the bot token belongs to (auth.test)."""
        ...

    def bot_user(self) -> str:
        """The user id by which people mention the app (auth.test)."""
        ...

    def group_members(self, group_id: str) -> frozenset[str]:
        """The user ids in a user group (usergroups.users.list), at most five minutes old."""
        ...

    def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a modal (views.open). Raises TriggerExpired: the person has to click again."""
        ...

    def publish_home(self, user_id: str, view: dict[str, Any]) -> None:
        """Show a person their App Home (views.publish)."""
        ...

    def whisper(
        self, channel: str, user_id: str, text: str, blocks: Sequence[dict[str, Any]] = (), *, thread_ts: str = ""
    ) -> None:
        """Something in a channel (or a thread of it) that one person sees (chat.postEphemeral)."""
        ...

    def respond(self, response_url: str, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
        """An ephemeral answer that leaves the original message alone. Best effort: failures are logged."""
        ...
