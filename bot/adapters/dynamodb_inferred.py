"""The store's share of inferred incidents on DynamoDB. DynamoStore is made of this and of its own."""

from abc import abstractmethod
from collections.abc import Callable
from typing import TypeVar

from bot.adapters.dynamodb_table import Table, readable
from bot.adapters.inferred_items import inferred_item, read_inferred
from bot.adapters.table_items import INFERRED, Item, Key, inferred_key
from bot.inferred import RegionRecord

T = TypeVar("T")


class DynamoInferred:
    """bot.inferred_store.InferredStore over one DynamoDB table."""

    _table: Table

    @abstractmethod
    def _load(self, key: Key, read: Callable[[Item], T]) -> T | None: ...

    @abstractmethod
    def _put(self, item: Item, key: Key, revision: int) -> None: ...

    def load_inferred(self, region: str) -> RegionRecord | None:
        return self._load(inferred_key(region), read_inferred)

    def save_inferred(self, record: RegionRecord) -> None:
        self._put(inferred_item(record), inferred_key(record.region), record.revision)

    def inferred(self) -> tuple[RegionRecord, ...]:
        return tuple(readable(self._table.every(("pk", INFERRED)), read_inferred))
