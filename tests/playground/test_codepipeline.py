"""How executions move in the CodePipeline stand-in, and what its API says about them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from playground.codepipeline import Action, Stage
from tests.playground.codepipeline_play import (
    DEPLOY,
    GATED,
    MINUTE,
    SOURCE,
    Play,
    fail,
    refusal,
    retry,
    runs,
    stage_state,
)


def test_an_execution_runs_its_stages_in_order(play: Play) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, DEPLOY])
    execution = play.cp.start("web")
    play.pass_time(2 * MINUTE)
    assert play.states() == [
        "STARTED",
        "Source STARTED",
        "Source Checkout STARTED",
        "Source Checkout SUCCEEDED",
        "Source SUCCEEDED",
        "Deploy STARTED",
        "Deploy Stack STARTED",
        "Deploy Stack SUCCEEDED",
        "Deploy SUCCEEDED",
        "SUCCEEDED",
    ]
    assert play.events[-1]["time"] == "2026-03-02T12:02:00Z"
    assert play.cp.status("web", execution) == "Succeeded"


def test_actions_side_by_side_end_before_their_stage_fails(play: Play) -> None:
    """And the next runOrder never starts."""
    slow = Action("Slow", duration=5 * MINUTE)
    fail(play, [SOURCE, Stage("Deploy", [Action("Stack"), slow, Action("Later", run_order=2)])])
    assert play.states()[-1] == "Deploy Stack FAILED"
    play.pass_time(4 * MINUTE)
    assert play.states()[-3:] == ["Deploy Slow SUCCEEDED", "Deploy FAILED", "FAILED"]
    assert not any("Later" in state for state in play.states())


def test_the_state_shows_the_failure_and_the_list_its_ids(play: Play, client: Any) -> None:
    execution = fail(play)
    state = stage_state(client)
    assert state["latestExecution"] == {
        "pipelineExecutionId": execution,
        "status": "Failed",
        "type": "STANDARD",
    }
    assert state["inboundTransitionState"] == {"enabled": True}
    [action] = state["actionStates"]
    details = {"code": "JobFailed", "message": "Resource handler returned 503"}
    assert (action["latestExecution"]["status"], action["latestExecution"]["errorDetails"]) == ("Failed", details)
    newest = runs(client, execution)[0]
    assert newest["actionExecutionId"] == action["latestExecution"]["actionExecutionId"]
    assert newest["output"]["executionResult"]["errorDetails"] == details
    assert newest["input"]["actionTypeId"]["provider"] == "CloudFormation"
    assert "retryStageMetadata" not in state


def test_a_failed_run_is_overtaken_without_a_word(play: Play, client: Any) -> None:
    old = fail(play)
    mark = len(play.events)
    new = play.cp.start("web")
    play.pass_time(1.5 * MINUTE)
    assert not any(event["detail"]["execution-id"] == old for event in play.events[mark:])
    assert stage_state(client)["latestExecution"]["pipelineExecutionId"] == new
    assert refusal(client, old) == "NotLatestPipelineExecutionException"
    assert play.cp.status("web", old) == "Failed"


def test_a_waiting_execution_is_superseded_by_a_newer_one(play: Play, client: Any) -> None:
    slow = Stage("Deploy", [Action("Stack", duration=10 * MINUTE)])
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, slow])
    first = play.cp.start("web")
    play.pass_time()
    second = play.cp.start("web")
    play.pass_time()
    assert stage_state(client)["inboundExecution"]["pipelineExecutionId"] == second
    third = play.cp.start("web")
    play.pass_time()
    assert play.events[-1]["detail"]["state"] == "SUPERSEDED"
    assert play.events[-1]["detail"]["execution-id"] == second
    play.pass_time(20 * MINUTE)
    statuses = [play.cp.status("web", execution) for execution in (first, second, third)]
    assert statuses == ["Succeeded", "Superseded", "Succeeded"]


def test_queued_executions_wait_their_turn_and_parallel_ones_do_not(play: Play) -> None:
    slow = Stage("Deploy", [Action("Stack", duration=10 * MINUTE)])
    ends: dict[str, list[timedelta]] = {}
    for mode in ("QUEUED", "PARALLEL"):
        play.events.clear()
        began = datetime.now(UTC)
        play.cp.create_pipeline(mode, "us-east-1", [SOURCE, slow], execution_mode=mode)
        executions = [play.cp.start(mode) for _ in range(3)]
        play.pass_time(60 * MINUTE)
        assert [play.cp.status(mode, execution) for execution in executions] == ["Succeeded"] * 3
        ends[mode] = [
            datetime.fromisoformat(event["time"]) - began
            for event in play.events
            if event["detail"]["state"] == "SUCCEEDED" and "stage" not in event["detail"]
        ]
    assert ends == {"QUEUED": [11 * MINUTE, 21 * MINUTE, 31 * MINUTE], "PARALLEL": [11 * MINUTE] * 3}


def test_an_action_not_reached_still_shows_an_older_run(play: Play, client: Any) -> None:
    """Only ListActionExecutions, filtered, tells the executions apart."""
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, GATED])
    play.cp.start("web")
    play.pass_time()
    client.put_job_success_result(jobId=play.job_id())
    play.pass_time()
    second = play.cp.start("web")
    play.pass_time()
    stack = stage_state(client)["actionStates"][1]["latestExecution"]
    assert stack["actionExecutionId"] not in {run["actionExecutionId"] for run in runs(client, second)}


def test_lists_are_paged_newest_first_while_they_grow(play: Play, client: Any) -> None:
    """A row that is added between two pages moves nothing."""
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, DEPLOY])
    for _ in range(4):
        play.cp.start("web")
        play.pass_time(2 * MINUTE)
    first = client.list_action_executions(pipelineName="web", maxResults=100)
    assert len(first["actionExecutionDetails"]) == play.cp.page_size
    play.cp.start("web")
    second = client.list_action_executions(pipelineName="web", nextToken=first["nextToken"])
    seen = [run["startTime"] for page in (first, second) for run in page["actionExecutionDetails"]]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 6
    assert len(runs(client)) == 9
    with pytest.raises(ClientError, match="InvalidNextTokenException"):
        client.list_action_executions(pipelineName="web", nextToken="junk")
    pages = client.get_paginator("list_pipeline_executions").paginate(pipelineName="web")
    assert [len(page["pipelineExecutionSummaries"]) for page in pages] == [3, 2]


def test_the_latest_runs_of_an_execution_can_be_asked_for(play: Play, client: Any) -> None:
    execution = fail(play)
    retry(client, execution)
    latest = {"latestInPipelineExecution": {"pipelineExecutionId": execution, "startTimeRange": "Latest"}}
    rows = client.list_action_executions(pipelineName="web", filter=latest)["actionExecutionDetails"]
    assert [(row["actionName"], row["status"]) for row in rows] == [
        ("Stack", "InProgress"),
        ("Checkout", "Succeeded"),
    ]
    assert len(runs(client, execution)) == 3


def test_an_executions_own_details_and_the_pipelines(play: Play, client: Any) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, DEPLOY], tags={"allclear:channel": "C0OTHER"})
    execution = play.cp.start("web", revision_summary="Greet louder")
    detail = client.get_pipeline_execution(pipelineName="web", pipelineExecutionId=execution)["pipelineExecution"]
    assert (detail["status"], detail["executionMode"]) == ("InProgress", "SUPERSEDED")
    assert detail["artifactRevisions"][0]["revisionSummary"] == "Greet louder"
    declared = client.get_pipeline(name="web")
    assert [stage["name"] for stage in declared["pipeline"]["stages"]] == ["Source", "Deploy"]
    arn = declared["metadata"]["pipelineArn"]
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [
        {"key": "allclear:channel", "value": "C0OTHER"}
    ]
    for call, arguments, code in (
        (client.get_pipeline_state, {"name": "other"}, "PipelineNotFoundException"),
        (client.list_tags_for_resource, {"resourceArn": f"{arn}-2"}, "ResourceNotFoundException"),
        (
            client.get_pipeline_execution,
            {"pipelineName": "web", "pipelineExecutionId": "00000000-0000-0000-0000-000000000000"},
            "PipelineExecutionNotFoundException",
        ),
    ):
        with pytest.raises(ClientError, match=code):
            call(**arguments)


@pytest.mark.parametrize(
    ("provider", "names"),
    [
        (
            "CodeCommit",
            {"AuthorDate", "BranchName", "CommitId", "CommitMessage", "CommitterDate", "RepositoryName"},
        ),
        (
            "CodeStarSourceConnection",
            {
                "AuthorDate", "AuthorDisplayName", "AuthorEmail", "AuthorId", "BranchName", "CommitId",
                "CommitMessage", "ConnectionArn", "FullRepositoryName",
            },
        ),
        ("S3", set()),
    ],
)  # fmt: skip
def test_a_source_action_puts_out_its_providers_variables(
    play: Play, client: Any, provider: str, names: set[str]
) -> None:
    play.cp.create_pipeline("web", "us-east-1", [Stage("Source", [Action("Checkout", "Source", "AWS", provider)])])
    execution = play.cp.start("web", revision_summary="Greet louder", author="Ana")
    (running,) = client.list_action_executions(pipelineName="web")["actionExecutionDetails"]
    assert running["output"]["outputVariables"] == {}
    play.pass_time(2 * MINUTE)
    (row,) = client.list_action_executions(pipelineName="web")["actionExecutionDetails"]
    told = row["output"]["outputVariables"]
    assert set(told) == names
    if names:
        detail = client.get_pipeline_execution(pipelineName="web", pipelineExecutionId=execution)
        revision_id = detail["pipelineExecution"]["artifactRevisions"][0]["revisionId"]
        assert (told["CommitMessage"], told["CommitId"]) == ("Greet louder", revision_id)
