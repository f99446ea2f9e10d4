"""A Slack message as a panel in the terminal: what a person in the channel sees, buttons included."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from playground.errors import Unsupported
from playground.slack_workspace import USERS, Message

_DATE = re.compile(r"<!date\^[0-9]+\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")
_PERSON = re.compile(r"<@([UW][A-Z0-9]+)>")
_GROUP = re.compile(r"<!subteam\^([A-Z0-9]+)>")
_NAMES = {user.user_id: user.name for user in USERS}
_BOLD = re.compile(r"\*([^*\n]+)\*")


def panel(message: Message) -> Panel:
    """The message as it stands. Raises Unsupported for a block this terminal cannot draw."""
    blocks = list(message.blocks)
    title = ""
    if blocks and blocks[0]["type"] == "header":
        title = blocks.pop(0)["text"]["text"]
    return Panel(
        Group(*(drawn for block in blocks for drawn in _draw(block))),
        title=Text(title, style="bold"),
        title_align="left",
        border_style=_colour(title),
        box=box.ROUNDED,
        width=100,
        padding=(0, 1),
    )


def _colour(title: str) -> str:
    word = title.rpartition(":")[2].strip()
    if word.startswith("recovered"):
        return "green"
    return "yellow" if word.startswith(("held", "resum", "retr")) else "red"


def _draw(block: Mapping[str, Any]) -> Iterator[RenderableType]:
    match block["type"]:
        case "section":
            if "text" in block:
                yield mrkdwn(block["text"]["text"])
            if "fields" in block:
                yield _fields([field["text"] for field in block["fields"]])
        case "rich_text":
            yield from (_rich_text(element) for element in block["elements"])
        case "context":
            yield from (mrkdwn(element["text"], "dim") for element in block["elements"])
        case "actions":
            yield Text()
            yield Text("  ").join(_button(element) for element in block["elements"])
        case "divider":
            yield Text("─" * 20, style="dim")
        case other:
            raise Unsupported(f"the terminal draws no {other} block")


def mrkdwn(text: str, style: str = "") -> Text:
    """Slack's markup as a person sees it."""
    plain = _LINK.sub(r"\2", _DATE.sub(r"\1", text))
    plain = _PERSON.sub(lambda person: f"@{_NAMES.get(person[1], person[1])}", _GROUP.sub(r"@\1", plain))
    drawn = Text(style=style)
    position = 0
    for bold in _BOLD.finditer(plain):
        drawn.append(_unescape(plain[position : bold.start()]))
        drawn.append(_unescape(bold[1]), style="bold")
        position = bold.end()
    drawn.append(_unescape(plain[position:]))
    return drawn


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _fields(fields: list[str]) -> Table:
    grid = Table.grid(padding=(0, 3))
    for field in fields:
        label, _, value = field.partition("\n")
        grid.add_row(mrkdwn(label, "dim"), mrkdwn(value))
    return grid


def _rich_text(element: Mapping[str, Any]) -> Text:
    drawn = Text()
    for part in element["elements"]:
        drawn.append(part.get("text", ""), style="bold" if part.get("style", {}).get("bold") else "")
    if element["type"] == "rich_text_preformatted":
        drawn.stylize("italic")
    return drawn


def _button(button: Mapping[str, Any]) -> Text:
    style = {"primary": "bold black on green", "danger": "bold white on red"}.get(
        button.get("style", ""), "black on bright_white"
    )
    return Text(f" {button['text']['text']} ", style=style)
