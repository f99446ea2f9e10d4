"""The domain's values as plain ones (maps, lists, strings, whole numbers, booleans) and back, led by their types.

A field that is None is left out. A missing field that has a default takes it, so that items written before the
field existed still load; any other missing or malformed field is a ParseError with its path.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from bot.errors import ParseError

T = TypeVar("T")

INSTANT_LENGTH = len("2026-11-23T02:20:00.000000Z")


def plain_instant(at: datetime) -> str:
    """`2026-11-23T02:20:00.000000Z`: always microseconds and Z, so that strings sort as their instants do.

    Raises ValueError for a naive datetime.
    """
    if at.tzinfo is None:
        raise ValueError("an instant has a time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_instant(text: object, path: str) -> datetime:
    """Read what `plain_instant` wrote. Raises ParseError with `path` on anything else."""
    if not isinstance(text, str) or len(text) != INSTANT_LENGTH or not text.endswith("Z"):
        raise ParseError(path, "is not an instant")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ParseError(path, "is not an instant") from error


def to_plain(value: object) -> Any:
    """A value of the domain as a plain one. Raises TypeError for what has no plain form: floats above all."""
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, datetime):
        return plain_instant(value)
    if isinstance(value, tuple):
        return [to_plain(each) for each in value]
    if is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: to_plain(each) for name, each in pairs if each is not None}
    raise TypeError(f"{type(value).__name__} has no plain form")


def from_plain(kind: type[T], plain: Mapping[str, Any], path: str = "") -> T:
    """Read a dataclass of the domain from what `to_plain` made of it. Unknown fields are ignored.

    Raises ParseError naming the field ("retry.not_before_at").
    """
    found: dict[str, Any] = {}
    for name, hint, required in _shape(cast(Any, kind)):
        inner = f"{path}.{name}" if path else name
        if plain.get(name) is not None:
            found[name] = _from_plain(hint, plain[name], inner)
        elif required:
            raise ParseError(inner, "is missing")
    return kind(**found)


@cache
def _shape(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Each field's name, type (without None) and whether it must be there."""
    hints = get_type_hints(kind)
    return tuple(
        (
            field.name,
            _without_none(hints[field.name]),
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(kind)
    )


def _without_none(hint: Any) -> Any:
    if not isinstance(hint, UnionType):
        return hint
    (rest,) = (each for each in get_args(hint) if each is not NoneType)
    return rest


def _from_plain(hint: Any, plain: object, path: str) -> Any:
    if get_origin(hint) is tuple:
        if not isinstance(plain, list | tuple):
            raise ParseError(path, "is not a list")
        return tuple(_from_plain(get_args(hint)[0], each, f"{path}[{at}]") for at, each in enumerate(plain))
    if hint is datetime:
        return parse_instant(plain, path)
    if is_dataclass(hint):
        kind = cast(type[Any], hint)
        if isinstance(plain, kind):  # what the caller read from elsewhere: a key
            return plain
        if not isinstance(plain, Mapping):
            raise ParseError(path, "is not a map")
        return from_plain(kind, plain, path)
    if hint is bool and isinstance(plain, bool):
        return plain
    if hint is int and isinstance(plain, int | Decimal) and not isinstance(plain, bool) and plain == int(plain):
        return int(plain)
    if hint is str and isinstance(plain, str):
        return plain
    if issubclass(hint, StrEnum) and isinstance(plain, str) and plain in tuple(hint):
        return hint(plain)
    raise ParseError(path, f"is not a known {hint.__name__}")
