"""EventBridge: AWS Health events."""

from typing import Any

from bot.errors import ParseError
from bot.events import parse_health_event
from bot.workflows.issue_work import on_report
from handlers.composition import app


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Keep the ledger of issues; begin the all-clear. A malformed event is refused by name and changes nothing."""
    now = app().clock()
    try:
        report = parse_health_event(event, now=now)
    except ParseError as wrong:
        app().logger.error("refused an event: %s", wrong)
        return {"refused": str(wrong)}
    if report is None:
        return {"ignored": "not an issue"}
    on_report(app().world, report, now)
    return {}
