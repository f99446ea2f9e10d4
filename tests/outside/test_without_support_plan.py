"""An account whose support plan has no AWS Health API: every call is SubscriptionRequiredException, events decide.

The error and its code: AWS Health User Guide, "Accessing the AWS Health API" (a Business or Enterprise plan).
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.outside.night import REGION, START, Night
from tests.outside.test_people import slash

CAVEAT = "only the events that reached Allclear count; this cannot be confirmed"
WAITS = f'{{"pipeline": "web", "execution": "#{{codepipeline.PipelineExecutionId}}", "regions": ["{REGION}"], '
WAITS += '"mode": "wait"}'


@pytest.fixture
def without_plan(make_night: Callable[..., Night]) -> Callable[..., Night]:
    """Starts a night in which AWS Health's API is closed from the first minute to the last."""

    def make(**parameters: str) -> Night:
        night = make_night(**parameters)
        night.cloud.health.support_plan = False
        return night

    return make


def answer_of_the_gate(night: Night, pipeline: str = "web") -> str:
    """What its one job was answered, which CodePipeline shows with the action that passed."""
    runs = night.cloud.codepipeline._pipelines[pipeline].runs
    (passed,) = [each for each in runs if each.action.name == "AwsHealth"]
    assert passed.status == "Succeeded"
    return passed.summary


def refused(night: Night) -> int:
    """How often AWS Health was asked all the same; each time it refused."""
    return sum(call.operation == "DescribeEvents" for call in night.cloud.gateway.calls)


def test_held_and_resumed_by_events_alone(without_plan: Callable[..., Night]) -> None:
    """From the failure to the recovery; what cannot be confirmed is on the card and in `why` while it holds."""
    night = without_plan()
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION, start_at=START - timedelta(minutes=30))
    night.pipeline()
    execution = night.fail()
    assert night.title() == "web → Deploy: held"
    assert CAVEAT in night.card().text
    assert CAVEAT in slash(night, "why web")["text"]
    assert "that Allclear has heard of" not in slash(night, "issues")["text"], "it has heard of one"
    night.mend()
    night.cloud.health.close(issue)
    night.wait(4)
    assert night.asked() == 0, "the settle time is five minutes"
    night.wait(8)
    assert night.stage(execution) == "Succeeded"
    assert (night.asked(), night.title()) == (1, "web → Deploy: recovered")
    assert CAVEAT not in night.card().text
    assert night.cloud.failures() == []


def test_what_no_event_told_is_not_blamed_on_aws_and_the_card_says_how_little_is_known(
    without_plan: Callable[..., Night],
) -> None:
    """The issue is open, and only the API knows. A person is asked; the notice, when it comes, still holds it."""
    night = without_plan()
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION, silent=True)
    night.pipeline()
    night.fail()
    assert night.title() == "web → Deploy: needs a person"
    assert CAVEAT in night.card().text
    assert "No AWS issue is open that Allclear has heard of." in slash(night, "issues")["text"]
    night.cloud.health.update(issue)
    night.wait(1)
    assert night.title() == "web → Deploy: held"
    assert CAVEAT in night.card().text, "a late notice confirms nothing"
    night.mend()
    night.cloud.health.close(issue)
    night.wait(10)
    assert night.title() == "web → Deploy: recovered"


def test_the_gate_that_fails_decides_from_the_ledger(without_plan: Callable[..., Night]) -> None:
    """Nothing heard of: it passes and says what that is worth. An event: it stops, and the close resumes it."""
    night = without_plan()
    night.pipeline(gate=True)
    night.run()
    passed = answer_of_the_gate(night)
    assert "No open AWS Health issue in us-east-1." in passed
    assert CAVEAT in passed
    issue = night.cloud.health.open_issue("RDS", REGION)
    execution = night.run()
    assert night.title() == "web → HealthGate: held"
    assert CAVEAT in night.card().text
    night.cloud.health.close(issue)
    night.wait(10)
    assert night.stage(execution) == "Succeeded"
    assert night.accepted() == 1


def test_the_gate_that_waits_decides_from_the_ledger(without_plan: Callable[..., Night]) -> None:
    """Its card says that what it waits for cannot be confirmed; the closing event lets it through."""
    night = without_plan()
    issue = night.cloud.health.open_issue("RDS", REGION)
    night.pipeline(gate=True, gate_parameters=WAITS)
    execution = night.run(minutes=3)
    assert night.title() == "web → HealthGate: held"
    assert CAVEAT in night.card().text
    night.cloud.health.close(issue)
    night.wait(9)
    assert night.stage(execution) == "Succeeded"
    assert night.title() == "web → HealthGate: recovered"
    assert night.asked() == 0


def test_a_close_that_no_event_told_blocks_until_the_issue_is_too_old_and_that_is_said(
    without_plan: Callable[..., Night],
) -> None:
    """Nobody can ask whether it is over: IssueMaxAgeHours ends it, for what is held and for the gate."""
    night = without_plan(IssueMaxAgeHours="1")
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION, start_at=START - timedelta(minutes=45))
    night.pipeline()
    night.pipeline("api", gate=True)
    night.fail()
    night.mend()
    night.cloud.health.close(issue, silent=True)
    night.wait(8)
    assert night.asked() == 0
    night.wait(8)
    assert night.accepted() == 1
    assert night.title() == "web → Deploy: recovered"
    told = "the CLOUDFORMATION issue in us-east-1 has been open for more than 1 hour and holds nothing more"
    assert told in slash(night, "history web")["text"]
    assert told[1:] in str(night.card().blocks)
    night.run("api")
    assert "Not counted for their age: CLOUDFORMATION in us-east-1." in answer_of_the_gate(night, "api")


def test_an_incidents_card_says_what_cannot_be_confirmed(without_plan: Callable[..., Night]) -> None:
    """Five deploys under one issue, and what they share says it once."""
    night = without_plan()
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    names = [f"web-{number}" for number in range(5)]
    for name in names:
        night.pipeline(name)
        night.broken.add(name)
        night.cloud.codepipeline.start(name)
    night.wait(4)
    (incident,) = [card for card in night.cards() if "5 deploys held" in card.text]
    assert incident.text.count(CAVEAT) == 1
    night.broken.clear()
    night.cloud.health.close(issue)
    night.wait(12)
    (incident,) = [card for card in night.cards() if "all 5 deploys recovered" in card.text]
    assert CAVEAT not in incident.text
    assert {name: night.asked(name) for name in names} == dict.fromkeys(names, 1)
    assert refused(night) > 5
