"""A stage condition that stopped a stage: a person is asked, and an override passes it, once."""

import pytest

from bot.errors import NotLatest, OutcomeUnknown, RetryImpossible, RetryNotNow
from bot.model import Status
from bot.ports import StageStatus
from bot.workflows.people import Came
from tests.builders import KEY, a_gate_action
from tests.workflows.harness import an_ecs_deploy
from tests.workflows.overriding_play import Overrides

RULE_FAILED = an_ecs_deploy(name="ErrorAlarm", category="Rule", owner="", provider="", error_code="")


def by_condition(kind: str = "BEFORE_ENTRY") -> Overrides:
    return Overrides(RULE_FAILED, condition=kind)


def test_a_stage_condition_asks_a_person_and_is_never_blamed_on_aws() -> None:
    told = by_condition()
    execution = told.night.execution()
    assert (execution.status, execution.condition) == (Status.NEEDS_HUMAN, "BEFORE_ENTRY")
    assert execution.attribution.reason.startswith("A stage condition stopped it (rule ErrorAlarm)")


@pytest.mark.parametrize("kind", ["BEFORE_ENTRY", "ON_SUCCESS"])
def test_a_condition_that_is_overridden_is_passed_and_nothing_is_retried(kind: str) -> None:
    told = by_condition(kind)
    assert told.say().came is Came.DONE
    told.night.deliver()
    assert told.night.pipelines.overridden == [(KEY, kind)]
    assert (told.night.asked(), told.night.status()) == (0, Status.RETRYING)
    told.night.stage_passes()
    assert told.night.status() is Status.RECOVERED


def test_our_own_gate_as_a_condition_is_held_and_passed_like_a_condition() -> None:
    gate = a_gate_action(name="HealthGate", category="Rule", provider="")
    told = Overrides(gate, condition="BEFORE_ENTRY")
    assert told.night.status() is Status.BLOCKED
    told.say()
    told.night.deliver()
    assert told.night.pipelines.overridden == [(KEY, "BEFORE_ENTRY")]


def test_a_lost_answer_is_followed_by_a_look_and_not_by_a_second_call() -> None:
    told = by_condition()
    told.night.pipelines.raise_next("override_condition", OutcomeUnknown("Read timeout"))
    told.say()
    told.night.deliver()
    told.night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)  # it had taken effect
    told.night.minutes(10)
    assert len(told.night.pipelines.overridden) == 1
    assert told.night.status() is Status.RETRYING


def test_an_answer_lost_on_the_way_there_is_called_again_at_the_leases_end() -> None:
    told = by_condition()
    told.night.pipelines.raise_next("override_condition", OutcomeUnknown("Read timeout"))
    told.say()
    told.night.deliver()
    assert len(told.night.pipelines.overridden) == 1
    told.night.minutes(5)
    assert len(told.night.pipelines.overridden) == 2
    assert told.night.status() is Status.RETRYING


def test_a_condition_that_fails_anew_is_not_passed_by_the_override_of_the_last_one() -> None:
    """Its rule ran again: that is another failure, and the person has not seen it."""
    told = by_condition()
    told.say()
    told.night.stream.clear()
    told.night.stage_fails(KEY, RULE_FAILED, told=False)
    told.night.show(condition="BEFORE_ENTRY")
    told.night.minutes(3)
    assert told.night.pipelines.overridden == []
    assert told.night.status() is Status.NEEDS_HUMAN


def test_an_override_that_codepipeline_could_not_take_in_time_has_run_out() -> None:
    told = by_condition()
    told.night.pipelines.raise_next("override_condition", *[RetryNotNow("ConflictException: busy")] * 50)
    told.say()
    told.night.minutes(90)
    calls = len(told.night.pipelines.overridden)
    assert calls > 2
    assert told.night.status() is Status.NEEDS_HUMAN
    assert told.night.execution().note.startswith("The override ran out before CodePipeline took it.")
    told.night.pipelines.clear_errors()
    told.night.minutes(60)
    assert len(told.night.pipelines.overridden) == calls


def test_a_refused_override_asks_a_person_in_codepipelines_words() -> None:
    told = by_condition()
    told.night.pipelines.raise_next("override_condition", RetryImpossible("ConditionNotOverridableException: no"))
    told.say()
    told.night.deliver()
    assert told.night.status() is Status.NEEDS_HUMAN
    assert told.night.execution().note == "CodePipeline refused the override: ConditionNotOverridableException: no"
    other = by_condition()
    other.night.pipelines.raise_next("override_condition", NotLatest("NotLatestPipelineExecutionException"))
    other.say()
    other.night.deliver()
    assert other.night.status() is Status.SUPERSEDED
