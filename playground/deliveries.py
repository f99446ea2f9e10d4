"""EventBridge's and Lambda's asynchronous side: what waits to be delivered, and what becomes of what fails.

Source: "Invoking a Lambda function asynchronously": two more tries, a minute and then two minutes later.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from playground.functions import Invocation
from playground.stack import Function

BACK_OFF = (timedelta(minutes=1), timedelta(minutes=2))


class Disorder:
    """At least once and in no order, made visible: shuffles and doubles deliveries, the same for the same seed.

    Records of one stream keep their order, as in AWS. `duplicate` is the probability of a second delivery.
    """

    def __init__(self, seed: int, *, shuffle: bool = True, duplicate: float = 0.25) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        self._shuffle = shuffle
        self._duplicate = duplicate

    def choose(self, count: int) -> int:
        """Which of `count` things that could happen next happens."""
        return self._random.randrange(count) if self._shuffle else 0

    def twice(self) -> bool:
        return self._random.random() < self._duplicate


@dataclass(slots=True)
class Delivery:
    """An event on its way to a function."""

    function: Function
    event: Any
    due_at: datetime
    first_at: datetime
    tries: int = 0


@dataclass(slots=True)
class AsyncQueue:
    """Lambda's queue of asynchronous invocations. `give_up(queue_arn, message)` fills the failure destination."""

    invoke: Callable[[Function, Any], Invocation]
    give_up: Callable[[str, dict[str, Any]], None]
    waiting: list[Delivery] = field(default_factory=list)

    def add(self, function: Function, event: Any, now: datetime) -> None:
        self.waiting.append(Delivery(function, event, now, now))

    def due(self, now: datetime) -> Sequence[Delivery]:
        return [delivery for delivery in self.waiting if delivery.due_at <= now]

    def deliver(self, delivery: Delivery, now: datetime) -> None:
        """Invoke the function; on an error, wait and try again, or give up."""
        self.waiting.remove(delivery)
        invocation = self.invoke(delivery.function, delivery.event)
        if invocation.error is None:
            return
        delivery.tries += 1
        if delivery.tries > delivery.function.max_retries:
            self._report(delivery, invocation.error, "RetriesExhausted", now)
            return
        delivery.due_at = now + BACK_OFF[min(delivery.tries, len(BACK_OFF)) - 1]
        if delivery.due_at - delivery.first_at > delivery.function.max_age:
            self._report(delivery, invocation.error, "EventAgeExceeded", now)
            return
        self.waiting.append(delivery)

    def _report(self, delivery: Delivery, error: Mapping[str, Any], condition: str, now: datetime) -> None:
        if not delivery.function.on_failure:
            return
        message = {
            "version": "1.0",
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "requestContext": {
                "requestId": str(uuid4()),
                "functionArn": f"{delivery.function.arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": delivery.tries,
            },
            "requestPayload": delivery.event,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": dict(error),
        }
        self.give_up(delivery.function.on_failure, message)
