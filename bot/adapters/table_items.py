"""What the table's items look like (docs/architecture.md), as plain dicts. Numbers are whole; no SDK here.

Readers raise ParseError naming the field and the item.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bot.adapters.plain_values import from_plain, parse_instant, plain_instant, to_plain
from bot.card_ref import CardRef
from bot.errors import ParseError
from bot.hints import Hint
from bot.holds import Hold
from bot.model import Entry, Execution, ExecutionKey, Issue, Override
from bot.ports import Due, DueKind
from bot.running import RunningStage

T = TypeVar("T")
Item = dict[str, Any]
Key = dict[str, str]  # pk and sk

RETENTION = timedelta(days=90)  # how long a finished execution, and a line that nobody will add to, is kept
DUE = "due"  # the one partition of the index `due`
UNFINISHED = "yes"  # the one partition of the index `unfinished`
FINISHED = "yes"  # the one partition of the index `finished`
ISSUES = "ISSUE"  # the partition of the ledger
RUNNING = "RUNNING"  # the partition of the stages that run
RUNNING_KEPT = timedelta(days=8)  # longer than an approval waits by itself, the longest of actions
INFERRED = "INFERRED"  # the partition of what was seen to fail alike, a Region an item
LINE = "HISTORY#"


def state_key(key: ExecutionKey) -> Key:
    return {"pk": f"EXEC#{key}", "sk": "STATE"}


def line_key(key: ExecutionKey, version: int) -> Key:
    return {"pk": f"EXEC#{key}", "sk": f"{LINE}{version:08d}"}


def card_key(key: ExecutionKey) -> Key:
    return {"pk": f"EXEC#{key}", "sk": "CARD"}


def hint_key(key: str) -> Key:
    return {"pk": f"HINT#{key}", "sk": "HINT"}


def hold_key(key: str) -> Key:
    return {"pk": f"HOLD#{key}", "sk": "HOLD"}


def running_key(key: ExecutionKey) -> Key:
    return {"pk": RUNNING, "sk": str(key)}


def issue_key(key: str) -> Key:
    return {"pk": ISSUES, "sk": key}


def inferred_key(region: str) -> Key:
    return {"pk": INFERRED, "sk": region}


def edge_key(issue: str, key: str) -> Key:
    return {"pk": f"HELD#{issue}", "sk": key}


def click_key(click: str) -> Key:
    return {"pk": f"CLICK#{click}", "sk": "CLICK"}


def turn_key(request: str) -> Key:
    return {"pk": f"TURN#{request}", "sk": "TURN"}


def override_key(key: ExecutionKey) -> Key:
    return {"pk": overrides_of(key.account, key.region, key.pipeline, key.execution_id), "sk": key.stage}


def overrides_of(account: str, region: str, pipeline: str, execution_id: str) -> str:
    """The partition of the overrides given to one pipeline execution."""
    return "#".join(("OVERRIDE", account, region, pipeline, execution_id))


def due_key(due: Due) -> Key:
    """The item whose clock `due` is."""
    if due.kind is DueKind.EXECUTION:
        return {"pk": f"EXEC#{due.key}", "sk": "STATE"}
    if due.kind is DueKind.CARD:
        return {"pk": f"EXEC#{due.key}", "sk": "CARD"}
    if due.kind is DueKind.HOLD:
        return hold_key(due.key)
    if due.kind is DueKind.BURST:
        return {"pk": f"BURST#{due.key}", "sk": "BURST"}
    if due.kind is DueKind.INFERRED:
        return inferred_key(due.key)
    return hint_key(due.key) if due.kind is DueKind.HINT else issue_key(due.key)


def opened(first_failed_at: datetime, key: ExecutionKey) -> str:
    """The sort key of the indexes that list executions: by first failure, then by key."""
    return f"{plain_instant(first_failed_at)}#{key}"


def epoch(at: datetime) -> int:
    """TTL's unit: seconds since 1970, fractions dropped."""
    return int(at.timestamp())


def expires_at(execution: Execution) -> int | None:
    """When the execution's state and card go, in epoch seconds; None while it is not finished."""
    if execution.finished_at is None or not execution.status.finished:
        return None
    return epoch(execution.finished_at + RETENTION)


def execution_item(execution: Execution) -> Item:
    """The STATE item. Its clock and its place among the unfinished are there only while they mean something."""
    item: Item = to_plain(execution)
    item.update(state_key(execution.key))
    del item["key"]  # the partition key says it
    item["pipeline"] = execution.key.pipeline
    item["opened"] = opened(execution.first_failed_at, execution.key)
    if execution.due_at is not None:
        item["due"] = DUE
    if not execution.status.finished:
        item["unfinished"] = UNFINISHED
    elif execution.finished_at is not None:
        item["finished"] = FINISHED
    if (lapses_at := expires_at(execution)) is not None:
        item["expires_at"] = lapses_at
    return item


def read_execution(item: Mapping[str, Any]) -> Execution:
    return read_item(item, lambda: from_plain(Execution, {**item, "key": _execution_key(item)}))


def line_item(execution: Execution) -> Item:
    """The history line of the newest entry. It goes when the execution goes, or 90 days after it was written."""
    entry = execution.trail[-1]
    item: Item = to_plain(entry)
    lapses_at = expires_at(execution) or epoch(entry.at + RETENTION)
    return {**item, **line_key(execution.key, entry.version), "expires_at": lapses_at}


def read_line(item: Mapping[str, Any]) -> Entry:
    return read_item(item, lambda: from_plain(Entry, item))


def card_fields(card: CardRef) -> Item:
    """The card's own attributes, None where one must go; the item's `expires_at` belongs to the execution."""
    due = None if card.due_at is None else DUE
    fields: Item = to_plain(card)
    del fields["key"]
    return {"posting_at": None, "due_at": None, "due": due, **fields}


def read_card(item: Mapping[str, Any]) -> CardRef:
    return read_item(item, lambda: from_plain(CardRef, {**item, "key": _execution_key(item)}))


def hint_item(hint: Hint) -> Item:
    return {**to_plain(hint), **hint_key(hint.key), "due": DUE}


def read_hint(item: Mapping[str, Any]) -> Hint:
    return read_item(item, lambda: from_plain(Hint, item))


def hold_item(hold: Hold) -> Item:
    """A hold that nobody closes lapses when the execution it speaks of has long ended."""
    return {**to_plain(hold), **hold_key(hold.key), "due": DUE, "expires_at": epoch(hold.ends_at + RETENTION)}


def read_hold(item: Mapping[str, Any]) -> Hold:
    return read_item(item, lambda: from_plain(Hold, item))


def running_item(stage: RunningStage) -> Item:
    """One whose end nobody told lapses."""
    item: Item = to_plain(stage)
    del item["key"]
    return {**item, **running_key(stage.key), "expires_at": epoch(stage.since_at + RUNNING_KEPT)}


def read_running(item: Mapping[str, Any]) -> RunningStage:
    return read_item(item, lambda: from_plain(RunningStage, {**item, "key": _parse_key(str(item["sk"]), "sk")}))


def issue_item(issue: Issue) -> Item:
    item: Item = {**to_plain(issue), **issue_key(issue.key)}
    if issue.due_at is not None:
        item["due"] = DUE
    if issue.expires_at is not None:
        item["expires_at"] = epoch(issue.expires_at)
    return item


def read_issue(item: Mapping[str, Any]) -> Issue:
    """The issue; its `expires_at` is TTL's, so it has lost fractions of a second."""

    def read() -> Issue:
        issue = from_plain(Issue, {name: value for name, value in item.items() if name != "expires_at"})
        seconds = item.get("expires_at")
        if seconds is None:
            return issue
        try:
            return replace(issue, expires_at=datetime.fromtimestamp(int(seconds), UTC))
        except (TypeError, ValueError, OverflowError) as error:
            raise ParseError("expires_at", "is not a number of seconds") from error

    return read_item(item, read)


def override_item(override: Override) -> Item:
    """`expires_at` is TTL's, in whole seconds and lazily kept; what counts is `lapses_at`, the exact instant."""
    item: Item = to_plain(override)
    item["lapses_at"] = item.pop("expires_at")
    del item["key"]
    return {**item, **override_key(override.key), "expires_at": epoch(override.expires_at)}


def read_override(item: Mapping[str, Any]) -> Override:
    def read() -> Override:
        key = _parse_key(f"{str(item['pk']).removeprefix('OVERRIDE#')}#{item['sk']}", "pk")
        return from_plain(Override, {**item, "key": key, "expires_at": item.get("lapses_at")})

    return read_item(item, read)


def read_edge(item: Mapping[str, Any]) -> ExecutionKey:
    return read_item(item, lambda: _parse_key(item["sk"], "sk"))


def read_due(item: Mapping[str, Any]) -> Due:
    """A row of the index `due`, which carries keys only."""

    def read() -> Due:
        due_at = parse_instant(item.get("due_at"), "due_at")
        kind, _, rest = str(item["pk"]).partition("#")
        if item["pk"] == ISSUES:
            return Due(DueKind.ISSUE, str(item["sk"]), due_at)
        if item["pk"] == INFERRED:
            return Due(DueKind.INFERRED, str(item["sk"]), due_at)
        if kind in ("HINT", "HOLD"):
            return Due(DueKind(kind), rest, due_at)
        if kind == "BURST" and item["sk"] == "BURST":
            return Due(DueKind.BURST, rest, due_at)
        if kind == "EXEC" and item["sk"] in ("STATE", "CARD"):
            return Due(DueKind.EXECUTION if item["sk"] == "STATE" else DueKind.CARD, rest, due_at)
        raise ParseError("pk", "is of no kind that has a clock")

    return read_item(item, read)


def read_item(item: Mapping[str, Any], read: Callable[[], T]) -> T:
    """Read, and let a ParseError name the item as well."""
    try:
        return read()
    except ParseError as error:
        raise ParseError(error.field, f"{error.problem} (item {item['pk']} {item['sk']})") from error


def _execution_key(item: Mapping[str, Any]) -> ExecutionKey:
    return _parse_key(str(item["pk"]).removeprefix("EXEC#"), "pk")


def _parse_key(text: str, path: str) -> ExecutionKey:
    try:
        return ExecutionKey.parse(text)
    except ValueError as error:
        raise ParseError(path, "holds no execution key") from error
