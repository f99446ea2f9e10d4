"""What the services behind a failed action told of it, in attribution."""

from datetime import timedelta

import pytest

from bot.attribution import explain
from bot.model import Attribution, FailedAction, PipelineTags, Verdict
from bot.policy import Policy
from tests.builders import ACCOUNT, NOW, a_report, an_action, an_issue


def attribute(action: FailedAction, service: str, policy: Policy | None = None) -> Attribution:
    """The verdict while `service` has an open issue where the action ran."""
    issue = an_issue(report=a_report(service=service))
    now = NOW + timedelta(minutes=1)
    return explain((action,), NOW, ACCOUNT, PipelineTags(), (issue,), now, policy or Policy())


def test_a_database_upgrade_during_an_rds_issue_is_explained_by_it() -> None:
    """The stack failed on RDS; that CloudFormation was asked to do it does not make it CloudFormation's."""
    upgrade = an_action(services=("RDS",))
    found = attribute(upgrade, "RDS")
    assert found.verdict is Verdict.EXPLAINED
    assert found.reason.endswith("DeployStack (CloudFormation) runs in us-east-1 and failed on RDS.")
    assert attribute(an_action(), "RDS").verdict is Verdict.UNEXPLAINED
    assert attribute(upgrade, "CLOUDFORMATION").verdict is Verdict.EXPLAINED
    assert attribute(upgrade, "DYNAMODB").verdict is Verdict.UNEXPLAINED


@pytest.mark.parametrize("phase", ["INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"])
def test_a_test_that_fails_in_the_build_is_the_teams_own(phase: str) -> None:
    """Whatever AWS's state, and whatever CodePipeline's words leave out; unless CodeBuild itself broke there."""
    build = an_action(name="Compile", provider="CodeBuild", category="Build", message="", build_phase=phase)
    assert attribute(build, "CODEBUILD").verdict is Verdict.OWN
    fault = an_action(
        name="Compile", provider="CodeBuild", category="Build", message="", build_phase=phase, build_fault=True
    )
    assert attribute(fault, "CODEBUILD").verdict is Verdict.EXPLAINED


@pytest.mark.parametrize(
    ("phase", "service"),
    [
        ("PROVISIONING", "CODEBUILD"),
        ("PROVISIONING", "ECR"),
        ("DOWNLOAD_SOURCE", "S3"),
        ("UPLOAD_ARTIFACTS", "S3"),
        ("QUEUED", "CODEBUILD"),
        ("SUBMITTED", "CODEBUILD"),
    ],
)
def test_a_phase_that_runs_no_commands_may_be_awss(phase: str, service: str) -> None:
    """By CodeBuild, or by what that phase needs besides."""
    build = an_action(name="Compile", provider="CodeBuild", category="Build", message="", build_phase=phase)
    assert attribute(build, service).verdict is Verdict.EXPLAINED
    assert attribute(build, "RDS").verdict is Verdict.UNEXPLAINED


def test_what_codebuild_told_counts_for_more_than_codepipelines_words() -> None:
    build = an_action(
        name="Compile",
        provider="CodeBuild",
        category="Build",
        message="Phase: BUILD",
        build_phase="DOWNLOAD_SOURCE",
    )
    assert attribute(build, "S3").verdict is Verdict.EXPLAINED


def test_a_setting_names_what_a_provider_stands_on() -> None:
    """The installer knows what a custom action deploys to."""
    custom = an_action(owner="Custom", provider="MyDeployer")
    assert attribute(custom, "ECS").verdict is Verdict.UNEXPLAINED
    policy = Policy(provider_services=(("MyDeployer", frozenset({"ECS"})),))
    assert attribute(custom, "ECS", policy).verdict is Verdict.EXPLAINED
