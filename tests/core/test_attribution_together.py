"""Several actions of one stage that failed together, and actions in another Region than their pipeline."""

import pytest

from bot.attribution import explain
from bot.model import Attribution, FailedAction, Issue, IssuePhase, PipelineTags, Verdict
from bot.policy import Policy
from tests.builders import ACCOUNT, NOW, REGION, a_gate_action, a_report, an_action, an_issue

STACK = an_action()
SERVICE = an_action(name="DeployService", provider="ECS")
JENKINS = an_action(name="Smoke", category="Test", owner="ThirdParty", provider="Jenkins", message="404")
TESTS = an_action(name="Tests", category="Test", provider="CodeBuild", message="Phase: BUILD, Code: X")
CLOUDFORMATION = an_issue(report=a_report(service="CLOUDFORMATION"))


def together(*actions: FailedAction, issues: tuple[Issue, ...] = (CLOUDFORMATION,)) -> Attribution:
    return explain(actions, NOW, ACCOUNT, PipelineTags(), issues, NOW, Policy(), pipeline_region=REGION)


def test_one_issue_that_explains_them_all_leaves_nothing_to_add() -> None:
    found = together(STACK, an_action(name="Other", region=REGION))
    assert (found.verdict, len(found.blockers)) == (Verdict.EXPLAINED, 1)
    assert "failed too" not in found.reason


@pytest.mark.parametrize("actions", [(STACK, JENKINS), (JENKINS, STACK)])
def test_the_explained_one_holds_the_stage_and_the_other_is_named(actions: tuple[FailedAction, ...]) -> None:
    found = together(*actions)
    assert found.verdict is Verdict.EXPLAINED
    assert found.reason.endswith(
        "(CloudFormation) runs in us-east-1. No issue explains Smoke (Jenkins), which failed too: look at the "
        "error meanwhile."
    )


def test_each_explained_by_its_own_issue_waits_for_both() -> None:
    ecs = an_issue(report=a_report(arn="arn:aws:health:us-east-1::event/ECS/X/Y", service="ECS"))
    found = together(STACK, SERVICE, issues=(CLOUDFORMATION, ecs))
    assert {blocker.service for blocker in found.blockers} == {"CLOUDFORMATION", "ECS"}
    assert "failed too" not in found.reason


def test_one_of_the_teams_own_makes_it_theirs_and_the_open_issue_is_told() -> None:
    found = together(STACK, TESTS)
    assert (found.verdict, found.blockers) == (Verdict.OWN, ())
    assert found.reason == (
        "Not AWS's doing: Tests's own commands failed. An open issue explains DeployStack (CloudFormation), and a "
        "retry makes it again too."
    )


def test_nothing_is_said_of_an_issue_that_is_over_or_explains_none_of_the_others() -> None:
    over = an_issue(report=a_report(service="CLOUDFORMATION", closed=True), phase=IssuePhase.DONE)
    for issues in ((over,), ()):
        assert together(STACK, TESTS, issues=issues).reason == "Not AWS's doing: Tests's own commands failed."
    assert together(JENKINS, TESTS).reason == "Not AWS's doing: Tests's own commands failed."


def test_a_gate_that_stopped_beside_a_failure_is_not_called_unexplained() -> None:
    found = together(STACK, a_gate_action("SOMETHING_ELSE"))
    assert (found.verdict, "failed too" in found.reason) == (Verdict.EXPLAINED, False)


@pytest.mark.parametrize(
    ("service", "region", "explained"),
    [
        ("CLOUDFORMATION", "eu-west-1", True),
        ("CLOUDFORMATION", REGION, False),
        ("CODEPIPELINE", REGION, True),
        ("CODEPIPELINE", "eu-west-1", True),
        ("CODEPIPELINE", "ap-south-1", False),
        ("MULTIPLE_SERVICES", REGION, True),
    ],
)
def test_an_action_elsewhere_is_explained_there_or_by_what_runs_its_pipeline(
    service: str, region: str, explained: bool
) -> None:
    issue = an_issue(report=a_report(service=service, region=region))
    found = together(an_action(region="eu-west-1"), issues=(issue,))
    assert bool(found.blockers) is explained
    if explained and region == REGION:
        assert found.reason.endswith("(CloudFormation) runs in eu-west-1, its pipeline in us-east-1.")
