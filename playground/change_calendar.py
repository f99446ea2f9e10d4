"""A stand-in for AWS Systems Manager Change Calendar: calendars that are open, but for the freezes put into them.

Shape: Systems Manager API reference, GetCalendarState.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from playground.errors import Unsupported
from playground.wire import AwsError

Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Freeze:
    from_at: datetime
    until_at: datetime


class ChangeCalendars:
    """Every calendar of the account, by name; an ARN's last part is the name, wherever it points."""

    def __init__(self) -> None:
        self.unreadable = False
        """True: the API answers an InternalServerError."""
        self._lock = RLock()
        self._freezes: dict[str, list[_Freeze]] = {}

    def create(self, name: str) -> None:
        """A calendar that is open by default."""
        with self._lock:
            self._freezes.setdefault(name, [])

    def close(self, name: str, from_at: datetime, until_at: datetime) -> None:
        """Put an event into the calendar: closed from one instant to another."""
        with self._lock:
            self._freezes.setdefault(name, []).append(_Freeze(from_at, until_at))

    def reopen(self, name: str) -> None:
        """Take every event out."""
        with self._lock:
            self._freezes[name] = []

    def get_calendar_state(self, params: Params, *, region: str, account: str) -> Params:  # noqa: ARG002 - as all
        """CLOSED if one of those named is; the next transition is the earliest of any of them."""
        if params.get("AtTime"):
            raise Unsupported("GetCalendarState answers for the present alone here")
        if self.unreadable:
            raise AwsError("InternalServerError", "An error occurred on the server side.", 500)
        now = datetime.now(UTC)
        names = [str(name).rpartition("/")[2] for name in params["CalendarNames"]]
        with self._lock:
            if any(name not in self._freezes for name in names):
                raise AwsError("InvalidDocument", "The specified SSM document doesn't exist.")
            freezes = [freeze for name in names for freeze in self._freezes[name]]
        closed = any(freeze.from_at <= now < freeze.until_at for freeze in freezes)
        edges = [at for freeze in freezes for at in (freeze.from_at, freeze.until_at) if at > now]
        answer = {"State": "CLOSED" if closed else "OPEN", "AtTime": _iso(now)}
        return answer | ({"NextTransitionTime": _iso(min(edges))} if edges else {})


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
