"""EventBridge's event patterns; Lambda's stream filters speak the same language.

Sources: "Amazon EventBridge event patterns", "Comparison operators for use in event patterns", and for arrays and
absent fields the same guide's pages on arrays and `exists`.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from playground.errors import Unsupported

Test = Callable[[Any], bool]


def check(pattern: Mapping[str, Any]) -> None:
    """Raise Unsupported if EventBridge would refuse the pattern, or if an operator is not known here."""
    matches(pattern, {})


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether the event fits the pattern. The whole pattern is checked, whatever the event is (see `check`)."""
    if not isinstance(pattern, Mapping) or not pattern:
        raise Unsupported(f"an event pattern is an object with at least one field, not {pattern!r}")
    fits = [
        _field_matches(name, wanted, event) for name, wanted in pattern.items()
    ]  # all of them, so that each is checked
    return all(fits)


def _field_matches(name: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    if name == "$or":
        if not isinstance(wanted, list) or len(wanted) < 2:
            raise Unsupported(f"$or takes a list of at least two patterns, not {wanted!r}")
        fits = [matches(alternative, event) for alternative in wanted]
        return any(fits)
    found = event.get(name, _ABSENT)
    if isinstance(wanted, Mapping):
        objects = [item for item in (found if isinstance(found, list) else [found]) if isinstance(item, Mapping)]
        fits = [matches(wanted, item) for item in objects or [{}]]
        return any(fits)
    if not isinstance(wanted, list) or not wanted:
        raise Unsupported(f"{name}: a pattern's field is an object or a list that is not empty, not {wanted!r}")
    fits = [_value_matches(choice, found) for choice in wanted]
    return any(fits)


_ABSENT = object()


def _leaves(found: Any) -> list[Any]:
    """The scalars of a field; arrays match when any element does, and objects are no leaves."""
    if found is _ABSENT or isinstance(found, Mapping):
        return []
    if isinstance(found, list):
        return [leaf for item in found for leaf in _leaves(item)]
    return [found]


def _value_matches(choice: Any, found: Any) -> bool:
    leaves = _leaves(found)
    if isinstance(choice, Mapping) and set(choice) == {"exists"}:
        if not isinstance(choice["exists"], bool):
            raise Unsupported(f"exists takes true or false, not {choice['exists']!r}")
        return bool(leaves) == choice["exists"]
    test = _test(choice)
    return any(test(leaf) for leaf in leaves)


def _test(choice: Any) -> Test:
    if not isinstance(choice, Mapping):
        return _equals(choice)
    if len(choice) != 1:
        raise Unsupported(f"one comparison at a time, not {choice!r}")
    ((operator, operand),) = choice.items()
    if operator not in _OPERATORS:
        raise Unsupported(f"event patterns: the comparison {operator!r} is not known here")
    return _OPERATORS[operator](operand)


def _equals(wanted: Any) -> Test:
    if isinstance(wanted, list):
        raise Unsupported(f"a pattern's list holds values and comparisons, not {wanted!r}")
    # AWS compares numbers as they are written: 300 is not 300.0, and true is not 1.
    written = json.dumps(wanted)
    return lambda leaf: json.dumps(leaf) == written


def _text(operand: Any, operator: str) -> str:
    if not isinstance(operand, str):
        raise Unsupported(f"{operator} takes a string, not {operand!r}")
    return operand


def _prefix(operand: Any) -> Test:
    if isinstance(operand, Mapping) and set(operand) == {"equals-ignore-case"}:
        start = _text(operand["equals-ignore-case"], "prefix").casefold()
        return lambda leaf: isinstance(leaf, str) and leaf.casefold().startswith(start)
    text = _text(operand, "prefix")
    return lambda leaf: isinstance(leaf, str) and leaf.startswith(text)


def _suffix(operand: Any) -> Test:
    if isinstance(operand, Mapping) and set(operand) == {"equals-ignore-case"}:
        end = _text(operand["equals-ignore-case"], "suffix").casefold()
        return lambda leaf: isinstance(leaf, str) and leaf.casefold().endswith(end)
    text = _text(operand, "suffix")
    return lambda leaf: isinstance(leaf, str) and leaf.endswith(text)


def _equals_ignore_case(operand: Any) -> Test:
    text = _text(operand, "equals-ignore-case").casefold()
    return lambda leaf: isinstance(leaf, str) and leaf.casefold() == text


def _wildcard(operand: Any) -> Test:
    text = _text(operand, "wildcard")
    if "**" in text:
        raise Unsupported("wildcard: EventBridge refuses consecutive wildcards")
    literal = {"*": ".*", r"\*": re.escape("*"), r"\\": re.escape("\\")}
    parts = re.findall(r"\\\*|\\\\|\*|[^*\\]+|\\", text)
    if "\\" in parts:
        raise Unsupported(rf"wildcard: a backslash stands only before * or \, not as in {text!r}")
    expression = re.compile("".join(literal.get(part) or re.escape(part) for part in parts), re.DOTALL)
    return lambda leaf: isinstance(leaf, str) and expression.fullmatch(leaf) is not None


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numeric(operand: Any) -> Test:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise Unsupported(f"numeric takes one or two comparisons, not {operand!r}")
    pairs = list(zip(operand[::2], operand[1::2], strict=True))
    for comparison, bound in pairs:
        if comparison not in _COMPARISONS or not _number(bound):
            raise Unsupported(f"numeric: {comparison!r} {bound!r} is no comparison")
    return lambda leaf: _number(leaf) and all(_COMPARISONS[comparison](leaf, bound) for comparison, bound in pairs)


def _anything_but(operand: Any) -> Test:
    if isinstance(operand, Mapping):
        if len(operand) != 1 or not set(operand) <= {"prefix", "suffix", "equals-ignore-case", "wildcard"}:
            raise Unsupported(f"anything-but: {operand!r} is not known here")
        ((operator, inner),) = operand.items()
        refused = [_OPERATORS[operator](value) for value in (inner if isinstance(inner, list) else [inner])]
    else:
        values = operand if isinstance(operand, list) else [operand]
        if not values or any(value is None or isinstance(value, bool | list | Mapping) for value in values):
            raise Unsupported(f"anything-but takes strings or numbers, not {operand!r}")
        refused = [_equals(value) for value in values]
    return lambda leaf: not any(test(leaf) for test in refused)


_OPERATORS: dict[str, Callable[[Any], Test]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "numeric": _numeric,
    "anything-but": _anything_but,
}
