"""AWS Health cannot be read, or not by us: said aloud, held or not as the setting says, and never for ever."""

import json
from datetime import timedelta

from bot.errors import HealthUnreadable, NoSupportPlan
from bot.gate import UNREADABLE_NAME, GateJob
from bot.model import HEALTH_UNREADABLE, IssuePhase, Status, Verdict
from bot.names import NO_PLAN
from bot.policy import WhenHealthUnreadable
from bot.ports import StageStatus
from bot.workflows.gate import answer_gate
from tests.builders import KEY, a_gate_action, a_key
from tests.workflows.harness import UNLESS, Night, released_night

THROTTLED = HealthUnreadable("ThrottlingException")


def blind_night(**settings: object) -> Night:
    """A deploy failed while AWS Health could not be read."""
    night = Night(**settings)
    night.health.error = THROTTLED
    night.stage_fails()
    return night


def test_what_is_held_for_unreadable_health_resumes_when_it_can_be_read_and_shows_nothing_open() -> None:
    night = blind_night()
    execution = night.execution()
    assert (execution.status, execution.attribution.verdict) == (Status.BLOCKED, Verdict.UNREADABLE)
    (line,) = night.lines()
    assert line.startswith("Deploy failed; held by AWS Health being unreadable until the all-clear. AWS Health")
    night.minutes(120)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)
    night.health.error = None
    night.minutes(2)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)
    assert night.lines()[1] == f"AWS Health can be read again{UNLESS}"
    assert night.store.issues[HEALTH_UNREADABLE].phase is IssuePhase.DONE


def test_what_was_held_for_unreadable_health_stays_held_by_the_issue_that_was_behind_it() -> None:
    night = blind_night()
    report = night.issue_opens(told=False)
    night.minutes(30)
    night.health.error = None
    night.minutes(5)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)
    assert [blocker.service for blocker in night.execution().blockers] == ["ECS"]
    night.issue_closes(report)
    night.minutes(6)
    assert night.accepted() == 1


def test_another_failures_good_read_closes_it_for_all() -> None:
    night = blind_night()
    night.health.error = None
    night.stage_fails(a_key(pipeline="api"))
    assert not night.store.issues[HEALTH_UNREADABLE].open
    night.minutes(2)
    assert night.accepted() == 1


def test_unreadable_again_holds_again() -> None:
    night = blind_night()
    night.health.error = None
    night.minutes(2)
    night.stage_passes()
    night.health.error = THROTTLED
    other = a_key(pipeline="api")
    night.stage_fails(other)
    night.minutes(10)
    assert (night.status(other), night.asked(other)) == (Status.BLOCKED, 0)


def test_where_the_setting_allows_it_a_person_is_asked_and_an_issue_read_later_holds() -> None:
    night = blind_night(health_unavailable=WhenHealthUnreadable.ALLOW)
    execution = night.execution()
    assert (execution.status, execution.attribution.verdict) == (Status.NEEDS_HUMAN, Verdict.UNEXPLAINED)
    assert execution.attribution.reason.endswith("HealthUnavailable is allow: it is not held.")
    night.issue_opens(told=False)
    night.health.error = None
    night.minutes(1)
    assert night.status() is Status.BLOCKED


def test_the_ledger_decides_what_it_knows_even_then() -> None:
    night = Night()
    night.issue_opens()
    night.health.error = THROTTLED
    night.stage_fails()
    assert night.execution().attribution.verdict is Verdict.EXPLAINED


def test_a_retry_is_not_made_blind_unless_the_setting_or_a_person_says_so() -> None:
    night = released_night()
    night.health.error = THROTTLED
    night.minutes(30)
    assert (night.status(), night.asked()) == (Status.RESUMING, 0)
    assert night.execution().note == (
        "AWS Health cannot be read (ThrottlingException), and HealthUnavailable is block"
    )
    night.health.error = None
    night.minutes(16)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)

    allowed = released_night(health_unavailable=WhenHealthUnreadable.ALLOW)
    allowed.health.error = THROTTLED
    allowed.deliver()
    assert allowed.accepted() == 1

    asked = released_night()
    asked.health.error = THROTTLED
    asked.minutes(2)
    asked.click_retry()
    asked.deliver()
    assert asked.accepted() == 1


def test_unreadable_for_more_than_a_day_asks_a_person() -> None:
    night = blind_night()
    night.minutes(25 * 60)
    assert (night.status(), night.asked()) == (Status.NEEDS_HUMAN, 0)
    night.health.error = None
    night.minutes(60)
    assert (night.status(), night.asked()) == (Status.NEEDS_HUMAN, 0)


def test_a_gate_that_stopped_because_health_was_unreadable_is_resumed() -> None:
    night = Night()
    night.health.error = THROTTLED
    night.stage_fails(KEY, a_gate_action(UNREADABLE_NAME))
    night.minutes(10)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)
    night.health.error = None
    night.minutes(2)
    assert night.accepted() == 1


def test_without_a_support_plan_the_events_decide_and_the_card_says_that_nothing_confirms_them() -> None:
    night = Night()
    night.health.error = NoSupportPlan("SubscriptionRequiredException")
    report = night.issue_opens()
    night.stage_fails()
    execution = night.execution()
    assert (execution.status, execution.attribution.verdict) == (Status.BLOCKED, Verdict.EXPLAINED)
    assert "support plan" in execution.attribution.caveat
    night.minutes(30)
    night.issue_closes(report)
    night.minutes(6)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_without_a_support_plan_nothing_stays_held_for_unreadable_health() -> None:
    """Throttled first, then refused for want of a plan: the ledger decides from then on."""
    night = blind_night()
    night.health.error = NoSupportPlan("SubscriptionRequiredException")
    night.minutes(2)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_a_closing_event_that_never_comes_is_let_go_by_age_where_nobody_can_ask() -> None:
    night = Night(issue_max_age=timedelta(hours=3))
    night.health.error = NoSupportPlan("SubscriptionRequiredException")
    night.issue_opens()
    night.stage_fails()
    night.minutes(165)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_a_late_notice_confirms_nothing_where_nobody_can_ask() -> None:
    """The failure was unexplained; the event that explains it after all is an event and no more."""
    night = Night()
    night.health.error = NoSupportPlan("SubscriptionRequiredException")
    night.stage_fails()
    assert NO_PLAN in night.execution().attribution.caveat
    night.minutes(20)
    night.issue_opens(start_at=night.now - timedelta(minutes=30))
    execution = night.execution()
    assert (execution.status, execution.attribution.verdict) == (Status.BLOCKED, Verdict.EXPLAINED)
    assert execution.attribution.caveat == NO_PLAN


def test_a_gate_that_waits_says_that_nothing_confirms_what_it_waits_for() -> None:
    night = Night()
    night.health.error = NoSupportPlan("SubscriptionRequiredException")
    night.issue_opens()
    night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
    asked = {"pipeline": "web", "execution": KEY.execution_id, "regions": ["us-east-1"], "mode": "wait"}
    answer_gate(night.world, GateJob("job-1", KEY.account, json.dumps(asked)), "us-east-1", night.now)
    night.minutes(1)
    assert night.execution().attribution.reason.startswith("The health gate waits. Open: ECS in us-east-1")
    assert night.execution().attribution.reason.endswith(NO_PLAN)
