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


def test_a_views_own_limits_are_checked() -> None:
    home = {"type": "home", "blocks": [SECTION] * 100}
    check_view(home)
    for view in (
        home | {"blocks": [SECTION] * 101},
        home | {"private_metadata": "x" * 3_001},
        {"type": "modal", "title": plain("x" * 25), "blocks": []},
        home | {"blocks": [{"type": "markdown", "text": "x"}]},
    ):
        with pytest.raises(SlackError):
            check_view(view)
