"""An issue that a person ignores: it lets go of what it held, hears what AWS says, and can be brought back."""

from datetime import timedelta

import pytest

from bot.attribution import explain
from bot.errors import IllegalTransition
from bot.gate import GateRequest, decide
from bot.issue_events import DrainBegun, DrainedPage, Ignored, Reported, Unignored
from bot.issues import KEPT_AFTER_DONE, advance_issue, all_clear, unreadable_report
from bot.model import Issue, IssuePhase, PipelineTags, Verdict
from bot.policy import Policy
from tests.builders import ACCOUNT, ISSUE_ARN, NOW, REGION, a_gate_action, a_report, an_action, an_issue

POLICY = Policy()
LATER = NOW + timedelta(minutes=30)
ALICE = "U0ALICE"


def ignored(issue: Issue | None = None) -> Issue:
    return advance_issue(issue or an_issue(), Ignored(ALICE, "a console only"), NOW, POLICY)


def drained(issue: Issue, policy: Policy = POLICY) -> Issue:
    begun = advance_issue(issue, DrainBegun("few were held"), NOW, policy)
    return advance_issue(begun, DrainedPage(None), NOW, policy)


def update(*, closed: bool, minutes: int = 10) -> Reported:
    return Reported(a_report(updated_at=NOW + timedelta(minutes=minutes), closed=closed))


@pytest.mark.parametrize("phase", [IssuePhase.OPEN, IssuePhase.SETTLING])
def test_it_releases_what_it_held_and_claims_nothing_more(phase: IssuePhase) -> None:
    """As at a close: one of many goes first."""
    issue = ignored(an_issue(phase=phase, claim_cursor="a page", drain_cursor="another"))
    assert (issue.phase, issue.claim_cursor, issue.drain_cursor, issue.due_at) == (
        IssuePhase.CANARY,
        None,
        "",
        NOW,
    )
    assert (issue.ignored_by, issue.ignored_reason, issue.ignored_at) == (ALICE, "a console only", NOW)
    assert not issue.open


@pytest.mark.parametrize("phase", [IssuePhase.CANARY, IssuePhase.DRAINING])
def test_a_release_under_way_goes_on_from_where_it_is(phase: IssuePhase) -> None:
    issue = ignored(an_issue(phase=phase, claim_cursor="a page", drain_cursor="another"))
    assert (issue.phase, issue.claim_cursor, issue.drain_cursor) == (phase, None, "another")
    assert issue.ignored_by == ALICE


def test_what_it_releases_is_told_who_and_why() -> None:
    assert all_clear(ignored(), POLICY) == "the ECS issue in us-east-1 is ignored by U0ALICE: a console only"


def test_ignoring_again_changes_nothing_and_keeps_the_first_reason() -> None:
    issue = ignored()
    assert advance_issue(issue, Ignored("U0BOB", "me too"), LATER, POLICY) is issue


@pytest.mark.parametrize(
    "issue", [an_issue(phase=IssuePhase.DONE), an_issue(report=unreadable_report(NOW))], ids=["done", "unreadable"]
)
def test_what_holds_nothing_or_is_our_own_cannot_be_ignored(issue: Issue) -> None:
    with pytest.raises(IllegalTransition):
        ignored(issue)


def test_news_that_it_is_open_does_not_bring_it_back() -> None:
    issue = advance_issue(drained(ignored()), update(closed=False), LATER, POLICY)
    assert (issue.phase, issue.due_at) == (IssuePhase.DONE, None)
    assert issue.report.updated_at == NOW + timedelta(minutes=10)


def test_its_close_is_kept_and_sets_nothing_off() -> None:
    issue = advance_issue(drained(ignored()), update(closed=True), LATER, POLICY)
    assert (issue.phase, issue.due_at, issue.closed_at) == (IssuePhase.DONE, None, LATER)
    assert issue.report.closed


def test_on_a_tie_its_close_wins() -> None:
    tie = Reported(a_report(closed=True))
    assert advance_issue(ignored(), tie, LATER, POLICY).report.closed


def test_taken_back_while_it_is_open_it_holds_and_claims_again() -> None:
    heard = advance_issue(drained(ignored()), update(closed=False), LATER, POLICY)
    issue = advance_issue(heard, Unignored(), LATER, POLICY)
    assert (issue.phase, issue.claim_cursor, issue.due_at) == (IssuePhase.OPEN, "", LATER)
    assert (issue.ignored_by, issue.ignored_reason, issue.ignored_at, issue.expires_at) == ("", "", None, None)


def test_taken_back_after_its_close_it_stays_over() -> None:
    closed = advance_issue(drained(ignored()), update(closed=True), LATER, POLICY)
    issue = advance_issue(closed, Unignored(), LATER, POLICY)
    assert (issue.phase, issue.ignored_by) == (IssuePhase.DONE, "")


def test_taking_back_what_nobody_ignores_changes_nothing() -> None:
    issue = an_issue()
    assert advance_issue(issue, Unignored(), NOW, POLICY) is issue


def test_it_is_known_for_as_long_as_it_could_hold_anything() -> None:
    """Forgotten sooner, the next answer of AWS Health would make it a new issue, and hold deploys."""
    policy = Policy(issue_max_age=timedelta(days=30))
    issue = drained(ignored(), policy)
    assert issue.expires_at == an_issue().report.start_at + timedelta(days=30) + KEPT_AFTER_DONE


@pytest.mark.parametrize("phase_done", [False, True])
def test_it_explains_no_failure(phase_done: bool) -> None:
    """Not even one that AWS's newest word on it covers."""
    issue = drained(ignored()) if phase_done else ignored()
    failed_at = issue.report.updated_at - timedelta(minutes=1)
    action = an_action(provider="ECS")
    found = explain([action], failed_at, ACCOUNT, PipelineTags(), [issue], NOW, POLICY)
    assert found.verdict is Verdict.UNEXPLAINED
    counted = explain([action], failed_at, ACCOUNT, PipelineTags(), [an_issue()], NOW, POLICY)
    assert counted.verdict is Verdict.EXPLAINED


def test_what_a_gate_stopped_for_it_is_said_to_be_ignored() -> None:
    gate = a_gate_action(ISSUE_ARN.rsplit("/", 1)[-1])
    found = explain([gate], NOW, ACCOUNT, PipelineTags(), [ignored()], NOW, POLICY)
    assert found.verdict is Verdict.EXPLAINED
    assert "ignored since" in found.reason


def test_the_gate_lets_the_deploy_pass_and_says_who_ignores_what_and_why() -> None:
    request = GateRequest("web", "e-1", (REGION,))
    assert not decide(request, [an_issue()], ACCOUNT, NOW, POLICY).passes
    answer = decide(request, [ignored()], ACCOUNT, NOW, POLICY)
    assert answer.passes
    assert "Not counted: ECS in us-east-1, ignored by U0ALICE (a console only)." in answer.message


def test_the_gate_says_nothing_of_one_that_is_closed_by_now() -> None:
    closed = advance_issue(ignored(), update(closed=True), LATER, POLICY)
    assert "ignored" not in decide(GateRequest("web", "e-1", (REGION,)), [closed], ACCOUNT, NOW, POLICY).message
