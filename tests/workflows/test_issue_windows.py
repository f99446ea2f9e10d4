"""What an issue explains is bounded: by when it began, by when it was closed, and by its age."""

from dataclasses import replace
from datetime import timedelta

from bot.model import IssuePhase, Status
from tests.builders import ISSUE_ARN, a_key
from tests.workflows.harness import MINUTE, Night, retried

DAYS = timedelta(days=1)


def test_its_start_time_bounds_what_it_claims() -> None:
    """A quarter of an hour of slack, for AWS states when an impact began no more exactly."""
    night = Night()
    began = night.now + 20 * MINUTE
    for minute, name in ((0, "before"), (10, "just-before"), (25, "since")):
        night.minutes(minute - (night.now - began + 20 * MINUTE) / MINUTE)
        night.stage_fails(a_key(pipeline=name))
    night.minutes(10)
    report = night.issue_opens(start_at=began)
    statuses = {name: night.status(a_key(pipeline=name)) for name in ("before", "just-before", "since")}
    assert statuses == {"before": Status.NEEDS_HUMAN, "just-before": Status.BLOCKED, "since": Status.BLOCKED}
    night.issue_closes(report)
    night.minutes(10)
    assert {key.pipeline for key in retried(night)} == {"just-before", "since"}


def test_one_that_arrives_older_than_an_issue_may_be_holds_nothing() -> None:
    """One in me-central-1 has been open for months: an installation meets such on its first day."""
    night = Night()
    night.issue_opens(start_at=night.now - 30 * DAYS)
    night.stage_fails()
    assert night.status() is Status.NEEDS_HUMAN
    night.minutes(5)
    assert night.store.issues[ISSUE_ARN].phase is IssuePhase.DONE
    night.issue_opens(start_at=night.now - 30 * DAYS)
    night.minutes(60)
    assert night.status() is Status.NEEDS_HUMAN, "another update makes it no younger"


def test_what_fails_after_an_issue_was_let_go_for_its_age_is_not_held_by_it() -> None:
    night = Night(issue_max_age=timedelta(hours=2))
    report = night.issue_opens()
    night.stage_fails()
    night.minutes(101)
    assert night.accepted() == 1
    night.stage_fails()
    assert (night.status(), night.execution().blockers) == (Status.NEEDS_HUMAN, ())
    night.issue_closes(report)
    night.minutes(30)
    assert (night.status(), night.accepted()) == (Status.NEEDS_HUMAN, 1)


def test_one_that_arrives_closed_leaves_alone_what_has_waited_too_long() -> None:
    night = Night()
    began = night.now
    night.stage_fails()
    night.minutes(25 * 60)
    night.issue_closes(night.issue_opens(told=False, start_at=began))
    night.minutes(30)
    assert (night.status(), night.asked()) == (Status.NEEDS_HUMAN, 0)


def test_one_that_was_announced_too_late_frees_nothing_when_it_closes() -> None:
    """The card said until when a notice would hold it; by the close a person has long been at it."""
    night = Night(late_issue=timedelta(hours=4))
    began = night.now
    night.stage_fails()
    night.minutes(4 * 60 + 5)
    report = night.issue_opens(start_at=began)
    night.minutes(60)
    night.issue_closes(report)
    night.minutes(8 * 60)
    assert (night.status(), night.accepted()) == (Status.NEEDS_HUMAN, 0)


def test_one_that_tells_its_beginning_as_it_closes_frees_what_had_failed_since() -> None:
    night = Night()
    began = night.now
    night.stage_fails()
    night.minutes(90)
    report = night.issue_opens(start_at=night.now)
    night.minutes(30)
    assert night.status() is Status.NEEDS_HUMAN
    night.issue_closes(replace(report, start_at=began))
    night.minutes(7)
    assert night.accepted() == 1
