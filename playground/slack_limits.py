"""What Slack takes for a message: Block Kit's shapes and limits, as docs.slack.dev states them block by block.

slack_sdk's own `validate_json` catches about half of what Slack refuses, and lets unknown types pass.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from playground.errors import Unsupported

Block = Mapping[str, Any]

# Characters of top-level text. chat.update takes a tenth of what a post takes.
TEXT_LIMITS = {"chat.update": 4_000}
TEXT_LIMIT = 40_000
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
VIEW_BYTES = 250_000
VIEW_TYPES = {"views.open": ("modal",), "views.publish": ("home",)}
VIEW_MEMBERS = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
MODAL_MEMBERS = {"title", "close", "submit", "clear_on_close", "notify_on_close", "submit_disabled"}
NOT_PLAYED = ("call", "file", "plan", "table", "task_card", "video")  # Slack takes them; nothing here draws them
ONLY_IN_MESSAGES = ("call", "file", "markdown", "plan", "table", "task_card")


class SlackError(Exception):
    """Slack's answer is {"ok": false, "error": code}; `messages` say why, as response_metadata does."""

    def __init__(self, code: str, *messages: str) -> None:
        super().__init__(f"{code}: {'; '.join(messages)}" if messages else code)
        self.code = code
        self.messages = messages


def check_message(text: object, blocks: object, method: str) -> None:
    """Raise SlackError (no_text, msg_too_long, invalid_blocks…) unless Slack would take it."""
    if text is not None and not isinstance(text, str):
        raise SlackError("invalid_arguments", "[ERROR] text must be a string")
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text or "") > TEXT_LIMITS.get(method, TEXT_LIMIT):
        raise SlackError("msg_too_long")
    check_blocks(blocks or [], MESSAGE_BLOCKS, in_message=True)


def check_view(view: object, method: str = "") -> None:
    """Raise SlackError (invalid_arguments, invalid_blocks, view_too_large) unless Slack would take the view.

    `method` says which kind it takes: views.open a modal, views.publish an App Home; "" either.
    """
    kind = view.get("type") if isinstance(view, Mapping) else None
    if not isinstance(view, Mapping) or kind not in VIEW_TYPES.get(method, ("modal", "home")):
        raise SlackError("invalid_arguments", f"[ERROR] unsupported type: {kind}")
    if len(json.dumps(view)) > VIEW_BYTES:
        raise SlackError("view_too_large")
    problems = list(_members(view, VIEW_MEMBERS | (MODAL_MEMBERS if kind == "modal" else set())))
    for name, limit in (("private_metadata", 3_000), ("callback_id", 255), ("external_id", 255)):
        problems += _length(view.get(name), name, limit)
    for name in ("title", "close", "submit") if kind == "modal" else ():
        if view.get(name) is not None or name == "title":
            problems += [f"{name} {problem}" for problem in _text(view.get(name), 24, ("plain_text",))]
    blocks = view.get("blocks")
    inputs = [block for block in blocks or () if isinstance(block, Mapping) and block.get("type") == "input"]
    if kind == "modal" and inputs and view.get("submit") is None:
        problems.append("submit is required when an input block is within the blocks")
    if problems:
        raise SlackError("invalid_arguments", *[f"[ERROR] {problem}" for problem in problems])
    check_blocks(blocks, VIEW_BLOCKS, in_message=False)


def check_blocks(blocks: object, at_most: int, *, in_message: bool) -> None:
    """Raise SlackError naming every block that is wrong."""
    if not isinstance(blocks, Sequence) or isinstance(blocks, str):
        raise SlackError("invalid_blocks_format")
    problems = [f"more than {at_most} blocks"] if len(blocks) > at_most else []
    for index, block in enumerate(blocks):
        problems += [f"{problem} [json-pointer:/blocks/{index}]" for problem in _block(block, in_message)]
    block_ids = [block["block_id"] for block in blocks if isinstance(block, Mapping) and block.get("block_id")]
    if len(set(block_ids)) < len(block_ids):
        problems.append("block_id appears twice")
    if problems:
        raise SlackError("invalid_blocks", *[f"[ERROR] {problem}" for problem in problems])


def _block(block: object, in_message: bool) -> Iterator[str]:
    if not isinstance(block, Mapping):
        yield "must be an object"
        return
    kind = block.get("type")
    if kind in ONLY_IN_MESSAGES and not in_message:
        yield f"unsupported type: {kind}"
        return
    if kind in NOT_PLAYED:
        raise Unsupported(f"blocks of type {kind} are not drawn here")
    if kind not in _BLOCKS:
        yield f"unsupported type: {kind}"
        return
    members, check = _BLOCKS[kind]
    yield from _members(block, {"type", "block_id", *members})
    yield from _length(block.get("block_id"), "block_id", 255)
    yield from check(block)


def _section(block: Block) -> Iterator[str]:
    if block.get("text") is None and block.get("fields") is None:
        yield "a section needs text or fields"
    if block.get("text") is not None:
        yield from _text(block["text"], 3_000)
    if block.get("fields") is not None:
        yield from _each(block["fields"], "fields", 10, lambda field: _text(field, 2_000))
    if block.get("accessory") is not None:
        yield from _interactive(block["accessory"], images=True)


def _header(block: Block) -> Iterator[str]:
    yield from _text(block.get("text"), 150, ("plain_text",))


def _divider(_block: Block) -> Iterator[str]:
    yield from ()


def _context(block: Block) -> Iterator[str]:
    def element(given: object) -> Iterator[str]:
        if isinstance(given, Mapping) and given.get("type") == "image":
            return _image_element(given)
        return _text(given, 3_000)

    yield from _each(block.get("elements"), "elements", 10, element)


def _actions(block: Block) -> Iterator[str]:
    elements = block.get("elements")
    yield from _each(elements, "elements", 25, _interactive)
    if isinstance(elements, Sequence):
        ids = [e["action_id"] for e in elements if isinstance(e, Mapping) and e.get("action_id")]
        if len(set(ids)) < len(ids):
            yield "action_id appears twice in the block"


def _image(block: Block) -> Iterator[str]:
    yield from _image_element(block)
    if block.get("title") is not None:
        yield from _text(block["title"], 2_000, ("plain_text",))


def _markdown(block: Block) -> Iterator[str]:
    yield from _length(block.get("text"), "text", 12_000, required=True)


def _input(block: Block) -> Iterator[str]:
    yield from _text(block.get("label"), 2_000, ("plain_text",))
    if block.get("hint") is not None:
        yield from _text(block["hint"], 2_000, ("plain_text",))
    element = block.get("element")
    if not isinstance(element, Mapping) or not element.get("type"):
        yield "an input needs an element"
    elif element["type"] != "plain_text_input":
        raise Unsupported(f"inputs of type {element['type']} are not drawn here")
    else:
        yield from _plain_text_input(element)


def _plain_text_input(element: Block) -> Iterator[str]:
    yield from _members(element, {"type", "action_id", *_INPUT_MEMBERS})
    yield from _length(element.get("action_id"), "action_id", 255)
    if element.get("placeholder") is not None:
        yield from _text(element["placeholder"], 150, ("plain_text",))
    for name, least in (("min_length", 0), ("max_length", 1)):
        value = element.get(name)
        if value is not None and not (isinstance(value, int) and least <= value <= 3_000):
            yield f"{name} must be from {least} to 3000"
    if len(element.get("initial_value") or "") > (element.get("max_length") or 3_000):
        yield "initial_value is longer than max_length"


def _rich_text(block: Block) -> Iterator[str]:
    yield from _each(block.get("elements"), "elements", None, _rich_part)


def _interactive(given: object, images: bool = False) -> Iterator[str]:
    kind = given.get("type") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not kind:
        yield "an element must be an object with a type"
    elif kind == "button":
        yield from _button(given)
    elif kind == "image" and images:
        yield from _image_element(given)
    elif kind in ("plain_text", "mrkdwn", "image"):
        yield f"unsupported element type: {kind}"
    else:
        raise Unsupported(f"elements of type {kind} are not drawn here")


def _button(button: Block) -> Iterator[str]:
    yield from _members(
        button, {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
    )
    yield from _text(button.get("text"), 75, ("plain_text",))
    for name, limit in (("action_id", 255), ("url", 3_000), ("value", 2_000), ("accessibility_label", 75)):
        yield from _length(button.get(name), name, limit)
    if button.get("style") not in (None, "primary", "danger"):
        yield f"style must be primary or danger, not {button['style']}"
    confirm = button.get("confirm")
    if isinstance(confirm, Mapping):
        yield from _members(confirm, {"title", "text", "confirm", "deny", "style"})
        for name, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            yield from (f"confirm {name} {p}" for p in _text(confirm.get(name), limit, ("plain_text",)))
    elif confirm is not None:
        yield "confirm must be an object"


def _image_element(image: Block) -> Iterator[str]:
    if not image.get("slack_file"):
        yield from _length(image.get("image_url"), "image_url", 3_000, required=True)
    yield from _length(image.get("alt_text"), "alt_text", 2_000, required=True)


_INPUT_MEMBERS = {
    "placeholder",
    "initial_value",
    "multiline",
    "min_length",
    "max_length",
    "dispatch_action_config",
    "focus_on_load",
}
_RICH_STYLES = {"bold", "italic", "strike", "code", "underline"}
_RICH_ELEMENTS: dict[str, tuple[str, ...]] = {  # type: what it must have
    "text": ("text",),
    "link": ("url",),
    "emoji": ("name",),
    "user": ("user_id",),
    "usergroup": ("usergroup_id",),
    "channel": ("channel_id",),
    "broadcast": ("range",),
    "date": ("timestamp", "format"),
}


def _rich_part(part: object) -> Iterator[str]:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(part, Mapping) or not isinstance(kind, str):
        yield "a rich_text element must be an object with a type"
    elif kind in ("rich_text_section", "rich_text_quote"):
        yield from _each(part.get("elements"), "elements", None, _rich_element)
    elif kind == "rich_text_preformatted":
        for element in part.get("elements") or ():
            if not isinstance(element, Mapping) or element.get("type") not in ("text", "link"):
                yield "preformatted text has only text and links"
        yield from _each(part.get("elements"), "elements", None, _rich_element)
    elif kind == "rich_text_list":
        if part.get("style") not in ("bullet", "ordered"):
            yield "a list's style is bullet or ordered"
        yield from _each(part.get("elements"), "elements", None, _rich_part)
    else:
        yield f"unsupported rich_text element: {kind}"


def _rich_element(element: object) -> Iterator[str]:
    kind = element.get("type") if isinstance(element, Mapping) else None
    if not isinstance(element, Mapping) or kind not in _RICH_ELEMENTS:
        yield f"unsupported rich_text element: {kind}"
        return
    for name in _RICH_ELEMENTS[kind]:
        if element.get(name) in (None, ""):
            yield f"a rich_text {kind} needs {name}"
    style = element.get("style")
    if style is not None and (not isinstance(style, Mapping) or not set(style) <= _RICH_STYLES):
        yield "unsupported style"


def _text(given: object, limit: int, types: Sequence[str] = ("plain_text", "mrkdwn")) -> Iterator[str]:
    if not isinstance(given, Mapping) or given.get("type") not in types:
        yield f"must be a text object of type {' or '.join(types)}"
        return
    yield from _members(given, {"type", "text", "emoji" if given["type"] == "plain_text" else "verbatim"})
    yield from _length(given.get("text"), "text", limit, required=True)


def _length(value: object, name: str, limit: int, *, required: bool = False) -> Iterator[str]:
    if value is None and not required:
        return
    if not isinstance(value, str):
        yield f"{name} must be a string"
    elif required and not value:
        yield f"{name} must be more than 0 characters"
    elif len(value) > limit:
        yield f"{name} must be less than {limit + 1} characters"


def _members(given: Block, known: set[str]) -> Iterator[str]:
    for name in given:
        if name not in known:
            yield f"invalid additional property: {name}"


def _each(
    elements: object, name: str, at_most: int | None, check: Callable[[object], Iterator[str]]
) -> Iterator[str]:
    if not isinstance(elements, Sequence) or isinstance(elements, str) or not elements:
        yield f"{name} must be a list of at least 1"
        return
    if at_most is not None and len(elements) > at_most:
        yield f"no more than {at_most} items allowed in {name}"
    for element in elements:
        yield from check(element)


_BLOCKS: dict[str, tuple[set[str], Callable[[Block], Iterator[str]]]] = {
    "section": ({"text", "fields", "accessory", "expand"}, _section),
    "header": ({"text"}, _header),
    "divider": (set(), _divider),
    "context": ({"elements"}, _context),
    "actions": ({"elements"}, _actions),
    "image": ({"image_url", "slack_file", "alt_text", "title"}, _image),
    "markdown": ({"text"}, _markdown),
    "input": ({"label", "hint", "element", "optional", "dispatch_action"}, _input),
    "rich_text": ({"elements"}, _rich_text),
}
