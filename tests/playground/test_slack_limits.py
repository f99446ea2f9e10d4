"""What Slack takes for a message or a view, and what it refuses."""

from typing import Any

import pytest

from playground.slack_limits import SlackError, check_message, check_view


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(action_id: str = "retry", **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain("Retry"), "value": "v", **more}


def actions(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(buttons)}


SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Held*", "verbatim": True}}
CONFIRM = {"title": plain("Sure?"), "text": plain("It may fail"), "confirm": plain("Yes"), "deny": plain("No")}


@pytest.mark.parametrize(
    "blocks",
    [
        [SECTION],
        [{"type": "header", "text": plain("x" * 150)}, {"type": "divider"}],
        [{"type": "section", "fields": [plain("x" * 2_000)] * 10}],
        [{"type": "context", "elements": [plain("x")] * 10}],
        [actions(*(button(str(n), confirm=CONFIRM, style="danger") for n in range(25)))],
        [{"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [
            {"type": "text", "text": "error"}]}]}],
        [SECTION] * 50,
    ],
)  # fmt: skip
def test_what_is_within_the_limits_is_taken(blocks: list[dict[str, Any]]) -> None:
    check_message("text", blocks, "chat.postMessage")


@pytest.mark.parametrize(
    "block",
    [
        {"type": "alert", "text": plain("x")},
        {"type": "section"},
        {"type": "section", "text": plain("")},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}},
        {"type": "section", "text": {"type": "plain_text", "text": "x", "verbatim": True}},
        {"type": "section", "fields": [plain("x")] * 11},
        {"type": "section", "fields": [plain("x" * 2_001)]},
        {"type": "section", "text": plain("x"), "colour": "red"},
        {"type": "section", "text": plain("x"), "block_id": "x" * 256},
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "header", "text": plain("x" * 151)},
        {"type": "context", "elements": [plain("x")] * 11},
        {"type": "context", "elements": [button()]},
        actions(),
        actions(button(), button()),
        actions(*(button(str(n)) for n in range(26))),
        actions(button(value="x" * 2_001)),
        actions(button("x" * 256)),
        actions(button(text=plain("x" * 76))),
        actions(button(style="warning")),
        actions(button(confirm=CONFIRM | {"title": plain("x" * 101)})),
        actions(button(confirm=CONFIRM | {"text": plain("x" * 301)})),
        actions(button(confirm={"title": plain("x")})),
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text"}]}]},
        {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [
            {"type": "user", "user_id": "U0ALICE"}]}]},
        "a string",
    ],
)  # fmt: skip
def test_what_is_beyond_them_is_refused(block: Any) -> None:
    with pytest.raises(SlackError) as refusal:
        check_message("text", [block], "chat.postMessage")
    assert refusal.value.code == "invalid_blocks"


def test_the_number_of_blocks_and_their_ids_are_checked() -> None:
    for blocks in ([SECTION] * 51, [SECTION | {"block_id": "same"}] * 2):
        with pytest.raises(SlackError, match="invalid_blocks"):
            check_message("text", blocks, "chat.postMessage")
    with pytest.raises(SlackError, match="invalid_blocks_format"):
        check_message("text", "[]", "chat.postMessage")


def a_modal(**changes: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("x" * 24), "blocks": [SECTION], **changes}


def an_input(**changes: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 500, **changes}
    return {"type": "input", "label": plain("Why"), "element": element}


HOME = {"type": "home", "blocks": [SECTION]}


@pytest.mark.parametrize(
    ("method", "view"),
    [
        ("views.publish", HOME | {"blocks": [SECTION] * 100, "private_metadata": "x" * 3_000}),
        ("views.open", a_modal(blocks=[SECTION] * 100, close=plain("x" * 24), callback_id="x" * 255)),
        ("views.open", a_modal(blocks=[an_input(placeholder=plain("x" * 150))], submit=plain("x" * 24))),
    ],
)
def test_a_view_within_its_limits_is_taken(method: str, view: dict[str, Any]) -> None:
    check_view(view, method)
    check_view(view)


@pytest.mark.parametrize(
    ("method", "view"),
    [
        ("views.open", HOME),
        ("views.publish", a_modal()),
        ("views.open", {"type": "message", "blocks": []}),
        ("views.open", "a string"),
        ("views.open", a_modal(title=plain("x" * 25))),
        ("views.open", a_modal(title=None)),
        ("views.open", a_modal(title={"type": "mrkdwn", "text": "x"})),
        ("views.open", a_modal(submit=plain("x" * 25))),
        ("views.open", a_modal(close=plain("x" * 25))),
        ("views.open", a_modal(blocks=[an_input()])),
        ("views.open", a_modal(private_metadata="x" * 3_001)),
        ("views.open", a_modal(callback_id="x" * 256)),
        ("views.open", a_modal(colour="red")),
        ("views.publish", HOME | {"title": plain("x")}),
        ("views.publish", HOME | {"private_metadata": "x" * 3_001}),
    ],
)
def test_a_view_that_is_not_of_its_kind_is_refused(method: str, view: Any) -> None:
    with pytest.raises(SlackError) as refusal:
        check_view(view, method)
    assert refusal.value.code == "invalid_arguments"


@pytest.mark.parametrize(
    "blocks",
    [
        [SECTION] * 101,
        [{"type": "markdown", "text": "x"}],
        [{"type": "table", "rows": []}],
        [{"type": "plan", "title": "x"}],
        [{"type": "alert", "text": plain("x")}],
    ],
)
def test_what_no_home_shows_is_refused(blocks: list[dict[str, Any]]) -> None:
    with pytest.raises(SlackError) as refusal:
        check_view(HOME | {"blocks": blocks}, "views.publish")
    assert refusal.value.code == "invalid_blocks"


@pytest.mark.parametrize(
    "changes",
    [
        {"action_id": "x" * 256},
        {"placeholder": plain("x" * 151)},
        {"max_length": 3_001},
        {"max_length": 0},
        {"min_length": -1},
        {"initial_value": "x" * 501},
        {"colour": "red"},
    ],
)
def test_an_inputs_own_limits_are_checked(changes: dict[str, Any]) -> None:
    with pytest.raises(SlackError) as refusal:
        check_view(a_modal(blocks=[an_input(**changes)], submit=plain("Send")), "views.open")
    assert refusal.value.code == "invalid_blocks"


def test_a_view_has_a_size() -> None:
    huge = a_modal(blocks=[{"type": "section", "text": plain("x" * 3_000)}] * 90)
    with pytest.raises(SlackError, match="view_too_large"):
        check_view(huge, "views.open")
