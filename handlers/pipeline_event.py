"""EventBridge: CodePipeline's pipeline, stage and action state changes."""

from typing import Any

from bot.errors import ParseError
from bot.events import parse_pipeline_event
from bot.workflows.pipeline_events import on_pipeline_event
from handlers.composition import app


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Follow what the event hints at. An event that is not CodePipeline's is refused and changes nothing."""
    try:
        parsed = parse_pipeline_event(event)
    except ParseError as wrong:
        app().logger.error("refused an event: %s", wrong)
        return {"refused": str(wrong)}
    on_pipeline_event(app().world, parsed, app().clock())
    return {}
