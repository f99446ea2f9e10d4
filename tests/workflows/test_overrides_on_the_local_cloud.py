"""An override and the deployed template: written with the Slack function's own permissions, read by the gate.

Only Slack's request is left out: the decision is called as the function calls it.
"""

from collections.abc import Iterator

import boto3
import pytest

from bot.adapters.dynamodb import DynamoStore
from bot.model import ExecutionKey
from bot.overrides import OVERRIDE_LASTS
from bot.policy import parse_policy
from bot.workflows.overriding import override
from bot.workflows.people import Came
from playground.codepipeline import Action, Rule, Stage
from playground.gateway import access_key_id
from playground.slack import Slack
from tests.outside.night import REGION, Night
from tests.workflows.overriding_play import Workspace

CAROL = "U0CAROL"
REASON = "the fix is in this very deploy"


@pytest.fixture
def night() -> Iterator[Night]:
    """The template with carol on its list."""
    with Slack() as slack:
        night = Night(slack, OverrideUsers=CAROL)
        with night.cloud:
            yield night
        assert slack.errors == []


def give(night: Night, execution: str, stage: str) -> Came:
    """Carol overrides, as the function that takes Slack's requests would carry it out."""
    function = night.cloud.stack.functions["SlackRequestFunction"]
    client = boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=night.cloud.gateway.url,
        aws_access_key_id=access_key_id(function),
        aws_secret_access_key="secret",
    )
    store = DynamoStore(client, function.environment["TABLE_NAME"])
    key = ExecutionKey(night.cloud.stack.account, REGION, "web", execution, stage)
    policy = parse_policy(function.environment)
    return override(store, Workspace(), policy, key, CAROL, REASON, night.now, marker=f"click-{night.now}").came


def gate_said(night: Night) -> list[str]:
    """What the gate's action of each execution ended with, oldest first."""
    client = night.cloud.client("codepipeline")
    pages = client.get_paginator("list_action_executions").paginate(pipelineName="web")
    rows = [row for page in pages for row in page["actionExecutionDetails"] if row["stageName"] == "HealthGate"]
    return [row["output"]["executionResult"]["externalExecutionSummary"] for row in reversed(rows)]


def test_the_gate_passes_for_the_execution_that_was_overridden_and_stops_the_next_one(night: Night) -> None:
    night.cloud.health.open_issue("ECS", REGION)
    night.pipeline(gate=True)
    execution = night.run()
    assert night.stage(execution, stage="HealthGate") == "Failed"
    assert give(night, execution, "HealthGate") is Came.DONE
    night.wait(4)
    assert night.stage(execution, stage="Deploy") == "Succeeded"
    assert night.accepted() == night.asked() == 1
    stopped, passed = gate_said(night)
    assert stopped.startswith("Allclear health gate: an AWS Health issue is open")
    assert passed.startswith(f"Overridden by {CAROL} until ")
    assert REASON in passed
    assert "Open: ECS in us-east-1" in passed
    following = night.run()
    assert night.stage(following, stage="HealthGate") == "Failed"
    assert night.accepted() == 1


def test_a_waiting_gate_passes_at_its_next_job_once_it_is_overridden(night: Night) -> None:
    """The same job goes on: nothing failed and nothing is retried."""
    night.cloud.health.open_issue("ECS", REGION)
    parameters = (
        '{"pipeline": "web", "execution": "#{codepipeline.PipelineExecutionId}",'
        f' "regions": ["{REGION}"], "mode": "wait"}}'
    )
    night.pipeline(gate=True, gate_parameters=parameters)
    execution = night.run()
    assert night.stage(execution, stage="HealthGate") == "InProgress"
    assert give(night, execution, "HealthGate") is Came.DONE
    night.wait(4)
    assert night.stage(execution, stage="Deploy") == "Succeeded"
    assert night.title() == "web → HealthGate: recovered"
    assert f"overrode the health gate: {REASON}" in str(night.card().blocks)
    assert night.asked() == 0
    (said,) = gate_said(night)
    assert said.startswith(f"Overridden by {CAROL} until ")


def test_an_override_that_ran_out_passes_nothing(night: Night) -> None:
    """CodePipeline would not take the retry for an hour and more."""
    night.cloud.health.open_issue("ECS", REGION)
    night.pipeline(gate=True)
    execution = night.run()
    night.cloud.codepipeline.refuse_next_retries("ConflictException", times=9)
    given_at = night.now
    give(night, execution, "HealthGate")
    night.wait(100)
    assert night.accepted() == 1
    assert night.cloud.codepipeline.retries[-1].at - given_at > OVERRIDE_LASTS
    assert night.stage(execution, stage="HealthGate") == "Failed"
    assert not any(said.startswith("Overridden") for said in gate_said(night))


def test_a_stage_condition_is_passed_by_override_stage_condition(night: Night) -> None:
    source = Stage("Source", [Action("Checkout", "Source", "AWS", "CodeCommit")])
    night.cloud.codepipeline.create_pipeline(
        "web", REGION, [source, Stage("Deploy", [Action("Stack")], entry_rules=(Rule("ErrorAlarm"),))]
    )
    night.cloud.codepipeline.fail_condition("web", "Deploy")
    execution = night.run()
    assert night.title() == "web → Deploy: needs a person"
    assert "A stage condition stopped it (rule ErrorAlarm)" in night.card().text
    assert give(night, execution, "Deploy") is Came.DONE
    night.wait(4)
    assert night.stage(execution) == "Succeeded"
    assert night.title() == "web → Deploy: recovered"
    assert night.asked() == 0
    (call,) = night.cloud.codepipeline.overrides
    assert (call.execution_id, call.stage, call.condition, call.code) == (execution, "Deploy", "BEFORE_ENTRY", "")
    following = night.run()
    assert night.stage(following) == "Failed"
    assert len(night.cloud.codepipeline.overrides) == 1
