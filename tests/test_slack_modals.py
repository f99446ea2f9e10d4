"""The modal that asks for a reason: who may is asked before it opens, and again when it comes back."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import SlackRefused, TriggerExpired, TryLater
from bot.model import PipelineTags, Status
from bot.policy import Policy
from bot.workflows.slack.clicks import handle_click
from bot.workflows.slack.desk import Desk
from bot.workflows.slack.modals import handle_submission
from playground.slack_limits import check_view
from tests.builders import ISSUE_ARN, KEY, a_blocker, a_gate_action, a_report, an_execution, an_issue
from tests.fakes.chat import ALICE
from tests.slack_desk import BOB, GROUP, GUEST, LATER, POLICY, a_desk, chat_of, keep, pressed, pressed_issue

from tests.slack_desk import store_of, submitted  # isort: skip

STOPPED = an_execution(actions=(a_gate_action(),))


@pytest.fixture
def desk() -> Desk:
    desk = a_desk()
    keep(desk, STOPPED)
    return desk


def click(desk: Desk, **changes: Any) -> str:
    """Click Override…; answers what was said instead of the modal, "" if it opened."""
    handle_click(desk, pressed(**{"action_id": "override", **changes}), LATER)
    return chat_of(desk).answers[-1][1] if chat_of(desk).answers else ""


def submit(desk: Desk, **changes: Any) -> str:
    """Submit; answers what the person sees then."""
    shown = handle_submission(desk, submitted(**changes), LATER)
    if shown["response_action"] == "errors":
        return f"error: {shown['errors']['reason']}"
    check_view(shown["view"], "views.open")
    return str(shown["view"]["blocks"][0]["text"]["text"])


def test_it_names_what_is_overridden_and_asks_why(desk: Desk) -> None:
    assert click(desk) == ""
    [(trigger, view)] = chat_of(desk).views
    assert trigger == "trigger-1"
    text, question = view["blocks"]
    assert "*web* → Deploy (us-east-1, 111122223333) passes the health gate, once" in text["text"]["text"]
    assert "*ECS* in us-east-1" in text["text"]["text"]
    element = question["element"]
    assert (element["type"], element["multiline"], element["max_length"]) == ("plain_text_input", True, 500)
    assert "optional" not in question
    assert json.loads(view["private_metadata"]) == {"key": str(KEY), "version": 1}
    assert store_of(desk).executions[KEY].version == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"user_id": BOB}, f"Only <@{ALICE}> may override."),
        ({"user_id": GUEST}, "Guests may not"),
        ({"user_team_id": "T0OTHER"}, "Only people of the workspace"),
        ({"message_ts": "1.2"}, "does not know this card"),
    ],
)
def test_for_who_may_not_it_does_not_open(desk: Desk, changes: dict[str, Any], said: str) -> None:
    assert said in click(desk, **changes)
    assert chat_of(desk).views == []


def test_on_a_stale_card_it_does_not_open(desk: Desk) -> None:
    store_of(desk).executions[KEY] = replace(STOPPED, version=7, entered_version=6)
    assert "moved on" in click(desk, version=5)
    assert chat_of(desk).views == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TriggerExpired("expired_trigger_id"), "Please click again"),
        (TryLater("ratelimited"), "click again"),
        (SlackRefused("invalid_blocks"), "invalid_blocks"),
    ],
)
def test_when_slack_does_not_open_it_the_person_is_told(desk: Desk, error: Exception, said: str) -> None:
    chat_of(desk).fail("open_view", error)
    assert said in click(desk)


def test_submitted_it_overrides_and_shows_what_came_of_it(desk: Desk) -> None:
    assert submit(desk) == "Done. *web* → Deploy is being resumed."
    assert store_of(desk).given[KEY].reason == "The issue spares us."
    assert store_of(desk).executions[KEY].trail[-1].by == ALICE


def test_submitted_twice_it_overrides_once(desk: Desk) -> None:
    submit(desk)
    version = store_of(desk).executions[KEY].version
    again = submit(desk)
    assert "Nothing was done" in again
    assert "is being resumed" in again
    assert store_of(desk).executions[KEY].version == version


@pytest.mark.parametrize("reason", ["", "  \n ", "\u200b"])
def test_an_empty_reason_is_said_beside_the_input(desk: Desk, reason: str) -> None:
    assert submit(desk, reason=reason).startswith("error: A reason is needed")
    assert store_of(desk).given == {}
    assert submit(desk).startswith("Done")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"user_id": BOB}, "Only <@"),
        ({"user_id": GUEST}, "Guests may not"),
        ({"team_id": "T0OTHER", "user_team_id": "T0OTHER"}, "Only people of the workspace"),
        ({"user_team_id": "T0OTHER"}, "Only people of the workspace"),
        ({"subject": replace(KEY, pipeline="none")}, "does not know this deploy"),
    ],
)
def test_everything_is_checked_again_at_the_submission(desk: Desk, changes: dict[str, Any], said: str) -> None:
    assert said in submit(desk, **changes)
    assert store_of(desk).given == {}
    assert store_of(desk).executions[KEY].version == 1


def test_who_was_taken_off_the_list_meanwhile_is_refused(desk: Desk) -> None:
    assert click(desk) == ""
    assert "Nobody may override" in submit(replace(desk, policy=Policy()))
    execution = store_of(desk).executions[KEY]
    store_of(desk).executions[KEY] = replace(execution, tags=PipelineTags(overriders=(BOB,)))
    assert "tag allclear:overriders" in submit(desk)
    assert store_of(desk).given == {}


def test_a_group_that_cannot_be_read_has_no_members(desk: Desk) -> None:
    of_group = replace(desk, policy=Policy(override_user_group=GROUP))
    chat_of(desk).groups[GROUP] = frozenset({BOB})
    chat_of(desk).fail("group_members", TryLater("ratelimited"))
    assert "took nobody for a member" in submit(of_group, user_id=BOB)
    assert submit(of_group, user_id=BOB).startswith("Done")


def test_a_deploy_that_moved_on_under_the_modal_is_not_overridden(desk: Desk) -> None:
    store_of(desk).executions[KEY] = replace(STOPPED, version=7, entered_version=6)
    assert "moved on" in submit(desk)
    assert store_of(desk).given == {}


def test_what_recovered_under_the_modal_is_said_to_have(desk: Desk) -> None:
    store_of(desk).executions[KEY] = replace(STOPPED, status=Status.RECOVERED)
    assert "has recovered" in submit(desk)


def test_a_busy_table_keeps_what_was_typed(desk: Desk) -> None:
    chat_of(desk).fail("user", TryLater("ratelimited"))
    assert submit(desk).startswith("error: Allclear could not save that")


class TestOfAnIssue:
    @pytest.fixture
    def desk(self) -> Desk:
        desk = a_desk()
        store_of(desk).save_issue(an_issue())
        return desk

    def test_the_button_asks_why_and_the_answer_is_kept(self, desk: Desk) -> None:
        handle_click(desk, pressed_issue(), LATER)
        [(_, view)] = chat_of(desk).views
        assert json.loads(view["private_metadata"]) == {"issue": ISSUE_ARN}
        assert "holds nothing any more" in submit(desk, subject=ISSUE_ARN, version=None)
        assert store_of(desk).issues[ISSUE_ARN].ignored_reason == "The issue spares us."

    def test_off_the_list_it_does_not_open_and_a_submission_does_nothing(self, desk: Desk) -> None:
        handle_click(desk, pressed_issue(user_id=BOB), LATER)
        assert chat_of(desk).views == []
        assert "may override" in submit(desk, subject=ISSUE_ARN, version=None, user_id=BOB)
        assert store_of(desk).issues[ISSUE_ARN].version == 1

    def test_a_button_that_carries_the_reason_asks_nothing(self, desk: Desk) -> None:
        handle_click(desk, pressed_issue(reason="because"), LATER)
        assert store_of(desk).issues[ISSUE_ARN].ignored_reason == "because"
        handle_click(desk, pressed_issue(action_id="unignore", action_ts="2.0"), LATER)
        assert store_of(desk).issues[ISSUE_ARN].open

    def test_the_first_click_sent_again_after_an_undo_ignores_nothing(self, desk: Desk) -> None:
        for changes in ({}, {"action_id": "unignore", "action_ts": "2.0"}, {}):
            handle_click(desk, pressed_issue(**{"reason": "because", **changes}), LATER)
        assert store_of(desk).issues[ISSUE_ARN].open

    def test_an_issue_that_is_unknown_is_said_to_be_that(self, desk: Desk) -> None:
        assert "does not know this issue" in submit(desk, subject="arn:none", version=None)


def test_the_longest_modal_is_within_slacks_limits() -> None:
    """The fake holds views to them."""
    desk = a_desk(replace(POLICY, override_users=(ALICE, *(f"U{number:010d}" for number in range(400)))))
    blockers = tuple(a_blocker(service="&" * 64, issue=f"arn:{number}") for number in range(40))
    keep(desk, replace(STOPPED, blockers=blockers))
    assert click(desk, reason="<!channel>" * 50) == ""
    arn = "arn:aws:health:us-east-1::event/ECS/" + "A" * 1_500
    store_of(desk).save_issue(an_issue(report=a_report(arn=arn, service="&" * 64)))
    handle_click(desk, pressed_issue(issue=arn, trigger_id="2"), LATER)
    assert len(chat_of(desk).views) == 2
    assert submit(desk, user_id=BOB).startswith("Only <@")
