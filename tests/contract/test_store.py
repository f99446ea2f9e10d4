"""What one item of the store promises: saves that conflict, cards, clicks, hints and issues. Both stores."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings

from bot.card_ref import CardRef
from bot.errors import DuplicateClick, ParseError, VersionConflict
from bot.model import Execution, ExecutionKey, Hint, Issue, IssuePhase, Status
from bot.ports import DueKind, Store
from tests.builders import ISSUE_ARN, KEY, NOW, a_card, a_hint, a_key, a_report, an_entry, an_execution, an_issue
from tests.contract import strategies
from tests.contract.conftest import Bench
from tests.fakes.store import MemoryStore

any_values = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
fresh = count()
SOON = NOW + timedelta(minutes=10)


def next_version(execution: Execution, **changes: object) -> Execution:
    version = execution.version + 1
    line = an_entry(version=version, at=NOW + timedelta(minutes=version), what=f"step {version}")
    return replace(execution, version=version, trail=(*execution.trail, line), **changes)  # type: ignore[arg-type]


class TestValues:
    @any_values
    @given(execution=strategies.first_executions)
    def test_any_execution_comes_back_as_it_was_saved(self, store: Store, execution: Execution) -> None:
        execution = replace(execution, key=replace(execution.key, execution_id=f"run-{next(fresh)}"))
        store.save_execution(execution)
        assert store.load_execution(execution.key) == execution
        assert store.history(execution.key) == execution.trail[-1:]

    @any_values
    @given(issue=strategies.first_issues)
    def test_any_issue_comes_back_as_it_was_saved(self, store: Store, issue: Issue) -> None:
        issue = replace(issue, report=replace(issue.report, arn=f"{issue.report.arn}/{next(fresh)}"))
        store.save_issue(issue)
        assert store.load_issue(issue.key) == issue

    @any_values
    @given(card=strategies.first_cards)
    def test_any_card_comes_back_as_it_was_saved(self, store: Store, card: CardRef) -> None:
        card = replace(card, key=replace(card.key, execution_id=f"run-{next(fresh)}"))
        store.save_card(card)
        assert store.load_card(card.key) == card

    @any_values
    @given(hint=strategies.hints)
    def test_any_hint_comes_back_as_it_was_saved(self, store: Store, hint: Hint) -> None:
        store.save_hint(hint)
        assert store.load_hint(hint.key) == hint

    def test_fractions_of_a_second_of_an_issues_expiry_are_dropped(self, store: Store) -> None:
        """TTL counts whole seconds."""
        store.save_issue(an_issue(expires_at=NOW + timedelta(days=90, milliseconds=700)))
        loaded = store.load_issue(ISSUE_ARN)
        assert loaded is not None
        assert loaded.expires_at == NOW + timedelta(days=90)

    def test_what_was_never_saved_is_none(self, store: Store) -> None:
        assert store.load_execution(KEY) is None
        assert store.load_card(KEY) is None
        assert store.load_hint(a_hint().key) is None
        assert store.load_issue(ISSUE_ARN) is None
        assert store.history(KEY) == ()


class TestExecutions:
    def test_each_save_needs_the_version_after_the_stored_one(self, store: Store) -> None:
        first = an_execution()
        store.save_execution(first)
        store.save_execution(next_version(first))
        for stale in (first, next_version(first, note="another's idea"), an_execution(version=4)):
            with pytest.raises(VersionConflict):
                store.save_execution(stale)
        loaded = store.load_execution(KEY)
        assert loaded == next_version(first)

    def test_a_second_version_of_nothing_conflicts(self, store: Store) -> None:
        with pytest.raises(VersionConflict):
            store.save_execution(an_execution(version=2))
        assert store.load_execution(KEY) is None

    def test_a_conflict_writes_nothing_at_all(self, store: Store) -> None:
        store.save_execution(an_execution())
        card = store.load_card(KEY)
        with pytest.raises(VersionConflict):
            store.save_execution(an_execution(note="late"), holding=[ISSUE_ARN], click="c1", click_expires_at=SOON)
        assert store.load_card(KEY) == card
        assert store.held_by(ISSUE_ARN, "", 10).items == ()
        assert len(store.history(KEY)) == 1
        store.save_execution(next_version(an_execution()), click="c1", click_expires_at=SOON)

    def test_the_same_save_by_two_writers_succeeds_for_one(self, store: Store) -> None:
        """Equal contents are not the same save: only one of two claimers may believe that it claimed."""
        store.save_execution(an_execution())
        with pytest.raises(VersionConflict):
            store.save_execution(an_execution())

    def test_a_trail_that_does_not_end_with_this_version_is_a_bug(self, store: Store) -> None:
        for trail in ((), (an_entry(version=2),)):
            with pytest.raises(ValueError, match="trail"):
                store.save_execution(an_execution(trail=trail))
        assert store.load_execution(KEY) is None

    def test_history_keeps_every_line_in_order_past_what_the_trail_carries(self, store: Store) -> None:
        execution = an_execution()
        store.save_execution(execution)
        for _ in range(11):
            execution = next_version(execution)
            execution = replace(execution, trail=execution.trail[-2:])
            store.save_execution(execution)
        assert [line.version for line in store.history(KEY)] == list(range(1, 13))

    def test_neighbours_share_nothing(self, store: Store) -> None:
        """A stage whose name begins like another's is another item, another card, another history."""
        longer = a_key(stage=KEY.stage + "Again")
        store.save_execution(an_execution())
        store.save_execution(an_execution(key=longer))
        store.save_execution(next_version(an_execution(key=longer)))
        assert [line.version for line in store.history(KEY)] == [1]
        assert [line.version for line in store.history(longer)] == [1, 2]

    def test_waking_changes_no_version_no_history_and_no_value(self, store: Store) -> None:
        store.save_execution(an_execution())
        card = store.load_card(KEY)
        store.wake_execution(KEY, SOON)
        assert store.load_execution(KEY) == an_execution()
        assert store.load_card(KEY) == card
        assert len(store.history(KEY)) == 1
        store.save_execution(next_version(an_execution()))

    def test_waking_what_is_gone_makes_nothing(self, store: Store) -> None:
        store.wake_execution(KEY, NOW)
        assert store.load_execution(KEY) is None


class TestClicks:
    def test_a_click_counts_once(self, store: Store) -> None:
        store.save_execution(an_execution())
        second = next_version(an_execution(), status=Status.RESUMING)
        store.save_execution(second, click="c1", click_expires_at=SOON)
        with pytest.raises(DuplicateClick):
            store.save_execution(next_version(second), click="c1", click_expires_at=SOON)
        assert store.load_execution(KEY) == second
        store.save_execution(next_version(second), click="c2", click_expires_at=SOON)

    def test_a_click_delivered_twice_at_once_is_a_duplicate_rather_than_a_conflict(self, store: Store) -> None:
        """Both deliveries decide on the same version; the later one must answer what the click did."""
        store.save_execution(an_execution())
        second = next_version(an_execution())
        store.save_execution(second, click="c1", click_expires_at=SOON)
        with pytest.raises(DuplicateClick):
            store.save_execution(second, click="c1", click_expires_at=SOON)


class TestCards:
    def test_saving_an_execution_asks_for_a_card_that_is_due_at_once(self, store: Store) -> None:
        store.save_execution(an_execution())
        assert store.load_card(KEY) == CardRef(KEY, revision=1, wanted_version=1, due_at=NOW)

    def test_the_next_save_wants_more_and_keeps_what_is_known_of_the_message(self, store: Store) -> None:
        store.save_execution(an_execution())
        posted = a_card(revision=2, rendered_version=1, channel="C1", ts="1.2", due_at=None)
        store.save_card(posted)
        second = next_version(an_execution())
        store.save_execution(second)
        wanted = replace(posted, revision=3, wanted_version=2, due_at=second.trail[-1].at)
        assert store.load_card(KEY) == wanted

    def test_a_card_saved_over_a_newer_wanted_version_conflicts(self, store: Store) -> None:
        store.save_execution(an_execution())
        card = store.load_card(KEY)
        assert card is not None
        store.save_execution(next_version(an_execution()))
        with pytest.raises(VersionConflict):
            store.save_card(replace(card, revision=card.revision + 1, rendered_version=1, due_at=None))
        loaded = store.load_card(KEY)
        assert loaded is not None
        assert (loaded.wanted_version, loaded.rendered_version, loaded.revision) == (2, 0, 2)

    @pytest.mark.parametrize("revision", [1, 3])
    def test_a_card_needs_the_revision_after_the_stored_one(self, store: Store, revision: int) -> None:
        store.save_execution(an_execution())
        with pytest.raises(VersionConflict):
            store.save_card(a_card(revision=revision))

    def test_one_of_two_equal_card_saves_wins(self, store: Store) -> None:
        """Two notifies that began a post in the same instant must not both post."""
        store.save_execution(an_execution())
        begun = a_card(revision=2, posting_at=NOW)
        store.save_card(begun)
        with pytest.raises(VersionConflict):
            store.save_card(begun)

    def test_what_a_card_no_longer_has_is_gone(self, store: Store) -> None:
        store.save_execution(an_execution())
        store.save_card(a_card(revision=2, posting_at=NOW))
        store.save_card(a_card(revision=3, posting_at=None, due_at=None))
        assert store.load_card(KEY) == a_card(revision=3, posting_at=None, due_at=None)


class TestHints:
    def test_a_newer_report_replaces_a_hint(self, store: Store) -> None:
        store.save_hint(a_hint())
        store.save_hint(a_hint(token="report-2", tries=3))
        assert store.load_hint(a_hint().key) == a_hint(token="report-2", tries=3)

    def test_a_hint_is_dropped_only_as_the_one_that_was_loaded(self, store: Store) -> None:
        store.save_hint(a_hint(token="report-2"))
        store.drop_hint(a_hint(token="report-1"))
        assert store.load_hint(a_hint().key) == a_hint(token="report-2")
        store.drop_hint(a_hint(token="report-2"))
        assert store.load_hint(a_hint().key) is None
        store.drop_hint(a_hint(token="report-2"))


class TestIssues:
    def test_each_save_needs_the_version_after_the_stored_one(self, store: Store) -> None:
        store.save_issue(an_issue())
        closing = an_issue(version=2, phase=IssuePhase.SETTLING)
        store.save_issue(closing)
        for stale in (an_issue(), closing, an_issue(version=4)):
            with pytest.raises(VersionConflict):
                store.save_issue(stale)
        assert store.load_issue(ISSUE_ARN) == closing

    def test_an_accounts_own_issue_is_another_than_the_public_one(self, store: Store) -> None:
        own = an_issue(report=a_report(account="111122223333", scope="ACCOUNT_SPECIFIC"))
        store.save_issue(an_issue())
        store.save_issue(own)
        assert store.load_issue(own.key) == own
        assert store.load_issue(ISSUE_ARN) == an_issue()


class TestUnreadable:
    def test_loading_what_cannot_be_read_names_the_field_and_the_item(self, bench: Bench) -> None:
        bench.store.save_execution(an_execution())
        bench.spoil(DueKind.EXECUTION, str(KEY))
        with pytest.raises(ParseError, match=rf"^status: .*{KEY.execution_id}") as caught:
            bench.store.load_execution(KEY)
        assert caught.value.field == "status"


def test_the_memory_store_tells_of_saves_and_wakes_as_the_stream_would() -> None:
    """Once each was stored, and neither for a card nor for a save that was refused."""
    told: list[tuple[ExecutionKey, int]] = []
    store = MemoryStore()
    store.on_write = lambda key: told.append((key, store.executions[key].version))
    store.save_execution(an_execution())
    store.save_card(a_card(revision=2))
    with pytest.raises(VersionConflict):
        store.save_execution(an_execution())
    store.wake_execution(KEY, NOW)
    assert told == [(KEY, 1), (KEY, 1)]
