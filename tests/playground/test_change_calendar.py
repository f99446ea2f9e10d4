"""The change calendar stand-in, through boto3."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ClientError

from playground.change_calendar import ChangeCalendars
from tests.playground.aws_server import client_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def calendars() -> ChangeCalendars:
    calendars = ChangeCalendars()
    calendars.create("freeze")
    return calendars


@pytest.fixture
def client(calendars: ChangeCalendars) -> Iterator[Any]:
    with client_of("ssm", calendars) as client, time_machine.travel(NOON, tick=False):
        yield client


def state(client: Any, *names: str) -> tuple[str, str | None]:
    answer = client.get_calendar_state(CalendarNames=list(names or ("freeze",)))
    return answer["State"], answer.get("NextTransitionTime")


def test_it_is_open_but_for_its_freezes(calendars: ChangeCalendars, client: Any) -> None:
    assert state(client) == ("OPEN", None)
    calendars.close("freeze", NOON - HOUR, NOON + HOUR)
    assert state(client) == ("CLOSED", "2026-03-02T13:00:00Z")
    calendars.reopen("freeze")
    calendars.close("freeze", NOON + HOUR, NOON + 2 * HOUR)
    assert state(client) == ("OPEN", "2026-03-02T13:00:00Z")


def test_one_closed_calendar_closes_them_all(calendars: ChangeCalendars, client: Any) -> None:
    calendars.create("other")
    calendars.close("freeze", NOON - HOUR, NOON + HOUR)
    assert state(client, "other") == ("OPEN", None)
    arn = "arn:aws:ssm:us-east-1:123456789012:document/freeze"
    assert state(client, "other", arn)[0] == "CLOSED"


@pytest.mark.parametrize(("unreadable", "code"), [(False, "InvalidDocument"), (True, "InternalServerError")])
def test_it_refuses_as_aws_does(calendars: ChangeCalendars, client: Any, unreadable: bool, code: str) -> None:
    calendars.unreadable = unreadable
    with pytest.raises(ClientError) as error:
        state(client, "nobody")
    assert error.value.response["Error"]["Code"] == code
