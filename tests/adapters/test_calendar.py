"""Change Calendar over a real HTTP server: what its answers mean, and that no doubt opens it."""

from datetime import UTC, datetime

import pytest

from bot.adapters.aws import AwsClients
from bot.adapters.calendar import ChangeCalendar
from bot.errors import CalendarUnreadable
from bot.ports import CalendarState
from tests.adapters.local_aws import Broken, LocalAws, Refusal

ELSEWHERE = "arn:aws:ssm:eu-west-1:999999999999:document/freeze"


@pytest.fixture
def calendar(aws: LocalAws) -> ChangeCalendar:  # noqa: ARG001 - the environment must be set
    return ChangeCalendar(AwsClients(read_timeout=0.2), "us-east-1")


def test_it_says_whether_changes_are_allowed_and_until_when(aws: LocalAws, calendar: ChangeCalendar) -> None:
    aws.answer(
        "GetCalendarState",
        {"State": "CLOSED", "AtTime": "2026-11-23T02:20:00Z", "NextTransitionTime": "2026-11-23T05:00:00Z"},
        {"State": "OPEN", "AtTime": "2026-11-23T05:00:00Z"},
    )
    assert calendar.state("freeze") == CalendarState(False, datetime(2026, 11, 23, 5, tzinfo=UTC))
    assert calendar.state("freeze") == CalendarState(True)
    assert aws.inputs("GetCalendarState") == [{"CalendarNames": ["freeze"]}] * 2


def test_an_arn_is_asked_for_in_its_own_region(aws: LocalAws, calendar: ChangeCalendar) -> None:
    aws.answer("GetCalendarState", {"State": "OPEN"})
    calendar.state("freeze")
    calendar.state(ELSEWHERE)
    assert aws.signed_for == ["us-east-1", "eu-west-1"]


@pytest.mark.parametrize("told", ["", "soon", "2026-11-23T05:00"])
def test_a_time_that_makes_no_sense_is_not_known(aws: LocalAws, calendar: ChangeCalendar, told: str) -> None:
    """Without a zone it is UTC, as everywhere in AWS."""
    aws.answer("GetCalendarState", {"State": "CLOSED", "NextTransitionTime": told})
    expected = datetime(2026, 11, 23, 5, tzinfo=UTC) if told.startswith("2026") else None
    assert calendar.state("freeze") == CalendarState(False, expected)


def test_a_state_nobody_documents_is_not_open(aws: LocalAws, calendar: ChangeCalendar) -> None:
    aws.answer("GetCalendarState", {"State": "AJAR"})
    assert calendar.state("freeze") == CalendarState(False)


@pytest.mark.parametrize(
    "trouble",
    [
        Refusal("AccessDeniedException"),
        Refusal("InvalidDocument"),
        Refusal("UnsupportedCalendarException"),
        Refusal("ThrottlingException"),
        Refusal("InternalServerError", status=500),
        Broken.DROPPED,
        Broken.SILENT,
    ],
    ids=str,
)
def test_whatever_it_cannot_be_read_for_is_said(
    aws: LocalAws, calendar: ChangeCalendar, trouble: Refusal | Broken
) -> None:
    aws.answer("GetCalendarState", trouble)
    with pytest.raises(CalendarUnreadable) as error:
        calendar.state("freeze")
    assert str(error.value).startswith(trouble.code if isinstance(trouble, Refusal) else "")
    assert str(error.value)
