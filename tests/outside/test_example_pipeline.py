"""examples/pipeline.yaml as written, on the local cloud beside Allclear: blocked by an incident, and resumed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.outside.night import BROKEN, REGION, Night

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "pipeline.yaml"
CONNECTION = "arn:aws:codeconnections:us-east-1:123456789012:connection/aaaaaaaa-0000-0000-0000-000000000001"


def deploy(night: Night, **more: str) -> None:
    """With the outputs of Allclear's stack, as examples/README.md says."""
    outputs = ("GateFunctionName", "PipelineNotificationTopic")
    night.cloud.deploy_pipelines(EXAMPLE, {name: night.cloud.stack.outputs[name] for name in outputs} | more)


@pytest.mark.parametrize("connection", ["", CONNECTION], ids=["CodeCommit", "a connection"])
def test_an_incident_blocks_the_deploy_at_the_gate_and_allclear_resumes_it(
    make_night: Callable[..., Night], connection: str
) -> None:
    night = make_night(SettleSeconds="0")
    deploy(night, ConnectionArn=connection, Repository="acme/shop" if connection else "shop")
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    execution = night.run(minutes=3)
    assert night.title() == "web → HealthGate: held"
    assert night.stage(execution) is None
    night.cloud.health.close(issue)
    night.wait(3)
    assert night.stage(execution) == "Succeeded"
    assert night.title() == "web → HealthGate: recovered"
    assert (night.asked(), night.accepted(), night.cloud.failures()) == (1, 1, [])


def test_its_notification_rule_tells_allclear_of_a_deploy_that_fails_past_the_gate(
    make_night: Callable[..., Night],
) -> None:
    """By the stage that failed, and once: both ways together are one failure."""
    night = make_night(SettleSeconds="0")
    deploy(night)
    night.cloud.codepipeline.fail_action("web", "Deploy", "DeployStack", times=1, message=BROKEN)
    execution = night.run(minutes=3)
    notices = [call for call in night.cloud.functions.invocations if "Records" in call.event]
    told = [call for call in notices if call.function == "PipelineEventFunction"]
    assert len(told) == 1
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.wait(1)
    assert night.title() == "web → Deploy: held"
    night.cloud.health.close(issue)
    night.wait(3)
    assert (night.stage(execution), night.accepted()) == ("Succeeded", 1)
