"""What a CodeStar notification rule sends through SNS, read strictly as the pipeline events it repeats. Pure.

The message is EventBridge's event with `detailType` for `detail-type`, without id and version. What its detail
level FULL adds (`additionalAttributes`) is words for people; the API tells the same as fields, so it is not read.
"""

import json

from bot.errors import ParseError
from bot.events import PipelineEvent, parse_pipeline_event

_RENAMED = {"detail-type": "detailType"}  # our field: the message's


def is_notification(event: object) -> bool:
    """Whether Lambda was invoked by SNS and not by EventBridge, whose events have no Records."""
    return isinstance(event, dict) and "Records" in event


def read_notifications(event: object) -> list[PipelineEvent | ParseError]:
    """Each record of one SNS invocation, read or refused by the path of its field. SNS sends one at a time.

    Raises ParseError where there are no records at all.
    """
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records:
        raise ParseError("Records", "is not a list of SNS records")
    return [_read(record, f"Records.{place}.") for place, record in enumerate(records)]


def _read(record: object, path: str) -> PipelineEvent | ParseError:
    try:
        return _parse(record, path)
    except ParseError as wrong:
        return wrong


def _parse(record: object, path: str) -> PipelineEvent:
    if not isinstance(record, dict) or record.get("EventSource") != "aws:sns":
        raise ParseError(path + "EventSource", "is not aws:sns")
    envelope = record.get("Sns")
    text = envelope.get("Message") if isinstance(envelope, dict) else None
    path += "Sns.Message"
    if not isinstance(text, str):
        raise ParseError(path, "is not a string")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise ParseError(path, "is not JSON") from None
    if not isinstance(message, dict):
        raise ParseError(path, "is not an object")
    renamed = {ours: message.get(theirs) for ours, theirs in _RENAMED.items()}
    try:
        return parse_pipeline_event({**message, **renamed})
    except ParseError as wrong:
        raise ParseError(f"{path}.{_RENAMED.get(wrong.field, wrong.field)}", wrong.problem) from wrong
