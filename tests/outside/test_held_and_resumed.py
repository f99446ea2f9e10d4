"""Seen through template.yaml and the handlers only: held while AWS is broken, resumed once after."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from playground.codepipeline import Action, Stage
from tests.outside.night import REGION, START, Night


def test_a_failure_explained_by_an_open_issue_is_held_and_retried_once_after_the_close(night: Night) -> None:
    """The main job, from the failure to the card without buttons."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION, start_at=START - timedelta(minutes=30))
    night.pipeline()
    execution = night.fail()
    card = night.card()
    for word in ("web", "Deploy", REGION, "CLOUDFORMATION"):
        assert word in card.text
    assert night.title() == "web → Deploy: held"
    assert {"retry", "dismiss"} <= set(card.buttons)
    night.wait(170)
    assert night.asked() == 0
    night.mend()
    night.cloud.health.close(issue)
    night.wait(3)
    assert night.asked() == 0, "the settle time is five minutes"
    night.wait(12)
    assert night.stage(execution) == "Succeeded"
    assert (night.asked(), night.accepted()) == (1, 1)
    assert night.title() == "web → Deploy: recovered"
    assert night.card().buttons == []


def test_a_deploy_stopped_by_its_gate_is_held_and_resumed(night: Night) -> None:
    """The gate names the issue; the stopped stage is retried once after the close and the deploy goes through."""
    issue = night.cloud.health.open_issue("RDS", REGION)
    night.pipeline(gate=True)
    execution = night.run()
    card = night.card()
    for word in ("web", "HealthGate", REGION, "RDS"):
        assert word in card.text
    assert {"retry", "dismiss"} <= set(card.buttons)
    night.wait(60)
    assert night.asked() == 0
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.stage(execution) == "Succeeded"
    assert (night.asked(), night.accepted()) == (1, 1)
    assert night.card().buttons == []


def test_two_issues_hold_until_both_are_closed(night: Night) -> None:
    """The first close of two resumes nothing."""
    first = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    second = night.cloud.health.open_issue("MULTIPLE_SERVICES", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.cloud.health.close(first)
    night.wait(30)
    assert night.asked() == 0
    assert night.title() == "web → Deploy: held"
    night.cloud.health.close(second)
    night.wait(20)
    assert night.accepted() == 1
    assert night.title() == "web → Deploy: recovered"


def test_an_issue_that_begins_while_it_is_held_holds_it_too(night: Night) -> None:
    """It does not explain the failure, but a retry would run into it."""
    first = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.wait(60)
    second = night.cloud.health.open_issue("MULTIPLE_SERVICES", REGION, start_at=night.now)
    night.wait(2)
    assert "MULTIPLE_SERVICES" in night.card().text
    night.cloud.health.close(first)
    night.wait(30)
    assert night.asked() == 0
    assert night.title() == "web → Deploy: held"
    night.cloud.health.close(second)
    night.wait(20)
    assert (night.asked(), night.accepted()) == (1, 1)
    assert night.title() == "web → Deploy: recovered"


@pytest.mark.parametrize(
    ("service", "region"),
    [("CLOUDFORMATION", "eu-west-1"), ("WORKSPACES", REGION), ("DIRECTCONNECT", REGION)],
)
def test_an_unrelated_issue_explains_nothing(night: Night, service: str, region: str) -> None:
    """Another Region, another service, an ignored service: a person is asked, nothing is retried."""
    issue = night.cloud.health.open_issue(service, region)
    night.pipeline()
    night.fail()
    assert night.title() == "web → Deploy: needs a person"
    night.mend()
    night.cloud.health.close(issue)
    night.wait(30)
    assert night.asked() == 0


@pytest.mark.parametrize(
    ("service", "region"), [("MULTIPLE_SERVICES", REGION), ("CLOUDFORMATION", "global"), ("CODEPIPELINE", REGION)]
)
def test_the_broad_issues_count(night: Night, service: str, region: str) -> None:
    """MULTIPLE_SERVICES counts for every service, global for every Region."""
    issue = night.cloud.health.open_issue(service, region)
    night.pipeline()
    night.fail()
    assert night.title() == "web → Deploy: held"
    night.mend()
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.accepted() == 1


def test_hopeful_words_resume_nothing_and_closed_without_an_end_time_does(night: Night) -> None:
    """Only the status code closes an issue."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.cloud.health.update(issue, "[RESOLVED] All is well.", endTime="Tue, 24 Nov 2026 02:05:00 GMT")
    night.wait(30)
    assert night.asked() == 0
    before = night.cloud.health.eventbridge_event(issue)
    night.cloud.health.close(issue, end_time=False)
    night.wait(2)
    night.cloud.put_event(before)  # an old "open", late
    night.wait(20)
    assert night.accepted() == 1
    night.cloud.put_event(before)
    night.wait(10)
    assert night.title() == "web → Deploy: recovered"


def test_an_issue_announced_after_the_failure_claims_it(night: Night) -> None:
    """Most failures come before the notice."""
    night.pipeline()
    night.fail()
    assert night.title() == "web → Deploy: needs a person"
    night.wait(40)
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION, start_at=START)
    night.wait(2)
    assert night.title() == "web → Deploy: held"
    night.mend()
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.accepted() == 1
    assert len(night.cards()) == 1


def test_nothing_announced_asks_a_person_and_retries_nothing(night: Night) -> None:
    """A retry button, no automatic retry, however long it takes."""
    night.pipeline()
    night.fail()
    night.wait(600)
    assert night.title() == "web → Deploy: needs a person"
    assert "retry" in night.card().buttons
    assert night.asked() == 0


def test_a_rejected_approval_is_never_retried(night: Night) -> None:
    """A person said no; AWS's issue does not make it yes."""
    issue = night.cloud.health.open_issue("MULTIPLE_SERVICES", REGION)
    approval = Stage("Approve", [Action("SignOff", "Approval", "AWS", "Manual")])
    source = Stage("Source", [Action("Checkout", "Source", "AWS", "CodeCommit")])
    night.cloud.codepipeline.create_pipeline("web", REGION, [source, approval])
    night.run()
    night.cloud.codepipeline.reject("web", "Approve", "SignOff")
    night.wait(3)
    night.cloud.health.close(issue)
    night.wait(30)
    assert night.asked() == 0
    assert night.title() == "web → Approve: needs a person"


def test_an_issue_that_arrives_closed_frees_the_failures_inside_its_window(night: Night) -> None:
    """One in ten does: the all-clear comes with the news."""
    night.pipeline()
    night.fail()
    night.mend()
    night.wait(20)
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION, start_at=START, silent=True)
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.accepted() == 1
    assert night.title() == "web → Deploy: recovered"


def test_fails_again_with_the_issue_open_waits_again_until_the_budget_is_spent(
    make_night: Callable[..., Night],
) -> None:
    """Three automatic retries, then the button."""
    night = make_night(SettleSeconds="0")
    night.pipeline()
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.fail()
    for attempt in (1, 2, 3):
        assert night.title() == "web → Deploy: held"
        night.cloud.health.close(issue)
        night.wait(2, until=lambda: night.accepted() == attempt)  # noqa: B023 - called within the turn
        assert night.accepted() == attempt
        night.cloud.health.reopen(issue)
        night.wait(5)
    assert night.title() == "web → Deploy: needs a person"
    night.cloud.health.close(issue)
    night.wait(30)
    assert night.asked() == 3
    assert "retry" in night.card().buttons


def test_a_hundred_and_five_deploys_held_by_one_issue_are_each_resumed_once(night: Night) -> None:
    """Nobody is forgotten, nobody is retried twice, though one look at the issue does not reach them all."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    names = [f"web-{number}" for number in range(105)]
    for name in names:
        night.pipeline(name)
        night.broken.add(name)
        night.cloud.codepipeline.start(name)
    night.wait(5)
    assert len(night.cards()) == 4
    night.broken.clear()
    night.cloud.health.close(issue)
    night.wait(20)
    assert {name: (night.asked(name), night.accepted(name)) for name in names} == dict.fromkeys(names, (1, 1))
    titles = {night.card(name).blocks[0]["text"]["text"] for name in names}
    assert {title.rpartition(": ")[2] for title in titles} == {"recovered"}
    assert len(night.cards()) == 4


def test_a_card_that_asks_a_person_does_not_call_a_closed_issue_open(make_night: Callable[..., Night]) -> None:
    """No automatic retries at all: the person is asked while the issue is open, and told when it closes."""
    night = make_night(MaxAutomaticRetries="0")
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    assert night.title() == "web → Deploy: needs a person"
    retry = next(block for block in night.card().blocks if block["type"] == "actions")["elements"][0]
    assert "Still open" in retry["confirm"]["text"]["text"]
    night.cloud.health.close(issue)
    night.wait(10)
    retry = next(block for block in night.card().blocks if block["type"] == "actions")["elements"][0]
    assert "confirm" not in retry
    assert night.asked() == 0
