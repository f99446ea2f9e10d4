"""A few fixed seeds of the simulator; `make soak` plays new ones."""

from collections import Counter
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from bot.lifecycle import retrying
from bot.workflows import resume
from bot.workflows.world import World
from tests.simulation.plan import draw
from tests.simulation.simulation import Simulation
from tests.simulation.soak import outcome, shrink

FIXED = range(40)


@pytest.mark.parametrize("seed", FIXED)
def test_a_night_keeps_every_promise(seed: int) -> None:
    """Whatever fails, lags, comes twice or dies; tests/simulation/promises.py says what is promised."""
    assert outcome(draw(seed)) == ""


def test_the_same_seed_is_the_same_run() -> None:
    """What broke on one machine can be told on another."""
    first, again = Simulation(draw(7), tell=True), Simulation(draw(7), tell=True)
    first.run()
    again.run()
    assert first.history == again.history
    assert len(first.history) > 100


def test_the_nights_are_not_quiet_ones() -> None:
    """A simulator in which nothing goes wrong would prove nothing."""
    runs = [Simulation(draw(seed), tell=True) for seed in range(40)]
    for run in runs:
        run.run()
    told = "\n".join(line for run in runs for line in run.history)
    for happening in ("is killed", "raises TryLater", "raises OutcomeUnknown", "lost:", "SUPERSEDED", "DISMISSED",
                      "RECOVERED", "asking CodePipeline again", "s ago)",
                      "goes first, and the others wait for it", "store.save_line",
                      "change calendar Releases is closed", "store.save_inferred",
                      "was rolled back", "the pipeline was changed since"):  # fmt: skip
        assert happening in told, happening
    assert any(run.promises.inferred for run in runs)
    calls = [call for run in runs for calls in run.promises.calls.values() for call in calls]
    assert sum(call.took_effect for call in calls) > 10
    assert any(call.unanswered for call in calls)
    rare = sum(map(_rare, runs), Counter[str]())
    assert [name for name in _rare(runs[0]) if not rare[name]] == []


def _rare(run: Simulation) -> Counter[str]:
    """How often happened what is not seen by a line of history alone."""
    people, gates = run.promises.people, run.promises.gates
    return Counter(
        {
            "a gate passed by an override": gates.passed["overridden"],
            "a gate passed after a wait": gates.passed["waited"],
            "a condition passed by an override": len(run.pipelines.overridden),
            "an answer in a thread": people.answers.total(),
            "a whisper": len(run.chat.whispers),
            "an App Home": len(run.chat.homes),
            "a modal": len(run.chat.views),
            "an issue ignored": len(people.ignored_issues),
            "a retry of all": sum(map(len, people.all_asked_for.values())),
        }
    )


def test_a_broken_lease_is_found_and_its_history_shrunk() -> None:
    """Two functions that may both call CodePipeline for one failure: some night shows it."""
    with patch.object(resume, "LEASE", timedelta(0)):
        seed, promise = _first_broken()
        shrunk = shrink(draw(seed), promise, seconds=5)
        assert outcome(shrunk)
    assert len(shrunk.acts) < len(draw(seed).acts)


def test_a_claim_that_is_not_fenced_is_found() -> None:
    """A budget that is never spent lets the bot retry for ever."""

    def free(*arguments: object, **changes: object) -> object:
        changes["automatic_retries"] = 0
        return before(*arguments, **changes)  # type: ignore[arg-type]

    before = retrying.next_state
    with patch.object(retrying, "next_state", free):
        assert _first_broken()


def test_whoever_decides_by_what_is_inferred_is_found() -> None:
    def nosy(world: World, *arguments: Any) -> Any:
        world.store.load_inferred("us-east-1")
        return before(world, *arguments)

    before = resume.open_explanations
    with patch.object(resume, "open_explanations", nosy):
        assert "looked at what is inferred" in _first_broken()[1]


def _first_broken() -> tuple[int, str]:
    for seed in range(200):
        broken = outcome(draw(seed))
        if broken:
            return seed, broken
    raise AssertionError("nothing was found in 200 nights")
