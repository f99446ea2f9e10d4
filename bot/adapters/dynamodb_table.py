"""DynamoDB's calls on one table, in plain dicts: requests built, answers unpacked, errors translated."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.parsers import ResponseParserError

from bot.adapters.table_items import Item, Key
from bot.errors import AllclearError, ParseError, TryLater

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")
logger = Logger(child=True)

Request = dict[str, Any]  # one PutItem's or UpdateItem's parameters, without the table's name

PAUSES = (0.05, 0.1, 0.2, 0.4)  # seconds, at most, before a write that met another one is sent again
BUSY = ("ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded")
CONTENTION = ("TransactionConflictException", "TransactionInProgressException")
CONTENTION_REASONS = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")

BEGINS_WITH = "begins_with(#sort, :sort)"
AT_MOST = "#sort <= :sort"


class ConditionFailed(AllclearError):
    """Stored attributes were not as expected; nothing was written. The store says what that means.

    `positions` are the failed requests' places in the transaction.
    """

    def __init__(self, positions: Sequence[int] = (0,)) -> None:
        super().__init__("a condition failed")
        self.positions = tuple(positions)


class AnswerLost(TryLater):
    """The call may have taken effect. The store looks whether it did; for a read this is TryLater and no more."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a query. `last` is the exclusive start of the next page, None on the last."""

    items: tuple[Item, ...]
    last: Item | None


def put_request(item: Item, only_if: Mapping[str, object] | None = None) -> Request:
    """PutItem. `only_if`: attributes that must be equal to these, None for one that must not be there."""
    return {"Item": _plain_to_wire(item), **_expressions([], only_if or {})}


def update_request(
    key: Key,
    fields: Mapping[str, object],
    *,
    add: Mapping[str, int] | None = None,
    only_if: Mapping[str, object] | None = None,
) -> Request:
    """UpdateItem: set `fields` (those that are None are removed) and add to the numbers of `add` (absent: 0)."""
    names = list(fields)
    clauses = [
        ("SET", [f"#{name} = :{name}" for name in names if fields[name] is not None]),
        ("REMOVE", [f"#{name}" for name in names if fields[name] is None]),
        ("ADD", [f"#{name} :{name}" for name in add or {}]),
    ]
    written = {**fields, **(add or {})}
    request = _expressions(list(written.items()), only_if or {})
    request["UpdateExpression"] = " ".join(f"{verb} {', '.join(terms)}" for verb, terms in clauses if terms)
    return {"Key": _plain_to_wire(key), **request}


def readable(rows: Iterable[Item], read: Callable[[Item], T]) -> Iterator[T]:
    """What can be read of a listing: one broken item must not hide the others."""
    for row in rows:
        try:
            yield read(row)
        except ParseError as error:
            logger.warning(
                "left an unreadable item out", extra={"pk": row["pk"], "sk": row["sk"], "field": error.field}
            )


def _expressions(written: list[tuple[str, object]], only_if: Mapping[str, object]) -> Request:
    """Names and values of an update and its condition. Every name has an alias: many are reserved words."""
    conditions = [
        f"attribute_not_exists(#{name})" if value is None else f"#{name} = :if_{name}"
        for name, value in only_if.items()
    ]
    values = {f":{name}": value for name, value in written if value is not None}
    values.update({f":if_{name}": value for name, value in only_if.items() if value is not None})
    request: Request = {}
    if written or only_if:
        request["ExpressionAttributeNames"] = {f"#{name}": name for name in (*dict(written), *only_if)}
    if values:
        request["ExpressionAttributeValues"] = _plain_to_wire(values)
    if conditions:
        request["ConditionExpression"] = " AND ".join(conditions)
    return request


class Table:
    """One table. Every method may raise TryLater, writes ConditionFailed and AnswerLost too."""

    def __init__(self, client: "DynamoDBClient", name: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._name = name
        self._sleep = sleep

    def get(self, key: Key) -> Item | None:
        """A consistent read."""
        answer = self._send(self._client.get_item, Key=_plain_to_wire(key), ConsistentRead=True)
        return _wire_to_plain(answer["Item"]) if "Item" in answer else None

    def put(self, request: Request) -> None:
        self._send(self._client.put_item, **request)

    def update(self, request: Request) -> None:
        self._send(self._client.update_item, **request)

    def delete(self, key: Key, only_if: Mapping[str, object]) -> None:
        self._send(self._client.delete_item, Key=_plain_to_wire(key), **_expressions([], only_if))

    def transact(self, requests: Sequence[Request], token: str) -> None:
        """All or nothing, at most 100. A request with a Key updates, one without puts.

        `token` (at most 36 characters) lets DynamoDB answer a resent transaction as it answered the first.
        """
        actions = [
            {"Update" if "Key" in request else "Put": {"TableName": self._name, **request}} for request in requests
        ]
        send: Any = self._client.transact_write_items
        self._attempt(lambda: send(TransactItems=actions, ClientRequestToken=token))

    def query(
        self,
        partition: tuple[str, str],
        *,
        sort: tuple[str, str, str] | None = None,
        index: str = "",
        start: Item | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Rows:
        """One page of at most `limit` items, read consistently unless from an index (which cannot be).

        `partition` is the key's name and value; `sort` a template (BEGINS_WITH, AT_MOST), name and value.
        """
        names, values = {"#partition": partition[0]}, {":partition": partition[1]}
        condition = "#partition = :partition"
        if sort is not None:
            names["#sort"], values[":sort"] = sort[1], sort[2]
            condition = f"{condition} AND {sort[0]}"
        options: dict[str, Any] = {"IndexName": index} if index else {"ConsistentRead": True}
        if start is not None:
            options["ExclusiveStartKey"] = _plain_to_wire(start)
        if limit is not None:
            options["Limit"] = limit
        answer = self._send(
            self._client.query,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=_plain_to_wire(values),
            ScanIndexForward=not newest_first,
            **options,
        )
        last = answer.get("LastEvaluatedKey")
        items = tuple(_wire_to_plain(item) for item in answer["Items"])
        return Rows(items, _wire_to_plain(last) if last else None)

    def every(self, partition: tuple[str, str], **options: Any) -> Iterator[Item]:
        """The items of all pages of a query, each page read when the one before it is used up."""
        start: Item | None = None
        while True:
            rows = self.query(partition, start=start, **options)
            yield from rows.items
            if rows.last is None:
                return
            start = rows.last

    def _send(self, call: Callable[..., Any], **parameters: Any) -> Any:
        return self._attempt(lambda: call(TableName=self._name, **parameters))

    def _attempt(self, call: Callable[[], T]) -> T:
        """Call; when another write was in the way, pause and call again, a few times."""
        chance = random.SystemRandom()
        for pause in PAUSES:
            try:
                return self._translated(call)
            except _InTheWay:
                self._sleep(chance.uniform(0, pause))
        return self._translated(call)

    def _translated(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except (HTTPClientError, BotocoreConnectionError, ResponseParserError) as error:
            raise AnswerLost(f"DynamoDB did not answer: {type(error).__name__}") from error
        except ClientError as error:
            meaning = _meaning(error)
            if meaning is None:
                raise
            raise meaning from error


class _InTheWay(TryLater):
    """Another write is under way on the same item. The same call may succeed in a moment."""


def _meaning(error: ClientError) -> AllclearError | None:
    """What an error means here; None where the domain has no word for it."""
    code = error.response.get("Error", {}).get("Code", "")
    reasons = [reason.get("Code", "") for reason in error.response.get("CancellationReasons", [])]
    failed = [position for position, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"]
    if code == "ConditionalCheckFailedException":
        return ConditionFailed()
    if failed:
        return ConditionFailed(failed)
    if code in CONTENTION or any(reason in CONTENTION_REASONS for reason in reasons):
        return _InTheWay("DynamoDB: another write is under way")
    if code in BUSY:
        return TryLater(f"DynamoDB is busy: {code}")
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500 or code == "InternalServerError":
        return AnswerLost(f"DynamoDB is in trouble: {code}")
    return None


def _plain_to_wire(item: Mapping[str, object]) -> dict[str, Any]:
    """DynamoDB's typed attributes. Raises TypeError for a float."""
    serializer = TypeSerializer()
    return {name: serializer.serialize(value) for name, value in item.items()}


def _wire_to_plain(item: Mapping[str, Any]) -> Item:
    deserializer = TypeDeserializer()
    return {name: deserializer.deserialize(value) for name, value in item.items()}
