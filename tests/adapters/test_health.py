"""AWS Health is read from the active Region, every page of it, and what cannot be read is said."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.adapters.aws import AwsClients
from bot.adapters.health import GLOBAL_ENDPOINT, AwsHealth
from bot.errors import HealthUnreadable, NoSupportPlan
from bot.model import IssueReport
from tests.adapters.local_aws import Broken, LocalAws, Refusal, serve_aws, unused_url

ACCOUNT = "111122223333"
NOW = datetime(2026, 11, 23, 2, 20, tzinfo=UTC)


def row(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One of DescribeEvents' events."""
    told = {
        "arn": f"arn:aws:health:us-east-1::event/ECS/AWS_ECS_OPERATIONAL_ISSUE/AWS_ECS_OPERATIONAL_ISSUE_{number}",
        "service": "ECS",
        "eventTypeCode": "AWS_ECS_OPERATIONAL_ISSUE",
        "eventTypeCategory": "issue",
        "region": "us-east-1",
        "startTime": NOW.timestamp(),
        "lastUpdatedTime": NOW.timestamp() + 60,
        "statusCode": "open",
        "eventScopeCode": "PUBLIC",
    }
    return told | changes


def never_resolve(_host: str) -> list[str]:
    raise AssertionError("with an endpoint of our own there is nothing to look up")


@pytest.fixture
def health(aws: LocalAws) -> AwsHealth:  # noqa: ARG001 - the environment must be set
    return AwsHealth(AwsClients(read_timeout=1), ACCOUNT, clock=lambda: NOW, resolve=never_resolve)


class ElsewhereClients(AwsClients):
    """Clients whose endpoints stand on this machine though, as far as they know, they are AWS's own."""

    def __init__(self, **urls: str) -> None:
        super().__init__(connect_timeout=1, read_timeout=1)
        self.urls = {region.replace("_", "-"): url for region, url in urls.items()}
        self.asked: list[str] = []

    def client(self, service: str, region: str, *, attempts: int = 3) -> Any:
        client = super().client(service, region, attempts=attempts)
        client.meta.events.register_first(f"before-send.{service}", self._redirect(region), unique_id=region)
        return client

    def _redirect(self, region: str) -> Callable[..., None]:
        def redirect(request: Any, **_: object) -> None:
            assert request.url == f"https://health.{region}.amazonaws.com/"
            self.asked.append(region)
            request.url = self.urls[region]

        return redirect


class Resolver:
    """DNS: `names` is what the global name leads through; None: it cannot be looked up."""

    def __init__(self, *names: str) -> None:
        self.names: tuple[str, ...] | None = names
        self.asked: list[str] = []

    def __call__(self, host: str) -> list[str]:
        self.asked.append(host)
        if self.names is None:
            raise OSError("no such host")
        return [*self.names]


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_open_issues_are_asked_for_by_status_category_and_region(aws: LocalAws, health: AwsHealth) -> None:
    aws.answer("DescribeEvents", {"events": [row()]})
    assert health.open_issues(["us-east-1"]) == (
        IssueReport(
            arn=row()["arn"],
            service="ECS",
            region="us-east-1",
            type_code="AWS_ECS_OPERATIONAL_ISSUE",
            scope="PUBLIC",
            account="",
            start_at=NOW,
            updated_at=NOW + timedelta(minutes=1),
            closed=False,
        ),
    )
    (asked,) = aws.inputs("DescribeEvents")
    assert asked == {
        "filter": {
            "eventStatusCodes": ["open"],
            "eventTypeCategories": ["issue"],
            "regions": ["global", "us-east-1"],
        },
        "maxResults": 100,
    }
    assert aws.signed_for == ["us-east-1"]


def test_every_page_is_read(aws: LocalAws, health: AwsHealth) -> None:
    aws.answer(
        "DescribeEvents",
        {"events": [row(1)], "nextToken": "page-two"},
        {"events": [], "nextToken": "page-three"},
        {"events": [row(2)]},
    )
    assert [report.arn[-1] for report in health.open_issues(["us-east-1"])] == ["1", "2"]
    assert [given.get("nextToken") for given in aws.inputs("DescribeEvents")] == [None, "page-two", "page-three"]


def test_more_than_ten_regions_are_asked_for_in_turns(aws: LocalAws, health: AwsHealth) -> None:
    """The API takes ten in a filter. An event told twice counts once."""
    regions = [f"eu-west-{number}" for number in range(1, 22)]
    aws.answer("DescribeEvents", {"events": [row()]})
    assert len(health.open_issues([*regions, "eu-west-1"])) == 1
    chunks = [given["filter"]["regions"] for given in aws.inputs("DescribeEvents")]
    assert [len(chunk) for chunk in chunks] == [10, 10, 2]
    assert sorted(region for chunk in chunks for region in chunk) == sorted([*regions, "global"])


def test_described_events_are_told_whatever_their_status(aws: LocalAws, health: AwsHealth) -> None:
    aws.answer("DescribeEvents", {"events": [row(1, statusCode="closed"), row(2)]})
    known = [row(number)["arn"] for number in range(12)]
    assert [report.closed for report in health.describe(known)] == [True, False]
    asked = [given["filter"] for given in aws.inputs("DescribeEvents")]
    assert [len(given["eventArns"]) for given in asked] == [10, 2]
    assert all(set(given) == {"eventArns"} for given in asked)


def test_an_arn_the_api_would_refuse_does_not_spoil_the_others(aws: LocalAws, health: AwsHealth) -> None:
    """Events may have ARNs of one or two segments, and there is a pseudo-issue that AWS has never heard of."""
    aws.answer("DescribeEvents", {"events": [row()]})
    short = "arn:aws:health:us-east-1::event/AWS_EC2_API_ISSUE_1"
    assert len(health.describe([short, "allclear:health-unreadable", row()["arn"]])) == 1
    assert [given["filter"]["eventArns"] for given in aws.inputs("DescribeEvents")] == [[row()["arn"]]]
    assert health.describe([short]) == ()
    assert len(aws.requests) == 1


def test_an_accounts_own_event_is_laid_to_the_asking_account(aws: LocalAws, health: AwsHealth) -> None:
    aws.answer("DescribeEvents", {"events": [row(eventScopeCode="ACCOUNT_SPECIFIC")]})
    (report,) = health.open_issues([])
    assert report.account == ACCOUNT


def test_a_row_that_cannot_be_read_does_not_hide_the_others(
    aws: LocalAws, health: AwsHealth, caplog: pytest.LogCaptureFixture
) -> None:
    aws.answer("DescribeEvents", {"events": [row(1, region="Mars"), row(2)]})
    with caplog.at_level(logging.WARNING):
        assert [report.arn[-1] for report in health.open_issues([])] == ["2"]
    assert "region" in caplog.text
    assert row(1)["arn"] in caplog.text


def test_without_a_support_plan_the_ledger_is_the_source(aws: LocalAws, health: AwsHealth) -> None:
    """The error is not in the service's model: only its code tells it."""
    aws.answer("DescribeEvents", Refusal("SubscriptionRequiredException"))
    with pytest.raises(NoSupportPlan):
        health.open_issues(["us-east-1"])


@pytest.mark.parametrize(
    "trouble",
    [
        Refusal("ThrottlingException"),
        Refusal("InternalFailure", status=500),
        Refusal("ServiceUnavailable", status=503),
        Refusal("InvalidPaginationToken"),
        Broken.DROPPED,
        Broken.SILENT,
    ],
    ids=str,
)
def test_health_that_cannot_be_read_is_said_to_be(
    aws: LocalAws, health: AwsHealth, trouble: Refusal | Broken
) -> None:
    aws.answer("DescribeEvents", trouble)
    with pytest.raises(HealthUnreadable):
        health.open_issues(["us-east-1"])
    with pytest.raises(HealthUnreadable):
        health.describe([row()["arn"]])


def test_a_missing_permission_is_named(aws: LocalAws, health: AwsHealth) -> None:
    aws.answer("DescribeEvents", Refusal("AccessDeniedException", "not authorized"))
    with pytest.raises(HealthUnreadable, match="health:DescribeEvents"):
        health.open_issues(["us-east-1"])


def test_half_an_answer_is_none(aws: LocalAws, health: AwsHealth) -> None:
    """A later page that fails fails the whole: an issue on it must not be taken for closed."""
    aws.answer(
        "DescribeEvents", {"events": [row()], "nextToken": "page-two"}, Refusal("InternalFailure", status=500)
    )
    with pytest.raises(HealthUnreadable):
        health.open_issues(["us-east-1"])


@pytest.mark.usefixtures("no_account")
def test_the_active_region_is_looked_up_and_signed_for() -> None:
    """Again once the short cache has run out: the active Region changes when AWS needs it to."""
    clock, resolve = Clock(), Resolver(GLOBAL_ENDPOINT, "health.us-east-2.amazonaws.com")
    with serve_aws() as there:
        there.answer("DescribeEvents", {"events": []})
        health = AwsHealth(
            ElsewhereClients(us_east_2=there.url, us_east_1=there.url), ACCOUNT, clock=clock, resolve=resolve
        )
        health.open_issues([])
        clock.now += timedelta(seconds=59)
        health.open_issues([])
        assert resolve.asked == [GLOBAL_ENDPOINT]
        resolve.names = (GLOBAL_ENDPOINT, "health.us-east-1.amazonaws.com")
        clock.now += timedelta(seconds=1)
        health.open_issues([])
        assert resolve.asked == [GLOBAL_ENDPOINT] * 2
        assert there.signed_for == ["us-east-2", "us-east-2", "us-east-1"]


@pytest.mark.usefixtures("no_account")
@pytest.mark.parametrize("names", [None, (), (GLOBAL_ENDPOINT, "198.51.100.7")])
def test_without_a_look_up_the_first_region_is_tried(names: tuple[str, ...] | None) -> None:
    resolve = Resolver()
    resolve.names = names
    with serve_aws() as there:
        there.answer("DescribeEvents", {"events": []})
        clients = ElsewhereClients(us_east_1=there.url)
        assert AwsHealth(clients, ACCOUNT, clock=lambda: NOW, resolve=resolve).open_issues([]) == ()
        assert there.signed_for == ["us-east-1"]


@pytest.mark.usefixtures("no_account")
def test_when_the_active_region_cannot_be_reached_the_other_answers() -> None:
    """From its first page on, and it is asked first for as long as the cache lasts."""
    resolve = Resolver(GLOBAL_ENDPOINT, "health.us-east-1.amazonaws.com")
    with serve_aws() as there:
        there.answer("DescribeEvents", {"events": [row()]})
        clients = ElsewhereClients(us_east_1=unused_url(), us_east_2=there.url)
        health = AwsHealth(clients, ACCOUNT, clock=lambda: NOW, resolve=resolve)
        assert len(health.open_issues([])) == 1
        clients.asked.clear()
        assert len(health.open_issues([])) == 1
        assert clients.asked == ["us-east-2"]
        assert there.signed_for == ["us-east-2", "us-east-2"]


@pytest.mark.usefixtures("no_account")
def test_when_no_region_can_be_reached_health_is_unreadable() -> None:
    clients = ElsewhereClients(us_east_1=unused_url(), us_east_2=unused_url())
    health = AwsHealth(clients, ACCOUNT, clock=lambda: NOW, resolve=Resolver("health.us-east-2.amazonaws.com"))
    with pytest.raises(HealthUnreadable, match="cannot be reached"):
        health.open_issues([])
    assert list(dict.fromkeys(clients.asked)) == ["us-east-2", "us-east-1"]


@pytest.mark.usefixtures("no_account")
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_HEALTH"])
def test_an_endpoint_of_our_own_is_not_looked_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_aws() as there:
        monkeypatch.setenv(name, there.url)
        there.answer("DescribeEvents", {"events": [row()]})
        health = AwsHealth(AwsClients(), ACCOUNT, clock=lambda: NOW, resolve=never_resolve)
        assert len(health.open_issues(["us-east-1"])) == 1
        assert there.signed_for == ["us-east-1"]
