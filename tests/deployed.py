"""template.yaml as written, and as it would be deployed."""

from pathlib import Path
from typing import Any

from playground.intrinsics import read_yaml
from playground.template import load

PATH = Path(__file__).parent.parent / "template.yaml"
GIVEN = {"SlackBotToken": "xoxb-1-a", "SlackSigningSecret": "8f742231b10e8888abcd99", "SlackChannel": "C024BE91L"}
TEMPLATE = read_yaml(PATH)
STACK = load(PATH, GIVEN)


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of one type."""
    resources = TEMPLATE["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in resources if resource["Type"] == kind}


def attribute(reference: dict[str, str]) -> str:
    """The resource a GetAtt or Ref names."""
    return (reference.get("Fn::GetAtt") or reference["Ref"]).partition(".")[0]
