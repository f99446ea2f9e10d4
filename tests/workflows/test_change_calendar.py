"""A change freeze: a closed calendar holds what would be retried automatically, and people pass it knowingly."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cards.card import render
from bot.errors import CalendarUnreadable
from bot.model import PipelineTags, Status
from tests.builders import a_key
from tests.workflows.harness import Night, held_night, many_held, released_night, retried

FREEZE = {"change_calendar": "release-freeze"}
HOURS = timedelta(hours=1)


def frozen_night(hours: float = 3, **settings: object) -> Night:
    """Released into a freeze that ends in so many hours."""
    night = released_night(**FREEZE, **settings)
    night.calendar.closed["release-freeze"] = night.now + hours * HOURS
    night.deliver()
    return night


def test_a_closed_calendar_is_waited_for_and_the_card_knows_until_when() -> None:
    night = frozen_night()
    opens_at = night.calendar.closed["release-freeze"]
    execution = night.execution()
    assert execution.retry is not None
    assert (execution.status, execution.retry.calendar) == (Status.RESUMING, "release-freeze")
    assert execution.retry.opens_at == opens_at
    assert execution.note == "The change calendar release-freeze is closed until 2026-11-23 05:20 UTC"
    card = str(render(execution, night.world.policy).blocks)
    assert card.count("release-freeze* is closed until <!date^") == card.count("is closed") == 1, "said once"
    night.minutes(179)
    assert (night.asked(), night.lines()) == (0, night.lines()[:3]), "no line but the one that says it waits"
    night.calendar.closed.clear()
    night.minutes(4)
    assert (night.status(), night.accepted(), night.execution().automatic_retries) == (Status.RETRYING, 1, 1)


def test_no_calendar_is_asked_where_none_is_set_or_something_else_is_in_the_way() -> None:
    night = released_night()
    night.deliver()
    assert (night.accepted(), night.calendar.asked) == (1, [])
    other = released_night(**FREEZE)
    other.show(transition_disabled="a person's no")
    other.deliver()
    assert (other.status(), other.calendar.asked) == (Status.NEEDS_HUMAN, [])


def test_a_pipelines_own_calendar_counts_beside_the_stacks() -> None:
    night = Night(settle=timedelta(0), **FREEZE)
    night.pipelines.tags_of["web"] = PipelineTags(calendar="team-freeze")
    night.calendar.closed["team-freeze"] = None
    report = night.issue_opens()
    night.stage_fails()
    night.stage_fails(a_key(pipeline="other"))
    night.issue_closes(report)
    night.deliver()
    assert night.status(a_key(pipeline="other")) is Status.RETRYING
    assert night.execution().note == "The change calendar team-freeze is closed and does not say until when"


@pytest.mark.parametrize("until", [timedelta(hours=12), None])
def test_a_calendar_opened_early_is_noticed(until: timedelta | None) -> None:
    night = released_night(**FREEZE)
    night.calendar.closed["release-freeze"] = night.now + until if until else None
    night.minutes(30)
    night.calendar.closed.clear()
    night.minutes(5 * 60)
    assert night.accepted() == 1


def test_a_calendar_that_cannot_be_read_counts_as_closed_and_is_asked_again() -> None:
    night = released_night(**FREEZE)
    night.calendar.error = CalendarUnreadable(
        "AccessDeniedException: not authorized to perform ssm:GetCalendarState"
    )
    night.minutes(60)
    assert (night.status(), night.asked()) == (Status.RESUMING, 0)
    assert night.execution().note.startswith(
        "The change calendar release-freeze cannot be read and counts as closed (AccessDeniedException"
    )
    assert 4 <= len(night.calendar.asked) <= 7
    night.calendar.error = None
    night.minutes(15)
    assert night.accepted() == 1


def test_a_freeze_longer_than_a_hold_may_be_asks_a_person_with_both_reasons() -> None:
    night = frozen_night(hours=60)
    night.minutes(24 * 60)
    execution = night.execution()
    assert (execution.status, night.asked(), execution.automatic_retries) == (Status.NEEDS_HUMAN, 0, 0)
    assert execution.note == (
        "The change calendar release-freeze is closed until 2026-11-25 14:20 UTC. "
        "It has waited for 24 hours, too long to resume unasked."
    )
    assert len(night.lines()) < 12


def test_a_click_passes_the_freeze() -> None:
    """The button asked for a confirmation that names the calendar."""
    night = frozen_night()
    night.click_retry()
    night.deliver()
    assert (night.status(), night.accepted(), night.execution().automatic_retries) == (Status.RETRYING, 1, 0)


def test_dont_resume_ends_the_wait() -> None:
    night = frozen_night(hours=1)
    night.click_dismiss()
    night.calendar.closed.clear()
    night.minutes(120)
    assert (night.status(), night.asked()) == (Status.DISMISSED, 0)


def test_an_issue_that_opens_during_the_freeze_holds_again() -> None:
    night = frozen_night(hours=1)
    report = night.issue_opens(arn="arn:aws:health:us-east-1::event/ECS/X/X_2")
    assert night.status() is Status.BLOCKED
    night.calendar.closed.clear()
    night.minutes(90)
    assert night.asked() == 0
    night.issue_closes(report)
    night.minutes(2)
    assert night.accepted() == 1


def test_what_moved_on_during_the_freeze_is_not_retried_after_it() -> None:
    night = frozen_night(hours=1)
    night.show(overtaken_by="99999999-0000")
    night.calendar.closed.clear()
    night.minutes(65)
    assert (night.status(), night.asked()) == (Status.SUPERSEDED, 0)


def test_a_canary_that_waits_for_its_calendar_passes_the_turn_on() -> None:
    night, report, keys = many_held(settle=timedelta(0))
    own = PipelineTags(calendar="team-freeze")
    night.store.executions[keys[0]] = replace(night.execution(keys[0]), tags=own)
    night.calendar.closed["team-freeze"] = night.now + 5 * HOURS
    night.issue_closes(report)
    night.minutes(2)
    assert retried(night) == [keys[1]]
    night.stage_passes(keys[1])
    night.minutes(2)
    assert sorted(retried(night)) == keys[1:]
    assert night.status(keys[0]) is Status.RESUMING


def test_a_held_deploy_is_not_bothered_by_the_calendar() -> None:
    """It is read at the moment of the retry and at no other."""
    night, report = held_night(**FREEZE)
    night.calendar.closed["release-freeze"] = night.now + HOURS
    night.minutes(70)
    assert (night.status(), night.calendar.asked) == (Status.BLOCKED, [])
    night.calendar.closed.clear()
    night.issue_closes(report)
    night.minutes(6)
    assert night.accepted() == 1
