"""What CloudFormation, CodeBuild, CodeDeploy and ECS tell of a failed action, over boto3.

Each read is optional: a service that refuses or does not know answers nothing, and attribution does without.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.adapters.aws import AWS_ERRORS, AwsClients, error_text, is_passing
from bot.errors import TryLater
from bot.evidence import Found
from bot.model import MESSAGE_LIMIT, FailedAction
from bot.providers import LOAD_BALANCER, SERVICES_BY_PLATFORM, services_of_resource
from bot.service_errors import fault_of

logger = logging.getLogger(__name__)

STACKS = 3  # the action's own and nested ones that failed with it
PAGES = 2  # of a stack's events, newest first, 100 a page: a stack may have 500 resources, few of them fail
ATTEMPTS = 2  # calls in all; nobody waits long for an explanation
READ_TIMEOUT = 4  # seconds

_BUILD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_]{1,254}:[A-Za-z0-9\-]{1,100}")
_DEPLOYMENT_ID = re.compile(r"d-[A-Z0-9]{1,30}")
_STACK = "AWS::CloudFormation::Stack"
_BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"})
_CANCELLED = re.compile(r"cancell?ed", re.IGNORECASE)  # another resource failed, and took this one along

Event = Mapping[str, Any]


class ServiceEvidence:
    """bot.evidence.Evidence."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def of(self, account: str, action: FailedAction) -> Found:
        """See bot.evidence.Evidence."""
        return self._asked({"CloudFormation": self._stack, "CodeBuild": self._build}, account, action)

    def underway(self, account: str, action: FailedAction) -> Found:
        """See bot.evidence.Evidence. Of a build nothing: its phases tell only how they ended."""
        return self._asked({"CloudFormation": self._stack_underway}, account, action)

    def _asked(
        self, readers: Mapping[str, Callable[[str, FailedAction], Found]], account: str, action: FailedAction
    ) -> Found:
        """By `readers`, or by those whose answer is the same whether it runs or has failed."""
        if action.owner != "AWS" or action.gate_issues is not None:
            return Found()
        always = {
            "CodeDeploy": self._deployment,
            "CodeDeployToECS": self._deployment,
            "ECS": self._service,
        }
        read = {**always, **readers}.get(action.provider)
        if read is None:
            return Found()
        try:
            return read(account, action)
        except AWS_ERRORS as error:
            if is_passing(error):
                raise TryLater(error_text(error)) from error
            logger.warning(
                "%s does not tell what %s works on: %s", action.provider, action.name, error_text(error)
            )
            return Found()

    def _stack(self, _account: str, action: FailedAction) -> Found:
        """The services of the resources that failed in the action's stack, and in stacks nested in it; how."""
        return self._resources(action, _failures)

    def _stack_underway(self, _account: str, action: FailedAction) -> Found:
        """The services of the resources that are being changed there now."""
        return self._resources(action, _underway)

    def _resources(self, action: FailedAction, pick: Callable[[Iterator[Event]], Iterator[Event]]) -> Found:
        services: set[str] = set()
        reason = ""
        waiting = [action.target] if action.target else []
        for _ in range(STACKS):
            if not waiting:
                break
            for event in pick(self._stack_events(action.region, waiting.pop(0))):
                nested = event.get("PhysicalResourceId", "")
                if event.get("ResourceType") == _STACK and nested:
                    waiting.append(nested)
                else:
                    services |= services_of_resource(event.get("ResourceType", ""))
                    told = event.get("ResourceStatusReason", "")[:MESSAGE_LIMIT]
                    reason = reason or (told if fault_of(told) else "")
        return Found(services=tuple(sorted(services)), reason=reason)

    def _stack_events(self, region: str, stack: str) -> Iterator[Event]:
        """Newest first, a page at a time."""
        client = self._clients.client("cloudformation", region, attempts=ATTEMPTS, read_timeout=READ_TIMEOUT)
        more: dict[str, str] = {}
        for _ in range(PAGES):
            answer = client.describe_stack_events(StackName=stack, **more)
            yield from answer.get("StackEvents", ())
            if not answer.get("NextToken"):
                return
            more = {"NextToken": answer["NextToken"]}

    def _build(self, _account: str, action: FailedAction) -> Found:
        """The phase that failed. A phase that was stopped for another's failure is none."""
        if not _BUILD_ID.fullmatch(action.external_execution_id):
            return Found()
        client = self._clients.client("codebuild", action.region, attempts=ATTEMPTS, read_timeout=READ_TIMEOUT)
        builds = client.batch_get_builds(ids=[action.external_execution_id]).get("builds", ())
        for build in builds:
            for phase in build.get("phases", ()):
                if phase.get("phaseStatus") in ("FAILED", "FAULT", "TIMED_OUT"):
                    return Found(
                        build_phase=phase.get("phaseType", ""), build_fault=phase["phaseStatus"] == "FAULT"
                    )
        return Found()

    def _deployment(self, _account: str, action: FailedAction) -> Found:
        if not _DEPLOYMENT_ID.fullmatch(action.external_execution_id):
            return Found()
        client = self._clients.client("codedeploy", action.region, attempts=ATTEMPTS, read_timeout=READ_TIMEOUT)
        told = client.get_deployment(deploymentId=action.external_execution_id).get("deploymentInfo", {})
        services = set(SERVICES_BY_PLATFORM.get(told.get("computePlatform", ""), ()))
        if told.get("loadBalancerInfo"):
            services.add(LOAD_BALANCER)
        return Found(services=tuple(sorted(services)))

    def _service(self, account: str, action: FailedAction) -> Found:
        cluster, _, name = action.target.partition("/")
        if not name:
            return Found()
        client = self._clients.client("ecs", action.region, attempts=ATTEMPTS, read_timeout=READ_TIMEOUT)
        arn = f"arn:{client.meta.partition}:ecs:{action.region}:{account}:service/{cluster}/{name}"
        services: set[str] = set()
        for told in client.describe_services(cluster=cluster, services=[arn]).get("services", ()):
            services |= SERVICES_BY_PLATFORM.get(told.get("launchType", ""), frozenset())
            if told.get("loadBalancers"):
                services.add(LOAD_BALANCER)
        return Found(services=tuple(sorted(services)))


def _failures(events: Iterator[Event]) -> Iterator[Event]:
    """Of the stack's latest operation: what failed by itself, each resource once."""
    seen = set()
    for event in _of_this_operation(events):
        resource = event.get("LogicalResourceId", "")
        cancelled = _CANCELLED.search(event.get("ResourceStatusReason", ""))
        if not event.get("ResourceStatus", "").endswith("_FAILED") or cancelled or resource in seen:
            continue
        seen.add(resource)
        yield event


def _underway(events: Iterator[Event]) -> Iterator[Event]:
    """Of the stack's latest operation: the resources whose newest word is that they are being changed."""
    seen = set()
    for event in _of_this_operation(events):
        resource = event.get("LogicalResourceId", "")
        if resource not in seen and event.get("ResourceStatus", "").endswith("_IN_PROGRESS"):
            yield event
        seen.add(resource)


def _of_this_operation(events: Iterator[Event]) -> Iterator[Event]:
    """The resources' events, newest first, back to the stack's own beginning."""
    for event in events:
        itself = event.get("ResourceType") == _STACK and event.get("PhysicalResourceId") == event.get("StackId")
        if itself and event.get("ResourceStatus") in _BEGINNINGS:
            return
        if not itself:
            yield event
