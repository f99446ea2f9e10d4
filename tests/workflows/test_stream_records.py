"""A batch of stream records: each execution once, and one that fails keeps nobody waiting."""

from typing import Any

from aws_lambda_powertools import Logger

from bot.model import ExecutionKey
from handlers.stream_records import TIME_TO_STOP, each_execution
from tests.builders import a_key

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
