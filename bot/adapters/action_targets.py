"""What an action works on, by its own configuration. Pure.

Sources: CodePipeline's action references of AWS CloudFormation (StackName) and Amazon ECS (ClusterName,
ServiceName).
"""

from collections.abc import Mapping
from typing import Any

_NAMED_BY = {"CloudFormation": ("StackName",), "ECS": ("ClusterName", "ServiceName")}


def target_of(provider: str, action_input: Mapping[str, Any], account: str) -> str:
    """The stack, or cluster/service; "" for other providers and where the configuration does not say.

    `action_input` is ListActionExecutions' `input`, whose resolved configuration has variables filled in. An
    action that works in another account by a role there has no target: ours of that name would be another thing.
    """
    if f"::{account}:" not in action_input.get("roleArn", f"::{account}:"):
        return ""
    told = {**action_input.get("configuration", {}), **action_input.get("resolvedConfiguration", {})}
    names = [str(told.get(name, "")) for name in _NAMED_BY.get(provider, ())]
    return "/".join(names) if all(names) else ""
