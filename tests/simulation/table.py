"""The table in memory whose indexes lag behind: what they answer may be of a while ago."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bot.model import Execution, ExecutionKey
from bot.ports import Due, Page
from tests.fakes.store import MemoryStore
from tests.simulation.scheduler import Scheduler
from tests.simulation.weather import Weather

KEPT = timedelta(seconds=90)
DICTS = ("executions", "cards", "hints", "issues", "holds", "bursts", "regions")


class Table(MemoryStore):
    """bot.ports.Store. The base table is consistent, its indexes are a snapshot taken some seconds ago."""

    def __init__(
        self, scheduler: Scheduler, weather: Weather, random: Random, on_write: Callable[[ExecutionKey], None]
    ) -> None:
        super().__init__(on_write=on_write)
        self._scheduler = scheduler
        self._weather = weather
        self._random = random
        self._snapshots: deque[tuple[datetime, dict[str, dict[Any, Any]]]] = deque()

    def keep(self) -> None:
        """Remember how the table stands now; called after each write."""
        now = self._scheduler.now
        self._snapshots.append((now, {name: dict(getattr(self, name)) for name in DICTS}))
        while self._snapshots[0][0] < now - KEPT:
            self._snapshots.popleft()

    def _index(self) -> MemoryStore:
        lag = self._weather.rate("index lag")
        if not lag or not self._snapshots:
            return self
        seen_at = self._scheduler.now - timedelta(seconds=self._random.random() * lag)
        past = [contents for at, contents in self._snapshots if at <= seen_at]
        return MemoryStore(**past[-1]) if past else self

    def due(self, now: datetime, limit: int) -> tuple[Due, ...]:
        return MemoryStore.due(self._index(), now, limit)

    def unfinished(self, after: str, limit: int) -> Page[Execution]:
        return MemoryStore.unfinished(self._index(), after, limit)

    def finished(self, limit: int) -> tuple[Execution, ...]:
        return MemoryStore.finished(self._index(), limit)

    def of_pipeline(self, pipeline: str, limit: int) -> tuple[Execution, ...]:
        return MemoryStore.of_pipeline(self._index(), pipeline, limit)
