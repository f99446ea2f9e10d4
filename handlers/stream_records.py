"""DynamoDB stream: which executions a batch of records is about, and what to answer for the ones that failed."""

from collections.abc import Callable
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from bot.model import ExecutionKey

PREFIX, STATE = "EXEC#", "STATE"
TIME_TO_STOP = 15_000  # milliseconds before the timeout: what is left then has a clock that brings it back


class Context(Protocol):
    """The part of Lambda's context used here."""

    def get_remaining_time_in_millis(self) -> int: ...


def each_execution(
    event: dict[str, Any], context: Context | None, logger: Logger, act: Callable[[ExecutionKey], None]
) -> dict[str, list[dict[str, str]]]:
    """Act once for each execution in the batch, in order; answer ReportBatchItemFailures for those that raised.

    One that raises does not keep the others waiting: the stream delivers it again, and acting twice is harmless.
    Without a context (invoked by hand) there is no timeout to mind.
    """
    failures: list[dict[str, str]] = []
    seen: set[ExecutionKey] = set()
    for record in event.get("Records", ()):
        keys = record["dynamodb"]["Keys"]
        if not keys["pk"]["S"].startswith(PREFIX) or keys["sk"]["S"] != STATE:
            continue  # the mapping's filter says the same
        sequence_number = record["dynamodb"]["SequenceNumber"]
        if context is not None and context.get_remaining_time_in_millis() < TIME_TO_STOP:
            logger.warning("out of time; the rest of the batch is brought back by its clocks")
            break
        try:
            key = ExecutionKey.parse(keys["pk"]["S"].removeprefix(PREFIX))
            if key not in seen:
                seen.add(key)
                act(key)
        except Exception:  # only bugs and a dead table get here; this record alone goes to the failure destination
            logger.exception("record %s failed", sequence_number)
            failures.append({"itemIdentifier": sequence_number})
    return {"batchItemFailures": failures}
