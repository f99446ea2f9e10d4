"""An issue's own way from open to done: OPEN → SETTLING → DRAINING → DONE. Pure.

A close writes one item, the issue; executions change only as they are released, page by page.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.errors import IllegalTransition
from bot.model import HEALTH_UNREADABLE, Issue, IssuePhase, IssueReport
from bot.policy import Policy

WATCH_EVERY = timedelta(minutes=1)  # an open issue is asked about at AWS Health this often
KEPT_AFTER_DONE = timedelta(days=7)  # longer than any event can be late (EventBridge gives up after a day)


@dataclass(frozen=True, slots=True)
class Reported:
    """AWS Health says this about the issue; at least once, in any order."""

    report: IssueReport


@dataclass(frozen=True, slots=True)
class ClaimedPage:
    """One page of unexplained failures was looked through. `cursor` is None after the last."""

    cursor: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """The settle time is over and the issue is still closed."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Open for longer than IssueMaxAgeHours: it holds nothing any more."""


@dataclass(frozen=True, slots=True)
class DrainedPage:
    """One page of held executions was released. `cursor` is None after the last."""

    cursor: str | None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A person said that it holds nothing, and why (`by` is a Slack user id)."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unignored:
    """A person took that back."""


IssueEvent = Reported | ClaimedPage | Settled | Expired | DrainedPage | Ignored | Unignored


def all_clear(issue: Issue, policy: Policy) -> str:
    """Why this issue holds nothing any more, in words for the card and the history."""
    report = issue.report
    if report.arn == HEALTH_UNREADABLE:
        return "AWS Health can be read again"
    where = "everywhere" if report.region == "global" else f"in {report.region}"
    if issue.ignored_by:
        return f"the {report.service} issue {where} is ignored by {issue.ignored_by}: {issue.ignored_reason}"
    if not report.closed:
        hours = int(policy.issue_max_age.total_seconds() // 3600)
        return (
            f"the {report.service} issue {where} has been open for more than {hours} hours and holds nothing more"
        )
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
        case DrainedPage(None) if issue.phase is IssuePhase.DRAINING:
            return replace(issue, phase=IssuePhase.DONE, due_at=None, expires_at=_kept_until(issue, now, policy))
        case DrainedPage(str(cursor)) if issue.phase is IssuePhase.DRAINING:
            return replace(issue, drain_cursor=cursor, due_at=now)
        case _:
            raise IllegalTransition(f"{type(event).__name__} is not possible while the issue is {issue.phase}")


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
        return _closed(issue, report, now, policy) if issue.open else replace(issue, newest_at=report.updated_at)
    if issue.open:
        return replace(issue, report=report)
    if now - report.start_at > policy.issue_max_age:
        return issue  # it was let go for its age; another update makes it no younger
    return _open_again(replace(issue, report=report, newest_at=None), now)


def _open_again(issue: Issue, now: datetime) -> Issue:
    return replace(
        issue,
        phase=IssuePhase.OPEN,
        closed_at=None,
        settled_at=None,
        claim_cursor=_claims(issue.report),
        drain_cursor="",
        due_at=now,
        expires_at=None,
    )


def _ignored(issue: Issue, by: str, reason: str, now: datetime) -> Issue:
    """It claims nothing more and releases what it held; what AWS says of it is still written down."""
    if issue.ignored_by:
        return issue
    if issue.key == HEALTH_UNREADABLE or issue.phase is IssuePhase.DONE:
        raise IllegalTransition("there is nothing that this issue holds or could hold")
    said = replace(issue, ignored_by=by, ignored_reason=reason, ignored_at=now)
    return _drain(replace(said, claim_cursor=None), now)


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


def _drain(issue: Issue, now: datetime) -> Issue:
    return replace(issue, phase=IssuePhase.DRAINING, drain_cursor="", due_at=now)


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
