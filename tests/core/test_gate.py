"""What the health gate decides: stop for open issues in its Regions, and say which."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.gate import (
    EXTERNAL_ID_LIMIT,
    GATE_MESSAGE_PREFIX,
    MESSAGE_LIMIT,
    UNREADABLE_NAME,
    GateAnswer,
    GateRequest,
    cannot_run,
    decide,
)
from bot.issues import unreadable_report
from bot.model import Issue, IssuePhase
from bot.policy import Policy, WhenHealthUnreadable
from tests.builders import ACCOUNT, ISSUE_ARN, NOW, REGION, a_report, an_issue

NAME = ISSUE_ARN.rsplit("/", 1)[-1]


def request(**changes: Any) -> GateRequest:
    return GateRequest(**{"pipeline": "web", "execution": "1", "regions": (REGION,), **changes})


def issue(**report: Any) -> Issue:
    return an_issue(report=a_report(**report))


def ask(*issues: Issue, policy: Policy | None = None, **changes: Any) -> GateAnswer:
    unreadable, caveat = changes.pop("unreadable", ""), changes.pop("caveat", "")
    return decide(
        request(**changes), issues, ACCOUNT, NOW, policy or Policy(), unreadable=unreadable, caveat=caveat
    )


def test_an_open_issue_in_its_region_stops_the_deploy_and_is_named_for_people_and_for_allclear() -> None:
    answer = ask(issue())
    assert not answer.passes
    assert answer.external_execution_id == NAME
    assert answer.message == (
        f"{GATE_MESSAGE_PREFIX} an AWS Health issue is open: ECS in us-east-1 since 2026-11-23 02:00 UTC "
        f"({NAME}). Allclear retries this stage when it closes; see the card in Slack to retry sooner."
    )


def test_nothing_open_lets_the_deploy_pass_and_says_what_was_looked_at() -> None:
    answer = ask(services=("ECS", "RDS"), regions=(REGION, "eu-west-1"))
    assert answer == GateAnswer(True, "No open AWS Health issue in us-east-1, eu-west-1 for ECS, RDS.")


@pytest.mark.parametrize(
    ("report", "asked", "stops"),
    [
        ({}, {}, True),
        ({"region": "eu-west-1"}, {}, False),
        ({"region": "eu-west-1"}, {"regions": ("eu-west-1",)}, True),
        ({"region": "global"}, {}, True),
        ({}, {"services": ("RDS",)}, False),
        ({}, {"services": ("RDS", "ECS")}, True),
        ({"service": "MULTIPLE_SERVICES"}, {"services": ("RDS",)}, True),
        ({"service": "RDS"}, {}, True),
        ({"service": "CONNECT"}, {}, False),
        ({"service": "CONNECT"}, {"services": ("CONNECT",)}, True),
        ({"account": ACCOUNT, "scope": "ACCOUNT_SPECIFIC"}, {}, True),
        ({"account": "999988887777", "scope": "ACCOUNT_SPECIFIC"}, {}, False),
    ],
)
def test_regions_services_and_accounts_narrow_what_counts(
    report: dict[str, Any], asked: dict[str, Any], stops: bool
) -> None:
    """An ignored service counts only where the gate names it; another account's own issue never."""
    assert ask(issue(**report), **asked).passes is not stops


@pytest.mark.parametrize("phase", [phase for phase in IssuePhase if phase is not IssuePhase.OPEN])
def test_only_open_issues_count(phase: IssuePhase) -> None:
    assert ask(an_issue(phase=phase)).passes


def test_an_issue_open_for_too_long_stops_nothing_and_the_answer_says_so() -> None:
    assert not ask(issue(start_at=NOW - timedelta(hours=48))).passes
    answer = ask(issue(start_at=NOW - timedelta(hours=48, seconds=1)))
    assert answer.passes
    assert answer.message.endswith("Not counted for their age: ECS in us-east-1.")


def test_unreadable_health_stops_or_passes_as_the_setting_says_and_says_which() -> None:
    blocked = ask(unreadable="ThrottlingException")
    assert (blocked.passes, blocked.external_execution_id) == (False, UNREADABLE_NAME)
    assert blocked.message.startswith(f"{GATE_MESSAGE_PREFIX} AWS Health cannot be read (ThrottlingException)")
    assert "HealthUnavailable is block" in blocked.message
    allowed = ask(unreadable="Throttled", policy=Policy(health_unavailable=WhenHealthUnreadable.ALLOW))
    assert allowed.passes
    assert "HealthUnavailable is allow" in allowed.message


def test_what_the_ledger_knows_stops_the_deploy_while_health_is_unreadable() -> None:
    answer = ask(issue(), unreadable="Throttled", policy=Policy(health_unavailable=WhenHealthUnreadable.ALLOW))
    assert answer.external_execution_id == NAME


def test_our_own_inability_to_read_is_no_issue_of_aws() -> None:
    assert ask(an_issue(report=unreadable_report(NOW))).passes


def test_what_cannot_be_confirmed_is_said_with_every_answer() -> None:
    assert ask(caveat="No support plan.").message.endswith(" No support plan.")
    assert ask(issue(), caveat="No support plan.").message.endswith(" No support plan.")


def test_the_oldest_issue_is_named_first_and_all_are_counted() -> None:
    older = issue(arn=ISSUE_ARN + "-older", service="RDS", start_at=NOW - timedelta(hours=2))
    answer = ask(issue(), older)
    assert answer.external_execution_id == f"{NAME}-older,{NAME}"
    assert "2 AWS Health issues are open: RDS in us-east-1 since 2026-11-23 00:20 UTC" in answer.message
    assert "when all of them are closed" in answer.message


@pytest.mark.parametrize("count", [1, 20, 27, 28, 29, 300])
def test_names_that_do_not_fit_are_counted(count: int) -> None:
    """At most 1,500 characters, whole names, and +N for the rest; the message keeps to 5,000."""
    names = [f"{NAME}{number:03d}" for number in range(count)]
    answer = ask(*(issue(arn=ISSUE_ARN + f"{number:03d}") for number in range(count)))
    told = answer.external_execution_id.split(",")
    left = int(told.pop()[1:]) if told[-1].startswith("+") else 0
    assert told == names[: count - left]
    assert len(answer.external_execution_id) <= EXTERNAL_ID_LIMIT
    assert len(answer.message) <= MESSAGE_LIMIT
    with_one_more = ",".join(names[: len(told) + 1])
    assert left == 0 or len(f"{with_one_more},+{left - 1}") > EXTERNAL_ID_LIMIT, "as many as fit"


def test_a_gate_that_cannot_run_is_never_taken_for_an_incident() -> None:
    answer = cannot_run("x" * 9_000)
    assert (answer.passes, answer.external_execution_id) == (False, "")
    assert len(answer.message) == MESSAGE_LIMIT
    assert not answer.message.startswith(GATE_MESSAGE_PREFIX)


@pytest.mark.parametrize("phase", [IssuePhase.OPEN, IssuePhase.CANARY, IssuePhase.DONE])
def test_an_issue_let_go_for_its_age_is_named_as_long_as_aws_has_it_open(phase: IssuePhase) -> None:
    """Where no event and nobody told its end, that is all that can be said of it."""
    aged = replace(issue(start_at=NOW - timedelta(hours=50)), phase=phase)
    assert ask(aged).message.endswith(" Not counted for their age: ECS in us-east-1.")
    closed = issue(start_at=NOW - timedelta(hours=50), closed=True)
    assert "age" not in ask(replace(closed, phase=IssuePhase.DONE)).message
