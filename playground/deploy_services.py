"""Stand-ins for the services behind a pipeline's actions, as far as somebody asks them what failed.

Each holds what a scenario puts there. Sources: the API references of DescribeStackEvents, BatchGetBuilds,
GetDeployment and DescribeServices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from playground.paging import page
from playground.wire import AwsError

Params = Mapping[str, Any]
Answer = dict[str, Any]

SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class CloudFormation:
    """Stacks and their events, newest first, three a page so that paging is exercised."""

    account: str
    page_size: int = 3
    _events: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)  # (Region, stack): oldest first
    _ids: dict[tuple[str, str], str] = field(default_factory=dict)

    def update_fails(
        self,
        stack: str,
        failed: Sequence[tuple[str, str, str]],
        region: str = "us-east-1",
        *,
        passed: Sequence[tuple[str, str]] = (),
        nested: Mapping[str, str] | None = None,
        running: Sequence[tuple[str, str]] = (),
    ) -> None:
        """An update that began now: what passed, what failed (logical id, type, reason), and the rollback.

        `nested`: logical id → name of the nested stack, for those of the failed that are stacks.
        `running` are still being updated: nothing has failed then, and there is no rollback.
        """
        stack_id = self.stack_id(stack, region)
        at = datetime.now(UTC)

        def event(logical: str, kind: str, status: str, reason: str = "", physical: str = "") -> None:
            nonlocal at
            at += SECOND
            row = {
                "StackId": stack_id,
                "EventId": str(uuid4()),
                "StackName": stack,
                "LogicalResourceId": logical,
                "PhysicalResourceId": physical or f"{logical.lower()}-1",
                "ResourceType": kind,
                "Timestamp": at,
                "ResourceStatus": status,
            }
            self._events.setdefault((region, stack), []).append(
                row | ({"ResourceStatusReason": reason} if reason else {})
            )

        own = (stack, "AWS::CloudFormation::Stack")
        event(*own, "UPDATE_IN_PROGRESS", "User Initiated", stack_id)
        for logical, kind in passed:
            event(logical, kind, "UPDATE_IN_PROGRESS")
            event(logical, kind, "UPDATE_COMPLETE")
        for logical, kind in running:
            event(logical, kind, "UPDATE_IN_PROGRESS")
        if running:
            return
        for logical, kind, reason in failed:
            inner = (nested or {}).get(logical)
            event(logical, kind, "UPDATE_FAILED", reason, self.stack_id(inner, region) if inner else "")
        event(*own, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update", stack_id)
        event(*own, "UPDATE_ROLLBACK_COMPLETE", "", stack_id)

    def stack_id(self, stack: str, region: str = "us-east-1") -> str:
        """The ARN of a stack, the same ever after."""
        arn = f"arn:aws:cloudformation:{region}:{self.account}:stack/{stack}/{uuid4()}"
        return self._ids.setdefault((region, stack), arn)

    def describe_stack_events(self, params: Params, *, region: str, account: str) -> Answer:
        name = params.get("StackName", "")
        known = {self._ids[key]: key for key in self._ids}
        key = known.get(name, (region, name))
        if key not in self._events or account != self.account:
            raise AwsError("ValidationError", f"Stack [{name}] does not exist")
        asked = {"nextToken": params["NextToken"]} if "NextToken" in params else {}
        events, more = page(self._events[key], asked, self.page_size, "ValidationError")
        return {"StackEvents": events} | ({"NextToken": more["nextToken"]} if more else {})


@dataclass(slots=True)
class CodeBuild:
    """Builds and the phases they went through."""

    account: str
    _builds: dict[str, Answer] = field(default_factory=dict)

    def build_fails(self, build_id: str, phase: str, status: str = "FAILED") -> None:
        """A build whose `phase` failed; every phase before it passed, and the last ones were gone through."""
        order = ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD"]
        before = order[: order.index(phase)] if phase in order else order
        phases = [
            *({"phaseType": name, "phaseStatus": "SUCCEEDED"} for name in before),
            {"phaseType": phase, "phaseStatus": status},
            {"phaseType": "FINALIZING", "phaseStatus": "SUCCEEDED"},
            {"phaseType": "COMPLETED"},
        ]
        self._builds[build_id] = {"id": build_id, "buildStatus": "FAILED", "phases": phases}

    def batch_get_builds(self, params: Params, *, region: str, account: str) -> Answer:  # noqa: ARG002 - by id
        known = [self._builds[build] for build in params["ids"] if build in self._builds]
        unknown = [build for build in params["ids"] if build not in self._builds]
        return {"builds": known} | ({"buildsNotFound": unknown} if unknown else {})


@dataclass(slots=True)
class CodeDeploy:
    """Deployments and what they deploy to. Their application and group are what permissions name."""

    account: str
    deployments: dict[str, Answer] = field(default_factory=dict)

    def deployment_fails(self, deployment_id: str, platform: str, *, load_balancer: bool = False) -> None:
        told: Answer = {
            "applicationName": "web",
            "deploymentGroupName": "live",
            "deploymentId": deployment_id,
            "status": "Failed",
            "computePlatform": platform,
        }
        balanced = {"loadBalancerInfo": {"targetGroupInfoList": [{"name": "web"}]}}
        self.deployments[deployment_id] = told | (balanced if load_balancer else {})

    def get_deployment(self, params: Params, *, region: str, account: str) -> Answer:  # noqa: ARG002 - by id
        told = self.deployments.get(params["deploymentId"])
        if told is None:
            raise AwsError("DeploymentDoesNotExistException", "No such deployment")
        return {"deploymentInfo": told}


@dataclass(slots=True)
class Ecs:
    """Services and what they run on."""

    account: str
    _services: dict[str, Answer] = field(default_factory=dict)

    def create_service(
        self, cluster: str, name: str, launch_type: str = "FARGATE", *, load_balancer: bool = False
    ) -> None:
        told: Answer = {"serviceName": name, "launchType": launch_type, "status": "ACTIVE"}
        self._services[f"{cluster}/{name}"] = told | (
            {"loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:::targetgroup/web/1"}]}
            if load_balancer
            else {}
        )

    def describe_services(self, params: Params, *, region: str, account: str) -> Answer:  # noqa: ARG002 - by name
        asked = {arn: arn.partition(":service/")[2] for arn in params["services"]}
        return {
            "services": [self._services[name] for name in asked.values() if name in self._services],
            "failures": [
                {"arn": arn, "reason": "MISSING"} for arn, name in asked.items() if name not in self._services
            ],
        }
