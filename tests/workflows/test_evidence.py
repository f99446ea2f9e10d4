"""Failed actions are looked behind once, when their failure is first seen, and nothing waits for it."""

import pytest

from bot.errors import TryLater
from bot.evidence import Found
from bot.model import Status
from bot.workflows.evidence import ASKED_AT_MOST
from tests.builders import KEY, an_action
from tests.workflows.harness import MINUTE, Night


def test_a_database_upgrade_is_held_by_the_rds_issue_and_resumed_after_it() -> None:
    night = Night()
    night.evidence.found["DeployStack"] = Found(services=("RDS",))
    report = night.issue_opens(service="RDS")
    night.stage_fails(KEY, an_action())
    assert night.status() is Status.BLOCKED
    assert night.execution().actions[0].services == ("RDS",)
    night.issue_closes(report)
    night.minutes(10)
    assert night.accepted() == 1


def test_an_issue_announced_later_claims_it_by_what_was_read_then() -> None:
    """The reading is kept with the failure: nobody asks again."""
    night = Night()
    night.evidence.found["DeployStack"] = Found(services=("RDS",))
    night.stage_fails(KEY, an_action())
    assert night.status() is Status.NEEDS_HUMAN
    night.minutes(30)
    night.issue_opens(service="RDS", start_at=night.now - 40 * MINUTE)
    assert night.status() is Status.BLOCKED
    assert night.evidence.asked == ["DeployStack"]


@pytest.mark.parametrize("problem", [TryLater("Rate exceeded"), KeyError("an answer nobody foresaw")])
def test_a_busy_service_delays_nothing_and_the_card_says_what_is_missing(problem: Exception) -> None:
    """Attribution by the provider alone, at once; the others of the stage are not asked either."""
    night = Night()
    night.evidence.errors.append(problem)
    night.issue_opens(service="CLOUDFORMATION")
    night.stage_fails(KEY, an_action(), an_action(name="DeployMore"))
    assert night.status() is Status.BLOCKED
    assert night.evidence.asked == ["DeployStack"]
    assert night.execution().attribution.caveat == (
        "What DeployStack failed on could not be read, so only CloudFormation itself was matched."
    )


def test_a_stage_full_of_failures_is_looked_behind_a_few_times_only() -> None:
    """A function that asked without end would be ended before it saved."""
    night = Night()
    failed = [an_action(name=f"Deploy{number}") for number in range(10)]
    night.stage_fails(KEY, *failed)
    assert len(night.evidence.asked) == ASKED_AT_MOST
    assert len(night.execution().actions) == 10


def test_what_is_told_of_a_retry_is_told_anew() -> None:
    """The second failure may be another one."""
    night = Night(settle=0 * MINUTE)
    night.evidence.found["DeployStack"] = Found(services=("RDS",))
    report = night.issue_opens(service="RDS")
    night.stage_fails(KEY, an_action())
    night.issue_closes(report)
    night.minutes(2)
    night.evidence.found["DeployStack"] = Found()
    night.stage_fails(KEY, an_action())
    assert night.status() is Status.NEEDS_HUMAN
    assert night.execution().actions[0].services == ()
