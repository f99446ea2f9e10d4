"""Reads a template of pipelines (examples/) for the local CodePipeline: the pipelines, and what tells of them.

What is deployed beside them and does nothing here (buckets, roles, the rule that starts a pipeline) is left alone;
anything else is an error that names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playground.codepipeline import Action, Rule, Stage
from playground.errors import Unsupported
from playground.intrinsics import Resolver, read_yaml
from playground.parameters import parameter_values
from playground.properties import Properties, as_list
from playground.stack import Statement

STACK_NAME = "pipeline"

_INERT = {"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::IAM::Role", "AWS::Events::Rule"}
_NAMES = {  # Ref, and Arn
    "AWS::S3::Bucket": ("{name}", "arn:aws:s3:::{name}"),
    "AWS::IAM::Role": ("{name}", "arn:aws:iam::{account}:role/{name}"),
    "AWS::CodePipeline::Pipeline": ("{name}", ""),
}


@dataclass(frozen=True, slots=True)
class DeclaredPipeline:
    """An AWS::CodePipeline::Pipeline, and what its role may do."""

    name: str
    stages: tuple[Stage, ...]
    mode: Literal["SUPERSEDED", "QUEUED", "PARALLEL"]
    tags: Mapping[str, str]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class DeclaredNotifications:
    """An AWS::CodeStarNotifications::NotificationRule with one topic as its target."""

    pipeline_arn: str
    topic_arn: str
    events: tuple[str, ...]
    detail_type: Literal["BASIC", "FULL"]


@dataclass(frozen=True, slots=True)
class PipelineStack:
    """What such a template deploys."""

    pipelines: tuple[DeclaredPipeline, ...]
    notifications: tuple[DeclaredNotifications, ...]


def load_pipelines(path: Path, parameters: Mapping[str, str], *, region: str, account: str) -> PipelineStack:
    """What deploying the template would make. Raises Unsupported for all that is not interpreted here."""
    return _PipelineTemplate(path, parameters, region, account).stack()


class _PipelineTemplate:
    def __init__(self, path: Path, parameters: Mapping[str, str], region: str, account: str) -> None:
        document = read_yaml(path)
        self._region, self._account = region, account
        self._resources: dict[str, dict[str, Any]] = document["Resources"]
        values = {
            "AWS::AccountId": account,
            "AWS::Region": region,
            "AWS::Partition": "aws",
            "AWS::StackName": STACK_NAME,
        }
        values |= parameter_values(document.get("Parameters", {}), parameters)
        self._resolver = Resolver(values, document.get("Conditions", {}), self._attribute)
        for output in document.get("Outputs", {}).values():
            self._resolver.resolve(output["Value"])

    def stack(self) -> PipelineStack:
        pipelines, notifications = [], []
        for logical_id, resource in self._resources.items():
            if "Condition" in resource and not self._resolver.condition(resource["Condition"]):
                continue
            kind = resource["Type"]
            properties = Properties(logical_id, self._resolver.resolve(resource.get("Properties", {})))
            if kind == "AWS::CodePipeline::Pipeline":
                pipelines.append(self._pipeline(properties))
            elif kind == "AWS::CodeStarNotifications::NotificationRule":
                notifications.append(_notifications(properties))
            elif kind not in _INERT:
                raise Unsupported(f"{logical_id}: resources of type {kind} are not known here")
        return PipelineStack(tuple(pipelines), tuple(notifications))

    def _attribute(self, logical_id: str, name: str) -> str:
        resource = self._resources.get(logical_id)
        if resource is None or resource["Type"] not in _NAMES:
            raise Unsupported(f"{logical_id}.{name} is not known here")
        given = resource.get("Properties", {}).get("Name")
        physical = self._resolver.resolve(given) if given is not None else f"{STACK_NAME}-{logical_id}".lower()
        ref, arn = _NAMES[resource["Type"]]
        answer = {"Ref": ref, "Arn": arn}.get(name, "").format(name=physical, account=self._account)
        if not answer:
            raise Unsupported(f"{logical_id}.{name} is not known here")
        return answer

    def _pipeline(self, properties: Properties) -> DeclaredPipeline:
        properties.expect("PipelineType", "V1", "V2")
        role_arn = properties.take("RoleArn")
        name, stages = properties.take("Name"), properties.take("Stages")
        tags = {tag["Key"]: tag["Value"] for tag in properties.take("Tags", [])}
        mode = properties.take("ExecutionMode", "SUPERSEDED")
        properties.done("ArtifactStore")
        return DeclaredPipeline(
            name=name,
            stages=tuple(_stage(stage) for stage in stages),
            mode=mode,
            tags=tags,
            statements=self._statements(role_arn),
        )

    def _statements(self, role_arn: str) -> tuple[Statement, ...]:
        for logical_id, resource in self._resources.items():
            if resource["Type"] == "AWS::IAM::Role" and self._attribute(logical_id, "Arn") == role_arn:
                policies = self._resolver.resolve(resource["Properties"])["Policies"]
                return tuple(
                    Statement(
                        allow=statement["Effect"] == "Allow",
                        actions=tuple(as_list(statement["Action"])),
                        resources=tuple(as_list(statement["Resource"])),
                        condition=statement.get("Condition", {}),
                    )
                    for policy in policies
                    for statement in policy["PolicyDocument"]["Statement"]
                )
        raise Unsupported(f"the role {role_arn} is not in the template")


def _stage(declared: Mapping[str, Any]) -> Stage:
    stage = Properties(f"stage {declared.get('Name')}", declared)
    name = stage.take("Name")
    actions = [_action(action) for action in stage.take("Actions")]
    conditions = stage.inside("BeforeEntry")
    (condition,) = conditions.take("Conditions", []) or [None]
    conditions.done()
    stage.done()
    if condition is None:
        return Stage(name, actions)
    rules = Properties(f"stage {name}'s condition", condition)
    result = rules.take("Result")
    found = tuple(_rule(rule) for rule in rules.take("Rules"))
    rules.done()
    return Stage(name, actions, entry_rules=found, entry_result=result)


def _action(declared: Mapping[str, Any]) -> Action:
    action = Properties(f"action {declared.get('Name')}", declared)
    kind = action.inside("ActionTypeId")
    category, owner, provider = (kind.take(part) for part in ("Category", "Owner", "Provider"))
    kind.done("Version")
    read = Action(
        name=action.take("Name"),
        category=category,
        owner=owner,
        provider=provider,
        region=action.take("Region", None),
        run_order=action.number("RunOrder", 1),
        configuration=action.take("Configuration", {}),
    )
    action.done("InputArtifacts", "OutputArtifacts", "Namespace", "RoleArn")
    return read


def _rule(declared: Mapping[str, Any]) -> Rule:
    rule = Properties(f"rule {declared.get('Name')}", declared)
    kind = rule.inside("RuleTypeId")
    kind.expect("Category", "Rule")
    kind.expect("Owner", "AWS")
    provider = kind.take("Provider")
    kind.done("Version")
    read = Rule(rule.take("Name"), provider, rule.take("Configuration", {}))
    rule.done()
    return read


def _notifications(properties: Properties) -> DeclaredNotifications:
    (target,) = properties.take("Targets")
    aim = Properties(f"{properties.where}.Targets", target)
    aim.expect("TargetType", "SNS")
    read = DeclaredNotifications(
        pipeline_arn=properties.take("Resource"),
        topic_arn=aim.take("TargetAddress"),
        events=tuple(properties.take("EventTypeIds")),
        detail_type=properties.take("DetailType"),
    )
    aim.done()
    properties.done("Name", "Status")
    return read
