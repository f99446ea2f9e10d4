"""How a waiting gate knows when its wait began: by the token that CodePipeline hands back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gate_wait import began_at, token_of
from tests.builders import NOW

instants = st.datetimes(datetime(2026, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(instants, st.timedeltas(timedelta(0), timedelta(hours=24)))
def test_every_job_of_a_wait_knows_the_same_beginning(first_job: datetime, later: timedelta) -> None:
    """Else the second one would begin another wait, on whose card no button of the first is good."""
    since_at = began_at("", first_job)
    assert timedelta(0) <= first_job - since_at < timedelta(seconds=1)
    assert began_at(token_of(since_at), first_job + later) == since_at


@pytest.mark.parametrize(
    "token",
    ["", "since-", "since-x", "since--5", "since-99999999999", token_of(NOW + timedelta(hours=1)),
     token_of(NOW - timedelta(days=3)), " since-1795400400", "since-1795400400\n"],
)  # fmt: skip
def test_a_token_of_no_sense_begins_a_wait_now(token: str) -> None:
    assert began_at(token, NOW) == NOW
