"""Which permissions the reads of the services behind a pipeline's actions need.

Source: the Service Authorization Reference's pages on AWS CloudFormation, CodeBuild, CodeDeploy and Amazon ECS.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from playground.iam import Need

Params = Mapping[str, Any]


def deploy_needs(account: str, service: str, operation: str, params: Params, region: str) -> Iterator[Need]:
    """The permissions, on the resources the call names; CodeDeploy's, on a group it does not name."""
    arn = f"arn:aws:{service}:{region}:{account}:"
    match service, operation:
        case "cloudformation", "DescribeStackEvents":
            name = str(params.get("StackName", ""))
            yield Need(
                "cloudformation:DescribeStackEvents", name if name.startswith("arn:") else f"{arn}stack/{name}/*"
            )
        case "codebuild", "BatchGetBuilds":
            for build in params.get("ids", ()):
                yield Need("codebuild:BatchGetBuilds", f"{arn}project/{str(build).partition(':')[0]}")
        case "codedeploy", "GetDeployment":
            yield Need("codedeploy:GetDeployment", f"{arn}deploymentgroup:application/group")
        case "ecs", "DescribeServices":
            for name in params.get("services", ()):
                yield Need("ecs:DescribeServices", str(name))
        case _:
            return
