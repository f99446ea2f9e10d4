"""What examples/ and docs/gate.md tell people to write: the local cloud reads it, and no role may do too much."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.gate import parse_user_parameters
from playground.codepipeline import Stage
from playground.errors import Unsupported
from playground.iam import PASSED_TO, Need, allowed
from playground.intrinsics import read_yaml
from playground.pipeline_template import DeclaredPipeline, load_pipelines

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "pipeline.yaml"
ALLCLEAR = {
    "GateFunctionName": "allclear-GateFunction-1",
    "PipelineNotificationTopic": "arn:aws:sns:us-east-1:123456789012:allclear-notifications",
}
CONNECTION = "arn:aws:codeconnections:us-east-1:123456789012:connection/1"


def pipeline(**parameters: str) -> DeclaredPipeline:
    found = load_pipelines(EXAMPLE, ALLCLEAR | parameters, region="us-east-1", account="123456789012")
    (declared,) = found.pipelines
    return declared


def may(declared: DeclaredPipeline, action: str, resource: str) -> bool:
    context = {PASSED_TO: ("cloudformation.amazonaws.com",)} if action == "iam:PassRole" else {}
    return allowed(declared.statements, Need(action, resource, context))


def test_the_source_is_codecommit_or_a_connection() -> None:
    (source,) = pipeline().stages[0].actions
    assert (source.provider, source.configuration["PollForSourceChanges"]) == ("CodeCommit", "false")
    (source,) = pipeline(ConnectionArn=CONNECTION).stages[0].actions
    assert (source.provider, source.configuration["ConnectionArn"]) == ("CodeStarSourceConnection", CONNECTION)


def test_its_gate_comes_before_the_deploy_and_asks_for_its_own_region() -> None:
    declared = pipeline(PipelineName="shop")
    assert [stage.name for stage in declared.stages] == ["Source", "HealthGate", "Deploy"]
    asked = declared.stages[1].actions[0].configuration
    assert asked["FunctionName"] == "allclear-GateFunction-1"
    assert yaml.safe_load(asked["UserParameters"]) == {
        "pipeline": "shop",
        "execution": "#{codepipeline.PipelineExecutionId}",
        "regions": ["us-east-1"],
    }


def test_its_role_may_do_what_its_actions_do_and_no_more() -> None:
    ours, own = "arn:aws:lambda:us-east-1:123456789012:function:", pipeline(DeployedStackName="shop")
    stack = "arn:aws:cloudformation:us-east-1:123456789012:stack/"
    roles = "arn:aws:iam::123456789012:role/"
    codecommit = "arn:aws:codecommit:us-east-1:123456789012:"
    for action, resource in [
        ("lambda:InvokeFunction", f"{ours}allclear-GateFunction-1"),
        ("cloudformation:UpdateStack", f"{stack}shop/1"),
        ("cloudformation:DescribeStacks", f"{stack}shop/1"),
        ("iam:PassRole", f"{roles}pipeline-deployrole"),
        ("codecommit:UploadArchive", f"{codecommit}web"),
        ("s3:PutObject", "arn:aws:s3:::pipeline-artifacts/web/1.zip"),
    ]:
        assert may(own, action, resource), (action, resource)
    for action, resource in [
        ("lambda:InvokeFunction", f"{ours}another"),
        ("cloudformation:UpdateStack", f"{stack}shopping/1"),
        ("iam:PassRole", f"{roles}pipeline-pipelinerole"),
        ("codecommit:UploadArchive", f"{codecommit}another"),
        ("codecommit:GitPush", f"{codecommit}web"),
        ("codestar-connections:UseConnection", CONNECTION),
        ("s3:DeleteObject", "arn:aws:s3:::pipeline-artifacts/web/1.zip"),
    ]:
        assert not may(own, action, resource), (action, resource)
    to_nobody = Need("iam:PassRole", f"{roles}pipeline-deployrole", {PASSED_TO: ("lambda.amazonaws.com",)})
    assert not allowed(own.statements, to_nobody)
    connected = pipeline(ConnectionArn=CONNECTION)
    assert may(connected, "codeconnections:UseConnection", CONNECTION)
    assert not may(connected, "codecommit:UploadArchive", f"{codecommit}web")


def test_no_policy_in_an_example_allows_everything_of_anything() -> None:
    """But refusals, which may be as wide as they like."""
    statements = list(_statements(read_yaml(EXAMPLE)["Resources"]))
    assert len(statements) > 10
    for statement in statements:
        if statement["Effect"] == "Allow" and "Resource" in statement:
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            assert not [action for action in actions if "*" in action]
            assert statement["Resource"] != "*"


def _statements(part: Any) -> Any:
    if isinstance(part, dict) and "Effect" in part:
        yield part
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _statements(each)


AROUND = """
Parameters: {GateFunctionName: {Type: String}}
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {Policies: []}}
  Pipeline:
    Type: AWS::CodePipeline::Pipeline
    Properties:
      Name: web
      PipelineType: V2
      RoleArn: !GetAtt Role.Arn
      Stages:
"""


def documented_stages(directory: Path) -> tuple[Stage, ...]:
    """The stages in docs/gate.md, as their readers would paste them."""
    text = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
    blocks = [
        block for block in re.findall(r"(?:^    .+\n)+", text, re.MULTILINE) if block.startswith("    - Name")
    ]
    pasted = "".join(f"    {line}\n" for block in blocks for line in block.splitlines())
    path = directory / "template.yaml"
    path.write_text(AROUND + pasted.replace("Actions: …", "Actions: []"), encoding="utf-8")
    given = {"GateFunctionName": "gate"}
    (declared,) = load_pipelines(path, given, region="us-east-1", account="123456789012").pipelines
    return declared.stages


def test_the_stages_that_the_docs_show_ask_the_gate_the_same(tmp_path: Path) -> None:
    as_action, as_rule = documented_stages(tmp_path)
    (rule,) = as_rule.entry_rules
    assert (rule.provider, as_rule.entry_result) == ("LambdaInvoke", "FAIL")
    assert rule.configuration == as_action.actions[0].configuration
    asked = parse_user_parameters(
        rule.configuration["UserParameters"].replace("#{codepipeline.PipelineExecutionId}", "1")
    )
    assert (asked.pipeline, asked.regions) == ("web", ("us-east-1",))


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("Stages: [{Name: Deploy, Actions: [], Blockers: []}]", "Blockers"),
        ("Stages: [{Name: Deploy, Actions: [], OnSuccess: {}}]", "OnSuccess"),
        ("Triggers: []", "Stages"),
        ("Stages: []\n  Queue: {Type: AWS::SQS::Queue}", "AWS::SQS::Queue"),
    ],
)
def test_what_the_local_cloud_does_not_play_is_said_aloud(tmp_path: Path, written: str, named: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(AROUND.replace("Stages:", written), encoding="utf-8")
    with pytest.raises(Unsupported, match=named):
        load_pipelines(path, {"GateFunctionName": "gate"}, region="us-east-1", account="123456789012")
