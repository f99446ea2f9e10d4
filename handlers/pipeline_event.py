"""EventBridge, and SNS for notification rules: CodePipeline's pipeline, stage and action state changes."""

from collections.abc import Sequence
from typing import Any

from bot.errors import ParseError
from bot.events import PipelineEvent, parse_pipeline_event
from bot.notifications import is_notification, read_notifications
from bot.workflows.pipeline_events import on_pipeline_event
from handlers.composition import app


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Follow what the event hints at. An event that is not CodePipeline's is refused and changes nothing."""
    refused = []
    told: Sequence[PipelineEvent | ParseError]
    try:
        told = read_notifications(event) if is_notification(event) else [parse_pipeline_event(event)]
    except ParseError as wrong:
        told = [wrong]
    for each in told:
        if isinstance(each, ParseError):
            app().logger.error("refused an event: %s", each)
            refused.append(str(each))
        else:
            on_pipeline_event(app().world, each, app().clock())
    return {"refused": "; ".join(refused)} if refused else {}
