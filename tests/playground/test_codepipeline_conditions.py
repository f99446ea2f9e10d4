"""Entry conditions in the stand-in: they fail a stage before its actions, and can be overridden once."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from playground.codepipeline import Action, Rule, Stage
from tests.playground.codepipeline_play import MINUTE, SOURCE, Play, refusal, runs, stage_state

GUARDED = Stage("Deploy", [Action("Stack")], entry_rules=(Rule("ErrorAlarm"),))


def stopped(play: Play) -> str:
    """An execution of `web` whose Deploy stage was stopped by its entry condition."""
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, GUARDED])
    play.cp.fail_condition("web", "Deploy", summary="In ALARM state")
    execution = play.cp.start("web")
    play.pass_time(2 * MINUTE)
    return execution


def override(client: Any, execution: str, *, stage: str = "Deploy", condition: str = "BEFORE_ENTRY") -> Any:
    return client.override_stage_condition(
        pipelineName="web", stageName=stage, pipelineExecutionId=execution, conditionType=condition
    )


def refused(client: Any, execution: str, **more: Any) -> str:
    with pytest.raises(ClientError) as problem:
        override(client, execution, **more)
    return str(problem.value.response["Error"]["Code"])


def test_a_failed_entry_condition_fails_the_stage_before_any_action(play: Play, client: Any) -> None:
    execution = stopped(play)
    assert play.states()[-3:] == ["Deploy STARTED", "Deploy FAILED", "FAILED"]
    assert [run["stageName"] for run in runs(client, execution)] == ["Source"]
    state = stage_state(client)
    assert state["latestExecution"]["status"] == "Failed"
    shown = state["beforeEntryConditionState"]
    assert shown["latestExecution"]["status"] == "Failed"
    (rule,) = shown["conditionStates"][0]["ruleStates"]
    assert (rule["ruleName"], rule["latestExecution"]["status"]) == ("ErrorAlarm", "Failed")
    assert rule["latestExecution"]["summary"] == "In ALARM state"


def test_a_condition_that_holds_lets_the_execution_in(play: Play, client: Any) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, GUARDED])
    play.cp.fail_condition("web", "Deploy", while_=lambda: False)
    execution = play.cp.start("web")
    play.pass_time(3 * MINUTE)
    assert play.cp.status("web", execution) == "Succeeded"
    assert stage_state(client)["beforeEntryConditionState"]["latestExecution"]["status"] == "Succeeded"


def test_an_override_lets_the_actions_run(play: Play, client: Any) -> None:
    execution = stopped(play)
    said = len(play.events)
    override(client, execution)
    assert stage_state(client)["beforeEntryConditionState"]["latestExecution"]["status"] == "Overridden"
    play.pass_time(2 * MINUTE)
    assert play.states(since=said)[:2] == ["RESUMED", "Deploy RESUMED"]
    assert play.cp.status("web", execution) == "Succeeded"
    assert [(call.execution_id, call.condition, call.code) for call in play.cp.overrides] == [
        (execution, "BEFORE_ENTRY", "")
    ]


def test_it_is_overridden_once(play: Play, client: Any) -> None:
    execution = stopped(play)
    override(client, execution)
    assert refused(client, execution) == "ConditionNotOverridableException"
    assert [call.code for call in play.cp.overrides] == ["", "ConditionNotOverridableException"]


def test_what_cannot_be_overridden_is_refused(play: Play, client: Any) -> None:
    execution = stopped(play)
    assert refused(client, execution, condition="ON_SUCCESS") == "ConditionNotOverridableException"
    assert refused(client, execution, stage="Source") == "ConditionNotOverridableException"
    assert refused(client, execution, stage="Nowhere") == "StageNotFoundException"


def test_an_execution_that_was_overtaken_is_refused(play: Play, client: Any) -> None:
    first = stopped(play)
    play.cp.start("web")
    play.pass_time(2 * MINUTE)
    assert refused(client, first) == "NotLatestPipelineExecutionException"


def test_a_stage_without_failed_actions_cannot_be_retried(play: Play, client: Any) -> None:
    assert refusal(client, stopped(play)) == "StageNotRetryableException"


def test_the_structure_tells_of_the_condition(play: Play, client: Any) -> None:
    stopped(play)
    stage = client.get_pipeline(name="web")["pipeline"]["stages"][1]
    assert stage["beforeEntry"]["conditions"][0]["rules"][0]["name"] == "ErrorAlarm"
