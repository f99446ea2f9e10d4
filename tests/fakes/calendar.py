"""Change calendars in memory: open, unless a test closes them."""

from datetime import datetime

from bot.errors import CalendarUnreadable
from bot.ports import CalendarState


class FakeCalendar:
    """Implements bot.ports.Calendar. `closed` has the calendars that are closed, and until when."""

    def __init__(self) -> None:
        self.closed: dict[str, datetime | None] = {}
        self.error: CalendarUnreadable | None = None
        self.asked: list[str] = []

    def state(self, calendar: str) -> CalendarState:
        self.asked.append(calendar)
        if self.error is not None:
            raise self.error
        return CalendarState(calendar not in self.closed, self.closed.get(calendar))
