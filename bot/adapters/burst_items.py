"""What the table's items about channels and bursts look like (docs/architecture.md). Readers raise ParseError."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.adapters.plain_values import from_plain, to_plain
from bot.adapters.table_items import DUE, RETENTION, Item, Key, epoch, read_item
from bot.bursts import Burst, BurstLine, ChannelRecord

LINE = "LINE#"


def channel_key(channel: str) -> Key:
    return {"pk": f"CHANNEL#{channel}", "sk": "CHANNEL"}


def burst_key(burst_id: str) -> Key:
    return {"pk": f"BURST#{burst_id}", "sk": "BURST"}


def line_key(burst_id: str, key: str) -> Key:
    return {"pk": f"BURST#{burst_id}", "sk": f"{LINE}{key}"}


def channel_item(record: ChannelRecord) -> Item:
    item: Item = {**to_plain(record), **channel_key(record.channel)}
    return item if record.at is None else {**item, "expires_at": _lapses_at(record.at)}


def read_channel(item: Mapping[str, Any]) -> ChannelRecord:
    return read_item(item, lambda: from_plain(ChannelRecord, item))


def burst_item(burst: Burst) -> Item:
    """The burst itself. It goes 90 days after it was last heard of."""
    known = (burst.opened_at, burst.drawn_at, burst.due_at)
    item: Item = {**to_plain(burst), **burst_key(burst.burst_id)}
    item["expires_at"] = _lapses_at(max(at for at in known if at is not None))
    return item if burst.due_at is None else {**item, "due": DUE}


def read_burst(item: Mapping[str, Any]) -> Burst:
    return read_item(item, lambda: from_plain(Burst, item))


def line_item(burst_id: str, line: BurstLine) -> Item:
    return {**to_plain(line), **line_key(burst_id, line.key), "expires_at": _lapses_at(line.at)}


def read_line(item: Mapping[str, Any]) -> BurstLine:
    return read_item(item, lambda: from_plain(BurstLine, item))


def _lapses_at(heard_of_at: datetime) -> int:
    return epoch(heard_of_at + RETENTION)
