"""A template's parameters: their values, held against their own constraints."""

import re
from collections.abc import Mapping
from typing import Any

from playground.errors import Unsupported
from playground.properties import Properties


def parameter_values(declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]) -> dict[str, Any]:
    """Each parameter's value, given or default. Raises Unsupported for one that is missing, unknown or refused."""
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise Unsupported(f"the template has no parameter {', '.join(unknown)}")
    return {name: _parameter_value(name, declaration, given.get(name)) for name, declaration in declared.items()}


def _parameter_value(name: str, declaration: Mapping[str, Any], given: str | None) -> Any:
    parameter = Properties(f"parameter {name}", declaration)
    kind = parameter.take("Type")
    default = parameter.take("Default", None)
    if given is None and default is None:
        raise Unsupported(f"parameter {name} has no default and was not given")
    value = str(default if given is None else given)
    allowed = [str(choice) for choice in parameter.take("AllowedValues", [])]
    pattern = parameter.take("AllowedPattern", None)
    values = [item.strip() for item in value.split(",")] if kind == "CommaDelimitedList" else [value]
    refused = [
        bool(allowed) and not set(values) <= set(allowed),
        pattern is not None and not all(re.fullmatch(pattern, item) for item in values),
        len(value) < parameter.number("MinLength", 0),
        len(value) > parameter.number("MaxLength", 4096),
    ]
    low, high = parameter.take("MinValue", None), parameter.take("MaxValue", None)
    if kind == "Number":
        number = float(value)
        refused += [low is not None and number < float(low), high is not None and number > float(high)]
    elif kind not in ("String", "CommaDelimitedList"):
        raise Unsupported(f"parameter {name}: the type {kind} is not known here")
    parameter.done("Description", "NoEcho", "ConstraintDescription")
    if any(refused):
        raise Unsupported(f"parameter {name}: its own constraints refuse the value given")
    return values if kind == "CommaDelimitedList" else value
