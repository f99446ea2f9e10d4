"""Events twice, late, out of order, or never; calls that fail, or succeed and lose their answer."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from playground.codepipeline import Stage
from playground.deliveries import Disorder
from playground.gateway import Fault
from tests.outside.night import REGION, START, Night


def record_events(night: Night) -> list[dict[str, Any]]:
    """From now on nothing reaches the bus; what would have is collected."""
    kept: list[dict[str, Any]] = []
    night.cloud.codepipeline._emit = kept.append
    night.cloud.health._emit = kept.append
    return kept


def deliver_again(night: Night) -> None:
    """Events reach the bus again."""
    night.cloud.codepipeline._emit = night.cloud.put_event
    night.cloud.health._emit = night.cloud.put_event


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_doubled_and_shuffled_deliveries_make_one_card_and_one_retry(night: Night, seed: int) -> None:
    """At least once and in no order is what AWS promises."""
    night.cloud.disorder = Disorder(seed, duplicate=0.5)
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline(gate=True)
    night.cloud.codepipeline.start("web")
    night.wait(20)
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.accepted() == night.asked() == 1
    assert len(night.cards()) == 1
    assert night.card().buttons == []


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("hours", [0, 9])
def test_hours_late_in_either_order_ends_the_same(night: Night, order: int, hours: int) -> None:
    """EventBridge was once impaired for fifteen hours. Everything comes after the incident is over, twice."""
    night.cloud.health.support_plan = False  # the events are all there is
    kept = record_events(night)
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    execution = night.fail()
    night.wait(20)
    night.cloud.health.close(issue)
    night.mend()
    night.wait(hours * 60)
    deliver_again(night)
    for event in kept[::order] * 2:
        night.cloud.put_event(event)
    night.wait(30)
    assert night.stage(execution) == "Succeeded"
    assert night.accepted() == night.asked() == 1
    assert [card.buttons for card in night.cards()] == [[]]


def test_a_closing_event_that_never_comes_is_found_at_aws_health(night: Night) -> None:
    """An open issue is asked about every minute."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.cloud.health.close(issue, silent=True)
    night.wait(20)
    assert night.accepted() == 1


def test_an_outcome_that_is_never_reported_is_found_at_codepipeline(night: Night) -> None:
    """Not one event after the close arrives."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.cloud.health.close(issue)
    record_events(night)
    night.wait(20)
    assert night.title() == "web → Deploy: recovered"
    assert night.accepted() == 1


@pytest.mark.parametrize("fault", ["ratelimited", "server_error", "drop_before", "drop_after"])
def test_a_card_left_behind_heals_and_is_never_doubled(night: Night, fault: Any) -> None:
    """Slack fails three times; the deploy is resumed all the same and one truthful card remains."""
    night.slack.fail_next("chat.postMessage", fault, 2)
    night.slack.fail_next("chat.update", fault, 3)
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.cloud.health.close(issue)
    night.wait(40)
    assert night.accepted() == 1
    assert [card.buttons for card in night.cards()] == [[]]
    assert night.title() == "web → Deploy: recovered"


@pytest.mark.parametrize(
    "code", ["ConflictException", "ThrottlingException", "ConcurrentPipelineExecutionsLimitExceededException"]
)
def test_not_now_is_tried_later_with_backoff_and_costs_no_budget(night: Night, code: str) -> None:
    """Five refusals are more than the budget of three automatic retries."""
    night.cloud.codepipeline.refuse_next_retries(code, 5)
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.cloud.health.close(issue)
    night.wait(60)
    assert (night.asked(), night.accepted()) == (6, 1)
    gaps = [retry.at for retry in night.cloud.codepipeline.retries]
    waits = [(after - before).total_seconds() for before, after in pairwise(gaps)]
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    assert night.title() == "web → Deploy: recovered"


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "error"])
def test_a_lost_answer_is_looked_into_before_another_call(night: Night, kind: Any) -> None:
    """Whether the retry took effect or not, CodePipeline accepts exactly one."""
    night.cloud.gateway.faults.append(Fault("codepipeline", "RetryStageExecution", kind))
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.cloud.health.close(issue)
    night.wait(30)
    assert night.accepted() == 1
    calls = [call for call in night.cloud.gateway.calls if call.operation == "RetryStageExecution"]
    assert len(calls) == (1 if kind == "drop_after" else 2)
    assert night.title() == "web → Deploy: recovered"


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("dynamodb", "TransactWriteItems"),
        ("dynamodb", "GetItem"),
        ("dynamodb", "Query"),
        ("dynamodb", "UpdateItem"),
        ("codepipeline", "GetPipelineState"),
        ("codepipeline", "ListActionExecutions"),
        ("codepipeline", "ListTagsForResource"),
        ("health", "DescribeEvents"),
    ],
)
@pytest.mark.parametrize("kind", ["throttle", "drop_after"])
def test_a_service_failing_for_a_while_loses_nothing(
    night: Night, service: str, operation: str, kind: Any
) -> None:
    """Twelve calls fail around the failure, twelve more around the close; one card, one retry, in the end."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.broken.add("web")
    night.cloud.codepipeline.start("web")
    night.cloud.gateway.faults.append(Fault(service, operation, kind, times=12))
    night.wait(30)
    night.mend()
    night.cloud.gateway.faults.append(Fault(service, operation, kind, times=12))
    night.cloud.health.close(issue)
    night.wait(90)
    assert night.accepted() == 1
    assert [card.buttons for card in night.cards()] == [[]]
    assert night.title() == "web → Deploy: recovered"


def test_health_unreadable_holds_and_lets_go_when_it_can_be_read(night: Night) -> None:
    """HealthUnavailable is block: the card says so; readable again and nothing open: resumed."""
    night.cloud.health.unreadable = True
    night.pipeline()
    night.fail()
    assert night.title() == "web → Deploy: held"
    assert "HealthUnavailable is block" in night.card().text
    night.wait(20)
    assert night.asked() == 0
    night.mend()
    night.cloud.health.unreadable = False
    night.wait(15)
    assert night.accepted() == 1
    assert night.title() == "web → Deploy: recovered"


def test_health_unreadable_and_allowed_asks_a_person(make_night: Callable[..., Night]) -> None:
    """HealthUnavailable is allow: not held, and the card says why nobody knows."""
    night = make_night(HealthUnavailable="allow")
    night.cloud.health.unreadable = True
    night.pipeline()
    night.fail()
    assert night.title() == "web → Deploy: needs a person"
    assert "HealthUnavailable is allow" in night.card().text
    assert night.asked() == 0


def test_a_gate_stopped_because_health_was_unreadable_is_resumed(night: Night) -> None:
    """The gate blocks, says so, and the deploy goes on when Health can be read."""
    night.cloud.health.unreadable = True
    night.pipeline(gate=True)
    execution = night.run()
    assert night.title() == "web → HealthGate: held"
    night.cloud.health.unreadable = False
    night.wait(30)
    assert night.stage(execution) == "Succeeded"
    assert night.accepted() == 1


def test_without_a_support_plan_the_events_decide_and_the_card_says_so(night: Night) -> None:
    """The ledger of events is the source."""
    night.cloud.health.support_plan = False
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    assert night.title() == "web → Deploy: held"
    assert "support plan" in night.card().text
    night.mend()
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.accepted() == 1


def test_a_newer_execution_in_the_stage_is_left_alone(night: Night) -> None:
    """No SUPERSEDED event comes for a failed run that is overtaken; its card says so and nothing is retried."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.run(minutes=5)
    assert night.cards()[0].blocks[0]["text"]["text"] == "web → Deploy: superseded"
    assert night.cards()[0].buttons == []
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.asked() == 0


def test_not_latest_ends_superseded(night: Night) -> None:
    """CodePipeline knows of a newer execution before we do."""
    night.cloud.codepipeline.refuse_next_retries("NotLatestPipelineExecutionException")
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.cloud.health.close(issue)
    night.wait(20)
    assert (night.asked(), night.accepted()) == (1, 0)
    assert night.title() == "web → Deploy: superseded"


def test_a_retry_in_the_console_is_somebody_elses(night: Night) -> None:
    """Retried outside Allclear: followed to its end, not retried again."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    execution = night.fail()
    night.mend()
    night.cloud.codepipeline.retry_in_console("web", "Deploy", execution)
    night.wait(3)
    assert night.title() == "web → Deploy: recovered"
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.asked() == 0


def test_a_stopped_execution_is_left_alone(night: Night) -> None:
    """Retried by a person, then stopped by one: the card says stopped."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    execution = night.fail()
    night.cloud.codepipeline.retry_in_console("web", "Deploy", execution)
    night.cloud.codepipeline.stop("web", execution, abandon=True)
    night.wait(3)
    assert night.title() == "web → Deploy: stopped"
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.asked() == 0


def test_a_stage_that_is_gone_ends_stopped(night: Night) -> None:
    """The pipeline was changed and has no such stage any more."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    source = Stage("Source", night.cloud.codepipeline._pipelines["web"].stages[0].actions)
    night.cloud.codepipeline.update_pipeline("web", [source])
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.asked() == 0
    assert night.title() == "web → Deploy: stopped"


def test_an_issue_that_starts_after_the_failure_is_not_blamed(night: Night) -> None:
    """An issue explains failures from its own startTime on, with a quarter of an hour of slack."""
    night.pipeline()
    night.fail()
    night.wait(60)
    night.cloud.health.open_issue("CLOUDFORMATION", REGION, start_at=START.replace(hour=2, minute=50))
    night.wait(10)
    assert night.title() == "web → Deploy: needs a person"
