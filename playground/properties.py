"""Reading a resource's properties so that none is overlooked: what nobody read is an error that names it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from playground.errors import Unsupported

_REQUIRED = object()


class Properties:
    """The properties of one resource (or one object in them), each to be taken once or known to change nothing."""

    def __init__(self, where: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise Unsupported(f"{where} is not an object")
        self.where = where
        self._left = dict(values)

    def over(self, base: Mapping[str, Any]) -> "Properties":
        """These properties over SAM's Globals: objects are merged, lists are added, anything else is replaced."""
        return Properties(self.where, _merged(base, self._left))

    def take(self, name: str, default: Any = _REQUIRED) -> Any:
        """The property's value. Raises Unsupported when it is absent and there is no default."""
        if name not in self._left and default is _REQUIRED:
            raise Unsupported(f"{self.where} needs {name}")
        return self._left.pop(name, default)

    def inside(self, name: str) -> "Properties":
        """The object held by a property; empty when it is absent."""
        return Properties(f"{self.where}.{name}", self._left.pop(name, {}))

    def expect(self, name: str, *allowed: Any) -> None:
        """Take a property that, when there, must be one of these: other values behave in ways we do not."""
        value = self._left.pop(name, allowed[0])
        if value not in allowed:
            raise Unsupported(f"{self.where}.{name}: {value!r} is not known here")

    def done(self, *inert: str) -> None:
        """Every property was taken, or is one of `inert`, which change nothing that can be seen here."""
        left = sorted(set(self._left) - set(inert))
        if left:
            raise Unsupported(f"{self.where}: {', '.join(left)} is not known here")

    def number(self, name: str, default: int) -> int:
        return int(self.take(name, default))

    def flag(self, name: str, default: bool) -> bool:
        value = self.take(name, default)
        return value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]


def _merged(base: Any, own: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(own, Mapping):
        both = {name: _merged(base[name], own[name]) for name in base.keys() & own.keys()}
        return {**base, **own, **both}
    return [*base, *own] if isinstance(base, list) and isinstance(own, list) else own


def rate(expression: str) -> timedelta:
    """The interval of "rate(1 minute)". Raises Unsupported for cron(…) and at(…)."""
    words = expression.removeprefix("rate(").removesuffix(")").split()
    if (
        not expression.startswith("rate(")
        or len(words) != 2
        or words[1].rstrip("s") not in ("minute", "hour", "day")
    ):
        raise Unsupported(f"the schedule {expression!r} is not known here")
    return timedelta(**{words[1].rstrip("s") + "s": int(words[0])})


def as_list(value: Any) -> list[Any]:
    """IAM and SAM allow a single value where a list is meant."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else [value]
