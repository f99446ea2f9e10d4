"""What EventBridge brings is read as documented, or refused by the name of the field that is not."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ParseError
from bot.events import (
    EventLevel,
    EventState,
    PipelineEvent,
    parse_health_event,
    parse_pipeline_event,
    report_from_describe_events,
)
from bot.model import IssueReport

FIXTURES = Path(__file__).parent / "fixtures"
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
ACCOUNT = "111122223333"


def load(path: str) -> Any:
    return json.loads((FIXTURES / path).read_text(encoding="utf-8"))


def issue(path: str, **detail: Any) -> IssueReport:
    """The report of a fixture whose detail is changed; None removes a field."""
    event = load(f"health/{path}.json")
    event["detail"] = {name: value for name, value in {**event["detail"], **detail}.items() if value is not None}
    report = parse_health_event(event, now=NOW)
    assert report is not None
    return report


def refused_field(call: Any) -> str:
    with pytest.raises(ParseError) as refused:
        call()
    assert refused.value.field in str(refused.value)
    return refused.value.field


def changed(path: str, at: str, value: object) -> Any:
    """A fixture with one field, named by its dotted path, replaced."""
    event = load(path)
    *outer, last = at.split(".")
    holder = event
    for name in outer:
        holder = holder[name]
    holder[last] = value
    return event


def test_a_stage_event_says_where_to_look() -> None:
    """And nothing else: versions, attempts and start times are left in the event."""
    assert parse_pipeline_event(load("codepipeline/stage_failed.json")) == PipelineEvent(
        level=EventLevel.STAGE,
        account=ACCOUNT,
        region="us-east-1",
        pipeline="web",
        execution_id="3f1c2d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f",
        state=EventState.FAILED,
        at=datetime(2026, 11, 23, 2, 20, 4, tzinfo=UTC),
        stage="Deploy",
        action=None,
        event_id="6c1f9f0e-2d7b-4a55-9b0e-0d5a8c7e1f22",
    )


def test_an_actions_own_region_is_not_taken_for_the_pipelines() -> None:
    event = parse_pipeline_event(load("codepipeline/action_failed_in_another_region.json"))
    assert (event.level, event.region, event.stage, event.action) == (
        EventLevel.ACTION,
        "us-east-1",
        "Deploy",
        "DeployStack",
    )


def test_a_pipeline_level_failure_names_no_stage() -> None:
    event = parse_pipeline_event(load("codepipeline/pipeline_failed.json"))
    assert (event.level, event.stage, event.action) == (EventLevel.PIPELINE, None, None)


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("stage_resumed_after_retry", EventState.RESUMED),
        ("stage_started_in_an_older_form", EventState.STARTED),
        ("action_abandoned_in_an_older_form", EventState.ABANDONED),
    ],
)
def test_newer_and_older_forms_of_an_event_are_read_alike(path: str, state: EventState) -> None:
    assert parse_pipeline_event(load(f"codepipeline/{path}.json")).state is state


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "aws.codecommit"),
        ("detail-type", "CodePipeline Rule Execution State Change"),
        ("account", "١٢٣٤٥٦٧٨٩٠١٢"),
        ("account", 111122223333),
        ("region", "us-east-1a"),
        ("time", "yesterday"),
        ("time", None),
        ("detail", []),
        ("detail.pipeline", "web#1"),
        ("detail.pipeline", "w" * 101),
        ("detail.execution-id", ""),
        ("detail.execution-id", "3f1c2d4e|5a6b"),
        ("detail.state", "EXPLODED"),
        ("detail.state", ["FAILED"]),
        ("detail.stage", None),
        ("detail.stage", "Deploy\n"),
    ],
)
def test_a_pipeline_event_is_refused_by_the_name_of_the_field(field: str, value: object) -> None:
    event = changed("codepipeline/stage_failed.json", field, value)
    assert refused_field(lambda: parse_pipeline_event(event)) == field


@pytest.mark.parametrize("event", [None, [], "", 7, {}])
def test_what_is_no_event_at_all_is_refused(event: object) -> None:
    refused_field(lambda: parse_pipeline_event(event))
    refused_field(lambda: parse_health_event(event, now=NOW))
    refused_field(lambda: report_from_describe_events(event, ACCOUNT))


def test_only_the_status_code_closes_an_issue() -> None:
    """Not the word RESOLVED, not an endTime; and a close needs no endTime."""
    still_open = issue("public_issue_open_though_called_resolved")
    assert not still_open.closed
    assert still_open.end_at == datetime(2026, 11, 23, 4, 31, tzinfo=UTC)
    assert still_open.description.startswith("[RESOLVED]")  # the English text, though not the first
    closed = issue("public_issue_closed_without_an_end")
    assert closed.closed
    assert closed.end_at is None
    assert closed.key == still_open.key


def test_a_public_issue_is_nobodys_own() -> None:
    report = issue("public_issue_closed_without_an_end")
    assert (report.scope, report.account) == ("PUBLIC", "")


def test_an_account_issue_belongs_to_the_affected_account() -> None:
    """The envelope's account is only who was told: here the organisation's management account."""
    report = issue("account_issue_seen_from_the_organisation")
    assert (report.scope, report.account) == ("ACCOUNT_SPECIFIC", "444455556666")
    assert report.service == "ELASTICLOADBALANCING"
    assert report.updated_at == datetime(2026, 6, 10, 6, 27, 57, tzinfo=UTC)  # the envelope's time
    assert issue("account_issue_seen_from_the_organisation", affectedAccount=None).account == ACCOUNT


def test_the_oldest_form_says_little_and_is_understood() -> None:
    """No status, scope, Region, affected account or update time, and a weekday that is wrong."""
    assert issue("account_issue_in_the_oldest_form") == IssueReport(
        arn="arn:aws:health:us-west-2::event/AWS_EC2_INSTANCE_STORE_DRIVE_PERFORMANCE_DEGRADED_90353408594353980",
        service="EC2",
        region="us-west-2",
        type_code="AWS_EC2_INSTANCE_STORE_DRIVE_PERFORMANCE_DEGRADED",
        scope="ACCOUNT_SPECIFIC",
        account=ACCOUNT,
        start_at=datetime(2016, 6, 5, 15, 10, 9, tzinfo=UTC),
        updated_at=datetime(2016, 6, 5, 6, 27, 57, tzinfo=UTC),
        closed=False,
        description="A drive is slow.",
    )
    assert issue("account_issue_in_the_oldest_form", affectedEntities=None).scope == "PUBLIC"


def test_times_come_in_every_shape() -> None:
    iso = issue("global_issue_with_iso_times")
    assert iso.updated_at == datetime(
        2026, 11, 23, 2, 30, 59, tzinfo=UTC
    )  # whole: the API tells fractions, an event none
    assert iso.updated_at.tzinfo is UTC
    assert iso.end_at is None
    epoch = issue("zone_issue_with_epoch_times")
    assert epoch.start_at == datetime(2026, 11, 23, 2, 5, tzinfo=UTC)
    assert epoch.updated_at == datetime(2026, 11, 23, 2, 30, 50, tzinfo=UTC)
    assert issue("zone_issue_with_epoch_times", startTime=None).start_at == datetime(
        2026, 11, 23, 2, 31, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("said", "region"),
    [
        ("us-east-1", "us-east-1"),
        ("us-east-1a", "us-east-1"),
        ("us-west-2-lax-1a", "us-west-2"),
        ("us-gov-west-1", "us-gov-west-1"),
        ("ap-southeast-11b", "ap-southeast-11"),
        ("global", "global"),
        ("", "eu-west-1"),  # the ARN's
    ],
)
def test_a_zone_counts_as_its_region(said: str, region: str) -> None:
    assert issue("zone_issue_with_epoch_times", eventRegion=said).region == region


def test_without_a_region_of_its_own_an_issue_is_where_it_was_delivered() -> None:
    arn = "arn:aws:health:::event/EC2/AWS_EC2_OPERATIONAL_ISSUE"
    assert issue("public_issue_open_though_called_resolved", eventRegion="", eventArn=arn).region == "us-west-2"


@pytest.mark.parametrize("path", ["scheduled_change_page_1_of_10", "abuse_event"])
def test_what_is_no_issue_is_left_alone(path: str) -> None:
    assert parse_health_event(load(f"health/{path}.json"), now=NOW) is None


@pytest.mark.parametrize("category", ["accountNotification", "investigation", "scheduledChange"])
def test_other_categories_are_no_issues(category: str) -> None:
    event = changed("health/public_issue_closed_without_an_end.json", "detail.eventTypeCategory", category)
    assert parse_health_event(event, now=NOW) is None


def test_an_issue_that_has_not_begun_is_none_yet() -> None:
    """It holds nothing; and it is not closed, so it frees nothing either."""
    event = changed("health/public_issue_closed_without_an_end.json", "detail.statusCode", "upcoming")
    assert parse_health_event(event, now=NOW) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "aws.codepipeline"),
        ("time", "soon"),
        ("detail.eventArn", "arn:aws:s3:::event/a"),
        ("detail.eventArn", "arn:aws:health:us-east-1::event/EC2/a|b"),
        ("detail.eventArn", "arn:aws:health:us-east-1::event/EC2/a#b"),
        ("detail.eventArn", "arn:aws:health:us-east-1::event/" + "a" * 1_600),
        ("detail.eventTypeCategory", None),
        ("detail.eventRegion", "Mars"),
        ("detail.eventRegion", 1),
        ("detail.eventScopeCode", "GALAXY"),
        ("detail.service", ""),
        ("detail.startTime", True),
        ("detail.startTime", {}),
        ("detail.startTime", math.nan),
        ("detail.startTime", -math.inf),
        ("detail.startTime", 10**400),
        ("detail.startTime", 1_795_399_500_000),
        ("detail.startTime", "0000-01-01T00:00:00Z"),
        ("detail.startTime", "0001-01-01T00:00:00+14:00"),
        ("detail.startTime", "Mon, 31 Feb 2026 02:00:00 GMT"),
        ("detail.endTime", "later"),
        ("detail.lastUpdatedTime", "Mon, 23 Nov 9999 02:00:00 GMT"),
        ("detail.statusCode", "Closed"),
        ("detail.statusCode", False),
    ],
)
def test_a_health_event_is_refused_by_the_name_of_the_field(field: str, value: object) -> None:
    event = changed("health/public_issue_closed_without_an_end.json", field, value)
    assert refused_field(lambda: parse_health_event(event, now=NOW)) == field


def test_an_arn_always_fits_a_sort_key_of_the_table() -> None:
    """DynamoDB ends a sort key at 1,024 bytes, less than the 1,600 characters an ARN may have."""
    longest = "arn:aws:health:us-east-1::event/" + "a" * (1_000 - len("arn:aws:health:us-east-1::event/"))
    key = issue("account_issue_seen_from_the_organisation", eventArn=longest).key
    assert len(key.encode()) <= 1_024
    event = changed("health/account_issue_seen_from_the_organisation.json", "detail.eventArn", longest + "a")
    assert refused_field(lambda: parse_health_event(event, now=NOW)) == "detail.eventArn"


def test_a_wild_clock_does_not_outrank_every_later_update() -> None:
    near = NOW + timedelta(hours=12)
    assert issue("zone_issue_with_epoch_times", lastUpdatedTime=near.isoformat()).updated_at == near
    assert issue("zone_issue_with_epoch_times", lastUpdatedTime="2099-01-01T00:00:00Z").updated_at == NOW


@pytest.mark.parametrize("described", [None, "words", [{"language": "en_US"}], [7], [{"latestDescription": []}]])
def test_no_issue_is_refused_for_its_words_sake(described: object) -> None:
    assert issue("public_issue_closed_without_an_end", eventDescription=described).description == ""


def test_a_long_description_is_cut() -> None:
    words = [{"language": "en_US", "latestDescription": "x" * 3_000}]
    assert issue("public_issue_closed_without_an_end", eventDescription=words).description == "x" * 500


def test_a_row_of_describe_events_is_read_like_an_event() -> None:
    """Instants are whatever the SDK made of them; an account's own event is the asking account's."""
    row = {
        "arn": "arn:aws:health:us-east-1::event/ECS/AWS_ECS_OPERATIONAL_ISSUE/AWS_ECS_OPERATIONAL_ISSUE_7B4F2C1D",
        "service": "ECS",
        "eventTypeCode": "AWS_ECS_OPERATIONAL_ISSUE",
        "eventTypeCategory": "issue",
        "region": "us-east-1",
        "startTime": datetime.fromisoformat("2026-11-23T03:00:00+01:00"),
        "lastUpdatedTime": 1795399500.25,
        "statusCode": "open",
        "eventScopeCode": "ACCOUNT_SPECIFIC",
    }
    report = report_from_describe_events(row, ACCOUNT)
    assert report is not None
    assert (report.account, report.closed, report.region) == (ACCOUNT, False, "us-east-1")
    assert report.start_at == datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    assert report.updated_at == datetime(2026, 11, 23, 2, 5, tzinfo=UTC)
    without_times = {name: value for name, value in row.items() if not name.endswith("Time")}
    assert refused_field(lambda: report_from_describe_events(without_times, ACCOUNT)) == "startTime"
    assert report_from_describe_events(row | {"eventTypeCategory": "investigation"}, ACCOUNT) is None
