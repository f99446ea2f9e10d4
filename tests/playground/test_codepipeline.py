"""The CodePipeline stand-in: its API through boto3, its events, and the rules executions move by."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ClientError

from playground.codepipeline import Action, CodePipeline, Stage
from tests.playground.aws_server import client_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

SOURCE = Stage("Source", [Action("Checkout", "Source", provider="CodeCommit")])
DEPLOY = Stage("Deploy", [Action("Stack")])
GATED = Stage(
    "Deploy",
    [
        Action(
            "Gate",
            "Invoke",
            provider="Lambda",
            configuration={
                "FunctionName": "gate",
                "UserParameters": '{"execution": "#{codepipeline.PipelineExecutionId}"}',
            },
        ),
        Action("Stack", run_order=2, region="eu-west-1"),
    ],
)
APPROVED = Stage("Approve", [Action("Ask", "Approval", provider="Manual")])

# Modelled on the events of the User Guide's "Monitoring CodePipeline events": every member and its type.
COMMON = {
    "pipeline": str,
    "execution-id": str,
    "state": str,
    "version": float,
    "pipeline-execution-attempt": float,
}
ACTION = {"start-time": str, "stage": str, "action-execution-id": str, "action": str, "region": str, "type": dict}


class Play:
    """A CodePipeline with its clock, what it emitted and whom it invoked."""

    def __init__(self, traveller: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.invoked: list[tuple[str, dict[str, Any]]] = []
        self.cp = CodePipeline(self.events.append, lambda name, event: self.invoked.append((name, event)))
        self.traveller = traveller

    def pass_time(self, span: timedelta = MINUTE) -> None:
        self.traveller.shift(span)
        self.cp.tick(datetime.now(UTC))

    def states(self, *, since: int = 0) -> list[str]:
        """What happened, as "Stage Deploy FAILED"; a pipeline's own events as "FAILED"."""
        said = []
        for event in self.events[since:]:
            detail = event["detail"]
            place = [detail[part] for part in ("stage", "action") if part in detail]
            said.append(" ".join([*place, detail["state"]]))
        return said

    def job_id(self) -> str:
        return str(self.invoked[-1][1]["CodePipeline.job"]["id"])


@pytest.fixture
def play() -> Iterator[Play]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield Play(traveller)


@pytest.fixture
def client(play: Play) -> Iterator[Any]:
    with client_of("codepipeline", play.cp) as made:
        yield made


def fail(play: Play, stages: list[Stage] | None = None, **more: Any) -> str:
    """An execution of `web` whose Deploy stage has just failed, once."""
    play.cp.create_pipeline("web", "us-east-1", stages or [SOURCE, DEPLOY], **more)
    play.cp.fail_action("web", "Deploy", "Stack", times=1, message="Resource handler returned 503")
    execution = play.cp.start("web")
    play.pass_time(2 * MINUTE)
    return execution


def retry(client: Any, execution: str, *, stage: str = "Deploy", mode: str = "FAILED_ACTIONS") -> Any:
    return client.retry_stage_execution(
        pipelineName="web", stageName=stage, pipelineExecutionId=execution, retryMode=mode
    )


def refusal(client: Any, execution: str, **more: Any) -> str:
    with pytest.raises(ClientError) as refused:
        retry(client, execution, **more)
    return str(refused.value.response["Error"]["Code"])


def runs(client: Any, execution: str | None = None) -> list[dict[str, Any]]:
    wanted = {"filter": {"pipelineExecutionId": execution}} if execution else {}
    pages = client.get_paginator("list_action_executions").paginate(pipelineName="web", **wanted)
    return [run for page in pages for run in page["actionExecutionDetails"]]


def stage_state(client: Any, stage: str = "Deploy") -> dict[str, Any]:
    states = client.get_pipeline_state(name="web")["stageStates"]
    return next(state for state in states if state["stageName"] == stage)


def types(value: dict[str, Any]) -> dict[str, type]:
    return {name: type(member) for name, member in value.items()}


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


def test_a_retry_runs_the_failed_actions_again_under_new_ids(play: Play, client: Any) -> None:
    execution = fail(play, [SOURCE, Stage("Deploy", [Action("Stack"), Action("Static")])])
    before = {run["actionName"]: run["actionExecutionId"] for run in runs(client) if run["stageName"] == "Deploy"}
    mark = len(play.events)
    assert retry(client, execution)["pipelineExecutionId"] == execution
    assert play.events[mark:] == []  # an API call leaves its events to the next tick
    play.pass_time()
    assert play.states(since=mark) == [
        "RESUMED",
        "Deploy RESUMED",
        "Deploy Stack STARTED",
        "Deploy Stack SUCCEEDED",
        "Deploy SUCCEEDED",
        "SUCCEEDED",
    ]
    after = stage_state(client)
    ids = {state["actionName"]: state["latestExecution"]["actionExecutionId"] for state in after["actionStates"]}
    assert ids["Static"] == before["Static"]
    assert ids["Stack"] != before["Stack"]
    assert after["retryStageMetadata"] == {
        "manualStageRetryAttempt": 1,
        "latestRetryTrigger": "ManualStageRetry",
    }
    assert [(made.accepted, made.code, made.at - NOON) for made in play.cp.retries] == [(True, "", 2 * MINUTE)]


def test_all_actions_can_be_retried_too(play: Play, client: Any) -> None:
    execution = fail(play, [SOURCE, Stage("Deploy", [Action("Stack"), Action("Static")])])
    retry(client, execution, mode="ALL_ACTIONS")
    play.pass_time()
    assert play.states().count("Deploy Static STARTED") == 2
    assert play.cp.status("web", execution) == "Succeeded"


def test_retries_that_cannot_be_are_refused_with_the_documented_errors(play: Play, client: Any) -> None:
    execution = fail(play)
    assert refusal(client, execution, stage="Nowhere") == "StageNotFoundException"
    assert refusal(client, execution, stage="Source") == "StageNotRetryableException"
    assert refusal(client, "00000000-0000-0000-0000-000000000000") == "StageNotRetryableException"
    assert refusal(client, execution, mode="SOME") == "ValidationException"
    retry(client, execution)
    assert refusal(client, execution) == "StageNotRetryableException"  # it runs again already
    play.pass_time()
    assert refusal(client, execution) == "StageNotRetryableException"  # it has passed
    with client_of("codepipeline", play.cp, "eu-west-1") as elsewhere:
        assert refusal(elsewhere, execution) == "PipelineNotFoundException"
    codes = [made.code for made in play.cp.retries if not made.accepted]
    assert codes.count("StageNotRetryableException") == 4
    assert len(codes) == 6  # the one that was not valid never reached the API


def test_a_changed_pipeline_cannot_be_retried(play: Play, client: Any) -> None:
    execution = fail(play)
    play.cp.update_pipeline("web")
    assert refusal(client, execution) == "StageNotRetryableException"


def test_while_actions_run_only_the_failed_ones_may_be_retried(play: Play, client: Any) -> None:
    slow = Action("Slow", duration=5 * MINUTE)
    execution = fail(play, [SOURCE, Stage("Deploy", [Action("Stack"), slow])])
    assert refusal(client, execution, mode="ALL_ACTIONS") == "ConflictException"
    retry(client, execution)
    play.pass_time(5 * MINUTE)
    assert "FAILED" not in play.states()
    assert play.cp.status("web", execution) == "Succeeded"


def test_refusals_can_be_ordered_before_and_after_the_effect(play: Play, client: Any) -> None:
    execution = fail(play)
    play.cp.refuse_next_retries("ConcurrentPipelineExecutionsLimitExceededException", 2)
    for _ in range(2):
        assert refusal(client, execution) == "ConcurrentPipelineExecutionsLimitExceededException"
    play.cp.refuse_next_retries("InternalFailure", after_effect=True)
    assert refusal(client, execution) == "InternalFailure"
    assert [made.accepted for made in play.cp.retries] == [False, False, True]
    play.pass_time()
    assert play.cp.status("web", execution) == "Succeeded"


def test_a_failure_can_last_as_long_as_a_condition(play: Play, client: Any) -> None:
    broken = True
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, DEPLOY])
    play.cp.fail_action("web", "Deploy", "Stack", while_=lambda: broken)
    execution = play.cp.start("web")
    play.pass_time(2 * MINUTE)
    retry(client, execution)
    play.pass_time()
    assert play.cp.stage_status("web", "Deploy", execution) == "Failed"
    broken = False
    retry(client, execution)
    play.pass_time()
    assert play.cp.stage_status("web", "Deploy", execution) == "Succeeded"


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


def test_parallel_executions_can_each_be_retried(play: Play, client: Any) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, DEPLOY], execution_mode="PARALLEL")
    play.cp.fail_action("web", "Deploy", "Stack", times=2)
    executions = [play.cp.start("web") for _ in range(2)]
    play.pass_time(2 * MINUTE)
    for execution in executions:
        retry(client, execution)
    play.pass_time()
    assert [play.cp.status("web", execution) for execution in executions] == ["Succeeded"] * 2


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


def test_a_stage_that_retries_itself_fails_first_and_resumes_by_itself(play: Play, client: Any) -> None:
    fail(play, [SOURCE, Stage("Deploy", [Action("Stack")], retries_itself=True)])
    assert play.states()[-4:] == ["Deploy Stack FAILED", "Deploy FAILED", "Deploy RESUMED", "Deploy Stack STARTED"]
    play.pass_time()
    assert stage_state(client)["retryStageMetadata"]["latestRetryTrigger"] == "AutomatedStageRetry"
    assert client.get_pipeline(name="web")["pipeline"]["stages"][1]["onFailure"]["result"] == "RETRY"
    assert play.states()[-1] == "SUCCEEDED"


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


def test_an_event_receiver_may_call_the_api(play: Play) -> None:
    """What the receiver's call causes is told after what it was told of, and nothing hangs."""

    def resume(event: dict[str, Any]) -> None:
        play.events.append(event)
        detail = event["detail"]
        if detail.get("stage") == "Deploy" and "action" not in detail and detail["state"] == "FAILED":
            retry(client, detail["execution-id"])

    play.cp = CodePipeline(resume, lambda _name, _event: None)
    with client_of("codepipeline", play.cp) as client:
        fail(play)
    assert play.states()[-5:] == ["Deploy FAILED", "FAILED", "RESUMED", "Deploy RESUMED", "Deploy Stack STARTED"]
