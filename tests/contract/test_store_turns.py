"""What the store promises to those who answer people: turns, marks of issues, what ended last. Both stores."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.errors import DuplicateClick, VersionConflict
from bot.model import Status
from bot.ports import DueKind, Store, Turn
from tests.builders import NOW, a_key, an_execution, an_issue
from tests.contract.conftest import Bench

LEASE = timedelta(seconds=15)


def minutes(count: int) -> datetime:
    return NOW + timedelta(minutes=count)


def take(store: Store, now: datetime = NOW, request: str = "Ev1") -> Turn:
    return store.take_turn(request, now, LEASE, now + timedelta(days=1))


class TestTurns:
    def test_the_first_one_has_it_and_whoever_comes_meanwhile_waits(self, store: Store) -> None:
        assert take(store) is Turn.FIRST
        assert take(store) is Turn.BUSY
        assert take(store, NOW + LEASE - timedelta(seconds=1)) is Turn.BUSY

    def test_after_the_lease_it_is_taken_over_once(self, store: Store) -> None:
        take(store)
        assert take(store, NOW + LEASE) is Turn.AGAIN
        assert take(store, NOW + LEASE) is Turn.BUSY

    def test_what_was_carried_out_stays_so(self, store: Store) -> None:
        take(store)
        store.end_turn("Ev1")
        assert take(store) is Turn.DONE
        assert take(store, minutes(5)) is Turn.DONE

    def test_one_requests_turn_is_not_anothers(self, store: Store) -> None:
        take(store)
        store.end_turn("Ev1")
        assert take(store, request="Ev2") is Turn.FIRST

    def test_ending_what_nobody_began_begins_nothing(self, store: Store) -> None:
        store.end_turn("Ev1")
        assert take(store) is Turn.FIRST


class TestMarksOfIssues:
    def test_an_issue_and_its_mark_are_saved_together(self, store: Store) -> None:
        store.save_issue(an_issue(), click="c", click_expires_at=minutes(60))
        with pytest.raises(DuplicateClick):
            store.save_issue(an_issue(version=2), click="c", click_expires_at=minutes(60))
        assert store.load_issue(an_issue().key) == an_issue()

    def test_a_save_that_conflicts_uses_no_mark_up(self, store: Store) -> None:
        store.save_issue(an_issue())
        with pytest.raises(VersionConflict):
            store.save_issue(an_issue(), click="c")
        store.save_issue(an_issue(version=2), click="c")

    def test_who_ignores_it_is_read_back(self, store: Store) -> None:
        issue = an_issue(ignored_by="U0ALICE", ignored_reason="noise", ignored_at=NOW)
        store.save_issue(issue)
        assert store.load_issue(issue.key) == issue

    def test_a_deploys_mark_counts_for_an_issue_too(self, store: Store) -> None:
        """A mark is a request's, whatever it was about."""
        store.save_execution(an_execution(), click="c")
        with pytest.raises(DuplicateClick):
            store.save_issue(an_issue(), click="c")


class TestWhatEnded:
    def fill(self, store: Store) -> None:
        for name, status, at in (
            ("a", Status.RECOVERED, 3),
            ("b", Status.STOPPED, 5),
            ("c", Status.BLOCKED, 0),
            ("d", Status.DISMISSED, 1),
        ):
            finished_at = minutes(at) if status.finished else None
            store.save_execution(an_execution(key=a_key(pipeline=name), status=status, finished_at=finished_at))

    def test_the_newest_end_comes_first_and_what_goes_on_is_left_out(self, store: Store) -> None:
        self.fill(store)
        assert [each.key.pipeline for each in store.finished(10)] == ["b", "a", "d"]
        assert [each.key.pipeline for each in store.finished(2)] == ["b", "a"]

    def test_what_began_again_has_not_ended(self, store: Store) -> None:
        self.fill(store)
        key = a_key(pipeline="b")
        before = store.load_execution(key)
        assert before is not None
        line = replace(before.trail[-1], version=2)
        store.save_execution(
            replace(before, version=2, status=Status.BLOCKED, finished_at=None, trail=(*before.trail, line))
        )
        assert [each.key.pipeline for each in store.finished(10)] == ["a", "d"]

    def test_one_that_cannot_be_read_hides_no_other(self, bench: Bench) -> None:
        self.fill(bench.store)
        bench.spoil(DueKind.EXECUTION, str(a_key(pipeline="b")))
        assert [each.key.pipeline for each in bench.store.finished(2)] == ["a", "d"]
