"""Every function dies at every call it makes, before and after; Lambda invokes it again; all ends as it must."""

from collections.abc import Iterator
from datetime import timedelta
from functools import cache

import pytest

from bot.cards.card import DISMISS, RETRY, UNDO
from bot.model import Status
from bot.policy import Policy
from tests.fakes.chat import ALICE
from tests.simulation.people import BOB
from tests.simulation.plan import Act, Plan
from tests.simulation.scheduler import Task
from tests.simulation.simulation import Simulation

STORY = Plan(
    seed=1,
    policy=Policy(settle=timedelta(0), slack_channel="C0DEPLOYS"),
    tags={},
    support_plan=True,
    acts=(
        Act(0, "issue begins", (0, 5.0)),
        Act(5, "start", ("web",)),  # fails, is held
        Act(5, "start", ("api",)),  # is stopped by the gate
        Act(5, "start", ("job",)),  # fails by its own fault
        Act(900, "press", (ALICE, "web", DISMISS)),
        Act(910, "press", (ALICE, "web", DISMISS)),  # whom nothing answers clicks again
        Act(960, "press", (BOB, "web", UNDO)),
        Act(970, "press", (BOB, "web", UNDO)),
        Act(1000, "press", (BOB, "job", RETRY)),
        Act(1010, "press", (BOB, "job", RETRY)),
        Act(1800, "issue closes", (0,)),
    ),
    crowded=True,
)
OUTCOMES = {"web": ["ECS", "PASSES"], "api": ["PASSES"], "job": ["OWN", "PASSES", "PASSES"]}
Point = tuple[str, str, int]  # function, place, which of that function's visits to that place


class Crash:
    """Kills the one function that reaches the point, once."""

    def __init__(self, point: Point | None) -> None:
        self.point = point
        self.seen: dict[tuple[str, str], int] = {}
        self.struck = False

    def __call__(self, task: Task, place: str) -> bool:
        return self.strikes(task.name, place)

    def strikes(self, function: str, place: str) -> bool:
        visit = self.seen[function, place] = self.seen.get((function, place), 0) + 1
        strikes = (function, place, visit) == self.point
        self.struck = self.struck or strikes
        return strikes


def told(plan: Plan, outcomes: dict[str, list[str]], point: Point | None) -> tuple[Simulation, Crash]:
    """The plan with one death in it; every modal that opens is sent off."""
    simulation, crash = Simulation(plan), Crash(point)
    simulation.scheduler.die_at = crash
    simulation.crowd.always = "the fix is in this very deploy"
    simulation.pipelines.outcomes = {name: list(kinds) for name, kinds in outcomes.items()}
    simulation.run()
    return simulation, crash


def story(point: Point | None) -> tuple[Simulation, Crash]:
    return told(STORY, OUTCOMES, point)


@cache
def points() -> tuple[Point, ...]:
    """Where the story's functions call: each place a function calls at, on its first two visits there."""

    return tuple(sorted(points_of(story(None)[1])))


def points_of(crash: Crash) -> Iterator[Point]:
    for (function, place), visits in crash.seen.items():
        for visit in range(1, min(visits, 2) + 1):
            yield function, place, visit


def test_the_story_calls_on_everything() -> None:
    """Each function acts, and both sides of each of its calls are points to die at."""
    functions = {function for function, _, _ in points()}
    assert functions == {
        "gate", "health_event", "notify", "pipeline_event", "resume", "slack_request", "sweep"
    }  # fmt: skip
    places = {(function, place) for function, place, _ in points()}
    assert ("resume", "pipelines.retry_stage") in places
    assert ("resume", "pipelines.retry_stage, done") in places
    assert ("notify", "chat.post, done") in places
    assert ("notify", "store.save_line, done") in places
    assert ("notify", "store.save_burst, done") in places
    assert len(points()) > 200


@pytest.mark.parametrize(
    "function", ["gate", "health_event", "notify", "pipeline_event", "resume", "slack_request", "sweep"]
)
def test_a_death_at_any_call_changes_no_end(function: str) -> None:
    """One retry a failure, one card an execution, and the same end as if nobody had died."""
    for point in points():
        if point[0] == function:
            simulation, crash = story(point)
            assert crash.struck, point
            ends = {key.pipeline + key.stage: each.status for key, each in simulation.store.executions.items()}
            assert set(ends.values()) == {Status.RECOVERED}, (point, ends)
            failed = {key for key, each in simulation.store.executions.items() if each.actions}
            assert sorted(key.pipeline + key.stage for key in failed) == ["apiGate", "jobBuild", "webDeploy"], (
                point
            )
            for key in simulation.store.executions:  # what only ran for long was never retried
                assert simulation.pipelines.accepted.count(key) == (key in failed), point
                assert len(simulation.chat.cards_of(key)) == 1, point
