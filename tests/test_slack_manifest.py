"""slack-app-manifest.yaml: what Slack takes, no scope too few and none too many, and the names the code uses."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from playground.slack import Slack
from playground.slack_methods import METHODS

ROOT = Path(__file__).parent.parent
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "slack-app-manifest.yaml").read_text(encoding="utf-8"))
PLACEHOLDER = "https://allclear.invalid/slack/events"
GUIDE = (ROOT / "docs/slack.md").read_text(encoding="utf-8")

# The scopes of which one lets a bot call the method; () where Slack says "No scopes required". docs.slack.dev,
# reference/methods and reference/scopes.
METHOD_SCOPES = {
    "auth.test": (),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.history": ("channels:history", "groups:history"),  # by the channel's kind: both are needed
    "conversations.replies": ("channels:history", "groups:history"),
    "usergroups.users.list": ("usergroups:read",),
    "users.info": ("users:read",),
    "views.open": (),
    "views.publish": (),
}
EVENT_SCOPES = {"app_home_opened": (), "app_mention": ("app_mentions:read",)}
COMMAND_SCOPES = ("commands",)


def text(longest: int, pattern: str = "") -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest, **({"pattern": pattern} if pattern else {})}


def thing(**members: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(members), "properties": members}


def names(longest: int) -> dict[str, Any]:
    return {"type": "array", "items": text(50), "minItems": 1, "maxItems": longest, "uniqueItems": True}


URL, FLAG = text(3_000, "^https://"), {"type": "boolean"}
# The part of "App manifest reference" (docs.slack.dev) that is used here, and nothing beside it: stricter than
# Slack's published schema (slackapi/manifest-schema), whose lengths these are. Both versions took the manifest.
SHAPE = thing(
    _metadata=thing(major_version={"const": 1}, minor_version={"const": 1}),
    display_information=thing(
        name=text(35), description=text(140), background_color=text(7, "^#([0-9a-fA-F]{3}){1,2}$")
    ),
    features=thing(
        app_home=thing(home_tab_enabled=FLAG, messages_tab_enabled=FLAG, messages_tab_read_only_enabled=FLAG),
        bot_user=thing(display_name=text(80), always_online=FLAG),
        slash_commands={
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": thing(
                command=text(32, "^/"),
                url=URL,
                description=text(2_000),
                usage_hint=text(1_000),
                should_escape=FLAG,
            ),
        },
    ),
    oauth_config=thing(scopes=thing(bot=names(255))),
    settings=thing(
        event_subscriptions=thing(request_url=URL, bot_events=names(100)),
        interactivity=thing(is_enabled=FLAG, request_url=URL),
        org_deploy_enabled=FLAG,
        socket_mode_enabled=FLAG,
        token_rotation_enabled=FLAG,
    ),
)


def methods_called() -> set[str]:
    """Every Web API method that an adapter names."""
    found: set[str] = set()
    for path in (ROOT / "bot/adapters").glob("slack*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr in ("once", "harmless", "rows"):
                texts = [str(leaf.value) for leaf in ast.walk(node) if isinstance(leaf, ast.Constant)]
                found |= {name for name in texts if re.fullmatch(r"[a-z]+(\.[a-zA-Z]+)+", name)}
    return found


def test_slack_takes_the_manifest() -> None:
    assert not list(Draft7Validator(SHAPE).iter_errors(MANIFEST))


@pytest.mark.parametrize("part", ["oauth_config", "settings", "features", "display_information"])
def test_a_manifest_that_lacks_a_part_would_be_noticed(part: str) -> None:
    """A schema that takes everything proves nothing."""
    assert list(Draft7Validator(SHAPE).iter_errors({name: MANIFEST[name] for name in MANIFEST if name != part}))
    assert list(Draft7Validator(SHAPE).iter_errors({**MANIFEST, part: {**MANIFEST[part], "unknown": True}}))


def test_the_adapter_calls_what_the_scopes_are_worked_out_for() -> None:
    assert methods_called() == set(METHOD_SCOPES)
    assert methods_called() <= set(METHODS), "the stand-in does not play it"


def test_every_method_event_and_command_has_its_scope_and_no_scope_is_for_nothing() -> None:
    needed = {scope for scopes in METHOD_SCOPES.values() for scope in scopes}
    needed |= {scope for event in MANIFEST["settings"]["event_subscriptions"]["bot_events"]
               for scope in EVENT_SCOPES[event]}  # fmt: skip
    needed |= set(COMMAND_SCOPES)
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed


def test_all_of_slack_comes_to_one_address_over_http() -> None:
    settings = MANIFEST["settings"]
    [command] = MANIFEST["features"]["slash_commands"]
    addresses = {
        command["url"],
        settings["event_subscriptions"]["request_url"],
        settings["interactivity"]["request_url"],
    }
    assert addresses == {PLACEHOLDER}
    assert settings["interactivity"]["is_enabled"]
    assert not settings["socket_mode_enabled"]
    assert not settings["token_rotation_enabled"], "the token in Secrets Manager would expire after 12 hours"
    assert not settings["org_deploy_enabled"], "Allclear answers in one workspace"


def test_the_path_is_the_templates_own() -> None:
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")
    assert f"Path: {PLACEHOLDER.removeprefix('https://allclear.invalid')}\n" in template


def test_the_command_and_the_events_are_those_the_stand_in_plays() -> None:
    [command] = MANIFEST["features"]["slash_commands"]
    with Slack() as slack:
        assert f"command={command['command'].replace('/', '%2F')}&" in slack.slash("status")[1].decode()
        events = {json.loads(body)["event"]["type"] for _, body in (slack.mention("status"), slack.home_opened())}
    assert events == set(MANIFEST["settings"]["event_subscriptions"]["bot_events"])
    assert MANIFEST["features"]["app_home"]["home_tab_enabled"]


def test_the_usage_hint_names_each_word_of_the_command() -> None:
    [command] = MANIFEST["features"]["slash_commands"]
    words = ["status", "issues", "history", "why", "retry", "override", "ignore", "help"]
    assert command["usage_hint"].split(" | ") == words


def test_the_guide_says_what_each_scope_is_for_and_names_the_placeholder() -> None:
    for scope in MANIFEST["oauth_config"]["scopes"]["bot"]:
        assert f"| `{scope}` |" in GUIDE
    assert PLACEHOLDER in GUIDE
    assert len(
        re.findall(r"^\| `[a-z_]+(:[a-z]+)?` \|", GUIDE.partition("## Scopes")[2].partition("\n## ")[0], re.M)
    ) == len(MANIFEST["oauth_config"]["scopes"]["bot"])
