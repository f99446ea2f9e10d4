"""What runs in a stage and how long its actions usually take, as CodePipeline lists its action executions."""

from datetime import timedelta

import pytest

from bot.adapters.codepipeline import CodePipeline
from bot.adapters.running_actions import SUCCESSES
from bot.errors import PipelineGone, TryLater
from bot.model import FailedAction
from bot.running import RunningAction
from tests.adapters.local_aws import LocalAws, Refusal
from tests.adapters.test_codepipeline_truth import ACCOUNT, BEGAN_AT, OURS, REGION, listed, stage

MINUTE = timedelta(minutes=1)


def told(aws: LocalAws, pipelines: CodePipeline, status: str, *rows: dict[str, object]) -> list[RunningAction]:
    aws.answer("ListActionExecutions", {"actionExecutionDetails": list(rows)})
    aws.answer("GetPipelineState", {"stageStates": [stage("Deploy", OURS, status)]})
    aws.answer("GetPipelineExecution", {"pipelineExecution": {"status": "InProgress"}})
    (truth,) = pipelines.stages(ACCOUNT, REGION, "web", OURS)
    return list(truth.running)


def test_an_action_that_runs_is_told_with_its_beginning_and_what_it_stands_on(
    aws: LocalAws, pipelines: CodePipeline
) -> None:
    row = listed("DeployStack", 1, "InProgress", 3, 3)
    row["input"]["configuration"] = {"StackName": "web-prod"}
    assert told(aws, pipelines, "InProgress", row) == [
        RunningAction(
            FailedAction(
                "DeployStack",
                "DeployStack-1",
                "eu-west-1",
                category="Deploy",
                owner="AWS",
                provider="CloudFormation",
                target="web-prod",
            ),
            BEGAN_AT + 3 * MINUTE,
        )
    ]


def test_only_the_newest_attempt_of_an_action_counts(aws: LocalAws, pipelines: CodePipeline) -> None:
    """Whatever the order they are listed in; and what has ended runs no more."""
    first, second = listed("A", 1, "InProgress", 1, 2), listed("A", 2, "InProgress", 9, 9)
    ended = [listed("B", 2, "Succeeded", 5, 6), listed("B", 1, "InProgress", 1, 2)]
    running = told(aws, pipelines, "InProgress", first, second, *ended)
    assert [(each.action.action_execution_id, each.started_at) for each in running] == [
        ("A-2", BEGAN_AT + 9 * MINUTE)
    ]


def test_in_a_stage_that_has_ended_nothing_runs(aws: LocalAws, pipelines: CodePipeline) -> None:
    """The list of actions may lag behind the stage's own word."""
    assert told(aws, pipelines, "Succeeded", listed("A", 1, "InProgress", 1, 2)) == []


def test_usual_times_are_those_of_successes_by_stage_and_action(aws: LocalAws, pipelines: CodePipeline) -> None:
    rows = [
        listed("A", 5, "InProgress", 50, 50),
        listed("A", 4, "Failed", 40, 49),
        listed("A", 3, "Succeeded", 30, 34),
        listed("A", 1, "Succeeded", 10, 12, stageName="Test", pipelineExecutionId="another"),
    ]
    aws.answer("ListActionExecutions", {"actionExecutionDetails": rows})
    assert pipelines.usual_times(REGION, "web") == {("Deploy", "A"): 4 * MINUTE, ("Test", "A"): 2 * MINUTE}
    assert aws.inputs("ListActionExecutions") == [{"pipelineName": "web", "maxResults": 100}]


def test_only_the_newest_successes_count_however_many_are_listed(aws: LocalAws, pipelines: CodePipeline) -> None:
    """The deploy took an hour last year; and no more pages are read than it takes."""
    new = [listed("A", 900 - n, "Succeeded", 0, 3) for n in range(SUCCESSES)]
    old = [listed("A", 100 - n, "Succeeded", 0, 60) for n in range(80)]
    pages = [{"actionExecutionDetails": [*new, *old], "nextToken": f"page-{number}"} for number in range(2, 9)]
    aws.answer("ListActionExecutions", *pages)
    assert pipelines.usual_times(REGION, "web") == {("Deploy", "A"): 3 * MINUTE}
    assert len(aws.inputs("ListActionExecutions")) == 3


def test_a_pipeline_that_is_gone_or_busy_says_so(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("ListActionExecutions", Refusal("PipelineNotFoundException"))
    with pytest.raises(PipelineGone):
        pipelines.usual_times(REGION, "web")
    aws.answer("ListActionExecutions", Refusal("ThrottlingException"))
    with pytest.raises(TryLater):
        pipelines.usual_times(REGION, "web")
