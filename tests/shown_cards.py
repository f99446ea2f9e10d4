"""What people see of a card: its texts and its buttons, as Slack would show them."""

from collections.abc import Iterator
from typing import Any

from bot.cards.card import render
from bot.model import Execution
from bot.policy import Policy
from bot.slack.port import Message
from playground.slack_limits import check_message


def texts(part: object) -> Iterator[str]:
    """Every string a person may see (button values and metadata are not shown)."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        yield from (text for name, each in part.items() if name not in ("value", "url") for text in texts(each))
    elif isinstance(part, list | tuple):
        yield from (text for each in part for text in texts(each))


def buttons(message: Message) -> dict[str, dict[str, Any]]:
    """By action_id, in their order."""
    return {
        element["action_id"]: element
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    }


def said(message: Message) -> str:
    return "\n".join(texts(message.blocks))


def a_card(execution: Execution, policy: Policy) -> Message:
    """The deploy's card, which Slack would take."""
    message = render(execution, policy)
    check_message(message.text, list(message.blocks), "chat.postMessage")
    return message
