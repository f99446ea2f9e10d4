"""Which Health services a provider, a CloudFormation resource or a build phase stands on, and who may say so."""

import pytest

from bot.errors import ParseError
from bot.policy import parse_policy
from bot.providers import services_of, services_of_resource


@pytest.mark.parametrize(
    ("resource", "services"),
    [
        ("AWS::RDS::DBInstance", {"RDS"}),
        ("AWS::Lambda::Function", {"LAMBDA"}),
        ("AWS::DynamoDB::Table", {"DYNAMODB"}),
        ("AWS::ElasticLoadBalancingV2::Listener", {"ELASTICLOADBALANCING"}),
        ("AWS::ApiGatewayV2::Api", {"APIGATEWAY"}),
        ("AWS::EC2::Volume", {"EBS", "EC2"}),
        ("AWS::EC2::VPC", {"EC2", "VPC"}),
        ("AWS::EC2::Subnet", {"EC2"}),
        ("AWS::EFS::MountTarget", {"EFS", "ELASTICFILESYSTEM"}),
        ("AWS::KinesisFirehose::DeliveryStream", {"FIREHOSE"}),
        ("AWS::EC2::VolumeAttachment", {"EC2"}),
        ("AWS::CloudFormation::CustomResource", {"LAMBDA"}),
        ("AWS::CloudFormation::WaitCondition", {"CLOUDFORMATION"}),
        ("Custom::Migration", {"LAMBDA"}),
        ("AWS::StepFunctions::StateMachine", {"STATES"}),
        ("Datadog::Monitors::Monitor", set()),
        ("My::Own::Thing::MODULE", set()),
        ("AWS::Odd", set()),
        ("", set()),
    ],
)
def test_a_resource_type_names_its_services(resource: str, services: set[str]) -> None:
    """By its own second part, but for the exceptions, of which the longest counts."""
    assert services_of_resource(resource) == services


def test_a_setting_says_it_in_place_of_our_own_list() -> None:
    """A provider we do not know, or know wrongly; what stands for every action stays."""
    policy = parse_policy({"PROVIDER_SERVICES": "CodeBuild=CODEBUILD+ECR, MyDeployer=ECS"})
    overrides = policy.provider_services
    assert services_of("AWS", "CodeBuild", overrides) > {"CODEBUILD", "ECR", "MULTIPLE_SERVICES"}
    assert "CODEBUILD" in services_of("AWS", "Commands", overrides)
    assert services_of("Custom", "MyDeployer", overrides) == {"ECS", "MULTIPLE_SERVICES"}
    assert services_of("Custom", "MyDeployer") == {"MULTIPLE_SERVICES"}
    assert "ECR" not in services_of("AWS", "CodeBuild")


@pytest.mark.parametrize(
    "text",
    [
        "CodeBuild",
        "CodeBuild=",
        "=ECS",
        "CodeBuild=ecs",
        "A=ECS+",
        "A=ECS,A=RDS",
        "A=ECS;B=RDS",
        "A=ECS RDS",
        "A B=ECS",
    ],
)
def test_a_setting_that_is_not_as_written_is_refused_by_name(text: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse_policy({"PROVIDER_SERVICES": text})
    assert refused.value.field == "PROVIDER_SERVICES"
