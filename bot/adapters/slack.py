"""Slack's Web API as the domain's Chat. Posts are sent once; what Slack answers becomes one of our situations."""

import http.client
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.webhook import WebhookClient

from bot.adapters.slack_calls import TIMEOUT, SlackCalls
from bot.errors import TryLater
from bot.slack.port import Message, SlackUser

SLACK_API_URL = "https://slack.com/api/"
RESPONSE_URL_HOSTS = ("hooks.slack.com",)
HISTORY_PAGE = 200
MEMBERS_KEPT = timedelta(minutes=5)  # usergroups.users.list is Tier 2: 20 calls a minute

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class SlackChat:
    """Implements bot.ports.Chat. `token` is called for each request (it caches itself, and may rotate)."""

    def __init__(
        self,
        token: Callable[[], str],
        base_url: str = SLACK_API_URL,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._base_url = base_url
        self._clock = clock
        self._calls = SlackCalls(token, base_url)
        self._identity: dict[str, str] | None = None
        self._members: dict[str, tuple[datetime, frozenset[str]]] = {}

    def post(
        self, channel: str, message: Message, *, thread_ts: str = "", broadcast: bool = False
    ) -> tuple[str, str]:
        """Post once, never resent; answers (channel id, ts). Raises OutcomeUnknown, TryLater, SlackRefused."""
        thread = {"thread_ts": thread_ts, "reply_broadcast": broadcast} if thread_ts else {}
        body = {**_body(channel, message), **thread, "unfurl_links": False, "unfurl_media": False}
        answer = self._calls.once("chat.postMessage", json=body)
        return str(answer["channel"]), str(answer["ts"])

    def update(self, channel: str, ts: str, message: Message) -> None:
        """Replace the message. Repeating it is harmless, so an unknown outcome is TryLater."""
        self._calls.harmless("chat.update", json={**_body(channel, message), "ts": ts})

    def find(self, channel: str, key: str, since: datetime, *, thread_ts: str = "") -> str | None:
        """The ts of the first of our own messages whose metadata carries `key`, posted at or after `since`.

        The channel itself or one thread's replies: a reply that is shown in the channel too is still a reply.
        """
        rows = self._calls.rows(
            "conversations.replies" if thread_ts else "conversations.history",
            "messages",
            {
                "channel": channel,
                **({"ts": thread_ts} if thread_ts else {}),
                "oldest": f"{since.timestamp():.6f}",
                "inclusive": True,
                "include_all_metadata": True,
                "limit": HISTORY_PAGE,
            },
        )
        found = [
            str(posted["ts"])
            for posted in rows
            if _thread_of(posted) == thread_ts and _carries(posted, key) and self._is_ours(posted)
        ]
        return min(found, key=float, default=None)  # history comes newest first, replies oldest first

    def user(self, user_id: str) -> SlackUser:
        """Who is of another workspace is no full member of ours.

        `is_stranger` does not say that: of people met in a shared channel it is false.
        """
        answer = self._calls.harmless("users.info", params={"user": user_id})
        user: dict[str, Any] = answer.get("user") or {}
        barred = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
        welcome = user.get("id") == user_id and not any(user.get(flag) for flag in barred)
        team_id = str(user.get("team_id") or "")
        # In an Enterprise organisation team_id names one of the person's workspaces.
        teams = {team_id, *((user.get("enterprise_user") or {}).get("teams") or ())}
        profile = user.get("profile") or {}
        names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
        name = next((str(each) for each in names if each), "")
        return SlackUser(user_id, team_id, full_member=welcome and self.team() in teams, name=name)

    def team(self) -> str:
        """The team the bot token belongs to; asked once."""
        return self._whoami()["team_id"]

    def bot_user(self) -> str:
        """The user id by which people mention the app; asked once, with the team."""
        return self._whoami()["user_id"]

    def group_members(self, group_id: str) -> frozenset[str]:
        """The user ids in a user group, at most five minutes old.

        Who cannot be looked up is nobody's member: a failure raises, however young the last good answer.
        A disabled group has no members.
        """
        read_at, members = self._members.get(group_id, (None, frozenset()))
        now = self._clock()
        if read_at is not None and now - read_at < MEMBERS_KEPT:
            return members
        answer = self._calls.harmless(
            "usergroups.users.list", params={"usergroup": group_id, "include_disabled": False}
        )
        users = answer.get("users")
        if not isinstance(users, list):
            raise TryLater("usergroups.users.list: the answer names no users")
        self._members[group_id] = now, frozenset(str(user) for user in users)
        return self._members[group_id][1]

    def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        """Open a modal, sent once: a trigger opens one, so a repetition raises TriggerExpired and opens none."""
        self._calls.harmless("views.open", json={"trigger_id": trigger_id, "view": view})

    def publish_home(self, user_id: str, view: dict[str, Any]) -> None:
        """Show a person their App Home. Repeating it is harmless."""
        self._calls.harmless("views.publish", json={"user_id": user_id, "view": view})

    def whisper(
        self, channel: str, user_id: str, text: str, blocks: Sequence[dict[str, Any]] = (), *, thread_ts: str = ""
    ) -> None:
        """Something one person sees. Twice is better than never, so an unknown outcome is TryLater."""
        body = {"channel": channel, "user": user_id, "text": text, "blocks": list(blocks)}
        self._calls.harmless("chat.postEphemeral", json=body | ({"thread_ts": thread_ts} if thread_ts else {}))

    def respond(self, response_url: str, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
        """An ephemeral answer; best effort. The URL is a capability: never logged, used only if it is Slack's."""
        if not self._is_slacks(response_url):
            log.warning("did not answer a Slack user: the response_url is not Slack's")
            return
        client = WebhookClient(response_url, timeout=TIMEOUT, logger=self._calls.quiet, retry_handlers=[])
        try:
            answer = client.send(
                text=text, blocks=list(blocks) or None, response_type="ephemeral", replace_original=False
            )
        except (OSError, http.client.HTTPException, ValueError) as error:
            log.warning("could not answer a Slack user: %s", type(error).__name__)
            return
        if answer.status_code != 200:
            log.warning("could not answer a Slack user: HTTP %s", answer.status_code)

    def _is_slacks(self, url: str) -> bool:
        try:
            parts, base = urlsplit(url), urlsplit(self._base_url)
        except ValueError:
            return False
        if parts.scheme == "https" and parts.netloc in RESPONSE_URL_HOSTS:
            return True
        replaced = self._base_url != SLACK_API_URL  # a stand-in answers for hooks.slack.com as well
        return replaced and (parts.scheme, parts.netloc) == (base.scheme, base.netloc)

    def _whoami(self) -> dict[str, str]:
        if self._identity is None:
            answer = self._calls.harmless("auth.test")
            self._identity = {name: str(answer.get(name) or "") for name in ("team_id", "user_id", "bot_id")}
        return self._identity

    def _is_ours(self, posted: dict[str, Any]) -> bool:
        """Any app may write any metadata; only a message of our own can be edited later."""
        me = self._whoami()
        return any(
            me[name] and posted.get(field) == me[name]
            for name, field in (("user_id", "user"), ("bot_id", "bot_id"))
        )


def _body(channel: str, message: Message) -> dict[str, Any]:
    return {
        "channel": channel,
        "text": message.text,
        "blocks": list(message.blocks),
        "metadata": message.metadata,
    }


def _thread_of(posted: dict[str, Any]) -> str:
    """The thread a message is a reply in; "" for the channel's own, which a thread's parent is too."""
    thread = str(posted.get("thread_ts") or "")
    return "" if thread == posted.get("ts") else thread


def _carries(posted: dict[str, Any], key: str) -> bool:
    payload = (posted.get("metadata") or {}).get("event_payload") or {}
    return bool(payload.get("key") == key)
