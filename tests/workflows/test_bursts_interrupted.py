"""Notifiers that die between any two calls, and notifiers that run into each other at any call."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.model import Status
from tests.workflows.meddling import power_fails
from tests.workflows.slack_night import CHANNEL, SlackNight, deploy

EVERY_CALL = 400  # more than the stories below make in one go


class Counted:
    """The calls of a notifier to its store and to Slack, counted; something happens at one of them, once."""

    def __init__(self, at: int, what: Callable[[], object], *, after: bool) -> None:
        self._at, self._what, self._after = at, what, after
        self.made = 0

    def between(self, night: SlackNight) -> None:
        night.notify_store = _Counting(night.store, self)  # type: ignore[assignment]
        night.chat = _Counting(night.slack, self)  # type: ignore[assignment]

    def call(self, method: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        self.made += 1
        mine = self.made == self._at
        if mine and not self._after:
            self._what()
        answer = method(*arguments, **options)
        if mine and self._after:
            self._what()
        return answer


class _Counting:
    def __init__(self, real: object, counted: Counted) -> None:
        self._real, self._counted = real, counted

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        return lambda *arguments, **options: self._counted.call(method, arguments, options)


def at_every_call(play: Callable[[int], Counted]) -> int:
    """Play the story with the mishap at the first call, at the second, … until it is over before the mishap."""
    for at in range(1, EVERY_CALL):
        if play(at).made < at:
            return at
    raise AssertionError("the story makes more calls than that")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_notifier_may_die_at_any_call_while_a_burst_begins(*, after: bool) -> None:
    """Three cards are there; the fourth and the fifth deploy fail. Nothing is posted twice, nothing is lost."""

    def play(at: int) -> Counted:
        night = SlackNight()
        night.issue_opens()
        night.fail(0, 1, 2)
        night.deliver()
        counted = Counted(at, power_fails, after=after)
        counted.between(night)
        night.fail(3, 4)
        night.minutes(4)
        assert len(night.top()) == 4
        assert night.title() == "ECS in us-east-1: 5 deploys held"
        night.check_all_shown()
        return counted

    assert at_every_call(play) > 40


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_notifier_may_die_at_any_call_while_an_issue_explains_a_burst(*, after: bool) -> None:
    """Unexplained ones become held: cards of their own and members alike."""

    def play(at: int) -> Counted:
        night = SlackNight()
        night.fail(*range(5))
        night.deliver()
        counted = Counted(at, power_fails, after=after)
        counted.between(night)
        night.issue_opens()
        night.minutes(4)
        assert len(night.top()) == 4
        assert night.title() == "ECS in us-east-1: 5 deploys held"
        night.check_all_shown()
        return counted

    assert at_every_call(play) > 40


@pytest.mark.parametrize("explained", [False, True])
@pytest.mark.parametrize("there", [0, 2, 3])
def test_two_notifiers_that_meet_at_any_call_make_at_most_four_messages(there: int, *, explained: bool) -> None:
    """Another invocation runs from beginning to end in the midst of this one."""

    def play(at: int) -> Counted:
        night = SlackNight()
        if explained:
            night.issue_opens()
        night.fail(*range(there))
        night.deliver()
        others = [deploy(number) for number in range(10, 14)]
        counted = Counted(at, lambda: night.notify(*others), after=False)
        mine = night.fail(*range(3, 7))
        night.fail(*range(10, 14))
        night.records.clear()
        counted.between(night)
        night.notify(*mine)
        night.minutes(4)
        assert len(night.top()) in (3, 4)  # a card that had its place but no post yet may join the burst after all
        assert len(night.store.members[night.burst().burst_id]) == there + 8
        night.check_all_shown()
        night.check_no_two_edits_within_a_second()
        return counted

    assert at_every_call(play) > 40


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_notifier_may_die_at_any_call_while_it_asks_a_person(*, after: bool) -> None:
    """The held ones get too old: one reply in the channel, by the burst."""

    def play(at: int) -> Counted:
        night = SlackNight(max_age=timedelta(hours=1))
        night.issue_opens()
        night.fail(*range(5))
        night.minutes(2)
        counted = Counted(at, power_fails, after=after)
        counted.between(night)
        night.now += timedelta(hours=1)
        night.minutes(5)
        assert night.statuses() == {Status.NEEDS_HUMAN}
        assert len(night.top()) == 4
        assert len(night.slack.in_channel(CHANNEL)) == 5
        return counted

    assert at_every_call(play) > 20
