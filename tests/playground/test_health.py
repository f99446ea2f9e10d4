"""The AWS Health stand-in: its API through boto3, its events against the documented shape."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ClientError

from playground.health import Health
from tests.playground.aws_server import client_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

# Modelled on the events of the AWS Health User Guide: every member and its type.
DETAIL = {
    "eventArn": str,
    "service": str,
    "eventTypeCode": str,
    "eventTypeCategory": str,
    "eventScopeCode": str,
    "communicationId": str,
    "startTime": str,
    "lastUpdatedTime": str,
    "statusCode": str,
    "eventRegion": str,
    "eventDescription": list,
    "affectedEntities": list,
    "page": str,
    "totalPages": str,
    "backupEvent": str,
    "affectedAccount": str,
    "personas": list,
}
ENVELOPE = {
    "version": str,
    "id": str,
    "detail-type": str,
    "source": str,
    "account": str,
    "time": str,
    "region": str,
    "resources": list,
    "detail": dict,
}


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def health(sent: list[dict[str, Any]]) -> Health:
    return Health(sent.append)


@pytest.fixture
def client(health: Health) -> Iterator[Any]:
    with client_of("health", health) as made:
        yield made


def types(value: dict[str, Any]) -> dict[str, type]:
    return {name: type(member) for name, member in value.items()}


def every(client: Any, **wanted: Any) -> list[dict[str, Any]]:
    pages = client.get_paginator("describe_events").paginate(filter=wanted)
    return [event for page in pages for event in page["events"]]


def test_an_event_has_the_documented_shape(health: Health, sent: list[dict[str, Any]]) -> None:
    with time_machine.travel(NOON, tick=False):
        arn = health.open_issue("EC2", "af-south-1", start_at=NOON - timedelta(hours=1))
        health.close(arn)
    opened, closed = sent
    assert types(opened) == ENVELOPE
    assert types(opened["detail"]) == DETAIL
    assert types(closed["detail"]) == DETAIL | {"endTime": str}
    assert (opened["time"], opened["region"]) == ("2026-03-02T12:00:00Z", "af-south-1")
    assert opened["detail"]["startTime"] == "Mon, 02 Mar 2026 11:00:00 GMT"
    assert (opened["detail"]["statusCode"], closed["detail"]["statusCode"]) == ("open", "closed")
    assert closed["detail"]["endTime"] == "Mon, 02 Mar 2026 12:00:00 GMT"


def test_each_update_has_a_communication_of_its_own_and_the_same_arn(
    health: Health, sent: list[dict[str, Any]]
) -> None:
    arn = health.open_issue("EC2", "us-east-1")
    health.update(arn, "[RESOLVED] We see recovery.", endTime="", affectedAccount=None)
    health.close(arn, end_time=False)
    health.reopen(arn)
    assert {event["detail"]["eventArn"] for event in sent} == {arn}
    assert len({event["detail"]["communicationId"] for event in sent}) == 4
    assert [event["detail"]["statusCode"] for event in sent] == ["open", "open", "closed", "open"]
    assert sent[1]["detail"]["endTime"] == ""
    assert "affectedAccount" not in sent[1]["detail"]
    assert "endTime" not in sent[2]["detail"]


def test_a_silent_change_is_known_to_the_api_only(health: Health, client: Any, sent: list[dict[str, Any]]) -> None:
    arn = health.open_issue("EC2", "us-east-1", silent=True)
    health.close(arn, silent=True)
    assert sent == []
    [event] = every(client, eventArns=[arn])
    assert (event["statusCode"], event["endTime"] >= event["startTime"]) == ("closed", True)


def test_a_global_issue_is_delivered_in_us_east_1(health: Health, sent: list[dict[str, Any]]) -> None:
    health.open_issue("IAM", "global")
    assert (sent[0]["region"], sent[0]["detail"]["eventRegion"]) == ("us-east-1", "global")


def test_events_are_paged_newest_update_first_and_each_comes_once(health: Health, client: Any) -> None:
    arns = []
    for minute in range(5):
        with time_machine.travel(NOON + timedelta(minutes=minute), tick=False):
            arns.append(health.open_issue("EC2", "us-east-1"))
    first = client.describe_events(maxResults=1)
    assert [event["arn"] for event in first["events"]] == [arns[4]]
    assert len(client.describe_events(maxResults=100)["events"]) == health.page_size
    assert [event["arn"] for event in every(client)] == arns[::-1]
    with pytest.raises(ClientError, match="InvalidPaginationToken"):
        client.describe_events(nextToken="junk")


def test_every_filter_filters(health: Health, client: Any) -> None:
    ec2 = health.open_issue("EC2", "us-east-1")
    ecs = health.open_issue("ECS", "eu-west-1", type_code="AWS_ECS_API_ISSUE")
    change = health.open_issue("RDS", "us-east-1", category="scheduledChange")
    health.close(ecs)
    found = {
        "services": every(client, services=["EC2", "RDS"]),
        "regions": every(client, regions=["us-east-1"]),
        "types": every(client, eventTypeCodes=["AWS_ECS_API_ISSUE"]),
        "categories": every(client, eventTypeCategories=["scheduledChange"]),
        "statuses": every(client, eventStatusCodes=["closed"]),
        "both": every(client, eventStatusCodes=["open"], eventTypeCategories=["issue"]),
        "times": every(client, endTimes=[{"from": datetime(2020, 1, 1, tzinfo=UTC)}]),
    }
    assert {name: {event["arn"] for event in events} for name, events in found.items()} == {
        "services": {ec2, change},
        "regions": {ec2, change},
        "types": {ecs},
        "categories": {change},
        "statuses": {ecs},
        "both": {ec2},
        "times": {ecs},
    }


def test_details_tell_what_is_known_and_what_is_not(health: Health, client: Any) -> None:
    arn = health.open_issue("EC2", "us-east-1", description="Errors")
    unknown = "arn:aws:health:us-east-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/AWS_EC2_OPERATIONAL_ISSUE_X"
    answer = client.describe_event_details(eventArns=[arn, unknown])
    [known] = answer["successfulSet"]
    assert (known["event"]["arn"], known["eventDescription"]["latestDescription"]) == (arn, "Errors")
    assert [failure["eventArn"] for failure in answer["failedSet"]] == [unknown]


def test_without_a_support_plan_the_error_is_one_botocore_does_not_model(health: Health, client: Any) -> None:
    health.support_plan = False
    with pytest.raises(ClientError, match="SubscriptionRequiredException"):
        client.describe_events()
    assert not hasattr(client.exceptions, "SubscriptionRequiredException")


@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 400), ("InternalFailure", 500)])
def test_unreadable_for_a_while(health: Health, client: Any, code: str, status: int) -> None:
    health.unreadable, health.unreadable_code = True, code
    with pytest.raises(ClientError, match=code) as refusal:
        client.describe_event_details(eventArns=[health.open_issue("EC2", "us-east-1")])
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    health.unreadable = False
    assert len(every(client)) == 1


def test_a_request_signed_for_another_region_is_refused(health: Health) -> None:
    """AWS Health answers in us-east-1 and us-east-2 only."""
    refused = pytest.raises(ClientError, match="InvalidSignatureException")
    with client_of("health", health, "eu-west-1") as client, refused:
        client.describe_events()


def test_another_account_sees_only_what_is_public(health: Health) -> None:
    public = health.open_issue("EC2", "us-east-1")
    health.open_issue("EC2", "us-east-1", scope="ACCOUNT_SPECIFIC")
    answer = health.describe_events({}, region="us-east-1", account="999999999999")
    assert [event["arn"] for event in answer["events"]] == [public]
