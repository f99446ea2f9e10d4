"""Seen through template.yaml and the handlers only: execution modes, and what others do to a deploy meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest

from playground.codepipeline import Action, Stage
from playground.slack_workspace import Message
from tests.outside.night import BROKEN, CARD, REGION, Night
from tests.outside.test_people import click

SOURCE = Stage("Source", [Action("Checkout", "Source", "AWS", "CodeCommit")])
STACK = Action("DeployStack")
HELD, RECOVERED = "web → Deploy: held", "web → Deploy: recovered"


@pytest.fixture
def night(make_night: Callable[..., Night]) -> Night:
    """Retries begin as the issue closes."""
    return make_night(SettleSeconds="0")


def create(night: Night, *actions: Action, mode: Any = "SUPERSEDED", **stage: Any) -> None:
    """`web` with these actions in Deploy. While "web" is in `broken`, those named Deploy… fail."""
    deploy = Stage("Deploy", list(actions or (STACK,)), **stage)
    night.cloud.codepipeline.create_pipeline("web", REGION, [SOURCE, deploy], mode)
    for action in (each for each in deploy.actions if each.name.startswith("Deploy")):
        night.cloud.codepipeline.fail_action(
            "web", "Deploy", action.name, while_=lambda: "web" in night.broken, message=BROKEN
        )


def cards(night: Night) -> dict[str, Message]:
    """Every card of `web`, by its execution's id."""
    every = [m for m in (*night.cards("web"), *night.replies("web")) if m.metadata.get("event_type") == CARD]
    return {card.metadata["event_payload"]["key"].split("#")[3]: card for card in every}


def titles(night: Night, *executions: str) -> list[str]:
    return [cards(night)[each].blocks[0]["text"]["text"] for each in executions]


def retried(night: Night) -> list[str]:
    return [retry.execution_id for retry in night.cloud.codepipeline.retries if retry.accepted]


def test_parallel_executions_are_held_carded_and_retried_each_for_itself(night: Night) -> None:
    """GetPipelineState shows the newest only, which moreover passes."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night, mode="PARALLEL")
    night.broken.add("web")
    failed = [night.cloud.codepipeline.start("web"), night.cloud.codepipeline.start("web")]
    night.wait(3)
    night.mend()
    passes = night.run(minutes=4)
    assert titles(night, *failed) == [HELD, HELD]
    assert set(cards(night)) == set(failed)
    night.cloud.health.close(issue)
    night.wait(4)
    assert sorted(retried(night)) == sorted(failed)
    assert titles(night, *failed) == [RECOVERED, RECOVERED]
    assert [night.stage(each) for each in (*failed, passes)] == ["Succeeded"] * 3


def test_a_parallel_execution_stopped_between_its_actions_has_not_recovered(night: Night) -> None:
    """GetPipelineState speaks of another one: that all that ran has passed is not the whole story."""
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night, STACK, Action("Smoke", "Test", provider="CodeBuild", run_order=2), mode="PARALLEL")
    execution = night.fail()
    night.mend()
    night.cloud.codepipeline.start("web")
    night.wait(2)
    night.cloud.codepipeline.retry_in_console("web", "Deploy", execution)
    night.cloud.codepipeline.stop("web", execution)  # and wait: the running action passes
    night.wait(3)
    assert titles(night, execution) == ["web → Deploy: stopped"]


def test_in_a_queued_pipeline_the_next_in_the_queue_takes_the_stage(night: Night) -> None:
    """A failure unlocks the stage; the newer one is held in its turn, and it alone is retried."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night, mode="QUEUED")
    night.broken.add("web")
    first, second = night.cloud.codepipeline.start("web"), night.cloud.codepipeline.start("web")
    night.wait(5)
    assert titles(night, first, second) == ["web → Deploy: superseded", HELD]
    assert f"Execution {second} took the stage" in cards(night)[first].text
    night.mend()
    night.cloud.health.close(issue)
    night.wait(4)
    assert retried(night) == [second]
    assert titles(night, first, second) == ["web → Deploy: superseded", RECOVERED]


def test_overtaken_without_an_event_it_is_found_at_the_retry(night: Night) -> None:
    """The newer execution's events are lost; no SUPERSEDED comes for a failed run in any case."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night)
    execution = night.fail()
    night.mend()
    night.cloud.codepipeline._emit = lambda _event: None
    newer = night.run(minutes=3)
    night.cloud.health.close(issue)
    night.wait(3)
    assert titles(night, execution) == ["web → Deploy: superseded"]
    assert newer in cards(night)[execution].text
    assert night.asked() == 0


@pytest.mark.parametrize("by_itself", [False, True])
def test_a_rollback_is_called_one_and_the_failed_deploy_is_left_alone(night: Night, by_itself: bool) -> None:
    """By hand, or by the stage's onFailure ROLLBACK."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night, rolls_back=by_itself)
    good = night.run()
    night.broken.add("web")
    failed = night.cloud.codepipeline.start("web")
    night.wait(1.5, until=lambda: night.stage(failed) == "Failed")
    night.mend()
    if not by_itself:
        night.wait(1)
        assert titles(night, failed) == [HELD]
        night.cloud.codepipeline.roll_back("web", "Deploy", good)
    night.wait(3)
    assert titles(night, failed) == ["web → Deploy: rolled back"]
    assert "The stage was rolled back" in cards(night)[failed].text
    assert cards(night)[failed].buttons == []
    night.cloud.health.close(issue)
    night.wait(3)
    assert night.asked() == 0


def test_a_rollback_that_fails_is_held_like_any_deploy(night: Night) -> None:
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night)
    good = night.run()
    failed = night.fail()
    rollback = night.cloud.codepipeline.roll_back("web", "Deploy", good)
    night.wait(2)
    assert titles(night, failed, rollback) == ["web → Deploy: rolled back", HELD]
    assert "Rollback to: Change the greeting" in cards(night)[rollback].text
    night.mend()
    night.cloud.health.close(issue)
    night.wait(3)
    assert retried(night) == [rollback]


def test_a_stage_that_retries_itself_is_left_to_do_so_first(night: Night) -> None:
    """Nobody hears of a failure that is over in a minute."""
    create(night, retries_itself=True)
    night.broken.add("web")
    execution = night.cloud.codepipeline.start("web")
    night.wait(3, until=lambda: night.stage(execution) == "Failed")
    night.mend()
    night.wait(5)
    assert night.stage(execution) == "Succeeded"
    assert (cards(night), night.asked()) == ({}, 0)


def test_a_failure_after_the_stages_own_retry_is_held(night: Night) -> None:
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night, retries_itself=True)
    execution = night.fail(minutes=6)
    assert titles(night, execution) == [HELD]
    night.mend()
    night.cloud.health.close(issue)
    night.wait(3)
    assert (retried(night), titles(night, execution)) == ([execution], [RECOVERED])


def test_a_disabled_transition_is_named_with_who_and_why_and_a_click_works_once_it_is_open(night: Night) -> None:
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night)
    execution = night.fail()
    night.mend()
    night.cloud.codepipeline.disable_transition("web", "Deploy", "Frozen for the holidays")
    night.cloud.health.close(issue)
    night.wait(3)
    card = cards(night)[execution]
    assert titles(night, execution) == ["web → Deploy: needs a person"]
    assert "disabled (by Admin/my-user): Frozen for the holidays" in card.text
    night.cloud.codepipeline.enable_transition("web", "Deploy")
    assert night.asked() == 0
    click(night, "retry")
    night.wait(3)
    assert titles(night, execution) == [RECOVERED]


def test_a_changed_pipeline_is_asked_once_and_the_card_says_what_to_do(night: Night) -> None:
    """CodePipeline retries no stage of an older structure: asking on would be no use."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night)
    execution = night.fail()
    night.cloud.codepipeline.update_pipeline("web")
    night.cloud.health.close(issue)
    night.wait(10)
    assert (night.asked(), night.accepted()) == (1, 0)
    assert titles(night, execution) == ["web → Deploy: needs a person"]
    assert "the pipeline was changed since this execution started" in cards(night)[execution].text
    assert "release the change anew" in cards(night)[execution].text


@pytest.mark.parametrize("abandon", [False, True])
def test_a_retry_that_somebody_stops_ends_stopped(night: Night, abandon: bool) -> None:
    """Stop and wait lets the running action finish and starts no other; stop and abandon does not wait."""
    create(night, STACK, Action("Smoke", "Test", provider="CodeBuild", run_order=2))
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    execution = night.fail()
    night.mend()
    night.cloud.health.close(issue)
    night.wait(2, until=lambda: night.accepted() == 1)
    night.cloud.codepipeline.stop("web", execution, abandon, "Not tonight")
    night.wait(3)
    assert titles(night, execution) == ["web → Deploy: stopped"]
    assert night.asked() == 1
    if not abandon:
        return
    night.cloud.codepipeline.retry_in_console("web", "Deploy", execution)
    night.wait(4)
    assert titles(night, execution) == [RECOVERED], "a stopped one may be retried in the console, and pass"


@pytest.mark.parametrize(
    ("service", "region", "held"),
    [
        ("CLOUDFORMATION", "eu-west-1", True),
        ("CLOUDFORMATION", REGION, False),
        ("CODEPIPELINE", REGION, True),
    ],
)
def test_an_action_in_another_region_is_explained_there_or_by_its_pipelines(
    night: Night, service: str, region: str, held: bool
) -> None:
    night.cloud.health.open_issue(service, region)
    create(night, Action("DeployStack", region="eu-west-1"))
    execution = night.fail()
    assert titles(night, execution) == [HELD if held else "web → Deploy: needs a person"]
    assert "runs in eu-west-1" in cards(night)[execution].text or not held


def test_several_failed_actions_all_explained_are_retried_together(night: Night) -> None:
    issue = night.cloud.health.open_issue("MULTIPLE_SERVICES", REGION)
    create(night, STACK, Action("DeployApi", provider="ECS"), Action("Passes", provider="S3"))
    execution = night.fail()
    assert "No issue explains" not in cards(night)[execution].text
    night.mend()
    night.cloud.health.close(issue)
    night.wait(3)
    assert titles(night, execution) == [RECOVERED]
    runs = [run.action.name for run in night.cloud.codepipeline._pipelines["web"].runs]
    assert [runs.count(name) for name in ("DeployStack", "DeployApi", "Passes")] == [2, 2, 1]


def test_of_several_failed_actions_the_unexplained_one_is_named_and_asked_about_if_it_fails_again(
    night: Night,
) -> None:
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night, STACK, Action("Smoke", "Test", "ThirdParty", "Jenkins"))
    night.cloud.codepipeline.fail_action("web", "Deploy", "Smoke", message="404 instead of 200")
    execution = night.fail()
    assert titles(night, execution) == [HELD]
    assert "No issue explains Smoke (Jenkins), which failed too" in cards(night)[execution].text
    night.mend()
    night.cloud.health.close(issue)
    night.wait(4)
    assert (retried(night), titles(night, execution)) == ([execution], ["web → Deploy: needs a person"])
    assert "DeployStack" not in cards(night)[execution].text, "it has passed"


def test_one_action_of_the_teams_own_makes_the_failure_theirs_and_the_open_issue_is_told(night: Night) -> None:
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    create(night, STACK, Action("Smoke", "Test", provider="CodeBuild"))
    night.cloud.codepipeline.fail_action(
        "web", "Deploy", "Smoke", message="Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, Message: npm test"
    )
    execution = night.fail()
    text = cards(night)[execution].text
    assert titles(night, execution) == ["web → Deploy: needs a person"]
    assert "Smoke's own commands failed" in text
    assert "An open issue explains DeployStack (CloudFormation)" in text
