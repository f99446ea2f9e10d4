"""Slack with people in it: messages as they stand, every button ever shown, modals that open, App Homes."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from bot.cards.burst_card import BURST_EVENT_TYPE
from bot.cards.card import CARD_EVENT_TYPE
from bot.errors import SlackRefused, TriggerExpired
from bot.model import ExecutionKey
from bot.slack.parsing import OUR_BUTTONS
from bot.slack.port import SlackUser
from tests.fakes.chat import ALICE, TEAM, FakeChat
from tests.simulation.deeds import CHANNEL, OTHER_TEAM, SECRET, STRANGER, Button
from tests.simulation.scheduler import Scheduler

BOB, CAROL, GUEST = "U0BOB", "U0CAROL", "U0GUEST"
MAY_CLICK = (ALICE, BOB, CAROL)
ON_CALL_GROUP = "S0ONCALL"  # has bob in it
TRIGGER_LIVES = timedelta(seconds=3)


class Workspace(FakeChat):
    """bot.ports.Chat, remembering every button it ever showed.

    `seen` hears of buttons on messages, `opened` of modals, and to whom they open.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        seen: Callable[[Button], None],
        opened: Callable[[str, dict[str, Any]], None],
    ) -> None:
        super().__init__()
        for user in MAY_CLICK:
            self.users[user] = SlackUser(user, TEAM, full_member=True)
        self.users[GUEST] = SlackUser(GUEST, TEAM, full_member=False)
        self.users[STRANGER] = SlackUser(STRANGER, OTHER_TEAM, full_member=False)
        self.groups[ON_CALL_GROUP] = frozenset({BOB, GUEST})
        self.shown: list[Button] = []
        self.deleted: set[str] = set()  # keys of messages that somebody deleted
        self._there: dict[tuple[str, str], list[Button]] = {}
        self._for_one: defaultdict[str, dict[str, list[Button]]] = defaultdict(dict)  # user: place: buttons
        self._scheduler = scheduler
        self._seen = seen
        self._opened = opened

    # The port.

    def post(self, channel: str, message: Any, **options: Any) -> tuple[str, str]:
        self.now = self._scheduler.now
        if channel == "":
            raise SlackRefused("channel_not_found")
        answer = super().post(channel, message, **options)
        self._remember(channel, answer[1], message)
        return answer

    def update(self, channel: str, ts: str, message: Any) -> None:
        super().update(channel, ts, message)
        self._remember(channel, ts, message)

    def open_view(self, trigger_id: str, view: dict[str, Any]) -> None:
        task = self._scheduler.task
        if task is not None and self._scheduler.now - task.started_at > TRIGGER_LIVES:
            raise TriggerExpired("expired_trigger_id")
        super().open_view(trigger_id, view)
        if task is not None:
            self._opened(task.detail.user, view)

    def publish_home(self, user_id: str, view: dict[str, Any]) -> None:
        super().publish_home(user_id, view)
        self._for_one[user_id]["home"] = list(_buttons("", "", view["blocks"], user_id))

    def whisper(
        self, channel: str, user_id: str, text: str, blocks: Sequence[dict[str, Any]] = (), *, thread_ts: str = ""
    ) -> None:
        super().whisper(channel, user_id, text, blocks, thread_ts=thread_ts)
        self.said_to(user_id, blocks)

    # What people have before them.

    def said_to(self, user: str, blocks: Iterable[dict[str, Any]]) -> None:
        """An answer that one person sees, in the channel."""
        ts = f"{self._scheduler.now.timestamp():.0f}.999999"
        if buttons := list(_buttons(CHANNEL, ts, blocks, user)):
            self._for_one[user]["answer"] = buttons

    def _remember(self, channel: str, ts: str, message: Any) -> None:
        self._there[channel, ts] = list(_buttons(channel, ts, message.blocks))
        self.shown += self._there[channel, ts]
        for button in self._there[channel, ts]:
            self._seen(button)

    def choose(self, random: Random, user: str, *, stale: bool) -> Button | None:
        """A button this person has before them; a stale one is in a window that was not redrawn."""
        if stale:
            return random.choice(self.shown) if self.shown else None
        there = [button for place, shown in self._there.items() if place in self.messages for button in shown]
        there += [button for shown in self._for_one[user].values() for button in shown]
        return random.choice(there) if there else None

    def delete(self, number: int) -> None:
        """Somebody deletes a message."""
        places = sorted(self.messages)
        if places:
            deleted = self.messages.pop(places[number % len(places)])
            self.deleted.add(deleted.metadata["event_payload"]["key"])

    def cards_of(self, key: ExecutionKey) -> list[tuple[str, str]]:
        """Where this execution's own messages are: in the channel or in a burst's thread."""
        return self._places(CARD_EVENT_TYPE, str(key))

    def burst_cards_of(self, burst_id: str) -> list[tuple[str, str]]:
        return self._places(BURST_EVENT_TYPE, burst_id)

    def _places(self, event_type: str, key: str) -> list[tuple[str, str]]:
        wanted = {"event_type": event_type, "event_payload": {"key": key}}
        return [place for place, message in self.messages.items() if message.metadata == wanted]


def _buttons(channel: str, ts: str, blocks: Iterable[dict[str, Any]], only: str = "") -> Iterator[Button]:
    """Ours among a message's or a view's: in a row of actions, or beside a text."""
    for block in blocks:
        for element in (*block.get("elements", ()), block.get("accessory", {})):
            if element.get("action_id") in OUR_BUTTONS:
                yield Button(channel, ts, element["action_id"], element["value"], only)


class Secrets:
    """The part of SlackSecrets the handler asks."""

    def signing_secrets(self) -> tuple[str, ...]:
        return (SECRET,)

    def signing_secrets_read_again(self) -> tuple[str, ...]:
        return (SECRET,)
