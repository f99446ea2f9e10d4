"""What an issue sets off: look through unexplained failures, release what it held. Page by page."""

import logging
from datetime import datetime

from bot.errors import ParseError, VersionConflict
from bot.issues import ClaimedPage, DrainedPage, Expired, IssueEvent, Settled, advance_issue, all_clear
from bot.lifecycle import Explained, Released
from bot.model import Execution, Issue, IssuePhase, IssueReport, Status
from bot.workflows import ledger
from bot.workflows.failures import explained_by, release_what_is_clear
from bot.workflows.world import World, apply, decide

logger = logging.getLogger(__name__)

PAGE = 25  # executions a page
PAGES = 4  # pages one call works through: at most a hundred releases a minute and issue


def on_report(world: World, report: IssueReport, now: datetime) -> None:
    """AWS Health reported something: keep it, and begin at once what follows from it."""
    issue = ledger.record(world, report, now)
    work(world, issue.key, now)


def work(world: World, key: str, now: datetime) -> None:
    """Do what this issue owes, a few pages of it; its clock brings the rest.

    Every page is saved under the issue's version: a report that re-opens it in between stops the work at once.
    """
    for _ in range(PAGES):
        issue = world.store.load_issue(key)
        if issue is None:
            return
        event = _step(world, issue, now)
        if event is None:
            return
        try:
            world.store.save_issue(advance_issue(issue, event, now, world.policy))
        except VersionConflict:
            logger.info("issue %s changed meanwhile; its clock goes on from there", key)
            return


def _step(world: World, issue: Issue, now: datetime) -> IssueEvent | None:
    """One page or one phase of work, done; the event says how far. None: nothing to do now."""
    if issue.claim_cursor is not None:
        return _claim_page(world, issue, issue.claim_cursor, now)
    if issue.phase is IssuePhase.SETTLING and issue.settled_at is not None and issue.settled_at <= now:
        return Settled()
    if issue.phase is IssuePhase.OPEN and now - issue.report.start_at > world.policy.issue_max_age:
        return Expired()
    if issue.phase is IssuePhase.DRAINING:
        return _drain_page(world, issue, now)
    return None


def _claim_page(world: World, issue: Issue, cursor: str, now: datetime) -> ClaimedPage:
    """An issue announced after the failures it explains takes them over, so that nobody need be asked."""

    def claim(execution: Execution) -> Explained | None:
        return explained_by(world, execution, (issue,), now) if _may_claim(issue, execution) else None

    page = world.store.unfinished(cursor, PAGE)
    for listed in page.items:
        if claim(listed) is not None:  # the index may be behind: what counts is the state as it is loaded
            held = decide(world, listed.key, claim, now)
            if held is not None:
                release_what_is_clear(world, held, now)
    return ClaimedPage(page.cursor)


def _may_claim(issue: Issue, execution: Execution) -> bool:
    if execution.status is Status.NEEDS_HUMAN:
        return True
    return issue.open and execution.status in (Status.BLOCKED, Status.RESUMING)


def _drain_page(world: World, issue: Issue, now: datetime) -> DrainedPage:
    page = world.store.held_by(issue.key, issue.drain_cursor, PAGE)
    released = Released(issue.key, all_clear(issue, world.policy), issue.closed_at)
    for key in page.items:
        try:
            apply(world, key, released, now)
        except ParseError as unreadable:
            logger.exception("%s cannot be read back and is passed over", key, exc_info=unreadable)
    return DrainedPage(page.cursor)
