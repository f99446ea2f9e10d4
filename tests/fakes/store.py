"""The store's twin in memory, held to the same contract (tests/contract/test_store.py)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bot.adapters.table_items import opened
from bot.card_ref import CardRef
from bot.errors import DuplicateClick, ParseError, VersionConflict
from bot.hints import Hint
from bot.holds import Hold
from bot.inferred import RegionRecord
from bot.model import Entry, Execution, ExecutionKey, Issue, Override
from bot.ports import Due, DueKind, Page, Turn
from bot.running import RunningStage
from tests.fakes.burst_store import MemoryBursts
from tests.fakes.inferred_store import MemoryInferred


@dataclass
class MemoryStore(MemoryBursts, MemoryInferred):
    """bot.ports.Store in dicts that a test may look into.

    `on_write` is called after an execution was saved or woken: it stands in for the stream.
    `unreadable` items raise ParseError when they are loaded and are left out of listings; `due` still names them.
    """

    on_write: Callable[[ExecutionKey], None] | None = None
    executions: dict[ExecutionKey, Execution] = field(default_factory=dict)
    lines: dict[ExecutionKey, list[Entry]] = field(default_factory=dict)
    cards: dict[ExecutionKey, CardRef] = field(default_factory=dict)
    hints: dict[str, Hint] = field(default_factory=dict)
    issues: dict[str, Issue] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    runs: dict[ExecutionKey, RunningStage] = field(default_factory=dict)
    edges: dict[str, set[str]] = field(default_factory=dict)
    clicks: set[str] = field(default_factory=set)
    turns: dict[str, datetime | None] = field(default_factory=dict)
    """When each repeated request was begun; None once it was carried out."""
    given: dict[ExecutionKey, Override] = field(default_factory=dict)
    woken: list[tuple[ExecutionKey, datetime]] = field(default_factory=list)
    unreadable: set[tuple[DueKind, str]] = field(default_factory=set)

    def load_execution(self, key: ExecutionKey) -> Execution | None:
        self._refuse_unreadable(DueKind.EXECUTION, str(key))
        return self.executions.get(key)

    def save_execution(
        self,
        execution: Execution,
        *,
        holding: Sequence[str] = (),
        click: str | None = None,
        click_expires_at: datetime | None = None,  # noqa: ARG002 - nothing expires here
        override: Override | None = None,
    ) -> None:
        if not execution.trail or execution.trail[-1].version != execution.version:
            raise ValueError("the trail's last entry is not this version's")
        if override is not None and override.key != execution.key:
            raise ValueError("an override is saved with the stage it is for")
        key, stored = execution.key, self.executions.get(execution.key)
        if click is not None and click in self.clicks:
            raise DuplicateClick(f"{key}: this click was carried out before")
        if execution.version != (stored.version if stored else 0) + 1:
            raise VersionConflict(str(key))
        self.executions[key] = execution
        self.lines.setdefault(key, []).append(execution.trail[-1])
        card = self.cards.get(key, CardRef(key, revision=0, wanted_version=0))
        self.cards[key] = replace(
            card,
            revision=card.revision + 1,
            wanted_version=execution.version,
            due_at=execution.trail[-1].at,
        )
        for issue in holding:
            self.edges.setdefault(issue, set()).add(str(key))
        if click is not None:
            self.clicks.add(click)
        if override is not None:
            self.given[key] = override
        if self.on_write:
            self.on_write(key)

    def overrides(self, account: str, region: str, pipeline: str, execution_id: str) -> tuple[Override, ...]:
        run = (account, region, pipeline, execution_id)
        return tuple(
            override
            for key, override in sorted(self.given.items())
            if (key.account, key.region, key.pipeline, key.execution_id) == run
        )

    def wake_execution(self, key: ExecutionKey, now: datetime) -> None:
        if key not in self.executions:
            return
        self.woken.append((key, now))
        if self.on_write:
            self.on_write(key)

    def history(self, key: ExecutionKey) -> tuple[Entry, ...]:
        return tuple(self.lines.get(key, ()))

    def load_card(self, key: ExecutionKey) -> CardRef | None:
        self._refuse_unreadable(DueKind.CARD, str(key))
        return self.cards.get(key)

    def save_card(self, card: CardRef) -> None:
        stored = self.cards.get(card.key)
        if card.revision != (stored.revision if stored else 0) + 1:
            raise VersionConflict(str(card.key))
        self.cards[card.key] = card

    def load_hint(self, key: str) -> Hint | None:
        self._refuse_unreadable(DueKind.HINT, key)
        return self.hints.get(key)

    def save_hint(self, hint: Hint) -> None:
        self.hints[hint.key] = hint

    def drop_hint(self, hint: Hint) -> None:
        stored = self.hints.get(hint.key)
        if stored is not None and stored.token == hint.token:
            del self.hints[hint.key]

    def load_hold(self, key: str) -> Hold | None:
        self._refuse_unreadable(DueKind.HOLD, key)
        return self.holds.get(key)

    def save_hold(self, hold: Hold) -> None:
        self.holds[hold.key] = hold

    def drop_hold(self, hold: Hold) -> None:
        stored = self.holds.get(hold.key)
        if stored is not None and stored.seen_at == hold.seen_at:
            del self.holds[hold.key]

    def save_running(self, stage: RunningStage) -> None:
        self.runs[stage.key] = stage

    def postpone_running(self, stage: RunningStage, until: datetime) -> None:
        stored = self.runs.get(stage.key)
        if stored is not None and stored.since_at == stage.since_at:
            self.runs[stage.key] = replace(stored, look_at=until)

    def drop_running(self, key: ExecutionKey, ended_at: datetime) -> None:
        stored = self.runs.get(key)
        if stored is not None and stored.since_at <= ended_at:
            del self.runs[key]

    def running(self, limit: int) -> tuple[RunningStage, ...]:
        return tuple(self.runs[key] for key in sorted(self.runs, key=str)[:limit])

    def load_issue(self, key: str) -> Issue | None:
        self._refuse_unreadable(DueKind.ISSUE, key)
        return self.issues.get(key)

    def save_issue(
        self,
        issue: Issue,
        *,
        click: str | None = None,
        click_expires_at: datetime | None = None,  # noqa: ARG002 - nothing expires here
    ) -> None:
        stored = self.issues.get(issue.key)
        if click is not None and click in self.clicks:
            raise DuplicateClick(f"{issue.key}: this click was carried out before")
        if issue.version != (stored.version if stored else 0) + 1:
            raise VersionConflict(issue.key)
        lapses_at = issue.expires_at and issue.expires_at.replace(microsecond=0)  # the table keeps whole seconds
        self.issues[issue.key] = replace(issue, expires_at=lapses_at)
        if click is not None:
            self.clicks.add(click)

    def ledger(self) -> tuple[Issue, ...]:
        return tuple(
            issue for key, issue in sorted(self.issues.items()) if (DueKind.ISSUE, key) not in self.unreadable
        )

    def load_inferred(self, region: str) -> RegionRecord | None:
        self._refuse_unreadable(DueKind.INFERRED, region)
        return super().load_inferred(region)

    def inferred(self) -> tuple[RegionRecord, ...]:
        known = super().inferred()
        return tuple(each for each in known if (DueKind.INFERRED, each.region) not in self.unreadable)

    def held_by(self, issue: str, after: str, limit: int) -> Page[ExecutionKey]:
        rest = sorted(key for key in self.edges.get(issue, ()) if key > after)
        cursor = rest[limit - 1] if len(rest) > limit else None
        return Page(tuple(ExecutionKey.parse(key) for key in rest[:limit]), cursor)

    def due(self, now: datetime, limit: int) -> tuple[Due, ...]:
        clocks = [
            *((DueKind.EXECUTION, str(key), each.due_at) for key, each in self.executions.items()),
            *((DueKind.CARD, str(key), each.due_at) for key, each in self.cards.items()),
            *((DueKind.HINT, key, each.due_at) for key, each in self.hints.items()),
            *((DueKind.HOLD, key, each.due_at) for key, each in self.holds.items()),
            *((DueKind.ISSUE, key, each.due_at) for key, each in self.issues.items()),
            *((DueKind.BURST, key, each.due_at) for key, each in self.bursts.items()),
            *((DueKind.INFERRED, key, each.due_at) for key, each in self.regions.items()),
        ]
        come = [Due(kind, key, at) for kind, key, at in clocks if at is not None and at <= now]
        return tuple(sorted(come, key=lambda due: (due.due_at, due.kind, due.key))[:limit])

    def postpone(self, due: Due, until: datetime) -> None:
        if due.kind is DueKind.EXECUTION:
            _push(self.executions, ExecutionKey.parse(due.key), due, until)
        elif due.kind is DueKind.CARD:
            _push(self.cards, ExecutionKey.parse(due.key), due, until)
        elif due.kind is DueKind.HINT:
            _push(self.hints, due.key, due, until)
        elif due.kind is DueKind.HOLD:
            _push(self.holds, due.key, due, until)
        elif due.kind is DueKind.BURST:
            _push(self.bursts, due.key, due, until)
        elif due.kind is DueKind.INFERRED:
            _push(self.regions, due.key, due, until)
        else:
            _push(self.issues, due.key, due, until)

    def unfinished(self, after: str, limit: int) -> Page[Execution]:
        rows = [each for each in self._by_age() if not each.status.finished and _opened(each) > after]
        cursor = _opened(rows[limit - 1]) if len(rows) > limit else None
        return Page(tuple(each for each in rows[:limit] if self._readable(each)), cursor)

    def finished(self, limit: int) -> tuple[Execution, ...]:
        rows = [
            (each.finished_at, each)
            for each in self.executions.values()
            if each.status.finished and each.finished_at is not None and self._readable(each)
        ]
        return tuple(each for _, each in sorted(rows, key=lambda row: row[0], reverse=True)[:limit])

    def take_turn(self, request: str, now: datetime, lease: timedelta, expires_at: datetime) -> Turn:  # noqa: ARG002
        begun_at = self.turns.get(request, now)
        if begun_at is None:
            return Turn.DONE
        if request in self.turns and now < begun_at + lease:
            return Turn.BUSY
        turn = Turn.AGAIN if request in self.turns else Turn.FIRST
        self.turns[request] = now
        return turn

    def end_turn(self, request: str) -> None:
        if request in self.turns:
            self.turns[request] = None

    def of_pipeline(self, pipeline: str, limit: int) -> tuple[Execution, ...]:
        rows = [each for each in self._by_age() if each.key.pipeline == pipeline and self._readable(each)]
        return tuple(rows[::-1][:limit])

    def _by_age(self) -> list[Execution]:
        return sorted(self.executions.values(), key=_opened)

    def _readable(self, execution: Execution) -> bool:
        return (DueKind.EXECUTION, str(execution.key)) not in self.unreadable

    def _refuse_unreadable(self, kind: DueKind, key: str) -> None:
        if (kind, key) in self.unreadable:
            raise ParseError("status", f"is not a known Status (item {kind} {key})")


def _opened(execution: Execution) -> str:
    return opened(execution.first_failed_at, execution.key)


def _push(stored: dict[Any, Any], key: object, due: Due, until: datetime) -> None:
    item = stored.get(key)
    if item is not None and item.due_at == due.due_at:
        stored[key] = replace(item, due_at=until)
