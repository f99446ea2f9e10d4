"""A small HTTP server around `playground.wire.handle`, so that the stand-ins are met through the real boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
from botocore.config import Config

from playground.wire import handle

ACCOUNT = "123456789012"


@contextmanager
def client_of(service: str, stand_in: object, region: str = "us-east-1") -> Iterator[Any]:
    """A boto3 client that resends nothing, whose every request the stand-in answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, content = handle(service, dict(self.headers), body, stand_in, region, ACCOUNT)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield boto3.Session("AKIAEXAMPLE", "secret", region_name=region).client(
            service,
            endpoint_url=f"http://127.0.0.1:{server.server_address[1]}",
            config=Config(retries={"total_max_attempts": 1}),
        )
    finally:
        server.shutdown()
        server.server_close()
