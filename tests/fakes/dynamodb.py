"""DynamoDB's client over one table in memory: the calls and expressions the adapter makes, and DynamoDB's limits.

The store on it is held to the contract (tests/contract). It is some hundred times faster than moto, so that many
thousand examples can run through the real adapter and leave real items behind.
Limits: "Quotas in Amazon DynamoDB".
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]  # attributes as the wire has them: {"pk": {"S": "…"}}
Place = tuple[str, str]  # pk and sk

# Each index's partition key, its sort key, and whether it projects the keys alone (template.yaml).
INDEXES = {
    "due": ("due", "due_at", True),
    "unfinished": ("unfinished", "opened", False),
    "finished": ("finished", "finished_at", False),
    "pipeline": ("pipeline", "opened", False),
}
LONGEST_PARTITION_KEY, LONGEST_SORT_KEY = 2_048, 1_024  # bytes
LARGEST_ITEM = 400 * 1024  # bytes
DEEPEST = 32
MOST_IN_A_TRANSACTION = 100

_CLAUSE = re.compile(r"(SET|REMOVE|ADD) (.*?)(?= (?:REMOVE|ADD) |$)")


class MemoryDynamoDB:
    """`items` are what it holds. `on_write` is called with the place of each item that was put or updated.

    `before` is called with each operation's name before it does anything, and may raise.
    """

    def __init__(self, items: Mapping[Place, Item] | None = None) -> None:
        self.items: dict[Place, Item] = dict(items or {})
        self.on_write: Callable[[Place], None] = lambda _place: None
        self.before: Callable[[str], None] = lambda _operation: None

    def get_item(self, *, Key: Item, **_: Any) -> dict[str, Any]:  # noqa: N803 - DynamoDB's names
        self.before("GetItem")
        item = self.items.get(_place(Key))
        return {} if item is None else {"Item": item}

    def put_item(self, **request: Any) -> dict[str, Any]:
        self.before("PutItem")
        return self._write(request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        self.before("UpdateItem")
        return self._write(request)

    def delete_item(self, *, Key: Item, **request: Any) -> dict[str, Any]:  # noqa: N803
        self.before("DeleteItem")
        if not self._holds(_place(Key), request):
            raise _refusal("ConditionalCheckFailedException", "The conditional request failed")
        self.items.pop(_place(Key), None)
        return {}

    def transact_write_items(
        self,
        *,
        TransactItems: list[dict[str, Any]],  # noqa: N803
        ClientRequestToken: str,  # noqa: N803
    ) -> dict[str, Any]:
        self.before("TransactWriteItems")
        requests = [request for action in TransactItems for request in action.values()]
        places = [_place(request.get("Key") or request["Item"]) for request in requests]
        if len(requests) > MOST_IN_A_TRANSACTION or len(ClientRequestToken) > 36:
            raise _invalid("too many items, or too long a token")
        if len(set(places)) < len(places):
            raise _invalid("Transaction request cannot include multiple operations on one item")
        holds = [self._holds(place, request) for place, request in zip(places, requests, strict=True)]
        if not all(holds):
            reasons = [{"Code": "None" if held else "ConditionalCheckFailed"} for held in holds]
            raise _refusal("TransactionCanceledException", "Transaction cancelled", reasons)
        written = {place: self._changed(place, request) for place, request in zip(places, requests, strict=True)}
        self.items.update(written)
        for place in written:
            self.on_write(place)
        return {}

    def query(
        self,
        *,
        KeyConditionExpression: str,  # noqa: N803
        ExpressionAttributeNames: dict[str, str],  # noqa: N803
        ExpressionAttributeValues: Item,  # noqa: N803
        ScanIndexForward: bool,  # noqa: N803
        IndexName: str = "",  # noqa: N803
        ExclusiveStartKey: Item | None = None,  # noqa: N803
        Limit: int | None = None,  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        self.before("Query")
        partition, sort, keys_only = INDEXES[IndexName] if IndexName else ("pk", "sk", False)
        wanted, bound = ExpressionAttributeValues[":partition"], ExpressionAttributeValues.get(":sort", {"S": ""})
        if ExpressionAttributeNames["#partition"] != partition:
            raise _invalid("Query condition missed key schema element")
        _check_key(wanted, LONGEST_PARTITION_KEY)
        fits = _sort_condition(KeyConditionExpression, bound["S"])
        rows = sorted(
            (
                (item[sort]["S"], place, item)
                for place, item in self.items.items()
                if item.get(partition) == wanted and sort in item and fits(item[sort]["S"])
            ),
            key=lambda row: row[:2],
            reverse=not ScanIndexForward,
        )
        if ExclusiveStartKey is not None:
            start = (ExclusiveStartKey[sort]["S"], _place(ExclusiveStartKey))
            rows = [row for row in rows if (row[:2] > start if ScanIndexForward else row[:2] < start)]
        page = rows[:Limit]
        names = ("pk", "sk", partition, sort)
        answer: dict[str, Any] = {"Items": [_only(item, names) if keys_only else item for _, _, item in page]}
        if Limit is not None and len(page) == Limit:  # as DynamoDB: a full page does not know that it is the last
            answer["LastEvaluatedKey"] = _only(page[-1][2], names)
        return answer

    def _write(self, request: dict[str, Any]) -> dict[str, Any]:
        place = _place(request.get("Key") or request["Item"])
        if not self._holds(place, request):
            raise _refusal("ConditionalCheckFailedException", "The conditional request failed")
        self.items[place] = self._changed(place, request)
        self.on_write(place)
        return {}

    def _holds(self, place: Place, request: dict[str, Any]) -> bool:
        """Whether the request's condition, `attribute_not_exists(#a)` and `#a = :b` joined by AND, is true."""
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        item = self.items.get(place, {})
        conditions = request.get("ConditionExpression", "")
        for condition in conditions.split(" AND ") if conditions else ():
            if condition.startswith("attribute_not_exists("):
                if names[condition[len("attribute_not_exists(") : -1]] in item:
                    return False
                continue
            name, _, value = condition.partition(" = ")
            if item.get(names[name]) != values[value]:
                return False
        return True

    def _changed(self, place: Place, request: dict[str, Any]) -> Item:
        if "Key" not in request:
            return _checked(request["Item"])
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        item = {**self.items.get(place, {}), **request["Key"]}
        for verb, terms in _CLAUSE.findall(request["UpdateExpression"]):
            for term in terms.split(", "):
                if verb == "SET":
                    name, _, value = term.partition(" = ")
                    item[names[name]] = values[value]
                elif verb == "REMOVE":
                    item.pop(names[term], None)
                else:
                    name, value = term.split()
                    before = item.get(names[name], {"N": "0"})
                    if "N" not in before:
                        raise _invalid("An operand in the update expression has an incorrect data type")
                    item[names[name]] = {"N": str(int(before["N"]) + int(values[value]["N"]))}
        return _checked(item)


def _sort_condition(expression: str, bound: str) -> Callable[[str], bool]:
    if "begins_with" in expression:
        return lambda value: value.startswith(bound)
    if "<=" in expression:
        return lambda value: value <= bound
    return lambda _value: True


def _only(item: Item, names: tuple[str, ...]) -> Item:
    return {name: item[name] for name in names}


def _place(key: Item) -> Place:
    _check_key(key["pk"], LONGEST_PARTITION_KEY)
    _check_key(key["sk"], LONGEST_SORT_KEY)
    return key["pk"]["S"], key["sk"]["S"]


def _check_key(value: Item, longest: int) -> None:
    if "S" not in value or not 0 < len(_utf8(value["S"])) <= longest:
        raise _invalid("One or more parameter values were invalid: a key is empty, too long, or no string")


def _checked(item: Item) -> Item:
    _place(item)
    for partition, sort, _ in INDEXES.values():
        for name, longest in ((partition, LONGEST_PARTITION_KEY), (sort, LONGEST_SORT_KEY)):
            if name in item:
                _check_key(item[name], longest)
    if sum(len(name) + _size(value, 1) for name, value in item.items()) > LARGEST_ITEM:
        raise _invalid("Item size has exceeded the maximum allowed size")
    return item


def _size(value: Item, depth: int) -> int:
    """Its bytes, much as DynamoDB counts them."""
    ((kind, content),) = value.items()
    if depth > DEEPEST:
        raise _invalid("Nesting Levels have exceeded supported limits")
    if kind == "S":
        return len(_utf8(content))
    if kind == "M":
        return 3 + sum(1 + len(_utf8(name)) + _size(inner, depth + 1) for name, inner in content.items())
    if kind == "L":
        return 3 + sum(1 + _size(inner, depth + 1) for inner in content)
    return len(str(content))


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        raise _refusal("SerializationException", "not UTF-8") from None


def _invalid(message: str) -> ClientError:
    return _refusal("ValidationException", message)


def _refusal(code: str, message: str, reasons: list[dict[str, str]] | None = None) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
        "CancellationReasons": reasons or [],
    }
    return ClientError(answer, "AnyOperation")
