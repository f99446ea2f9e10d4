"""Where a person is asked, the card says what to do, by the reason."""

from datetime import timedelta
from typing import Any

import pytest

from bot.cards.card import render
from bot.lifecycle.retrying import CHANGED
from bot.model import PipelineTags, Status, Verdict
from bot.policy import Policy
from tests.builders import NOW, a_blocker, a_gate_action, an_action, an_attribution, an_execution
from tests.test_cards import said

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
         "Find out first why it was closed"),
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


def test_where_a_condition_failed_the_stage_a_retry_checks_it_again() -> None:
    message = render(an_execution(actions=(), condition="BEFORE_ENTRY"), POLICY)
    assert "A retry checks the stage's condition again." in said(message)
