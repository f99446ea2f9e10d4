"""The store on DynamoDB: which items are written together, under which condition, and what a refusal means."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from time import sleep as real_sleep
from typing import TYPE_CHECKING, TypeVar

from bot.adapters import table_items as items
from bot.adapters.dynamodb_bursts import DynamoBursts
from bot.adapters.dynamodb_inferred import DynamoInferred
from bot.adapters.dynamodb_table import (
    AT_MOST,
    BEGINS_WITH,
    AnswerLost,
    ConditionFailed,
    Request,
    Table,
    put_request,
    readable,
    update_request,
)
from bot.adapters.plain_values import parse_instant, plain_instant
from bot.adapters.table_items import Item, Key
from bot.card_ref import CardRef
from bot.errors import DuplicateClick, VersionConflict
from bot.hints import Hint
from bot.holds import Hold
from bot.model import Entry, Execution, ExecutionKey, Issue, Override
from bot.ports import Due, Page, Turn
from bot.running import RunningStage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")


class DynamoStore(DynamoBursts, DynamoInferred):
    """bot.ports.Store over one DynamoDB table (docs/architecture.md).

    Every method may raise TryLater (throttled, busy, unreachable); loads raise ParseError for an item that cannot
    be read, listings leave it out with a warning. A conditional save carries an id of its own (`write_id`), so
    that a save whose answer was lost and that was sent again is not taken for somebody else's.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        *,
        sleep: Callable[[float], None] = real_sleep,
        new_write_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._table = Table(client, table_name, sleep)
        self._new_write_id = new_write_id

    def load_execution(self, key: ExecutionKey) -> Execution | None:
        return self._load(items.state_key(key), items.read_execution)

    def save_execution(
        self,
        execution: Execution,
        *,
        holding: Sequence[str] = (),
        click: str | None = None,
        click_expires_at: datetime | None = None,
        override: Override | None = None,
    ) -> None:
        """As the port says. Raises ValueError unless the trail's last entry is this version's, and the override's
        key this execution's.

        DynamoDB takes 100 items a transaction, so `holding` may name 95 issues.
        """
        if not execution.trail or execution.trail[-1].version != execution.version:
            raise ValueError("the trail's last entry is not this version's")
        if override is not None and override.key != execution.key:
            raise ValueError("an override is saved with the stage it is for")
        key, entry, write_id = execution.key, execution.trail[-1], self._new_write_id()
        line: Item = {**items.line_item(execution), "write_id": write_id}
        lapses_at = items.epoch(entry.at + items.RETENTION)
        requests = [
            put_request(items.execution_item(execution), _follows(execution.version)),
            put_request(line),
            _want_card(execution),
        ]
        for issue in dict.fromkeys(holding):
            requests.append(put_request({**items.edge_key(issue, str(key)), "expires_at": lapses_at}))
        if override is not None:
            requests.append(put_request(items.override_item(override)))
        if click is not None:
            requests.append(_used(click, click_expires_at or entry.at + items.RETENTION))
        try:
            # The line is never written over, so it still tells our save when others have saved since.
            self._write(
                lambda: self._table.transact(requests, write_id), items.line_key(key, entry.version), write_id
            )
        except ConditionFailed as refusal:
            if click is not None and len(requests) - 1 in refusal.positions:
                raise DuplicateClick(f"{key}: this click was carried out before") from refusal
            raise VersionConflict(f"{key}: version {execution.version - 1} is not the newest") from refusal

    def overrides(self, account: str, region: str, pipeline: str, execution_id: str) -> tuple[Override, ...]:
        """As the port says. One that cannot be read lets nothing pass."""
        partition = items.overrides_of(account, region, pipeline, execution_id)
        return tuple(readable(self._table.every(("pk", partition)), items.read_override))

    def wake_execution(self, key: ExecutionKey, now: datetime) -> None:
        self._update_if(items.state_key(key), {"woken_at": plain_instant(now)}, {"sk": "STATE"})

    def history(self, key: ExecutionKey) -> tuple[Entry, ...]:
        lines = self._table.every(("pk", items.state_key(key)["pk"]), sort=(BEGINS_WITH, "sk", items.LINE))
        return tuple(items.read_line(line) for line in lines)

    def load_card(self, key: ExecutionKey) -> CardRef | None:
        return self._load(items.card_key(key), items.read_card)

    def save_card(self, card: CardRef) -> None:
        key, write_id = items.card_key(card.key), self._new_write_id()
        before = {"revision": card.revision - 1 or None}
        request = update_request(key, {**items.card_fields(card), "write_id": write_id}, only_if=before)
        try:
            self._write(lambda: self._table.update(request), key, write_id)
        except ConditionFailed as refusal:
            raise VersionConflict(
                f"card of {card.key}: revision {card.revision - 1} is not the newest"
            ) from refusal

    def load_hint(self, key: str) -> Hint | None:
        return self._load(items.hint_key(key), items.read_hint)

    def save_hint(self, hint: Hint) -> None:
        self._table.put(put_request(items.hint_item(hint)))

    def drop_hint(self, hint: Hint) -> None:
        self._drop(items.hint_key(hint.key), {"token": hint.token})  # a newer report stays

    def load_hold(self, key: str) -> Hold | None:
        return self._load(items.hold_key(key), items.read_hold)

    def save_hold(self, hold: Hold) -> None:
        self._table.put(put_request(items.hold_item(hold)))

    def drop_hold(self, hold: Hold) -> None:
        self._drop(items.hold_key(hold.key), {"seen_at": plain_instant(hold.seen_at)})  # a newer answer's stays

    def save_running(self, stage: RunningStage) -> None:
        self._table.put(put_request(items.running_item(stage)))

    def postpone_running(self, stage: RunningStage, until: datetime) -> None:
        same = {"since_at": plain_instant(stage.since_at)}
        self._update_if(items.running_key(stage.key), {"look_at": plain_instant(until)}, same)

    def drop_running(self, key: ExecutionKey, ended_at: datetime) -> None:
        stage = self._load(items.running_key(key), items.read_running)
        if stage is not None and stage.since_at <= ended_at:
            self._drop(items.running_key(key), {"since_at": plain_instant(stage.since_at)})

    def running(self, limit: int) -> tuple[RunningStage, ...]:
        rows = self._table.every(("pk", items.RUNNING))
        return tuple(islice(readable(rows, items.read_running), limit))

    def load_issue(self, key: str) -> Issue | None:
        return self._load(items.issue_key(key), items.read_issue)

    def save_issue(
        self, issue: Issue, *, click: str | None = None, click_expires_at: datetime | None = None
    ) -> None:
        write_id = self._new_write_id()
        request = put_request({**items.issue_item(issue), "write_id": write_id}, _follows(issue.version))
        requests = [request]
        if click is not None:
            requests.append(_used(click, click_expires_at))

        def send() -> None:
            if click is None:
                self._table.put(request)
            else:
                self._table.transact(requests, write_id)

        try:
            self._write(send, items.issue_key(issue.key), write_id)
        except ConditionFailed as refusal:
            if click is not None and 1 in refusal.positions:
                raise DuplicateClick(f"{issue.key}: this click was carried out before") from refusal
            raise VersionConflict(f"{issue.key}: version {issue.version - 1} is not the newest") from refusal

    def ledger(self) -> tuple[Issue, ...]:
        return tuple(readable(self._table.every(("pk", items.ISSUES)), items.read_issue))

    def held_by(self, issue: str, after: str, limit: int) -> Page[ExecutionKey]:
        start = items.edge_key(issue, after)
        rows = self._table.query(("pk", start["pk"]), start=start if after else None, limit=limit)
        return Page(tuple(readable(rows.items, items.read_edge)), rows.last["sk"] if rows.last else None)

    def due(self, now: datetime, limit: int) -> tuple[Due, ...]:
        upto = (AT_MOST, "due_at", plain_instant(now))
        rows = self._table.every(("due", items.DUE), index="due", sort=upto, limit=limit)
        return tuple(islice(readable(rows, items.read_due), limit))

    def postpone(self, due: Due, until: datetime) -> None:
        seen = {"due_at": plain_instant(due.due_at)}
        self._update_if(items.due_key(due), {"due_at": plain_instant(until)}, seen)

    def unfinished(self, after: str, limit: int) -> Page[Execution]:
        """As the port says. The cursor is the last row's `opened`, which carries the rest of its key."""
        start = None
        if after:
            pk = f"EXEC#{after.partition('#')[2]}"
            start = {"unfinished": items.UNFINISHED, "opened": after, "pk": pk, "sk": "STATE"}
        rows = self._table.query(("unfinished", items.UNFINISHED), index="unfinished", start=start, limit=limit)
        executions = tuple(readable(rows.items, items.read_execution))
        return Page(executions, rows.last["opened"] if rows.last else None)

    def finished(self, limit: int) -> tuple[Execution, ...]:
        rows = self._table.every(("finished", items.FINISHED), index="finished", newest_first=True, limit=limit)
        return tuple(islice(readable(rows, items.read_execution), limit))

    def take_turn(self, request: str, now: datetime, lease: timedelta, expires_at: datetime) -> Turn:
        """As the port says. A turn is taken over only from the very one that was seen."""
        key, write_id = items.turn_key(request), self._new_write_id()
        seen = self._table.get(key)
        if seen is not None and seen.get("done"):
            return Turn.DONE
        if seen is not None and now < parse_instant(seen.get("begun_at"), "begun_at") + lease:
            return Turn.BUSY
        begun = {
            **key,
            "begun_at": plain_instant(now),
            "expires_at": items.epoch(expires_at),
            "write_id": write_id,
        }
        before = {"write_id": None if seen is None else seen["write_id"]}
        try:
            self._write(lambda: self._table.put(put_request(begun, before)), key, write_id)
        except ConditionFailed:
            return Turn.BUSY  # somebody took it meanwhile
        return Turn.FIRST if seen is None else Turn.AGAIN

    def end_turn(self, request: str) -> None:
        self._update_if(items.turn_key(request), {"done": True}, {"sk": "TURN"})

    def of_pipeline(self, pipeline: str, limit: int) -> tuple[Execution, ...]:
        rows = self._table.every(("pipeline", pipeline), index="pipeline", newest_first=True, limit=limit)
        return tuple(islice(readable(rows, items.read_execution), limit))

    def _load(self, key: Key, read: Callable[[Item], T]) -> T | None:
        item = self._table.get(key)
        return None if item is None else read(item)

    def _drop(self, key: Key, only_if: Item) -> None:
        try:
            self._table.delete(key, only_if)
        except ConditionFailed:
            return  # a newer one is there, or none any more

    def _update_if(self, key: Key, fields: Item, only_if: Item) -> None:
        try:
            self._table.update(update_request(key, fields, only_if=only_if))
        except ConditionFailed:
            return  # the item moved on or is gone, and so is the reason to change it

    def _write(self, send: Callable[[], None], mark: Key, write_id: str) -> None:
        """Send, and where the answer is a refusal or none, look at the item `mark` before believing it."""
        try:
            send()
        except (ConditionFailed, AnswerLost):
            written = self._table.get(mark)
            if written is None or written.get("write_id") != write_id:
                raise


def _follows(version: int) -> Item:
    """The condition that this version is the stored one's successor."""
    return {"version": version - 1 or None}


def _used(click: str, until: datetime | None) -> Request:
    """The mark of a click, which is written once."""
    item: Item = {**items.click_key(click)}
    if until is not None:
        item["expires_at"] = items.epoch(until)
    return put_request(item, {"pk": None})


def _want_card(execution: Execution) -> Request:
    """The card's share of a save: what it should show, and a clock that has come. Makes one if there is none."""
    wanted = {
        "wanted_version": execution.version,
        "due": items.DUE,
        "due_at": plain_instant(execution.trail[-1].at),
        "expires_at": items.expires_at(execution),
    }
    return update_request(items.card_key(execution.key), wanted, add={"revision": 1})
