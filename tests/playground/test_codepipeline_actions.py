"""Actions that wait for somebody, and people at the console, in the CodePipeline stand-in."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.playground.codepipeline_play import (
    APPROVED,
    DEPLOY,
    GATED,
    MINUTE,
    SOURCE,
    Play,
    fail,
    retry,
    stage_state,
    types,
)

# Modelled on the events of the User Guide's "Monitoring CodePipeline events": every member and its type.
COMMON = {
    "pipeline": str,
    "execution-id": str,
    "state": str,
    "version": float,
    "pipeline-execution-attempt": float,
}
ACTION = {"start-time": str, "stage": str, "action-execution-id": str, "action": str, "region": str, "type": dict}


def test_events_have_the_documented_shapes(play: Play, client: Any) -> None:
    execution = fail(play)
    retry(client, execution)
    play.pass_time()
    events = dict(zip(play.states(), play.events, strict=True))
    assert types(events["FAILED"]["detail"]) == COMMON | {"start-time": str}
    assert types(events["Deploy FAILED"]["detail"]) == COMMON | {"start-time": str, "stage": str}
    assert types(events["Deploy RESUMED"]["detail"]) == COMMON | {
        "stage": str,
        "stage-last-retry-attempt-time": str,
    }
    assert types(events["Deploy Stack STARTED"]["detail"]) == COMMON | ACTION
    failed = events["Deploy Stack FAILED"]["detail"]
    assert types(failed) == COMMON | ACTION | {"execution-result": dict}
    assert failed["type"] == {
        "owner": "AWS",
        "provider": "CloudFormation",
        "category": "Deploy",
        "version": "1",
    }
    assert failed["execution-result"] == {
        "external-execution-summary": "Resource handler returned 503",
        "error-code": "JobFailed",
    }
    envelope = {name: value for name, value in events["FAILED"].items() if name not in ("id", "detail")}
    assert envelope == {
        "version": "0",
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "source": "aws.codepipeline",
        "account": "123456789012",
        "time": "2026-03-02T12:02:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:codepipeline:us-east-1:123456789012:web"],
    }
    assert events["Deploy RESUMED"]["detail"]["pipeline-execution-attempt"] == 2.0
    assert events["Deploy Stack FAILED"]["detail"]["start-time"] == "2026-03-02T12:01:00.000Z"


def test_a_closed_transition_holds_newcomers_only(play: Play, client: Any) -> None:
    execution = fail(play)
    with pytest.raises(ClientError, match="regular expression"):
        client.disable_stage_transition(
            pipelineName="web", stageName="Deploy", transitionType="Inbound", reason="why; not"
        )
    client.disable_stage_transition(
        pipelineName="web", stageName="Deploy", transitionType="Inbound", reason="Frozen"
    )
    state = stage_state(client)["inboundTransitionState"]
    assert (state["enabled"], state["disabledReason"]) == (False, "Frozen")
    newer = play.cp.start("web")
    play.pass_time(3 * MINUTE)
    assert stage_state(client)["latestExecution"]["pipelineExecutionId"] == execution
    play.cp.enable_transition("web", "Deploy")
    play.pass_time()
    assert play.cp.status("web", newer) == "Succeeded"


def test_a_gate_is_invoked_with_its_job_and_what_it_answers_is_seen(play: Play, client: Any) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, GATED])
    execution = play.cp.start("web")
    play.pass_time()
    [(function, event)] = play.invoked
    job = event["CodePipeline.job"]
    assert (function, set(event), set(job)) == ("gate", {"CodePipeline.job"}, {"id", "accountId", "data"})
    assert set(job["data"]) == {
        "actionConfiguration",
        "inputArtifacts",
        "outputArtifacts",
        "artifactCredentials",
    }
    assert set(job["data"]["artifactCredentials"]) == {"accessKeyId", "secretAccessKey", "sessionToken"}
    parameters = json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"])
    assert parameters == {"execution": execution}

    details = {"type": "JobFailed", "message": "Held: EC2", "externalExecutionId": "ISSUE_1,ISSUE_2"}
    client.put_job_failure_result(jobId=job["id"], failureDetails=details)
    play.pass_time(timedelta())
    failed = next(event for event in play.events if event["detail"].get("execution-result", {}).get("error-code"))
    assert failed["detail"]["execution-result"] == {
        "external-execution-summary": "Held: EC2",
        "external-execution-id": "ISSUE_1,ISSUE_2",
        "error-code": "JobFailed",
    }
    gate = stage_state(client)["actionStates"][0]["latestExecution"]
    assert (gate["externalExecutionId"], gate["errorDetails"]["message"]) == ("ISSUE_1,ISSUE_2", "Held: EC2")
    with pytest.raises(ClientError, match="InvalidJobStateException"):
        client.put_job_success_result(jobId=job["id"])

    retry(client, execution)
    play.pass_time(timedelta())
    assert play.job_id() != job["id"]
    client.put_job_success_result(jobId=play.job_id(), executionDetails={"summary": "All clear"})
    play.pass_time()
    assert play.cp.status("web", execution) == "Succeeded"


def test_an_unknown_job_is_not_found(client: Any) -> None:
    with pytest.raises(ClientError, match="JobNotFoundException"):
        client.put_job_success_result(jobId="00000000-0000-0000-0000-000000000000")


def test_a_job_never_answered_fails_after_twenty_minutes(play: Play, client: Any) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, GATED])
    execution = play.cp.start("web")
    play.pass_time()
    play.pass_time(timedelta(minutes=19, seconds=59))
    assert play.cp.status("web", execution) == "InProgress"
    play.pass_time(timedelta(seconds=1))
    assert play.cp.status("web", execution) == "Failed"
    with pytest.raises(ClientError, match="InvalidJobStateException"):
        client.put_job_success_result(jobId=play.job_id())


def test_a_continuation_token_brings_another_job(play: Play, client: Any) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, GATED])
    play.cp.start("web")
    play.pass_time()
    first = play.job_id()
    client.put_job_success_result(jobId=first, continuationToken="look again")
    play.pass_time()
    assert play.job_id() != first
    assert play.invoked[-1][1]["CodePipeline.job"]["data"]["continuationToken"] == "look again"


def test_a_rejected_approval_fails_without_an_error_code(play: Play, client: Any) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, APPROVED, DEPLOY])
    execution = play.cp.start("web")
    play.pass_time(10 * MINUTE)
    assert stage_state(client, "Approve")["actionStates"][0]["latestExecution"]["token"]
    play.cp.reject("web", "Approve", "Ask", "Not on a Friday")
    assert play.states()[-3:] == ["Approve Ask FAILED", "Approve FAILED", "FAILED"]
    asked = stage_state(client, "Approve")["actionStates"][0]["latestExecution"]
    assert (asked["summary"], "errorDetails" in asked) == ("Not on a Friday", False)
    play.cp.retry_in_console("web", "Approve", execution)
    play.cp.approve("web", "Approve", "Ask")
    play.pass_time()
    assert play.cp.status("web", execution) == "Succeeded"
    assert play.cp.retries == []


def test_stopping_waits_or_abandons(play: Play, client: Any) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, DEPLOY])
    waits = play.cp.start("web")
    client.stop_pipeline_execution(pipelineName="web", pipelineExecutionId=waits)
    with pytest.raises(ClientError, match="DuplicatedStopRequestException"):
        client.stop_pipeline_execution(pipelineName="web", pipelineExecutionId=waits)
    play.pass_time()
    assert play.states()[-3:] == ["Source Checkout SUCCEEDED", "Source STOPPED", "STOPPED"]
    with pytest.raises(ClientError, match="PipelineExecutionNotStoppableException"):
        client.stop_pipeline_execution(pipelineName="web", pipelineExecutionId=waits)
    abandoned = play.cp.start("web")
    mark = len(play.events)
    play.cp.stop("web", abandoned, abandon=True)
    assert play.states(since=mark) == [
        "STOPPING",
        "Source STOPPING",
        "Source Checkout ABANDONED",
        "Source STOPPED",
        "STOPPED",
    ]
    retry(client, abandoned, stage="Source")
    play.pass_time(2 * MINUTE)
    assert play.cp.status("web", abandoned) == "Succeeded"
