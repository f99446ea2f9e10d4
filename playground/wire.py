"""AWS JSON 1.1 between boto3 and a stand-in, with input *and* answer held to botocore's own service model.

botocore's ParamValidator ignores enum, pattern and maximum lengths, and nothing checks a stand-in's answers: the
walker here does both, so that a stand-in can neither accept nor say what AWS would not.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel

from playground.errors import Unsupported

CONTENT_TYPE = "application/x-amz-json-1.1"
Shape = Any  # botocore's Shape subclasses differ by type_name, which its stubs cannot say

COMMON_ERRORS = frozenset(
    {
        "AccessDeniedException",
        "InternalFailure",
        "InvalidSignatureException",
        "SerializationException",
        "ServiceUnavailable",
        "SubscriptionRequiredException",
        "ThrottlingException",
        "ValidationException",
    }
)
"""Codes any operation may answer with though AWS's models do not declare them (each API reference says so)."""


class AwsError(Exception):
    """The answer is this error. Raised by stand-ins; `status` is the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class StandInLied(Exception):
    """A stand-in answered what AWS's model does not allow. A bug of the playground: let it surface."""


@dataclass(frozen=True, slots=True)
class _Problem:
    code: str  # ValidationException or SerializationException
    text: str


def handle(
    service: str,
    headers: Mapping[str, str],
    body: bytes,
    stand_in: object,
    region: str,
    account: str,
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request: (status, headers, body).

    Calls `stand_in.<snake_case operation>(params, region=…, account=…)`, which answers a dict with aware datetimes
    for timestamps, or raises AwsError. Raises StandInLied when the stand-in's answer is not the model's, and
    Unsupported for an operation of AWS's that the stand-in does not have: neither is AWS's own answer.
    """
    try:
        operation = _operation(_json_model(service), {name.lower(): value for name, value in headers.items()})
        params = _parse(operation, body)
        method = getattr(stand_in, xform_name(operation.name), None)
        if method is None:
            raise Unsupported(f"the stand-in for {service} has no {operation.name}")
        try:
            answer = method(params, region=region, account=account)
        except AwsError as error:
            _check_declared(operation, error)
            raise
        content = _serialise(operation, answer)
    except AwsError as error:
        return _answer(error.status, {"__type": error.code, "message": error.message})
    return _answer(200, content)


def parameters(body: bytes) -> Mapping[str, Any]:
    """What the caller sent, for the record and the policies; {} where it is not AWS's JSON (refused later)."""
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {}


def operation_name(headers: Mapping[str, str], _body: bytes = b"") -> str:
    """The operation X-Amz-Target names ("RetryStageExecution"), "" when there is none."""
    targets = [value for name, value in headers.items() if name.lower() == "x-amz-target"]
    return targets[0].rpartition(".")[2] if targets else ""


@cache
def _json_model(service: str) -> ServiceModel:
    model = botocore.session.get_session().get_service_model(service)
    if model.resolved_protocol != "json" or model.metadata.get("jsonVersion") != "1.1":
        raise Unsupported(f"{service} speaks {model.resolved_protocol}; only AWS JSON 1.1 is spoken here")
    return model


def _operation(model: ServiceModel, headers: Mapping[str, str]) -> OperationModel:
    prefix, _, name = headers.get("x-amz-target", "").partition(".")
    if prefix != model.metadata["targetPrefix"] or name not in model.operation_names:
        raise AwsError("UnknownOperationException", "")
    if headers.get("content-type", "").partition(";")[0].strip() != CONTENT_TYPE:
        raise AwsError("SerializationException", f"the content type must be {CONTENT_TYPE}")
    return model.operation_model(name)


def _parse(operation: OperationModel, body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        raise AwsError("SerializationException", "the body is not JSON") from None
    shape = operation.input_shape
    if shape is None:
        return {}
    problems = list(_problems(shape, given, ""))
    malformed = [problem.text for problem in problems if problem.code == "SerializationException"]
    if malformed:
        raise AwsError("SerializationException", malformed[0])
    if problems:
        many = "error" if len(problems) == 1 else "errors"
        listed = "; ".join(problem.text for problem in problems)
        raise AwsError("ValidationException", f"{len(problems)} validation {many} detected: {listed}")
    params = _convert(shape, given, _to_instant)
    assert isinstance(params, dict)  # noqa: S101 - an input shape is a structure, which the walk above has checked
    return params


def _serialise(operation: OperationModel, answer: object) -> dict[str, Any]:
    shape = operation.output_shape
    if shape is None:
        if answer:
            raise StandInLied(f"{operation.name} answers nothing, not {answer!r}")
        return {}
    content = _convert(shape, answer, _to_epoch)
    problems = [problem.text for problem in _problems(shape, content, "")]
    if problems or not isinstance(content, dict):
        raise StandInLied(f"{operation.name}: {'; '.join(problems)}")
    return content


def _check_declared(operation: OperationModel, error: AwsError) -> None:
    declared = {shape.name for shape in operation.error_shapes}
    if error.code not in declared | COMMON_ERRORS:
        raise StandInLied(f"{operation.name} does not declare {error.code}") from error


def _answer(status: int, content: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    body = json.dumps(content, allow_nan=False).encode()
    return status, {"Content-Type": CONTENT_TYPE, "x-amzn-RequestId": str(uuid4())}, body


def _to_instant(value: Any) -> datetime:
    return datetime.fromtimestamp(value, UTC)


def _to_epoch(value: Any) -> float:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise StandInLied(f"a timestamp is an aware datetime, not {value!r}")
    return value.timestamp()


def _convert(shape: Shape, value: Any, timestamp: Any) -> Any:
    """A copy of `value` with each timestamp converted; what does not fit the shape is left for the walker."""
    if value is None:
        return None
    if shape.type_name == "timestamp":
        return timestamp(value)
    if shape.type_name == "structure" and isinstance(value, dict):
        members = shape.members
        return {
            name: _convert(members[name], member, timestamp) if name in members else member
            for name, member in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_convert(shape.member, member, timestamp) for member in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: _convert(shape.value, member, timestamp) for name, member in value.items()}
    return value


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
}


def problems_of(shape: Shape, value: Any) -> list[str]:
    """What the model does not allow in an input or an answer."""
    return [problem.text for problem in _problems(shape, value, "")]


def _problems(shape: Shape, value: Any, path: str) -> Iterator[_Problem]:
    kind = shape.type_name
    if kind not in _PYTHON_TYPES:
        raise Unsupported(f"{path}: shapes of type {kind} are not spoken here")
    well_typed = isinstance(value, _PYTHON_TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if not well_typed:
        yield _Problem("SerializationException", f"{path or 'the body'} must be a {kind}, not {value!r}")
        return
    yield from _constraint_problems(shape, value, path)
    if kind == "structure":
        yield from _structure_problems(shape, value, path)
    elif kind == "list":
        for index, member in enumerate(value, 1):
            yield from _problems(shape.member, member, f"{path}.{index}.member")
    elif kind == "map":
        for name, member in value.items():
            yield from _problems(shape.key, name, f"{path}.{name}.key")
            yield from _problems(shape.value, member, f"{path}.{name}.value")


def _structure_problems(shape: Shape, value: dict[str, Any], path: str) -> Iterator[_Problem]:
    for name, member in value.items():
        where = f"{path}.{name}" if path else name
        if name not in shape.members:
            yield _Problem("SerializationException", f"{where} is not a member of {shape.name}")
        elif member is not None:  # JSON's null is an absent member
            yield from _problems(shape.members[name], member, where)
    for name in shape.required_members:
        if value.get(name) is None:
            where = f"{path}.{name}" if path else name
            yield _Problem(
                "ValidationException",
                f"Value null at '{where}' failed to satisfy constraint: Member must not be null",
            )


def _constraint_problems(shape: Shape, value: Any, path: str) -> Iterator[_Problem]:
    """Enum, pattern, and the bounds: a length for strings, lists and maps, the value itself for numbers."""

    def broken(constraint: str) -> _Problem:
        return _Problem(
            "ValidationException",
            f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {constraint}",
        )

    metadata = shape.metadata
    if isinstance(value, str):
        allowed = metadata.get("enum")
        if allowed and value not in allowed:
            yield broken(f"satisfy enum value set: [{', '.join(allowed)}]")
        pattern = metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value, re.DOTALL):
            yield broken(f"satisfy regular expression pattern: {pattern}")
    measured = value if isinstance(value, int | float) else len(value)
    noun = "value" if isinstance(value, int | float) else "length"
    if shape.type_name in ("structure", "boolean", "timestamp"):
        return
    if "min" in metadata and measured < metadata["min"]:
        yield broken(f"have {noun} greater than or equal to {metadata['min']}")
    if "max" in metadata and measured > metadata["max"]:
        yield broken(f"have {noun} less than or equal to {metadata['max']}")
