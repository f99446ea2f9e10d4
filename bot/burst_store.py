"""What the store keeps of channels and bursts, as a protocol. bot.ports.Store is one."""

from datetime import datetime
from typing import Protocol

from bot.bursts import Burst, BurstLine, ChannelRecord


class BurstStore(Protocol):
    """Loads are consistent."""

    def load_channel(self, channel: str) -> ChannelRecord | None: ...

    def save_channel(self, record: ChannelRecord) -> None:
        """`record.revision` must be one more than the stored one (1: must not exist), else VersionConflict."""
        ...

    def load_burst(self, burst_id: str) -> Burst | None: ...

    def save_burst(self, burst: Burst) -> None:
        """As save_channel. `save_line` raises the revision too."""
        ...

    def save_line(self, burst_id: str, line: BurstLine, now: datetime) -> None:
        """Save a member's line unless a version as new is there; in the same transaction want the burst drawn.

        That is: wanted_version and revision rise by one, and its clock is due now. Raises VersionConflict when
        another version of the line was saved meanwhile, or there is no such burst.
        """
        ...

    def burst_lines(self, burst_id: str) -> tuple[BurstLine, ...]:
        """Every line, in key order."""
        ...
