"""Allclear installed in memory: the real handlers, the real store over DynamoDB's twin, and an ear for its log.

What a handler is invoked with is what Lambda would hand it: JSON, read by Python.
"""

import copy
import json
import logging
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ClientError

from bot.adapters import dynamodb_table
from bot.adapters.dynamodb import DynamoStore
from bot.errors import TryLater
from bot.slack.port import SlackUser
from handlers import composition, gate, health_event, notify, pipeline_event, resume, slack_request, sweep
from playground.slack_workspace import TEAM, USERS
from tests.builders import ACCOUNT, NOW, REGION
from tests.fakes.calendar import FakeCalendar
from tests.fakes.chat import FakeChat
from tests.fakes.dynamodb import MemoryDynamoDB, Place
from tests.fakes.evidence import FakeEvidence
from tests.fakes.health import FakeHealth
from tests.fakes.pipelines import FakePipelines

CHANNEL = "C0DEPLOYS"
SIGNING_SECRET = "signing-secret-8f742231b10e8888"
SETTINGS = {
    "AWS_REGION": REGION,
    "ACCOUNT_ID": ACCOUNT,
    "SLACK_CHANNEL": CHANNEL,
    "OVERRIDE_USERS": "U0ALICE",
    "ON_CALL_MENTION": "S0DEPLOYERS",
}
HANDLERS = {
    module.__name__.rpartition(".")[2]: module
    for module in (gate, health_event, notify, pipeline_event, resume, slack_request, sweep)
}
LOGGERS = ("bot", "fuzz", dynamodb_table.logger.name)
AT_REST = 60  # deliveries of the stream after which the readers keep each other busy for ever
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class People(FakeChat):
    """The workspace of the local Slack (playground), in memory."""

    def team(self) -> str:
        super().team()
        return TEAM


class Secrets:
    """The part of SlackSecrets the handler asks. `error` is what its next reads raise."""

    def __init__(self) -> None:
        self.reads = 0
        self.error: Exception | None = None

    def signing_secrets(self) -> tuple[str, ...]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return (SIGNING_SECRET,)

    def signing_secrets_read_again(self) -> tuple[str, ...]:
        return self.signing_secrets()


class App(composition.App):
    """The composition root with its adapters replaced; what is not replaced would call AWS, and fail."""

    def __init__(self, installation: "Installation") -> None:  # the real one sets up the process's loggers
        self._environment = SETTINGS
        self.clock = lambda: installation.now
        self.pause = lambda _seconds: None
        self.logger: Any = logging.getLogger("fuzz")
        store: Any = DynamoStore(installation.table, "allclear", sleep=lambda _seconds: None)  # type: ignore[arg-type]
        secrets: Any = installation.secrets
        self.store, self.slack_secrets = store, secrets
        self.pipelines, self.health = installation.pipelines, installation.health
        self.calendar, self.evidence, self.chat = FakeCalendar(), FakeEvidence(), installation.chat


@dataclass
class Outcome:
    """What came of one invocation."""

    handler: str
    value: Any = None
    error: Exception | None = None
    records: list[logging.LogRecord] = field(default_factory=list)

    def errors(self) -> list[str]:
        """The exceptions it logged, the expected ones left out."""
        return [
            f"{record.getMessage()}: {record.exc_info[1]!r}"
            for record in self.records
            if record.levelno >= logging.ERROR and record.exc_info and record.exc_info[1] is not None
        ]

    def log(self) -> str:
        return "\n".join(map(_in_full, self.records))


def _in_full(record: logging.LogRecord) -> str:
    error = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    extra = {name: value for name, value in vars(record).items() if name not in ("msg", "args", "exc_info")}
    return f"{record.getMessage()} {error} {extra}"


class Installation(logging.Handler):
    """One installation. `invoke` runs a handler; `at_rest` delivers the stream and lets the sweep run."""

    def __init__(self, table: Any = None) -> None:
        """`table`: DynamoDB's client, with `items` and `on_write` as MemoryDynamoDB has them; None: a new one."""
        super().__init__(logging.INFO)
        self.now = NOW
        self.table = table or MemoryDynamoDB()
        self.pipelines, self.health = FakePipelines(), FakeHealth()
        self.chat = People(now=NOW)
        for user in USERS:
            self.chat.users[user.user_id] = SlackUser(
                user.user_id, user.team_id, full_member=not user.guest and not user.outsider, name=user.name
            )
        self._begin()

    def _begin(self) -> None:
        self.secrets = Secrets()
        self.alarms: Counter[str] = Counter()
        self.stream: deque[Place] = deque()
        self.outcomes: list[Outcome] = []
        self._records: list[logging.LogRecord] = []
        self._sequence = 0
        self.table.on_write = self.stream.append
        self.app = App(self)

    def copy(self) -> "Installation":
        """Another one that stands as this one does."""
        other = Installation.__new__(Installation)
        logging.Handler.__init__(other, logging.INFO)
        other.now = self.now
        other.table = MemoryDynamoDB(self.table.items)
        other.pipelines, other.health, other.chat = map(_copy, (self.pipelines, self.health, self.chat))
        other.pipelines.clear_errors()  # what is scripted is in containers within containers
        other.chat.clear_failures()
        other._begin()
        return other

    @contextmanager
    def playing(self) -> Iterator[None]:
        """The handlers are this installation's."""
        loggers = [logging.getLogger(name) for name in LOGGERS]
        before = [(logger.level, logger.propagate, logger.handlers[:]) for logger in loggers]
        with ExitStack() as stack:
            for module in HANDLERS.values():
                stack.enter_context(patch.object(module, "app", lambda: self.app))
            for module in (notify, sweep):
                stack.enter_context(patch.object(module, "single_metric", self._count))
            try:
                for logger in loggers:
                    logger.setLevel(logging.INFO)
                    logger.propagate, logger.handlers[:] = False, [self]
                yield
            finally:
                for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
                    logger.setLevel(level)
                    logger.propagate, logger.handlers[:] = propagate, handlers

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)

    def _count(self, *, name: str, unit: object, value: float) -> AbstractContextManager[None]:  # noqa: ARG002
        self.alarms[name] += int(value)
        return nullcontext()

    def invoke(self, name: str, event: Any) -> Outcome:
        """As Lambda does: the event is JSON, and whatever is raised is an error of the function's."""
        self._records = []
        outcome = Outcome(name)
        self.chat.now = self.now
        try:
            outcome.value = HANDLERS[name].handler(json.loads(json.dumps(event)), None)
        except Exception as error:  # noqa: BLE001 - whatever it is, the promises judge it
            outcome.error = error
        outcome.records = self._records
        self.outcomes.append(outcome)
        return outcome

    def record(self, place: Place) -> dict[str, Any]:
        """One of the stream's records, as Lambda hands it over."""
        self._sequence += 1
        return {
            "eventID": f"event-{self._sequence}",
            "eventName": "MODIFY",
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "Keys": {"pk": {"S": place[0]}, "sk": {"S": place[1]}},
                "NewImage": self.table.items.get(place, {}),
                "SequenceNumber": str(self._sequence),
                "StreamViewType": "NEW_IMAGE",
            },
        }

    def deliver(self, *, failing: bool = False) -> None:
        """The stream, to its end, as template.yaml's filters let it through to the two readers.

        A record that fails is given up at once. `failing`: so it may be that they never come to rest.
        """
        for _ in range(AT_REST):
            if not self.stream:
                return
            written = dict.fromkeys(self.stream)
            self.stream.clear()
            states = [place for place in written if place[0].startswith("EXEC#") and place[1] == "STATE"]
            owed = [
                place for place in states if self.table.items.get(place, {}).get("status") == {"S": "RESUMING"}
            ]
            for name, places in (("resume", owed), ("notify", states)):
                for start in range(0, len(places), 10):
                    batch = places[start : start + 10]
                    self.invoke(name, {"Records": [self.record(place) for place in batch]})
        if failing:
            return
        raise AssertionError(f"not at rest after {AT_REST} deliveries of the stream")

    def at_rest(self) -> None:
        """Nothing goes wrong any more: the stream is delivered, and the sweep runs now and again."""
        self.table.before = lambda _operation: None
        self.secrets.error = None
        self.pipelines.clear_errors()
        self.chat.clear_failures()
        self.health.error = None
        self.deliver()
        for passes in (MINUTE, 10 * MINUTE, 6 * HOUR):
            self.now += passes
            self.invoke("sweep", {})
            self.deliver()


def _copy(fake: Any) -> Any:
    """A fake with containers of its own; what is in them is never changed in place."""
    other = copy.copy(fake)
    for name, value in vars(fake).items():
        if isinstance(value, dict | list | set):
            setattr(other, name, value.copy())
    return other


def busy_for(calls: int, after: int) -> Callable[[str], None]:
    """DynamoDB throttles so many calls, once as many others have gone through."""
    made = 0

    def before(operation: str) -> None:
        nonlocal made
        made += 1
        if after < made <= after + calls:
            answer: Any = {
                "Error": {"Code": "ThrottlingException", "Message": "slow down"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(answer, operation)

    return before


SECRET_UNREADABLE = TryLater("Secrets Manager does not answer")
