"""A failure that CodePipeline first tells by its id alone, and in full later: what failed, and where."""

from dataclasses import replace

from bot.events import EventState
from bot.model import Status, Verdict
from tests.builders import KEY, a_gate_action, an_action
from tests.workflows.harness import Night, an_ecs_deploy, retried

UNTOLD = an_action(name="DeployService", category="", owner="", provider="", message="")
TOLD = an_ecs_deploy(action_execution_id=UNTOLD.action_execution_id, region="eu-west-1")


def untold_night() -> Night:
    """ListActionExecutions lags behind GetPipelineState, which knows neither provider nor Region of an action."""
    night = Night()
    night.pipelines.show_failed(KEY, UNTOLD, at=night.now)
    night.event(EventState.FAILED)
    assert (night.status(), night.execution().attribution.verdict) == (Status.NEEDS_HUMAN, Verdict.UNEXPLAINED)
    return night


def test_an_issue_in_the_actions_own_region_holds_it_once_that_is_known() -> None:
    night = untold_night()
    report = night.issue_opens(region="eu-west-1")
    night.show(failed=(TOLD,))
    night.minutes(1)
    assert night.status() is Status.BLOCKED
    assert "failed, as CodePipeline now tells in full; held by the ECS issue in eu-west-1" in night.lines()[-1]
    version = night.execution().version
    night.minutes(30)
    assert night.execution().version == version, "told once"
    night.issue_closes(report)
    night.minutes(7)
    assert retried(night) == [KEY]


def test_a_gate_is_recognised_once_it_is_told_who_failed() -> None:
    night = untold_night()
    report = night.issue_opens()
    night.show(failed=(a_gate_action(action_execution_id=UNTOLD.action_execution_id),))
    night.minutes(1)
    assert night.status() is Status.BLOCKED
    assert night.execution().stopped_by_gate
    assert [blocker.issue for blocker in night.execution().blockers] == [report.arn]


def test_a_failure_of_the_teams_own_is_called_that_once_it_is_told() -> None:
    night = untold_night()
    night.show(failed=(replace(TOLD, error_code="ConfigurationError"),))
    night.minutes(1)
    assert (night.status(), night.execution().attribution.verdict) == (Status.NEEDS_HUMAN, Verdict.OWN)
    assert (night.execution().version, night.execution().entered_version) == (2, 1), "nobody is asked twice"


def test_what_a_person_decided_in_the_meantime_stands() -> None:
    """Dismissed stays dismissed, and a retry that was asked for is made, once."""
    night = untold_night()
    night.click_dismiss()
    night.show(failed=(TOLD,))
    night.event(EventState.FAILED)
    assert night.status() is Status.DISMISSED
    asked = untold_night()
    asked.click_retry()
    asked.show(failed=(TOLD,))
    asked.minutes(1)
    assert (asked.status(), retried(asked)) == (Status.RETRYING, [KEY])
