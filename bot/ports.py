"""What the domain asks of the world. Adapters implement these over AWS and Slack; tests over memory.

Every method may raise what its docstring names; anything else is a bug or a dead service and propagates.
The CI/CD tool's port is a file of its own, `bot/pipelines.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from bot.burst_store import BurstStore
from bot.card_ref import CardRef
from bot.hints import Hint
from bot.holds import HoldStore
from bot.inferred_store import InferredStore
from bot.model import Entry, Execution, ExecutionKey, Issue, IssueReport, Override
from bot.pipelines import Pipelines, PlannedAction, StageStatus, StageTruth
from bot.running import RunningStages

__all__ = [
    "Calendar",
    "CalendarState",
    "Due",
    "DueKind",
    "Health",
    "Page",
    "Pipelines",
    "PlannedAction",
    "StageStatus",
    "StageTruth",
    "Store",
    "Turn",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a query. `cursor` is None on the last."""

    items: tuple[T, ...]
    cursor: str | None = None


class DueKind(StrEnum):
    EXECUTION = "EXECUTION"
    CARD = "CARD"
    HINT = "HINT"
    ISSUE = "ISSUE"
    HOLD = "HOLD"
    BURST = "BURST"
    INFERRED = "INFERRED"


@dataclass(frozen=True, slots=True)
class Due:
    """Something whose clock has come. `key`: str(ExecutionKey), a hint's, issue's or hold's, or a burst's id.

    Of what was inferred the Region.
    """

    kind: DueKind
    key: str
    due_at: datetime


class Turn(StrEnum):
    """Whose turn it is to carry out a request that its sender repeats until it is answered."""

    FIRST = "FIRST"  # ours, and nobody began before
    AGAIN = "AGAIN"  # ours, and somebody began before whose outcome is not known: look first
    BUSY = "BUSY"  # somebody may be at it this moment
    DONE = "DONE"  # it was carried out


class Store(BurstStore, HoldStore, InferredStore, RunningStages, Protocol):
    """The table. Loads are consistent; `due`, `unfinished`, `finished`, `of_pipeline` read indexes: hints only."""

    def load_execution(self, key: ExecutionKey) -> Execution | None: ...

    def save_execution(
        self,
        execution: Execution,
        *,
        holding: Sequence[str] = (),
        click: str | None = None,
        click_expires_at: datetime | None = None,
        override: Override | None = None,
    ) -> None:
        """Save state, history (the trail's last entry), the card's wanted version and clock, in one transaction.

        `execution.version` must be one more than the stored version (1: must not exist), else VersionConflict.
        `holding` are issue keys: the issue → execution edges written in the same transaction.
        `click` marks a Slack request as used, in the same transaction: DuplicateClick if it was used before.
        `override` is written in the same transaction too, so it is visible before any retry it was given for.
        """
        ...

    def overrides(self, account: str, region: str, pipeline: str, execution_id: str) -> tuple[Override, ...]:
        """Every override given for a stage of this execution, expired ones that TTL left there included."""
        ...

    def wake_execution(self, key: ExecutionKey, now: datetime) -> None:
        """Touch the item, outside its version and history, so that the stream delivers it again."""
        ...

    def history(self, key: ExecutionKey) -> tuple[Entry, ...]:
        """Every line, oldest first."""
        ...

    def load_card(self, key: ExecutionKey) -> CardRef | None: ...

    def save_card(self, card: CardRef) -> None:
        """`card.revision` must be one more than the stored one, else VersionConflict. Wakes nobody.

        `save_execution` raises the revision too: a card saved over a newer wanted version conflicts.
        """
        ...

    def load_hint(self, key: str) -> Hint | None: ...

    def save_hint(self, hint: Hint) -> None:
        """Write it, whatever was there."""
        ...

    def drop_hint(self, hint: Hint) -> None:
        """Remove it, unless a newer report (another token) replaced it."""
        ...

    def load_issue(self, key: str) -> Issue | None: ...

    def save_issue(
        self, issue: Issue, *, click: str | None = None, click_expires_at: datetime | None = None
    ) -> None:
        """`issue.version` must be one more than the stored version (1: must not exist), else VersionConflict.

        `click` as in `save_execution`.
        """
        ...

    def ledger(self) -> tuple[Issue, ...]:
        """Every issue that has not expired, by one consistent query."""
        ...

    def held_by(self, issue: str, after: str, limit: int) -> Page[ExecutionKey]:
        """The issue's edges, from the base table, consistently, in key order, `after` a cursor ("" = start)."""
        ...

    def due(self, now: datetime, limit: int) -> tuple[Due, ...]:
        """What is due at or before `now`, oldest first."""
        ...

    def postpone(self, due: Due, until: datetime) -> None:
        """Push a clock without reading the item (which may be what cannot be read). No-op if it moved since."""
        ...

    def unfinished(self, after: str, limit: int) -> Page[Execution]:
        """Executions that are not finished, oldest failure first."""
        ...

    def finished(self, limit: int) -> tuple[Execution, ...]:
        """Finished executions, the newest end first."""
        ...

    def take_turn(self, request: str, now: datetime, lease: timedelta, expires_at: datetime) -> Turn:
        """Begin a request, or learn that somebody did; `lease` outlives whoever is at it."""
        ...

    def end_turn(self, request: str) -> None:
        """The request was carried out: every later turn is DONE."""
        ...

    def of_pipeline(self, pipeline: str, limit: int) -> tuple[Execution, ...]:
        """A pipeline's executions by name (any Region), newest failure first."""
        ...


class Health(Protocol):
    """The AWS Health API."""

    def open_issues(self, regions: Sequence[str]) -> tuple[IssueReport, ...]:
        """Open events of category issue in these Regions and `global`, every page.

        Raises NoSupportPlan, HealthUnreadable.
        """
        ...

    def describe(self, arns: Sequence[str]) -> tuple[IssueReport, ...]:
        """The current reports of these events, any status; unknown ARNs are left out. Raises as open_issues."""
        ...


@dataclass(frozen=True, slots=True)
class CalendarState:
    """What a change calendar says now."""

    open: bool
    changes_at: datetime | None = None  # when that changes next, if it ever does


class Calendar(Protocol):
    """AWS Systems Manager Change Calendar."""

    def state(self, calendar: str) -> CalendarState:
        """What it says now; by name (of our own account and Region) or ARN. Raises CalendarUnreadable."""
        ...
