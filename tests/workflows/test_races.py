"""Others save in between, functions die half-way, and still: one card's state, one retry, nothing forgotten."""

from datetime import timedelta

import pytest

from bot.errors import VersionConflict
from bot.events import EventState
from bot.issue_events import ClaimedPage, DrainBegun, DrainedPage, Settled
from bot.issues import advance_issue
from bot.lifecycle import Claimed, StageRunning
from bot.model import Status
from bot.ports import DueKind, StageStatus
from bot.workflows.ledger import IssueReader
from bot.workflows.resume import LEASE, resume
from bot.workflows.world import SAVE_ATTEMPTS, apply
from tests.builders import ISSUE_ARN, KEY, a_key
from tests.workflows.harness import HELD, MINUTE, USER, Night, held_night, released_night
from tests.workflows.meddling import MeddledStore, PowerFailure, power_fails

OTHER_ARN = ISSUE_ARN + "-2"


def meddled(night: Night) -> MeddledStore:
    store = MeddledStore(night.store)
    night.between(store)  # type: ignore[arg-type]  # every method is the real store's
    return store


def try_to_resume(night: Night) -> None:
    resume(night.world, IssueReader(night.world), KEY, night.now)


def test_a_failure_two_functions_see_at_once_begins_once() -> None:
    """The action's and the stage's events arrive together; the slower one finds the card's state there already."""
    night = Night()
    store = meddled(night)
    night.issue_opens()
    store.before("save_execution", lambda: night.event(EventState.FAILED))
    night.stage_fails()
    assert night.lines() == [f"Deploy failed{HELD}"]


def test_an_issue_that_opens_while_a_failure_is_being_saved_claims_it_a_minute_later() -> None:
    """The failure read the ledger before the issue was there; the issue looked before the failure was."""
    night = Night()
    meddled(night).before("save_execution", lambda: night.issue_opens())
    night.stage_fails()
    assert night.status() is Status.NEEDS_HUMAN
    night.minutes(1)
    assert night.status() is Status.BLOCKED


def test_an_all_clear_that_passes_while_a_hold_is_being_saved_is_not_missed() -> None:
    """Write, then read: the issue drained before our edge to it could be seen."""
    night = Night(settle=timedelta(0))
    report = night.issue_opens()
    meddled(night).before("save_execution", lambda: night.issue_closes(report))
    night.stage_fails()
    assert night.status() is Status.RESUMING
    night.deliver()
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_an_all_clear_that_passes_while_a_retry_is_called_off_is_not_missed() -> None:
    """The same at the claim: held again by an issue that has just drained."""
    night = released_night()
    second = night.issue_opens(arn=OTHER_ARN, told=False)
    meddled(night).before("save_execution", lambda: night.issue_closes(second))
    try_to_resume(night)
    assert night.status() is Status.RESUMING
    night.deliver()
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_an_all_clear_whose_pages_have_passed_it_frees_what_is_held_only_now() -> None:
    """The issue is still draining, but its cursor is behind this deploy's place already."""
    night = Night()
    report = night.issue_opens()

    def drain_past_it() -> None:
        night.issue_closes(report)
        for event in (Settled(), DrainBegun(""), DrainedPage("zzz")):
            issue = night.store.issues[report.key]
            night.store.save_issue(advance_issue(issue, event, night.now, night.world.policy))

    meddled(night).before("save_execution", drain_past_it)
    night.stage_fails()
    assert night.status() is Status.RESUMING


def test_an_all_clear_that_passes_while_an_issue_claims_a_failure_is_not_missed() -> None:
    """Two functions work at the same closed issue; one is done with it before the other has saved its claim."""
    night = Night(settle=timedelta(0))
    night.stage_fails()
    report = night.issue_opens(told=False)

    def finish() -> None:
        issue = night.store.issues[report.key]
        for event in (ClaimedPage(None), Settled(), DrainBegun(""), DrainedPage(None)):
            issue = advance_issue(issue, event, night.now, night.world.policy)
            night.store.save_issue(issue)

    meddled(night).before("save_execution", finish)
    night.issue_closes(report)
    assert night.status() is Status.RESUMING


def test_a_close_that_arrives_while_the_hold_is_being_saved_settles_and_releases() -> None:
    night = Night()
    report = night.issue_opens()
    meddled(night).before("save_execution", lambda: night.issue_closes(report))
    night.stage_fails()
    assert night.status() is Status.BLOCKED
    night.minutes(6)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_a_re_opening_during_a_page_stops_the_draining_and_what_was_released_is_held_again() -> None:
    night, report = held_night(settle=timedelta(0))
    store = meddled(night)

    def re_open() -> None:
        night.issue_opens(start_at=report.start_at, updated_at=night.now + MINUTE)

    store.before("held_by", re_open)
    night.issue_closes(report)
    assert night.store.issues[ISSUE_ARN].open
    night.minutes(30)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)


def test_an_issue_that_opens_before_the_claim_calls_the_retry_off() -> None:
    """Two false closes of 2021 were followed by another service's issue within minutes."""
    night = released_night()
    night.issue_opens(arn=OTHER_ARN, service="MULTIPLE_SERVICES", told=False)
    night.deliver()
    try_to_resume(night)
    assert (night.status(), night.asked()) == (Status.BLOCKED, 0)
    assert night.store.edges[OTHER_ARN] == {str(KEY)}


def test_two_functions_claiming_at_once_call_once() -> None:
    night = released_night()
    meddled(night).before("save_execution", lambda: try_to_resume(night))
    try_to_resume(night)
    assert (night.status(), night.asked(), night.execution().automatic_retries) == (Status.RETRYING, 1, 1)


def test_a_live_claim_is_respected_by_everybody() -> None:
    night = released_night()
    apply(night.world, KEY, Claimed("theirs", night.now + LEASE), night.now)
    for _ in range(3):
        night.deliver()
        night.sweep()
        night.event(EventState.FAILED)
        try_to_resume(night)
    assert (night.status(), night.asked()) == (Status.RESUMING, 0)


def test_a_click_and_the_all_clear_at_once_retry_once() -> None:
    night = released_night()
    meddled(night).before("save_execution", lambda: night.click_retry())
    try_to_resume(night)
    assert night.asked() == 0, "somebody else saved first; their save wakes the next try"
    night.deliver()
    execution = night.execution()
    assert (execution.status, night.asked(), execution.automatic_retries) == (Status.RETRYING, 1, 0)
    assert execution.retry is not None
    assert execution.retry.requested_by == USER


def test_dont_resume_just_before_the_claim_is_obeyed() -> None:
    night = released_night()
    meddled(night).before("save_execution", lambda: night.click_dismiss())
    try_to_resume(night)
    night.minutes(60)
    assert (night.status(), night.asked()) == (Status.DISMISSED, 0)


def test_dying_between_the_claim_and_the_call_costs_a_lease_and_no_budget() -> None:
    night = released_night()
    meddled(night).after("save_execution", power_fails)
    with pytest.raises(PowerFailure):
        try_to_resume(night)
    assert (night.asked(), night.execution().automatic_retries) == (0, 1)
    night.minutes(1)
    assert night.asked() == 0, "whoever holds the claim may still be alive"
    night.minutes(2)
    assert (night.status(), night.accepted(), night.execution().automatic_retries) == (Status.RETRYING, 1, 1)


def test_dying_between_the_call_and_its_answer_retries_nothing_twice() -> None:
    """The stage is seen running at the lease's end, or before, by its event."""
    night = released_night()
    store = meddled(night)
    store.before("save_execution", lambda: None)
    store.before("save_execution", power_fails)
    with pytest.raises(PowerFailure):
        try_to_resume(night)
    assert (night.status(), night.accepted()) == (Status.RESUMING, 1)
    night.minutes(3)
    execution = night.execution()
    assert (execution.status, night.asked(), execution.retries, execution.automatic_retries) == (
        Status.RETRYING, 1, 1, 1,
    )  # fmt: skip


def test_dying_after_the_edge_was_written_and_before_the_issue_was_read_again_heals() -> None:
    """The slow clock re-reads every issue that holds it."""
    night = Night(settle=timedelta(0))
    report = night.issue_opens()
    store = meddled(night)
    store.before("save_execution", lambda: night.issue_closes(report))
    store.after("save_execution", power_fails)
    with pytest.raises(PowerFailure):
        night.stage_fails()
    assert night.status() is Status.BLOCKED
    night.minutes(3)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1), "its hint was not dropped yet"


def test_dying_right_after_the_event_loses_no_failure() -> None:
    night = Night()
    night.issue_opens()
    meddled(night).after("save_hint", power_fails)
    with pytest.raises(PowerFailure):
        night.stage_fails()
    assert night.store.executions == {}
    night.minutes(1)
    assert (night.status(), night.store.hints) == (Status.BLOCKED, {})


def test_dying_half_way_through_a_close_is_caught_up_by_the_clock() -> None:
    night, report = held_night(settle=timedelta(0))
    other = a_key(pipeline="api")
    night.stage_fails(other)
    meddled(night).after("held_by", power_fails)
    with pytest.raises(PowerFailure):
        night.issue_closes(report)
    night.minutes(1)
    assert [night.accepted(key) for key in (KEY, other)] == [1, 1]


def test_a_state_saved_under_a_decision_is_decided_again() -> None:
    """The sweep's truth said failed; before it could save, the event that it runs was saved."""
    night, _ = held_night()
    night.stage_fails(told=False)
    meddled(night).before("save_execution", lambda: apply(night.world, KEY, StageRunning(), night.now))
    night.event(EventState.FAILED)
    assert night.lines()[1:] == [
        "retried outside Allclear",
        f"Deploy failed again{HELD}",
    ]


def test_losing_every_race_keeps_the_failure_for_later() -> None:
    """Bounded: the hint stays, and a minute later it goes better."""
    night = Night()
    store = meddled(night)

    def lose() -> None:
        raise VersionConflict("somebody else saved first")

    for _ in range(SAVE_ATTEMPTS):
        store.before("save_execution", lose)
    night.stage_fails()
    assert night.store.executions == {}
    assert night.due(DueKind.HINT) != []
    night.minutes(1)
    assert night.status() is Status.NEEDS_HUMAN


def test_one_lagging_answer_that_shows_the_stage_running_does_not_free_it() -> None:
    """Nobody retried it: five minutes later the same failure shows again, and it is held as before."""
    night, report = held_night()
    truth = night.pipelines.truth[KEY]
    night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
    night.event(EventState.FAILED)
    assert night.status() is Status.RETRYING
    night.pipelines.show(truth)
    night.minutes(6)
    assert night.status() is Status.BLOCKED
    night.issue_closes(report)
    night.minutes(6)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)
