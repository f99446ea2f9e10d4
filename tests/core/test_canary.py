"""Who goes first at an all-clear, and what its end means for the rest."""

from datetime import timedelta
from typing import Any

import pytest

from bot.canary import TURN, TURNS, WAIT, WITHOUT, choose, judge
from bot.issue_events import AnotherCanary, CanaryChosen, CanaryFailed, DrainBegun, SkippedPage
from bot.model import Canary, Execution, Issue, IssuePhase, PipelineTags, Status
from bot.policy import Policy
from tests.builders import ISSUE_ARN, KEY, NOW, a_blocker, a_key, an_execution, an_issue

POLICY = Policy()
OTHER_ARN = ISSUE_ARN + "-2"
ISSUE = an_issue(phase=IssuePhase.CANARY)
A_CANARY = Canary(KEY, retries=1, until_at=NOW + TURN)


def held(number: int, **changes: Any) -> Execution:
    return an_execution(key=a_key(pipeline=f"service-{number}"), **changes)


def tagged(tier: str) -> dict[str, Any]:
    return {"tags": PipelineTags(tier=tier)}


def chosen(*executions: Execution, issue: Issue = ISSUE, policy: Policy = POLICY) -> str:
    """The pipeline that goes first."""
    event = choose(issue, executions, None, NOW, policy)
    assert isinstance(event, CanaryChosen)
    return event.canary.key.pipeline


def test_up_to_five_go_together() -> None:
    five = [held(number) for number in range(WITHOUT)]
    assert isinstance(choose(ISSUE, five, None, NOW, POLICY), DrainBegun)
    assert choose(ISSUE, [*five, held(5, retries=2)], None, NOW, POLICY) == CanaryChosen(
        Canary(five[0].key, 0, NOW + TURN)
    )


def test_one_that_is_not_production_goes_first() -> None:
    """With only production to choose from, one of them does."""
    production = [held(number, **tagged("production")) for number in range(6)]
    assert chosen(*production, held(7, **tagged("staging"))) == "service-7"
    assert chosen(*production, held(8)) == "service-8", "no tag is no production"
    assert chosen(*production) == "service-0"


@pytest.mark.parametrize(
    "unable",
    [
        {"blockers": (a_blocker(), a_blocker(issue=OTHER_ARN))},
        {"automatic_retries": 3},
        {"held_at": NOW - timedelta(hours=24)},
        {"tags": PipelineTags(auto_retry=False)},
        {"tags": PipelineTags(mode="shadow")},
        {"gate_stops": 2},
    ],
    ids=["held by another issue", "budget spent", "too old", "switched off", "shadow", "its gate backs off"],
)
def test_one_whose_release_leads_to_no_retry_does_not_go_first(unable: dict[str, Any]) -> None:
    others = [held(number, **unable) for number in range(6)]
    assert chosen(*others, held(9)) == "service-9"
    assert isinstance(choose(ISSUE, others, None, NOW, POLICY), DrainBegun), "nothing will be retried anyway"


def test_the_look_goes_on_where_more_may_be_held() -> None:
    few = [held(number) for number in range(3)]
    unable = [held(number, automatic_retries=3) for number in range(25)]
    assert choose(ISSUE, few, "next", NOW, POLICY) == SkippedPage("next", 3)
    assert choose(ISSUE, unable, "next", NOW, POLICY) == SkippedPage("next", 25)
    seen_more = an_issue(phase=IssuePhase.CANARY, waiting=3)
    assert chosen(*few, issue=seen_more) == "service-0", "six in all"


def now(status: Status, **changes: Any) -> Execution:
    return an_execution(status=status, **{"retries": 2, "blockers": (), **changes})


HELD_BY_OTHER = {"blockers": (a_blocker(issue=OTHER_ARN),)}


@pytest.mark.parametrize(
    ("execution", "verdict"),
    [
        (now(Status.RESUMING, retries=1), None),
        (now(Status.RETRYING), None),
        (now(Status.RECOVERED), DrainBegun),
        (now(Status.RECOVERED, retries=1), DrainBegun),
        (now(Status.NEEDS_HUMAN), DrainBegun),  # a failure of its own
        (now(Status.SUPERSEDED), DrainBegun),
        (now(Status.STOPPED), DrainBegun),
        (now(Status.DISMISSED), DrainBegun),
        (now(Status.BLOCKED, **HELD_BY_OTHER), CanaryFailed),
        (now(Status.NEEDS_HUMAN, **HELD_BY_OTHER), CanaryFailed),  # explained, and its budget is spent
        # What was never retried tells nothing about the rest.
        (None, AnotherCanary),
        (now(Status.NEEDS_HUMAN, retries=1), AnotherCanary),
        (now(Status.SUPERSEDED, retries=1), AnotherCanary),
        (now(Status.STOPPED, retries=1), AnotherCanary),
        (now(Status.DISMISSED, retries=1), AnotherCanary),
        (now(Status.BLOCKED, retries=1, **HELD_BY_OTHER), AnotherCanary),
    ],
)
def test_what_each_outcome_means_for_the_rest(execution: Execution | None, verdict: type | None) -> None:
    event = judge(ISSUE, A_CANARY, execution, {OTHER_ARN}, NOW)
    assert type(event) is (verdict or type(None))


def test_a_failure_whose_issue_is_closed_already_holds_nobody() -> None:
    blocked = now(Status.BLOCKED, **HELD_BY_OTHER)
    assert isinstance(judge(ISSUE, A_CANARY, blocked, set(), NOW), AnotherCanary)


@pytest.mark.parametrize("status", [Status.RESUMING, Status.RETRYING])
def test_its_turn_ends_after_ten_minutes(status: Status) -> None:
    assert judge(ISSUE, A_CANARY, now(status), set(), NOW + TURN - timedelta(seconds=1)) is None
    assert isinstance(judge(ISSUE, A_CANARY, now(status), set(), NOW + TURN), DrainBegun)


def test_after_an_explained_failure_the_rest_waits_for_that_issue_or_half_an_hour() -> None:
    blocked = now(Status.BLOCKED, **HELD_BY_OTHER)
    assert judge(ISSUE, A_CANARY, blocked, {OTHER_ARN}, NOW) == CanaryFailed(OTHER_ARN, NOW + WAIT)
    waits = Canary(KEY, 1, NOW + WAIT, held_by=OTHER_ARN)
    assert judge(ISSUE, waits, blocked, {OTHER_ARN}, NOW + WAIT - timedelta(seconds=1)) is None
    assert isinstance(judge(ISSUE, waits, blocked, {OTHER_ARN}, NOW + WAIT), AnotherCanary)
    assert isinstance(judge(ISSUE, waits, blocked, set(), NOW), AnotherCanary), "the other issue is closed"


def test_turns_that_tell_nothing_end() -> None:
    last = an_issue(phase=IssuePhase.CANARY, canaries=TURNS - 1)
    assert isinstance(judge(last, A_CANARY, now(Status.SUPERSEDED, retries=1), set(), NOW), DrainBegun)


def test_a_deploy_that_its_gate_keeps_waiting_never_goes_first() -> None:
    """Nothing of it has failed, so its release retries nothing and would tell nothing."""
    waiting = held(0, waits_until=NOW + TURN)
    assert chosen(waiting, *(held(number) for number in range(1, 7))) == "service-1"
