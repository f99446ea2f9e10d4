"""moto as it is corrected: transactions, streams and queries as DynamoDB has them."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from playground.backends import Backends
from playground.template import load
from tests.playground.cloud.conftest import TOY

TABLE = "allclear-Things"


@pytest.fixture
def backends() -> Backends:
    return Backends(load(TOY, {"Greeting": "hello"}))


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "STATE"}}


def put(backends: Backends, name: str, **attributes: Any) -> None:
    backends.call("dynamodb", "PutItem", {"TableName": TABLE, "Item": key(name) | attributes})


def streamed(backends: Backends, start: int = 0) -> list[tuple[str, str]]:
    arn = load(TOY, {"Greeting": "hello"}).stream_mappings[0].stream_arn
    records = backends.stream_records(arn, start)
    return [(record["eventName"], record["dynamodb"]["Keys"]["pk"]["S"]) for record in records]


def test_a_transaction_that_fails_leaves_everything_as_it_was(backends: Backends) -> None:
    put(backends, "old", times={"N": "1"})
    put(backends, "gone", kind={"S": "thing"})
    before = backends.items(TABLE)
    update = {
        "TableName": TABLE,
        "Key": key("old"),
        "UpdateExpression": "ADD times :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    impossible = {"TableName": TABLE, "Item": key("other"), "ConditionExpression": "attribute_exists(pk)"}
    transaction = [
        {"Update": update},
        {"Put": {"TableName": TABLE, "Item": key("new")}},
        {"Delete": {"TableName": TABLE, "Key": key("gone")}},
        {"Put": impossible},
    ]
    with pytest.raises(RuntimeError, match="TransactionCanceledException"):
        backends.call("dynamodb", "TransactWriteItems", {"TransactItems": transaction})
    assert backends.items(TABLE) == before
    assert streamed(backends) == [("INSERT", "old"), ("INSERT", "gone")]
    backends.call("dynamodb", "TransactWriteItems", {"TransactItems": transaction[:3]})
    assert [item["pk"]["S"] for item in backends.items(TABLE)] == ["new", "old"]
    assert backends.items(TABLE)[1]["times"] == {"N": "2"}
    assert streamed(backends, 2) == [("MODIFY", "old"), ("INSERT", "new"), ("REMOVE", "gone")]


def test_an_item_that_an_update_creates_is_streamed_once_and_whole(backends: Backends) -> None:
    request = {
        "TableName": TABLE,
        "Key": key("new"),
        "UpdateExpression": "SET kind = :kind",
        "ExpressionAttributeValues": {":kind": {"S": "thing"}},
    }
    backends.call("dynamodb", "UpdateItem", request)
    arn = load(TOY, {"Greeting": "hello"}).stream_mappings[0].stream_arn
    (record,) = backends.stream_records(arn, 0)
    assert record["dynamodb"]["NewImage"] == key("new") | {"kind": {"S": "thing"}}
    assert record["eventSourceARN"] == arn
    backends.call("dynamodb", "UpdateItem", request)
    assert len(backends.stream_records(arn, 0)) == 1, "nothing has changed"
    put(backends, "other")
    numbers = [item["dynamodb"]["SequenceNumber"] for item in backends.stream_records(arn, 0)]
    assert numbers == sorted(set(numbers))


def test_queries_find_what_they_should_in_order_and_page_by_page(backends: Backends) -> None:
    for number in (3, 1, 2):
        item = {"pk": {"S": "p"}, "sk": {"S": f"{number}"}, "kind": {"S": "thing" if number > 1 else "else"}}
        backends.call("dynamodb", "PutItem", {"TableName": TABLE, "Item": item})
    put(backends, "q")
    of_partition = {
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
        "Limit": 2,
    }
    first = backends.call("dynamodb", "Query", of_partition)
    rest = backends.call("dynamodb", "Query", of_partition | {"ExclusiveStartKey": first["LastEvaluatedKey"]})
    assert [item["sk"]["S"] for item in first["Items"] + rest["Items"]] == ["1", "2", "3"]
    of_index = {
        "TableName": TABLE,
        "IndexName": "kinds",
        "KeyConditionExpression": "kind = :k AND sk >= :s",
        "ExpressionAttributeValues": {":k": {"S": "thing"}, ":s": {"S": "2"}},
    }
    assert [item["sk"]["S"] for item in backends.call("dynamodb", "Query", of_index)["Items"]] == ["2", "3"]


def test_values_of_every_type_come_back_as_they_were_written(backends: Backends) -> None:
    values = {
        "text": {"S": ""},
        "number": {"N": "1.5"},
        "bytes": {"B": "aGk="},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "list": {"L": [{"S": "a"}, {"L": []}]},
        "map": {"M": {"S": {"M": {"N": {"N": "1"}}}}},
        "set": {"SS": ["a", "b"]},
    }
    put(backends, "all", **values)
    answer = backends.call("dynamodb", "GetItem", {"TableName": TABLE, "Key": key("all")})
    assert answer["Item"] == key("all") | values


def test_the_secret_has_the_arn_that_the_template_hands_to_functions() -> None:
    stack = load(TOY, {"Greeting": "hello", "Secret": "open sesame"})
    answer = Backends(stack).call("secretsmanager", "GetSecretValue", {"SecretId": stack.secrets[0].arn})
    assert json.loads(answer["SecretString"]) == {"token": "open sesame"}


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("restless_threads")
def test_of_many_at_once_exactly_one_wins_each_condition(backends: Backends) -> None:
    """moto alone reads and writes without a lock, and lets several win."""

    together = Barrier(4)

    def claim(number: int) -> bool:
        request = {
            "TableName": TABLE,
            "Item": key(f"CLAIM#{number}"),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        together.wait()
        try:
            backends.call("dynamodb", "PutItem", request)
        except RuntimeError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        wins = pool.map(lambda _: sum(claim(number) for number in range(60)), range(4))
    assert sum(wins) == 60
