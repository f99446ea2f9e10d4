"""Identity-based policies: may this function make this call?

Sources: "Policy evaluation logic", "Multivalued context keys", and "IAM JSON policy elements: Condition
operators".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from playground.errors import Unsupported
from playground.properties import as_list
from playground.stack import Statement

LEADING_KEYS = "dynamodb:LeadingKeys"
PASSED_TO = "iam:PassedToService"


@dataclass(frozen=True, slots=True)
class Need:
    """A permission a call needs."""

    action: str  # dynamodb:PutItem
    resource: str  # an ARN, or "*" where the action knows no resources
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def allowed(statements: Sequence[Statement], need: Need) -> bool:
    """An explicit deny wins; otherwise something must allow it."""
    applying = [statement for statement in statements if _applies(statement, need)]
    return bool(applying) and all(statement.allow for statement in applying)


def check_condition(condition: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise Unsupported for an operator or a context key that is not known here."""
    for operator, keys in condition.items():
        if operator not in _OPERATORS:
            raise Unsupported(f"IAM: the condition operator {operator} is not known here")
        for key in keys:
            if key not in (LEADING_KEYS, PASSED_TO):
                raise Unsupported(f"IAM: the condition key {key} is not known here")


def _applies(statement: Statement, need: Need) -> bool:
    service, _, name = need.action.partition(":")
    return (
        # Actions are case-insensitive, ARNs are not.
        any(_like(action.lower(), f"{service}:{name}".lower()) for action in statement.actions)
        and any(_like(resource, need.resource) for resource in statement.resources)
        and all(
            _OPERATORS[operator](as_list(wanted), need.context.get(key, ()))
            for operator, keys in statement.condition.items()
            for key, wanted in keys.items()
        )
    )


def _for_all_equal(wanted: Sequence[str], found: Sequence[str]) -> bool:
    return all(value in wanted for value in found)  # of no values at all, too: that is AWS's rule


def _for_all_like(wanted: Sequence[str], found: Sequence[str]) -> bool:
    return all(any(_like(pattern, value) for pattern in wanted) for value in found)


def _equals(wanted: Sequence[str], found: Sequence[str]) -> bool:
    return bool(found) and found[0] in wanted  # a key that the request has not is no match


_OPERATORS = {
    "ForAllValues:StringEquals": _for_all_equal,
    "ForAllValues:StringLike": _for_all_like,
    "StringEquals": _equals,
}


def _like(pattern: str, text: str) -> bool:
    return _expression(pattern).fullmatch(text) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(letter) or re.escape(letter) for letter in pattern), re.DOTALL)
