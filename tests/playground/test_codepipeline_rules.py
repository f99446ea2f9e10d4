"""LambdaInvoke rules in the stand-in: the function decides whether a stage is entered."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from playground.codepipeline import Action, Rule, Stage
from playground.errors import Unsupported
from tests.playground.codepipeline_play import MINUTE, SOURCE, Play, refusal, runs, stage_state

GATE = Rule(
    "Gate",
    "LambdaInvoke",
    {"FunctionName": "gate", "UserParameters": '{"execution": "#{codepipeline.PipelineExecutionId}"}'},
)
STOP = {"type": "JobFailed", "message": "Held: EC2", "externalExecutionId": "ISSUE_1,ISSUE_2"}


def guarded(*rules: Rule, result: Any = "FAIL") -> list[Stage]:
    deploy = Stage("Deploy", [Action("Stack")], entry_rules=rules, entry_result=result)
    return [SOURCE, deploy, Stage("After", [Action("Check")])]


def checked(play: Play, *rules: Rule, result: Any = "FAIL") -> str:
    """An execution of `web` whose Deploy stage is being checked by its rules."""
    play.cp.create_pipeline("web", "us-east-1", guarded(*(rules or (GATE,)), result=result))
    execution = play.cp.start("web")
    play.pass_time()
    return execution


def shown_rule(client: Any) -> dict[str, Any]:
    state = stage_state(client)["beforeEntryConditionState"]["conditionStates"][0]["ruleStates"][0]
    return dict(state["latestExecution"])


def rule_rows(client: Any, execution: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("list_rule_executions").paginate(
        pipelineName="web", filter={"pipelineExecutionId": execution}
    )
    return [row for page in pages for row in page["ruleExecutionDetails"]]


def test_the_function_gets_the_job_of_a_lambda_action_and_the_stage_waits_for_its_answer(
    play: Play, client: Any
) -> None:
    """The shape of a rule's event is not documented: the same (inferred)."""
    execution = checked(play)
    ((name, event),) = play.invoked
    job = event["CodePipeline.job"]
    asked = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    assert (name, asked) == ("gate", {"execution": execution})
    state = stage_state(client)
    assert state["latestExecution"]["status"] == "InProgress"
    assert state["beforeEntryConditionState"]["latestExecution"]["status"] == "InProgress"
    client.put_job_success_result(jobId=job["id"], executionDetails={"summary": "All clear"})
    play.pass_time(3 * MINUTE)
    assert play.cp.status("web", execution) == "Succeeded"
    assert shown_rule(client)["summary"] == "All clear"


def test_its_failure_fails_the_stage_and_is_told_with_its_own_words(play: Play, client: Any) -> None:
    execution = checked(play)
    client.put_job_failure_result(jobId=play.job_id(), failureDetails=STOP)
    play.pass_time()
    assert play.states()[-3:] == ["Deploy STARTED", "Deploy FAILED", "FAILED"]
    assert [run["stageName"] for run in runs(client, execution)] == ["Source"]
    rule = shown_rule(client)
    assert rule["externalExecutionId"] == "ISSUE_1,ISSUE_2"
    assert rule["errorDetails"] == {"code": "JobFailed", "message": "Held: EC2"}
    (row,) = rule_rows(client, execution)
    assert (row["ruleExecutionId"], row["stageName"], row["ruleName"], row["status"]) == (
        rule["ruleExecutionId"],
        "Deploy",
        "Gate",
        "Failed",
    )
    assert row["input"]["ruleTypeId"]["provider"] == "LambdaInvoke"
    assert row["input"]["configuration"] == GATE.configuration
    resolved = row["input"]["resolvedConfiguration"]
    assert resolved == {"FunctionName": "gate", "UserParameters": json.dumps({"execution": execution})}
    assert row["output"]["executionResult"]["externalExecutionId"] == "ISSUE_1,ISSUE_2"
    assert refusal(client, execution) == "StageNotRetryableException"
    with pytest.raises(ClientError, match="InvalidJobStateException"):
        client.put_job_success_result(jobId=play.job_id())


def test_one_failed_rule_of_several_fails_the_condition_once_all_have_ended(play: Play, client: Any) -> None:
    execution = checked(play, Rule("ErrorAlarm"), GATE)
    statuses = [row["status"] for row in rule_rows(client, execution)]
    assert (play.cp.status("web", execution), statuses) == ("InProgress", ["InProgress", "Succeeded"])
    client.put_job_failure_result(jobId=play.job_id(), failureDetails=STOP)
    play.pass_time()
    assert play.cp.status("web", execution) == "Failed"


def test_the_result_skip_passes_the_stage_by(play: Play, client: Any) -> None:
    """Its actions never run, the pipeline goes on as if they had, and nothing can be overridden."""
    execution = checked(play, result="SKIP")
    client.put_job_failure_result(jobId=play.job_id(), failureDetails=STOP)
    play.pass_time(3 * MINUTE)
    assert play.cp.status("web", execution) == "Succeeded"
    assert stage_state(client)["latestExecution"]["status"] == "Skipped"
    assert [run["stageName"] for run in runs(client, execution)] == ["After", "Source"]
    with pytest.raises(ClientError, match="ConditionNotOverridableException"):
        client.override_stage_condition(
            pipelineName="web", stageName="Deploy", pipelineExecutionId=execution, conditionType="BEFORE_ENTRY"
        )


def test_a_rules_job_that_nobody_answers_fails_after_twenty_minutes(play: Play, client: Any) -> None:
    execution = checked(play)
    play.pass_time(timedelta(minutes=19, seconds=59))
    assert play.cp.status("web", execution) == "InProgress"
    play.pass_time(timedelta(seconds=1))
    assert play.cp.status("web", execution) == "Failed"
    assert shown_rule(client)["errorDetails"]["code"] == "JobFailed"


def test_an_execution_can_be_stopped_while_a_rule_runs(play: Play, client: Any) -> None:
    for abandon in (True, False):
        name = f"web-{abandon}"
        play.cp.create_pipeline(name, "us-east-1", guarded(GATE))
        execution = play.cp.start(name)
        play.pass_time()
        play.cp.stop(name, execution, abandon=abandon)
        if not abandon:
            assert play.cp.status(name, execution) == "Stopping"
            client.put_job_failure_result(jobId=play.job_id(), failureDetails=STOP)
        assert play.cp.status(name, execution) == "Stopped"
        assert play.cp.stage_status(name, "Deploy", execution) == "Stopped"


def test_a_continuation_token_in_a_rule_is_beyond_what_is_documented(play: Play) -> None:
    checked(play)
    asked = {"jobId": play.job_id(), "continuationToken": "look again"}
    with pytest.raises(Unsupported, match="a rule's job is not documented"):
        play.cp.put_job_success_result(asked, region="us-east-1", account=play.cp.account)
