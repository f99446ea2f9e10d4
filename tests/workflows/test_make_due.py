"""What an operator asks for after mending something: all that waits is looked at, nothing happens early."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.bursts import Burst
from bot.model import ExecutionKey, Status
from bot.policy import Policy
from bot.ports import DueKind
from bot.workflows.make_due import make_due
from bot.workflows.notify import show
from handlers import sweep as handler
from tests.builders import KEY, a_key
from tests.fakes.chat import FakeChat
from tests.workflows.harness import MINUTE, Night, held_night

OTHER = a_key(pipeline="api", execution_id="99999999-2222-3333-4444-555555555555")


def clocks(night: Night) -> dict[tuple[DueKind, str], Any]:
    return {(due.kind, due.key): due.due_at for due in night.store.due(night.now + timedelta(days=900), 1_000)}


def test_everything_that_waits_is_due_at_once() -> None:
    night, _ = held_night()
    night.minutes(2)
    later = [at for at in clocks(night).values() if at > night.now]
    assert later
    assert make_due(night.store, "all", night.now) == len(later)
    assert max(clocks(night).values()) <= night.now
    assert make_due(night.store, "all", night.now) == 0


@pytest.mark.parametrize("what", ["api", OTHER.execution_id, "#api#"])
def test_a_part_of_a_key_means_those_that_have_it(what: str) -> None:
    night, _ = held_night()
    night.stage_fails(OTHER)
    night.minutes(2)
    before = clocks(night)
    make_due(night.store, what, night.now)
    changed = {key for (_, key), at in clocks(night).items() if at not in before.values()}
    assert {key for (_, key), at in clocks(night).items() if at == night.now} >= {str(OTHER)}
    assert clocks(night)[DueKind.EXECUTION, str(KEY)] == before[DueKind.EXECUTION, str(KEY)]
    assert changed <= {str(OTHER)}


def test_an_item_that_cannot_be_read_is_made_due_too_and_goes_on_once_it_is_mended() -> None:
    night, report = held_night()
    night.store.unreadable.add((DueKind.EXECUTION, str(KEY)))
    night.issue_closes(report)
    night.minutes(10)
    assert night.accepted() == 0
    make_due(night.store, "all", night.now)
    assert (DueKind.EXECUTION, str(KEY)) in {(due.kind, due.key) for due in night.store.due(night.now, 100)}
    night.store.unreadable.clear()
    night.minutes(2)
    assert night.accepted() == 1


def test_a_settle_time_is_not_cut_short() -> None:
    night, report = held_night()
    night.issue_closes(report)
    for _ in range(4):
        make_due(night.store, "all", night.now)
        night.minutes(1)
    assert (night.status(), night.accepted()) == (Status.BLOCKED, 0)
    night.minutes(2)
    assert night.accepted() == 1


def test_a_retry_is_not_made_before_its_moment() -> None:
    night, report = held_night()
    night.issue_closes(report)
    night.minutes(4)
    night.now += MINUTE
    night.sweep()
    execution = night.execution()
    assert execution.retry is not None
    later = replace(execution.retry, not_before_at=night.now + 30 * MINUTE)
    night.store.executions[KEY] = replace(execution, retry=later, due_at=later.not_before_at)
    make_due(night.store, "all", night.now)
    night.minutes(25)
    assert night.accepted() == 0
    night.minutes(10)
    assert night.accepted() == 1


def refused(*others: ExecutionKey) -> tuple[Night, FakeChat]:
    """A held deploy whose card Slack refused for good; these others are like it."""
    night, _ = held_night(slack_channel="C0DEPLOYS")
    chat = FakeChat(now=night.now)
    for key in (KEY, *others):
        if key in others:
            night.stage_fails(key)
        night.store.cards[key] = replace(
            night.store.cards[key], channel="C0DEPLOYS", undeliverable="not_in_channel", due_at=None
        )
    return night, chat


def test_a_card_that_slack_refused_for_good_is_tried_again() -> None:
    night, chat = refused()
    policy = Policy(slack_channel="C0DEPLOYS")
    show(KEY, night.store, chat, policy, night.now)
    assert chat.messages == {}
    assert make_due(night.store, "web", night.now) >= 1
    show(KEY, night.store, chat, policy, night.now)
    assert len(chat.messages) == 1
    assert night.store.cards[KEY].undeliverable == ""


def test_every_page_of_refused_cards_is_gone_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.workflows.make_due.PAGE", 1)
    night, _ = refused(OTHER)
    make_due(night.store, "all", night.now)
    assert [night.store.cards[key].due_at for key in (KEY, OTHER)] == [night.now, night.now]


def test_a_card_that_cannot_be_read_keeps_no_other_from_being_tried_again() -> None:
    night, _ = refused(OTHER)
    night.store.unreadable.add((DueKind.CARD, str(KEY)))
    make_due(night.store, "all", night.now)
    assert night.store.cards[OTHER].due_at == night.now


def test_a_shared_card_that_slack_refused_for_good_gets_its_clock_back() -> None:
    night, _ = refused()
    night.store.cards[KEY] = replace(night.store.cards[KEY], burst="b-1", undeliverable="")
    burst = Burst("b-1", 1, "C0DEPLOYS", night.now, undeliverable="is_archived", due_at=None)
    night.store.save_burst(burst)
    make_due(night.store, "all", night.now)
    assert night.store.bursts["b-1"].due_at == night.now


def test_what_there_is_no_time_for_is_left_as_it_was() -> None:
    night, _ = held_night()
    night.minutes(2)
    before = clocks(night)
    assert make_due(night.store, "all", night.now, lambda: True) == 0
    assert clocks(night) == before


class App:
    """What the sweep's handler asks of the composition root."""

    def __init__(self, night: Night) -> None:
        self.world, self.store, self.clock = night.world, night.store, lambda: night.now


@pytest.mark.parametrize("event", [{}, None, [], "make_due", {"detail-type": "Scheduled Event"}])
def test_the_schedules_event_moves_no_clock(event: object, monkeypatch: pytest.MonkeyPatch) -> None:
    night, _ = held_night()
    night.minutes(2)
    monkeypatch.setattr(handler, "app", lambda: App(night))
    before = clocks(night)
    assert handler.handler(event, None) == {"failed": 0}
    assert clocks(night) == before


@pytest.mark.parametrize("what", ["", "  ", None, 7, ["all"], {}])
def test_what_is_not_understood_is_refused_and_does_nothing(what: object, monkeypatch: pytest.MonkeyPatch) -> None:
    night, _ = held_night()
    night.minutes(2)
    monkeypatch.setattr(handler, "app", lambda: App(night))
    before = clocks(night)
    assert set(handler.handler({"make_due": what}, None)) == {"refused"}
    assert clocks(night) == before


def test_the_answer_says_how_many_clocks_were_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    night, _ = held_night()
    night.minutes(2)
    monkeypatch.setattr(handler, "app", lambda: App(night))
    answer = handler.handler({"make_due": " web "}, None)
    assert answer["failed"] == 0
    assert int(answer["make_due"]) >= 1
