"""An issue's way from open to done, whatever order its reports come in."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import IllegalTransition
from bot.issue_events import (
    AnotherCanary,
    CanaryChosen,
    CanaryFailed,
    ClaimedPage,
    DrainBegun,
    DrainedPage,
    Expired,
    IssueEvent,
    Reported,
    Settled,
    SkippedPage,
)
from bot.issues import KEPT_AFTER_DONE, WATCH_EVERY, advance_issue, all_clear, first, unreadable_report
from bot.model import Canary, Issue, IssuePhase, IssueReport
from bot.policy import Policy
from tests.builders import KEY, NOW, a_report

POLICY = Policy()
OPEN, SETTLING, CANARY, DRAINING, DONE = IssuePhase
NOTHING_LEFT = ClaimedPage(None)
A_CANARY = Canary(KEY, retries=0, until_at=NOW + timedelta(minutes=10))


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
    settled = after(closed, Settled(), now=at(36))
    assert (settled.phase, settled.canary, settled.due_at) == (CANARY, None, at(36))
    draining = after(settled, DrainBegun("No canary."), now=at(36))
    assert (draining.phase, draining.drain_cursor, draining.due_at) == (DRAINING, "", at(36))
    half = after(draining, DrainedPage("half", 25), now=at(37))
    assert (half.phase, half.drain_cursor, half.released, half.due_at) == (DRAINING, "half", 25, at(37))
    done = after(half, DrainedPage(None, 3), now=at(38))
    assert (done.phase, done.released, done.due_at) == (DONE, 28, None)
    assert done.expires_at == at(38) + KEPT_AFTER_DONE


def test_one_goes_first_and_the_rest_follows() -> None:
    """Each step is one write; the look for the canary and the release have a cursor each."""
    looking = after(opened(), report(30, closed=True), Settled(), SkippedPage("somewhere", 4))
    assert (looking.drain_cursor, looking.waiting, looking.due_at) == ("somewhere", 4, NOW)
    chosen = after(looking, CanaryChosen(A_CANARY))
    assert (chosen.phase, chosen.canary, chosen.due_at) == (CANARY, A_CANARY, NOW)
    assert chosen.note == "web → Deploy goes first, as the canary; the rest waits to see how that ends."
    draining = after(chosen, DrainBegun("The canary, web → Deploy, recovered: the rest follows."))
    assert (draining.phase, draining.canary, draining.drain_cursor) == (DRAINING, A_CANARY, "")
    assert draining.note == "The canary, web → Deploy, recovered: the rest follows."


def test_a_canary_that_failed_holds_the_rest_until_another_one_tries() -> None:
    chosen = after(opened(), report(30, closed=True), Settled(), SkippedPage("x", 30), CanaryChosen(A_CANARY))
    waits = after(chosen, CanaryFailed("another-issue", at(60)), now=at(40))
    assert waits.canary == replace(A_CANARY, held_by="another-issue", until_at=at(60))
    assert (waits.phase, waits.due_at) == (CANARY, at(40) + WATCH_EVERY)
    again = after(waits, AnotherCanary("Half an hour is over."), now=at(60))
    assert (again.canary, again.canaries, again.drain_cursor, again.waiting) == (None, 0, "", 0)
    told_nothing = after(chosen, AnotherCanary("It was superseded."))
    assert (told_nothing.canary, told_nothing.canaries, told_nothing.due_at) == (None, 1, NOW)


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


@pytest.mark.parametrize("phase", [SETTLING, CANARY, DRAINING, DONE])
def test_newer_news_re_opens_at_any_point(phase: IssuePhase) -> None:
    issue = after(opened(), report(30, closed=True), now=at(31))
    canary = (Settled(), SkippedPage("x", 6), CanaryChosen(A_CANARY), AnotherCanary(""), CanaryChosen(A_CANARY))
    steps = {
        SETTLING: (),
        CANARY: canary,
        DRAINING: (*canary, DrainBegun("over"), DrainedPage("x", 25)),
        DONE: (*canary, DrainBegun("over"), DrainedPage(None, 25)),
    }
    closed = after(issue, *steps[phase])
    assert closed.phase is phase
    again = after(closed, report(40), now=at(41))
    assert (again.phase, again.claim_cursor, again.drain_cursor, again.due_at) == (OPEN, "", "", at(41))
    assert (again.closed_at, again.settled_at, again.expires_at) == (None, None, None)
    assert (again.canary, again.canaries, again.waiting, again.released, again.note) == (None, 0, 0, 0, "")


def test_one_that_arrives_closed_looks_through_the_failures_and_then_settles() -> None:
    """It holds nothing, but frees the failures inside its window."""
    issue = first(report(0, closed=True), at(1), POLICY)
    assert (issue.phase, issue.claim_cursor, issue.due_at) == (SETTLING, "", at(1))
    looked = after(issue, NOTHING_LEFT, now=at(2))
    assert (looked.phase, looked.due_at) == (SETTLING, at(6))


def test_one_open_for_too_long_lets_go_and_stays_so() -> None:
    late = NOW + POLICY.issue_max_age + timedelta(minutes=1)
    gone = after(opened(), Expired(), now=late)
    assert gone.phase is CANARY
    updated = a_report(updated_at=late)
    assert after(gone, updated, now=late).phase is CANARY
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
    assert after(readable, Settled()).phase is DRAINING, "no canary: we have read it ourselves"


def test_the_oldest_report_says_when_it_was_announced() -> None:
    """A delivery that is hours late is no late announcement."""
    issue = first(report(120), at(125), POLICY)
    assert issue.first_seen_at == at(120)
    assert after(issue, report(10), now=at(130)).first_seen_at == at(10)


@pytest.mark.parametrize("closed", [False, True])
def test_a_start_that_moves_back_has_the_failures_looked_through_once_more(closed: bool) -> None:
    """AWS may tell only when it closes an issue how long before its first post that had begun."""
    told = opened().report.start_at
    earlier = report(30, closed=closed, start_at=told - timedelta(hours=1))
    looks = after(opened(), earlier, now=at(30))
    assert (looks.claim_cursor, looks.due_at) == ("", at(30))
    later = report(30, closed=closed, start_at=told + timedelta(hours=1))
    assert after(opened(), later, now=at(30)).claim_cursor is None


LOOKING = after(opened(), report(30, closed=True), Settled())
IN_EACH_PHASE = {
    "open": opened(),
    "settling": after(opened(), report(30, closed=True)),
    "looking": LOOKING,
    "canary": after(LOOKING, CanaryChosen(A_CANARY)),
    "draining": after(LOOKING, DrainBegun("over")),
    "done": after(LOOKING, DrainBegun("over"), DrainedPage(None)),
}
STEPS: list[tuple[IssueEvent, dict[str, IssuePhase]]] = [  # where it is possible, and where it leads
    (ClaimedPage(None), {}),  # nothing is left to look through in any of these
    (Settled(), {"settling": CANARY}),
    (Expired(), {"open": CANARY}),
    (SkippedPage("x", 1), {"looking": CANARY}),
    (CanaryChosen(A_CANARY), {"looking": CANARY}),
    (CanaryFailed("another-issue", NOW), {"canary": CANARY}),
    (AnotherCanary("gone"), {"canary": CANARY}),
    (DrainBegun("over"), {"looking": DRAINING, "canary": DRAINING}),
    (DrainedPage("x", 1), {"draining": DRAINING}),
    (DrainedPage(None), {"draining": DONE}),
]


@pytest.mark.parametrize("name", IN_EACH_PHASE)
@pytest.mark.parametrize(("event", "possible"), STEPS, ids=lambda one: type(one).__name__)
def test_each_step_in_each_phase(name: str, event: IssueEvent, possible: dict[str, IssuePhase]) -> None:
    """A step out of phase is refused and changes nothing."""
    if name in possible:
        assert after(IN_EACH_PHASE[name], event).phase is possible[name]
    else:
        with pytest.raises(IllegalTransition):
            after(IN_EACH_PHASE[name], event)


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
