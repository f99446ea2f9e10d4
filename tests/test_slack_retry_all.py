"""Retry all, on the card that many deploys share: whose click counts, and where."""

from dataclasses import replace
from typing import Any

import pytest

from bot.bursts import Burst, line_of
from bot.model import Status
from bot.slack.requests import BurstClick
from bot.workflows.slack.clicks import handle_click
from bot.workflows.slack.desk import Desk
from tests.builders import NOW, a_key, an_execution
from tests.fakes.chat import ALICE, TEAM
from tests.slack_desk import BOB, CHANNEL, GUEST, LATER, a_desk, chat_of, keep, store_of

TS = "1795400300.000001"
KEYS = tuple(a_key(pipeline=f"p{number}") for number in range(3))


@pytest.fixture
def desk() -> Desk:
    """Three held deploys on one card."""
    desk = a_desk()
    store_of(desk).save_burst(Burst("b-1", revision=1, channel=CHANNEL, opened_at=NOW, ts=TS))
    for key in KEYS:
        execution = an_execution(key=key)
        keep(desk, execution)
        store_of(desk).save_line("b-1", line_of(execution), NOW)
    return desk


def click(desk: Desk, **changes: Any) -> str:
    """Click; answers what the person was told."""
    press = BurstClick(
        team_id=TEAM,
        user_id=ALICE,
        user_team_id=TEAM,
        action_id="retry_all",
        action_ts="1795400500.000100",
        channel_id=CHANNEL,
        message_ts=TS,
        response_url="https://hooks.slack.com/actions/T/1/x",
        burst="b-1",
    )
    handle_click(desk, replace(press, **changes), LATER)
    return chat_of(desk).answers[-1][1]


def test_everything_that_waits_is_retried_in_the_name_of_who_clicked(desk: Desk) -> None:
    assert click(desk, user_id=BOB) == "Done. 3 deploys are being retried."
    for execution in store_of(desk).executions.values():
        assert (execution.status, execution.trail[-1].by) == (Status.RESUMING, BOB)


def test_the_same_click_twice_retries_once(desk: Desk) -> None:
    click(desk)
    before = dict(store_of(desk).executions)
    click(desk)
    assert store_of(desk).executions == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"user_id": GUEST}, "Guests may not"),
        ({"user_team_id": "T0OTHER"}, "Only people of the workspace"),
        ({"burst": "another"}, "does not know this card"),
        ({"message_ts": "1.2"}, "does not know this card"),
        ({"channel_id": "C0OTHER"}, "does not know this card"),
    ],
)
def test_another_person_or_another_message_retries_nothing(desk: Desk, changes: dict[str, Any], said: str) -> None:
    assert said in click(desk, **changes)
    assert {execution.version for execution in store_of(desk).executions.values()} == {1}


def test_a_card_that_was_never_posted_takes_no_clicks(desk: Desk) -> None:
    burst = store_of(desk).bursts["b-1"]
    store_of(desk).bursts["b-1"] = replace(burst, ts="")
    assert "does not know this card" in click(desk, message_ts="")
