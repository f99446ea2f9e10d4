"""What the store keeps of inferred incidents, as a protocol. bot.ports.Store is one."""

from typing import Protocol

from bot.inferred import RegionRecord


class InferredStore(Protocol):
    """Loads are consistent."""

    def load_inferred(self, region: str) -> RegionRecord | None: ...

    def save_inferred(self, record: RegionRecord) -> None:
        """`record.revision` must be one more than the stored one (1: must not exist), else VersionConflict."""
        ...

    def inferred(self) -> tuple[RegionRecord, ...]:
        """Every Region's record, by one query."""
        ...
