"""Where moto's DynamoDB differs from AWS's in a way the bot could notice, or is too slow for a long story."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.core import serialize
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamShard, Table


def correct(database: DynamoDBBackend) -> None:
    """Correct what moto has made: the database and its tables. What is made later needs another call."""
    database.__class__ = _Database
    for table in database.tables.values():
        table.__class__ = _Table  # type: ignore[type-abstract]  # no less concrete than moto's own
        if table.stream_shard is not None:
            table.stream_shard.__class__ = _Shard
    serialize.ResponseSerializer.get_value = _get_value  # type: ignore[method-assign]  # see there


class _Shard(StreamShard):
    def add(self, old: Item | None, new: Item | None) -> None:
        """DynamoDB streams changes only: writing what is there already leaves no record."""
        if old is None or new is None or old.to_json() != new.to_json():
            super().add(old, new)


class _Table(Table):
    _shown: list[Item] | None = None  # while a query runs: what it may find

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Table":
        """The snapshot that moto takes of the whole table for each transaction: its records, but not its items.

        Those are shared, for speed; what a failed transaction did to them, `_Database` puts back.
        """
        snapshot = copy.copy(self)
        if self.stream_shard is not None:
            snapshot.stream_shard = copy.copy(self.stream_shard)
            snapshot.stream_shard.items = list(self.stream_shard.items)
            snapshot.stream_shard.table = snapshot
        memo[id(self)] = snapshot
        return snapshot

    def query(self, hash_key: DynamoType | None, *args: Any, **kwargs: Any) -> Any:
        """moto sorts the whole table for each query; only what can be found is shown to it."""
        index_name = kwargs.get("index_name", args[6] if len(args) > 6 else None)
        if index_name:
            self._shown = self.has_idx_items(index_name)
        else:
            self._shown = list(self.items[hash_key].values()) if hash_key in self.items else []
        try:
            return super().query(hash_key, *args, **kwargs)
        finally:
            self._shown = None

    def all_items(self) -> list[Item]:
        return super().all_items() if self._shown is None else self._shown


class _Database(DynamoDBBackend):
    __module__ = DynamoDBBackend.__module__  # moto finds a backend's URLs by its module's name

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        requests = [request for entry in transact_items for request in entry.values()]
        before = list(self._items(requests))
        try:
            super().transact_write_items(transact_items)
        except BaseException:
            for table_name, hash_key, range_key, item in before:
                kept = self.tables[table_name].items[hash_key]
                kept.pop(range_key, None)
                if item is not None:
                    kept[range_key] = item
            raise

    def _items(
        self, requests: Iterable[Mapping[str, Any]]
    ) -> Iterator[tuple[str, DynamoType, DynamoType | None, Item | None]]:
        """The items a transaction names, as they are: table, partition key, sort key, a copy or None."""
        for request in requests:
            table = self.tables.get(request["TableName"])
            key = request.get("Key") or request["Item"]
            if table and {table.hash_key_attr, table.range_key_attr} <= set(key):  # or else it is refused
                hash_key, range_key = self.get_keys_value(table, key)
                yield table.name, hash_key, range_key, copy.deepcopy(table.get_item(hash_key, range_key))

    def update_item(self, table_name: str, *args: Any, **kwargs: Any) -> Item:
        """moto streams an item that an update creates twice, first with its key alone; DynamoDB once."""
        shard = self.get_table(table_name).stream_shard
        count = len(shard.items) if shard else 0
        item = super().update_item(table_name, *args, **kwargs)
        if shard is not None and len(shard.items) == count + 2:
            sequence_number = shard.items[count].record["dynamodb"]["SequenceNumber"]
            del shard.items[count]
            shard.items[count].record["dynamodb"]["SequenceNumber"] = sequence_number
        return item


_TYPES = frozenset(("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"))
_moto_get_value = serialize.ResponseSerializer.get_value


def _get_value(self: serialize.ResponseSerializer, value: Any, key: str, shape: Any) -> Any:
    """An attribute's value is kept as it is written; moto tries every spelling of every type, at great length."""
    if key in _TYPES and isinstance(value, dict) and len(value) == 1 and _TYPES.issuperset(value):
        return value.get(key)
    return _moto_get_value(self, value, key, shape)
