"""The stores side by side: every test that asks for `bench` runs on each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bot.adapters.dynamodb import DynamoStore
from bot.adapters.table_items import due_key
from bot.ports import Due, DueKind, Store
from tests.builders import NOW, REGION
from tests.fakes.dynamodb import MemoryDynamoDB
from tests.fakes.store import MemoryStore

TABLE = "allclear"
KEYS_ONLY = {"ProjectionType": "KEYS_ONLY"}
ALL = {"ProjectionType": "ALL"}
INDEXES = (
    ("due", "due", "due_at", KEYS_ONLY),
    ("unfinished", "unfinished", "opened", ALL),
    ("finished", "finished", "finished_at", ALL),
    ("pipeline", "pipeline", "opened", ALL),
)


@dataclass
class Bench:
    """A store, and how to break an item of it so that it cannot be read."""

    store: Store
    spoil: Callable[[DueKind, str], None]


def create_table(client: Any) -> None:
    """The table as docs/architecture.md describes it."""
    strings = ("pk", "sk", "due", "due_at", "unfinished", "opened", "pipeline", "finished", "finished_at")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in strings],
        KeySchema=_schema("pk", "sk"),
        GlobalSecondaryIndexes=[
            {"IndexName": name, "KeySchema": _schema(partition, sort), "Projection": projection}
            for name, partition, sort, projection in INDEXES
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    """A DynamoDB client over moto. Making one takes longer than most tests, so a module shares it."""
    with mock_aws():
        yield boto3.client("dynamodb", region_name=REGION, endpoint_url=f"https://dynamodb.{REGION}.amazonaws.com")


@pytest.fixture
def dynamodb(moto: Any) -> Iterator[Any]:
    """The client, with a new table in place."""
    create_table(moto)
    yield moto
    moto.delete_table(TableName=TABLE)


@pytest.fixture(params=["memory", "adapter in memory", "dynamodb"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """The store's twin; the real store over DynamoDB's twin; the real store over moto."""
    if request.param == "memory":
        memory = MemoryStore()
        return Bench(memory, lambda kind, key: memory.unreadable.add((kind, key)))
    client: Any = MemoryDynamoDB() if request.param != "dynamodb" else request.getfixturevalue("dynamodb")
    return Bench(DynamoStore(client, TABLE), lambda kind, key: spoil(client, kind, key))


@pytest.fixture
def store(bench: Bench) -> Store:
    return bench.store


FIELD_THAT_MATTERS = {
    DueKind.EXECUTION: "status",
    DueKind.CARD: "wanted_version",
    DueKind.HINT: "token",
    DueKind.ISSUE: "phase",
    DueKind.HOLD: "since_at",
    DueKind.BURST: "wanted_version",
    DueKind.INFERRED: "revision",
}


def spoil(client: Any, kind: DueKind, key: str) -> None:
    """Give the item's most telling field a value that no version of Allclear ever wrote."""
    client.update_item(
        TableName=TABLE,
        Key={name: {"S": value} for name, value in due_key(Due(kind, key, NOW)).items()},
        UpdateExpression="SET #field = :nonsense",
        ExpressionAttributeNames={"#field": FIELD_THAT_MATTERS[kind]},
        ExpressionAttributeValues={":nonsense": {"BOOL": True}},
    )
