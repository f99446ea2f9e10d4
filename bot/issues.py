"""An issue's own way from open to done: OPEN → SETTLING → CANARY → DRAINING → DONE. Pure.

A close writes one item, the issue; executions change only as they are released, page by page. Each step is one
small write with a cursor and a clock, so whoever dies between two of them is followed by whoever comes next.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.errors import IllegalTransition
from bot.issue_events import (
    AnotherCanary,
    CanaryChosen,
    CanaryFailed,
    ClaimedPage,
    DrainBegun,
    DrainedPage,
    Expired,
    Ignored,
    IssueEvent,
    Reported,
    Settled,
    SkippedPage,
    Unignored,
)
from bot.model import HEALTH_UNREADABLE, ExecutionKey, Issue, IssuePhase, IssueReport
from bot.names import place
from bot.policy import Policy

WATCH_EVERY = timedelta(minutes=1)  # an open issue is asked about at AWS Health this often
KEPT_AFTER_DONE = timedelta(days=7)  # longer than any event can be late (EventBridge gives up after a day)


def all_clear(issue: Issue, policy: Policy) -> str:
    """Why this issue holds nothing any more, in words for the card and the history."""
    report = issue.report
    if report.arn == HEALTH_UNREADABLE:
        return "AWS Health can be read again"
    where = place(report.region)
    if issue.ignored_by:
        return f"the {report.service} issue {where} is ignored by {issue.ignored_by} ({issue.ignored_reason})"
    if not report.closed:
        hours = int(policy.issue_max_age.total_seconds() // 3600)
        age = f"{hours} hour{'' if hours == 1 else 's'}"
        return f"the {report.service} issue {where} has been open for more than {age} and holds nothing more"
    return f"AWS closed the {report.service} issue {where}"


def first(report: IssueReport, now: datetime, policy: Policy) -> Issue:
    """The ledger's first entry about an issue (version 1)."""
    issue = Issue(
        report=report,
        version=1,
        phase=IssuePhase.OPEN,
        first_seen_at=min(now, report.updated_at),
        claim_cursor=_claims(report),
        due_at=now,
    )
    return _closed(issue, report, now, policy) if report.closed else issue


def advance_issue(issue: Issue, event: IssueEvent, now: datetime, policy: Policy) -> Issue:
    """The issue after `event`: version + 1, or the same object. Raises IllegalTransition out of phase."""
    changed = _step(issue, event, now, policy)
    return issue if changed == issue else replace(changed, version=issue.version + 1)


def _step(issue: Issue, event: IssueEvent, now: datetime, policy: Policy) -> Issue:
    match event:
        case Reported(report):
            return _reported(issue, report, now, policy)
        case Ignored(by, reason):
            return _ignored(issue, by, reason, now)
        case Unignored():
            return _unignored(issue, now)
        case ClaimedPage(cursor) if issue.claim_cursor is not None:
            return replace(issue, claim_cursor=cursor, due_at=_next_due(issue, cursor is None, now))
        case Settled() if issue.phase is IssuePhase.SETTLING:
            return _drain(issue, now)
        case Expired() if issue.phase is IssuePhase.OPEN:
            return _drain(issue, now)
        case SkippedPage() | CanaryChosen() | CanaryFailed() | AnotherCanary() | DrainBegun() if (
            issue.phase is IssuePhase.CANARY
        ):
            return _canary(issue, event, now)
        case DrainedPage(None, released) if issue.phase is IssuePhase.DRAINING:
            return replace(
                issue,
                phase=IssuePhase.DONE,
                released=issue.released + released,
                due_at=None,
                expires_at=_kept_until(issue, now, policy),
            )
        case DrainedPage(str(cursor), released) if issue.phase is IssuePhase.DRAINING:
            return replace(issue, drain_cursor=cursor, released=issue.released + released, due_at=now)
        case _:
            raise _impossible(issue, event)


def _impossible(issue: Issue, event: IssueEvent) -> IllegalTransition:
    return IllegalTransition(f"{type(event).__name__} is not possible while the issue is {issue.phase}")


def _canary(
    issue: Issue, event: SkippedPage | CanaryChosen | CanaryFailed | AnotherCanary | DrainBegun, now: datetime
) -> Issue:
    """The steps of the phase CANARY: look, choose, wait for how it ends; then another, or the rest."""
    canary = issue.canary
    match event:
        case SkippedPage(cursor, held) if canary is None:
            return replace(issue, drain_cursor=cursor, waiting=issue.waiting + held, due_at=now)
        case CanaryChosen(chosen) if canary is None:
            note = f"{name_of(chosen.key)} goes first, as the canary; the rest waits to see how that ends."
            return replace(issue, canary=chosen, note=note, due_at=now)
        case CanaryFailed(held_by, until_at) if canary is not None:
            note = (
                f"The canary, {name_of(canary.key)}, failed, and an open issue explains it: the rest waits until "
                f"that one is closed, or for half an hour; then another goes first."
            )
            waits = replace(canary, held_by=held_by, until_at=until_at)
            return replace(issue, canary=waits, note=note, due_at=now + WATCH_EVERY)
        case AnotherCanary(why) if canary is not None:
            counted = 0 if canary.held_by else 1
            return replace(
                issue,
                canary=None,
                canaries=issue.canaries + counted,
                waiting=0,
                drain_cursor="",
                note=why,
                due_at=now,
            )
        case DrainBegun(why):
            return replace(issue, phase=IssuePhase.DRAINING, drain_cursor="", note=why, due_at=now)
        case _:
            raise _impossible(issue, event)


def name_of(key: ExecutionKey) -> str:
    """A canary in words; plain text."""
    return f"{key.pipeline} → {key.stage}"


def _reported(issue: Issue, report: IssueReport, now: datetime, policy: Policy) -> Issue:
    """Order by lastUpdatedTime; on a tie closed wins. "[RESOLVED]" and an endTime close nothing."""
    known = issue.report
    newest_at = issue.newest_at or known.updated_at
    older = report.updated_at < newest_at
    tie = report.updated_at == newest_at
    may_close = issue.open or (bool(issue.ignored_by) and not known.closed)
    if older or (tie and not (report.closed and may_close)):
        return replace(issue, first_seen_at=min(issue.first_seen_at, report.updated_at))
    if issue.ignored_by:
        return replace(issue, report=report, newest_at=None, closed_at=now if report.closed else None)
    if report.closed:
        # A later remark on a closed issue keeps older news from re-opening it, and changes nothing else.
        if not issue.open:
            return replace(issue, newest_at=report.updated_at)
        return _closed(_began_earlier(issue, report, now), report, now, policy)
    if issue.open:
        return replace(_began_earlier(issue, report, now), report=report)
    if now - report.start_at > policy.issue_max_age:
        return issue  # it was let go for its age; another update makes it no younger
    return _open_again(replace(issue, report=report, newest_at=None), now)


def _began_earlier(issue: Issue, report: IssueReport, now: datetime) -> Issue:
    """Where AWS moves the start back, the failures since then are looked through once more."""
    if report.start_at >= issue.report.start_at:
        return issue
    return replace(issue, claim_cursor=_claims(report), due_at=now)


def _open_again(issue: Issue, now: datetime) -> Issue:
    return replace(
        issue,
        phase=IssuePhase.OPEN,
        closed_at=None,
        settled_at=None,
        claim_cursor=_claims(issue.report),
        due_at=now,
        expires_at=None,
        **_NOTHING_RELEASED,
    )


def _ignored(issue: Issue, by: str, reason: str, now: datetime) -> Issue:
    """It claims nothing more and releases what it held; what AWS says of it is still written down."""
    if issue.ignored_by:
        return issue
    if issue.key == HEALTH_UNREADABLE or issue.phase is IssuePhase.DONE:
        raise IllegalTransition("there is nothing that this issue holds or could hold")
    said = replace(issue, ignored_by=by, ignored_reason=reason, ignored_at=now, claim_cursor=None, due_at=now)
    return _drain(said, now) if issue.phase in (IssuePhase.OPEN, IssuePhase.SETTLING) else said


def _unignored(issue: Issue, now: datetime) -> Issue:
    """What is still open at AWS holds again, and looks for the failures it explains."""
    if not issue.ignored_by:
        return issue
    heard = replace(issue, ignored_by="", ignored_reason="", ignored_at=None)
    return heard if issue.report.closed else _open_again(heard, now)


def _kept_until(issue: Issue, now: datetime, policy: Policy) -> datetime:
    """One that is ignored while AWS still has it open must be known until it would hold nothing for its age."""
    ignored = bool(issue.ignored_by) and not issue.report.closed
    over_at = max(now, issue.report.start_at + policy.issue_max_age) if ignored else now
    return over_at + KEPT_AFTER_DONE


def _closed(issue: Issue, report: IssueReport, now: datetime, policy: Policy) -> Issue:
    """The close is this one small write. Nothing needs to settle after our own inability to read."""
    settled_at = now if report.arn == HEALTH_UNREADABLE else now + policy.settle
    return replace(
        issue,
        report=report,
        phase=IssuePhase.SETTLING,
        closed_at=now,
        settled_at=settled_at,
        due_at=now if issue.claim_cursor is not None else settled_at,
    )


def _claims(report: IssueReport) -> str | None:
    """Where the look through unexplained failures begins; our own inability to read explains none."""
    return None if report.arn == HEALTH_UNREADABLE else ""


_NOTHING_RELEASED: dict[str, Any] = {
    "canary": None, "canaries": 0, "waiting": 0, "drain_cursor": "", "released": 0, "note": "",
}  # fmt: skip


def _drain(issue: Issue, now: datetime) -> Issue:
    """It holds nothing any more: the release begins with the look for a canary.

    Our own inability to read AWS Health needs none: that it can be read again is known first hand.
    """
    own = issue.report.arn == HEALTH_UNREADABLE
    phase = IssuePhase.DRAINING if own else IssuePhase.CANARY
    return replace(issue, phase=phase, due_at=now, **_NOTHING_RELEASED)


def _next_due(issue: Issue, claimed_all: bool, now: datetime) -> datetime:
    if not claimed_all:
        return now
    if issue.phase is IssuePhase.SETTLING and issue.settled_at is not None:
        return issue.settled_at
    return now + WATCH_EVERY if issue.phase is IssuePhase.OPEN else now


def unreadable_report(now: datetime, *, closed: bool = False) -> IssueReport:
    """The pseudo-issue that holds deploys while AWS Health cannot be read; the first good read closes it."""
    return IssueReport(
        arn=HEALTH_UNREADABLE,
        service="HEALTH",
        region="global",
        type_code="AWS Health unreadable",
        scope="PUBLIC",
        account="",
        start_at=now,
        updated_at=now,
        closed=closed,
    )
