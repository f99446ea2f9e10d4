"""What EventBridge brings, read strictly: CodePipeline's state changes and AWS Health's events. Pure.

Events are hints: only what says *where to look* is read of a CodePipeline event, and nothing of it is believed
that the API can tell. A Health event is read whole: the ledger's only source where the Health API is closed to us.
Whatever is not as documented raises ParseError naming the field; missing, null and "" are the same thing.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from bot.errors import ParseError
from bot.model import IssueReport


class EventLevel(StrEnum):
    """What changed its state."""

    PIPELINE = "PIPELINE"
    STAGE = "STAGE"
    ACTION = "ACTION"


class EventState(StrEnum):
    """CodePipeline's documented states. Not every level knows every one; the API tells the truth anyway."""

    STARTED = "STARTED"
    RESUMED = "RESUMED"  # follows RetryStageExecution
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    CANCELED = "CANCELED"
    SUPERSEDED = "SUPERSEDED"
    ABANDONED = "ABANDONED"


@dataclass(frozen=True, slots=True)
class PipelineEvent:
    """A pipeline, stage or action changed its state. Delivered at least once, in no promised order."""

    level: EventLevel
    account: str
    region: str  # the pipeline's, which an action's own may differ from
    pipeline: str
    execution_id: str
    state: EventState
    at: datetime  # the envelope's time
    stage: str | None = None  # None at pipeline level: its FAILED event names no stage
    action: str | None = None
    event_id: str = ""


_LEVELS = {f"CodePipeline {level.title()} Execution State Change": level for level in EventLevel}
_NAME = re.compile(r"[A-Za-z0-9.@\-_]{1,100}")  # CodePipeline's own rule for pipelines, stages and actions
_EXECUTION_ID = re.compile(r"[A-Za-z0-9\-]{1,100}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}")
_EVENT_ID = re.compile(r"[ -~]{1,256}")
_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,100}")

# An AZ (us-east-1a) or a Local Zone (us-east-1-bos-1a) counts as its Region.
_PLACE = re.compile(rf"({_REGION.pattern})(?:[a-z]|-[a-z0-9\-]+)?|global")

# One, two or three segments after event/. The ledger writes ARNs into keys, so neither '#' nor '|' may be in one.
_HEALTH_ARN = re.compile(
    r"arn:aws(?:-[a-z]+)*:health:(?P<region>[a-z0-9\-]*):[0-9]*:event(?:/[A-Za-z0-9_.:+=@,%\-]+){1,3}"
)
_ARN_LIMIT = 1_000  # characters; AWS allows 1,600, but ARN|account is a sort key and DynamoDB's end at 1,024 bytes

_PUBLIC = "PUBLIC"
_DESCRIPTION_LIMIT = 500  # characters kept of AWS's text

# Instants outside are nonsense, and inside no arithmetic with hours or days can overflow.
_EARLIEST_AT = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST_AT = datetime(2200, 1, 1, tzinfo=UTC)

# How far ahead of us AWS's clock is believed. A wilder lastUpdatedTime would outrank every later update.
_CLOCK_TOLERANCE = timedelta(days=1)

# "Fri, 3 Jun 2022 05:01:10 GMT". The weekday is not looked at: published events have wrong ones.
_HTTP_DATE = re.compile(
    r"(?:[A-Za-z]{3,9},? )?([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|UTC)"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_pipeline_event(event: object) -> PipelineEvent:
    """Read one CodePipeline event of EventBridge. Raises ParseError."""
    envelope = _Fields.of(event, "")
    if envelope.text("source") != "aws.codepipeline":
        raise ParseError("source", "is not aws.codepipeline")
    level = _LEVELS.get(envelope.text("detail-type"))
    if level is None:
        raise ParseError("detail-type", "is none of CodePipeline's three state changes")
    detail = envelope.inner("detail")
    state = detail.text("state")
    if state not in tuple(EventState):
        raise ParseError("detail.state", f"is no documented state: {state[:40]!r}")
    return PipelineEvent(
        level=level,
        account=envelope.text("account", _ACCOUNT),
        region=envelope.text("region", _REGION),
        pipeline=detail.text("pipeline", _NAME),
        execution_id=detail.text("execution-id", _EXECUTION_ID),
        state=EventState(state),
        at=envelope.instant("time"),
        stage=None if level is EventLevel.PIPELINE else detail.text("stage", _NAME),
        action=(detail.optional_text("action", _NAME) or None) if level is EventLevel.ACTION else None,
        event_id=envelope.optional_text("id", _EVENT_ID),
    )


def parse_health_event(event: object, *, now: datetime) -> IssueReport | None:
    """Read one AWS Health event of EventBridge. Raises ParseError.

    None: it is no issue (abuse, account notification, scheduled change, investigation), or one that has not begun
    (upcoming). `now` stands in for an envelope without a time.
    """
    envelope = _Fields.of(event, "")
    if envelope.text("source") != "aws.health":
        raise ParseError("source", "is not aws.health")
    if envelope.text("detail-type") != "AWS Health Event":
        return None
    detail = envelope.inner("detail")
    if not _is_issue(detail):
        return None
    delivered_at = envelope.optional_instant("time") or now
    arn, arn_region = _arn(detail, "eventArn")
    updated_at = detail.optional_instant("lastUpdatedTime") or delivered_at
    scope = _scope(detail)
    account = ""
    if scope != _PUBLIC:
        account = detail.optional_text("affectedAccount", _ACCOUNT) or envelope.text("account", _ACCOUNT)
    return IssueReport(
        arn=arn,
        service=detail.text("service", _WORD).upper(),
        region=_place(detail, "eventRegion") or arn_region or envelope.text("region", _REGION),
        type_code=detail.text("eventTypeCode", _WORD),
        scope=scope,
        account=account,
        start_at=detail.optional_instant("startTime") or delivered_at,
        updated_at=_second(updated_at if updated_at <= now + _CLOCK_TOLERANCE else now),
        closed=_closed(detail),
        end_at=detail.optional_instant("endTime"),
        description=_description(detail.values.get("eventDescription")),
    )


def report_from_describe_events(row: object, own_account: str) -> IssueReport | None:
    """Read one row of DescribeEvents' answer: instants as datetimes or epoch seconds. Raises ParseError.

    None: it is no issue, or one that has not begun. An account's own event is laid to `own_account` (12 digits).
    """
    event = _Fields.of(row, "")
    if not _is_issue(event):
        return None
    arn, arn_region = _arn(event, "arn")
    start_at, updated_at = event.optional_instant("startTime"), event.optional_instant("lastUpdatedTime")
    scope = _scope(event)
    return IssueReport(
        arn=arn,
        service=event.text("service", _WORD).upper(),
        region=_place(event, "region") or arn_region or event.text("region"),
        type_code=event.text("eventTypeCode", _WORD),
        scope=scope,
        account="" if scope == _PUBLIC else own_account,
        start_at=start_at or updated_at or event.instant("startTime"),
        updated_at=_second(updated_at or start_at or event.instant("lastUpdatedTime")),
        closed=_closed(event),
        end_at=event.optional_instant("endTime"),
    )


def _second(at: datetime) -> datetime:
    """The API tells fractions, an event none: of one update, the API's report would count as the newer."""
    return at.replace(microsecond=0)


def _is_issue(event: "_Fields") -> bool:
    return event.text("eventTypeCategory", _WORD) == "issue" and event.optional_text("statusCode") != "upcoming"


def _closed(event: "_Fields") -> bool:
    """Only the status code closes an issue, never an endTime or hopeful words. Older events have none: open."""
    status = event.optional_text("statusCode") or "open"
    if status not in ("open", "closed"):
        raise ParseError(event.path + "statusCode", f"is no documented status: {status[:40]!r}")
    return status == "closed"


def _scope(event: "_Fields") -> str:
    scope = event.optional_text("eventScopeCode") or "NONE"
    if scope == "NONE":  # older events do not say; only an account's own list what is affected
        return "ACCOUNT_SPECIFIC" if event.optional_list("affectedEntities") else _PUBLIC
    if scope not in (_PUBLIC, "ACCOUNT_SPECIFIC"):
        raise ParseError(event.path + "eventScopeCode", f"is no documented scope: {scope[:40]!r}")
    return scope


def _arn(event: "_Fields", name: str) -> tuple[str, str]:
    """The event's ARN, and the Region in it ("" if there is none)."""
    arn = event.text(name)
    match = _HEALTH_ARN.fullmatch(arn)
    if match is None or len(arn) > _ARN_LIMIT:
        raise ParseError(event.path + name, "is no ARN of an AWS Health event")
    place = _PLACE.fullmatch(match["region"])
    return arn, (place[1] or place[0]) if place else ""


def _place(event: "_Fields", name: str) -> str:
    """The Region a field names, itself or by one of its zones; "global"; or "" if it says nothing."""
    text = event.optional_text(name)
    if not text:
        return ""
    place = _PLACE.fullmatch(text)
    if place is None:
        raise ParseError(event.path + name, f"is no Region: {text[:40]!r}")
    return place[1] or place[0]


def _description(descriptions: object) -> str:
    """AWS's words, in English where there are several languages. No issue is refused for its words' sake."""
    said = {
        str(item.get("language")): text
        for item in (descriptions if isinstance(descriptions, list) else ())
        if isinstance(item, dict) and isinstance(text := item.get("latestDescription"), str)
    }
    text = said.get("en_US") or next(iter(said.values()), "")
    return text[:_DESCRIPTION_LIMIT].encode(errors="replace").decode()  # half a surrogate pair cannot be stored


@dataclass(frozen=True, slots=True)
class _Fields:
    """A JSON object from outside, and the path its fields' errors are named by ("" or "detail.")."""

    values: dict[str, object]
    path: str

    @classmethod
    def of(cls, value: object, path: str) -> "_Fields":
        if not isinstance(value, dict):
            raise ParseError(path.rstrip(".") or "event", "is not an object")
        return cls(value, path)

    def inner(self, name: str) -> "_Fields":
        return self.of(self.values.get(name), f"{self.path}{name}.")

    def optional_text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self.values.get(name)
        if value is None or value == "":
            return ""
        if not isinstance(value, str):
            raise ParseError(self.path + name, "is not a string")
        if pattern is not None and not pattern.fullmatch(value):
            raise ParseError(self.path + name, f"is not as documented: {value[:40]!r}")
        return value

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self.optional_text(name, pattern)
        if not value:
            raise ParseError(self.path + name, "is missing")
        return value

    def optional_list(self, name: str) -> list[object]:
        value = self.values.get(name)
        if value is None or value == "":
            return []
        if not isinstance(value, list):
            raise ParseError(self.path + name, "is not a list")
        return value

    def optional_instant(self, name: str) -> datetime | None:
        value = self.values.get(name)
        if value is None or value == "":
            return None
        at = _instant(value)
        if at is None or not _EARLIEST_AT <= at < _LATEST_AT:
            raise ParseError(self.path + name, "is no instant of this age")
        return at

    def instant(self, name: str) -> datetime:
        at = self.optional_instant(name)
        if at is None:
            raise ParseError(self.path + name, "is missing")
        return at


def _instant(value: object) -> datetime | None:
    """Epoch seconds, an HTTP date, an ISO 8601 time (UTC unless it says otherwise), or what an SDK made of one."""
    try:
        if isinstance(value, datetime):
            return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if not isinstance(value, str):
            return None
        if match := _HTTP_DATE.fullmatch(value):
            day, month, year, hour, minute, second = match.groups()
            return datetime(
                int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
            )
        return _instant(datetime.fromisoformat(value))
    except (ValueError, OverflowError, OSError):  # not a date, or beyond what a datetime can hold
        return None
