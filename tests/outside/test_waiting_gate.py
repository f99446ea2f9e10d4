"""The gate that waits (mode wait), through the template and the handlers: seen at once, and never stranded."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from playground.deliveries import AsyncQueue
from playground.stack import Function
from tests.outside.night import REGION, Night

PARAMETERS = (
    '{"pipeline": "web", "execution": "#{codepipeline.PipelineExecutionId}",'
    f' "regions": ["{REGION}"], "mode": "wait"}}'
)


def starts(night: Night, minutes: int = 5) -> str:
    """A pipeline whose gate waits, started while an issue is open."""
    night.pipeline(gate=True, gate_parameters=PARAMETERS)
    return night.run(minutes=minutes)


def items(night: Night, prefix: str) -> list[dict[str, Any]]:
    return [item for item in night.cloud.items() if item["pk"].startswith(prefix)]


def jobs(night: Night) -> int:
    """How many jobs the gate was sent."""
    return sum(call.function == "GateFunction" for call in night.cloud.functions.invocations)


def test_a_waiting_deploy_has_a_card_at_once_and_goes_on_after_the_close(night: Night) -> None:
    """No failure, no retry: the same execution walks through."""
    issue = night.cloud.health.open_issue("RDS", REGION)
    execution = starts(night, minutes=3)
    assert night.stage(execution, stage="HealthGate") == "InProgress"
    assert night.title() == "web → HealthGate: held"
    assert "RDS" in night.card().text
    assert not {"retry", "dismiss"} & set(night.card().buttons)
    night.wait(60)
    assert jobs(night) > 50, "each continuation is a new job"
    night.cloud.health.close(issue)
    night.wait(3)
    assert night.stage(execution, stage="HealthGate") == "InProgress", "the settle time is five minutes"
    night.wait(8)
    assert night.stage(execution) == "Succeeded"
    assert night.title() == "web → HealthGate: recovered"
    assert night.asked() == 0
    assert items(night, "HOLD#") == []
    assert night.cloud.failures() == []


def test_status_names_it_among_what_is_held(night: Night) -> None:
    night.cloud.health.open_issue("RDS", REGION)
    starts(night)
    (state,) = [item for item in items(night, "EXEC#") if item["sk"] == "STATE"]
    assert (state["status"], state["unfinished"]) == ("BLOCKED", "yes")


def test_with_nothing_open_nothing_is_written(night: Night) -> None:
    execution = starts(night, minutes=8)
    assert night.stage(execution) == "Succeeded"
    assert night.cards() == []
    assert items(night, "HOLD#") == items(night, "EXEC#") == []


@pytest.mark.parametrize("abandon", [True, False])
def test_an_execution_that_is_stopped_ends_the_wait(night: Night, abandon: bool) -> None:
    """Abandoned at once; or stopped after its running action, which the gate then ends."""
    night.cloud.health.open_issue("RDS", REGION)
    execution = starts(night)
    night.cloud.client("codepipeline").stop_pipeline_execution(
        pipelineName="web", pipelineExecutionId=execution, abandon=abandon
    )
    night.wait(12)
    assert night.stage(execution, stage="HealthGate") == "Stopped"
    assert night.title() == "web → HealthGate: stopped"
    assert items(night, "HOLD#") == []
    assert night.asked() == 0


def test_a_lost_continuation_does_not_strand_the_deploy(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """CodePipeline fails an action whose job nobody answers; the card says what is known meanwhile."""
    night.cloud.health.open_issue("RDS", REGION)
    execution = starts(night)
    deliver = AsyncQueue.add

    def lose_jobs(queue: AsyncQueue, function: Function, event: Any, now: datetime) -> None:
        if function.logical_id != "GateFunction":
            deliver(queue, function, event, now)

    monkeypatch.setattr(AsyncQueue, "add", lose_jobs)
    night.wait(16)
    assert night.stage(execution, stage="HealthGate") == "InProgress"
    assert night.title() == "web → HealthGate: needs a person"
    assert "has not been heard of since" in night.card().text
    night.wait(24)
    assert night.stage(execution, stage="HealthGate") == "Failed"
    assert night.title() == "web → HealthGate: needs a person"
    assert items(night, "HOLD#") == []
    assert night.asked() == 0


def test_a_gate_ended_by_its_time_is_held_and_resumed_as_any_other(
    make_night: Callable[..., Night], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The day is nearly over: the failure says so, and the all-clear brings a retry if MaxAgeHours allows it.

    CodePipeline asks seldom here and the sweep sleeps most of the day, so that the test does not take one.
    """
    monkeypatch.setattr("playground.codepipeline.api.CONTINUATION_WAIT", timedelta(minutes=8))
    night = make_night(MaxAgeHours="48")
    issue = night.cloud.health.open_issue("RDS", REGION)
    execution = starts(night)
    for schedule in night.cloud._next_run:
        night.cloud._next_run[schedule] += timedelta(hours=23)
    night.cloud.advance(timedelta(hours=23), step=timedelta(minutes=9))
    night.wait(50)
    assert night.stage(execution, stage="HealthGate") == "Failed"
    assert night.title() == "web → HealthGate: held"
    assert "waited as long as a gate can" in str(night.card().blocks)
    (state,) = [item for item in items(night, "EXEC#") if item["sk"] == "STATE"]
    assert "it has waited for 23." in state["actions"][0]["message"]
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.stage(execution) == "Succeeded"
    assert night.accepted() == 1
    assert len(night.cards()) == 1


def test_a_crash_after_the_job_was_kept_is_made_good_by_the_next_job(night: Night) -> None:
    """The hold is written after the answer; without it the deploy waits unseen for one job."""
    night.cloud.fault("dynamodb", "PutItem", "kill_before", function="GateFunction", when=_is_hold)
    issue = night.cloud.health.open_issue("RDS", REGION)
    execution = starts(night)
    assert night.title() == "web → HealthGate: held"
    night.cloud.health.close(issue)
    night.wait(15)
    assert night.stage(execution) == "Succeeded"
    assert night.asked() == 0


def _is_hold(params: Any) -> bool:
    return str(params.get("Item", {}).get("pk", {}).get("S", "")).startswith("HOLD#")
