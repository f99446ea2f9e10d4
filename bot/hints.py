"""A failure that somebody reported, kept until the truth about it was read. Values only, no I/O."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hint:
    """A failure somebody reported, saved before the truth about it is read so that nothing can lose it."""

    account: str
    region: str
    pipeline: str
    execution_id: str
    seen_at: datetime
    due_at: datetime
    token: str  # changes with every report; a hint is dropped only as the one that was loaded
    tries: int = 0

    @property
    def key(self) -> str:
        return "#".join((self.account, self.region, self.pipeline, self.execution_id))
