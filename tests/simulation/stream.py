"""The table's stream and its two readers: per item in order, at least once, in batches, each tried five times."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

from bot.model import ExecutionKey
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.weather import Weather

BATCH = 10  # template.yaml: BatchSize
TRIES = 5  # template.yaml: MaximumRetryAttempts 4
SHARDS = 2
TIMEOUT = timedelta(seconds=60)
SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Record:
    number: int
    key: ExecutionKey
    tries: int = 0

    def wire(self) -> dict[str, Any]:
        keys = {"pk": {"S": f"EXEC#{self.key}"}, "sk": {"S": "STATE"}}
        return {"dynamodb": {"Keys": keys, "SequenceNumber": str(self.number)}}


class Context:
    """What Lambda says about the time that is left."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._deadline = scheduler.now + TIMEOUT

    def get_remaining_time_in_millis(self) -> int:
        return int((self._deadline - self._scheduler.now) / timedelta(milliseconds=1))


class Reader:
    """One event source mapping. An item's records stay on one shard, and a shard has one batch in flight."""

    def __init__(
        self, name: str, handler: Callable[[Any, Any], Any], scheduler: Scheduler, weather: Weather, random: Random
    ) -> None:
        self.name = name
        self.given_up: list[Record] = []
        self._handler = handler
        self._scheduler = scheduler
        self._weather = weather
        self._random = random
        self._numbers = count(1)
        self._shards: list[deque[Record]] = [deque() for _ in range(SHARDS)]
        self._busy = [False] * SHARDS
        self._bisected = [BATCH] * SHARDS

    @property
    def idle(self) -> bool:
        return not any(self._shards) and not any(self._busy)

    def append(self, key: ExecutionKey) -> None:
        shard = sum(map(ord, str(key))) % SHARDS
        self._shards[shard].append(Record(next(self._numbers), key))
        if not self._busy[shard]:
            self._poll_soon(shard)

    def _poll_soon(self, shard: int, backoff: float = 0) -> None:
        self._busy[shard] = True
        lag = self._random.random() * (self._weather.rate("stream lag") or 0.4)
        self._scheduler.after((lag + backoff) * SECOND, lambda: self._poll(shard))

    def _poll(self, shard: int) -> None:
        queue = self._shards[shard]
        if not queue:
            self._busy[shard] = False
            return
        batch = [queue[number] for number in range(min(len(queue), self._bisected[shard]))]
        event = {"Records": [record.wire() for record in batch]}
        context = Context(self._scheduler)
        self._scheduler.spawn(
            self.name,
            lambda: self._handler(event, context),
            TIMEOUT,
            lambda task: self._done(shard, batch, task),
        )

    def _done(self, shard: int, batch: list[Record], task: Task) -> None:
        queue = self._shards[shard]
        if task.error is not None:
            reached = 0  # all of it comes again, in halves
            self._bisected[shard] = max(1, len(batch) // 2)
        else:
            failed = {int(failure["itemIdentifier"]) for failure in task.answer["batchItemFailures"]}
            reached = next((n for n, record in enumerate(batch) if record.number in failed), len(batch))
            self._bisected[shard] = BATCH
        again = reached == len(batch) and self._weather.strikes("duplicates")
        if not again:  # a batch that comes twice although it was answered
            for _ in range(reached):
                queue.popleft()
        for record in batch[reached:]:
            record.tries += 1
        while queue and queue[0].tries >= TRIES:
            self.given_up.append(queue.popleft())
        self._poll_soon(shard, 0.0 if reached else self._random.random() * 4)
