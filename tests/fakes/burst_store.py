"""The memory store's share of channels and bursts."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.bursts import Burst, BurstLine, ChannelRecord
from bot.errors import VersionConflict


@dataclass
class MemoryBursts:
    """bot.burst_store.BurstStore in dicts that a test may look into."""

    channels: dict[str, ChannelRecord] = field(default_factory=dict)
    bursts: dict[str, Burst] = field(default_factory=dict)
    members: dict[str, dict[str, BurstLine]] = field(default_factory=dict)

    def load_channel(self, channel: str) -> ChannelRecord | None:
        return self.channels.get(channel)

    def save_channel(self, record: ChannelRecord) -> None:
        stored = self.channels.get(record.channel)
        if record.revision != (stored.revision if stored else 0) + 1:
            raise VersionConflict(record.channel)
        self.channels[record.channel] = record

    def load_burst(self, burst_id: str) -> Burst | None:
        return self.bursts.get(burst_id)

    def save_burst(self, burst: Burst) -> None:
        stored = self.bursts.get(burst.burst_id)
        if burst.revision != (stored.revision if stored else 0) + 1:
            raise VersionConflict(burst.burst_id)
        self.bursts[burst.burst_id] = burst

    def save_line(self, burst_id: str, line: BurstLine, now: datetime) -> None:
        lines = self.members.setdefault(burst_id, {})
        if line.key in lines and lines[line.key].version >= line.version:
            return
        burst = self.bursts.get(burst_id)
        if burst is None:
            raise VersionConflict(burst_id)
        lines[line.key] = line
        self.bursts[burst_id] = replace(
            burst, revision=burst.revision + 1, wanted_version=burst.wanted_version + 1, due_at=now
        )

    def burst_lines(self, burst_id: str) -> tuple[BurstLine, ...]:
        return tuple(line for _, line in sorted(self.members.get(burst_id, {}).items()))
