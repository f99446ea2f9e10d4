"""Which failures are a service's own errors. What a team wrote or broke itself never is one."""

import pytest

from bot.policy import Policy
from bot.service_errors import Fault, ServiceError, service_error
from tests.builders import a_gate_action, an_action

UNAVAILABLE = "Rate exceeded (Service: AmazonCloudFormation; Status Code: 503; Error Code: ServiceUnavailable)"


def fault(**changes: object) -> Fault | None:
    error = service_error(an_action(**changes), Policy())
    return error.fault if error is not None else None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Resource handler returned message: service unavailable", Fault.SERVER),
        ("Resource handler returned message: internal failure", Fault.SERVER),
        ("… (RequestToken: 1, HandlerErrorCode: ServiceInternalError)", Fault.SERVER),
        ("(Service: Ecs, Status Code: 500, Request ID: 1)", Fault.SERVER),
        ("An error occurred (InternalServerError) when calling the UpdateService operation", Fault.SERVER),
        (UNAVAILABLE, Fault.SERVER),
        ("(Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException)", Fault.THROTTLING),
        ("Rate exceeded (Service: AmazonEC2; Status Code: 400; Error Code: Throttling)", Fault.THROTTLING),
        ("… HandlerErrorCode: Throttling)", Fault.THROTTLING),
        ("The deployment failed because a specified file already exists", None),
        ("(Service: AmazonEC2; Status Code: 400; Error Code: InvalidParameter)", None),
        ("The stack has 503 resources", None),
        ("Parameter InternalErrors is not valid", None),
        ("", None),
    ],
)
def test_the_services_own_words_say_how_it_failed(message: str, expected: Fault | None) -> None:
    assert fault(message=message) is expected


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "Approval", "provider": "Manual"},
        {"category": "Invoke", "provider": "Lambda"},  # a function's answer is the team's words
        {"category": "Rule"},
        {"owner": "Custom", "provider": "MyDeployer"},
        {"owner": "ThirdParty", "category": "Test", "provider": "BlazeMeter"},
        {"category": "Test", "provider": "CodeBuild"},  # no phase is told: it may be what the tests printed
        {"category": "Test", "provider": "CodeBuild", "build_phase": "BUILD"},
        {"category": "Build", "provider": "CodeBuild", "message": f"Phase: POST_BUILD {UNAVAILABLE}"},
        {"provider": "NobodyKnows", "message": "internal failure"},  # of which service?
    ],
)
def test_what_a_teams_own_code_may_have_written_counts_for_nothing(changes: dict[str, str]) -> None:
    assert fault(**{"message": UNAVAILABLE.replace("AmazonCloudFormation", "x"), **changes}) is None


def test_the_gates_own_answer_is_no_services_error() -> None:
    assert service_error(a_gate_action(message="internal failure", category="Deploy"), Policy()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"error_code": "SystemUnavailable", "message": ""},
        {"category": "Build", "provider": "CodeBuild", "build_phase": "BUILD", "build_fault": True},
        {"category": "Test", "provider": "CodeBuild", "message": f"Phase: PROVISIONING {UNAVAILABLE}"},
        {"message": "The following resource(s) failed to update", "reason": "internal failure"},
    ],
)
def test_it_is_also_told_by_codepipelines_code_a_builds_phase_and_a_stacks_resource(
    changes: dict[str, object],
) -> None:
    assert fault(**changes) is Fault.SERVER


@pytest.mark.parametrize(
    ("changes", "services"),
    [
        ({}, {"CLOUDFORMATION"}),
        ({"services": ("EC2", "RDS")}, {"EC2", "RDS"}),
        ({"services": ("RDS",), "message": "x (Service: AmazonEC2; Status Code: 500)"}, {"EC2"}),
        ({"services": ("RDS",), "reason": "x (Service: AmazonEC2; Status Code: 500)", "message": ""}, {"EC2"}),
        ({"provider": "CodeDeployToECS"}, {"CODEDEPLOY", "ECS"}),
        ({"provider": "ECS", "services": ("ELASTICLOADBALANCING", "FARGATE")}, {"ECS"}),
    ],
)
def test_the_narrowest_service_that_is_known(changes: dict[str, object], services: set[str]) -> None:
    """Not CODEPIPELINE or MANAGEMENTCONSOLE, which every action stands on: all would be alike."""
    error = service_error(an_action(**changes), Policy())
    assert error == ServiceError("us-east-1", frozenset(services), Fault.SERVER)


def test_the_setting_says_what_a_provider_stands_on() -> None:
    policy = Policy(provider_services=(("CloudFormation", frozenset({"RDS"})),))
    error = service_error(an_action(), policy)
    assert error is not None
    assert error.services == {"RDS"}
