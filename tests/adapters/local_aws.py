"""An AWS service on 127.0.0.1 that answers what a test scripts, over real HTTP, and writes down every request."""

import json
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Broken(Enum):
    """An answer that never comes."""

    DROPPED = "the connection is closed after the request has been read"
    SILENT = "the request is read and nothing happens"


@dataclass(frozen=True)
class Refusal:
    """An error answer."""

    code: str
    message: str = "no"
    status: int = 400


@dataclass
class LocalAws:
    """`requests` are (operation, input) in the order they arrived. An answer that was not scripted is a 400."""

    url: str
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    signed_for: list[str] = field(default_factory=list)  # the Region in each request's signature
    scripted: defaultdict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, operation: str, *answers: dict[str, Any] | Refusal | Broken) -> None:
        """The next requests of this operation get these, one each; the last one stays."""
        self.scripted[operation] = deque(answers)

    def inputs(self, operation: str) -> list[dict[str, Any]]:
        return [given for name, given in self.requests if name == operation]

    def next_answer(self, operation: str) -> Any:
        answers = self.scripted[operation]
        if not answers:
            return Refusal("UnscriptedException", f"the test did not expect {operation}")
        return answers.popleft() if len(answers) > 1 else answers[0]


@contextmanager
def serve_aws() -> Iterator[LocalAws]:
    """A service of AWS's JSON protocols, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            aws.requests.append((operation, json.loads(body)))
            aws.signed_for.append(self.headers["Authorization"].split("/")[2])
            answer = aws.next_answer(operation)
            if answer is Broken.SILENT:
                aws.over.wait(10)
            if isinstance(answer, Broken):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, told = 200, answer
            if isinstance(answer, Refusal):
                status, told = answer.status, {"__type": answer.code, "message": answer.message}
            payload = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            """Nothing: `requests` is the log."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that went away is part of what is tested."""

    server = Server(("127.0.0.1", 0), Handler)
    aws = LocalAws(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield aws
    finally:
        aws.over.set()
        server.shutdown()
        server.server_close()


def unused_url() -> str:
    """An address of this machine where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
