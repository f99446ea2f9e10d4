"""The gate function as a rule of a stage's entry condition, from its invocation to the deploy it let in."""

import json
from collections.abc import Callable

from playground.codepipeline import Action, Rule, Stage
from tests.outside.night import REGION, Night


def gate_rule(night: Night, **more: str) -> Rule:
    """The rule as docs/gate.md says to write it."""
    asked = {"pipeline": "web", "execution": "#{codepipeline.PipelineExecutionId}", "regions": [REGION], **more}
    function = night.cloud.stack.outputs["GateFunctionName"]
    return Rule("AwsHealth", "LambdaInvoke", {"FunctionName": function, "UserParameters": json.dumps(asked)})


def guard(night: Night, *rules: Rule) -> None:
    """web: Source, then Deploy, which is entered only past these rules."""
    source = Stage("Source", [Action("Checkout", "Source", "AWS", "CodeCommit")])
    deploy = Stage("Deploy", [Action("DeployStack")], entry_rules=rules)
    night.cloud.codepipeline.create_pipeline("web", REGION, [source, deploy])


def test_a_stage_that_the_gate_keeps_shut_is_entered_at_the_all_clear(make_night: Callable[..., Night]) -> None:
    """And not before all that the gate looks at is closed, whatever it named when it stopped the deploy."""
    night = make_night(SettleSeconds="0")
    guard(night, gate_rule(night))
    assert night.stage(night.run(minutes=3)) == "Succeeded"
    issue = night.cloud.health.open_issue("ECS", REGION)
    execution = night.run(minutes=2)
    assert night.title() == "web → Deploy: held"
    assert night.card().buttons == ["retry", "override", "dismiss", "open"]
    assert "lets the deploy pass by itself" in night.card().text
    another = night.cloud.health.open_issue("RDS", REGION)
    night.cloud.health.close(issue)
    night.wait(2)
    assert night.stage(execution) == "Failed"
    assert "was asked again and stops the deploy. Open: RDS in us-east-1" in night.card().text
    night.cloud.health.close(another)
    night.wait(4)
    assert night.stage(execution) == "Succeeded"
    assert night.title() == "web → Deploy: recovered"
    assert night.asked() == 0
    (call,) = night.cloud.codepipeline.overrides
    assert (call.execution_id, call.stage, call.condition, call.code) == (execution, "Deploy", "BEFORE_ENTRY", "")
    assert night.cloud.failures() == []


def test_another_rule_in_the_condition_and_mode_wait_end_with_a_person(make_night: Callable[..., Night]) -> None:
    """A rule cannot wait; and an alarm of hours ago is not Allclear's to pass."""
    night = make_night(SettleSeconds="0")
    guard(night, gate_rule(night, mode="wait"), Rule("ErrorAlarm"))
    issue = night.cloud.health.open_issue("ECS", REGION)
    execution = night.run(minutes=2)
    assert night.title() == "web → Deploy: held"
    assert "Allclear asks a person" in night.card().text
    night.cloud.health.close(issue)
    night.wait(2)
    assert night.title() == "web → Deploy: needs a person"
    assert "only an override may pass what the rule ErrorAlarm says" in night.card().text
    assert night.card().buttons == ["override", "dismiss", "open"]
    assert night.stage(execution) == "Failed"
    assert (night.asked(), night.cloud.codepipeline.overrides) == (0, [])
