"""The processes functions run in. Started by playground/functions.py as `python -m playground.worker <socket>`.

That first process only imports the SDKs, then forks a worker for each function that is asked for: seven cold
starts for the price of one. A worker takes its own environment and code path before it imports its handler, so
that the handler sees what it would see in Lambda and nothing else.

Protocol: JSON lines over two pipes. A worker's stdout and stderr are its log.
"""

import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, SupportsIndex

import time_machine

PRELOADED = (
    "boto3",
    "botocore.session",
    "slack_sdk.web",
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.metrics",
)
LARGEST_ORDER = 1 << 20  # bytes of one order to start a worker: an environment, mostly

_wait = time.sleep

Handler = Callable[[Any, "Context"], Any]


@dataclass(slots=True)
class Context:
    """What Lambda gives a handler beside the event."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    deadline: float  # on time.monotonic, which simulated time does not move
    function_version: str = "$LATEST"
    log_group_name: str = ""
    log_stream_name: str = ""

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(slots=True)
class Sleep:
    """time.sleep where time stands still: it counts against the function's timeout, but nobody waits for it.

    The SDKs sleep between their tries; a simulation would spend most of its time there.
    """

    context: Context | None = None

    def __call__(self, seconds: float | SupportsIndex, /) -> None:
        if self.context is not None:
            self.context.deadline -= float(seconds)
            if self.context.deadline < time.monotonic():
                _wait(float(seconds))  # slept through its timeout: wait to be ended


def serve_orders(orders: socket.socket) -> None:
    """Fork a worker for every order until the other side is gone. Answers each with the worker's process id."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a worker: it is reaped by itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started this; then the sockets close
    for name in PRELOADED:
        importlib.import_module(name)
    while True:
        message, descriptors, _, _ = socket.recv_fds(orders, LARGEST_ORDER, 3)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            orders.close()
            status = 1
            try:
                work(json.loads(message), *descriptors)
                status = 0
            finally:
                os._exit(status)
        for descriptor in descriptors:
            os.close(descriptor)
        orders.send(str(pid).encode())


def work(order: dict[str, Any], requests: int, responses: int, log: int) -> None:
    """Be one function until its requests end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.close(log)
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.chdir(order["code"])
    sys.path[0] = order["code"]
    time.sleep = sleep = Sleep()
    clock: time_machine.Traveller | None = None
    handler: Handler | None = None
    with os.fdopen(requests) as incoming, os.fdopen(responses, "w") as outgoing:
        for line in incoming:
            request = json.loads(line)
            now = datetime.fromisoformat(request["now"]).replace(tzinfo=None)  # UTC; with one, TZ would be changed
            if clock is None:
                clock = time_machine.travel(now, tick=False).start()
            else:
                clock.move_to(now, tick=False)
            try:
                handler = handler or _import_handler(order["handler"])
                sleep.context = _context(order, request)
                answer = {"value": json.loads(json.dumps(handler(request["event"], sleep.context)))}
            except Exception as error:  # noqa: BLE001 - as Lambda does: whatever it raised is the answer
                answer = {"error": _error(error)}
            sys.stdout.flush()
            sys.stderr.flush()
            outgoing.write(json.dumps(answer) + "\n")
            outgoing.flush()


def _import_handler(name: str) -> Handler:
    module, _, attribute = name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), attribute)
    return handler


def _context(order: dict[str, Any], request: dict[str, Any]) -> Context:
    return Context(
        function_name=order["name"],
        invoked_function_arn=order["arn"],
        memory_limit_in_mb=order["memory_mb"],
        aws_request_id=request["id"],
        deadline=time.monotonic() + order["timeout"],
        log_group_name=f"/aws/lambda/{order['name']}",
        log_stream_name=f"playground/[$LATEST]{os.getpid()}",
    )


def _error(error: Exception) -> dict[str, Any]:
    traceback.print_exception(error)
    return {
        "errorType": type(error).__name__,
        "errorMessage": str(error),
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        serve_orders(connection)
