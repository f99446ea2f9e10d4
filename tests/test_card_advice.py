"""Where a person is asked, the card says what to do, by the reason."""

from datetime import timedelta
from typing import Any

import pytest

from bot.cards.card import render
from bot.lifecycle.retrying import CHANGED
from bot.model import RULE, FailedAction, PipelineTags, Status, Verdict
from bot.policy import Policy
from tests.builders import NOW, a_blocker, a_gate_action, an_action, an_attribution, an_execution
from tests.shown_cards import buttons, said

POLICY = Policy(slack_channel="C0DEPLOYS", on_call_mention="U0CAROL")
OWN = an_attribution(verdict=Verdict.OWN, reason="Not AWS's doing: DeployStack failed.", blockers=())
UNEXPLAINED = an_attribution(verdict=Verdict.UNEXPLAINED, reason="No AWS Health issue explains it.", blockers=())
SPENT = {"automatic_retries": 3, "note": "The budget of 3 automatic retries is spent."}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"attribution": UNEXPLAINED}, "If it is yours, fix it and push."),
        ({"attribution": OWN, "actions": (an_action(error_code="PermissionError"),)}, "Grant what it asks for"),
        ({"attribution": OWN, "actions": (an_action(error_code="ConfigurationError"),)}, "release it anew"),
        ({"attribution": OWN, "actions": (an_action(category="Approval", provider="Manual"),)},
         "asks for the approval again"),
        ({"attribution": OWN, "actions": (an_action(category="Build"),)}, "fix it and push. If it was a fluke"),
        ({**SPENT, "blockers": (a_blocker(),)}, "Better wait until AWS closes it"),
        (SPENT, "a click costs no budget"),
        ({"held_at": NOW - timedelta(hours=24), "note": "It has waited for 24 hours, too long to resume unasked."},
         "Make sure that this change should still go out"),
        ({"note": "The transition into Deploy is disabled: frozen. Enable it, then retry."},
         "Find out first why it was disabled"),
        ({"note": "CodePipeline refused the retry: ValidationException"}, "look why"),
        ({"note": f"CodePipeline refused the retry: {CHANGED}"}, "release the change anew"),
        ({"note": "CodePipeline accepted a retry, but the stage still shows the same failure."},
         "look whether the stage runs"),
        ({"tags": PipelineTags(auto_retry=False), "note": "Automatic retries are off for this pipeline."},
         "What held it is over"),
        ({"blockers": (a_blocker(),)}, "Waiting costs nothing"),
    ],
)  # fmt: skip
def test_a_person_is_told_what_to_do(changes: dict[str, Any], told: str) -> None:
    message = render(an_execution(status=Status.NEEDS_HUMAN, **changes), POLICY)
    for text in (said(message), message.text):
        assert text.count("*What to do:*") == 1
        assert told in text
        assert "On call: <@U0CAROL>." in text


def test_behind_a_gate_a_person_is_told_that_it_checks_again() -> None:
    message = render(an_execution(status=Status.NEEDS_HUMAN, actions=(a_gate_action(),), **SPENT), POLICY)
    assert "The health gate checks again on a retry." in said(message)


def test_a_gate_that_is_a_condition_is_asked_again_by_a_retry() -> None:
    gate = a_gate_action(category=RULE, provider="")
    message = render(an_execution(status=Status.NEEDS_HUMAN, actions=(gate,), condition="BEFORE_ENTRY"), POLICY)
    assert "The health gate checks again on a retry." in said(message)
    assert list(buttons(message))[:2] == ["retry", "override"]


@pytest.mark.parametrize(
    ("actions", "named"),
    [
        ((an_action(name="ErrorAlarm", category=RULE, provider=""),), "what the rule ErrorAlarm says."),
        ((a_gate_action(category=RULE, provider="", beside=("Window",)),), "what the rule Window says."),
        ((), "it."),
    ],
    ids=["another rule", "another rule beside the gate", "no rule is told"],
)
def test_where_another_condition_stopped_the_stage_there_is_no_retry_and_the_card_says_why(
    actions: tuple[FailedAction, ...], named: str
) -> None:
    for status in (Status.BLOCKED, Status.NEEDS_HUMAN):
        message = render(an_execution(status=status, actions=actions, condition="BEFORE_ENTRY"), POLICY)
        why = f"no retry for a stage that a condition stopped, and only an override may pass {named}"
        assert why in said(message)
        assert list(buttons(message))[:2] == ["override", "dismiss"]
        assert "Retry now" not in said(message)
        assert "by itself" not in said(message)
