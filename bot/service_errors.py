"""Whether a failed action failed by an error that the AWS service itself answered with, and which service. Pure.

Only this counts towards an inferred incident (bot.inferred). What a team's own code writes, a Lambda function's
answer, a test's or a command's output, may say "503" as well and says nothing of AWS.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from bot.model import RULE, FailedAction
from bot.policy import Policy
from bot.providers import SERVICES_BY_BUILD_PHASE, SERVICES_BY_PROVIDER, named_by_sdk, named_phase


class Fault(StrEnum):
    """How a service failed: two failures are alike only with the same one."""

    SERVER = "server error"  # a 5xx, an internal failure, "unavailable": the service says that it is at fault
    THROTTLING = "throttling"  # it refuses for the number of calls, which may be the account's own doing


@dataclass(frozen=True, slots=True)
class ServiceError:
    """What a failed action met. `services` are the Health codes it may have been; never empty."""

    region: str
    services: frozenset[str]
    fault: Fault


# Error codes of AWS's services (Common Errors in their API references; HandlerErrorCode of CloudFormation's
# registry) and the words CloudFormation gives as a resource's reason. A 5xx comes first: S3's SlowDown is one.
_SERVER = re.compile(
    r"\bStatus ?Code: ?5\d\d\b"
    r"|\b(?:InternalFailure|InternalServer(?:Error|Exception)?|InternalServiceError|ServiceInternalError"
    r"|ServiceUnavailable(?:Exception)?)\b"
    r"|\binternal (?:server |service )?(?:error|failure)\b|\bservice (?:is )?(?:temporarily )?unavailable\b",
    re.IGNORECASE,
)
_THROTTLING = re.compile(
    r"\bStatus ?Code: ?429\b|\bThrottl(?:ing|ed)(?:Exception)?\b|\bThrottledException\b|\bRate exceeded\b"
    r"|\b(?:RequestLimitExceeded|TooManyRequestsException|ProvisionedThroughputExceeded(?:Exception)?|SlowDown)\b",
    re.IGNORECASE,
)
_TEAMS_OWN_WORDS = ("Approval", "Invoke", RULE)  # categories of actions whose message a person or a function wrote
_BUILDS = ("Build", "Test", "Compute")
_CODEBUILDS_OWN_PHASES = (
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
    "SUBMITTED",
)


def fault_of(text: str) -> Fault | None:
    """How an AWS service failed, by what it said; None where it does not say that it did."""
    if _SERVER.search(text):
        return Fault.SERVER
    return Fault.THROTTLING if _THROTTLING.search(text) else None


def service_error(action: FailedAction, policy: Policy) -> ServiceError | None:
    """The service error that the action met; None for everything else. Whose failure it is, attribution says."""
    fault = _fault(action)
    services = _services(action, policy) if fault is not None else frozenset()
    return ServiceError(action.region, services, fault) if fault is not None and services else None


def _fault(action: FailedAction) -> Fault | None:
    if action.owner != "AWS" or action.category in _TEAMS_OWN_WORDS or action.gate_issues is not None:
        return None
    if action.build_fault or action.error_code == "SystemUnavailable":
        return Fault.SERVER
    if action.category in _BUILDS:
        phase = action.build_phase or named_phase(action.message)
        return fault_of(action.message) if phase in _CODEBUILDS_OWN_PHASES else None
    return fault_of(f"{action.message}\n{action.reason}")


def _services(action: FailedAction, policy: Policy) -> frozenset[str]:
    """The narrowest that is known: what the error names, what failed in the stack, what the provider is.

    What CodeDeploy and ECS deploy to may explain a failure; it is not what failed.
    """
    named = named_by_sdk(action.message) or named_by_sdk(action.reason)
    if named:
        return named
    if action.services and action.provider == "CloudFormation":
        return frozenset(action.services)
    of_provider = dict(policy.provider_services).get(action.provider) or SERVICES_BY_PROVIDER.get(action.provider)
    return (of_provider or frozenset()) | SERVICES_BY_BUILD_PHASE.get(action.build_phase, frozenset())
