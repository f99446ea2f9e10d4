"""DynamoDB stream: executions whose card may have to change."""

from typing import Any

from bot.model import ExecutionKey
from bot.workflows.notify import show
from handlers.composition import app
from handlers.stream_records import Context, each_execution


def handler(event: dict[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Bring each card up to the state as it is saved now."""

    def act(key: ExecutionKey) -> None:
        show(key, app().store, app().chat, app().policy, app().clock())

    return each_execution(event, context, app().logger, act)
