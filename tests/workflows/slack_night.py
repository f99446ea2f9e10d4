"""A night whose cards are looked at: a Night's workflows, notify as its handler runs it, and Slack in memory."""

from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

from bot.bursts import Burst
from bot.model import ExecutionKey, Status
from bot.ports import Store
from bot.slack.port import Chat, Message
from bot.workflows.bursts import draw
from bot.workflows.notify import show
from tests.builders import a_key
from tests.fakes.chat import FakeChat
from tests.workflows.harness import MINUTE, Night
from tests.workflows.meddling import PowerFailure

CHANNEL = "C0DEPLOYS"
BATCH = 10  # as template.yaml's event source mapping


class TimedChat(FakeChat):
    """Remembers when it was asked to draw what: (channel, ts) of the edits, and ts "" for posts."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now=now)
        self.drawn: list[tuple[datetime, str, str]] = []

    def update(self, channel: str, ts: str, message: Message) -> None:
        self.drawn.append((self.now, channel, ts))
        super().update(channel, ts, message)


class SlackNight(Night):
    """A Night with a channel. A pause moves its clock.

    Nothing is inferred, so that bursts are what their own rules make of them; test_inferred_incidents.py is about
    that.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"slack_channel": CHANNEL, "infer_incidents": False, **settings})
        self.slack = TimedChat(self.now)
        self.chat: Chat = self.slack  # a test may put another one before it, or before the store
        self.notify_store: Store = self.store
        self.records: deque[ExecutionKey] = deque()  # notify's own place in the stream
        self.store.on_write = self._written
        self.refused = 0  # what notify counted for its alarm

    def _written(self, key: ExecutionKey) -> None:
        self.stream.append(key)
        self.records.append(key)

    def pause(self, seconds: float) -> None:
        self.now += MINUTE * seconds / 60
        self.slack.now = self.now

    def deliver(self) -> None:
        """Both readers of the stream, to its end."""
        while self.stream or self.records:
            super().deliver()
            if self.records:
                self.notify(*self.next_batch())

    def next_batch(self) -> list[ExecutionKey]:
        return [self.records.popleft() for _ in range(min(BATCH, len(self.records)))]

    def notify(self, *keys: ExecutionKey) -> None:
        """One invocation, as handlers/notify.py goes about it. Where it dies, the stream delivers it again."""
        self.slack.now = self.now
        bursts: set[str] = set()
        store, chat, policy = self.notify_store, self.chat, self.world.policy
        try:
            for key in dict.fromkeys(keys):
                self.refused += not show(key, store, chat, policy, self.now, bursts)
            for burst in sorted(bursts):
                self.refused += not draw(burst, store, chat, policy, self.now, self.pause)
        except PowerFailure:
            self.records.extendleft(reversed(keys))

    def minutes(self, number: float, until: Callable[[], bool] = lambda: False) -> None:
        """Time passes, a minute at a time."""
        for _ in range(int(number)):
            if until():
                return
            self.deliver()
            self.now += MINUTE
            self.sweep()
            self.deliver()

    def fail(self, *numbers: int) -> list[ExecutionKey]:
        """Each of these deploys fails now, and is told; notify has not run yet."""
        keys = [deploy(number) for number in numbers]
        for key in keys:
            self.stage_fails(key)
        return keys

    # What the channel shows.

    def top(self, channel: str = CHANNEL) -> list[Message]:
        """The channel's messages, replies left out."""
        places = [
            place for place in self.slack.messages if place[0] == channel and place not in self.slack.threads
        ]
        return [self.slack.messages[place] for place in places]

    def burst(self) -> Burst:
        """The one burst that was posted."""
        (burst,) = (burst for burst in self.store.bursts.values() if burst.ts)
        return burst

    def burst_card(self) -> Message:
        burst = self.burst()
        return self.slack.messages[burst.channel, burst.ts]

    def title(self) -> str:
        return str(self.burst_card().blocks[0]["text"]["text"])

    def statuses(self) -> set[Status]:
        return {execution.status for execution in self.store.executions.values()}

    def check_all_shown(self) -> None:
        """Every deploy has one message that shows its state, its burst lists that state, and nothing is owed."""
        keys = Counter(message.metadata["event_payload"]["key"] for message in self.slack.messages.values())
        assert set(keys.values()) == {1}, keys
        for key, execution in self.store.executions.items():
            card = self.store.cards[key]
            assert (card.rendered_version, card.due_at) == (execution.version, None), key
            assert keys[str(key)] == 1
            if card.burst:
                assert self.store.members[card.burst][str(key)].version == execution.version
                thread = self.store.bursts[card.burst].ts if card.joined else ""
                assert self.slack.threads.get((card.channel, card.ts), "") == thread
        for burst in self.store.bursts.values():
            assert burst.rendered_version == burst.wanted_version
            tells = burst.issues or any(shown.live for shown in burst.inferred)
            assert burst.due_at is None or tells, "its clock runs on for the incidents it tells of alone"
            assert bool(burst.ts) == bool(self.store.members.get(burst.burst_id))

    def check_no_two_edits_within_a_second(self) -> None:
        """Of the burst cards: what a second holds is one edit."""
        for burst in self.store.bursts.values():
            edits = sorted(at for at, *place in self.slack.drawn if tuple(place) == (burst.channel, burst.ts))
            gaps = [(after - before).total_seconds() for before, after in pairwise(edits)]
            assert all(gap >= 1 for gap in gaps), gaps


def deploy(number: int, **changes: Any) -> ExecutionKey:
    return a_key(pipeline=f"web-{number:02}", execution_id=f"11111111-0000-0000-0000-{number:012}", **changes)
