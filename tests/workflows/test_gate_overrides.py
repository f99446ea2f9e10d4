"""The gate passes for an override of this execution and the stage it stands in, and for no other."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import AllclearError, HealthUnreadable, PipelineGone, TryLater
from bot.gate import GATE_MESSAGE_PREFIX, GateAnswer, GateJob
from bot.model import ExecutionKey, Override
from bot.ports import StageStatus
from bot.workflows.gate import answer_gate
from tests.builders import ACCOUNT, ISSUE_ARN, KEY, NOW, REGION, a_key, an_execution, an_override
from tests.workflows.harness import Night
from tests.workflows.meddling import MeddledStore

NAME = ISSUE_ARN.rsplit("/", 1)[-1]
PARAMETERS = {"pipeline": KEY.pipeline, "execution": KEY.execution_id, "regions": [REGION]}


def give(night: Night, override: Override) -> None:
    """An override on record, written with the state it belongs to."""
    before = night.store.executions.get(override.key)
    version = before.version + 1 if before else 1
    night.store.save_execution(an_execution(key=override.key, version=version), override=override)


def at_the_gate(*given_overrides: Override, stands: StageStatus = StageStatus.IN_PROGRESS) -> Night:
    """An issue is open, and web's execution stands before the gate in its Deploy stage."""
    night = Night()
    night.issue_opens()
    night.pipelines.show_status(a_key(stage="Source"), StageStatus.SUCCEEDED)
    night.pipelines.show_status(KEY, stands)
    for override in given_overrides:
        give(night, override)
    return night


def ask(night: Night, **changes: Any) -> GateAnswer:
    """The gate's one answer, which CodePipeline really got."""
    answer = answer_gate(
        night.world, GateJob("job-1", ACCOUNT, json.dumps({**PARAMETERS, **changes})), REGION, night.now
    )
    if answer.passes:
        assert night.pipelines.passed_jobs[-1] == (REGION, "job-1", answer.message)
    else:
        assert night.pipelines.failed_jobs[-1] == (REGION, "job-1", answer.message, answer.external_execution_id)
    assert len(night.pipelines.passed_jobs) + len(night.pipelines.failed_jobs) == 1
    return answer


def stopped_as_ever(answer: GateAnswer) -> bool:
    """Recognisable as the gate's stop for this issue, so that Allclear holds the deploy."""
    named = answer.external_execution_id == NAME and answer.message.startswith(GATE_MESSAGE_PREFIX)
    return named and not answer.passes


def test_an_override_in_force_passes_and_the_job_says_who_and_why_and_past_what() -> None:
    answer = ask(at_the_gate(an_override()))
    assert answer.passes
    assert answer.message.startswith(
        "Overridden by U0CAROL until 03:20 UTC: the fix is in this deploy. Open: ECS in"
    )
    assert NAME in answer.message


def test_it_passes_unreadable_health_too() -> None:
    night = at_the_gate(an_override())
    night.health.error = HealthUnreadable("ThrottlingException")
    night.store.issues.clear()
    answer = ask(night)
    assert answer.passes
    assert answer.message.endswith("AWS Health cannot be read (ThrottlingException).")


def test_where_nothing_is_open_nobody_is_named() -> None:
    night = at_the_gate(an_override())
    night.store.issues.clear()
    night.health.reports.clear()
    assert ask(night).message == "No open AWS Health issue in us-east-1."


@pytest.mark.parametrize(
    "other",
    [
        {"account": "999999999999"},
        {"region": "eu-west-1"},
        {"pipeline": "api"},
        {"execution_id": "99999999-2222-3333-4444-555555555555"},
        {"stage": "Source"},
        {"stage": "deploy"},
    ],
    ids=str,
)
def test_an_override_of_anything_else_passes_nothing(other: dict[str, str]) -> None:
    assert stopped_as_ever(ask(at_the_gate(an_override(key=a_key(**other)))))


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(hours=47)])
def test_an_override_that_has_run_out_passes_nothing_though_it_is_still_there(late: timedelta) -> None:
    """TTL removes it within two days or so."""
    night = at_the_gate(an_override(expires_at=NOW - late))
    assert stopped_as_ever(ask(night))
    assert night.pipelines.reads == []


def test_the_stages_are_asked_for_only_where_somebody_gave_an_override() -> None:
    night = at_the_gate()
    assert stopped_as_ever(ask(night))
    assert night.pipelines.reads == []


def test_each_of_two_stages_needs_its_own() -> None:
    """The override of the first gate is not carried on to the second."""
    first = a_key(stage="HealthGate")
    night = at_the_gate(an_override(key=first))
    night.pipelines.show_status(first, StageStatus.SUCCEEDED)
    assert stopped_as_ever(ask(night))
    give(night, an_override())
    night.pipelines.failed_jobs.clear()
    assert ask(night).passes


@pytest.mark.parametrize(
    "problem", [TryLater("Rate exceeded"), PipelineGone("web"), ConnectionError("no route"), KeyError("stageName")]
)
def test_where_the_stage_cannot_be_told_the_deploy_is_stopped_and_told_why(problem: Exception) -> None:
    night = at_the_gate(an_override())
    night.pipelines.raise_next("stages", problem)
    answer = ask(night)
    assert stopped_as_ever(answer)
    why = str(problem) if isinstance(problem, AllclearError) else "an internal error, which the gate's log has"
    assert answer.message.endswith(f"An override was not counted: it could not be read ({why}).")


@pytest.mark.parametrize("problem", [TryLater("DynamoDB is busy"), ConnectionError("no route")])
def test_where_the_override_cannot_be_read_the_deploy_is_stopped(problem: Exception) -> None:
    night = at_the_gate(an_override())
    store = MeddledStore(night.store)
    night.between(store)  # type: ignore[arg-type]

    def broken() -> None:
        raise problem

    store.before("overrides", broken)
    answer = ask(night)
    assert stopped_as_ever(answer)
    assert "An override was not counted" in answer.message


def test_where_no_stage_or_two_are_in_progress_it_counts_for_neither() -> None:
    """CodePipeline's answer is behind, or of a kind nobody knows: a guess could let the wrong stage pass."""
    none = ask(at_the_gate(an_override(), stands=StageStatus.FAILED))
    assert stopped_as_ever(none)
    assert "CodePipeline shows 0 stages of this execution in progress" in none.message
    for stage in ("Source", "Deploy"):
        night = at_the_gate(an_override(key=a_key(stage=stage)))
        night.pipelines.show_status(a_key(stage="Source"), StageStatus.IN_PROGRESS)
        two = ask(night)
        assert stopped_as_ever(two)
        assert "CodePipeline shows 2 stages of this execution in progress" in two.message


def test_the_gate_writes_no_override_and_no_state() -> None:
    night = at_the_gate(an_override())
    before = dict(night.store.given), dict(night.store.executions)
    ask(night)
    assert (night.store.given, night.store.executions) == before


def test_wrong_parameters_are_passed_by_nobody() -> None:
    """What the gate should look at is unknown then, and so is which execution asks."""
    assert not ask(at_the_gate(an_override()), regions="x").passes


parts = st.sampled_from(["a", "b"])
keys = st.builds(ExecutionKey, st.just(ACCOUNT), parts.map(lambda p: f"{p}-east-1"), parts, parts, parts)


@given(
    overrides=st.lists(st.tuples(keys, st.integers(-60, 60)), max_size=6),
    asked=keys,
    standing=parts,
)
def test_whatever_is_on_record_only_its_own_execution_and_stage_pass(
    overrides: list[tuple[ExecutionKey, int]], asked: ExecutionKey, standing: str
) -> None:
    """Against every mixture of overrides: the gate passes exactly where one in force names all five."""
    night = Night()
    night.issue_opens(region="global")
    here = replace(asked, stage=standing)
    night.pipelines.show_status(here, StageStatus.IN_PROGRESS)
    last: dict[ExecutionKey, Override] = {}
    for key, minutes in overrides:
        last[key] = an_override(key=key, expires_at=NOW + timedelta(minutes=minutes))
        give(night, last[key])
    parameters = json.dumps({**PARAMETERS, "pipeline": asked.pipeline, "execution": asked.execution_id})
    answer = answer_gate(night.world, GateJob("job-1", ACCOUNT, parameters), asked.region, night.now)
    assert answer.passes is (here in last and last[here].expires_at > NOW)
