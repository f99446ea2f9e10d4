"""What the store promises where it answers with many: edges, clocks, the ledger and the indexes. Both stores."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import pytest

from bot.bursts import Burst
from bot.inferred import RegionRecord
from bot.model import ExecutionKey, Status
from bot.ports import Due, DueKind, Page, Store
from tests.builders import ISSUE_ARN, KEY, NOW, a_card, a_hint, a_hold, a_key, a_report, an_execution, an_issue
from tests.contract.conftest import Bench

T = TypeVar("T")
OTHER_ISSUE = ISSUE_ARN + "-OTHER"


def run(number: int) -> ExecutionKey:
    return a_key(execution_id=f"run-{number:02d}")


HALF = timedelta(seconds=30)


def minutes(count: int) -> datetime:
    return NOW + timedelta(minutes=count)


def pages(read: Callable[[str], Page[T]]) -> list[tuple[T, ...]]:
    """Every page, by following the cursors."""
    found, cursor = [], ""
    while True:
        page = read(cursor)
        found.append(page.items)
        if page.cursor is None:
            return found
        assert page.cursor, "an empty cursor would start again"
        cursor = page.cursor


class TestEdges:
    def test_an_edge_is_there_as_soon_as_its_execution_is(self, store: Store) -> None:
        store.save_execution(an_execution(), holding=[ISSUE_ARN, OTHER_ISSUE, ISSUE_ARN])
        assert store.held_by(ISSUE_ARN, "", 10) == Page((KEY,))
        assert store.held_by(OTHER_ISSUE, "", 10) == Page((KEY,))

    def test_holding_again_makes_no_second_edge(self, store: Store) -> None:
        store.save_execution(an_execution(), holding=[ISSUE_ARN])
        store.save_execution(an_execution(version=2), holding=[ISSUE_ARN])
        assert store.held_by(ISSUE_ARN, "", 10).items == (KEY,)

    def test_every_edge_is_found_page_by_page_in_key_order(self, store: Store) -> None:
        for number in (5, 2, 7, 1, 3, 6, 4):
            store.save_execution(an_execution(key=run(number)), holding=[ISSUE_ARN])
        read = pages(lambda after: store.held_by(ISSUE_ARN, after, 3))
        assert [key for page in read for key in page] == [run(number) for number in range(1, 8)]
        assert max(map(len, read)) == 3

    def test_a_cursor_outlives_new_edges_on_both_sides_of_it(self, store: Store) -> None:
        """What comes before the cursor waits for the next round; what comes after is in this one."""
        for number in (2, 4, 6):
            store.save_execution(an_execution(key=run(number)), holding=[ISSUE_ARN])
        page = store.held_by(ISSUE_ARN, "", 2)
        assert page.cursor is not None
        for number in (1, 5):
            store.save_execution(an_execution(key=run(number)), holding=[ISSUE_ARN])
        assert store.held_by(ISSUE_ARN, page.cursor, 5).items == (run(5), run(6))

    def test_an_issue_that_holds_nothing_has_one_empty_page(self, store: Store) -> None:
        store.save_execution(an_execution(), holding=[ISSUE_ARN])
        assert store.held_by(OTHER_ISSUE, "", 10) == Page(())


class TestClocks:
    def fill(self, store: Store) -> tuple[Due, ...]:
        """One of each kind, oldest first: hint, issue, card, execution, hold, burst, what was inferred."""
        store.save_inferred(RegionRecord("us-east-1", 1, due_at=minutes(5)))
        store.save_burst(Burst("b1", 1, "C0DEPLOYS", NOW, due_at=minutes(5)))
        store.save_hold(a_hold(due_at=minutes(4) + HALF))
        store.save_execution(an_execution(due_at=minutes(4)))
        store.save_card(a_card(revision=2, due_at=minutes(3)))
        store.save_issue(an_issue(due_at=minutes(2)))
        store.save_hint(a_hint(due_at=minutes(1)))
        return (
            Due(DueKind.HINT, a_hint().key, minutes(1)),
            Due(DueKind.ISSUE, ISSUE_ARN, minutes(2)),
            Due(DueKind.CARD, str(KEY), minutes(3)),
            Due(DueKind.EXECUTION, str(KEY), minutes(4)),
            Due(DueKind.HOLD, a_hold().key, minutes(4) + HALF),
            Due(DueKind.BURST, "b1", minutes(5)),
            Due(DueKind.INFERRED, "us-east-1", minutes(5)),
        )

    def test_every_kind_of_clock_is_found_oldest_first(self, store: Store) -> None:
        expected = self.fill(store)
        assert store.due(minutes(5), 10) == expected

    def test_a_clock_is_due_at_its_instant_and_not_before(self, store: Store) -> None:
        expected = self.fill(store)
        assert store.due(minutes(3), 10) == expected[:3]
        assert store.due(minutes(3) - timedelta(microseconds=1), 10) == expected[:2]
        assert store.due(NOW, 10) == ()

    def test_no_more_than_the_limit_and_those_the_oldest(self, store: Store) -> None:
        expected = self.fill(store)
        assert store.due(minutes(5), 2) == expected[:2]

    def test_what_has_no_clock_is_never_due(self, store: Store) -> None:
        store.save_execution(an_execution(status=Status.RECOVERED))
        store.save_card(a_card(revision=2, due_at=None))
        store.save_issue(an_issue(due_at=None))
        assert store.due(NOW + timedelta(days=1_000), 10) == ()

    @pytest.mark.parametrize("kind", list(DueKind))
    def test_any_clock_can_be_pushed(self, store: Store, kind: DueKind) -> None:
        self.fill(store)
        (due,) = (each for each in store.due(minutes(5), 10) if each.kind is kind)
        store.postpone(due, minutes(60))
        assert due.key not in [each.key for each in store.due(minutes(59), 10) if each.kind is kind]
        assert Due(kind, due.key, minutes(60)) in store.due(minutes(60), 10)

    @pytest.mark.parametrize("kind", list(DueKind))
    def test_the_clock_of_an_item_that_cannot_be_read_can_be_pushed(self, bench: Bench, kind: DueKind) -> None:
        """Else one bad item would starve the sweep for ever."""
        self.fill(bench.store)
        (due,) = (each for each in bench.store.due(minutes(5), 10) if each.kind is kind)
        bench.spoil(kind, due.key)
        bench.store.postpone(due, minutes(60))
        assert due not in bench.store.due(minutes(59), 10)

    def test_a_clock_that_moved_since_is_left_alone(self, store: Store) -> None:
        seen = self.fill(store)[0]
        store.save_hint(a_hint(due_at=minutes(7)))
        store.postpone(seen, minutes(60))
        assert store.load_hint(a_hint().key) == a_hint(due_at=minutes(7))

    def test_a_clock_that_was_taken_away_does_not_come_back(self, store: Store) -> None:
        seen = self.fill(store)[2]
        store.save_card(a_card(revision=3, due_at=None))
        store.postpone(seen, minutes(60))
        assert store.load_card(KEY) == a_card(revision=3, due_at=None)

    def test_pushing_what_is_gone_makes_nothing(self, store: Store) -> None:
        store.postpone(Due(DueKind.HINT, a_hint().key, NOW), minutes(60))
        assert store.load_hint(a_hint().key) is None

    def test_pushing_a_clock_is_no_new_version(self, store: Store) -> None:
        seen = self.fill(store)
        for due in seen:
            store.postpone(due, minutes(60))
        assert store.load_execution(KEY) == an_execution(due_at=minutes(60))
        assert store.load_card(KEY) == a_card(revision=2, due_at=minutes(60))
        assert store.load_issue(ISSUE_ARN) == an_issue(due_at=minutes(60))


class TestLedger:
    def test_the_ledger_has_every_issue_in_every_phase(self, store: Store) -> None:
        issues = [an_issue(report=a_report(arn=f"{ISSUE_ARN}-{number}")) for number in range(4)]
        for issue in issues:
            store.save_issue(issue)
        assert list(store.ledger()) == issues

    def test_an_issue_that_cannot_be_read_hides_no_other(self, bench: Bench) -> None:
        bench.store.save_issue(an_issue())
        bench.store.save_issue(an_issue(report=a_report(arn=OTHER_ISSUE)))
        bench.spoil(DueKind.ISSUE, ISSUE_ARN)
        assert [issue.key for issue in bench.store.ledger()] == [OTHER_ISSUE]


class TestUnfinished:
    def test_only_what_is_not_finished_oldest_failure_first(self, store: Store) -> None:
        for number, status in enumerate(Status):
            store.save_execution(
                an_execution(key=run(number), status=status, first_failed_at=minutes(-number), failed_at=NOW)
            )
        listed = [execution.status for execution in store.unfinished("", 20).items]
        assert listed == [Status.NEEDS_HUMAN, Status.RETRYING, Status.RESUMING, Status.BLOCKED]

    def test_an_execution_leaves_when_it_finishes_and_returns_when_undone(self, store: Store) -> None:
        store.save_execution(an_execution())
        store.save_execution(an_execution(version=2, status=Status.DISMISSED))
        assert store.unfinished("", 10) == Page(())
        undone = an_execution(version=3)
        store.save_execution(undone)
        assert store.unfinished("", 10).items == (undone,)

    def test_every_one_is_found_page_by_page_though_they_failed_in_the_same_instant(self, store: Store) -> None:
        for number in (5, 2, 7, 1, 3, 6, 4):
            store.save_execution(an_execution(key=run(number)))
        read = pages(lambda after: store.unfinished(after, 3))
        assert [each.key for page in read for each in page] == [run(number) for number in range(1, 8)]
        assert max(map(len, read)) == 3

    def test_a_cursor_outlives_the_execution_it_points_at(self, store: Store) -> None:
        for number in (1, 2, 3):
            store.save_execution(an_execution(key=run(number)))
        page = store.unfinished("", 2)
        assert page.cursor is not None
        store.save_execution(an_execution(key=run(2), version=2, status=Status.RECOVERED))
        assert [each.key for each in store.unfinished(page.cursor, 2).items] == [run(3)]

    def test_one_that_cannot_be_read_hides_no_other(self, bench: Bench) -> None:
        for number in (1, 2, 3):
            bench.store.save_execution(an_execution(key=run(number)))
        bench.spoil(DueKind.EXECUTION, str(run(2)))
        read = pages(lambda after: bench.store.unfinished(after, 1))
        assert [each.key for page in read for each in page] == [run(1), run(3)]


class TestOfPipeline:
    def test_a_pipelines_executions_of_any_region_newest_failure_first(self, store: Store) -> None:
        elsewhere = a_key(region="eu-west-1")
        store.save_execution(an_execution(key=run(1), status=Status.RECOVERED, first_failed_at=minutes(1)))
        store.save_execution(an_execution(key=elsewhere, first_failed_at=minutes(3)))
        store.save_execution(an_execution(key=run(2), first_failed_at=minutes(2)))
        store.save_execution(an_execution(key=a_key(pipeline="web-api"), first_failed_at=minutes(4)))
        store.save_hint(a_hint())
        assert [each.key for each in store.of_pipeline("web", 10)] == [elsewhere, run(2), run(1)]
        assert [each.key for each in store.of_pipeline("web", 2)] == [elsewhere, run(2)]
        assert store.of_pipeline("we", 10) == ()

    def test_one_that_cannot_be_read_hides_no_other_and_takes_no_place(self, bench: Bench) -> None:
        for number in (1, 2, 3):
            bench.store.save_execution(an_execution(key=run(number)))
        bench.spoil(DueKind.EXECUTION, str(run(3)))
        assert [each.key for each in bench.store.of_pipeline("web", 2)] == [run(2), run(1)]
