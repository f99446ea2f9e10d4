"""The store's share of channels and bursts on DynamoDB. DynamoStore is made of this and of its own."""

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from bot.adapters import burst_items as items
from bot.adapters.dynamodb_table import BEGINS_WITH, ConditionFailed, Table, put_request, update_request
from bot.adapters.plain_values import plain_instant
from bot.adapters.table_items import DUE, Item, Key
from bot.bursts import Burst, BurstLine, ChannelRecord
from bot.errors import VersionConflict

T = TypeVar("T")


class DynamoBursts:
    """bot.burst_store.BurstStore over one DynamoDB table."""

    _table: Table
    _new_write_id: Callable[[], str]

    @abstractmethod
    def _load(self, key: Key, read: Callable[[Item], T]) -> T | None: ...

    @abstractmethod
    def _write(self, send: Callable[[], None], mark: Key, write_id: str) -> None: ...

    def load_channel(self, channel: str) -> ChannelRecord | None:
        return self._load(items.channel_key(channel), items.read_channel)

    def save_channel(self, record: ChannelRecord) -> None:
        self._put(items.channel_item(record), items.channel_key(record.channel), record.revision)

    def load_burst(self, burst_id: str) -> Burst | None:
        return self._load(items.burst_key(burst_id), items.read_burst)

    def save_burst(self, burst: Burst) -> None:
        self._put(items.burst_item(burst), items.burst_key(burst.burst_id), burst.revision)

    def save_line(self, burst_id: str, line: BurstLine, now: datetime) -> None:
        key, write_id = items.line_key(burst_id, line.key), self._new_write_id()
        stored = self._load(key, items.read_line)
        if stored is not None and stored.version >= line.version:
            return
        wanted: dict[str, Any] = {"due": DUE, "due_at": plain_instant(now)}
        requests = [
            put_request(
                {**items.line_item(burst_id, line), "write_id": write_id},
                {"version": stored.version if stored else None},
            ),
            update_request(
                items.burst_key(burst_id),
                wanted,
                add={"wanted_version": 1, "revision": 1},
                only_if={"sk": "BURST"},  # it is there
            ),
        ]
        try:
            self._write(lambda: self._table.transact(requests, write_id), key, write_id)
        except ConditionFailed as refusal:
            raise VersionConflict(f"burst {burst_id}: the line of {line.key} was saved by others") from refusal

    def burst_lines(self, burst_id: str) -> tuple[BurstLine, ...]:
        rows = self._table.every(("pk", items.burst_key(burst_id)["pk"]), sort=(BEGINS_WITH, "sk", items.LINE))
        return tuple(items.read_line(row) for row in rows)

    def _put(self, item: Item, key: Key, revision: int) -> None:
        write_id = self._new_write_id()
        request = put_request({**item, "write_id": write_id}, {"revision": revision - 1 or None})
        try:
            self._write(lambda: self._table.put(request), key, write_id)
        except ConditionFailed as refusal:
            raise VersionConflict(f"{key['pk']}: revision {revision - 1} is not the newest") from refusal
