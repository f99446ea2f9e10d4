"""What the store promises of holds: the newest stands, and goes only as it was looked at. Both stores."""

from datetime import timedelta

from hypothesis import given

from bot.holds import Hold, HoldEnd
from bot.ports import Store
from tests.builders import NOW, a_hold
from tests.contract import strategies
from tests.contract.test_store import any_values


@any_values
@given(hold=strategies.holds)
def test_any_hold_comes_back_as_it_was_saved(store: Store, hold: Hold) -> None:
    store.save_hold(hold)
    assert store.load_hold(hold.key) == hold


def test_each_continuation_replaces_the_one_before(store: Store) -> None:
    store.save_hold(a_hold())
    ended = a_hold(seen_at=NOW + timedelta(minutes=9), ended=HoldEnd.PASSED, blockers=())
    store.save_hold(ended)
    assert store.load_hold(a_hold().key) == ended


def test_a_hold_is_dropped_only_as_the_one_that_was_looked_at(store: Store) -> None:
    """A job that came in between says that the gate waits on."""
    seen, newer = a_hold(), a_hold(seen_at=NOW + timedelta(minutes=1))
    store.save_hold(newer)
    store.drop_hold(seen)
    assert store.load_hold(newer.key) == newer
    store.drop_hold(newer)
    assert store.load_hold(newer.key) is None
    store.drop_hold(newer)


def test_each_execution_has_its_own(store: Store) -> None:
    store.save_hold(a_hold())
    assert store.load_hold(a_hold(execution_id="another").key) is None
