"""What is never blamed on AWS, and what a stop by the health gate means."""

from datetime import timedelta

import pytest

from bot.attribution import explain
from bot.gate import UNREADABLE_NAME
from bot.model import Attribution, FailedAction, Issue, IssuePhase, PipelineTags, Verdict
from bot.policy import Policy
from tests.builders import ACCOUNT, ISSUE_ARN, NOW, a_gate_action, a_report, an_action, an_issue

OUTAGE = an_issue(report=a_report(service="MULTIPLE_SERVICES", region="global"))
NAME = ISSUE_ARN.rsplit("/", 1)[-1]


def attribute(*actions: FailedAction, issues: tuple[Issue, ...] = (OUTAGE,), unreadable: str = "") -> Attribution:
    return explain(
        actions, NOW, ACCOUNT, PipelineTags(), issues, NOW + timedelta(minutes=1), Policy(), unreadable=unreadable
    )


def a_build(message: str, category: str = "Build") -> FailedAction:
    return an_action(name="Compile", provider="CodeBuild", category=category, message=message)


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (an_action(name="GoLive", category="Approval", provider="Manual"), "GoLive was rejected by a person"),
        (an_action(error_code="ConfigurationError"), "DeployStack failed because its configuration is wrong"),
        (an_action(error_code="PermissionError"), "DeployStack failed because a permission is missing"),
        (a_build("Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, Message: Error while executing command: npm test. Reason: exit status 1"), "Compile's own commands failed"),  # noqa: E501 - CodeBuild's own words
        (a_build("Phase: POST_BUILD, Code: X", "Test"), "Compile's own commands failed"),
        (a_build("Error while executing command: make. Reason: exit status 2", "Compute"), "Compile's own commands failed"),  # noqa: E501 - as above
    ],
)  # fmt: skip
def test_what_is_the_teams_own_is_never_blamed_on_aws(action: FailedAction, why: str) -> None:
    """Not even during the greatest outage, nor while nobody can tell."""
    for unreadable in ("", "ThrottlingException"):
        found = attribute(action, unreadable=unreadable)
        assert (found.verdict, found.blockers) == (Verdict.OWN, ())
        assert found.reason == f"Not AWS's doing: {why}."


@pytest.mark.parametrize(
    "message",
    [
        "Build terminated with state: FAULT. Phase: PROVISIONING, Code: INTERNAL_SERVER_ERROR, Message: x",
        "Phase: DOWNLOAD_SOURCE, Code: CLIENT_ERROR, Message: RequestError: send request failed",
        "Phase: BUILD, Code: INTERNAL_SERVICE_ERROR, Message: Internal Service Error",
        "Phase: QUEUED, Code: ThrottlingException",
        "",
    ],
)
def test_a_build_that_could_not_run_may_be_awss(message: str) -> None:
    assert attribute(a_build(message)).verdict is Verdict.EXPLAINED


def test_one_rejected_approval_in_the_stage_is_enough() -> None:
    rejected = an_action(name="GoLive", category="Approval", provider="Manual")
    assert attribute(an_action(), rejected).verdict is Verdict.OWN


def test_the_words_of_a_deploy_are_not_read_as_a_builds() -> None:
    assert attribute(an_action(message="Phase: BUILD failed")).verdict is Verdict.EXPLAINED


def test_a_gate_stop_is_held_by_the_issues_the_gate_named_and_no_others() -> None:
    """Whatever their Region or service: the gate's author asked for them."""
    named = an_issue(report=a_report(region="eu-west-1", service="RDS"))
    outage = an_issue(report=a_report(arn=ISSUE_ARN + "X", service="MULTIPLE_SERVICES"))
    found = attribute(a_gate_action(NAME), issues=(named, outage))
    assert [blocker.issue for blocker in found.blockers] == [ISSUE_ARN]
    assert found.reason == (
        "An open RDS issue in eu-west-1 (AWS_ECS_OPERATIONAL_ISSUE) explains it: "
        "the health gate HealthGate stopped the deploy for it."
    )


def test_a_gate_stop_for_an_ignored_service_is_held_all_the_same() -> None:
    """The gate's author named the service; taking the stop for over would retry it every few minutes."""
    named = an_issue(report=a_report(service="CONNECT"))
    found = attribute(a_gate_action(NAME), issues=(named,))
    assert [blocker.service for blocker in found.blockers] == ["CONNECT"]


def test_a_gate_stop_whose_issue_settles_waits_for_the_settling() -> None:
    settling = an_issue(report=a_report(closed=True), phase=IssuePhase.SETTLING)
    found = attribute(a_gate_action(NAME), issues=(settling,))
    assert [blocker.issue for blocker in found.blockers] == [ISSUE_ARN]


def test_a_gate_stop_of_which_nothing_is_open_is_over() -> None:
    found = attribute(a_gate_action("GONE_1", "GONE_2"), issues=())
    assert (found.verdict, found.blockers) == (Verdict.EXPLAINED, ())
    assert found.reason == "The health gate stopped it for GONE_1, GONE_2, and nothing it named is open now."


def test_a_gate_stop_for_unreadable_health_waits_while_it_is_unreadable() -> None:
    stop = a_gate_action(UNREADABLE_NAME)
    assert attribute(stop, issues=(), unreadable="Throttled").verdict is Verdict.UNREADABLE
    over = attribute(stop, issues=())
    assert (over.verdict, over.blockers) == (Verdict.EXPLAINED, ())


def test_a_lambda_that_only_failed_is_no_gate() -> None:
    """Without gate_issues its permissions and configuration errors are the team's own, like any action's."""
    broken = a_gate_action(NAME, gate_issues=None, error_code="ConfigurationError")
    assert attribute(broken).verdict is Verdict.OWN


def test_the_gates_own_error_code_is_no_accusation() -> None:
    stop = a_gate_action(NAME, error_code="ConfigurationError")
    assert attribute(stop, issues=(an_issue(),)).verdict is Verdict.EXPLAINED
