"""Shadow mode: everything is tracked, explained and shown, and nothing is retried unless a person asks."""

from dataclasses import replace

import pytest

from bot.events import EventState
from bot.model import IssuePhase, PipelineTags, Status, Verdict
from bot.policy import Mode
from bot.ports import StageStatus
from tests.builders import ISSUE_ARN, KEY, a_key
from tests.workflows.harness import Night, held_night, many_held, released_night

WOULD_HAVE = "Shadow mode: Allclear would have retried now."
SHADOW = {"mode": Mode.SHADOW}


def shadowed_night() -> Night:
    """Held, explained, cleared, and left to a person."""
    night, report = held_night(**SHADOW)
    assert night.execution().attribution.verdict is Verdict.EXPLAINED
    night.issue_closes(report)
    night.minutes(6)
    assert (night.status(), night.execution().note) == (Status.NEEDS_HUMAN, WOULD_HAVE)
    return night


def test_it_says_when_it_would_have_retried_and_retries_nothing() -> None:
    night = shadowed_night()
    night.minutes(600)
    execution = night.execution()
    assert (execution.status, night.asked(), execution.automatic_retries) == (Status.NEEDS_HUMAN, 0, 0)
    assert execution.released_at is not None
    assert WOULD_HAVE in night.lines()[-1]


def test_a_click_works() -> None:
    night = shadowed_night()
    night.click_retry()
    night.deliver()
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)
    night.stage_passes()
    assert night.status() is Status.RECOVERED


def test_a_retry_in_the_console_is_followed_to_its_end() -> None:
    night = shadowed_night()
    night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
    night.event(EventState.RESUMED)
    assert (night.status(), night.execution().note) == (Status.RETRYING, "Retried outside Allclear.")
    night.stage_passes()
    assert (night.status(), night.asked(), night.execution().due_at) == (Status.RECOVERED, 0, None)


def test_a_pass_nobody_told_of_is_found() -> None:
    night = shadowed_night()
    night.stage_passes(told=False)
    night.minutes(300)
    assert night.status() is Status.RECOVERED


@pytest.mark.parametrize(("stack", "tag", "accepted"), [(Mode.SHADOW, "active", 1), (Mode.ACTIVE, "shadow", 0)])
def test_a_pipelines_own_tag_decides(stack: Mode, tag: str, accepted: int) -> None:
    night = Night(mode=stack)
    night.pipelines.tags_of["web"] = PipelineTags(mode=tag)
    report = night.issue_opens()
    night.stage_fails()
    assert night.status() is Status.BLOCKED
    night.issue_closes(report)
    night.minutes(10)
    assert night.accepted() == accepted


def test_a_mode_that_changes_while_a_retry_is_owed_stops_it() -> None:
    night = released_night()
    night.world = replace(night.world, policy=replace(night.world.policy, mode=Mode.SHADOW))
    night.deliver()
    assert (night.status(), night.asked(), night.execution().note) == (Status.NEEDS_HUMAN, 0, WOULD_HAVE)


def test_many_in_shadow_mode_need_no_canary_and_one_that_is_not_is_retried() -> None:
    night, report, keys = many_held(**SHADOW)
    night.pipelines.tags_of["own"] = PipelineTags(mode="active")
    own = a_key(pipeline="own")
    night.stage_fails(own)
    night.issue_closes(report)
    night.minutes(6)
    assert night.pipelines.accepted == [own]
    night.stage_passes(own)
    night.minutes(2)
    assert {night.status(key) for key in keys} == {Status.NEEDS_HUMAN}
    assert night.store.issues[ISSUE_ARN].phase is IssuePhase.DONE
