"""RetryStageExecution in the CodePipeline stand-in: new ids, the documented errors, the events."""

from typing import Any

from playground.codepipeline import Action, CodePipeline, Stage
from tests.playground.aws_server import client_of
from tests.playground.codepipeline_play import (
    DEPLOY,
    MINUTE,
    NOON,
    SOURCE,
    Play,
    fail,
    refusal,
    retry,
    runs,
    stage_state,
)


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


def test_parallel_executions_can_each_be_retried(play: Play, client: Any) -> None:
    play.cp.create_pipeline("web", "us-east-1", [SOURCE, DEPLOY], execution_mode="PARALLEL")
    play.cp.fail_action("web", "Deploy", "Stack", times=2)
    executions = [play.cp.start("web") for _ in range(2)]
    play.pass_time(2 * MINUTE)
    for execution in executions:
        retry(client, execution)
    play.pass_time()
    assert [play.cp.status("web", execution) for execution in executions] == ["Succeeded"] * 2


def test_a_stage_that_retries_itself_fails_first_and_resumes_by_itself(play: Play, client: Any) -> None:
    fail(play, [SOURCE, Stage("Deploy", [Action("Stack")], retries_itself=True)])
    assert play.states()[-2:] == ["Deploy Stack FAILED", "Deploy FAILED"]
    assert stage_state(client)["latestExecution"]["status"] == "Failed"
    play.pass_time(2 * MINUTE)
    assert play.states()[-5:-3] == ["Deploy RESUMED", "Deploy Stack STARTED"]
    assert stage_state(client)["retryStageMetadata"]["latestRetryTrigger"] == "AutomatedStageRetry"
    assert client.get_pipeline(name="web")["pipeline"]["stages"][1]["onFailure"]["result"] == "RETRY"
    assert play.states()[-1] == "SUCCEEDED"


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
