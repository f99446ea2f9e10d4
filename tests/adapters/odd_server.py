"""An HTTP server that answers what no server should."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


class OddServer:
    """Answers every request with the same raw bytes, and counts them."""

    def __init__(self, raw: bytes) -> None:
        odd = self
        self.requests: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                odd.requests.append(self.path)
                self.wfile.write(raw)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Quiet: `requests` has it all."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> "OddServer":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def raw(status: str, body: bytes, content_type: str = "application/json", length: int | None = None) -> bytes:
    lines = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length or len(body)}\r\n\r\n"
    return lines.encode() + body
