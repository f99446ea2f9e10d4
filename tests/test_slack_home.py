"""The App Home: what is blocked, what is open, what recovered, with the cards' own buttons."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import SlackRefused, TryLater
from bot.model import Status
from bot.slack.port import SlackUser
from bot.slack.requests import HomeOpened
from bot.workflows.slack.clicks import handle_click
from bot.workflows.slack.desk import Desk
from bot.workflows.slack.home import open_home
from tests.builders import (
    ISSUE_ARN,
    KEY,
    NOW,
    a_gate_action,
    a_key,
    a_report,
    an_attribution,
    an_execution,
    an_issue,
)
from tests.fakes.chat import ALICE, TEAM
from tests.slack_desk import GUEST, LATER, a_desk, chat_of, keep, pressed, pressed_issue, store_of

STRANGER = "U0STRANGER"


@pytest.fixture
def desk() -> Desk:
    desk = a_desk()
    keep(desk, an_execution(actions=(a_gate_action(),)))
    recovered = an_execution(
        key=a_key(pipeline="shop"), status=Status.RECOVERED, held_at=NOW, released_at=NOW + timedelta(minutes=5)
    )
    keep(desk, recovered, an_execution(key=a_key(pipeline="gone"), status=Status.SUPERSEDED))
    store_of(desk).save_issue(an_issue())
    return desk


def opened(desk: Desk, user: str = ALICE, team: str = TEAM) -> list[dict[str, Any]]:
    """What the person sees."""
    open_home(desk, HomeOpened(team, user), LATER)
    blocks: list[dict[str, Any]] = chat_of(desk).homes.get(user, {"blocks": []})["blocks"]
    return blocks


def actions(blocks: list[dict[str, Any]]) -> list[str]:
    inside = [element for block in blocks for element in block.get("elements", []) if element["type"] == "button"]
    return [button["action_id"] for button in [*inside, *(b["accessory"] for b in blocks if "accessory" in b)]]


def test_it_shows_what_is_held_what_is_open_and_what_recovered(desk: Desk) -> None:
    shown = json.dumps(opened(desk), ensure_ascii=False)
    for text in (
        "*web* → Deploy",
        "held by ECS",
        "*ECS* in us-east-1",
        "holds 1: *web*",
        "*shop*",
        "held for 5 min",
    ):
        assert text in shown
    assert "gone" not in shown


def test_each_deploy_has_the_buttons_of_its_card_and_each_issue_its_own(desk: Desk) -> None:
    assert actions(opened(desk)) == ["retry", "override", "dismiss", "open", "ignore"]


def test_an_empty_home_says_so() -> None:
    shown = json.dumps(opened(a_desk()))
    for text in ("Nothing is held.", "None is open that Allclear has heard of.", "None yet."):
        assert text in shown


def test_a_click_there_acts_and_shows_what_came_of_it(desk: Desk) -> None:
    """No message is compared with: there is none."""
    handle_click(desk, pressed(shown_to_one=True, channel_id="", message_ts="", response_url=""), LATER)
    assert store_of(desk).executions[KEY].status is Status.RESUMING
    blocks = chat_of(desk).homes[ALICE]["blocks"]
    assert blocks[0]["text"]["text"].startswith("Done. *web* → Deploy is being resumed.")
    assert chat_of(desk).answers == []


def test_a_stale_click_there_does_nothing_and_says_why(desk: Desk) -> None:
    opened(desk)
    store_of(desk).executions[KEY] = an_execution(version=8, entered_version=8)
    handle_click(desk, pressed(shown_to_one=True, channel_id="", message_ts="", response_url=""), LATER)
    assert store_of(desk).executions[KEY].version == 8
    assert "moved on" in chat_of(desk).homes[ALICE]["blocks"][0]["text"]["text"]


def test_ignoring_there_changes_the_issues_button(desk: Desk) -> None:
    handle_click(desk, pressed_issue(reason="because"), LATER)
    assert "unignore" in actions(chat_of(desk).homes[ALICE]["blocks"])
    assert store_of(desk).issues[ISSUE_ARN].ignored_by == ALICE


def test_guests_of_this_workspace_may_look_and_nobody_else(desk: Desk) -> None:
    chat_of(desk).users[STRANGER] = SlackUser(STRANGER, "T0OTHER", full_member=False)
    assert opened(desk, GUEST)
    assert not opened(desk, STRANGER)
    assert not opened(desk, ALICE, "T0OTHER")


def test_a_click_of_somebody_from_outside_shows_them_nothing(desk: Desk) -> None:
    chat_of(desk).users[STRANGER] = SlackUser(STRANGER, "T0OTHER", full_member=False)
    in_a_home = pressed(shown_to_one=True, channel_id="", message_ts="", response_url="")
    handle_click(desk, replace(in_a_home, user_id=STRANGER, user_team_id="T0OTHER"), LATER)
    assert chat_of(desk).homes == {}
    assert store_of(desk).executions[KEY].version == 1


@pytest.mark.parametrize("method", ["user", "publish_home"])
@pytest.mark.parametrize("error", [TryLater("ratelimited"), SlackRefused("not_enabled")])
def test_when_slack_does_not_take_it_nothing_is_lost(desk: Desk, method: str, error: Exception) -> None:
    chat_of(desk).fail(method, error)
    assert opened(desk) == []
    assert opened(desk)


def test_a_click_whose_home_cannot_be_shown_is_carried_out_all_the_same(desk: Desk) -> None:
    chat_of(desk).fail("publish_home", TryLater("ratelimited"))
    handle_click(desk, pressed(shown_to_one=True, channel_id="", message_ts="", response_url=""), LATER)
    assert store_of(desk).executions[KEY].status is Status.RESUMING


def test_the_fullest_home_is_within_slacks_limits() -> None:
    """The fake holds views to them."""
    desk = a_desk()
    for number in range(150):
        key = a_key(pipeline=f"{'p' * 96}{number}", stage="s" * 100)
        keep(
            desk, an_execution(key=key, attribution=an_attribution(reason="&" * 2_000), actions=(a_gate_action(),))
        )
        keep(desk, an_execution(key=a_key(pipeline=f"{'q' * 96}{number}"), status=Status.RECOVERED, held_at=NOW))
    for number in range(40):
        arn = f"arn:aws:health:us-east-1::event/ECS/X/{'A' * 1_400}{number}"
        store_of(desk).save_issue(an_issue(report=a_report(arn=arn, service="&" * 60)))
    blocks = opened(desk)
    assert len(blocks) <= 100
    assert "130 more" in json.dumps(blocks)
