"""Retry all: saved first, carried out once for each deploy that waits, by whoever comes after a crash."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import TryLater, VersionConflict
from bot.model import Status
from bot.ports import DueKind
from bot.workflows.retry_all import ALREADY, AT_ONCE, NOTHING_WAITS, UNKNOWN, carry_on, retry_all
from tests.workflows.meddling import MeddledStore, PowerFailure, power_fails
from tests.workflows.slack_night import SlackNight, deploy

ALICE, BOB = "U0ALICE", "U0BOB"


def a_night(deploys: int) -> SlackNight:
    """So many deploys held by one issue, four of them at least: the burst card is there."""
    night = SlackNight()
    night.issue_opens()
    night.fail(*range(deploys))
    night.minutes(1)
    return night


def click(night: SlackNight, by: str = ALICE, marker: str = "") -> str:
    """Another click each time, unless it says that it is the same."""
    marker = marker or f"{by} at {night.now} of {night.burst().revision}"
    return retry_all(night.world.store, night.burst().burst_id, by, night.world.policy, night.now, marker=marker)


def test_every_deploy_that_waits_is_retried_once_and_its_history_names_the_person() -> None:
    night = a_night(6)
    night.stage_passes(deploy(5))
    night.minutes(1)
    assert click(night) == "Done. 5 deploys are being retried."
    night.minutes(2)
    assert [night.accepted(deploy(number)) for number in range(6)] == [1, 1, 1, 1, 1, 0]
    for number in range(5):
        assert ALICE in [entry.by for entry in night.store.history(deploy(number))]
    assert "<@U0ALICE> asked to retry all" in str(night.burst_card().blocks)
    night.check_all_shown()


def test_more_than_one_answer_has_time_for_is_carried_on_by_the_sweep() -> None:
    night = a_night(60)
    assert (
        click(night)
        == f"Done. {AT_ONCE} deploys are being retried. The other {60 - AT_ONCE} follow within a few minutes."
    )
    night.minutes(4)
    assert {night.accepted(deploy(number)) for number in range(60)} == {1}
    assert not night.due(DueKind.BURST)
    night.check_all_shown()


def test_it_goes_on_where_it_stopped_although_the_card_shows_the_first_ones_as_waiting() -> None:
    """Slack is slow, and so is notify."""
    night = a_night(60)
    click(night)
    burst = night.burst().burst_id
    assert carry_on(night.store, burst, night.world.policy, night.now) == (AT_ONCE, 60 - 2 * AT_ONCE)
    assert carry_on(night.store, burst, night.world.policy, night.now) == (60 - 2 * AT_ONCE, 0)
    assert night.statuses() == {Status.RESUMING}


def test_a_click_that_slack_delivers_again_takes_nothing_along_that_has_failed_since() -> None:
    night = a_night(4)
    assert click(night, marker="click-1").startswith("Done.")
    night.minutes(1)
    night.fail(0)
    night.minutes(1)
    assert night.store.executions[deploy(0)].status is Status.BLOCKED
    assert click(night, marker="click-1") == ALREADY
    assert night.store.executions[deploy(0)].status is Status.BLOCKED
    assert click(night, BOB, marker="click-2").startswith("Done.")
    night.minutes(1)
    night.fail(0)
    night.minutes(1)
    assert click(night, marker="click-1") == ALREADY, "whoever else clicked in between"
    assert night.store.executions[deploy(0)].status is Status.BLOCKED


def test_a_second_click_meets_the_first() -> None:
    """Its request is on record; it names who made it."""
    night = a_night(60)
    click(night)
    assert click(night, BOB).startswith("<@U0ALICE> asked for that at")
    night.minutes(4)
    assert click(night, BOB) == NOTHING_WAITS
    assert {night.asked(deploy(number)) for number in range(60)} == {1}


def test_a_second_click_in_the_midst_of_the_first_retries_nothing_twice() -> None:
    night = a_night(6)
    meddled = MeddledStore(night.store)
    answers: list[str] = []
    meddled.before("save_burst", lambda: answers.append(click(night, BOB)))
    night.between(meddled)  # type: ignore[arg-type]
    answers.append(click(night))
    night.minutes(2)
    assert answers == ["Done. 6 deploys are being retried.", NOTHING_WAITS]
    assert {night.asked(deploy(number)) for number in range(6)} == {1}


@pytest.mark.parametrize("method", ["save_execution", "save_burst", "burst_lines"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_whoever_dies_over_it_is_followed_by_the_sweep(method: str, nth: int) -> None:
    """From the first save on everything that waits is retried, once."""
    night = a_night(6)
    meddled = MeddledStore(night.store)
    for _ in range(nth - 1):
        meddled.after(method, lambda: None)
    meddled.after(method, power_fails)
    night.between(meddled)  # type: ignore[arg-type]
    with suppress(PowerFailure):
        click(night)
    meddled.clear()
    asked = night.burst().retry_all is not None
    night.minutes(4)
    assert {night.accepted(deploy(number)) for number in range(6)} == {int(asked)}
    night.check_all_shown()


def test_a_deploy_that_failed_again_since_is_not_what_the_person_saw() -> None:
    """The sweep carries on later; a deploy that is held anew by then is left alone."""
    night = a_night(60)
    click(night)
    night.deliver()
    last = deploy(59)
    night.click_retry(last)
    night.deliver()
    night.now += timedelta(seconds=30)
    night.stage_fails(last)
    night.minutes(4)
    assert night.status(last) is Status.BLOCKED
    assert night.asked(last) == 1


def test_a_busy_table_carries_it_out_later() -> None:
    night = a_night(6)
    meddled = MeddledStore(night.store)

    def busy() -> None:
        raise TryLater("throttled")

    meddled.before("save_execution", busy)
    night.between(meddled)  # type: ignore[arg-type]
    assert click(night) == "Done. Everything that waits here is being retried within a few minutes."
    night.minutes(3)
    assert {night.accepted(deploy(number)) for number in range(6)} == {1}


def test_what_nobody_knows_or_nothing_waits_for_is_said() -> None:
    night = a_night(4)
    assert retry_all(night.store, "unknown", ALICE, night.world.policy, night.now, marker="click-1") == UNKNOWN
    for number in range(4):
        night.click_dismiss(deploy(number))
    night.minutes(1)
    assert click(night) == NOTHING_WAITS
    assert carry_on(night.store, night.burst().burst_id, night.world.policy, night.now) == (0, 0)
    assert night.burst().retry_all is None


def test_a_burst_that_others_save_all_the_time_changes_nothing() -> None:
    night = a_night(4)
    meddled = MeddledStore(night.store)

    def others() -> None:
        burst = night.burst()
        night.store.save_burst(replace(burst, revision=burst.revision + 1))

    for _ in range(10):
        meddled.before("save_burst", others)
    night.between(meddled)  # type: ignore[arg-type]
    assert "nothing has changed" in click(night)
    assert night.statuses() == {Status.BLOCKED}
    with pytest.raises(VersionConflict):
        night.store.save_burst(night.burst())


def test_a_deploy_that_its_gate_keeps_waiting_is_passed_over() -> None:
    """Nothing of it has failed; asking for a retry of it would be refused, and stop the others."""
    night = a_night(6)
    first = night.execution(deploy(0))
    night.store.executions[first.key] = replace(first, waits_until=night.now + timedelta(hours=20))
    assert click(night) == "Done. 5 deploys are being retried."
    assert night.execution(deploy(0)).status is Status.BLOCKED


def test_one_that_cannot_be_read_back_keeps_nobody_else_waiting() -> None:
    """The request ends all the same: a second one may follow."""
    night = a_night(30)
    night.store.unreadable.add((DueKind.EXECUTION, str(deploy(2))))
    assert (
        click(night) == f"Done. {AT_ONCE - 1} deploys are being retried. The other 5 follow within a few minutes."
    )
    carry_on(night.store, night.burst().burst_id, night.world.policy, night.now)
    asked = night.burst().retry_all
    assert asked is not None
    assert asked.done
    del night.store.executions[deploy(2)]
    assert night.statuses() == {Status.RESUMING}
