"""The HTTP side of the Slack stand-in: bytes in, bytes out; what they mean is `Slack.answer`'s to say."""

import json
import traceback
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl

from playground.slack_limits import SlackError

JSON_ARGUMENTS = ("blocks", "metadata", "view")  # what a form carries as JSON text


class Reply:
    """An HTTP answer."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.body = status, body
        self.headers = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}


def refusal(error: SlackError, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Slack's way to say no: HTTP 200, and ok is false."""
    content: dict[str, Any] = {"ok": False, "error": error.code}
    if error.messages:
        content["response_metadata"] = {"messages": list(error.messages)}
    return Reply(status, json.dumps(content).encode(), headers)


def arguments_of(query: str, content_type: str, body: bytes) -> dict[str, Any]:
    """Arguments of a query, a form or a JSON body; a form's blocks, metadata and view are JSON text."""
    arguments: dict[str, Any] = dict(parse_qsl(query))
    if "json" in content_type:
        given = json.loads(body or b"{}")
        return arguments | given if isinstance(given, dict) else arguments
    arguments |= dict(parse_qsl(body.decode()))
    for name in JSON_ARGUMENTS:
        if isinstance(arguments.get(name), str):
            arguments[name] = json.loads(arguments[name])
    return arguments


class Answers(Protocol):
    """Who answers."""

    errors: list[BaseException]

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply | None: ...


class Server(ThreadingHTTPServer):
    """Serves on an address from `serve_forever` on."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], slack: Answers) -> None:
        self.slack = slack
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # unbuffered writes cost 88 ms an answer (measured), as does Nagle's algorithm
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}  # urllib writes "Content-type"
        try:
            reply = self.server.slack.answer(self.path, headers, body)
        except Exception as error:  # noqa: BLE001 - a stand-in's bug must not look like Slack's answer
            traceback.print_exc()
            self.server.slack.errors.append(error)
            reply = None
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: `Slack.calls` has it all."""
