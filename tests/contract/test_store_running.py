"""What the store promises of stages that run: one item each, and a late word of an older run changes nothing."""

from datetime import timedelta

from hypothesis import given

from bot.ports import Store
from bot.running import RunningStage
from tests.builders import NOW, a_key, a_running_stage
from tests.contract import strategies
from tests.contract.test_store import any_values

LATER = NOW + timedelta(minutes=30)


@any_values
@given(stage=strategies.running)
def test_any_stage_comes_back_as_it_was_saved(store: Store, stage: RunningStage) -> None:
    store.save_running(stage)
    assert stage in store.running(10_000)


def test_they_are_listed_in_key_order_up_to_a_limit(store: Store) -> None:
    stages = [a_running_stage(key=a_key(pipeline=name)) for name in ("c", "a", "b")]
    for stage in stages:
        store.save_running(stage)
    assert [each.key.pipeline for each in store.running(10)] == ["a", "b", "c"]
    assert [each.key.pipeline for each in store.running(2)] == ["a", "b"]


def test_nothing_runs_at_first(store: Store) -> None:
    assert store.running(10) == ()


def test_it_is_looked_at_again_when_that_was_said(store: Store) -> None:
    stage = a_running_stage()
    store.save_running(stage)
    store.postpone_running(stage, LATER)
    assert store.running(10) == (a_running_stage(look_at=LATER),)


def test_another_run_of_the_stage_is_not_postponed_and_one_that_is_gone_does_not_come_back(store: Store) -> None:
    seen, newer = a_running_stage(), a_running_stage(since_at=LATER, look_at=LATER)
    store.save_running(newer)
    store.postpone_running(seen, LATER + timedelta(hours=1))
    assert store.running(10) == (newer,)
    store.drop_running(newer.key, LATER)
    store.postpone_running(newer, LATER)
    assert store.running(10) == ()


def test_the_end_of_an_earlier_run_does_not_end_a_later_one(store: Store) -> None:
    store.save_running(a_running_stage(since_at=LATER))
    store.drop_running(a_running_stage().key, LATER - timedelta(seconds=1))
    assert len(store.running(10)) == 1
    store.drop_running(a_running_stage().key, LATER)
    assert store.running(10) == ()
    store.drop_running(a_running_stage().key, LATER)
