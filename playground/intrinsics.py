"""CloudFormation's YAML and the intrinsic functions our template uses. Any other one is an error that names it."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from playground.errors import Unsupported

NO_VALUE = object()
"""What `Ref: AWS::NoValue` resolves to: the property that holds it is dropped."""


class _Loader(yaml.SafeLoader):
    """YAML with `!Ref` and its like read as their long forms, and dates left as strings."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, expression) for tag, expression in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has only these three kinds
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def read_yaml(path: Path) -> dict[str, Any]:
    """The template as written, short forms made long. Raises Unsupported if it is not a mapping."""
    document = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - a SafeLoader with CloudFormation's tags
    if not isinstance(document, dict):
        raise Unsupported(f"{path} is not a template")
    return document


class Resolver:
    """Replaces intrinsic functions by values.

    `attribute(logical_id, name)` answers GetAtt, and Ref for the name "Ref".
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        conditions: Mapping[str, Any],
        attribute: Callable[[str, str], str],
    ) -> None:
        self._values = values
        self._conditions = conditions
        self._attribute = attribute
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::If": self._if,
            "Fn::Equals": self._equals,
            "Fn::Not": lambda operands: not self._truth(operands[0]),
            "Fn::And": lambda operands: all(self._truth(operand) for operand in operands),
            "Fn::Or": lambda operands: any(self._truth(operand) for operand in operands),
        }

    def resolve(self, value: Any) -> Any:
        """A copy of the value with every intrinsic replaced. Raises Unsupported for one that is not known here."""
        if isinstance(value, list):
            items = [self.resolve(item) for item in value]
            return [item for item in items if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, operand),) = value.items()
            # IAM's own word "Condition" holds an object; CloudFormation's holds the name of a condition.
            is_condition = name == "Condition" and isinstance(operand, str)
            if name.startswith("Fn::") or name == "Ref" or is_condition:
                if name not in self._functions:
                    raise Unsupported(f"the intrinsic function {name} is not known here")
                return self._functions[name](operand)
        resolved = {name: self.resolve(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not NO_VALUE}

    def condition(self, name: str) -> bool:
        """The named condition's truth. Raises Unsupported if the template has none of that name."""
        if name not in self._conditions:
            raise Unsupported(f"there is no condition {name}")
        return self._truth(self._conditions[name])

    def _truth(self, expression: Any) -> bool:
        truth = self.resolve(expression)
        if not isinstance(truth, bool):
            raise Unsupported(f"{expression!r} is not a condition")
        return truth

    def _ref(self, name: Any) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        return self._values[name] if name in self._values else self._attribute(name, "Ref")

    def _get_att(self, operand: Any) -> str:
        logical_id, name = operand.split(".", 1) if isinstance(operand, str) else operand
        return self._attribute(logical_id, name)

    def _sub(self, operand: Any) -> str:
        text, extra = (operand, {}) if isinstance(operand, str) else operand
        local = {name: self.resolve(value) for name, value in extra.items()}

        def replacement(match: re.Match[str]) -> str:
            name = match.group(1).strip()
            if name.startswith("!"):  # ${!Literal} is CloudFormation's way to write ${Literal}
                return "${" + name[1:] + "}"
            value = local[name] if name in local else self._get_att(name) if "." in name else self._ref(name)
            if not isinstance(value, str):
                raise Unsupported(f"Fn::Sub: {name} is {value!r}, which is not a string")
            return value

        return re.sub(r"\$\{([^}]*)\}", replacement, text)

    def _join(self, operand: Any) -> str:
        separator, parts = operand
        return str(separator).join(str(part) for part in self.resolve(parts))

    def _split(self, operand: Any) -> list[str]:
        separator, text = operand
        return str(self.resolve(text)).split(separator)

    def _select(self, operand: Any) -> Any:
        index, items = operand
        return self.resolve(items)[int(index)]

    def _if(self, operand: Any) -> Any:
        name, when_true, when_false = operand
        return self.resolve(when_true if self.condition(name) else when_false)

    def _equals(self, operand: Any) -> bool:
        left, right = (self.resolve(side) for side in operand)
        return str(left) == str(right)
