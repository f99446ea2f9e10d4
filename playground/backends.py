"""DynamoDB, Secrets Manager and SQS: moto, called in this process and behind one lock (moto has none)."""

import io
import json
from collections.abc import Mapping
from threading import Lock
from typing import Any

from moto.backends import get_backend
from moto.dynamodb.models import DynamoDBBackend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from playground.corrected_moto import correct
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
        for table in stack.tables:
            self.call("dynamodb", "CreateTable", table.create)
        correct(self._database)
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
