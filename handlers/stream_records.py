"""DynamoDB stream: which executions a batch of records is about, and what to answer for the ones that failed."""

from collections.abc import Callable
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from bot.errors import ParseError
from bot.model import ExecutionKey

PREFIX, STATE = "EXEC#", "STATE"
TIME_TO_STOP = 15_000  # milliseconds before the timeout: what is left then has a clock that brings it back
THE_WHOLE_BATCH = ""
"""An empty identifier fails the batch ("Configuring partial batch response with DynamoDB and Lambda"); Lambda then
halves it, so that a record without a number ends in the failure destination alone."""


class Context(Protocol):
    """The part of Lambda's context used here."""

    def get_remaining_time_in_millis(self) -> int: ...


def each_execution(
    event: object, context: Context | None, logger: Logger, act: Callable[[ExecutionKey], None]
) -> dict[str, list[dict[str, str]]]:
    """Act once for each execution in the batch, in order; answer ReportBatchItemFailures for those that raised.

    One that raises does not keep the others waiting: the stream delivers it again, and acting twice is harmless.
    Without a context (invoked by hand) there is no timeout to mind. Raises ParseError where there are no records.
    """
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise ParseError("Records", "is not a list of stream records")
    failures: list[dict[str, str]] = []
    seen: set[ExecutionKey] = set()
    for record in records:
        if context is not None and context.get_remaining_time_in_millis() < TIME_TO_STOP:
            logger.warning("out of time; the rest of the batch is brought back by its clocks")
            break
        item, number = "", THE_WHOLE_BATCH
        try:
            number = _text(record, "dynamodb", "SequenceNumber")
            item = _text(record, "dynamodb", "Keys", "pk", "S")
            if not item.startswith(PREFIX) or _text(record, "dynamodb", "Keys", "sk", "S") != STATE:
                continue  # the mapping's filter says the same
            key = ExecutionKey.parse(item.removeprefix(PREFIX))
            if key not in seen:
                seen.add(key)
                act(key)
        except Exception:  # only bugs and a dead table get here; this record alone goes to the failure destination
            logger.exception("record %s of %s failed", number or "without a number", item or "an unknown item")
            failures.append({"itemIdentifier": number})
    return {"batchItemFailures": failures}


def _text(record: Any, *path: str) -> str:
    """Raises ParseError."""
    value = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise ParseError(".".join(path), "is not a string")
    return value
