"""Lambda's part: each function in a warm process of its own, with its own environment, time and log."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from playground.gateway import access_key_id
from playground.stack import Function, Stack

PATIENCE = timedelta(seconds=30)
"""However long a function's timeout is, nobody waits longer than this in front of a simulation."""

INIT = timedelta(seconds=10)
"""Lambda's init phase, in which a function is imported, does not count against the function's own timeout.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a function, with its outcome."""

    function: str  # logical id
    event: Any
    value: Any  # what the handler returned; None when it failed
    error: Mapping[str, Any] | None  # Lambda's errorType and errorMessage
    log: str  # what it wrote to stdout and stderr
    at: datetime


class Functions:
    """Runs functions, one invocation of each at a time. Processes start when they are first needed."""

    def __init__(self, stack: Stack, endpoint_url: str, slack_api_url: str) -> None:
        self.invocations: list[Invocation] = []
        self._stack = stack
        self._extra = {"AWS_ENDPOINT_URL": endpoint_url} | (
            {"SLACK_API_URL": slack_api_url} if slack_api_url else {}
        )
        self._processes: dict[str, _Process] = {}

    def invoke(self, function: Function, event: Any, now: datetime) -> Invocation:
        """Run it with its clock at `now`, and wait for the end: its own, or its timeout's."""
        process = self._processes.get(function.logical_id)
        if process is not None and process.ended:
            process.close()
            process = None
        if process is None:
            process = _Process(function, environment(function, self._stack, self._extra))
            self._processes[function.logical_id] = process
        answer = process.run(event, now)
        invocation = Invocation(
            function.logical_id, event, answer.get("value"), answer.get("error"), process.new_log(), now
        )
        self.invocations.append(invocation)
        return invocation

    def kill(self, function: Function) -> None:
        """End its process at once, as a crash of its machine would. The next invocation starts another."""
        process = self._processes.get(function.logical_id)
        if process is not None:
            process.kill()

    def stop(self) -> None:
        """End every process."""
        for process in self._processes.values():
            process.close()


def environment(function: Function, stack: Stack, extra: Mapping[str, str]) -> dict[str, str]:
    """Everything the function's process has in its environment: the template's, Lambda's, and `extra`."""
    return {
        "PATH": os.defpath,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(function.code),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_REGION": stack.region,
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_ACCESS_KEY_ID": access_key_id(function),
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        # Nothing of whoever runs this: neither their profiles nor their machine's role.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **extra,
        **function.environment,
    }


class _Process:
    def __init__(self, function: Function, variables: Mapping[str, str]) -> None:
        self.ended = False
        self._timeout = min(function.timeout, PATIENCE).total_seconds()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._log_read = 0
        self._fresh = True  # it has not imported its handler yet
        requests, self._requests = os.pipe()
        self._responses, responses = os.pipe()
        order = {
            "handler": function.handler,
            "name": function.name,
            "arn": function.arn,
            "memory_mb": function.memory_mb,
            "timeout": self._timeout,
            "code": str(function.code),
            "environment": dict(variables),
        }
        self._pid = _nursery().start(order, [requests, responses, self._log.fileno()])
        os.close(requests)
        os.close(responses)

    def run(self, event: Any, now: datetime) -> dict[str, Any]:
        request_id = str(uuid4())
        request = json.dumps({"id": request_id, "now": now.isoformat(), "event": event}) + "\n"
        patience = self._timeout + (INIT.total_seconds() if self._fresh else 0.0)
        self._fresh = False
        deadline = time.monotonic() + patience  # real seconds: simulated time does not move this clock
        try:
            _write(self._requests, request.encode())
            line = _read_line(self._responses, deadline)
        except BrokenPipeError:
            line = b""
        except TimeoutError:
            self.kill()
            sentence = f"RequestId: {request_id} Error: Task timed out after {self._timeout:.2f} seconds"
            return {"error": {"errorType": "Sandbox.Timedout", "errorMessage": sentence}}
        if not line:
            self.ended = True
            sentence = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
            return {"error": {"errorType": "Runtime.ExitError", "errorMessage": sentence}}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def new_log(self) -> str:
        text = os.pread(self._log.fileno(), 1 << 24, self._log_read)
        self._log_read += len(text)
        return text.decode(errors="replace")

    def kill(self) -> None:
        if not self.ended:
            self.ended = True
            os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        os.close(self._requests)
        os.close(self._responses)
        self._log.close()


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _read_line(descriptor: int, deadline: float) -> bytes:
    """A whole line, or b"" where the other side is gone. Raises TimeoutError."""
    content = b""
    while not content.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return b""
        content += chunk
    return content


class _Nursery:
    """The process that forks workers (playground/worker.py). It ends when this one does."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "playground.worker", str(theirs.fileno())],
            cwd=Path(__file__).parent.parent,
            env={"PATH": os.defpath, "LANG": "en_US.UTF-8"},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        atexit.register(self.stop)

    def start(self, order: Mapping[str, Any], descriptors: list[int]) -> int:
        """A new worker's process id."""
        with self._lock:
            socket.send_fds(self._orders, [json.dumps(order).encode()], descriptors)
            return int(self._orders.recv(64))

    def stop(self) -> None:
        self._orders.close()
        self._process.wait(5)


@cache
def _nursery() -> _Nursery:
    return _Nursery()
