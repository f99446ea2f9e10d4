"""Slack's Web API methods over a workspace. Each answers what its page on docs.slack.dev shows."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from playground.slack_limits import SlackError, check_message, check_view
from playground.slack_workspace import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    OTHER_TEAM,
    TEAM,
    TEAM_DOMAIN,
    Blocks,
    Channel,
    Ephemeral,
    Message,
    Workspace,
)

T = TypeVar("T")
Arguments = dict[str, Any]

TRIGGER_LIFE = timedelta(seconds=3)
RESPONSE_URL_LIFE, RESPONSE_URL_USES = timedelta(minutes=30), 5

METHODS = {
    "auth.test": "auth_test",
    "chat.postEphemeral": "post_ephemeral",
    "chat.postMessage": "post_message",
    "chat.update": "update",
    "conversations.history": "history",
    "conversations.info": "channel_info",
    "conversations.replies": "replies",
    "usergroups.users.list": "user_group",
    "users.info": "user_info",
    "views.open": "open_view",
    "views.publish": "publish_view",
}
TAKES_JSON = frozenset({name for name in METHODS if name.startswith(("chat.", "views."))})
"""Only methods that write read a JSON body; the others take it for no arguments at all ("Using the Web API")."""


class ResponseUrl:
    """A place to answer one interaction: five uses in thirty minutes."""

    def __init__(self, channel: str, user: str, message_ts: str = "") -> None:
        self.channel, self.user, self.message_ts = channel, user, message_ts
        self.issued_at = datetime.now(UTC)
        self.uses = 0


class Methods:
    """The methods. `page_size` caps the rows of a page of history, whatever `limit` asks."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.page_size = 100
        self.triggers: dict[str, datetime] = {}
        self.response_urls: dict[str, ResponseUrl] = {}

    def call(self, method: str, arguments: Arguments) -> dict[str, Any]:
        """The answer's members besides `ok`."""
        if method not in METHODS:
            raise SlackError("unknown_method")
        answer = getattr(self, METHODS[method])(arguments)
        assert isinstance(answer, dict)  # noqa: S101 - every method in METHODS answers a dict
        return answer

    def auth_test(self, _given: Arguments) -> dict[str, Any]:
        return {
            "url": f"https://{TEAM_DOMAIN}.slack.com/",
            "team": "Playground",
            "user": "allclear",
            "team_id": TEAM,
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def post_message(self, given: Arguments) -> dict[str, Any]:
        """The channel may be named; the answer has its id, which an update needs."""
        channel = self._writable(given.get("channel"))
        text, blocks = given.get("text") or "", given.get("blocks") or []
        check_message(text, blocks, "chat.postMessage")
        message = Message(
            channel.channel_id,
            self.workspace.new_ts(),
            "",
            [],
            {},
            thread_ts=given.get("thread_ts") or "",
            broadcast=_true(given.get("reply_broadcast")),
        )
        message.edit(datetime.now(UTC), text, blocks, _metadata(given) or {})
        self.workspace.posted.append(message)
        return {"channel": channel.channel_id, "ts": message.ts, "message": message.wire()}

    def update(self, given: Arguments) -> dict[str, Any]:
        """`text` without `blocks` takes the blocks away; metadata stays unless replaced (chat.update)."""
        channel = self._writable(given.get("channel"), by_name=False)
        message = self.workspace.message(channel.channel_id, str(given.get("ts")))
        if message is None:
            raise SlackError("message_not_found")
        if message.user != BOT_USER:
            raise SlackError("cant_update_message")
        text, blocks, metadata = given.get("text"), given.get("blocks"), _metadata(given)
        check_message(text, blocks, "chat.update")
        kept_blocks = blocks if blocks is not None else []
        kept_text = text if text is not None else message.text
        kept_metadata = metadata if metadata is not None else message.metadata
        message.edit(datetime.now(UTC), kept_text, kept_blocks, kept_metadata)
        wire = message.wire()
        return {"channel": channel.channel_id, "ts": message.ts, "text": message.text, "message": wire}

    def post_ephemeral(self, given: Arguments) -> dict[str, Any]:
        channel = self._writable(given.get("channel"))
        if given.get("user") not in self.workspace.users:
            raise SlackError("user_not_in_channel")
        text, blocks = given.get("text") or "", given.get("blocks") or []
        check_message(text, blocks, "chat.postEphemeral")
        self._whisper(channel.channel_id, given["user"], text, blocks)
        return {"message_ts": self.workspace.new_ts()}

    def history(self, given: Arguments) -> dict[str, Any]:
        """Newest first, without replies; the ends of the range are left out unless `inclusive`."""
        channel = self._readable(given.get("channel"))
        rows = [
            message
            for message in self.workspace.posted
            if message.channel == channel.channel_id
            and (not message.thread_ts or message.broadcast)
            and _in_range(message.ts, given)
        ]
        page, rest = _page(list(reversed(rows)), given, self.page_size)
        with_metadata = _true(given.get("include_all_metadata"))
        return {"messages": [message.wire(metadata=with_metadata) for message in page], **rest}

    def replies(self, given: Arguments) -> dict[str, Any]:
        """The parent first, then its replies, oldest first."""
        channel = self._readable(given.get("channel"))
        thread = str(given.get("ts"))
        rows = [
            message
            for message in self.workspace.posted
            if message.channel == channel.channel_id and thread in (message.ts, message.thread_ts)
        ]
        if not rows:
            raise SlackError("thread_not_found")
        page, rest = _page(rows, given, self.page_size)
        with_metadata = _true(given.get("include_all_metadata"))
        return {"messages": [message.wire(metadata=with_metadata) for message in page], **rest}

    def channel_info(self, given: Arguments) -> dict[str, Any]:
        channel = self.workspace.channels.get(str(given.get("channel")))
        if channel is None:
            raise SlackError("channel_not_found")
        return {
            "channel": {
                "id": channel.channel_id,
                "name": channel.name,
                "is_channel": True,
                "is_archived": channel.archived,
                "is_member": channel.member,
            }
        }

    def user_info(self, given: Arguments) -> dict[str, Any]:
        """A stranger (`is_stranger`) is somebody of another workspace, met in a shared channel."""
        user = self.workspace.users.get(str(given.get("user")))
        if user is None:
            raise SlackError("user_not_found")
        return {
            "user": {
                "id": user.user_id,
                "team_id": user.team_id,
                "name": user.name,
                "deleted": False,
                "is_admin": False,
                "is_bot": False,
                "is_restricted": user.guest,
                "is_ultra_restricted": False,
                **({"is_stranger": True} if user.team_id == OTHER_TEAM else {}),
            }
        }

    def user_group(self, given: Arguments) -> dict[str, Any]:
        users = self.workspace.user_groups.get(str(given.get("usergroup")))
        if users is None:
            raise SlackError("no_such_subteam")
        return {"users": users}

    def open_view(self, given: Arguments) -> dict[str, Any]:
        """A trigger lives three seconds and opens one view."""
        check_view(given.get("view"))
        issued_at = self.triggers.pop(str(given.get("trigger_id")), None)
        if issued_at is None:
            raise SlackError("exchanged_trigger_id")
        if datetime.now(UTC) - issued_at > TRIGGER_LIFE:
            raise SlackError("expired_trigger_id")
        return self._show(given["view"])

    def publish_view(self, given: Arguments) -> dict[str, Any]:
        check_view(given.get("view"))
        if given.get("user_id") not in self.workspace.users:
            raise SlackError("user_not_found")
        return self._show(given["view"] | {"user_id": given["user_id"]})

    def respond(self, identity: str, given: Arguments) -> tuple[int, str]:
        """A response_url is used: (status, text), as hooks.slack.com answers."""
        place = self.response_urls.get(identity)
        if place is None:
            return 404, "no_service"
        if datetime.now(UTC) - place.issued_at > RESPONSE_URL_LIFE:
            return 404, "expired_url"
        if place.uses >= RESPONSE_URL_USES:
            return 404, "used_url"
        text, blocks = given.get("text") or "", given.get("blocks") or []
        try:
            check_message(text, blocks, "response_url")
        except SlackError as error:
            return 400, error.code
        place.uses += 1
        original = self.workspace.message(place.channel, place.message_ts)
        # Left out, replace_original counts as true here: whoever means to leave the message alone has to say so.
        if original and given.get("replace_original", True):
            original.edit(datetime.now(UTC), text, blocks, original.metadata)
        else:
            self._whisper(place.channel, place.user, text, blocks)
        return 200, "ok"

    def _whisper(self, channel: str, user: str, text: str, blocks: Blocks) -> None:
        self.workspace.ephemerals.append(Ephemeral(datetime.now(UTC), channel, user, text, blocks))

    def _show(self, view: dict[str, Any]) -> dict[str, Any]:
        shown = {"id": f"V{len(self.workspace.views) + 1:08d}", "team_id": TEAM, "app_id": APP_ID, **view}
        self.workspace.views.append(shown)
        return {"view": shown}

    def _writable(self, wanted: object, *, by_name: bool = True) -> Channel:
        found = self.workspace.channel(str(wanted)) if by_name else self.workspace.channels.get(str(wanted))
        if found is None:
            raise SlackError("channel_not_found")
        if found.archived:
            raise SlackError("is_archived")
        if not found.member:
            raise SlackError("not_in_channel")
        return found

    def _readable(self, wanted: object) -> Channel:
        found = self.workspace.channels.get(str(wanted))
        if found is None:
            raise SlackError("channel_not_found")
        if not found.member:
            raise SlackError("not_in_channel")
        return found


def _metadata(given: Arguments) -> dict[str, Any] | None:
    metadata = given.get("metadata")
    if metadata is None:
        return None
    named = isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)
    if not named or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    assert isinstance(metadata, dict)  # noqa: S101 - `named` says so
    return metadata


def _in_range(ts: str, given: Arguments) -> bool:
    oldest, latest = str(given.get("oldest") or "0"), str(given.get("latest") or "99999999999")
    if _true(given.get("inclusive")):
        return float(oldest) <= float(ts) <= float(latest)
    return float(oldest) < float(ts) < float(latest)


def _page(rows: Sequence[T], given: Arguments, at_most: int) -> tuple[Sequence[T], dict[str, Any]]:
    start = 0
    if given.get("cursor"):
        try:
            start = int(base64.b64decode(str(given["cursor"]), validate=True).removeprefix(b"next:"))
        except (binascii.Error, ValueError):
            raise SlackError("invalid_cursor") from None
    end = start + min(int(given.get("limit") or 100), at_most)
    more = end < len(rows)
    cursor = base64.b64encode(b"next:%d" % end).decode() if more else ""
    return rows[start:end], {"has_more": more, "response_metadata": {"next_cursor": cursor}}


def _true(value: object) -> bool:
    return value in (True, 1, "1", "true", "True")
