"""An action that runs longer than usual while an issue is open: seen by the sweep, shown, and never retried."""

from datetime import timedelta
from typing import Any

import pytest

from bot.errors import NoSupportPlan, TryLater
from bot.events import EventState
from bot.evidence import Found
from bot.model import ExecutionKey, PipelineTags, Status
from bot.ports import StageStatus, StageTruth
from bot.slack.answers import deploy_line
from bot.slack.explanation import explain_verdict
from tests.builders import ISSUE_ARN, KEY, a_hold, a_key, a_running_action
from tests.workflows.harness import MINUTE, Night


def runs(**settings: Any) -> Night:
    """web's Deploy, one ECS action, has begun; its event came."""
    night = Night(**settings)
    night.stage_runs()
    return night


def known(night: Night) -> list[ExecutionKey]:
    """The stages that are known to run."""
    return [stage.key for stage in night.store.running(100)]


def line(night: Night) -> str:
    """What `status` says of web."""
    return deploy_line(night.execution(), night.world.policy)


def test_it_is_shown_after_a_quarter_of_an_hour_and_nothing_is_retried() -> None:
    night = runs()
    night.issue_opens()
    night.minutes(14)
    assert night.store.executions == {}
    night.minutes(2)
    execution = night.execution()
    assert (execution.status, execution.hangs_since) == (Status.BLOCKED, night.now - 16 * MINUTE)
    assert [blocker.issue for blocker in execution.blockers] == [ISSUE_ARN]
    assert "DeployService (ECS in us-east-1) has been running since 02:20 UTC" in line(night)
    assert "Next: nothing is retried that has not failed; if it fails, it is held." in line(night)
    night.minutes(120)
    assert night.execution().version == 1, "looked at again and again, and it is no news"
    assert night.pipelines.retried == []
    assert night.failed_items == 0


def test_its_usual_time_counts_where_it_is_known() -> None:
    night = runs()
    night.pipelines.usual = {("Deploy", "DeployService"): 40 * MINUTE}
    night.issue_opens()
    night.minutes(40)
    assert night.store.executions == {}
    night.minutes(2)
    assert "longer than its usual 40 minutes" in night.execution().attribution.reason


def test_why_says_how_it_is_measured() -> None:
    night = runs()
    night.issue_opens()
    night.minutes(20)
    said = explain_verdict(night.execution(), night.store.ledger(), night.world.policy)
    assert "has not failed, and has been running since" in said
    assert "Longer than usual is longer than nine in ten of an action's earlier successes took" in said
    assert "No AWS service is known" not in said


def test_an_issue_that_opens_while_it_has_long_been_running_shows_it_within_minutes() -> None:
    night = runs()
    night.minutes(50)
    night.issue_opens()
    night.minutes(2)
    assert night.status() is Status.BLOCKED


@pytest.mark.parametrize("changes", [{"service": "RDS"}, {"region": "eu-west-1"}])
def test_an_issue_of_another_service_or_region_shows_nothing(changes: dict[str, str]) -> None:
    night = runs()
    night.issue_opens(**changes)
    night.minutes(60)
    assert night.store.executions == {}


def test_if_it_fails_it_is_held_and_retried_once_after_the_all_clear() -> None:
    night = runs()
    report = night.issue_opens()
    night.minutes(20)
    night.stage_fails()
    assert (night.status(), night.execution().hangs_since) == (Status.BLOCKED, None)
    assert night.lines()[-1].startswith("Deploy failed; held by the ECS issue in us-east-1")
    assert known(night) == []
    night.minutes(30)
    night.issue_closes(report)
    night.minutes(10, until=lambda: night.accepted() > 0)
    assert night.accepted() == 1
    assert len(night.store.executions) == 1


def test_if_it_passes_its_card_says_so() -> None:
    night = runs()
    night.issue_opens()
    night.minutes(20)
    night.stage_passes()
    assert night.status() is Status.RECOVERED
    assert known(night) == []
    assert night.pipelines.retried == []


def test_after_the_all_clear_it_runs_on_and_its_end_is_seen_without_an_event() -> None:
    night = runs()
    report = night.issue_opens()
    night.minutes(20)
    night.issue_closes(report)
    night.minutes(10)
    execution = night.execution()
    assert (execution.status, execution.blockers, execution.retry) == (Status.BLOCKED, (), None)
    assert execution.note == "AWS closed the ECS issue in us-east-1, and the stage still runs."
    assert line(night).endswith("Next: nothing by itself; it runs.")
    night.pipelines.show_status(KEY, StageStatus.SUCCEEDED)
    night.minutes(16)
    assert night.status() is Status.RECOVERED
    assert night.pipelines.retried == []


def test_it_goes_first_for_nobody_as_a_canary() -> None:
    """Nine hang: the all-clear finds nothing to retry, and is done."""
    night = runs()
    report = night.issue_opens()
    keys = [a_key(pipeline=f"service-{number}") for number in range(8)]
    for key in keys:
        night.stage_runs(key)
    night.minutes(20)
    night.issue_closes(report)
    night.minutes(10)
    assert night.pipelines.retried == []
    assert {night.status(key) for key in keys} == {Status.BLOCKED}
    assert night.store.issues[report.key].note == "No canary: no more than 5 were held."
    assert night.store.issues[report.key].due_at is None


def test_a_retry_that_hangs_is_still_a_retry_and_says_so() -> None:
    night = Night()
    report = night.issue_opens()
    night.stage_fails()
    night.issue_closes(report)
    night.minutes(8, until=lambda: night.accepted() > 0)
    night.stage_runs(state=EventState.RESUMED)
    assert night.status() is Status.RETRYING
    night.issue_opens(arn=f"{ISSUE_ARN}-again")
    night.minutes(20)
    execution = night.execution()
    assert (execution.status, execution.hangs_since) == (Status.RETRYING, None)
    assert "DeployService (ECS in us-east-1) has been running since" in execution.note
    assert night.accepted() == 1


def test_a_gate_that_waits_hangs_not() -> None:
    """Its Lambda action runs for hours, with an issue of LAMBDA open, because it is meant to."""
    night = Night()
    night.store.save_hold(a_hold(due_at=night.now + timedelta(days=1)))
    night.stage_runs(KEY, a_running_action(provider="Lambda", category="Invoke", started_at=night.now))
    night.issue_opens(service="LAMBDA")
    night.minutes(60)
    assert night.store.executions == {}


def test_two_actions_of_a_stage_that_hang_are_one_deploy() -> None:
    night = Night()
    first, second = (
        a_running_action(name="Blue"),
        a_running_action(name="Green", started_at=night.now + 9 * MINUTE),
    )
    night.pipelines.show(StageTruth(KEY, StageStatus.IN_PROGRESS, running=(first, second)))
    night.event(EventState.STARTED)
    night.issue_opens()
    night.minutes(20)
    assert "Green" not in night.execution().attribution.reason
    night.minutes(12)
    assert "Blue" in night.execution().attribution.reason
    assert "Green" in night.execution().attribution.reason
    assert night.execution().version == 2


def test_without_a_support_plan_it_says_what_cannot_be_confirmed() -> None:
    night = runs()
    night.issue_opens()
    night.health.error = NoSupportPlan("SubscriptionRequiredException")
    night.minutes(20)
    assert "support plan" in night.execution().attribution.caveat


def test_a_tag_names_what_else_it_stands_on() -> None:
    night = runs()
    night.pipelines.tags_of["web"] = PipelineTags(services=("RDS",))
    night.issue_opens(service="RDS")
    night.minutes(20)
    assert [blocker.service for blocker in night.execution().blockers] == ["RDS"]


def test_a_service_that_is_always_busy_keeps_nothing_from_being_shown() -> None:
    """What it works on is one clue more; the provider alone is enough."""
    night = runs()
    night.evidence.errors.extend([TryLater("Rate exceeded")] * 100)
    night.issue_opens()
    night.minutes(16)
    assert night.execution().hangs_since is not None


def test_what_a_stack_is_at_work_on_counts_too() -> None:
    """The database upgrade that hung in an RDS issue; a busy service is asked again at the next look."""
    night = Night()
    night.evidence.works_on["DeployStack"] = Found(services=("RDS", "S3"))
    night.stage_runs(KEY, a_running_action(name="DeployStack", provider="CloudFormation"))
    night.evidence.errors.append(TryLater("Rate exceeded"))
    night.issue_opens(service="RDS")
    night.minutes(30)
    assert "DeployStack (CloudFormation in us-east-1, at work on RDS) has been" in line(night)
    assert [blocker.service for blocker in night.execution().blockers] == ["RDS"]
    night.issue_opens(arn=f"{ISSUE_ARN}-cfn", service="CLOUDFORMATION")
    night.minutes(6)
    assert {blocker.service for blocker in night.execution().blockers} == {"CLOUDFORMATION", "RDS"}
    night.evidence.works_on.clear()
    night.minutes(6)
    assert {blocker.service for blocker in night.execution().blockers} == {"CLOUDFORMATION"}
