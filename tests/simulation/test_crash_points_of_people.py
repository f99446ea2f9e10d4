"""Every call dies once, as in test_crash_points, in a story of what people do and of a gate that waits."""

from datetime import timedelta
from functools import cache

import pytest

from bot.cards.card import OVERRIDE
from bot.model import Status
from bot.policy import Policy
from tests.fakes.chat import ALICE
from tests.simulation.people import BOB
from tests.simulation.plan import Act, Plan
from tests.simulation.simulation import Simulation
from tests.simulation.test_crash_points import Crash, Point, points_of, told
from tests.simulation.test_crash_points import points as points_there

# Whom nothing answers asks again; Slack sends mentions and opened Homes again by itself.
STORY = Plan(
    seed=1,
    policy=Policy(settle=timedelta(0), slack_channel="C0DEPLOYS", override_users=(ALICE,)),
    tags={},
    support_plan=True,
    acts=(
        Act(0, "issue begins", (0, 5.0)),
        Act(5, "start", ("ops",)),  # its gate waits
        Act(5, "start", ("web",)),  # fails, is held
        Act(5, "start", ("job",)),  # is stopped by a condition
        Act(500, "say", (BOB, "why web", True, 1)),
        Act(510, "home", (BOB,)),
        Act(520, "say", (BOB, "status", False, 2)),
        Act(600, "press", (ALICE, "job", OVERRIDE)),
        Act(660, "press", (ALICE, "job", OVERRIDE)),
        Act(900, "press", (ALICE, "ops", OVERRIDE)),
        Act(960, "press", (ALICE, "ops", OVERRIDE)),
        Act(1500, "say", (ALICE, "ignore ECS none of ours", False, 1)),
        Act(1560, "say", (ALICE, "ignore ECS none of ours", False, 1)),
        Act(2400, "say", (ALICE, "ignore ECS undo", True, 1)),
    ),
)
OUTCOMES = {"web": ["ECS", "PASSES"], "job": ["PASSES", "ON_SUCCESS", "PASSES"], "ops": ["PASSES"]}


def story(point: Point | None) -> tuple[Simulation, Crash]:
    return told(STORY, OUTCOMES, point)


@cache
def points() -> tuple[Point, ...]:
    """Where no function of the other story calls."""
    known = {(function, place) for function, place, _ in points_there()}
    return tuple(sorted(point for point in points_of(story(None)[1]) if point[:2] not in known))


def test_the_story_calls_on_what_people_call_on() -> None:
    places = {(function, place) for function, place, _ in points()}
    for call in ("chat.open_view", "chat.publish_home", "chat.post", "store.take_turn", "store.end_turn"):
        assert ("slack_request", f"{call}, done") in places, call
    assert len(points()) > 50
    assert ("gate", "pipelines.keep_job, done") in places
    assert ("gate", "store.save_hold, done") in places
    assert ("sweep", "store.drop_hold, done") in places
    assert ("resume", "pipelines.override_condition, done") in places
    simulation, _ = story(None)
    assert simulation.promises.gates.passed == {"overridden": 1}


@pytest.mark.parametrize("function", ["gate", "resume", "slack_request", "sweep"])
def test_a_death_at_any_call_changes_no_end(function: str) -> None:
    """One retry of what was held, one override of what was stopped, one answer, and the same end."""
    for point in points():
        if point[0] == function:
            simulation, crash = story(point)
            assert crash.struck, point
            ends = {key.pipeline + key.stage: each.status for key, each in simulation.store.executions.items()}
            assert ends == dict.fromkeys(("opsGate", "webDeploy", "jobDeploy"), Status.RECOVERED), (point, ends)
            assert [key.pipeline for key in simulation.pipelines.accepted] == ["web"], point
            assert [key.pipeline for key, _ in simulation.pipelines.overridden] == ["job"], point
            assert len(simulation.store.given) == 2, point
