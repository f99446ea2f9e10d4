"""Two clicks, a close, a sweep and a death, in every order within a bound: one retry, one card, one end."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest

from bot.cards.card import DISMISS, RETRY
from bot.model import Execution, Status
from bot.policy import Policy
from handlers import sweep
from tests.builders import NOW
from tests.fakes.chat import ALICE
from tests.fakes.store import MemoryStore
from tests.simulation.interleavings import Choices, Turns, every_order
from tests.simulation.people import BOB
from tests.simulation.plan import Act, Plan
from tests.simulation.playing import playing
from tests.simulation.scheduler import Task, Violation
from tests.simulation.simulation import SECOND, Simulation

HELD = Plan(
    seed=1,
    policy=Policy(settle=timedelta(0), slack_channel="C0DEPLOYS"),
    tags={},
    support_plan=True,
    acts=(Act(0, "issue begins", (0, 5.0)), Act(2, "start", ("web",))),
)
Meanwhile = Callable[[Simulation], None]


def retry(simulation: Simulation) -> None:
    simulation.press(ALICE, "web", RETRY)


def retry_too(simulation: Simulation) -> None:
    simulation.press(BOB, "web", RETRY)


def dismiss(simulation: Simulation) -> None:
    simulation.press(BOB, "web", DISMISS)


def close(simulation: Simulation) -> None:
    simulation.health.close(0)


def look(simulation: Simulation) -> None:
    simulation.spawn("sweep", lambda: sweep.handler({}, None))


def held() -> Simulation:
    """web is held by an open issue and its card is posted."""
    simulation = Simulation(HELD, scheduler=Turns)
    simulation.pipelines.outcomes = {"web": ["ECS", "PASSES", "PASSES", "PASSES"]}
    return simulation


def play(simulation: Simulation, meanwhile: tuple[Meanwhile, ...], choices: Choices, death: int | None) -> None:
    """Held, then all at once in the order of the choices; the `death`th call from then on is somebody's last."""
    scheduler = simulation.scheduler
    assert isinstance(scheduler, Turns)
    with playing(simulation):
        for act in simulation.plan.acts:
            scheduler.at(NOW + act.at * SECOND, lambda act=act: simulation._do(act))  # type: ignore[misc]
        simulation._sweep_each_minute()
        scheduler.run(NOW + 480 * SECOND)
        assert [each.status for each in simulation.store.executions.values()] == [Status.BLOCKED]
        calls = count()
        scheduler.die_at = lambda _task, _place: next(calls) == death
        scheduler.choosing = True
        for happens in meanwhile:
            happens(simulation)
        scheduler.take_turns(choices)
        scheduler.choosing = False
        scheduler.die_at = _nobody_dies
        simulation._all_gets_well()
        simulation._until_all_is_well()


def _nobody_dies(_task: Task, _place: str) -> bool:
    return False


def orders(meanwhile: tuple[Meanwhile, ...], most_turns: int, deaths: Iterable[int | None] = (None,)) -> int:
    """Try every order; how many there were."""
    tried = 0
    for death in deaths:
        for choices in every_order(most_turns):
            simulation = held()
            play(simulation, meanwhile, choices, death)
            tried += 1
            (key,) = simulation.store.executions
            retries = simulation.pipelines.accepted.count(key)
            status = simulation.store.executions[key].status
            assert (status, retries) in ((Status.RECOVERED, 1), (Status.DISMISSED, 0)), (choices.made, death)
            assert len(simulation.chat.cards_of(key)) == 1, (choices.made, death)
    return tried


@pytest.mark.parametrize(
    "meanwhile",
    [(retry, retry_too), (retry, dismiss), (retry, close), (dismiss, close), (close, look), (close, close, look)],
)
def test_two_at_once_in_every_order(meanwhile: tuple[Meanwhile, ...]) -> None:
    """And what they set off: the functions that read the stream take turns with them."""
    assert orders(meanwhile, most_turns=1) >= 20


def test_two_clicks_a_close_and_a_sweep_in_every_order() -> None:
    """All at once, and what they set off."""
    assert orders((retry, dismiss, close, look), most_turns=1) > 100


def test_two_clicks_and_a_close_with_a_death_at_any_call() -> None:
    """Whoever makes the nth call dies there; what had to be said is said again."""
    assert orders((retry, retry_too, close), most_turns=0, deaths=range(70)) == 70


def test_a_click_and_a_close_in_every_order_with_deaths() -> None:
    assert orders((retry, close), most_turns=1, deaths=range(3, 60, 14)) > 200


def test_a_table_in_which_the_last_write_wins_is_found_out() -> None:
    """The bound is wide enough to find what it is there to find."""
    save = MemoryStore.save_execution

    def overwrite(store: MemoryStore, execution: Execution, **options: Any) -> None:
        stored = store.executions.get(execution.key)
        if stored is not None:
            version = stored.version + 1
            trail = (*execution.trail[:-1], replace(execution.trail[-1], version=version))
            execution = replace(execution, version=version, trail=trail)
        save(store, execution, **options)

    with patch.object(MemoryStore, "save_execution", overwrite), pytest.raises((Violation, AssertionError)):
        orders((retry, dismiss), most_turns=2)
