"""A stand-in for AWS Health: issues that open, are updated, close and re-open, on EventBridge and in the API.

Shapes: AWS Health User Guide, "AWS Health events Amazon EventBridge schema"; API reference, DescribeEvents and
DescribeEventDetails.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from threading import RLock
from typing import Any, Literal
from uuid import uuid4

from playground.errors import Unsupported
from playground.paging import page
from playground.wire import AwsError

Params = dict[str, Any]

ENDPOINT_REGIONS = ("us-east-1", "us-east-2")  # active and passive ("Accessing the AWS Health API")


@dataclass(slots=True)
class _HealthEvent:
    arn: str
    service: str
    region: str
    type_code: str
    category: str
    scope: str
    start_at: datetime
    updated_at: datetime
    description: str
    status: str = "open"
    end_at: datetime | None = None


class Health:
    """AWS Health of one account, every Region.

    `emit(event)` receives EventBridge envelopes, delivered in the issue's Region (us-east-1 for `global`), in the
    thread that opens, updates or closes an issue. With `silent=True` nothing is sent: only the API knows.
    """

    page_size = 2
    """Rows a page of DescribeEvents at most, so that paging is exercised."""

    def __init__(self, emit: Callable[[dict[str, Any]], None], account: str = "123456789012") -> None:
        self.account = account
        self.support_plan = True
        """False: the API answers SubscriptionRequiredException, as without a paid support plan."""
        self.unreadable = False
        """True: the API answers `unreadable_code` ("ThrottlingException", or "InternalFailure" with a 500)."""
        self.unreadable_code = "ThrottlingException"
        self._emit = emit
        self._lock = RLock()
        self._events: dict[str, _HealthEvent] = {}

    def open_issue(
        self,
        service: str,
        region: str,
        start_at: datetime | None = None,
        scope: Literal["PUBLIC", "ACCOUNT_SPECIFIC"] = "PUBLIC",
        type_code: str | None = None,
        category: Literal["issue", "accountNotification", "scheduledChange", "investigation"] = "issue",
        description: str = "We are investigating increased error rates.",
        silent: bool = False,
        **odd: Any,
    ) -> str:
        """Open an issue; answers its eventArn. `start_at` (now by default) is where its impact began.

        `odd` members are laid over the event's detail as they are, None removing one: the wire has odd events.
        """
        now = datetime.now(UTC)
        code = type_code or f"AWS_{service}_OPERATIONAL_ISSUE"
        arn = f"arn:aws:health:{region}::event/{service}/{code}/{code}_{uuid4().hex[:12].upper()}"
        event = _HealthEvent(arn, service, region, code, category, scope, start_at or now, now, description)
        with self._lock:
            self._events[arn] = event
        self._tell(event, silent, odd)
        return arn

    def update(self, arn: str, description: str | None = None, *, silent: bool = False, **odd: Any) -> None:
        """AWS says something new about it; its status stays, whatever the words or `odd` members say."""
        with self._lock:
            event = self._events[arn]
            event.updated_at = datetime.now(UTC)
            event.description = description if description is not None else event.description
        self._tell(event, silent, odd)

    def close(
        self,
        arn: str,
        end_time: bool = True,
        description: str = "[RESOLVED] The issue has been resolved and the service is operating normally.",
        silent: bool = False,
        **odd: Any,
    ) -> None:
        """statusCode closed. Without `end_time` there is none, as in some of AWS's own."""
        now = datetime.now(UTC)
        with self._lock:
            event = self._events[arn]
            event.status, event.updated_at, event.description = "closed", now, description
            event.end_at = now if end_time else None
        self._tell(event, silent, odd)

    def reopen(
        self,
        arn: str,
        *,
        description: str = "We continue to see errors.",
        silent: bool = False,
        **odd: Any,
    ) -> None:
        """statusCode open again, under the same eventArn."""
        with self._lock:
            event = self._events[arn]
            event.status, event.updated_at, event.end_at = "open", datetime.now(UTC), None
            event.description = description
        self._tell(event, silent, odd)

    def is_open(self, arn: str) -> bool:
        """True while its statusCode is open: what a scripted failure asks."""
        with self._lock:
            return self._events[arn].status == "open"

    def eventbridge_event(self, arn: str) -> dict[str, Any]:
        """The event as it would be sent now, with a communicationId of its own."""
        with self._lock:
            return self._envelope(self._events[arn])

    def describe_events(self, params: Params, *, region: str, account: str) -> Params:
        """Newest update first."""
        self._check_readable(region)
        with self._lock:
            wanted = params.get("filter", {})
            _refuse_unplayed(wanted)
            found = sorted(
                (event for event in self._visible(account) if _matches(event, wanted)),
                key=lambda event: event.updated_at,
            )
            rows, token = page(found, params, self.page_size, "InvalidPaginationToken")
            return {"events": [_row(event) for event in rows]} | token

    def describe_event_details(self, params: Params, *, region: str, account: str) -> Params:
        """Unknown ARNs come back in the failedSet."""
        self._check_readable(region)
        with self._lock:
            arns = params["eventArns"]
            visible = {event.arn: event for event in self._visible(account)}
            known = [visible[arn] for arn in arns if arn in visible]
            return {
                "successfulSet": [
                    {"event": _row(event), "eventDescription": {"latestDescription": event.description}}
                    for event in known
                ],
                "failedSet": [
                    {"eventArn": arn, "errorName": "InvalidEventArn", "errorMessage": "There is no such event"}
                    for arn in arns
                    if arn not in visible
                ],
            }

    def _check_readable(self, region: str) -> None:
        if region not in ENDPOINT_REGIONS:
            raise AwsError("InvalidSignatureException", "Credential should be scoped to a valid Region", 403)
        if not self.support_plan:
            raise AwsError(
                "SubscriptionRequiredException", "The AWS Health API needs a Business or Enterprise support plan"
            )
        if self.unreadable:
            status = 500 if self.unreadable_code == "InternalFailure" else 400
            raise AwsError(self.unreadable_code, "AWS Health cannot be read just now", status)

    def _visible(self, account: str) -> list[_HealthEvent]:
        """Another account sees what is public."""
        return [event for event in self._events.values() if event.scope == "PUBLIC" or account == self.account]

    def _tell(self, event: _HealthEvent, silent: bool, odd: dict[str, Any]) -> None:
        if silent:
            return
        envelope = self._envelope(event)
        detail = envelope["detail"] | odd
        envelope["detail"] = {name: value for name, value in detail.items() if value is not None}
        self._emit(envelope)

    def _envelope(self, event: _HealthEvent) -> dict[str, Any]:
        detail = {
            "eventArn": event.arn,
            "service": event.service,
            "eventTypeCode": event.type_code,
            "eventTypeCategory": event.category,
            "eventScopeCode": event.scope,
            "communicationId": f"{uuid4().hex}-1",
            "startTime": _gmt(event.start_at),
            **({"endTime": _gmt(event.end_at)} if event.end_at else {}),
            "lastUpdatedTime": _gmt(event.updated_at),
            "statusCode": event.status,
            "eventRegion": event.region,
            "eventDescription": [{"language": "en_US", "latestDescription": event.description}],
            "affectedEntities": [],
            "page": "1",
            "totalPages": "1",
            "backupEvent": "false",
            "affectedAccount": self.account,
            "personas": ["OPERATIONS"],
        }
        return {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "AWS Health Event",
            "source": "aws.health",
            "account": self.account,
            "time": event.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": "us-east-1" if event.region == "global" else event.region,
            "resources": [],
            "detail": detail,
        }


_FILTERS: dict[str, Callable[[_HealthEvent], str]] = {
    "eventArns": lambda event: event.arn,
    "services": lambda event: event.service,
    "regions": lambda event: event.region,
    "eventTypeCodes": lambda event: event.type_code,
    "eventTypeCategories": lambda event: event.category,
    "eventStatusCodes": lambda event: event.status,
}
_TIME_FILTERS: dict[str, Callable[[_HealthEvent], datetime | None]] = {
    "startTimes": lambda event: event.start_at,
    "endTimes": lambda event: event.end_at,
    "lastUpdatedTimes": lambda event: event.updated_at,
}


def _refuse_unplayed(wanted: Params) -> None:
    unplayed = set(wanted) - set(_FILTERS) - set(_TIME_FILTERS)
    if unplayed:
        raise Unsupported(f"DescribeEvents cannot filter by {', '.join(sorted(unplayed))} here")


def _matches(event: _HealthEvent, wanted: Params) -> bool:
    """Every filter given must match; within one, any of its values ("EventFilter")."""
    plain = all(value(event) in wanted[name] for name, value in _FILTERS.items() if wanted.get(name))
    return plain and all(
        any(_within(value(event), span) for span in wanted[name])
        for name, value in _TIME_FILTERS.items()
        if wanted.get(name)
    )


def _within(at: datetime | None, span: dict[str, datetime]) -> bool:
    return at is not None and span.get("from", at) <= at <= span.get("to", at)


def _row(event: _HealthEvent) -> Params:
    row = {
        "arn": event.arn,
        "service": event.service,
        "eventTypeCode": event.type_code,
        "eventTypeCategory": event.category,
        "region": event.region,
        "startTime": event.start_at,
        "lastUpdatedTime": event.updated_at,
        "statusCode": event.status,
        "eventScopeCode": event.scope,
    }
    return row | ({"endTime": event.end_at} if event.end_at else {})


def _gmt(at: datetime) -> str:
    """As AWS Health writes instants: `Fri, 27 Jan 2023 06:02:51 GMT`."""
    return format_datetime(at.astimezone(UTC), usegmt=True)
