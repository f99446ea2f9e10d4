"""What the table's items about inferred incidents look like (docs/architecture.md). Readers raise ParseError."""

from collections.abc import Mapping
from typing import Any

from bot.adapters.plain_values import from_plain, to_plain
from bot.adapters.table_items import DUE, RETENTION, Item, epoch, inferred_key, read_item
from bot.inferred import RegionRecord


def inferred_item(record: RegionRecord) -> Item:
    """It goes 90 days after anything was last seen in the Region."""
    item: Item = {**to_plain(record), **inferred_key(record.region)}
    if record.at is not None:
        item["expires_at"] = epoch(record.at + RETENTION)
    return item if record.due_at is None else {**item, "due": DUE}


def read_inferred(item: Mapping[str, Any]) -> RegionRecord:
    return read_item(item, lambda: from_plain(RegionRecord, item))
