"""DynamoDB, Secrets Manager and SQS: moto, called in this process and behind one lock (moto has none).

Where moto differs from DynamoDB in a way the bot could notice, or is too slow for a long story, it is corrected.
"""

import copy
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from moto.backends import get_backend
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import StreamShard, Table
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from playground.stack import Stack

Answer = tuple[int, dict[str, str], bytes]

_TARGETS = {"dynamodb": "DynamoDB_20120810", "secretsmanager": "secretsmanager", "sqs": "AmazonSQS"}


class Backends:
    """moto's services of one account and Region, holding what the stack deploys.

    moto keeps its state per process: making a second one forgets the first one's.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._lock = Lock()
        self._application = DomainDispatcherApplication(create_backend_app)
        for service in _TARGETS:
            get_backend(service)[stack.account][stack.region].reset()  # type: ignore[call-overload]  # names are literals
        self._database: DynamoDBBackend = get_backend("dynamodb")[stack.account][stack.region]
        self._database.__class__ = _Database
        for table in stack.tables:
            self.call("dynamodb", "CreateTable", table.create)
            made = self._database.tables[table.name]
            made.__class__ = _Table  # type: ignore[type-abstract]  # no less concrete than moto's own
            if made.stream_shard is not None:
                made.stream_shard.__class__ = _Shard
        secrets = get_backend("secretsmanager")[stack.account][stack.region].secrets
        for secret in stack.secrets:
            self.call("secretsmanager", "CreateSecret", {"Name": secret.name, "SecretString": secret.value})
            secrets[
                secret.name
            ].arn = secret.arn  # moto draws a random suffix; the functions' environment has ours
        for queue in stack.queues:
            self.call("sqs", "CreateQueue", {"QueueName": queue.name})

    @staticmethod
    def serves(service: str, headers: Mapping[str, str]) -> bool:
        """Whether these are calls we have: streams, which share DynamoDB's name, are read by Lambda alone."""
        return service in _TARGETS and headers.get("X-Amz-Target", "").startswith(f"{_TARGETS[service]}.")

    def handle(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one HTTP request as AWS would; the service is in its Authorization header."""
        environment: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "RAW_URI": "/",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environment.setdefault(key if key == "CONTENT_TYPE" else f"HTTP_{key}", value)
        answered: list[Any] = []

        def start_response(status: str, response_headers: list[tuple[str, str]], *_: Any) -> None:
            answered[:] = [int(status.split()[0]), dict(response_headers)]

        with self._lock:
            content = b"".join(self._application(environment, start_response))
        return answered[0], answered[1], content

    def call(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call as the account's administrator. Raises RuntimeError if it is refused."""
        credential = f"AKIAADMINISTRATOR/20200101/{self._stack.region}/{service}/aws4_request"
        headers = {
            "Host": "127.0.0.1",
            "Content-Type": f"application/x-amz-json-{'1.1' if service == 'secretsmanager' else '1.0'}",
            "X-Amz-Target": f"{_TARGETS[service]}.{operation}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
        }
        status, _, content = self.handle(headers, json.dumps(params).encode())
        if status != 200:
            raise RuntimeError(f"{service} {operation}: {content.decode()}")
        answer: dict[str, Any] = json.loads(content or b"{}")
        return answer

    def items(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table in DynamoDB's JSON, for looking at."""
        with self._lock:
            return [item.to_json()["Attributes"] for item in self._database.tables[table].all_items()]

    def stream_records(self, stream_arn: str, start: int) -> list[dict[str, Any]]:
        """The stream's records from number `start` on (0 is the first ever), as Lambda hands them over."""
        name = stream_arn.split("/")[1]
        with self._lock:
            shard = self._database.tables[name].stream_shard
            records = [record.to_json() for record in shard.items[start:]] if shard else []
        return [_lambda_record(record, stream_arn) for record in records]

    def send(self, queue_arn: str, message: Mapping[str, Any]) -> None:
        """Put a message into a queue."""
        (url,) = [queue.url for queue in self._stack.queues if queue.arn == queue_arn]
        self.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": json.dumps(message)})

    def messages(self, queue_name: str) -> list[dict[str, Any]]:
        """What lies in a queue, without taking it."""
        queues = get_backend("sqs")[self._stack.account][self._stack.region].queues
        with self._lock:
            return [json.loads(message.body) for message in queues[queue_name]._messages]


def _lambda_record(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    change = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = int(change["ApproximateCreationDateTime"].timestamp())
    region = stream_arn.split(":")[3]
    return {**record, "awsRegion": region, "eventSourceARN": stream_arn, "dynamodb": change}


class _Shard(StreamShard):
    def add(self, old: Item | None, new: Item | None) -> None:
        """DynamoDB streams changes only: writing what is there already leaves no record."""
        if old is None or new is None or old.to_json() != new.to_json():
            super().add(old, new)


class _Table(Table):
    def __deepcopy__(self, memo: dict[int, Any]) -> "_Table":
        """A snapshot that shares its items: moto takes one for each transaction, of everything there is.

        What a transaction changes in place, `_Database` puts back.
        """
        snapshot = copy.copy(self)
        copied = {key: dict(items) if isinstance(items, dict) else items for key, items in self.items.items()}
        snapshot.items = defaultdict(dict, copied)
        if self.stream_shard is not None:
            snapshot.stream_shard = copy.copy(self.stream_shard)
            snapshot.stream_shard.items = list(self.stream_shard.items)
            snapshot.stream_shard.table = snapshot
        memo[id(self)] = snapshot
        return snapshot


class _Database(DynamoDBBackend):
    __module__ = DynamoDBBackend.__module__  # moto finds a backend's URLs by its module's name

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        requests = [request for entry in transact_items for request in entry.values()]
        before = list(self._present(requests))
        try:
            super().transact_write_items(transact_items)
        except BaseException:
            for table_name, item in before:
                kept = self.tables[table_name].items[item.hash_key]
                kept[item.range_key] = item
            raise

    def _present(self, requests: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, Item]]:
        for request in requests:
            table = self.tables.get(request["TableName"])
            attributes = request.get("Key") or request["Item"]
            names = [part["AttributeName"] for part in table.schema] if table else []
            if table and set(names) <= set(attributes):  # or else the request is refused
                item = self.get_item(table.name, {name: attributes[name] for name in names})
                if item is not None:
                    yield table.name, copy.deepcopy(item)

    def update_item(self, table_name: str, *args: Any, **kwargs: Any) -> Item:
        """moto streams an item that an update creates twice, first with its key alone; DynamoDB once."""
        shard = self.get_table(table_name).stream_shard
        count = len(shard.items) if shard else 0
        item = super().update_item(table_name, *args, **kwargs)
        if shard is not None and len(shard.items) == count + 2:
            sequence_number = shard.items[count].record["dynamodb"]["SequenceNumber"]
            del shard.items[count]
            shard.items[count].record["dynamodb"]["SequenceNumber"] = sequence_number
        return item
