"""Every minute: what is due is looked at, one bad item starves nobody, and nothing due is forgotten."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from bot.errors import TryLater, VersionConflict
from bot.model import Execution, ExecutionKey, Status
from bot.ports import DueKind
from bot.workflows.sweep import BATCH, HINT_KEPT, sweep
from bot.workflows.world import SAVE_ATTEMPTS
from tests.builders import ISSUE_ARN, KEY, NOW, a_hint, a_key
from tests.fakes.store import MemoryStore
from tests.workflows.harness import MINUTE, Night, held_night, many_held, released_night
from tests.workflows.meddling import MeddledStore

BAD = a_key(pipeline="bad")


def test_a_bad_execution_starves_nobody() -> None:
    """An item that cannot be read back is counted for the alarm and its clock is pushed, again and again."""
    night = Night()
    night.stage_fails(BAD)
    night.stage_fails()
    night.store.unreadable.add((DueKind.EXECUTION, str(BAD)))
    night.minutes(4)
    night.issue_opens(told=False, start_at=NOW)
    night.minutes(1)
    assert night.status() is Status.BLOCKED
    assert night.failed_items == 1
    night.minutes(5)
    assert night.failed_items == 2


def test_a_bad_issue_starves_neither_the_others_nor_the_executions() -> None:
    """Not even the question to AWS Health about all that are due."""
    night = Night()
    bad = night.issue_opens(arn=ISSUE_ARN + "-bad", service="RDS")
    report = night.issue_opens()
    night.stage_fails()
    night.store.unreadable.add((DueKind.ISSUE, bad.key))
    night.issue_closes(report, told=False)
    night.minutes(8)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)
    assert night.failed_items >= 1


def test_a_bad_execution_among_those_an_issue_holds_keeps_none_of_the_others() -> None:
    night, report = held_night()
    for pipeline in ("a", "z"):
        night.stage_fails(a_key(pipeline=pipeline))
    night.store.unreadable.add((DueKind.EXECUTION, str(a_key(pipeline="a"))))
    night.issue_closes(report)
    night.minutes(6)
    assert [night.accepted(key) for key in (KEY, a_key(pipeline="z"))] == [1, 1]


def test_a_question_to_health_that_fails_in_a_new_way_starves_nobody() -> None:
    night = released_night()
    night.stream.clear()
    night.issue_opens(arn=ISSUE_ARN + "-2", service="RDS")
    night.now += 2 * MINUTE

    def broken(_arns: object) -> None:
        raise RuntimeError("a bug in the adapter")

    night.health.describe = broken  # type: ignore[method-assign,assignment]
    night.sweep()
    night.deliver()
    assert (night.accepted(), night.failed_items) == (1, 1)


@pytest.mark.parametrize("error", [TryLater("Rate exceeded"), VersionConflict("eight times")])
def test_what_is_only_busy_is_tried_a_minute_later_and_no_alarm(error: Exception) -> None:
    night = Night()
    night.stage_fails()
    night.pipelines.raise_next("stages", error)
    night.minutes(1)
    assert night.failed_items == 0
    due_at = night.execution().due_at
    assert due_at is not None
    assert due_at <= night.now + MINUTE


def test_more_than_a_batch_is_worked_through_oldest_first() -> None:
    night = Night()
    keys = [a_key(pipeline=f"p{number:03d}") for number in range(BATCH + 20)]
    for key in keys:
        night.stage_fails(key)
    night.minutes(1)
    late = [key for key in keys if (night.execution(key).due_at or NOW) <= night.now]
    assert len(late) == 20
    night.minutes(1)
    assert not [key for key in keys if (night.execution(key).due_at or NOW) <= night.now]


def test_a_hint_survives_until_codepipeline_can_be_asked() -> None:
    """With a pause that grows to a quarter of an hour, for as long as it takes."""
    night = Night()
    night.pipelines.raise_next("stages", *(TryLater("ServiceUnavailable") for _ in range(60)))
    night.stage_fails()
    night.minutes(600)
    assert night.store.hints != {}
    assert 600 / 16 <= len(night.pipelines.reads) <= 600 / 15 + 6
    night.minutes(600)
    assert (night.status(), night.store.hints) == (Status.NEEDS_HUMAN, {})


def test_a_newer_report_is_not_dropped_with_the_hint_that_was_looked_at() -> None:
    night = Night()
    store = MeddledStore(night.store)
    night.between(store)  # type: ignore[arg-type]
    newer = a_hint(token="newer", seen_at=night.now, due_at=night.now + MINUTE)
    store.before("drop_hint", lambda: night.store.save_hint(newer))
    night.stage_fails()
    assert list(night.store.hints.values()) == [newer]


def test_a_hint_of_which_nothing_ever_comes_is_dropped_in_the_end() -> None:
    night = Night()
    night.store.save_hint(a_hint(seen_at=night.now, due_at=night.now))
    night.minutes(HINT_KEPT / MINUTE + 30)
    assert night.store.hints == {}


def test_a_card_left_behind_wakes_the_notifier_every_minute_until_it_is_shown() -> None:
    night, _ = held_night()
    assert night.store.load_card(KEY) is not None
    for minute in (1, 2, 3):
        night.now += MINUTE
        night.sweep()
        assert [key for key, _ in night.store.woken] == [KEY] * minute
    card = night.store.cards[KEY]
    night.store.save_card(replace(card, revision=card.revision + 1, due_at=None))
    night.now += MINUTE
    night.sweep()
    assert len(night.store.woken) == 3


def test_an_open_issue_is_asked_about_every_minute_in_one_call() -> None:
    night = Night()
    for number in range(5):
        night.issue_opens(arn=f"{ISSUE_ARN}-{number}", service="RDS")
    night.minutes(10)
    assert [len(arns) for arns in night.health.asked_arns] == [5] * 10
    assert {issue.due_at for issue in night.store.issues.values()} == {night.now + MINUTE}


def test_an_execution_that_expired_under_its_clock_is_no_error() -> None:
    night = Night()
    night.stage_fails()
    del night.pipelines.truth[KEY]
    night.minutes(300)
    assert (night.status(), night.failed_items) == (Status.STOPPED, 0)


def test_after_a_long_outage_of_the_schedule_everything_is_still_right() -> None:
    """EventBridge was away for 15 hours: no event, no minute. Then one sweep after the other catches up."""
    night, report = held_night()
    night.now += timedelta(hours=8)
    night.issue_closes(report, told=False)
    night.now += timedelta(hours=7)
    night.minutes(10)
    assert (night.status(), night.accepted()) == (Status.RETRYING, 1)


def test_what_there_is_no_time_for_stays_due_for_the_next_minute() -> None:
    """The function ends well before its timeout; nothing is lost and nothing counts as failed."""
    night = Night()
    keys = [a_key(pipeline=f"service-{number}") for number in range(6)]
    for key in keys:
        night.stage_fails(key)
    night.now += MINUTE
    left = iter((False, False, False))
    assert sweep(night.world, night.now, lambda: next(left, True)) == 0
    looked_at = len(night.pipelines.reads)
    assert night.due(DueKind.EXECUTION)
    assert sweep(night.world, night.now) == 0
    assert len(night.pipelines.reads) > looked_at
    assert not [due for due in night.store.due(night.now, 100) if due.kind is DueKind.EXECUTION]


@pytest.mark.parametrize("kind", [DueKind.EXECUTION, DueKind.CARD])
def test_what_cannot_be_read_is_not_sent_into_the_stream_every_minute(kind: DueKind) -> None:
    """There it would fail five times, and hold up its shard meanwhile. The sweep counts it for the alarm."""
    night, _ = held_night()
    night.store.unreadable.add((kind, str(KEY)))
    card = night.store.cards[KEY]
    for _ in range(11):
        night.now += MINUTE
        night.sweep()
    assert night.store.woken == []
    assert night.failed_items == 3
    assert card.due_at is not None


def test_a_notifier_that_never_acts_is_woken_less_and_less_often() -> None:
    """A record that always fails holds up its shard each time. Whoever acts sets a clock of their own."""
    night, _ = held_night()
    woken_at = []
    for _ in range(180):
        night.now += MINUTE
        night.sweep()
        woken_at = [at for _, at in night.store.woken]
    waits = [(after - before) / MINUTE for before, after in pairwise(woken_at)]
    assert waits[:5] == [1, 1, 1, 1, 1]
    assert waits == sorted(waits)
    assert waits[-1] == 10


def broken(store: MemoryStore, key: ExecutionKey) -> None:
    """Nothing of this execution can be saved, for a reason nobody expected: its card was edited by hand."""
    save = store.save_execution

    def save_execution(execution: Execution, **more: Any) -> None:
        if execution.key == key:
            raise RuntimeError("An operand in the update expression has an incorrect data type")
        save(execution, **more)

    store.save_execution = save_execution  # type: ignore[method-assign]


@pytest.mark.parametrize("number", [3, 12])
def test_one_that_cannot_be_saved_stops_the_all_clear_of_no_other(number: int) -> None:
    """It may be in the middle of a page, or be the one that was to go first."""
    night, report, keys = many_held(number)
    broken(night.store, keys[0])
    night.issue_closes(report)
    night.minutes(90)
    assert {night.accepted(key) for key in keys[1:]} == {1}
    assert night.accepted(keys[0]) == 0


def test_one_that_cannot_be_saved_keeps_a_late_issue_from_claiming_no_other() -> None:
    night = Night()
    for key in (BAD, KEY):
        night.stage_fails(key)
        night.minutes(1)
    broken(night.store, BAD)
    night.issue_opens(start_at=NOW)
    assert night.status(KEY) is Status.BLOCKED
    assert night.status(BAD) is Status.NEEDS_HUMAN


@pytest.mark.parametrize("conflicts", [SAVE_ATTEMPTS, 1_000])
def test_one_that_keeps_changing_stops_the_all_clear_of_no_other(conflicts: int) -> None:
    """For a moment, after which its own clock releases it; or for ever: somebody edited its version."""
    night, report, keys = many_held(3)
    save, left = night.store.save_execution, iter(range(conflicts))

    def save_execution(execution: Execution, **more: Any) -> None:
        if execution.key == keys[0] and next(left, None) is not None:
            raise VersionConflict(str(keys[0]))
        save(execution, **more)

    night.store.save_execution = save_execution  # type: ignore[method-assign]
    night.issue_closes(report)
    night.minutes(10)
    assert {night.accepted(key) for key in keys[1:]} == {1}
    assert night.accepted(keys[0]) == (1 if conflicts == SAVE_ATTEMPTS else 0)
