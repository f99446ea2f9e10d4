"""What an issue sets off: look through unexplained failures, release what it held. Page by page."""

import logging
from dataclasses import replace
from datetime import datetime

from bot import canary as canaries
from bot.clocks import release_window, spread
from bot.errors import ParseError, TryLater, VersionConflict
from bot.issue_events import ClaimedPage, DrainedPage, Expired, IssueEvent, Settled
from bot.issues import advance_issue, all_clear
from bot.lifecycle import Explained, Released
from bot.model import Canary, Execution, ExecutionKey, Issue, IssuePhase, IssueReport, Status
from bot.ports import Due, DueKind
from bot.workflows import ledger
from bot.workflows.failures import explained_by, release_what_is_clear
from bot.workflows.world import World, decide

logger = logging.getLogger(__name__)

PAGE = 25  # executions a page
PAGES_A_LOOK = 4  # pages of edges one look for a canary reads at most: most may have gone already
STEPS = 40  # steps one call takes at most
CHANGES = 100  # executions one call changes, give or take a page: at most so many releases a minute and issue


def on_report(world: World, report: IssueReport, now: datetime) -> None:
    """AWS Health reported something: keep it, and begin at once what follows from it."""
    issue = ledger.record(world, report, now)
    work(world, issue.key, now)


def work(world: World, key: str, now: datetime) -> None:
    """Do what this issue owes, a few pages of it; its clock brings the rest.

    Every step is saved under the issue's version: a report that re-opens it in between stops the work at once.
    """
    changes = 0
    for _ in range(STEPS):
        issue = world.store.load_issue(key)
        if issue is None:
            return
        event, changed = _step(world, issue, now)
        if event is None:
            return
        after = advance_issue(issue, event, now, world.policy)
        try:
            world.store.save_issue(after)
        except VersionConflict:
            logger.info("issue %s changed meanwhile; its clock goes on from there", key)
            return
        if after.phase is not issue.phase or after.note != issue.note:
            logger.info("issue %s is %s: %s", key, after.phase, after.note or type(event).__name__)
        changes += changed
        if changes >= CHANGES:
            return


def _step(world: World, issue: Issue, now: datetime) -> tuple[IssueEvent | None, int]:
    """One page or one phase of work, done: how far it went (None: nothing to do now), and how many it changed."""
    if issue.claim_cursor is not None:
        return _claim_page(world, issue, issue.claim_cursor, now)
    match issue.phase:
        case IssuePhase.SETTLING if issue.settled_at is not None and issue.settled_at <= now:
            return Settled(), 0
        case IssuePhase.OPEN if now - issue.report.start_at > world.policy.issue_max_age:
            return Expired(), 0
        case IssuePhase.CANARY if issue.canary is None:
            return _look_for_canary(world, issue, now), 0
        case IssuePhase.CANARY if issue.canary is not None:
            return _watch_canary(world, issue, issue.canary, now), 0
        case IssuePhase.DRAINING:
            return _drain_page(world, issue, now)
        case _:
            return None, 0


def _claim_page(world: World, issue: Issue, cursor: str, now: datetime) -> tuple[ClaimedPage, int]:
    """An issue announced after the failures it explains takes them over, so that nobody need be asked."""

    def claim(execution: Execution) -> Explained | None:
        if not _may_claim(issue, execution):
            return None
        return explained_by(world, execution, (issue,), now, execution.attribution.caveat)  # it stays unconfirmed

    page = world.store.unfinished(cursor, PAGE)
    claimed = [listed for listed in page.items if claim(listed) is not None]
    for listed in claimed:  # the index may be behind: what counts is the state as it is loaded
        try:
            held = decide(world, listed.key, claim, now)
            if held is not None:
                release_what_is_clear(world, held, now)
        except (TryLater, VersionConflict):
            raise
        except Exception:  # one bad item must not stop the issue's work for all others
            logger.exception("%s cannot be held and is passed over", listed.key)
    return ClaimedPage(page.cursor), len(claimed)


def _may_claim(issue: Issue, execution: Execution) -> bool:
    if execution.status is Status.NEEDS_HUMAN:
        return True
    return issue.open and execution.status in (Status.BLOCKED, Status.RESUMING)


def _look_for_canary(world: World, issue: Issue, now: datetime) -> canaries.Choice:
    """A page of those that are still held, or as far as a few pages of edges reach."""
    held: list[Execution] = []
    cursor: str | None = issue.drain_cursor
    for _ in range(PAGES_A_LOOK):
        page = world.store.held_by(issue.key, cursor or "", PAGE)
        loaded = (_load(world, key) for key in page.items)
        held += [one for one in loaded if one is not None and canaries.holds(issue, one)]
        cursor = page.cursor
        if cursor is None or len(held) >= PAGE:
            break
    return canaries.choose(issue, held, cursor, now, world.policy)


def _watch_canary(world: World, issue: Issue, canary: Canary, now: datetime) -> canaries.Outcome | None:
    """Release it, unless that is done, and look how it fares.

    Nobody who saves its outcome need know that it is one: the issue's own clock looks every minute.
    """
    execution = _load(world, canary.key)
    waits = execution is not None and execution.retries == canary.retries and canaries.holds(issue, execution)
    if waits and not canary.held_by:
        released = _released(world, issue)
        first = replace(released, why=f"{released.why}; this one goes first, and the others wait for it")
        execution = _release(world, canary.key, first, now)[0]
    held_by = {blocker.issue for blocker in execution.blockers} if execution is not None else set()
    still_open = {key for key in {*held_by, canary.held_by} - {""} if _is_open(world, key)}
    return canaries.judge(issue, canary, execution, still_open, now)


def _is_open(world: World, key: str) -> bool:
    issue = world.store.load_issue(key)
    return issue is not None and issue.open


def _drain_page(world: World, issue: Issue, now: datetime) -> tuple[DrainedPage, int]:
    """Release a page of what it held. Each retry has its moment in a window that grows with their number."""
    page = world.store.held_by(issue.key, issue.drain_cursor, PAGE)
    window = release_window(issue.released)
    released = _released(world, issue)
    resumed = 0
    for key in page.items:
        due = replace(released, not_before_at=now + spread(key, window))
        resumed += _release(world, key, due, now)[1]
    return DrainedPage(page.cursor, resumed), resumed


def _released(world: World, issue: Issue) -> Released:
    return Released(issue.key, all_clear(issue, world.policy), issue.closed_at)


def _release(world: World, key: ExecutionKey, released: Released, now: datetime) -> tuple[Execution | None, bool]:
    """The execution after this issue's all-clear, and whether that set off a retry.

    One that cannot be released is passed over, as if it were gone; its own clock comes back to it.
    """
    seen: Execution | None = None

    def choose(execution: Execution) -> Released:
        nonlocal seen
        seen = execution
        return released

    try:
        after = decide(world, key, choose, now)
    except VersionConflict:  # for the moment; or for ever, if somebody edited its version
        logger.warning("%s keeps changing and is passed over; its own clock, now, releases it", key)
        if seen is not None and seen.due_at is not None and seen.due_at > now:
            world.store.postpone(Due(DueKind.EXECUTION, str(key), seen.due_at), now)
        return None, False
    except TryLater:
        raise
    except Exception:  # one bad item must not stop the all-clear for all others
        logger.exception("%s cannot be released and is passed over", key)
        return None, False
    was_held = seen is not None and seen.status is Status.BLOCKED
    return after, was_held and after is not None and after.status is Status.RESUMING


def _load(world: World, key: ExecutionKey) -> Execution | None:
    try:
        return world.store.load_execution(key)
    except ParseError as unreadable:
        logger.exception("%s cannot be read back and is passed over", key, exc_info=unreadable)
        return None
