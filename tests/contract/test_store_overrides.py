"""What the store promises of overrides: written with the state, for one stage of one execution. Both stores."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given

from bot.errors import DuplicateClick, VersionConflict
from bot.model import ExecutionKey, Override, Status
from bot.ports import Store
from tests.builders import KEY, NOW, a_key, an_execution, an_override
from tests.contract import strategies
from tests.contract.test_store import SOON, any_values, fresh, next_version


def overrides_of(store: Store, key: ExecutionKey) -> tuple[Override, ...]:
    return store.overrides(key.account, key.region, key.pipeline, key.execution_id)


@any_values
@given(override=strategies.overrides)
def test_any_override_comes_back_as_it_was_saved(store: Store, override: Override) -> None:
    key = replace(override.key, execution_id=f"run-{next(fresh)}")
    override = replace(override, key=key)
    store.save_execution(an_execution(key=key), override=override)
    assert overrides_of(store, key) == (override,)


def test_it_is_there_as_soon_as_the_state_that_owes_the_retry_is(store: Store) -> None:
    store.save_execution(an_execution(status=Status.RESUMING), override=an_override())
    assert overrides_of(store, KEY) == (an_override(),)


def test_a_state_that_is_not_saved_lets_nothing_pass(store: Store) -> None:
    """Neither a lost race nor a click that was used before leaves an override behind."""
    store.save_execution(an_execution(), click="c1", click_expires_at=SOON)
    with pytest.raises(VersionConflict):
        store.save_execution(an_execution(), override=an_override())
    with pytest.raises(DuplicateClick):
        store.save_execution(
            next_version(an_execution()), click="c1", click_expires_at=SOON, override=an_override()
        )
    assert overrides_of(store, KEY) == ()


def test_a_second_one_for_the_stage_replaces_the_first(store: Store) -> None:
    store.save_execution(an_execution(), override=an_override())
    second = an_override(by="U0DAVE", reason="", expires_at=NOW + timedelta(hours=2))
    store.save_execution(next_version(an_execution()), override=second)
    assert overrides_of(store, KEY) == (second,)


@pytest.mark.parametrize("part", ["account", "region", "pipeline", "execution_id"])
def test_it_is_no_other_executions(store: Store, part: str) -> None:
    """Whichever part of its name is another one, or goes on where this one ends."""
    store.save_execution(an_execution(), override=an_override())
    for other in ("999999999999", getattr(KEY, part) + "0", getattr(KEY, part)[:-1]):
        assert overrides_of(store, a_key(**{part: other})) == ()


def test_each_stage_of_an_execution_has_its_own(store: Store) -> None:
    gate = a_key(stage="HealthGate")
    store.save_execution(an_execution(), override=an_override())
    store.save_execution(an_execution(key=gate), override=an_override(key=gate))
    assert overrides_of(store, KEY) == (an_override(), an_override(key=gate))


def test_one_for_another_stage_than_is_saved_is_a_bug(store: Store) -> None:
    with pytest.raises(ValueError, match="the stage it is for"):
        store.save_execution(an_execution(), override=an_override(key=a_key(stage="Build")))
    assert overrides_of(store, KEY) == ()
