"""What a deploy failed on, asked of the service behind it: on the card, through the template's permissions."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.outside.night import REGION, Night

DENIED = {
    "cloudformation:DescribeStackEvents",
    "codebuild:BatchGetBuilds",
    "codedeploy:GetDeployment",
    "ecs:DescribeServices",
}


def calls(night: Night, service: str) -> list[tuple[str, str]]:
    """Which function called it, and how that ended."""
    return [(call.function, call.error_code) for call in night.cloud.gateway.calls if call.service == service]


def the_upgrade_fails(night: Night) -> None:
    """The article's story: a change set that upgrades the database, in the middle of an RDS issue."""
    night.pipeline(configuration={"StackName": "web-data", "ActionMode": "CHANGE_SET_EXECUTE"})
    night.cloud.cloudformation.update_fails(
        "web-data",
        [
            ("Database", "AWS::RDS::DBInstance", "Resource handler returned message: internal failure"),
            ("Cluster", "AWS::ECS::Service", "Resource update cancelled"),
        ],
        passed=[(f"Bucket{number}", "AWS::S3::Bucket") for number in range(4)],
    )
    night.fail()


def test_a_database_upgrade_is_held_by_the_rds_issue_and_goes_through_after_it(night: Night) -> None:
    """Not only CLOUDFORMATION: what failed in the stack counts, and what was cancelled along with it does not."""
    issue = night.cloud.health.open_issue("RDS", REGION)
    night.cloud.health.open_issue("ECS", REGION)
    the_upgrade_fails(night)
    assert night.title() == "web → Deploy: held"
    assert "failed on RDS" in str(night.card().blocks)
    assert "ECS" not in str(night.card().blocks)
    assert ("PipelineEventFunction", "") in calls(night, "cloudformation")
    night.mend()
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.accepted() == 1
    assert night.title() == "web → Deploy: recovered"


def test_three_databases_that_fail_alike_are_one_card_and_hold_nothing(night: Night) -> None:
    """CodePipeline says of each that its stack did not update; why, each stack says. AWS has posted nothing."""
    for name in ("web", "api", "job"):
        night.pipeline(name, configuration={"StackName": f"{name}-data"})
        night.cloud.cloudformation.update_fails(
            f"{name}-data",
            [("Database", "AWS::RDS::DBInstance", "Resource handler returned message: internal failure")],
        )
        night.cloud.codepipeline.fail_action(
            name, "Deploy", "DeployStack", while_=lambda: True, message="UPDATE_ROLLBACK_COMPLETE"
        )
        night.cloud.codepipeline.start(name)
    night.wait(4)
    assert [card.blocks[0]["text"]["text"] for card in night.cards() if "alike" in card.text] == [
        "RDS in us-east-1: 3 pipelines fail alike"
    ]
    night.pipeline("shop", gate=True)
    assert night.stage(night.run("shop"), "shop") == "Succeeded"  # no gate knows of it
    assert night.cloud.codepipeline.retries == []


def test_what_failed_in_a_nested_stack_counts(night: Night) -> None:
    night.cloud.health.open_issue("RDS", REGION)
    night.pipeline(configuration={"StackName": "web"})
    night.cloud.cloudformation.update_fails("web-data", [("Database", "AWS::RDS::DBInstance", "internal failure")])
    night.cloud.cloudformation.update_fails(
        "web", [("Data", "AWS::CloudFormation::Stack", "failed")], nested={"Data": "web-data"}
    )
    night.fail()
    assert night.title() == "web → Deploy: held"


def test_what_failed_in_an_earlier_update_does_not_count(night: Night) -> None:
    """The stack's history ends where this update began."""
    night.cloud.health.open_issue("RDS", REGION)
    night.pipeline(configuration={"StackName": "web"})
    night.cloud.cloudformation.update_fails("web", [("Database", "AWS::RDS::DBInstance", "internal failure")])
    night.wait(60)
    night.cloud.cloudformation.update_fails("web", [("Queue", "AWS::SQS::Queue", "internal failure")])
    night.fail()
    assert night.title() == "web → Deploy: needs a person"


def test_without_the_permissions_the_provider_alone_decides(night: Night) -> None:
    """A refusal is an answer of nothing: no alarm, no delay, and CloudFormation's own issue still holds."""
    for name, function in night.cloud.stack.functions.items():
        kept = tuple(each for each in function.statements if not DENIED & set(each.actions))
        night.cloud.stack.functions[name] = replace(function, statements=kept)  # type: ignore[index]
    night.cloud.gateway._callers = {
        key: night.cloud.stack.functions[each.logical_id] for key, each in night.cloud.gateway._callers.items()
    }
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    the_upgrade_fails(night)
    assert night.title() == "web → Deploy: held"
    assert {code for _, code in calls(night, "cloudformation")} == {"AccessDenied"}
    assert night.cloud.failures() == []


@pytest.mark.parametrize("kind", ["throttle", "error", "drop_before"])
def test_a_cloudformation_that_is_busy_delays_nothing(night: Night, kind: str) -> None:
    """Held by what is known, and the card says what is not."""
    night.cloud.fault("cloudformation", "DescribeStackEvents", kind, times=None)  # type: ignore[arg-type]
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    the_upgrade_fails(night)
    assert night.title() == "web → Deploy: held"
    assert "could not be read" in str(night.card().blocks)


@pytest.mark.parametrize(
    ("phase", "status", "title"),
    [
        ("BUILD", "FAILED", "needs a person"),
        ("BUILD", "FAULT", "held"),
        ("PROVISIONING", "FAILED", "held"),
        ("DOWNLOAD_SOURCE", "TIMED_OUT", "held"),
    ],
)
def test_the_phase_of_a_build_tells_ones_own_failures_from_awss(
    night: Night, phase: str, status: str, title: str
) -> None:
    """CodePipeline's words alone would not."""
    night.cloud.health.open_issue("CODEBUILD", REGION)
    night.pipeline(provider="CodeBuild", category="Build", external_id="web-tests:0b1c2d3e")
    night.cloud.codebuild.build_fails("web-tests:0b1c2d3e", phase, status)
    night.fail()
    assert night.title() == f"web → Deploy: {title}"


@pytest.mark.parametrize(
    ("platform", "service", "title"),
    [
        ("Server", "EC2", "held"),
        ("Lambda", "LAMBDA", "held"),
        ("ECS", "ECS", "held"),
        ("Lambda", "EC2", "needs a person"),
    ],
)
def test_codedeploy_is_explained_by_what_it_deploys_to(
    night: Night, platform: str, service: str, title: str
) -> None:
    night.cloud.health.open_issue(service, REGION)
    night.pipeline(provider="CodeDeploy", external_id="d-ABCDEF123")
    night.cloud.codedeploy.deployment_fails("d-ABCDEF123", platform)
    night.fail()
    assert night.title() == f"web → Deploy: {title}"


def test_an_ecs_service_is_explained_by_its_load_balancer_too(night: Night) -> None:
    night.cloud.health.open_issue("ELASTICLOADBALANCING", REGION)
    night.cloud.ecs.create_service("live", "web", load_balancer=True)
    night.pipeline(provider="ECS", configuration={"ClusterName": "live", "ServiceName": "web"})
    night.fail()
    assert night.title() == "web → Deploy: held"


def test_a_setting_names_the_services_of_a_provider(make_night: Callable[..., Night]) -> None:
    night = make_night(ProviderServices="S3=S3+CLOUDFRONT")
    night.cloud.health.open_issue("CLOUDFRONT", REGION)
    night.pipeline(provider="S3")
    night.fail()
    assert night.title() == "web → Deploy: held"
