"""Who may override what, for how long, and what the person and the pipeline are told of it."""

from datetime import timedelta
from typing import Any

import pytest

from bot.gate import MESSAGE_LIMIT, GateAnswer, pass_by_override, stop_all_the_same
from bot.model import RULE, PipelineTags
from bot.overrides import can_be_overridden, in_force, may_override, what_stopped, who_may_override
from bot.policy import Policy
from tests.builders import NOW, a_gate_action, an_action, an_execution, an_override

CAROL, DAVE, EVE = "U0CAROL", "U0DAVE", "U0EVE"
GROUP = "S0ONCALL"
NOBODY = frozenset[str]()


def tags(*overriders: str) -> PipelineTags:
    return PipelineTags(overriders=overriders)


@pytest.mark.parametrize(
    ("who", "settings", "members", "named", "may"),
    [
        (CAROL, {}, {CAROL}, (), False),
        (CAROL, {}, {CAROL}, (CAROL,), False),
        (CAROL, {"override_users": (CAROL,)}, NOBODY, (), True),
        (DAVE, {"override_users": (CAROL,)}, NOBODY, (), False),
        (DAVE, {"override_users": (CAROL,)}, {DAVE}, (), False),
        (DAVE, {"override_user_group": GROUP}, {DAVE}, (), True),
        (EVE, {"override_user_group": GROUP}, {DAVE}, (), False),
        (DAVE, {"override_user_group": GROUP, "override_users": (CAROL,)}, {DAVE}, (CAROL,), False),
        (CAROL, {"override_user_group": GROUP, "override_users": (CAROL,)}, {DAVE}, (CAROL,), True),
        (EVE, {"override_users": (CAROL,)}, NOBODY, (EVE,), False),
        (CAROL, {"override_users": (CAROL,)}, NOBODY, ("@carol",), False),
    ],
)
def test_the_stack_says_who_and_the_tag_only_narrows(
    who: str, settings: dict[str, Any], members: frozenset[str], named: tuple[str, ...], may: bool
) -> None:
    assert may_override(who, Policy(**settings), tags(*named), frozenset(members)) is may


def test_the_sentence_names_whoever_may() -> None:
    assert who_may_override(Policy(), tags(CAROL)).startswith("Nobody may override here")
    stack = Policy(override_user_group=GROUP, override_users=(CAROL,))
    assert who_may_override(stack, tags()) == "Only <!subteam^S0ONCALL>, <@U0CAROL> may override."
    assert "Only <@U0DAVE> may override this pipeline" in who_may_override(stack, tags(DAVE))


def test_only_a_gate_or_a_condition_can_be_overridden() -> None:
    assert not can_be_overridden(an_execution())
    gate, rule = an_execution(actions=(a_gate_action(),)), an_action(category=RULE)
    assert can_be_overridden(gate)
    condition = an_execution(actions=(rule,), condition="ON_SUCCESS")
    assert can_be_overridden(condition)
    assert [what_stopped(each) for each in (gate, condition)] == [
        "the health gate",
        "the stage's success condition",
    ]


def test_it_is_in_force_for_its_stage_until_its_end_and_not_at_it() -> None:
    given = an_override()
    assert in_force(given, "Deploy", given.expires_at - timedelta(microseconds=1))
    assert not in_force(given, "Deploy", given.expires_at)
    assert not in_force(given, "HealthGate", NOW)


STOP = GateAnswer(
    False, "Allclear health gate: an issue is open", "A_1", stopped_by="Open: ECS in us-east-1 (A_1)."
)


def test_the_jobs_summary_names_who_until_when_why_and_past_what() -> None:
    answer = pass_by_override(STOP, an_override())
    assert answer.passes
    assert answer.message == (
        "Overridden by U0CAROL until 03:20 UTC: the fix is in this deploy. Open: ECS in us-east-1 (A_1)."
    )
    assert "deploy. Open" in pass_by_override(STOP, an_override(reason="the fix is in this deploy.")).message


def test_an_override_that_does_not_count_is_told_whatever_has_to_be_cut() -> None:
    """The stop stays what it was for Allclear, which knows it by its beginning and its names."""
    long = GateAnswer(False, STOP.message + "x" * 6_000, "A_1")
    answer = stop_all_the_same(long, "it could not be read (busy).")
    assert (answer.passes, answer.external_execution_id, len(answer.message)) == (False, "A_1", MESSAGE_LIMIT)
    assert answer.message.startswith(STOP.message)
    assert answer.message.endswith(" An override was not counted: it could not be read (busy).")
