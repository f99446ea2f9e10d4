"""CodePipeline's action providers in AWS Health's service codes. Data, in one place.

Seen in AWS material: CLOUDFORMATION ECS LAMBDA EC2 S3 ELASTICLOADBALANCING. The others are the codes AWS's naming
suggests; a pipeline can name its own with the tag allclear:services, a stack with the setting ProviderServices.
"""

import re
from collections.abc import Sequence

SERVICES_BY_PROVIDER: dict[str, frozenset[str]] = {
    "AppConfig": frozenset({"APPCONFIG"}),
    "CloudFormation": frozenset({"CLOUDFORMATION"}),
    "CloudFormationStackInstances": frozenset({"CLOUDFORMATION"}),
    "CloudFormationStackSet": frozenset({"CLOUDFORMATION"}),
    "CodeBuild": frozenset({"CODEBUILD"}),
    "CodeCommit": frozenset({"CODECOMMIT"}),
    "CodeDeploy": frozenset({"CODEDEPLOY"}),
    "CodeDeployToECS": frozenset({"CODEDEPLOY", "ECS"}),
    "CodeStarSourceConnection": frozenset({"CODECONNECTIONS"}),
    "Commands": frozenset({"CODEBUILD"}),
    "EC2": frozenset({"EC2"}),
    "ECR": frozenset({"ECR"}),
    "ECRBuildAndPublish": frozenset({"CODEBUILD", "ECR"}),
    "ECS": frozenset({"ECS"}),
    "EKS": frozenset({"EKS"}),
    "ElasticBeanstalk": frozenset({"ELASTICBEANSTALK"}),
    "InspectorScan": frozenset({"INSPECTOR"}),
    "Lambda": frozenset({"LAMBDA"}),
    "S3": frozenset({"S3"}),
    "ServiceCatalog": frozenset({"SERVICECATALOG"}),
    "StepFunctions": frozenset({"STATES"}),
}

# Every action runs through CodePipeline itself; a headline about the console stands for the Region.
SERVICES_OF_EVERY_ACTION = frozenset({"CODEPIPELINE", "MANAGEMENTCONSOLE", "MULTIPLE_SERVICES"})

# An AWS SDK error names the service that failed: "… (Service: AmazonEC2; Status Code: 503; …)".
SERVICES_BY_SDK_NAME: dict[str, str] = {
    "autoscaling": "AUTOSCALING",
    "cloudformation": "CLOUDFORMATION",
    "cloudfront": "CLOUDFRONT",
    "cloudwatch": "CLOUDWATCH",
    "codebuild": "CODEBUILD",
    "codedeploy": "CODEDEPLOY",
    "dynamodb": "DYNAMODB",
    "ec2": "EC2",
    "ecr": "ECR",
    "ecs": "ECS",
    "eks": "EKS",
    "elasticloadbalancing": "ELASTICLOADBALANCING",
    "identitymanagement": "IAM",
    "iam": "IAM",
    "kms": "KMS",
    "lambda": "LAMBDA",
    "rds": "RDS",
    "route53": "ROUTE53",
    "s3": "S3",
    "securitytokenservice": "IAM",
    "sns": "SNS",
    "sqs": "SQS",
}


# What a phase of CodeBuild needs besides CodeBuild: an image and a machine, the artifacts' bucket or a full clone.
SERVICES_BY_BUILD_PHASE: dict[str, frozenset[str]] = {
    "PROVISIONING": frozenset({"EC2", "ECR"}),
    "DOWNLOAD_SOURCE": frozenset({"CODECOMMIT", "CODECONNECTIONS", "S3"}),
    "UPLOAD_ARTIFACTS": frozenset({"S3"}),
}

# What CodeDeploy's compute platforms and ECS's launch types stand on.
SERVICES_BY_PLATFORM: dict[str, frozenset[str]] = {
    "Server": frozenset({"EC2", "AUTOSCALING"}),
    "Lambda": frozenset({"LAMBDA"}),
    "ECS": frozenset({"ECS"}),
    "EC2": frozenset({"EC2"}),
    "FARGATE": frozenset({"FARGATE"}),
}
LOAD_BALANCER = "ELASTICLOADBALANCING"

# A resource type names its service, AWS::RDS::DBInstance RDS; these differ from Health's code or stand on more.
# ELASTICFILESYSTEM, ES and VPC are seen in event type codes; FIREHOSE, KINESISANALYTICS, MQ, NATGATEWAY and
# PRIVATELINK are inferred from AWS's public status feed, which calls them so.
SERVICES_BY_RESOURCE: dict[str, frozenset[str]] = {
    "AWS::AmazonMQ": frozenset({"MQ"}),
    "AWS::ApiGatewayV2": frozenset({"APIGATEWAY"}),
    "AWS::ApplicationAutoScaling": frozenset({"AUTOSCALING"}),
    "AWS::AutoScaling": frozenset({"AUTOSCALING", "EC2"}),
    "AWS::CertificateManager": frozenset({"ACM"}),
    "AWS::CloudFormation::CustomResource": frozenset({"LAMBDA"}),
    "AWS::CodeStarConnections": frozenset({"CODECONNECTIONS"}),
    "AWS::DocDB": frozenset({"DOCDB", "RDS"}),
    "AWS::EC2::NatGateway": frozenset({"EC2", "NATGATEWAY", "VPC"}),
    "AWS::EC2::VPC": frozenset({"EC2", "VPC"}),
    "AWS::EC2::VPCEndpoint": frozenset({"EC2", "PRIVATELINK", "VPC"}),
    "AWS::EC2::Volume": frozenset({"EBS", "EC2"}),
    "AWS::EFS": frozenset({"EFS", "ELASTICFILESYSTEM"}),
    "AWS::ElasticLoadBalancingV2": frozenset({"ELASTICLOADBALANCING"}),
    "AWS::Elasticsearch": frozenset({"ELASTICSEARCH", "ES"}),
    "AWS::KinesisAnalyticsV2": frozenset({"KINESISANALYTICS"}),
    "AWS::KinesisFirehose": frozenset({"FIREHOSE"}),
    "AWS::Logs": frozenset({"CLOUDWATCH", "LOGS"}),
    "AWS::Neptune": frozenset({"NEPTUNE", "RDS"}),
    "AWS::OpenSearchService": frozenset({"ES", "OPENSEARCH"}),
    "AWS::StepFunctions": frozenset({"STATES"}),
    "AWS::WAFv2": frozenset({"WAF"}),
    "Custom": frozenset({"LAMBDA"}),
}


def services_of_resource(resource_type: str) -> frozenset[str]:
    """The Health services a CloudFormation resource of this type stands on; none for a third party's.

    The longest name in SERVICES_BY_RESOURCE that the type begins with decides, else the type's own service.
    """
    parts = resource_type.split("::")
    for length in range(len(parts), 0, -1):
        known = SERVICES_BY_RESOURCE.get("::".join(parts[:length]))
        if known is not None:
            return known
    return frozenset({parts[1].upper()}) if parts[0] == "AWS" and len(parts) == 3 else frozenset()


def services_of(owner: str, provider: str, overrides: Sequence[tuple[str, frozenset[str]]] = ()) -> frozenset[str]:
    """The Health services whose issue may break an action of this provider; third parties' only when many are.

    `overrides` are the setting ProviderServices, which says it for a provider in place of SERVICES_BY_PROVIDER.
    """
    named = dict(overrides).get(provider)
    if owner in ("ThirdParty", "Custom"):
        return (named or frozenset()) | {"MULTIPLE_SERVICES"}
    return (named or SERVICES_BY_PROVIDER.get(provider, frozenset())) | SERVICES_OF_EVERY_ACTION


_SDK_SERVICE = re.compile(r"\(Service: (?:Amazon|AWS)?(\w+)")
_BUILD_PHASE = re.compile(r"Phase: ?(\w+)")


def named_by_sdk(message: str) -> frozenset[str]:
    """The service that an AWS SDK's error names; nothing where it names none that is known."""
    named = _SDK_SERVICE.search(message)
    service = SERVICES_BY_SDK_NAME.get(named.group(1).lower()) if named else None
    return frozenset({service} if service else ())


def named_phase(message: str) -> str:
    """The phase of the build that CodePipeline's summary names, "" for none."""
    named = _BUILD_PHASE.search(message)
    return named.group(1) if named else ""
