"""A stand-in for Slack: its Web API over HTTP on 127.0.0.1, and the requests it sends to an app."""

import json
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Lock, Thread
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from playground.slack_limits import SlackError
from playground.slack_methods import TAKES_JSON, Methods, ResponseUrl, Trigger
from playground.slack_requests import (
    FORM,
    JSON,
    OLD_TOKEN,
    Signed,
    app_home_opened,
    app_mention,
    click_payload,
    command_body,
    encode_payload,
    event_callback,
    message_place,
    retried,
    sign,
    submission_payload,
    view_place,
)
from playground.slack_server import Reply, Server, arguments_of, refusal
from playground.slack_workspace import BOT_USER, Blocks, Channel, Ephemeral, Message, Workspace

Fault = Literal["ratelimited", "server_error", "drop_before", "drop_after"] | str
"""How a call goes wrong: 429; 500; the connection drops before or after it took effect; or a Slack error code."""

BOT_TOKEN = "xoxb-playground"
SIGNING_SECRET = "playground-signing-secret"


class Slack:
    """A workspace with its server, which runs from the start; `close()` it, or use `with`.

    alice, bob and carol are full members, gina is a guest, olga is of another workspace (`users.info` says so).
    The channel is deploys (C0DEPLOYS); archived and strange show what may be wrong with one. What the app did is
    in `messages()`, `ephemerals` and `calls`. Instants are the process's, so a simulation sets them.
    """

    def __init__(
        self,
        *,
        bot_token: str = BOT_TOKEN,
        signing_secret: str = SIGNING_SECRET,
        port: int = 0,
    ) -> None:
        self.bot_token = bot_token
        self.signing_secret = signing_secret
        self.workspace = Workspace()
        self.calls: list[tuple[datetime, str, dict[str, Any]]] = []
        """Every Web API call that carried the token, with its arguments, faulty ones too."""
        self.rates: dict[str, tuple[int, timedelta]] = {}
        """Method: at most so many calls a span and channel, then 429. Empty: no limits."""
        self.retry_after = 30
        """Seconds: the Retry-After header of a 429."""
        self.errors: list[BaseException] = []
        """What the stand-in itself could not do (Unsupported, bugs), for a test to raise."""
        self._faults: dict[str, deque[str]] = defaultdict(deque)
        self._lock = Lock()
        self._methods = Methods(self.workspace)
        self._numbers = count(1)
        self.add_channel("C0DEPLOYS", "deploys")
        self.add_channel("C0ARCHIVED", "archived", archived=True)
        self.add_channel("C0STRANGE", "strange", member=False)
        self._server = Server(("127.0.0.1", port), self)
        self._base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self._base}/api/"
        """The base URL of the Web API (SLACK_API_URL)."""
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> "Slack":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def page_size(self) -> int:
        """Rows a page of history at most."""
        return self._methods.page_size

    @page_size.setter
    def page_size(self, rows: int) -> None:
        self._methods.page_size = rows

    @property
    def ephemerals(self) -> list[Ephemeral]:
        """Everything only one person saw, oldest first."""
        with self._lock:
            return list(self.workspace.ephemerals)

    @property
    def views(self) -> list[dict[str, Any]]:
        """Every modal opened and App Home published, oldest first."""
        with self._lock:
            return list(self.workspace.views)

    def home(self, user: str) -> dict[str, Any] | None:
        """What the person's App Home shows."""
        with self._lock:
            return self.workspace.home(self.workspace.user(user).user_id)

    def messages(self, channel: str | None = None) -> list[Message]:
        """The messages as they stand, oldest first; of one channel (its id or name) or of all."""
        with self._lock:
            wanted = self._channel(channel).channel_id if channel else None
            return [message for message in self.workspace.posted if wanted in (None, message.channel)]

    def add_channel(self, channel_id: str, name: str, *, member: bool = True, archived: bool = False) -> Channel:
        """A channel; it can be archived, or the bot removed from it, by setting the answer's fields."""
        with self._lock:
            channel = Channel(channel_id, name, member, archived)
            self.workspace.channels[channel_id] = channel
            return channel

    def fail_next(self, method: str, fault: Fault, times: int = 1) -> None:
        """The next calls of a method ("chat.update") go wrong this way."""
        with self._lock:
            self._faults[method].extend([fault] * times)

    def trigger(self, user: str = "alice") -> str:
        """A fresh trigger, as one comes with each click and command of this person's."""
        with self._lock:
            return self._trigger(self.workspace.user(user).user_id)

    def click(
        self,
        shown: Message | Ephemeral | dict[str, Any],
        action_id: str,
        user: str = "alice",
        *,
        blocks: Blocks | None = None,
    ) -> Signed:
        """The request Slack sends when `user` clicks the button: (headers, body).

        `shown` is a message, something only this person saw, or a view of theirs (of `views`, or their `home`).
        Raises KeyError where no such button is shown to them; `blocks` are what an old window still shows.
        """
        with self._lock:
            person = self.workspace.user(user)
            if isinstance(shown, dict):
                if shown["user_id"] != person.user_id:
                    raise KeyError(f"{user} does not see this view")
                place = view_place(shown, blocks)
            else:
                if isinstance(shown, Ephemeral) and shown.user != person.user_id:
                    raise KeyError(f"{user} does not see this message")
                channel = self.workspace.channels[shown.channel]
                url = ResponseUrl(channel.channel_id, person.user_id, shown.ts, shown.thread_ts)
                place = message_place(self.workspace, shown, channel, self._response_url(url), blocks)
            payload = click_payload(
                place,
                action_id,
                person,
                action_ts=self.workspace.new_ts(),
                trigger_id=self._trigger(person.user_id),
            )
        return self.sign(encode_payload(payload))

    def submit(
        self, view: dict[str, Any], user: str = "alice", values: Mapping[str, str | None] | None = None
    ) -> Signed:
        """The request Slack sends when `user` submits the modal with `values`, by the inputs' action_ids.

        Raises KeyError for an input the modal does not have. What Slack itself refuses to send, such as nothing in
        an input that is not optional, is sent all the same: a bot must not rely on it.
        """
        with self._lock:
            person = self.workspace.user(user)
            payload = submission_payload(view, person, values or {}, trigger_id=self._trigger(person.user_id))
        return self.sign(encode_payload(payload))

    def mention(self, text: str, user: str = "alice", channel: str = "deploys", thread_ts: str = "") -> Signed:
        """The request Slack sends when `user` writes `@Allclear text`, in the channel or in a thread of it.

        What they wrote stands in the channel, so that an answer has a thread.
        """
        with self._lock:
            where, person = self._channel(channel), self.workspace.user(user)
            message = Message(
                where.channel_id,
                self.workspace.new_ts(),
                "",
                [],
                {},
                user=person.user_id,
                thread_ts=thread_ts,
                team=person.team_id,
            )
            message.edit(datetime.now(UTC), f"<@{BOT_USER}> {text}", [], {})
            self.workspace.posted.append(message)
            event = app_mention(self.workspace.wire(message), where, person)
            return self._event(event, shared=person.outsider)

    def home_opened(self, user: str = "alice", tab: str = "home") -> Signed:
        """The request Slack sends when `user` opens the app's Home (or its Messages tab)."""
        with self._lock:
            person = self.workspace.user(user)
            event = app_home_opened(person, tab, self.workspace.home(person.user_id), self.workspace.new_ts())
            return self._event(event, shared=False)

    def redeliver(self, request: Signed, number: int = 1, reason: str = "http_timeout") -> Signed:
        """The same event again, as Slack sends what was not answered with 200 within three seconds."""
        return retried(self.sign(request[1], JSON), number, reason)

    def slash(
        self, text: str, user: str = "alice", channel: str = "deploys", command: str = "/allclear"
    ) -> Signed:
        """The request Slack sends for `/allclear text`: (headers, body)."""
        with self._lock:
            where, person = self._channel(channel), self.workspace.user(user)
            body = command_body(
                text,
                person,
                where,
                command=command,
                trigger_id=self._trigger(person.user_id),
                response_url=self._response_url(ResponseUrl(where.channel_id, person.user_id)),
            )
        return self.sign(body)

    def url_verification(self, challenge: str = "a-challenge-of-slacks") -> Signed:
        """The request Slack sends when the app's address is entered: (headers, body)."""
        event = {"token": OLD_TOKEN, "challenge": challenge, "type": "url_verification"}
        return self.sign(json.dumps(event).encode(), JSON)

    def sign(self, body: bytes, content_type: str = FORM, *, at: datetime | None = None) -> Signed:
        """Any body with headers that carry Slack's signature of it, made `at` (now)."""
        return sign(body, content_type, self.signing_secret, at)

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """Answer one HTTP request (header names in lower case); None: drop the connection."""
        address = urlsplit(path)
        content_type = headers.get("content-type", "")
        try:
            arguments = arguments_of(address.query, content_type, body)
        except ValueError:
            return refusal(SlackError("invalid_json" if "json" in content_type else "invalid_form_data"))
        with self._lock:
            if address.path.startswith("/response/"):
                status, text = self._methods.respond(address.path.removeprefix("/response/"), arguments)
                return Reply(status, text.encode(), {"Content-Type": "text/html"})
            method = address.path.removeprefix("/api/")
            token = headers.get("authorization", "").removeprefix("Bearer ") or arguments.pop("token", "")
            if token != self.bot_token:
                return refusal(SlackError("invalid_auth" if token else "not_authed"))
            if "json" in content_type and method not in TAKES_JSON:
                arguments = dict(parse_qsl(address.query))
            self.calls.append((datetime.now(UTC), method, arguments))
            return self._web_api(method, arguments)

    def _web_api(self, method: str, arguments: dict[str, Any]) -> Reply | None:
        faults = self._faults[method]
        fault = faults.popleft() if faults else ""
        if fault == "ratelimited" or self._too_fast(method, arguments):
            return refusal(SlackError("ratelimited"), 429, {"Retry-After": str(self.retry_after)})
        if fault == "server_error":
            return Reply(500, b"<html>Oh no</html>", {"Content-Type": "text/html"})
        if fault == "drop_before":
            return None
        if fault not in ("", "drop_after"):
            return refusal(SlackError(fault))
        try:
            content = {"ok": True, **self._methods.call(method, arguments)}
        except SlackError as error:
            return refusal(error)
        return None if fault == "drop_after" else Reply(200, json.dumps(content).encode())

    def _too_fast(self, method: str, arguments: dict[str, Any]) -> bool:
        if method not in self.rates:
            return False
        most, span = self.rates[method]
        since = datetime.now(UTC) - span
        same = [
            call
            for call in self.calls
            if call[0] > since and call[1] == method and call[2].get("channel") == arguments.get("channel")
        ]
        return len(same) > most

    def _channel(self, name_or_id: str) -> Channel:
        channel = self.workspace.channel(name_or_id)
        if channel is None:
            raise KeyError(name_or_id)
        return channel

    def _event(self, event: dict[str, Any], *, shared: bool) -> Signed:
        content = event_callback(event, f"Ev{next(self._numbers):010d}", datetime.now(UTC), shared=shared)
        return self.sign(json.dumps(content).encode(), JSON)

    def _trigger(self, user: str) -> str:
        trigger = f"{next(self._numbers)}.{next(self._numbers)}.playground"
        self._methods.triggers[trigger] = Trigger(user)
        return trigger

    def _response_url(self, place: ResponseUrl) -> str:
        identity = str(next(self._numbers))
        self._methods.response_urls[identity] = place
        return f"{self._base}/response/{identity}"
