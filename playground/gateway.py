"""The one HTTP endpoint of the local AWS: every function's AWS_ENDPOINT_URL.

Who calls, which service and which Region are in the SigV4 credential scope. The caller's own policies decide
whether the call happens, as in AWS; then moto or a stand-in answers it, and it is written down.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Literal
from uuid import uuid4

from playground import query_wire, wire
from playground.backends import Answer, Backends
from playground.errors import Unsupported
from playground.iam import Need, allowed
from playground.permissions import needs
from playground.request_checks import refusal
from playground.stack import Function, Stack

ADMINISTRATOR = "administrator"
"""The caller that no function is: tests and demos looking around. It may do anything."""


@dataclass(frozen=True, slots=True)
class Call:
    """One API call that reached the endpoint, with its outcome."""

    function: str  # logical id, or ADMINISTRATOR
    service: str  # the SigV4 signing name
    operation: str
    region: str
    params: Mapping[str, Any]
    status: int  # HTTP; 0: the connection was dropped
    error_code: str  # "" when it succeeded
    at: datetime


FaultKind = Literal["throttle", "error", "drop_before", "drop_after", "kill_before", "kill_after"]


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with the next `times` calls of an operation, or until it is taken off the list.

    throttle and error answer without doing anything; drop_before and drop_after close the connection, before or
    after the call had its effect; kill_before and kill_after end the calling function's process too.
    """

    service: str
    operation: str
    kind: FaultKind
    times: int | None = 1
    error_code: str | None = None  # with it, `error` answers 400 and this code; without, 500
    function: str | None = None  # only this function's calls (logical id)
    when: Callable[[Mapping[str, Any]], bool] = field(
        default=lambda _params: True
    )  # only calls with such parameters

    def fits(self, request: "_Request") -> bool:
        return (
            self.times != 0
            and (request.service, request.operation) == (self.service, self.operation)
            and self.function in (None, request.caller)
            and self.when(request.params)
        )


@dataclass(frozen=True, slots=True)
class _Request:
    function: Function | None  # None: the administrator
    service: str
    operation: str
    region: str
    params: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes

    @property
    def caller(self) -> str:
        return self.function.logical_id if self.function else ADMINISTRATOR


class Gateway:
    """Serves on 127.0.0.1 from `start` to `stop`.

    `stand_ins` holds the services that moto has not, by name; `kill` ends a function's process (see Fault).
    """

    def __init__(
        self,
        stack: Stack,
        backends: Backends,
        stand_ins: Mapping[str, object],
        kill: Callable[[Function], None],
    ) -> None:
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.broken: list[Exception] = []
        """What the playground itself could not do: the caller saw a 500, and the cloud raises them."""
        self._stack = stack
        self._backends = backends
        self._stand_ins = stand_ins
        self._kill = kill
        self._callers: dict[str, Function] = {access_key_id(item): item for item in stack.functions.values()}
        self._lock = Lock()  # of the lists above
        self._server = _Server(self.answer)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="gateway", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """Answer one request; None to drop the connection."""
        scope = headers.get("Authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
        if len(scope) != 5:
            return _error("", 403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        key, _, region, service, _ = scope
        if key not in self._callers and key != access_key_id(None):
            return _error(service, 400, "UnrecognizedClientException", "The security token is invalid.")
        spoken = query_wire if query_wire.speaks(service) else wire
        function, operation = self._callers.get(key), spoken.operation_name(headers, body)
        request = _Request(function, service, operation, region, spoken.parameters(body), headers, body)
        try:
            answer = self._with_faults(request)
        except Exception as error:  # noqa: BLE001 - a bug of the playground: kept, and raised where it is run
            self.broken.append(error)
            answer = _error(service, 500, "InternalFailure", f"the playground: {error!r}")
        status, code = (answer[0], _error_code(answer)) if answer else (0, "")
        call = Call(request.caller, service, operation, region, request.params, status, code, datetime.now(UTC))
        with self._lock:
            self.calls.append(call)
        return answer

    def _with_faults(self, request: _Request) -> Answer | None:
        with self._lock:
            struck = [fault for fault in self.faults if fault.fits(request)]
            fault = struck[0] if struck else None
            if fault is not None and fault.times is not None:
                fault.times -= 1
        if fault is None:
            return self._checked(request)
        when = fault.kind.partition("_")[2]
        if when == "after":
            self._checked(request)
        if fault.kind.startswith("kill") and request.function is not None:
            self._kill(request.function)
        if when:
            return None
        if fault.kind == "throttle":
            return _error(request.service, 400, "ThrottlingException", "Rate exceeded")
        if fault.error_code:
            return _error(request.service, 400, fault.error_code, "The playground was told to refuse this.")
        return _error(request.service, 500, "InternalServerError", "The playground was told to fail this.")

    def _checked(self, request: _Request) -> Answer:
        function, service = request.function, request.service
        if function is not None:
            for need in needs(self._stack, service, request.operation, request.params, request.region):
                if not allowed(function.statements, need):
                    return _denied(self._stack, function, service, need)
        if service in self._stand_ins:
            spoken = query_wire if query_wire.speaks(service) else wire
            answer: Answer = spoken.handle(
                service,
                request.headers,
                request.body,
                self._stand_ins[service],
                request.region,
                self._stack.account,
            )
            return answer
        if not self._backends.serves(service, request.headers):
            raise Unsupported(f"the local cloud has no {service} {request.operation}")
        reason = refusal(self._stack, request.operation, request.params) if service == "dynamodb" else ""
        if reason:
            return _error(service, 400, "ValidationException", reason)
        return self._backends.handle(request.headers, request.body)


def access_key_id(function: Function | None) -> str:
    """What tells callers apart: each function has its own key, and the administrator has one."""
    return f"AKIA{(function.logical_id if function else ADMINISTRATOR).upper()}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Callable[[Mapping[str, str], bytes], Answer | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without these two, an answer waits for the client's delayed acknowledgement: 88 ms a call instead of one.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)  # noqa: S101 - what makes handlers
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.answer(dict(self.headers), body)
        if answer is None:
            self.close_connection = True
            return
        status, headers, content = answer
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Calls are written down by the gateway."""


def _denied(stack: Stack, function: Function, service: str, need: Need) -> Answer:
    session = f"arn:aws:sts::{stack.account}:assumed-role/{function.name}Role/{function.name}"
    sentence = (
        f"User: {session} is not authorized to perform: {need.action} on resource: {need.resource} "
        f"because no identity-based policy allows the {need.action} action"
    )
    if query_wire.speaks(service):
        return _error(service, 403, "AccessDenied", sentence)
    return _error(service, 400, "AccessDeniedException", sentence)


# Each service writes its errors in its own way; botocore reads them all, and tests may look.
_TYPE_PREFIXES = {"dynamodb": "com.amazon.coral.service#", "sqs": "com.amazon.coral.service#"}


def _error(service: str, status: int, code: str, sentence: str) -> Answer:
    if query_wire.speaks(service):
        return query_wire.error(status, code, sentence)
    version = "1.0" if service in _TYPE_PREFIXES else "1.1"
    key = "message" if service in ("codepipeline", "health") else "Message"
    content = json.dumps({"__type": _TYPE_PREFIXES.get(service, "") + code, key: sentence}).encode()
    headers = {"Content-Type": f"application/x-amz-json-{version}", "x-amzn-RequestId": str(uuid4())}
    return status, headers, content


def _error_code(answer: Answer) -> str:
    """The ways AWS writes it: "Code", "namespace#Code", and in XML."""
    if answer[1].get("Content-Type") == query_wire.CONTENT_TYPE:
        return query_wire.error_code(answer[2])
    return str(json.loads(answer[2]).get("__type", "")).rpartition("#")[2]
