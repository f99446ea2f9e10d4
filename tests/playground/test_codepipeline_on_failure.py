"""Rollbacks in the CodePipeline stand-in: by hand and by onFailure, and what the API shows of them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from playground.codepipeline import Action, Stage
from tests.playground.codepipeline_play import DEPLOY, MINUTE, SOURCE, Play, refusal, runs, stage_state

AFTER = Stage("After", [Action("Smoke")])


def roll_back(client: Any, target: str, stage: str = "Deploy") -> str:
    rolled = client.rollback_stage(pipelineName="web", stageName=stage, targetPipelineExecutionId=target)
    return str(rolled["pipelineExecutionId"])


def refused(client: Any, target: str, stage: str = "Deploy") -> str:
    with pytest.raises(ClientError) as problem:
        roll_back(client, target, stage)
    return str(problem.value.response["Error"]["Code"])


def passed_then_failed(play: Play, deploy: Stage = DEPLOY, mode: Any = "SUPERSEDED") -> tuple[str, str]:
    """The ids of an execution that passed and of the next, whose Deploy has just failed."""
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, deploy, AFTER], mode)
    passed = play.cp.start("web", "The good one")
    play.pass_time(4 * MINUTE)
    play.cp.fail_action("web", "Deploy", "Stack", times=1)
    failed = play.cp.start("web", "The bad one")
    play.pass_time(2 * MINUTE)
    return passed, failed


def test_a_rollback_is_a_new_execution_of_that_stage_alone(play: Play, client: Any) -> None:
    passed, failed = passed_then_failed(play)
    mark = len(play.events)
    rollback = roll_back(client, passed)
    play.pass_time()
    assert play.states(since=mark) == [
        "STARTED",
        "Deploy STARTED",
        "Deploy Stack STARTED",
        "Deploy Stack SUCCEEDED",
        "Deploy SUCCEEDED",
        "SUCCEEDED",
    ]
    assert play.events[mark]["detail"]["execution-trigger"]["trigger-type"] == "ManualRollback"
    latest = stage_state(client)["latestExecution"]
    assert latest == {"pipelineExecutionId": rollback, "status": "Succeeded", "type": "ROLLBACK"}
    told = client.get_pipeline_execution(pipelineName="web", pipelineExecutionId=rollback)["pipelineExecution"]
    assert (told["executionType"], told["artifactRevisions"][0]["revisionSummary"]) == ("ROLLBACK", "The good one")
    assert told["rollbackMetadata"] == {"rollbackTargetPipelineExecutionId": passed}
    assert [run["stageName"] for run in runs(client, rollback)] == ["Deploy"]
    assert play.cp.status("web", failed) == "Failed"
    assert refusal(client, failed) == "NotLatestPipelineExecutionException"


def test_rollbacks_that_cannot_be_are_refused_with_the_documented_errors(play: Play, client: Any) -> None:
    passed, failed = passed_then_failed(play)
    assert refused(client, passed, "Nowhere") == "StageNotFoundException"
    assert refused(client, passed, "Source") == "UnableToRollbackStageException"
    assert refused(client, failed) == "UnableToRollbackStageException"
    assert refused(client, "00000000-0000-0000-0000-000000000000") == "PipelineExecutionNotFoundException"
    rollback = roll_back(client, passed)
    assert refused(client, passed) == "ConflictException"
    play.pass_time()
    assert refused(client, rollback) == "UnableToRollbackStageException"
    play.cp.update_pipeline("web")
    assert refused(client, passed) == "PipelineExecutionOutdatedException"


def test_a_parallel_pipeline_is_not_rolled_back(play: Play, client: Any) -> None:
    passed, _ = passed_then_failed(play, mode="PARALLEL")
    assert refused(client, passed) == "UnableToRollbackStageException"


def test_a_stage_that_rolls_back_by_itself_takes_the_newest_that_passed(play: Play, client: Any) -> None:
    passed, failed = passed_then_failed(play, Stage("Deploy", [Action("Stack")], rolls_back=True))
    latest = stage_state(client)["latestExecution"]
    assert latest["type"] == "ROLLBACK"
    told = client.get_pipeline_execution(pipelineName="web", pipelineExecutionId=latest["pipelineExecutionId"])
    assert told["pipelineExecution"]["trigger"]["triggerType"] == "AutomatedRollback"
    assert told["pipelineExecution"]["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == passed
    assert client.get_pipeline(name="web")["pipeline"]["stages"][1]["onFailure"] == {"result": "ROLLBACK"}
    assert play.cp.status("web", failed) == "Failed"


def test_with_nothing_to_roll_back_to_the_failure_stands(play: Play, client: Any) -> None:
    deploy = Stage("Deploy", [Action("Stack")], rolls_back=True)
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, deploy])
    play.cp.fail_action("web", "Deploy", "Stack")
    execution = play.cp.start("web")
    play.pass_time(2 * MINUTE)
    assert stage_state(client)["latestExecution"]["pipelineExecutionId"] == execution


def test_who_retries_first_spares_the_stage_its_own_retry(play: Play, client: Any) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, Stage("Deploy", [Action("Stack")], retries_itself=True)])
    play.cp.fail_action("web", "Deploy", "Stack", times=1)
    execution = play.cp.start("web")
    play.pass_time(2 * MINUTE)
    play.cp.retry_in_console("web", "Deploy", execution)
    play.pass_time(2 * MINUTE)
    assert stage_state(client)["retryStageMetadata"]["latestRetryTrigger"] == "ManualStageRetry"
    assert play.states().count("Deploy Stack STARTED") == 2
