"""The memory store's share of inferred incidents."""

from dataclasses import dataclass, field

from bot.errors import VersionConflict
from bot.inferred import RegionRecord


@dataclass
class MemoryInferred:
    """bot.inferred_store.InferredStore in a dict that a test may look into."""

    regions: dict[str, RegionRecord] = field(default_factory=dict)

    def load_inferred(self, region: str) -> RegionRecord | None:
        return self.regions.get(region)

    def save_inferred(self, record: RegionRecord) -> None:
        stored = self.regions.get(record.region)
        if record.revision != (stored.revision if stored else 0) + 1:
            raise VersionConflict(record.region)
        self.regions[record.region] = record

    def inferred(self) -> tuple[RegionRecord, ...]:
        return tuple(record for _, record in sorted(self.regions.items()))
