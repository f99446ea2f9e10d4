"""Fields of what Slack sends, each read as what it must be. Pure; every reader raises ParseError by field."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from bot.errors import ParseError
from bot.model import ExecutionKey

MOST_FORM_FIELDS = 50

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TS = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_KEY_PART = re.compile(r"[A-Za-z0-9.@_-]{1,100}")  # CodePipeline's own names and ids
_OF_AN_ISSUE = re.compile(r"[\x21-\x7e]{1,1700}")  # an AWS Health ARN, and the account of one's own


def read_json(field: str, text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: brackets nested by the ten thousand
        raise ParseError(field, "is not JSON") from None
    if not isinstance(value, dict):
        raise ParseError(field, "must be a JSON object")
    return value


def read_form(text: str) -> dict[str, str]:
    """A form, each of whose fields is there once."""
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FORM_FIELDS
        )
    except ValueError:
        raise ParseError("body", "is not a form") from None
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:  # which of the two was meant, nobody can tell
            raise ParseError("body", "has the same form field twice")
        form[name] = value
    return form


def read_object(parent: Mapping[str, Any], name: str, field: str) -> dict[str, Any]:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise ParseError(field, "must be an object")
    return value


def read_text(parent: Mapping[str, Any], name: str, field: str = "") -> str:
    """Text that is not empty."""
    value = parent.get(name)
    if not isinstance(value, str) or not value:
        raise ParseError(field or name, "must be text")
    return value


def read_any_text(parent: Mapping[str, Any], name: str, field: str) -> str:
    """Text; "" where there is none."""
    value = parent.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ParseError(field, "must be text")
    return value


def read_id(parent: Mapping[str, Any], name: str, field: str = "") -> str:
    return _shaped(_ID, parent, name, field)


def read_ts(parent: Mapping[str, Any], name: str, field: str) -> str:
    return _shaped(_TS, parent, name, field)


def read_issue_key(parent: Mapping[str, Any], field: str) -> str:
    return _shaped(_OF_AN_ISSUE, parent, "issue", f"{field}.issue")


def read_deploy(parent: Mapping[str, Any], field: str) -> tuple[ExecutionKey, int | None]:
    """The execution a button or a modal was drawn for, and the version it showed."""
    key_text, version = read_text(parent, "key", f"{field}.key"), parent.get("version")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise ParseError(f"{field}.version", "must be a whole number")
    if not all(_KEY_PART.fullmatch(part) for part in key_text.split("#")):
        raise ParseError(f"{field}.key", "is no execution's key")
    try:
        return ExecutionKey.parse(key_text), version
    except ValueError:
        raise ParseError(f"{field}.key", "is no execution's key") from None


def _shaped(shape: re.Pattern[str], parent: Mapping[str, Any], name: str, field: str) -> str:
    value = read_text(parent, name, field)
    if not shape.fullmatch(value):
        raise ParseError(field or name, "is not spelled as Slack spells it")
    return value
