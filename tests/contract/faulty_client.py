"""A DynamoDB client on whose calls something goes wrong, as it would between a function and AWS."""

from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from tests.contract.conftest import TABLE

Fault = Callable[[Callable[[], Any]], Any]


class FaultyClient:
    """A real client. `faults` are used up, one a call of that operation; `sent` is what was asked of it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.faults: dict[str, list[Fault]] = {}
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            self.sent.append((operation, parameters))
            perform = partial(getattr(self.client, operation), **parameters)
            waiting = self.faults.get(operation)
            return waiting.pop(0)(perform) if waiting else perform()

        return call


def sent_twice(perform: Callable[[], Any]) -> Any:
    """The answer is lost and the SDK sends the same request again."""
    perform()
    return perform()


def lost(perform: Callable[[], Any]) -> Any:
    """It takes effect, and nobody ever hears of it."""
    perform()
    raise ReadTimeoutError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com")


def garbled(perform: Callable[[], Any]) -> Any:
    """It takes effect, and the answer is cut off."""
    perform()
    raise ResponseParserError("Unable to parse response")


def unreachable(perform: Callable[[], Any]) -> Any:  # noqa: ARG001 - it never gets there
    raise EndpointConnectionError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com")


def refused(code: str, status: int = 400, reasons: tuple[str, ...] = ()) -> Fault:
    answer: Any = {
        "Error": {"Code": code, "Message": "as DynamoDB says it"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }

    def fault(perform: Callable[[], Any]) -> Any:  # noqa: ARG001 - it is refused
        raise ClientError(answer, "AnyOperation")

    return fault


def stored(client: FaultyClient, pk: str, sk: str) -> dict[str, Any]:
    """An item as DynamoDB has it, {} if it has none."""
    answer = client.client.get_item(TableName=TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}})
    item: dict[str, Any] = answer.get("Item", {})
    return item
