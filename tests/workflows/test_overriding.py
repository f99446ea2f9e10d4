"""Overriding: who may, what is written, and what a double, late or lost click leads to."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SlackRefused, TryLater, VersionConflict
from bot.lifecycle import Dismissed, RetryRequested, StagePassed, advance
from bot.model import PipelineTags, RetryPlan, Status
from bot.overrides import OVERRIDE_LASTS, REASON_LIMIT
from bot.workflows.people import SAVE_ATTEMPTS, Came
from bot.workflows.world import apply
from tests.builders import KEY, a_gate_action, a_key
from tests.workflows.harness import an_ecs_deploy
from tests.workflows.meddling import MeddledStore, PowerFailure, power_fails
from tests.workflows.overriding_play import CAROL, DAVE, EVE, GROUP, REASON, Overrides


def test_the_record_and_the_owed_retry_are_written_at_once() -> None:
    told = Overrides()
    result = told.say()
    assert (result.came, result.execution) == (Came.DONE, told.night.execution())
    assert result.text == "Done. *web* → Deploy is being resumed."
    (given_override,) = told.night.store.given.values()
    now = told.night.now
    assert (given_override.key, given_override.by, given_override.reason) == (KEY, CAROL, REASON)
    assert (given_override.created_at, given_override.expires_at) == (now, now + OVERRIDE_LASTS)
    assert told.night.execution().retry == RetryPlan(CAROL, now, now, override=True)
    assert told.night.execution().trail[-1].by == CAROL
    assert told.night.lines()[-1] == f"overrode the health gate: {REASON}"


def test_the_retry_is_made_once_and_while_the_issue_is_open() -> None:
    told = Overrides()
    told.say()
    told.night.deliver()
    assert (told.night.accepted(), told.night.status()) == (1, Status.RETRYING)
    assert told.night.execution().automatic_retries == 0


@pytest.mark.parametrize("reason", ["", "  \n\t ", "\u200b\u202e"])
def test_without_a_reason_nothing_is_done(reason: str) -> None:
    told = Overrides()
    result = told.say(reason=reason)
    assert (result.came, told.changed_nothing()) == (Came.REFUSED, True)
    assert "needs a reason" in result.text


def test_a_reason_is_kept_on_one_line_and_to_its_limit() -> None:
    told = Overrides()
    told.say(reason="hot\u202e fix\n" + "x" * 2_000)
    (given_override,) = told.night.store.given.values()
    assert len(given_override.reason) == REASON_LIMIT
    assert given_override.reason.startswith("hot fix xxx")


def test_somebody_off_the_list_is_refused_and_told_who_may() -> None:
    told = Overrides()
    result = told.say(by=EVE)
    assert (result.came, told.changed_nothing()) == (Came.REFUSED, True)
    assert result.text == "Only <@U0CAROL> may override. Nothing was done."


def test_where_the_stack_names_nobody_nobody_may() -> None:
    told = Overrides(override_users=())
    assert told.say().came is Came.REFUSED
    assert told.changed_nothing()


def test_a_member_of_the_group_may_and_the_group_is_asked_only_where_it_matters() -> None:
    told = Overrides(override_user_group=GROUP)
    assert told.say(by=EVE).came is Came.REFUSED
    assert told.say(by=DAVE).came is Came.DONE
    assert told.chat.asked_groups == [GROUP, GROUP]
    named = Overrides(override_user_group=GROUP)
    assert named.say(by=CAROL).came is Came.DONE
    assert named.chat.asked_groups == []


@pytest.mark.parametrize("problem", [TryLater("ratelimited"), SlackRefused("missing_scope")])
def test_a_group_that_cannot_be_read_lets_only_the_named_people_override(problem: Exception) -> None:
    told = Overrides(override_user_group=GROUP)
    told.chat.fail("group_members", problem)
    told.chat.fail("group_members", problem)
    refused = told.say(by=DAVE)
    assert (refused.came, told.changed_nothing()) == (Came.REFUSED, True)
    assert "could not read who is in the group" in refused.text
    assert told.say(by=CAROL).came is Came.DONE


def test_the_pipelines_tag_narrows_the_stacks_list() -> None:
    told = Overrides(tags=PipelineTags(overriders=(DAVE,)), override_users=(CAROL, DAVE))
    refused = told.say(by=CAROL)
    assert (refused.came, told.changed_nothing()) == (Came.REFUSED, True)
    assert "Only <@U0DAVE> may override this pipeline" in refused.text
    assert told.say(by=DAVE).came is Came.DONE


def test_a_failed_action_cannot_be_overridden() -> None:
    told = Overrides(an_ecs_deploy())
    result = told.say()
    assert (result.came, told.changed_nothing()) == (Came.REFUSED, True)
    assert "Only a health gate or a stage condition can be overridden" in result.text


def test_what_is_not_known_cannot_be_overridden() -> None:
    told = Overrides()
    assert told.say(key=a_key(stage="Build")).came is Came.UNKNOWN
    assert told.changed_nothing()


@pytest.mark.parametrize("end", [StagePassed(), Dismissed(EVE)])
def test_what_has_ended_is_told_as_it_stands(end: Any) -> None:
    told = Overrides()
    ended = apply(told.night.world, KEY, end, told.night.now)
    result = told.say()
    assert (result.came, result.execution, told.night.store.given) == (Came.IMPOSSIBLE, ended, {})
    assert result.text.startswith("That is not possible now, so nothing was done. *web* → Deploy ")


def test_the_same_click_twice_is_carried_out_once() -> None:
    told = Overrides()
    first = told.say()
    again = told.say(by=CAROL, reason="another text of the same request")
    assert (again.came, told.night.execution()) == (Came.DUPLICATE, first.execution)
    (given_override,) = told.night.store.given.values()
    assert given_override.reason == REASON


def test_a_second_override_of_the_stage_replaces_the_first() -> None:
    told = Overrides()
    told.say()
    told.night.now += timedelta(minutes=30)
    told.say(reason="it takes longer", marker="click-2")
    (given_override,) = told.night.store.given.values()
    assert (given_override.reason, given_override.created_at) == ("it takes longer", told.night.now)


def test_a_stale_dialog_does_nothing() -> None:
    """The stage failed again while the person wrote the reason."""
    told = Overrides()
    shown = told.night.execution().version
    told.night.stage_fails(KEY, a_gate_action())
    result = told.say(shown_version=shown)
    assert (result.came, told.night.store.given) == (Came.IMPOSSIBLE, {})
    assert "has moved on" in result.text
    assert told.say(shown_version=told.night.execution().version).came is Came.DONE


def test_a_retry_that_runs_will_find_the_override_at_the_gate() -> None:
    told = Overrides()
    told.night.click_retry()
    told.night.deliver()
    assert told.night.status() is Status.RETRYING
    assert told.say().came is Came.DONE
    assert told.night.status() is Status.RETRYING
    assert list(told.night.store.given) == [KEY]
    assert told.night.asked() == 1


def test_a_state_saved_meanwhile_is_decided_again() -> None:
    told = Overrides()
    store = MeddledStore(told.night.store)
    told.night.between(store)  # type: ignore[arg-type]
    store.before("save_execution", lambda: apply_click(told))
    assert told.say().came is Came.DONE
    assert told.night.lines()[-2:] == [
        "asked for a retry with an issue open (ECS in us-east-1)",
        f"overrode the health gate: {REASON}",
    ]


def apply_click(told: Overrides) -> None:
    store, now = told.night.store, told.night.now
    store.save_execution(advance(told.night.execution(), RetryRequested(EVE), now, told.night.world.policy))


def test_others_who_keep_saving_are_waited_for_a_few_times() -> None:
    told = Overrides()
    store = MeddledStore(told.night.store)
    told.night.between(store)  # type: ignore[arg-type]

    def taken() -> None:
        raise VersionConflict("somebody else was faster")

    for _ in range(SAVE_ATTEMPTS):
        store.before("save_execution", taken)
    assert told.say().came is Came.BUSY
    assert told.changed_nothing()


def test_power_that_fails_after_the_save_loses_nothing() -> None:
    """The state owes the retry, and the record is there for the gate."""
    told = Overrides()
    store = MeddledStore(told.night.store)
    told.night.between(store)  # type: ignore[arg-type]
    store.after("save_execution", power_fails)
    with pytest.raises(PowerFailure):
        told.say()
    assert list(told.night.store.given) == [KEY]
    told.night.deliver()
    assert told.night.accepted() == 1


@given(
    by=st.sampled_from([CAROL, DAVE, EVE]),
    users=st.sets(st.sampled_from([CAROL, DAVE, EVE])),
    group=st.sampled_from(["", GROUP]),
    members=st.sets(st.sampled_from([CAROL, DAVE, EVE])),
    tagged=st.sets(st.sampled_from([CAROL, DAVE, EVE])),
    readable=st.booleans(),
)
def test_an_override_is_on_record_only_where_every_rule_allows_it(
    by: str, users: set[str], group: str, members: set[str], tagged: set[str], readable: bool
) -> None:
    told = Overrides(
        override_users=tuple(sorted(users)),
        override_user_group=group,
        tags=PipelineTags(overriders=tuple(sorted(tagged))),
    )
    told.chat.members = frozenset(members)
    if not readable:
        told.chat.fail("group_members", TryLater("ratelimited"))
    result = told.say(by=by)
    in_group = bool(group) and readable and by in members
    allowed = (by in users or in_group) and (not tagged or by in tagged)
    assert (result.came is Came.DONE) is allowed
    assert bool(told.night.store.given) is allowed
