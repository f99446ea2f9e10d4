"""Which issues explain a failure: by place, service, account and time, and in one plain sentence."""

from datetime import timedelta
from typing import Any

import pytest

from bot.attribution import explain
from bot.issues import unreadable_report
from bot.model import Attribution, FailedAction, Issue, IssuePhase, PipelineTags, Verdict
from bot.policy import Policy, WhenHealthUnreadable
from tests.builders import ACCOUNT, ISSUE_ARN, NOW, a_report, an_action, an_issue

NO_TAGS = PipelineTags()


def ecs_deploy(**changes: Any) -> FailedAction:
    return an_action(**{"name": "DeployService", "provider": "ECS", **changes})


def issue(phase: IssuePhase = IssuePhase.OPEN, *, first_seen_at: Any = None, **report: Any) -> Issue:
    return an_issue(
        report=a_report(**report), phase=phase, first_seen_at=first_seen_at or NOW - timedelta(minutes=10)
    )


def attribute(*issues: Issue, **changes: Any) -> Attribution:
    """Attribution of one failed ECS deploy in us-east-1 at NOW, looked at a minute later."""
    asked: dict[str, Any] = {
        "actions": (ecs_deploy(),),
        "failed_at": NOW,
        "account": ACCOUNT,
        "tags": NO_TAGS,
        "issues": issues,
        "now": NOW + timedelta(minutes=1),
        "policy": Policy(),
    }
    return explain(**{**asked, **changes})


def explains(*issues: Issue, **changes: Any) -> bool:
    found = attribute(*issues, **changes)
    assert (found.verdict is Verdict.EXPLAINED) == bool(found.blockers)
    return bool(found.blockers)


def test_the_reason_names_service_region_issue_type_and_action_in_one_sentence() -> None:
    found = attribute(issue())
    assert found.verdict is Verdict.EXPLAINED
    assert [blocker.issue for blocker in found.blockers] == [ISSUE_ARN]
    assert found.reason == (
        "An open ECS issue in us-east-1 (AWS_ECS_OPERATIONAL_ISSUE) explains it: "
        "the failed action DeployService (ECS) runs in us-east-1."
    )


def test_the_reason_of_an_unexplained_failure_names_what_failed_and_where() -> None:
    found = attribute()
    assert (found.verdict, found.blockers) == (Verdict.UNEXPLAINED, ())
    assert found.reason == "No AWS Health issue explains the failure of ECS in us-east-1."


@pytest.mark.parametrize(
    ("provider", "owner", "service", "expected"),
    [
        ("ECS", "AWS", "ECS", True),
        ("ECS", "AWS", "RDS", False),
        ("CloudFormation", "AWS", "CLOUDFORMATION", True),
        ("CloudFormationStackSet", "AWS", "CLOUDFORMATION", True),
        ("CodeDeployToECS", "AWS", "CODEDEPLOY", True),
        ("CodeDeployToECS", "AWS", "ECS", True),
        ("CodeBuild", "AWS", "CODEBUILD", True),
        ("Lambda", "AWS", "LAMBDA", True),
        ("ECS", "AWS", "MULTIPLE_SERVICES", True),
        ("ECS", "AWS", "CODEPIPELINE", True),
        ("ECS", "AWS", "MANAGEMENTCONSOLE", True),
        ("NewFromAWS", "AWS", "MULTIPLE_SERVICES", True),
        ("GitHub", "ThirdParty", "ECS", False),
        ("GitHub", "ThirdParty", "MULTIPLE_SERVICES", True),
        ("GitHub", "ThirdParty", "CODEPIPELINE", False),
        ("Jenkins", "Custom", "CODEBUILD", False),
    ],
)
def test_an_issue_explains_the_actions_that_rest_on_its_service(
    provider: str, owner: str, service: str, expected: bool
) -> None:
    """MULTIPLE_SERVICES, and what every action runs through, count for all; a third party's own for none."""
    actions = (ecs_deploy(provider=provider, owner=owner),)
    assert explains(issue(service=service), actions=actions) is expected


@pytest.mark.parametrize(
    ("message", "service"),
    [
        ("Rate exceeded (Service: AmazonEC2; Status Code: 503; Error Code: Unavailable; Request ID: 1)", "EC2"),
        ("Resource handler returned message: x (Service: Ec2, Status Code: 500, Request ID: 2)", "EC2"),
        ("x (Service: AWSSecurityTokenService; Status Code: 500; Error Code: InternalFailure)", "IAM"),
        ("x (Service: Rds, Status Code: 503)", "RDS"),
    ],
)
def test_an_error_that_names_a_service_may_be_that_services(message: str, service: str) -> None:
    """CloudFormation is the messenger of everything it creates."""
    action = an_action(message=message)
    assert explains(issue(service=service), actions=(action,))
    assert not explains(issue(service="SQS"), actions=(action,))


def test_an_issue_in_another_region_explains_nothing() -> None:
    assert not explains(issue(region="us-west-2"))
    assert not explains(issue(region="us-west-2", service="MULTIPLE_SERVICES"))


def test_the_actions_own_region_counts_not_the_pipelines() -> None:
    abroad = (ecs_deploy(region="eu-west-1"),)
    assert explains(issue(region="eu-west-1"), actions=abroad)
    assert not explains(issue(region="us-east-1"), actions=abroad)


def test_a_global_issue_counts_everywhere() -> None:
    found = attribute(issue(region="global"))
    assert found.verdict is Verdict.EXPLAINED
    assert found.reason.startswith("An open ECS issue everywhere (AWS_ECS_OPERATIONAL_ISSUE) explains it")


def test_the_pipelines_own_tags_add_services_and_regions() -> None:
    assert explains(issue(service="RDS"), tags=PipelineTags(services=("RDS",)))
    elsewhere = attribute(issue(region="us-west-2"), tags=PipelineTags(regions=("us-west-2",)))
    assert elsewhere.verdict is Verdict.EXPLAINED
    assert "tag allclear:regions names us-west-2" in elsewhere.reason


@pytest.mark.parametrize("service", ["DIRECTCONNECT", "BILLING", "BILLINGCONSOLE", "CONNECT", "SUPPORTCENTER"])
def test_an_ignored_service_explains_only_where_the_tag_names_it(service: str) -> None:
    actions = (an_action(),)
    assert not explains(issue(service=service), actions=actions)
    assert explains(issue(service=service), actions=actions, tags=PipelineTags(services=(service,)))


def test_ignoring_a_service_ignores_it_for_its_own_actions_too() -> None:
    assert not explains(issue(), policy=Policy(ignored_services=("ECS",)))


def test_an_accounts_own_issue_explains_only_that_account() -> None:
    own = issue(scope="ACCOUNT_SPECIFIC", account=ACCOUNT)
    assert explains(own)
    assert not explains(own, account="999988887777")


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(-14, True), (-15, True), (-16, False), (0, True), (180, True)],
)
def test_an_issue_explains_failures_from_its_start_on_with_a_quarter_of_an_hour_of_slack(
    minutes: int, expected: bool
) -> None:
    start_at = NOW - timedelta(minutes=minutes)
    assert explains(issue(start_at=start_at, first_seen_at=NOW)) is expected


@pytest.mark.parametrize(("minutes", "expected"), [(0, True), (240, True), (241, False)])
def test_an_issue_announced_too_long_after_a_failure_does_not_claim_it(minutes: int, expected: bool) -> None:
    """Nor once it is closed: a deploy would be retried hours later that a person was asked about."""
    announced_at = NOW + timedelta(minutes=minutes)
    assert explains(issue(first_seen_at=announced_at), now=announced_at) is expected
    closed_at = announced_at + timedelta(hours=1)
    closed = issue(IssuePhase.DONE, first_seen_at=announced_at, closed=True, updated_at=closed_at)
    assert explains(closed, now=closed_at) is expected


def test_an_issue_open_for_too_long_explains_nothing_more() -> None:
    start_at = NOW - timedelta(hours=47, minutes=59)
    assert explains(issue(start_at=start_at), now=NOW)
    assert not explains(issue(start_at=start_at), now=NOW + timedelta(minutes=2))


@pytest.mark.parametrize("phase", [phase for phase in IssuePhase if phase is not IssuePhase.OPEN])
def test_a_closed_issue_explains_what_failed_up_to_the_report_that_closed_it(phase: IssuePhase) -> None:
    """AWS closes about 22 minutes after recovery; what fails after the close is no longer its doing."""
    inside = issue(phase, closed=True, updated_at=NOW + timedelta(minutes=5), end_at=NOW - timedelta(minutes=10))
    found = attribute(inside, now=NOW + timedelta(hours=3))
    assert found.verdict is Verdict.EXPLAINED
    assert "closed since" in found.reason
    assert not explains(issue(phase, closed=True, updated_at=NOW - timedelta(seconds=1)))


def test_open_issues_come_before_closed_ones() -> None:
    """A failure that an open issue explains waits for that one alone."""
    closed = issue(IssuePhase.SETTLING, arn=ISSUE_ARN + "-closed", closed=True, updated_at=NOW)
    found = attribute(closed, issue())
    assert [blocker.issue for blocker in found.blockers] == [ISSUE_ARN]


def test_two_issues_both_hold_and_the_oldest_is_named() -> None:
    older = issue(arn=ISSUE_ARN + "-older", start_at=NOW - timedelta(hours=1), service="MULTIPLE_SERVICES")
    found = attribute(issue(), older)
    assert [blocker.service for blocker in found.blockers] == ["MULTIPLE_SERVICES", "ECS"]
    assert found.reason.startswith("An open MULTIPLE_SERVICES issue")
    assert found.reason.endswith("runs in us-east-1. One more issue explains it too.")
    third = issue(arn=ISSUE_ARN + "-third")
    assert attribute(issue(), older, third).reason.endswith(" 2 more issues explain it too.")


def test_any_of_several_failed_actions_may_be_the_one() -> None:
    actions = (ecs_deploy(name="Other", provider="S3"), ecs_deploy())
    found = attribute(issue(), actions=actions)
    assert "the failed action DeployService (ECS)" in found.reason


def test_without_a_failed_action_nothing_is_guessed() -> None:
    """A stage condition, or a list that lags: an outage next door is no explanation."""
    found = attribute(issue(service="MULTIPLE_SERVICES"), actions=())
    assert found.verdict is Verdict.UNEXPLAINED


def test_what_cannot_be_confirmed_is_said_beside_any_verdict() -> None:
    caveat = "AWS Health's API needs a paid support plan."
    for found in (
        attribute(issue(), caveat=caveat),
        attribute(caveat=caveat),
        attribute(actions=(), caveat=caveat),
        attribute(actions=(an_action(category="Approval"),), caveat=caveat),
    ):
        assert found.caveat == caveat
        assert caveat not in found.reason


def test_unreadable_health_holds_or_not_as_the_setting_says_and_says_which() -> None:
    held = attribute(unreadable="ThrottlingException")
    assert (held.verdict, held.blockers) == (Verdict.UNREADABLE, ())
    assert held.reason == (
        "AWS Health cannot be read (ThrottlingException), so nobody can tell whether an AWS issue explains this. "
        "HealthUnavailable is block: it waits until Health can be read."
    )
    allowed = attribute(unreadable="Throttled", policy=Policy(health_unavailable=WhenHealthUnreadable.ALLOW))
    assert allowed.verdict is Verdict.UNEXPLAINED
    assert allowed.reason.endswith("HealthUnavailable is allow: it is not held.")


def test_what_the_ledger_knows_counts_while_health_is_unreadable() -> None:
    assert attribute(issue(), unreadable="Throttled").verdict is Verdict.EXPLAINED


def test_our_own_inability_to_read_explains_nothing() -> None:
    pseudo = an_issue(report=unreadable_report(NOW))
    assert not explains(pseudo, actions=(ecs_deploy(),))
