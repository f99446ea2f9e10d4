"""AWS Systems Manager Change Calendar over boto3: whether changes are allowed now, and when that changes."""

from datetime import UTC, datetime

from bot.adapters.aws import AWS_ERRORS, AwsClients, error_text
from bot.errors import CalendarUnreadable
from bot.ports import CalendarState


class ChangeCalendar:
    """bot.ports.Calendar. A name means a calendar of our own account in `region`; an ARN says where it is."""

    def __init__(self, clients: AwsClients, region: str) -> None:
        self._clients = clients
        self._region = region

    def state(self, calendar: str) -> CalendarState:
        """See bot.ports.Calendar. Whatever the reason it cannot be read for, somebody may have closed it."""
        region = calendar.split(":")[3] if calendar.startswith("arn:") else self._region
        client = self._clients.client("ssm", region)
        try:
            answer = client.get_calendar_state(CalendarNames=[calendar])
        except AWS_ERRORS as error:
            raise CalendarUnreadable(error_text(error)) from error
        return CalendarState(answer.get("State") == "OPEN", _instant(answer.get("NextTransitionTime", "")))


def _instant(told: str) -> datetime | None:
    """AWS's ISO 8601, `2026-12-01T08:00:00Z`; None for what is none: the state alone is known then."""
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
