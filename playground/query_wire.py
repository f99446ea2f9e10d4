"""AWS's older query protocol (a form in, XML out) between boto3 and a stand-in, held to botocore's service model.

Spoken here as far as CloudFormation's reads need it: input of single values, no lists.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import botocore.session
from botocore import xform_name

from playground.errors import Unsupported
from playground.wire import AwsError, Shape, StandInLied, problems_of

CONTENT_TYPE = "text/xml"
SERVICES = frozenset({"cloudformation"})


def speaks(service: str) -> bool:
    """Whether this service is answered here."""
    return service in SERVICES


def parameters(body: bytes) -> Mapping[str, str]:
    """What the caller sent, without the protocol's own two."""
    return {name: text for name, text in _form(body).items() if name not in ("Action", "Version")}


def operation_name(_headers: Mapping[str, str], body: bytes) -> str:
    """The operation the form's Action names, "" when there is none."""
    return _form(body).get("Action", "")


def handle(
    service: str, headers: Mapping[str, str], body: bytes, stand_in: object, region: str, account: str
) -> tuple[int, dict[str, str], bytes]:
    """As playground.wire.handle. Errors are not held to the model: CloudFormation's declares almost none."""
    model = botocore.session.get_session().get_service_model(service)
    name = operation_name(headers, body)
    if name not in model.operation_names:
        return error(400, "InvalidAction", f"Could not find operation {name}")
    operation = model.operation_model(name)
    method = getattr(stand_in, xform_name(name), None)
    if method is None:
        raise Unsupported(f"the stand-in for {service} has no {name}")
    params = dict(parameters(body))
    wrong = problems_of(operation.input_shape, params) if operation.input_shape else []
    if wrong:
        return error(400, "ValidationError", "; ".join(wrong))
    try:
        answer = method(params, region=region, account=account)
    except AwsError as refusal:
        return error(refusal.status, refusal.code, refusal.message)
    shape = operation.output_shape
    lies = problems_of(shape, _with_epochs(answer)) if shape else []
    if shape is None or lies:
        raise StandInLied(f"{name}: {'; '.join(lies) or 'answers nothing'}")
    result = "".join(_elements(shape, answer))
    content = (
        f"<{name}Response><{name}Result>{result}</{name}Result>"
        f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata></{name}Response>"
    )
    return 200, {"Content-Type": CONTENT_TYPE}, content.encode()


def error(status: int, code: str, sentence: str) -> tuple[int, dict[str, str], bytes]:
    """An error as the query protocol writes it."""
    fault = "Sender" if status < 500 else "Receiver"
    content = (
        f"<ErrorResponse><Error><Type>{fault}</Type><Code>{escape(code)}</Code>"
        f"<Message>{escape(sentence)}</Message></Error><RequestId>{uuid4()}</RequestId></ErrorResponse>"
    )
    return status, {"Content-Type": CONTENT_TYPE}, content.encode()


def error_code(content: bytes) -> str:
    """The code in an error answer, "" in a good one."""
    return ElementTree.fromstring(content).findtext("Error/Code", "")  # noqa: S314 - what `error` wrote


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _with_epochs(value: Any) -> Any:
    """Timestamps as the walker of JSON knows them."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: _with_epochs(member) for name, member in value.items()}
    return [_with_epochs(member) for member in value] if isinstance(value, list) else value


def _elements(shape: Shape, value: Mapping[str, Any]) -> Iterator[str]:
    for name, member in value.items():
        inner = shape.members[name]
        if inner.type_name == "list":
            items = "".join(f"<member>{''.join(_elements(inner.member, each))}</member>" for each in member)
            yield f"<{name}>{items}</{name}>"
        else:
            text = member.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(member, datetime) else str(member)
            yield f"<{name}>{escape(text)}</{name}>"
