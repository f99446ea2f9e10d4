"""What a waiting gate writes down, and how its wait ends. And what the store keeps of it, as a protocol."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.model import Blocker


class HoldEnd(StrEnum):
    """How a gate's wait ended, by its own last answer."""

    PASSED = "PASSED"
    STOPPED = "STOPPED"  # it failed its job: its time was up, or it could not run


@dataclass(frozen=True, slots=True)
class Hold:
    """What a waiting gate writes down each time it keeps its job. Only the gate writes it, and only this."""

    account: str
    region: str
    pipeline: str
    execution_id: str
    since_at: datetime  # when the wait began
    seen_at: datetime  # when the gate last answered a job
    ends_at: datetime  # it fails its job then, before CodePipeline would
    blockers: tuple[Blocker, ...]
    due_at: datetime
    ended: HoldEnd | None = None
    stage: str = ""  # the stage the gate stands in; "" where CodePipeline would not tell it
    reason: str = ""  # the sentence the card says
    overridden_by: str = ""  # a Slack user id; "" when nobody had to

    @property
    def key(self) -> str:
        return "#".join((self.account, self.region, self.pipeline, self.execution_id))


class HoldStore(Protocol):
    """Loads are consistent. bot.ports.Store is one."""

    def load_hold(self, key: str) -> Hold | None: ...

    def save_hold(self, hold: Hold) -> None:
        """Write it, whatever was there: each continuation of the gate's job knows the newest."""
        ...

    def drop_hold(self, hold: Hold) -> None:
        """Remove it, unless the gate has answered another job since (another `seen_at`)."""
        ...
