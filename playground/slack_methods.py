"""Slack's Web API methods over a workspace. Each answers what its page on docs.slack.dev shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from playground.slack_arguments import Arguments, in_range, metadata_of, page_of, true
from playground.slack_limits import SlackError, check_message, check_view
from playground.slack_workspace import (
    BOT_ID,
    BOT_USER,
    TEAM,
    TEAM_DOMAIN,
    Blocks,
    Channel,
    Ephemeral,
    Message,
    Workspace,
    view_wire,
)

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

    def __init__(self, channel: str, user: str, message_ts: str = "", thread_ts: str = "") -> None:
        self.channel, self.user, self.message_ts, self.thread_ts = channel, user, message_ts, thread_ts
        self.issued_at = datetime.now(UTC)
        self.uses = 0


class Trigger:
    """What an interaction gives to open one modal with: for three seconds, to the person it came from."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.issued_at = datetime.now(UTC)
        self.used = False


class Methods:
    """The methods. `page_size` caps the rows of a page of history, whatever `limit` asks."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.page_size = 100
        self.triggers: dict[str, Trigger] = {}
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
            broadcast=bool(given.get("thread_ts")) and true(given.get("reply_broadcast")),
        )
        message.edit(datetime.now(UTC), text, blocks, metadata_of(given) or {})
        self.workspace.posted.append(message)
        return {"channel": channel.channel_id, "ts": message.ts, "message": self.workspace.wire(message)}

    def update(self, given: Arguments) -> dict[str, Any]:
        """`text` without `blocks` takes the blocks away; metadata stays unless replaced (chat.update)."""
        channel = self._writable(given.get("channel"), by_name=False)
        message = self.workspace.message(channel.channel_id, str(given.get("ts")))
        if message is None:
            raise SlackError("message_not_found")
        if message.user != BOT_USER:
            raise SlackError("cant_update_message")
        text, blocks, metadata = given.get("text"), given.get("blocks"), metadata_of(given)
        check_message(text, blocks, "chat.update")
        kept_blocks = blocks if blocks is not None else []
        kept_text = text if text is not None else message.text
        kept_metadata = metadata if metadata is not None else message.metadata
        message.edit(datetime.now(UTC), kept_text, kept_blocks, kept_metadata)
        wire = self.workspace.wire(message)
        return {"channel": channel.channel_id, "ts": message.ts, "text": message.text, "message": wire}

    def post_ephemeral(self, given: Arguments) -> dict[str, Any]:
        channel = self._writable(given.get("channel"))
        if given.get("user") not in self.workspace.users:
            raise SlackError("user_not_in_channel")
        text, blocks = given.get("text") or "", given.get("blocks") or []
        check_message(text, blocks, "chat.postEphemeral")
        whispered = self._whisper(channel.channel_id, given["user"], text, blocks, given.get("thread_ts") or "")
        return {"message_ts": whispered.ts}

    def history(self, given: Arguments) -> dict[str, Any]:
        """Newest first, with those replies alone that were broadcast."""
        channel = self._readable(given.get("channel"))
        rows = [
            message
            for message in self.workspace.posted
            if message.channel == channel.channel_id and message.in_channel and in_range(message.ts, given)
        ]
        page, rest = page_of(list(reversed(rows)), given, self.page_size)
        with_metadata = true(given.get("include_all_metadata"))
        return {"messages": [self.workspace.wire(message, metadata=with_metadata) for message in page], **rest}

    def replies(self, given: Arguments) -> dict[str, Any]:
        """The parent first, whatever the range, then its replies, oldest first."""
        channel = self._readable(given.get("channel"))
        rows = self.workspace.thread(channel.channel_id, str(given.get("ts")))
        if not rows:
            raise SlackError("thread_not_found")
        rows = [rows[0], *(message for message in rows[1:] if in_range(message.ts, given))]
        page, rest = page_of(rows, given, self.page_size)
        with_metadata = true(given.get("include_all_metadata"))
        return {"messages": [self.workspace.wire(message, metadata=with_metadata) for message in page], **rest}

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
        """Who is of another workspace, and in a shared channel, has that one's team_id and is no stranger."""
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
                "is_stranger": False,
            }
        }

    def user_group(self, given: Arguments) -> dict[str, Any]:
        users = self.workspace.user_groups.get(str(given.get("usergroup")))
        if users is None:
            raise SlackError("no_such_subteam")
        return {"users": users}

    def open_view(self, given: Arguments) -> dict[str, Any]:
        """A trigger lives three seconds and opens one view."""
        check_view(given.get("view"), "views.open")
        trigger = self.triggers.get(str(given.get("trigger_id")))
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if datetime.now(UTC) - trigger.issued_at > TRIGGER_LIFE:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return self._show(given["view"], trigger.user, f"V{len(self.workspace.views) + 1:08d}")

    def publish_view(self, given: Arguments) -> dict[str, Any]:
        """A person's home keeps its id when it is published again."""
        check_view(given.get("view"), "views.publish")
        user = str(given.get("user_id"))
        if user not in self.workspace.users:
            raise SlackError("invalid_arguments", "[ERROR] invalid `user_id`")
        shown = self.workspace.home(user)
        return self._show(given["view"], user, shown["id"] if shown else f"V{len(self.workspace.views) + 1:08d}")

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
        # Left out, replace_original counts as true here: whoever means to leave the message alone has to say so.
        if not given.get("replace_original", True) or not self._replace(place, text, blocks):
            self._whisper(place.channel, place.user, text, blocks, place.thread_ts)
        return 200, "ok"

    def _replace(self, place: "ResponseUrl", text: str, blocks: Blocks) -> bool:
        """Put the answer where the clicked message was, everybody's or one person's own, if it was a message."""
        original = self.workspace.message(place.channel, place.message_ts)
        if original:
            original.edit(datetime.now(UTC), text, blocks, original.metadata)
            return True
        for index, seen in enumerate(self.workspace.ephemerals):
            if (seen.channel, seen.ts) == (place.channel, place.message_ts):
                self.workspace.ephemerals[index] = replace(seen, text=text, blocks=blocks)
                return True
        return False

    def _whisper(self, channel: str, user: str, text: str, blocks: Blocks, thread_ts: str = "") -> Ephemeral:
        said = Ephemeral(datetime.now(UTC), channel, user, text, blocks, self.workspace.new_ts(), thread_ts)
        self.workspace.ephemerals.append(said)
        return said

    def _show(self, view: dict[str, Any], user: str, view_id: str) -> dict[str, Any]:
        shown = {**view, "id": view_id, "hash": self.workspace.new_ts(), "user_id": user}
        self.workspace.views.append(shown)
        return {"view": view_wire(shown)}

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
