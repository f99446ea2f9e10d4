"""Which message a deploy's card goes into, so that many failures are few messages. Pure.

A channel takes three cards of their own within ten minutes, and three under one issue however slowly they come.
The next ones share a burst card: one living message that lists its members, whose own cards are replies in its
thread. A place is given once, before the first post, and kept (docs/decisions/0012-bursts.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.model import HEALTH_UNREADABLE, Blocker, Execution, ExecutionKey, Status
from bot.names import NO_PLAN

OWN_CARDS = 3  # messages of their own before a burst is made
WINDOW = timedelta(minutes=10)
BLOCKERS_KEPT = 5  # of a member: what its burst's card can name
# What keeps a channel's item far below the table's 400 KB.
ISSUES_KEPT = 30
CARDS_KEPT = 10  # of one issue; more than OWN_CARDS come when an issue explains cards that were there before
ISSUE_KEPT = timedelta(days=7)
UNREADABLE_KEPT = timedelta(hours=6)  # the pseudo-issue comes again and again under one key
STILL_THERE_AFTER = timedelta(hours=1)  # an issue's entry is written again only to keep it from lapsing


@dataclass(frozen=True, slots=True)
class OwnCard:
    """A card that was given a message of its own."""

    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class IssueCards:
    """What a channel shows of one issue: its burst, or the cards of their own that it holds."""

    issue: str
    at: datetime  # when this was last known to be so
    cards: tuple[str, ...] = ()
    burst: str = ""


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """What was placed in a channel lately. Saved before anything is posted there."""

    channel: str
    revision: int = 0
    at: datetime | None = None  # of the last change
    recent: tuple[OwnCard, ...] = ()  # cards of their own within WINDOW, none of them in a burst
    issues: tuple[IssueCards, ...] = ()
    burst: str = ""  # the newest
    joined_at: datetime | None = None  # when it was last joined

    def of_issue(self, issue: str) -> IssueCards | None:
        return next((entry for entry in self.issues if entry.issue == issue), None)


@dataclass(frozen=True, slots=True)
class RetryAll:
    """A person's "Retry all", carried out from here whoever does it."""

    by: str  # a Slack user id
    at: datetime
    cursor: str = ""  # the last member that was seen to, in key order
    done: bool = False
    click: str = ""  # the mark of the click that asked: delivered again, it asks for nothing
    earlier: tuple[str, ...] = ()  # the marks of the last ones before it


@dataclass(frozen=True, slots=True)
class IssueShown:
    """An issue that holds members, as the burst's card told of it."""

    issue: str
    stands: str  # the sentences on the card


@dataclass(frozen=True, slots=True)
class InferredShown:
    """An inferred incident (bot.inferred) as the burst's card told of it."""

    incident: str
    stands: str = ""  # the sentences on the card; "" before it is drawn
    live: bool = True


@dataclass(frozen=True, slots=True)
class Burst:
    """Where a burst's one message is and what it owes. `wanted_version` rises with every change of a member."""

    burst_id: str
    revision: int  # optimistic lock
    channel: str
    opened_at: datetime
    wanted_version: int = 0
    rendered_version: int = 0
    ts: str = ""
    posting_at: datetime | None = None  # a post was begun and its outcome is not known
    undeliverable: str = ""
    failures: int = 0
    due_at: datetime | None = None
    adopts: tuple[str, ...] = ()  # keys of cards that were there before and are still to be listed
    drawn_at: datetime | None = None  # when a post or an edit was last begun
    drawing_until_at: datetime | None = None  # the lease of whoever draws
    asks: int = 0  # members that were held and needed a person when it was last drawn
    asks_at: datetime | None = None  # since when there are any
    asked_version: int = 0  # 1: people have been told so
    asking_at: datetime | None = None
    retry_all: RetryAll | None = None
    issues: tuple[IssueShown, ...] = ()  # as it was last drawn: while there are any, its clock runs
    inferred: tuple[InferredShown, ...] = ()  # what it has to tell of; its clock runs while one is live


@dataclass(frozen=True, slots=True)
class BurstLine:
    """A member as its burst's card shows it."""

    key: str
    version: int  # of the execution
    status: Status
    at: datetime  # when that version was saved
    blockers: tuple[Blocker, ...] = ()  # what holds it
    explained_by: tuple[Blocker, ...] = ()  # what was said to explain the failure
    held_at: datetime | None = None
    released_at: datetime | None = None
    finished_at: datetime | None = None
    frozen: bool = False  # its retry waits for a change calendar to open
    hangs_since: datetime | None = None  # nothing failed: it runs longer than usual
    unconfirmed: bool = False  # what explains it is known by events alone: there is no support plan

    @property
    def waits(self) -> bool:
        """Whether a person's retry would do something."""
        return self.status is Status.NEEDS_HUMAN or self.held

    @property
    def held(self) -> bool:
        """It failed, and waits for the all-clear; what hangs has not failed."""
        return self.status is Status.BLOCKED and self.hangs_since is None

    @property
    def asks(self) -> bool:
        """It was held, and now a person is needed."""
        return self.status is Status.NEEDS_HUMAN and self.held_at is not None


def line_of(execution: Execution) -> BurstLine:
    return BurstLine(
        key=str(execution.key),
        version=execution.version,
        status=execution.status,
        at=execution.trail[-1].at if execution.trail else execution.entered_at,
        blockers=execution.blockers[:BLOCKERS_KEPT],
        explained_by=execution.attribution.blockers[:BLOCKERS_KEPT],
        held_at=execution.held_at,
        released_at=execution.released_at,
        finished_at=execution.finished_at,
        frozen=execution.frozen,
        hangs_since=execution.hangs_since,
        unconfirmed=NO_PLAN in execution.attribution.caveat,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card goes: "" a message of its own, else the thread of this burst."""

    burst: str = ""
    opens: bool = False  # the burst is new
    adopts: tuple[str, ...] = ()  # the cards of their own that a new burst lists as well


def place(
    record: ChannelRecord, key: ExecutionKey, issues: Sequence[str], now: datetime, new_burst: str, alike: str = ""
) -> tuple[Place, ChannelRecord]:
    """Where the execution's card goes, and the record that says so (the same one: it said so before).

    `alike` is the inferred incident that lists the execution. It is shown by a burst, however few it has here.
    """
    known, name = _pruned(record, now), str(key)
    issues = (*issues, alike) if alike else issues
    burst = _burst_of(known, issues)
    if burst:
        return Place(burst), _saved(_hold(known, burst, issues, now), record, now)
    if known.burst and known.joined_at is not None and now - known.joined_at <= WINDOW:
        joined = _hold(replace(known, joined_at=now), known.burst, issues, now)
        return Place(known.burst), _saved(joined, record, now)
    if not alike and any(card.key == name for card in known.recent):
        return Place(), record  # placed before by somebody who died, or who is at it now
    adopts = _crowd(known, name, issues, alike)
    if adopts or alike:
        opened = replace(known, burst=new_burst, joined_at=now, recent=())
        held = {entry.issue for entry in opened.issues if set(entry.cards) & set(adopts)}
        listed = _hold(opened, new_burst, sorted(held | set(issues)), now)
        return Place(new_burst, opens=True, adopts=adopts), _saved(listed, record, now)
    own = replace(known, recent=(*known.recent, OwnCard(name, now)))
    return Place(), _saved(_with_card(own, name, issues, now), record, now)


def note(
    record: ChannelRecord, key: ExecutionKey, issues: Sequence[str], burst: str, now: datetime
) -> tuple[str, ChannelRecord]:
    """A card that has its place is held by these issues. Answers the burst that lists it ("": none).

    `burst` is the one that lists it already. The record is the same object if it knew all that.
    """
    entries = [record.of_issue(issue) for issue in issues]
    lists_it = burst or _burst_of(record, issues)
    as_known = all(
        entry is not None
        and now - entry.at < STILL_THERE_AFTER
        and (bool(entry.burst) if lists_it else str(key) in entry.cards or len(entry.cards) >= CARDS_KEPT)
        for entry in entries
    )
    if as_known:
        return lists_it, record
    known = _pruned(record, now)
    if lists_it:
        return lists_it, _saved(_hold(known, lists_it, issues, now), record, now)
    return "", _saved(_with_card(known, str(key), issues, now), record, now)


def _burst_of(record: ChannelRecord, issues: Sequence[str]) -> str:
    entries = (record.of_issue(issue) for issue in issues)
    return next((entry.burst for entry in entries if entry is not None and entry.burst), "")


def _crowd(record: ChannelRecord, key: str, issues: Sequence[str], alike: str) -> tuple[str, ...]:
    """The cards of their own that are too many for one more; () while there is room.

    Those of an inferred incident are too many already.
    """
    crowd: list[str] = []
    for issue in issues:
        entry = record.of_issue(issue)
        cards = [card for card in entry.cards if card != key] if entry else []
        if len(cards) >= OWN_CARDS or issue == alike:
            crowd += cards
    recent = [card.key for card in record.recent if card.key != key]
    return tuple(dict.fromkeys([*crowd, *recent])) if crowd or len(recent) >= OWN_CARDS else ()


def _hold(record: ChannelRecord, burst: str, issues: Sequence[str], now: datetime) -> ChannelRecord:
    """These issues are the burst's, but for those that have one of their own."""
    for issue in issues:
        entry = record.of_issue(issue) or IssueCards(issue, now)
        record = _with_issue(record, replace(entry, at=now, burst=entry.burst or burst, cards=()))
    return record


def _with_card(record: ChannelRecord, key: str, issues: Sequence[str], now: datetime) -> ChannelRecord:
    for issue in issues:
        entry = record.of_issue(issue) or IssueCards(issue, now)
        cards = tuple(dict.fromkeys([*entry.cards, key]))[:CARDS_KEPT]
        record = _with_issue(record, replace(entry, at=now, cards=cards))
    return record


def _with_issue(record: ChannelRecord, entry: IssueCards) -> ChannelRecord:
    others = [each for each in record.issues if each.issue != entry.issue]
    return replace(record, issues=tuple([*others, entry][-ISSUES_KEPT:]))  # the last one touched stands last


def _pruned(record: ChannelRecord, now: datetime) -> ChannelRecord:
    recent = tuple(card for card in record.recent if now - card.at <= WINDOW)
    issues = tuple(entry for entry in record.issues if now - entry.at <= _kept(entry.issue))
    return replace(record, recent=recent, issues=issues)


def _kept(issue: str) -> timedelta:
    return UNREADABLE_KEPT if issue == HEALTH_UNREADABLE else ISSUE_KEPT


def _saved(after: ChannelRecord, before: ChannelRecord, now: datetime) -> ChannelRecord:
    return replace(after, revision=before.revision + 1, at=now)
