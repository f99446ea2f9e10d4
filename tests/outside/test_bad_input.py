"""Every field of every event damaged: nothing breaks, nothing is left that cannot be read back."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.outside.night import REGION, Night

FIXTURES = Path(__file__).parent.parent / "fixtures"
GARBAGE: list[Any] = [None, "", [], {}, 7, "x" * 5_000, True, "\x00#|"]
GONE = object()

JOB: dict[str, Any] = {
    "CodePipeline.job": {
        "id": "11111111-abcd-1111-abcd-111111abcdef",
        "accountId": "123456789012",
        "data": {
            "actionConfiguration": {"configuration": {"FunctionName": "gate", "UserParameters": "{}"}},
            "inputArtifacts": [],
            "outputArtifacts": [],
            "artifactCredentials": {"secretAccessKey": "s", "sessionToken": "t", "accessKeyId": "a"},
        },
    }
}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member at every depth."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (*path, name)
        yield from paths(member, (*path, name))


def damaged(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The event with one member replaced by garbage, or removed."""
    for path in paths(event):
        for garbage in [*GARBAGE, GONE]:
            changed = copy.deepcopy(event)
            place: Any = changed
            for name in path[:-1]:
                place = place[name]
            if garbage is GONE:
                del place[path[-1]]
            else:
                place[path[-1]] = garbage
            yield changed


def events(folder: str) -> list[Any]:
    return [
        pytest.param(json.loads(file.read_text()), id=file.stem)
        for file in sorted((FIXTURES / folder).glob("*.json"))
    ]


@pytest.mark.parametrize("event", events("codepipeline"))
def test_a_damaged_pipeline_event_harms_nothing(night: Night, event: dict[str, Any]) -> None:
    """Read or refused, never raised; a deploy that is held stays held and is resumed."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    for changed in damaged(event):
        assert night.cloud.invoke("pipeline_event", changed).error is None
    night.mend()
    night.cloud.health.close(issue)
    night.wait(12)
    assert night.accepted() == 1
    assert len(night.cards()) == 1


@pytest.mark.parametrize("event", events("health"))
def test_a_damaged_health_event_harms_nothing(night: Night, event: dict[str, Any]) -> None:
    """Read or refused, never raised; every issue it leaves is one the sweep can work with."""
    for changed in damaged(event):
        assert night.cloud.invoke("health_event", changed).error is None
    night.pipeline()
    night.fail()
    night.wait(8)
    assert [call.value for call in night.cloud.functions.invocations if call.function == "SweepFunction"] == [
        {"failed": 0}
    ] * 12
    assert len(night.cards()) == 1


def test_every_damaged_gate_job_with_an_id_is_answered(night: Night) -> None:
    """A job never answered hangs the pipeline for twenty minutes."""
    for changed in damaged(JOB):
        before = len(night.cloud.gateway.calls)
        invocation = night.cloud.invoke("gate", changed)
        assert invocation.error is None
        answered = [call.operation for call in night.cloud.gateway.calls[before:]]
        if "refused" not in invocation.value:
            assert "PutJobFailureResult" in answered


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ("", "UserParameters"),
        ("not json", "UserParameters"),
        ("[]", "UserParameters"),
        ("{}", "UserParameters.pipeline"),
        ('{"pipeline": "web", "execution": "e", "regions": "us-east-1"}', "UserParameters.regions"),
        ('{"pipeline": "web", "execution": "e", "regions": []}', "UserParameters.regions"),
        (
            '{"pipeline": "web", "execution": "e", "regions": ["us-east-1"], "service": "ECS"}',
            "UserParameters.service",
        ),
        ('{"pipeline": "web", "execution": "e", "regions": ["us-east-1"], "mode": 1}', "UserParameters.mode"),
    ],
)
def test_wrong_gate_parameters_stop_the_deploy_and_say_what_to_write(
    night: Night, parameters: str, field: str
) -> None:
    """The message names the field; nothing is blamed on AWS and nothing is retried by itself."""
    night.cloud.health.open_issue("LAMBDA", "eu-west-1")
    night.pipeline(gate=True, gate_parameters=parameters or " ")
    night.run()
    assert night.title() == "web → HealthGate: needs a person"
    assert field in json.dumps(night.card().blocks)
    night.wait(30)
    assert night.asked() == 0


def test_auto_narrows_the_gate_to_the_pipelines_own_services(night: Night) -> None:
    """An issue of a service the pipeline does not use lets it pass; one it uses does not."""
    parameters = (
        '{"pipeline": "web", "execution": "#{codepipeline.PipelineExecutionId}",'
        ' "regions": ["us-east-1"], "services": "auto"}'
    )
    night.cloud.health.open_issue("RDS", REGION)
    night.pipeline(gate=True, gate_parameters=parameters)
    assert night.stage(night.run(minutes=6)) == "Succeeded"
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.run(minutes=6)
    assert night.title() == "web → HealthGate: held"
