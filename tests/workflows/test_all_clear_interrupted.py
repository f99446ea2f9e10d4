"""The all-clear re-opened, flapping, or dying at any point: everything is retried once, nobody is forgotten."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bot.model import IssuePhase, Status
from bot.ports import Store
from bot.workflows.issue_work import work
from tests.builders import ISSUE_ARN
from tests.workflows.harness import MINUTE, Night, many_held, retried
from tests.workflows.meddling import PowerFailure


def phase(night: Night) -> IssuePhase:
    return night.store.issues[ISSUE_ARN].phase


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("when", ["settling", "looking", "canary", "draining", "done"])
def test_re_opening_at_any_point_keeps_what_is_not_released(when: str, told: bool) -> None:
    """What was retried stays retried, once; the rest is held, and goes after the next close."""
    night, report, keys = many_held(30, settle=2 * MINUTE)
    night.issue_closes(report)
    night.minutes(1)
    if when != "settling":
        night.minutes(1)
        assert phase(night) is IssuePhase.CANARY
    if when in ("draining", "done"):
        night.stage_passes(retried(night)[0])
        if when == "done":
            night.minutes(1)
            assert phase(night) is IssuePhase.DONE
    if when == "draining":
        night.now += MINUTE
        _steps(night, IssuePhase.DRAINING)
    before = list(retried(night))
    night.issue_opens(told=told, start_at=report.start_at, updated_at=night.now)
    night.minutes(20)
    assert retried(night) == before
    held = {key for key in keys if night.status(key) is Status.BLOCKED}
    assert held == set(keys) - set(before)
    night.issue_closes(report)
    night.minutes(20)
    assert Counter(retried(night)) == dict.fromkeys(keys, 1)


def _steps(night: Night, until: IssuePhase) -> None:
    """The issue's work up to a phase, as if the function died after it."""

    class Dies:
        def __getattr__(self, name: str) -> Any:
            return getattr(night.store, name)

        def save_issue(self, issue: Any) -> None:
            night.store.save_issue(issue)
            if issue.phase is until:
                raise PowerFailure

    store = night.world.store
    night.between(Dies())  # type: ignore[arg-type]  # every other method is the store's
    with pytest.raises(PowerFailure):
        work(night.world, ISSUE_ARN, night.now)
    night.between(store)


def test_flapping_spends_nobodys_budget_and_retries_nothing_twice() -> None:
    """Closed, open, closed, open: each time too short to settle, then long enough for the canary alone."""
    night, report, keys = many_held()
    for _ in range(3):
        night.issue_closes(report)
        night.minutes(3)
        night.issue_opens(start_at=report.start_at, updated_at=night.now)
        night.minutes(10)
    assert retried(night) == []
    for _ in range(3):
        night.issue_closes(report)
        night.minutes(6)
        night.issue_opens(start_at=report.start_at, updated_at=night.now)
        night.minutes(10)
    assert Counter(retried(night)) == dict.fromkeys(keys[:3], 1), "a canary a close"
    night.issue_closes(report)
    night.minutes(30)
    assert Counter(retried(night)) == dict.fromkeys(keys, 1)


class MortalStore:
    """The function dies at its call number `last`, before or after the call took effect."""

    def __init__(self, store: Store, last: int, after: bool) -> None:
        self._store = store
        self._left = last
        self._after = after
        self.died = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                self.died = True
                if self._after:
                    method(*arguments, **options)
                raise PowerFailure
            return method(*arguments, **options)

        return call


@pytest.mark.parametrize("after", [False, True])
def test_a_death_between_any_two_calls_is_caught_up_by_the_clock(after: bool) -> None:
    """Wherever the all-clear's work dies, everything is retried once and nobody is forgotten."""
    for last in range(1, 500):
        night, report, keys = many_held(7, settle=timedelta(0))
        mortal = MortalStore(night.store, last, after)
        night.between(mortal)  # type: ignore[arg-type]  # every method is the store's
        try:
            night.issue_closes(report)
            night.deliver()
            night.stage_passes(keys[0])
            night.now += MINUTE
            night.sweep()
        except PowerFailure:
            pass
        night.between(night.store)
        night.minutes(6)
        if night.accepted(keys[0]):
            night.stage_passes(keys[0])
        night.minutes(12)
        assert Counter(retried(night)) == dict.fromkeys(keys, 1), last
        assert phase(night) is IssuePhase.DONE, last
        if not mortal.died:
            assert last > 30, "it died at many places before it came through"
            return
    raise AssertionError("it never came through")
