"""What EventBridge brings, read strictly: CodePipeline's state changes and AWS Health's events. Pure.

Events are hints: only what says *where to look* is read of a CodePipeline event, and nothing of it is believed
that the API can tell. A Health event is the ledger's source where the Health API is closed to us, so it is read whole.
Whatever is not as documented raises ParseError naming the field; missing, null and "" are the same thing.
"""

import re
from dataclasses import dataclass, replace
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

# One, two or three segments after event/. The ledger writes the ARN into keys, between '#' and '|'.
_HEALTH_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:health:(?P<region>[a-z0-9\-]*):[0-9]*:event(?:/[!-~]+)+")
_ARN_LIMIT = 1_000  # characters; AWS allows 1,600, but ARN|account is a sort key and DynamoDB's end at 1,024 bytes

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

    None: it is well-formed and no issue (abuse, account notification, scheduled change, investigation), or an
    issue that has not begun (upcoming). `now` stands in for an envelope without a time.
    """
    envelope = _Fields.of(event, "")
    if envelope.text("source") != "aws.health":
        raise ParseError("source", "is not aws.health")
    if envelope.text("detail-type") != "AWS Health Event":
        return None
    delivered_at = envelope.optional_instant("time") or now
    detail = envelope.inner("detail")
    scope = detail.optional_text("eventScopeCode")
    if not scope:  # older events lack it; only an account's own lists what is affected
        scope = "ACCOUNT_SPECIFIC" if detail.optional_list("affectedEntities") else "PUBLIC"
    report = _report(
        detail,
        arn_field="eventArn",
        region=detail.optional_text("eventRegion") or None,
        region_field="eventRegion",
        scope=scope,
        account=lambda: detail.optional_text("affectedAccount", _ACCOUNT) or envelope.text("account", _ACCOUNT),
        otherwise_at=delivered_at,
        otherwise_region=lambda: envelope.text("region", _REGION),
    )
    if report is None:
        return None
    updated_at = report.updated_at if report.updated_at <= now + _CLOCK_TOLERANCE else now
    return replace(report, updated_at=updated_at, description=_description(detail.values.get("eventDescription")))
