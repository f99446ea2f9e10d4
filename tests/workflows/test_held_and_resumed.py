"""The main job, told as stories over the fakes: held while an issue is open, retried once at the all-clear."""

from datetime import timedelta

import pytest

from bot.events import EventState
from bot.model import IssuePhase, PipelineTags, Status, Verdict
from tests.builders import ISSUE_ARN, NOW, REGION, a_gate_action, a_key, an_action
from tests.workflows.harness import HELD, MINUTE, UNLESS, Night, held_night

OTHER_ARN = ISSUE_ARN + "-2"


def test_a_failure_an_open_issue_explains_is_retried_once_after_the_all_clear() -> None:
    """Held for hours, settled for five minutes, asked once, passed."""
    night, report = held_night()
    night.minutes(180)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)
    night.issue_closes(report)
    night.minutes(4)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0), "the settle time is not over"
    night.minutes(2)
    assert (night.status(), night.asked()) == (Status.RETRYING, 1)
    night.minutes(3)
    night.stage_passes()
    night.minutes(60)
    execution = night.execution()
    assert (execution.status, night.asked(), night.accepted()) == (Status.RECOVERED, 1, 1)
    assert (execution.automatic_retries, execution.retries, execution.due_at) == (1, 1, None)
    assert night.lines() == [
        f"Deploy failed{HELD}",
        f"AWS closed the ECS issue in us-east-1{UNLESS}",
        "asking CodePipeline to retry. The same failure stands, nothing is frozen, no known issue explains it.",
        "CodePipeline accepted the retry",
        "Deploy passed",
    ]


def test_a_night_that_is_over_costs_nothing() -> None:
    """No clock is left: an idle minute is one empty query."""
    night, report = held_night()
    night.issue_closes(report)
    night.minutes(7)
    night.stage_passes()
    night.minutes(1)
    assert night.store.issues[ISSUE_ARN].phase is IssuePhase.DONE
    assert night.store.hints == {}
    reads = len(night.pipelines.reads), len(night.health.asked_arns), len(night.health.asked_regions)
    night.minutes(600)
    assert (len(night.pipelines.reads), len(night.health.asked_arns), len(night.health.asked_regions)) == reads


def test_two_issues_hold_until_the_last_is_closed() -> None:
    night, first = held_night()
    second = night.issue_opens(arn=OTHER_ARN, service="MULTIPLE_SERVICES", region="global")
    assert len(night.execution().blockers) == 2
    night.issue_closes(first)
    night.minutes(60)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)
    night.issue_closes(second)
    night.minutes(6)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


@pytest.mark.parametrize(
    ("service", "region"), [("ECS", "us-west-2"), ("RDS", REGION), ("CONNECT", REGION), ("CODEBUILD", "global")]
)
def test_an_unrelated_issue_explains_nothing(service: str, region: str) -> None:
    night = Night()
    report = night.issue_opens(service=service, region=region)
    night.stage_fails()
    night.minutes(30)
    night.issue_closes(report)
    night.minutes(300)
    assert (night.status(), night.asked()) == (Status.NEEDS_HUMAN, 0)


def test_an_issue_announced_after_the_failure_claims_it() -> None:
    """At once when its event comes, however long the failure's own clock would have slept."""
    night = Night()
    night.stage_fails()
    assert night.status() is Status.NEEDS_HUMAN
    night.minutes(100)
    report = night.issue_opens(start_at=NOW - MINUTE)
    assert (night.status(), night.execution().held_at) == (Status.BLOCKED, NOW)
    night.issue_closes(report)
    night.minutes(6)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_an_announcement_nobody_was_told_of_is_found_when_the_failure_is_looked_at_again() -> None:
    night = Night()
    night.stage_fails()
    night.minutes(3)
    night.issue_opens(told=False, start_at=NOW)
    night.minutes(1)
    assert night.status() is Status.NEEDS_HUMAN
    night.minutes(1)
    assert night.status() is Status.BLOCKED


def test_an_unexplained_failure_is_looked_at_after_1_5_15_60_and_240_minutes() -> None:
    night = Night()
    night.stage_fails()
    looked_at = []
    for minute in range(1, 250):
        before = len(night.pipelines.reads)
        night.minutes(1)
        if len(night.pipelines.reads) > before:
            looked_at.append(minute)
    assert looked_at == [1, 5, 15, 60, 240]
    assert (night.status(), night.asked()) == (Status.NEEDS_HUMAN, 0)
    assert night.lines() == [
        "Deploy failed; a person is asked. No AWS Health issue explains the failure of ECS in us-east-1. "
        "A notice until 06:20 UTC would hold it."
    ]


def test_an_issue_announced_too_late_leaves_the_failure_with_its_person() -> None:
    night = Night()
    night.stage_fails()
    night.minutes(241)
    night.issue_opens(start_at=NOW)
    night.minutes(300)
    assert night.status() is Status.NEEDS_HUMAN


def test_one_that_arrives_closed_frees_the_failures_inside_its_window_and_only_those() -> None:
    """It holds nothing, but it settles and drains like all others."""
    night = Night()
    inside, later = a_key(pipeline="inside"), a_key(pipeline="later")
    night.stage_fails(inside)
    night.minutes(30)
    closed = night.issue_closes(night.issue_opens(told=False, start_at=NOW))
    night.minutes(1)
    night.stage_fails(later)
    assert night.status(inside) is not Status.RETRYING
    night.minutes(7)
    assert closed.closed
    assert (night.status(inside), night.accepted(inside)) == (Status.RETRYING, 1)
    assert (night.status(later), night.asked(later)) == (Status.NEEDS_HUMAN, 0)


def test_a_failure_told_after_its_issue_is_done_is_retried_at_once() -> None:
    """The stage's event came an hour late; the all-clear had been and gone."""
    night = Night()
    report = night.issue_opens()
    night.stage_fails(told=False)
    night.minutes(10)
    night.issue_closes(report)
    night.minutes(60)
    night.event(EventState.FAILED)
    night.deliver()
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_hopeful_words_resume_nothing() -> None:
    night, report = held_night()
    night.issue_opens(
        start_at=report.start_at,
        end_at=night.now,
        description="[RESOLVED] It is over.",
        updated_at=night.now + MINUTE,
    )
    night.minutes(60)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)


def test_failing_again_with_the_issue_open_waits_again_and_the_budget_ends_it() -> None:
    """Three all-clears, three retries; then a person, whose own retry still goes through."""
    night, report = held_night()
    for retry in (1, 2, 3):
        night.issue_closes(report)
        night.minutes(6)
        assert (night.status(), night.accepted()) == (Status.RETRYING, retry)
        report = night.issue_opens(start_at=night.now)
        night.minutes(1)
        night.stage_fails()
        assert night.status() is (Status.BLOCKED if retry < 3 else Status.NEEDS_HUMAN)
    night.issue_closes(report)
    night.minutes(600)
    assert (night.status(), night.accepted()) == (Status.NEEDS_HUMAN, 3)
    assert night.execution().note == "The budget of 3 automatic retries is spent."
    night.click_retry()
    night.deliver()
    assert (night.status(), night.accepted(), night.execution().automatic_retries) == (Status.RETRYING, 4, 3)


def test_a_rejected_approval_is_never_retried() -> None:
    night = Night()
    report = night.issue_opens(service="MULTIPLE_SERVICES")
    night.stage_fails(a_key(), an_action(name="GoLive", category="Approval", provider="Manual"))
    assert night.execution().attribution.verdict is Verdict.OWN
    night.minutes(60)
    night.issue_closes(report)
    night.minutes(300)
    assert (night.status(), night.asked()) == (Status.NEEDS_HUMAN, 0)


def test_held_for_too_long_asks_a_person_once_and_the_all_clear_resumes_nothing_unasked() -> None:
    night, report = held_night(issue_max_age=timedelta(hours=100))
    night.minutes(24 * 60 - 1)
    assert night.status() is Status.BLOCKED
    night.minutes(1)
    assert night.status() is Status.NEEDS_HUMAN
    lines = len(night.lines())
    night.minutes(300)
    assert len(night.lines()) == lines
    night.issue_closes(report)
    night.minutes(300)
    assert (night.status(), night.asked(), len(night.lines())) == (Status.NEEDS_HUMAN, 0, lines + 1)
    assert night.execution().blockers == (), "the card must not call a closed issue open"


def test_an_issue_open_for_too_long_lets_go() -> None:
    night = Night(max_age=timedelta(hours=100))
    night.issue_opens()
    night.stage_fails()
    night.minutes(47 * 60)
    assert night.status() is Status.BLOCKED
    night.minutes(60)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)
    assert "has been open for more than 48 hours" in night.lines()[1]
    assert night.store.issues[ISSUE_ARN].phase is IssuePhase.DONE


def test_no_automatic_retry_where_the_pipeline_wants_none() -> None:
    night = Night()
    night.pipelines.tags_of["web"] = PipelineTags(auto_retry=False)
    report = night.issue_opens()
    night.stage_fails()
    assert night.status() is Status.BLOCKED
    night.issue_closes(report)
    night.minutes(300)
    assert (night.status(), night.asked()) == (Status.NEEDS_HUMAN, 0)


def test_a_deploy_stopped_by_its_gate_is_resumed_and_another_stop_costs_nothing() -> None:
    """The second issue opened while the first settled; the gate sees what the attribution of a stop does not."""
    night = Night()
    first = night.issue_opens()
    gate = a_gate_action(ISSUE_ARN.rsplit("/", 1)[-1])
    night.stage_fails(a_key(), gate)
    assert night.status() is Status.BLOCKED
    night.issue_closes(first)
    second = night.issue_opens(arn=OTHER_ARN, service="RDS")
    night.minutes(6)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)
    night.stage_fails(a_key(), a_gate_action(OTHER_ARN.rsplit("/", 1)[-1]))
    assert (night.status(), night.execution().automatic_retries) == (Status.BLOCKED, 0)
    night.issue_closes(second)
    night.minutes(6)
    assert (night.status(), night.asked()) == (Status.RESUMING, 1), "it backs off for two minutes"
    night.minutes(2)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 2)
    night.stage_passes()
    assert night.status() is Status.RECOVERED


def test_a_gate_stop_for_a_service_that_is_otherwise_ignored_is_held() -> None:
    night = Night()
    night.issue_opens(service="CONNECT")
    night.stage_fails(a_key(), a_gate_action(ISSUE_ARN.rsplit("/", 1)[-1]))
    night.minutes(120)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)


def test_a_hundred_and_fifty_deploys_held_by_one_issue_are_each_retried_once() -> None:
    night = Night()
    report = night.issue_opens()
    keys = [a_key(pipeline=f"service-{number:03d}") for number in range(150)]
    for key in keys:
        night.stage_fails(key)
    night.minutes(10)
    night.issue_closes(report)
    night.minutes(6)
    assert night.pipelines.retried == keys[:1], "one goes first"
    night.stage_passes(keys[0])
    night.minutes(5)
    assert sorted(night.pipelines.retried) == sorted(night.pipelines.accepted) == keys
    assert {night.status(key) for key in keys[1:]} == {Status.RETRYING}


def test_an_issue_announced_late_takes_over_more_failures_than_fit_on_a_page() -> None:
    """At once, page after page: nobody is left to a clock of their own."""
    night = Night()
    keys = [a_key(pipeline=f"service-{number:03d}") for number in range(60)]
    for key in keys:
        night.stage_fails(key)
    assert {night.status(key) for key in keys} == {Status.NEEDS_HUMAN}
    night.issue_opens()
    assert {night.status(key) for key in keys} == {Status.BLOCKED}
