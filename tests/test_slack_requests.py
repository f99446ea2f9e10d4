"""Is it Slack, and what does it ask? Requests are built as Slack builds them: form-encoded and signed."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ParseError
from bot.slack.parsing import LARGEST_BODY, parse_request
from bot.slack.requests import Challenge, Click, Command, Ignored, Request
from bot.slack.signature import WINDOW, plausible, verify
from tests.builders import KEY, NOW

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json; charset=utf-8"}

# The example of Slack's page "Verifying requests from Slack".
PUBLISHED_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
PUBLISHED_HEADERS = {
    "X-Slack-Request-Timestamp": "1531420618",
    "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}
PUBLISHED_AT = datetime.fromtimestamp(1531420618, UTC)


def signed(body: bytes, secret: str = SECRET, at: datetime = NOW, timestamp: str = "") -> dict[str, str]:
    timestamp = timestamp or str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": timestamp, "x-slack-signature": f"v0={digest}"}


def a_click(**changes: Any) -> dict[str, Any]:
    payload = {
        "type": "block_actions",
        "user": {"id": "U0ALICE", "username": "alice", "team_id": "T0ALLCLEAR"},
        "api_app_id": "A111",
        "token": "verification_token",
        "container": {"type": "message", "message_ts": "111.222", "channel_id": "C111", "is_ephemeral": False},
        "trigger_id": "111.222.valid",
        "team": {"id": "T0ALLCLEAR", "domain": "workspace"},
        "channel": {"id": "C111", "name": "deploys"},
        "response_url": "https://hooks.slack.com/actions/T111/111/random-value",
        "actions": [
            {
                "action_id": "retry",
                "block_id": "b",
                "type": "button",
                "value": json.dumps({"key": str(KEY), "version": 3}),
                "action_ts": "1596530385.194939",
            }
        ],
    }
    return {**payload, **changes}


def form(payload: object) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


def test_slacks_published_example_verifies() -> None:
    assert verify(PUBLISHED_HEADERS, PUBLISHED_BODY, [SECRET], PUBLISHED_AT)


def test_one_changed_byte_does_not() -> None:
    assert not verify(PUBLISHED_HEADERS, PUBLISHED_BODY + b"x", [SECRET], PUBLISHED_AT)


def test_during_a_rotation_both_secrets_are_good() -> None:
    body = b"{}"
    assert verify(signed(body, "old"), body, ["new", "old"], NOW)
    assert not verify(signed(body, "older"), body, ["new", "old"], NOW)


def test_an_empty_secret_signs_nothing() -> None:
    assert not verify(signed(b"{}", ""), b"{}", [""], NOW)


@pytest.mark.parametrize("ahead", [-1, 1])
def test_the_window_is_five_minutes_both_ways(ahead: int) -> None:
    body = b"{}"
    at_the_edge = signed(body, at=NOW + ahead * WINDOW)
    beyond = signed(body, at=NOW + ahead * (WINDOW + timedelta(seconds=1)))
    assert verify(at_the_edge, body, [SECRET], NOW)
    assert not verify(beyond, body, [SECRET], NOW)


@pytest.mark.parametrize("timestamp", ["", "now", "-5", "1e9", "١٢٣", "9" * 400, "1531420618.0", " 1531420618"])
def test_a_junk_timestamp_is_refused_even_when_it_is_signed(timestamp: str) -> None:
    """slack_sdk's verifier raises on these."""
    headers = {**signed(b"{}", timestamp=timestamp or " "), "x-slack-request-timestamp": timestamp}
    assert not verify(headers, b"{}", [SECRET], NOW)
    assert not plausible(headers, NOW)


@pytest.mark.parametrize("signature", ["", "v0=", "v0=é", "v1=" + "a" * 64, "v0=" + "A" * 64, "v0=" + "a" * 65])
def test_a_junk_signature_is_refused_before_any_secret_is_needed(signature: str) -> None:
    headers = {**signed(b"{}"), "x-slack-signature": signature}
    assert not plausible(headers, NOW)
    assert not verify(headers, b"{}", [SECRET], NOW)


@given(st.dictionaries(st.sampled_from([*signed(b"")]), st.text()), st.binary())
def test_no_headers_make_verification_raise(headers: dict[str, str], body: bytes) -> None:
    assert not verify(headers, body, [SECRET], NOW)


def test_a_click_is_read_with_everything_the_decision_needs() -> None:
    assert parse_request(FORM, form(a_click())) == Click(
        team_id="T0ALLCLEAR",
        user_id="U0ALICE",
        user_team_id="T0ALLCLEAR",
        channel_id="C111",
        message_ts="111.222",
        action_id="retry",
        action_ts="1596530385.194939",
        key=KEY,
        version=3,
        response_url="https://hooks.slack.com/actions/T111/111/random-value",
        trigger_id="111.222.valid",
    )


def test_a_click_without_its_container_is_found_by_channel_and_message() -> None:
    """Slack tells the message twice; one of the two is enough."""
    payload = a_click(message={"ts": "111.222"})
    del payload["container"]
    assert parse_request(FORM, form(payload)) == parse_request(FORM, form(a_click()))


def test_the_first_action_that_is_ours_counts() -> None:
    ours = a_click()["actions"][0]
    click = parse_request(FORM, form(a_click(actions=[{"action_id": "open"}, {**ours, "action_id": "undo"}])))
    assert isinstance(click, Click)
    assert click.action_id == "undo"


def test_a_click_on_a_link_or_on_another_apps_button_is_nothing_to_do() -> None:
    assert parse_request(FORM, form(a_click(actions=[{"action_id": "open"}]))) == Ignored("block_actions")
    assert parse_request(FORM, form(a_click(actions=[]))) == Ignored("block_actions")


def test_a_button_without_a_version_is_never_stale() -> None:
    action = {**a_click()["actions"][0], "value": json.dumps({"key": str(KEY)})}
    click = parse_request(FORM, form(a_click(actions=[action])))
    assert isinstance(click, Click)
    assert click.version is None


def test_slacks_published_slash_command_is_read() -> None:
    assert parse_request(FORM, PUBLISHED_BODY) == Command(
        team_id="T1DC2JH3J",
        user_id="U2CERLKJA",
        channel_id="G8PSS9T3V",
        text="",
        trigger_id="398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        response_url="https://hooks.slack.com/commands/T1DC2JH3J/397700885554/96rGlfmibIGlgcZRskXaIFfN",
    )


def test_the_address_check_is_answered_with_its_challenge() -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a", "token": "t"}).encode()
    assert parse_request(JSON, body) == Challenge("3eZbrw1a")


@pytest.mark.parametrize(
    ("headers", "body", "what"),
    [
        (JSON, b'{"type": "event_callback", "event": {"type": "reaction_added"}}', "reaction_added"),
        (FORM, form({"type": "view_submission", "view": {"callback_id": "another"}}), "view_submission"),
        (FORM, b"ssl_check=1&token=t", "ssl_check"),
    ],
)
def test_what_is_well_formed_but_not_ours_is_ignored(headers: dict[str, str], body: bytes, what: str) -> None:
    assert parse_request(headers, body) == Ignored(what)


BROKEN = [
    ({}, b"{}", "content-type"),
    ({"content-type": "text/plain"}, b"{}", "content-type"),
    (JSON, b"", "body"),
    (JSON, b"[]", "body"),
    (JSON, b"\xff", "body"),
    (JSON, b"[" * 200_000, "body"),
    (JSON, b'{"challenge": "x"}', "type"),
    (JSON, b'{"type": "url_verification"}', "challenge"),
    (JSON, b'{"type": "' + b"x" * LARGEST_BODY + b'"}', "body"),
    (FORM, b"", "body"),
    (FORM, b"nonsense", "body"),
    (FORM, b"x=%ff", "body"),
    (FORM, b"&".join(b"f%d=1" % n for n in range(60)), "body"),
    (FORM, b"payload={}&payload={}", "body"),
    (FORM, b"payload=junk", "payload"),
    (FORM, b"payload=[]", "payload"),
    (FORM, b"payload={}", "payload.type"),
    (FORM, b"other=1", "body"),
    (FORM, b"command=%2Fallclear&text=status", "team_id"),
]


@pytest.mark.parametrize(("headers", "body", "field"), BROKEN)
def test_what_slack_never_sends_is_refused_naming_the_field(
    headers: dict[str, str], body: bytes, field: str
) -> None:
    with pytest.raises(ParseError) as refusal:
        parse_request(headers, body)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "value",
    [
        "click_me_123",
        "[]",
        "{}",
        json.dumps({"key": "a#b"}),
        json.dumps({"key": "a#b#c#d#e#f"}),
        json.dumps({"key": "a#b#c#d#"}),
        json.dumps({"key": "a#b#c#d#\ud800"}),
        json.dumps({"key": "a#b#c#d#" + "e" * 101}),
        json.dumps({"key": str(KEY), "version": "3"}),
        json.dumps({"key": str(KEY), "version": True}),
        json.dumps({"key": str(KEY), "version": 3.0}),
    ],
)
def test_a_value_our_cards_never_carry_is_refused(value: str) -> None:
    action = {**a_click()["actions"][0], "value": value}
    with pytest.raises(ParseError, match=r"payload\.actions\.value"):
        parse_request(FORM, form(a_click(actions=[action])))


def paths(part: object, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a payload."""
    if isinstance(part, dict):
        inner = [path for name, each in part.items() for path in paths(each, (*at, name))]
    elif isinstance(part, list):
        inner = [path for index, each in enumerate(part) for path in paths(each, (*at, index))]
    else:
        inner = []
    return [at, *inner] if at else inner


class Damage(Enum):
    """What a parameter's test is called after, the same in every process."""

    REMOVED = auto()


REMOVED = Damage.REMOVED


def parsed_or_field(headers: dict[str, str], body: bytes) -> Request | str:
    """What was read, or the name of the field that could not be."""
    try:
        return parse_request(headers, body)
    except ParseError as refusal:
        return refusal.field


@pytest.mark.parametrize("junk", [None, "", [], {}, 7, REMOVED], ids=repr)
@pytest.mark.parametrize("path", paths(a_click()), ids=repr)
def test_a_field_that_is_missing_or_of_another_kind_is_refused_or_does_not_matter(
    path: tuple[Any, ...], junk: object
) -> None:
    payload = a_click()
    target: Any = payload
    for step in path[:-1]:
        target = target[step]
    if junk is REMOVED:
        del target[path[-1]]
    else:
        target[path[-1]] = junk
    request = parsed_or_field(FORM, form(payload))
    whole = parse_request(FORM, form(a_click()))
    refused = isinstance(request, str) and request.startswith("payload")
    assert refused or isinstance(request, Ignored) or request == whole or path[0] in ("response_url", "trigger_id")


@given(st.binary(max_size=200), st.sampled_from([FORM, JSON]))
def test_no_body_raises_anything_else(body: bytes, headers: dict[str, str]) -> None:
    assert parsed_or_field(headers, body)
