"""An issue's way from open to done, whatever order its reports come in."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import IllegalTransition
from bot.issues import (
    KEPT_AFTER_DONE,
    WATCH_EVERY,
    ClaimedPage,
    DrainedPage,
    Expired,
    IssueEvent,
    Reported,
    Settled,
    advance_issue,
    all_clear,
    first,
    unreadable_report,
)
from bot.model import Issue, IssuePhase, IssueReport
from bot.policy import Policy
from tests.builders import NOW, a_report

POLICY = Policy()
OPEN, SETTLING, DRAINING, DONE = IssuePhase
NOTHING_LEFT = ClaimedPage(None)


def at(minutes: int) -> datetime:
    """The time a report states: minutes after the issue's first."""
    return NOW + timedelta(minutes=minutes)


def report(minutes: int, *, closed: bool = False, **changes: object) -> IssueReport:
    return a_report(updated_at=at(minutes), closed=closed, **changes)


def after(issue: Issue, *events: IssueEvent | IssueReport, now: datetime = NOW) -> Issue:
    for event in events:
        issue = advance_issue(issue, Reported(event) if isinstance(event, IssueReport) else event, now, POLICY)
    return issue


def opened(minutes: int = 0) -> Issue:
    """OPEN, and the unexplained failures are looked through."""
    return after(first(report(minutes), NOW, POLICY), NOTHING_LEFT)


def test_a_new_issue_looks_through_the_unexplained_failures_at_once() -> None:
    issue = first(report(0), NOW, POLICY)
    assert (issue.version, issue.phase, issue.claim_cursor, issue.due_at) == (1, OPEN, "", NOW)
    page = after(issue, ClaimedPage("next"))
    assert (page.claim_cursor, page.due_at) == ("next", NOW)
    assert after(page, NOTHING_LEFT).due_at == NOW + WATCH_EVERY


def test_a_close_is_one_small_write_that_settles_first() -> None:
    issue = opened()
    closed = after(issue, report(30, closed=True), now=at(31))
    assert (closed.version, closed.phase) == (issue.version + 1, SETTLING)
    assert (closed.closed_at, closed.settled_at, closed.due_at) == (at(31), at(36), at(36))


def test_settled_drained_done() -> None:
    closed = after(opened(), report(30, closed=True), now=at(31))
    draining = after(closed, Settled(), now=at(36))
    assert (draining.phase, draining.drain_cursor, draining.due_at) == (DRAINING, "", at(36))
    half = after(draining, DrainedPage("half"), now=at(37))
    assert (half.phase, half.drain_cursor, half.due_at) == (DRAINING, "half", at(37))
    done = after(half, DrainedPage(None), now=at(38))
    assert (done.phase, done.due_at, done.expires_at) == (DONE, None, at(38) + KEPT_AFTER_DONE)


def test_hopeful_words_and_an_end_time_close_nothing() -> None:
    hopeful = report(30, end_at=at(20), description="[RESOLVED] The issue has been resolved.")
    assert after(opened(), hopeful).phase is OPEN


def test_a_close_without_an_end_time_closes() -> None:
    assert after(opened(), report(30, closed=True, end_at=None)).phase is SETTLING


def test_on_a_tie_closed_wins_in_either_order() -> None:
    assert after(opened(5), report(5, closed=True)).phase is SETTLING
    closed = first(report(5, closed=True), NOW, POLICY)
    assert after(closed, report(5)) is closed


def test_an_old_open_after_the_close_re_opens_nothing() -> None:
    closed = after(opened(), report(30, closed=True))
    for minutes in (0, 29, 30):
        assert after(closed, report(minutes)).phase is SETTLING


def test_a_later_remark_on_a_closed_issue_changes_nothing_but_what_counts_as_old() -> None:
    """The window stays that of the close; an open report from before the remark is old, a later one is not."""
    closed = after(opened(), report(30, closed=True), now=at(31))
    remarked = after(closed, report(90, closed=True), now=at(91))
    assert (remarked.phase, remarked.report, remarked.due_at) == (SETTLING, closed.report, closed.due_at)
    assert after(remarked, report(60)).phase is SETTLING
    assert after(remarked, report(91)).phase is OPEN


@pytest.mark.parametrize("phase", [SETTLING, DRAINING, DONE])
def test_newer_news_re_opens_at_any_point(phase: IssuePhase) -> None:
    issue = after(opened(), report(30, closed=True), now=at(31))
    steps = {SETTLING: (), DRAINING: (Settled(), DrainedPage("x")), DONE: (Settled(), DrainedPage(None))}
    again = after(after(issue, *steps[phase]), report(40), now=at(41))
    assert (again.phase, again.claim_cursor, again.drain_cursor, again.due_at) == (OPEN, "", "", at(41))
    assert (again.closed_at, again.settled_at, again.expires_at) == (None, None, None)


def test_one_that_arrives_closed_looks_through_the_failures_and_then_settles() -> None:
    """It holds nothing, but frees the failures inside its window."""
    issue = first(report(0, closed=True), at(1), POLICY)
    assert (issue.phase, issue.claim_cursor, issue.due_at) == (SETTLING, "", at(1))
    looked = after(issue, NOTHING_LEFT, now=at(2))
    assert (looked.phase, looked.due_at) == (SETTLING, at(6))


def test_one_open_for_too_long_lets_go_and_stays_so() -> None:
    late = NOW + POLICY.issue_max_age + timedelta(minutes=1)
    gone = after(opened(), Expired(), now=late)
    assert gone.phase is DRAINING
    updated = a_report(updated_at=late)
    assert after(gone, updated, now=late).phase is DRAINING
    assert all_clear(gone, POLICY) == (
        "the ECS issue in us-east-1 has been open for more than 48 hours and holds nothing more"
    )


def test_the_all_clear_names_what_closed() -> None:
    assert all_clear(first(report(0, closed=True), NOW, POLICY), POLICY) == "AWS closed the ECS issue in us-east-1"
    everywhere = first(report(0, closed=True, region="global"), NOW, POLICY)
    assert all_clear(everywhere, POLICY) == "AWS closed the ECS issue everywhere"


def test_our_own_inability_to_read_needs_no_settling_and_claims_nothing() -> None:
    pseudo = first(unreadable_report(NOW), NOW, POLICY)
    assert (pseudo.phase, pseudo.claim_cursor) == (OPEN, None)
    readable = after(pseudo, unreadable_report(at(3), closed=True), now=at(3))
    assert (readable.phase, readable.settled_at, readable.due_at) == (SETTLING, at(3), at(3))
    assert all_clear(readable, POLICY) == "AWS Health can be read again"


def test_the_oldest_report_says_when_it_was_announced() -> None:
    """A delivery that is hours late is no late announcement."""
    issue = first(report(120), at(125), POLICY)
    assert issue.first_seen_at == at(120)
    assert after(issue, report(10), now=at(130)).first_seen_at == at(10)


@pytest.mark.parametrize(
    ("issue", "event"),
    [
        (opened(), Settled()),
        (opened(), DrainedPage(None)),
        (opened(), ClaimedPage(None)),
        (first(report(0, closed=True), NOW, POLICY), Expired()),
        (first(report(0, closed=True), NOW, POLICY), DrainedPage("x")),
    ],
)
def test_a_step_out_of_phase_is_refused(issue: Issue, event: IssueEvent) -> None:
    with pytest.raises(IllegalTransition):
        after(issue, event)


REPORTS = st.lists(
    st.builds(lambda minutes, closed: report(minutes, closed=closed), st.integers(0, 6), st.booleans()), min_size=1
)


@given(REPORTS, st.randoms(use_true_random=False))
def test_the_newest_report_decides_in_whatever_order_and_however_often_they_come(
    reports: list[IssueReport], random: object
) -> None:
    """Doubled, reversed, late: the issue ends open or closed as the newest says; on a tie closed wins."""
    newest = max(reports, key=lambda one: (one.updated_at, one.closed))
    random.shuffle(reports)  # type: ignore[attr-defined]
    issue = first(reports[0], NOW, POLICY)
    versions = [issue.version]
    for each in reports[1:]:
        again = after(issue, each)
        versions += [] if again is issue else [again.version]
        issue = again
    assert issue.open is not newest.closed
    assert all(later == earlier + 1 for earlier, later in pairwise(versions))
    assert issue.due_at is not None
    assert issue.first_seen_at == min(NOW, *(one.updated_at for one in reports))
