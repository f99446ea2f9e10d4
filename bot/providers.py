"""CodePipeline's action providers in AWS Health's service codes. Data, in one place.

Seen in AWS material: CLOUDFORMATION ECS LAMBDA EC2 S3 ELASTICLOADBALANCING. The others are the codes AWS's naming
suggests; a pipeline can name its own with the tag allclear:services.
"""

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


def services_of(owner: str, provider: str) -> frozenset[str]:
    """The Health services whose issue may break an action of this provider; third parties' only when many are."""
    if owner in ("ThirdParty", "Custom"):
        return frozenset({"MULTIPLE_SERVICES"})
    return SERVICES_BY_PROVIDER.get(provider, frozenset()) | SERVICES_OF_EVERY_ACTION
