"""A batch of stream records: each execution once, and one that fails keeps nobody waiting."""

from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from bot.errors import ParseError
from bot.model import ExecutionKey
from handlers import notify
from handlers.stream_records import TIME_TO_STOP, each_execution
from tests.builders import a_key
from tests.workflows.harness import held_night

LOGGER = Logger(service="test", level="CRITICAL")
WEB, API = a_key(pipeline="web"), a_key(pipeline="api")


class Clock:
    """Lambda's context: so much time is left at each look."""

    def __init__(self, *left: int) -> None:
        self._left = list(left)

    def get_remaining_time_in_millis(self) -> int:
        return self._left.pop(0) if self._left else 60_000


def batch(*keys: ExecutionKey | str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "dynamodb": {
                    "SequenceNumber": str(number),
                    "Keys": {"pk": {"S": f"EXEC#{key}"}, "sk": {"S": "STATE"}},
                }
            }
            for number, key in enumerate(keys)
        ]
    }


def failures(*numbers: int) -> dict[str, list[dict[str, str]]]:
    return {"batchItemFailures": [{"itemIdentifier": str(number)} for number in numbers]}


def test_each_execution_is_acted_on_once_in_order() -> None:
    acted: list[ExecutionKey] = []
    assert each_execution(batch(WEB, API, WEB), Clock(), LOGGER, acted.append) == failures()
    assert acted == [WEB, API]


def test_one_that_fails_is_named_and_the_others_go_on() -> None:
    acted: list[ExecutionKey] = []

    def act(key: ExecutionKey) -> None:
        if key == WEB:
            raise RuntimeError("a bug")
        acted.append(key)

    assert each_execution(batch(WEB, "nonsense", API), Clock(), LOGGER, act) == failures(0, 1)
    assert acted == [API]


def test_what_there_is_no_time_for_is_left_to_its_clock() -> None:
    """Begun and cut off by the timeout, the whole batch would come again, and again."""
    acted: list[ExecutionKey] = []
    assert each_execution(batch(WEB, API), Clock(60_000, TIME_TO_STOP - 1), LOGGER, acted.append) == failures()
    assert acted == [WEB]


@pytest.mark.parametrize(
    "damage",
    [
        {},
        {"dynamodb": None},
        {"dynamodb": {"Keys": {"pk": {"S": f"EXEC#{WEB}"}, "sk": {"S": "STATE"}}}},
        {"dynamodb": {"SequenceNumber": 7, "Keys": {}}},
        None,
        "nonsense",
    ],
)
def test_a_record_without_a_number_fails_the_batch_and_lets_the_others_act(damage: object) -> None:
    """Lambda then halves the batch until that one is alone."""
    acted: list[ExecutionKey] = []
    event = {"Records": [damage, *batch(API)["Records"]]}
    assert each_execution(event, Clock(), LOGGER, acted.append) == {"batchItemFailures": [{"itemIdentifier": ""}]}
    assert acted == [API]


@pytest.mark.parametrize("event", [None, [], {}, {"Records": None}, {"Records": "x"}])
def test_an_event_without_records_is_refused_by_name(event: object) -> None:
    with pytest.raises(ParseError, match="Records"):
        each_execution(event, Clock(), LOGGER, lambda _key: None)


def test_a_shared_card_that_cannot_be_drawn_fails_no_record_and_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The members' own cards are up to date by then; failing them would only hold up their shard."""
    night, _ = held_night()
    counted: list[str] = []

    def show(_key: ExecutionKey, *rest: Any) -> bool:
        rest[-1].update(("broken", "whole"))
        return True

    def draw(burst: str, *_: object) -> bool:
        if burst == "broken":
            raise OverflowError("date value out of range")
        drawn.append(burst)
        return True

    drawn: list[str] = []
    app = SimpleNamespace(
        store=night.store, chat=None, policy=None, logger=LOGGER, clock=lambda: night.now, pause=lambda _: None
    )
    monkeypatch.setattr(notify, "app", lambda: app)
    monkeypatch.setattr(notify, "show", show)
    monkeypatch.setattr(notify, "draw", draw)
    monkeypatch.setattr(notify, "_count_undeliverable", lambda: counted.append("one"))
    assert notify.handler(batch(WEB), None) == failures()
    assert (drawn, counted) == (["whole"], ["one"])
