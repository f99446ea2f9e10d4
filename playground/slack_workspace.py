"""What a Slack workspace remembers: who is in it, its channels, and every message with all its edits."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

TEAM, OTHER_TEAM = "T0PLAYGRND", "T0OUTSIDER"
TEAM_DOMAIN = "playground"
APP_ID = "A0ALLCLEAR"
BOT_USER, BOT_ID = "U0ALLCLEAR", "B0ALLCLEAR"

Blocks = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class User:
    """A person. A guest is restricted to some channels; an outsider comes by Slack Connect."""

    user_id: str
    name: str
    team_id: str = TEAM
    guest: bool = False

    @property
    def outsider(self) -> bool:
        return self.team_id != TEAM


USERS = (
    User("U0ALICE", "alice"),
    User("U0BOB", "bob"),
    User("U0CAROL", "carol"),
    User("U0GINA", "gina", guest=True),
    User("U0OLGA", "olga", team_id=OTHER_TEAM),
)


@dataclass(slots=True)
class Channel:
    """A channel; the bot can only act where it is a member and the channel is not archived."""

    channel_id: str
    name: str
    member: bool = True
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """What a message said from `at` on."""

    at: datetime
    text: str
    blocks: Blocks


@dataclass(slots=True)
class Message:
    """A message as it stands. `history` has every version, the post first, the present one last."""

    channel: str
    ts: str
    text: str
    blocks: Blocks
    metadata: dict[str, Any]
    user: str = BOT_USER
    thread_ts: str = ""
    broadcast: bool = False
    team: str = TEAM
    history: list[Edit] = field(default_factory=list)

    def edit(self, at: datetime, text: str, blocks: Blocks, metadata: dict[str, Any]) -> None:
        self.text, self.blocks, self.metadata = text, blocks, metadata
        self.history.append(Edit(at, text, blocks))

    @property
    def is_reply(self) -> bool:
        """A thread's parent carries its own ts as thread_ts in what Slack shows, and is no reply."""
        return bool(self.thread_ts) and self.thread_ts != self.ts

    @property
    def in_channel(self) -> bool:
        """Whether the channel itself shows it."""
        return not self.is_reply or self.broadcast

    def wire(self, *, metadata: bool = False) -> dict[str, Any]:
        """The message as Slack shows it; blocks that had no block_id have got one."""
        wire: dict[str, Any] = {
            "type": "message",
            "user": self.user,
            "ts": self.ts,
            "text": self.text,
            "team": self.team,
        }
        if self.user == BOT_USER:
            wire |= {"bot_id": BOT_ID, "app_id": APP_ID}
        if self.blocks:
            wire["blocks"] = with_block_ids(self.blocks)
        if self.thread_ts:
            wire["thread_ts"] = self.thread_ts
        if self.broadcast:
            wire["subtype"] = "thread_broadcast"
        if len(self.history) > 1:
            wire["edited"] = {"user": self.user, "ts": f"{self.history[-1].at.timestamp():.6f}"}
        if metadata and self.metadata:
            wire["metadata"] = self.metadata
        return wire

    @property
    def buttons(self) -> list[str]:
        """The action_ids of its buttons, in order."""
        return [str(button.get("action_id", "")) for _, button in buttons(self.blocks)]


@dataclass(frozen=True, slots=True)
class Ephemeral:
    """Something only one person saw."""

    at: datetime
    channel: str
    user: str
    text: str
    blocks: Blocks
    ts: str = ""
    thread_ts: str = ""

    @property
    def buttons(self) -> list[str]:
        """The action_ids of its buttons, in order."""
        return [str(button.get("action_id", "")) for _, button in buttons(self.blocks)]


class Workspace:
    """The state of one workspace. Not locked: its one server does that."""

    def __init__(self) -> None:
        self.users = {user.user_id: user for user in USERS}
        self.user_groups: dict[str, list[str]] = {"S0DEPLOYERS": ["U0ALICE"]}
        self.channels: dict[str, Channel] = {}
        self.posted: list[Message] = []
        self.ephemerals: list[Ephemeral] = []
        self.views: list[dict[str, Any]] = []  # each with the user_id of the person who sees it
        self._last_instant = 0

    def user(self, name_or_id: str) -> User:
        """Raises KeyError for somebody unknown."""
        for user in self.users.values():
            if name_or_id in (user.user_id, user.name):
                return user
        raise KeyError(name_or_id)

    def channel(self, name_or_id: str) -> Channel | None:
        for channel in self.channels.values():
            if name_or_id.removeprefix("#") in (channel.channel_id, channel.name):
                return channel
        return None

    def message(self, channel_id: str, ts: str) -> Message | None:
        return next((m for m in self.posted if (m.channel, m.ts) == (channel_id, ts)), None)

    def wire(self, message: Message, *, metadata: bool = False) -> dict[str, Any]:
        """The message as Slack shows it, with what its thread adds: a parent counts its replies."""
        wire = message.wire(metadata=metadata)
        if message.is_reply:
            parent = self.message(message.channel, message.thread_ts)
            return wire | ({"parent_user_id": parent.user} if parent else {})
        replies = [other for other in self.posted if other.is_reply and _in_thread(other, message)]
        if not replies:
            return wire
        people = list(dict.fromkeys(reply.user for reply in replies))
        return wire | {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users_count": len(people),
            "reply_users": people,
            "latest_reply": replies[-1].ts,
        }

    def thread(self, channel_id: str, ts: str) -> list[Message]:
        """The parent, then its replies, oldest first; `ts` is any message's of the thread."""
        message = self.message(channel_id, ts)
        parent = message.thread_ts or ts if message else ts
        return [
            other for other in self.posted if other.channel == channel_id and parent in (other.ts, other.thread_ts)
        ]

    def home(self, user_id: str) -> dict[str, Any] | None:
        """What the person's App Home shows: the view published last."""
        mine = [view for view in self.views if (view["type"], view["user_id"]) == ("home", user_id)]
        return mine[-1] if mine else None

    def new_ts(self) -> str:
        """The instant as Slack writes it, later than any before: a message's ts is its id."""
        self._last_instant = max(round(datetime.now(UTC).timestamp() * 1_000_000), self._last_instant + 1)
        return f"{self._last_instant // 1_000_000}.{self._last_instant % 1_000_000:06d}"


def _in_thread(reply: Message, parent: Message) -> bool:
    return (reply.channel, reply.thread_ts) == (parent.channel, parent.ts)


def with_block_ids(blocks: Blocks) -> Blocks:
    return [{"block_id": f"b{index}", **block} for index, block in enumerate(blocks)]


def view_wire(view: dict[str, Any], team: str = TEAM) -> dict[str, Any]:
    """A view as Slack shows it to the app: with everything it may hold, and without whose it is."""
    shown: dict[str, Any] = {
        "team_id": team,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "state": {"values": {}},
        "title": None,
        "close": None,
        "submit": None,
        "clear_on_close": False,
        "notify_on_close": False,
        "previous_view_id": None,
        "root_view_id": view["id"],
        "app_id": APP_ID,
        "app_installed_team_id": TEAM,
        "bot_id": BOT_ID,
        **view,
        "blocks": with_block_ids(view["blocks"]),
    }
    del shown["user_id"]
    return shown


def buttons(blocks: Blocks) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each button with the block it is in."""
    for block in blocks:
        for element in [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]:
            if element.get("type") == "button":
                yield block, element
