"""Lambda's event source mapping for DynamoDB streams.

Sources: "Using AWS Lambda with Amazon DynamoDB", its pages on errors, partial batch responses and filtering.
There is one shard, so a batch that fails holds up every later record until it is retried, split, or given up.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from playground.event_pattern import matches
from playground.functions import Invocation
from playground.stack import Function, StreamMapping

Record = dict[str, Any]
LONGEST_BACK_OFF = timedelta(minutes=1)


@dataclass(slots=True)
class _Batch:
    records: list[Record]
    tries: int = 0


class StreamReader:
    """One mapping's place in its stream.

    `read(start)` answers the records from number `start` on; `give_up(queue_arn, message)` fills a queue.
    """

    def __init__(
        self,
        mapping: StreamMapping,
        function: Function,
        read: Callable[[int], Sequence[Record]],
        invoke: Callable[[Function, Any], Invocation],
        give_up: Callable[[str, Record], None],
    ) -> None:
        self._mapping = mapping
        self._function = function
        self._read = read
        self._invoke = invoke
        self._give_up = give_up
        self._position = 0
        self._batches: deque[_Batch] = deque()
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def pending(self, now: datetime) -> bool:
        """Whether there is a batch to deliver now."""
        if now >= self._not_before and not self._batches:
            self._fetch()
        return now >= self._not_before and bool(self._batches)

    def deliver(self, now: datetime, times: int = 1) -> None:
        """Deliver the next batch, `times` times over (a stream is at least once); the last answer counts."""
        batch = self._batches[0]
        for _ in range(times):
            invocation = self._invoke(self._function, {"Records": batch.records})
        self._batches.popleft()
        failed = self._failed_from(batch.records, invocation)
        if failed == len(batch.records):
            return
        if failed > 0:  # what came before is done; the rest is a batch of its own that has failed once
            batch = _Batch(batch.records[failed:])
        self._retry(batch, now)

    def _fetch(self) -> None:
        records = self._read(self._position)
        self._position += len(records)
        filters = self._mapping.filters
        wanted = [record for record in records if not filters or any(matches(each, record) for each in filters)]
        size = self._mapping.batch_size
        self._batches.extend(_Batch(wanted[start : start + size]) for start in range(0, len(wanted), size))

    def _failed_from(self, records: Sequence[Record], invocation: Invocation) -> int:
        """The place of the first record that must be tried again; the batch's length if none."""
        if invocation.error is not None:
            return 0
        answer = invocation.value
        if not self._mapping.reports_failures or answer is None:
            return len(records)
        failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
        if not failures:
            return len(records)
        places = {record["dynamodb"]["SequenceNumber"]: place for place, record in enumerate(records)}
        # An identifier that is missing or unknown fails the whole batch.
        return min(places.get(failure.get("itemIdentifier"), 0) for failure in failures)

    def _retry(self, batch: _Batch, now: datetime) -> None:
        if self._mapping.bisect and len(batch.records) > 1:  # splitting does not count as a try
            middle = len(batch.records) // 2
            halves = _Batch(batch.records[:middle], batch.tries), _Batch(batch.records[middle:], batch.tries)
            self._batches.extendleft(reversed(halves))
            return
        batch.tries += 1
        oldest = datetime.fromtimestamp(batch.records[0]["dynamodb"]["ApproximateCreationDateTime"], UTC)
        if now - oldest > self._mapping.max_age:
            self._report(batch, "RecordAgeExceeded", now)
        elif 0 <= self._mapping.max_retries < batch.tries:
            self._report(batch, "RetryAttemptsExhausted", now)
        else:
            self._batches.appendleft(batch)
            self._not_before = now + min(timedelta(seconds=2**batch.tries), LONGEST_BACK_OFF)

    def _report(self, batch: _Batch, condition: str, now: datetime) -> None:
        """The failure queue gets what a person needs to find the records, not the records."""
        if not self._mapping.on_failure:
            return
        changes = [record["dynamodb"] for record in batch.records]
        arrived = [datetime.fromtimestamp(change["ApproximateCreationDateTime"], UTC) for change in changes]
        message = {
            "requestContext": {
                "requestId": str(uuid4()),
                "functionArn": self._function.arn,
                "condition": condition,
                "approximateInvokeCount": batch.tries,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": _instant(now),
            "DDBStreamBatchInfo": {
                "shardId": "shardId-00000000000000000000-00000000",
                "startSequenceNumber": changes[0]["SequenceNumber"],
                "endSequenceNumber": changes[-1]["SequenceNumber"],
                "approximateArrivalOfFirstRecord": _instant(arrived[0]),
                "approximateArrivalOfLastRecord": _instant(arrived[-1]),
                "batchSize": len(changes),
                "streamArn": self._mapping.stream_arn,
            },
        }
        self._give_up(self._mapping.on_failure, message)


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
