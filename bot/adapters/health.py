"""The AWS Health API over boto3: the active Region's endpoint, looked up per use, and every page of an answer."""

import logging
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ConnectionClosedError, ConnectionError

from bot.adapters.aws import AWS_ERRORS, AwsClients, error_code, error_text, is_passing
from bot.errors import HealthUnreadable, NoSupportPlan, ParseError
from bot.events import report_from_describe_events
from bot.model import IssueReport

if TYPE_CHECKING:
    from mypy_boto3_health import HealthClient

T = TypeVar("T")

logger = logging.getLogger(__name__)

# AWS Health runs in two Regions, one active. This name is a CNAME of the active one's endpoint, and requests are
# signed for that Region. The passive one answers too, eventually consistent: better than no answer.
GLOBAL_ENDPOINT = "global.health.amazonaws.com"
REGIONS = ("us-east-1", "us-east-2")

# How botocore names us-east-1's endpoint when nothing is configured: by the older of its two tables in a client's
# metadata, by the newer one in its requests.
_AWS_OWN_ENDPOINTS = frozenset({f"https://{GLOBAL_ENDPOINT}", f"https://health.{REGIONS[0]}.amazonaws.com"})

ACTIVE_REGION_KEPT = timedelta(seconds=60)

ATTEMPTS = 2  # calls in all, for each Region: a gate's job waits for the answer
FILTER_LIMIT = 10  # Regions, or ARNs, in one filter of DescribeEvents

_REGION_IN_NAME = re.compile(r"(?:^|\.)([a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})\.")
_ARN = re.compile(
    r"arn:aws(-[a-z]+(-[a-z]+)?)?:health:[^:]*:[^:]*:event(?:/[\w-]+){3}", re.ASCII
)  # the API's rule
_ARN_LIMIT = 1_600  # characters


_UNREACHABLE = (ConnectionError, ConnectionClosedError)  # a read that times out is not repeated elsewhere


def names_of(host: str) -> list[str]:
    """Every name the host's CNAMEs lead through. Raises OSError."""
    canonical, aliases, _ = socket.gethostbyname_ex(host)
    return [*aliases, canonical]


class AwsHealth:
    """bot.ports.Health. `own_account` (12 digits) is whose account-specific events the API tells."""

    def __init__(
        self,
        clients: AwsClients,
        own_account: str,
        *,
        clock: Callable[[], datetime],
        resolve: Callable[[str], Sequence[str]] = names_of,
    ) -> None:
        self._clients = clients
        self._own_account = own_account
        self._clock = clock
        self._resolve = resolve
        self._active = ""
        self._active_until_at: datetime | None = None

    def open_issues(self, regions: Sequence[str]) -> tuple[IssueReport, ...]:
        """See bot.ports.Health."""
        everywhere = sorted({*regions, "global"})
        return self._reports(
            [
                {"eventStatusCodes": ["open"], "eventTypeCategories": ["issue"], "regions": chunk}
                for chunk in _chunks(everywhere)
            ]
        )

    def describe(self, arns: Sequence[str]) -> tuple[IssueReport, ...]:
        """See bot.ports.Health. An ARN the API would not accept (events may have shorter ones) is left out too."""
        known = sorted({arn for arn in arns if len(arn) <= _ARN_LIMIT and _ARN.fullmatch(arn)})
        return self._reports([{"eventArns": chunk} for chunk in _chunks(known)])

    def _reports(self, filters: Sequence[dict[str, Any]]) -> tuple[IssueReport, ...]:
        rows = self._from_a_region(lambda client: list(_rows(client, filters))) if filters else []
        reports: dict[str, IssueReport] = {}
        for row in rows:
            try:
                report = report_from_describe_events(row, self._own_account)
            except ParseError as wrong:
                logger.warning("left out an event of AWS Health, %s: %s", str(row.get("arn"))[:_ARN_LIMIT], wrong)
                continue
            if report is not None:
                reports[report.key] = report
        return tuple(reports.values())

    def _from_a_region(self, read: Callable[["HealthClient"], T]) -> T:
        """Read from the active Region, or from another when it cannot be reached: all pages from the same one."""
        candidates = self._candidates()
        unreachable: Exception | None = None
        for region in candidates:
            try:
                answer = read(self._client(region))
            except _UNREACHABLE as error:
                unreachable = error
                continue
            except AWS_ERRORS as error:
                translated = _translated(error)
                if translated is None:
                    raise
                raise translated from error
            if region != candidates[0]:
                logger.warning("AWS Health answers in %s, not in %s", region, candidates[0])
                self._keep(region)
            return answer
        raise HealthUnreadable(f"AWS Health cannot be reached: {unreachable}") from unreachable

    def _candidates(self) -> list[str]:
        if self._has_own_endpoint():
            return [REGIONS[0]]
        return list(dict.fromkeys([self._active_region(), *REGIONS]))

    def _has_own_endpoint(self) -> bool:
        """True when AWS_ENDPOINT_URL*, or a profile, says where Health is. boto3 alone knows all the ways."""
        return self._client(REGIONS[0]).meta.endpoint_url not in _AWS_OWN_ENDPOINTS

    def _active_region(self) -> str:
        if self._active_until_at is not None and self._clock() < self._active_until_at:
            return self._active
        names: Sequence[str] = ()
        try:
            names = self._resolve(GLOBAL_ENDPOINT)
        except OSError as error:
            logger.warning("cannot look up %s: %s", GLOBAL_ENDPOINT, error)
        found = (_REGION_IN_NAME.search(name) for name in names)
        self._keep(next((match[1] for match in found if match), REGIONS[0]))
        return self._active

    def _keep(self, region: str) -> None:
        self._active, self._active_until_at = region, self._clock() + ACTIVE_REGION_KEPT

    def _client(self, region: str) -> "HealthClient":
        client: HealthClient = self._clients.client("health", region, attempts=ATTEMPTS)
        return client


def _rows(client: "HealthClient", filters: Sequence[dict[str, Any]]) -> Iterator[Any]:
    pages = client.get_paginator("describe_events")
    for event_filter in filters:
        for page in pages.paginate(filter=event_filter, PaginationConfig={"PageSize": 100}):  # type: ignore[arg-type]
            yield from page.get("events", ())


def _translated(error: Exception) -> NoSupportPlan | HealthUnreadable | None:
    """None: nothing the domain has a word for."""
    code = error_code(error)
    if code == "SubscriptionRequiredException":  # not modelled: only the code tells it
        return NoSupportPlan(error_text(error))
    if code in ("AccessDeniedException", "AccessDenied"):
        return HealthUnreadable(f"Allclear lacks the permission health:DescribeEvents ({error_text(error)})")
    if is_passing(error) or code == "InvalidPaginationToken":  # a page's token can age
        return HealthUnreadable(error_text(error))
    return None


def _chunks(values: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), FILTER_LIMIT):
        yield list(values[start : start + FILTER_LIMIT])
