"""One episode, played: the real handlers over ports in memory and a clock that only the replay moves.

Nothing goes wrong here that did not go wrong then; storms are what tests/simulation is for.
"""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from bot import canary
from bot.errors import NoSupportPlan
from bot.evidence import Found
from bot.model import Execution, ExecutionKey, IssueReport, Status
from bot.policy import Policy
from bot.ports import Due, DueKind
from bot.providers import services_of_resource
from bot.workflows import issue_work
from handlers import gate, health_event, notify, pipeline_event, resume, sweep
from tests.builders import ACCOUNT
from tests.fakes.calendar import FakeCalendar
from tests.fakes.evidence import FakeEvidence
from tests.fakes.health import FakeHealth
from tests.fakes.store import MemoryStore
from tests.replay.fleet import Deploy, Why, fleet_of
from tests.replay.pipelines import Pipelines, action_name
from tests.replay.record import MINUTE, Episode, Post, Trouble, hurting_on
from tests.simulation.incidents import health_event_of
from tests.simulation.people import Secrets, Workspace
from tests.simulation.playing import App, playing
from tests.simulation.scheduler import SECOND, Scheduler, Task
from tests.simulation.stream import Reader
from tests.simulation.weather import Port, Weather

HOUR = timedelta(hours=1)
TIMEOUT = MINUTE
AFTERWARDS = 2.5 * HOUR  # played on after the last close
HANDLERS = {"pipeline_event": pipeline_event, "health_event": health_event, "gate": gate}


@dataclass(frozen=True, slots=True)
class Installation:
    """How Allclear is set up in a replay, and what AWS tells it."""

    policy: Policy = field(default_factory=lambda: Policy(slack_channel="C0DEPLOYS"))
    without_canary: int = canary.WITHOUT
    support_plan: bool = True
    start_told: bool = True  # an issue's startTime says from the first post on when the impact began
    cards: bool = True  # whether Slack's side plays
    well_after: timedelta | None = (
        None  # what no record shows: AWS closes each issue, and it hurts this long after
    )

    def with_plan(self, support_plan: bool) -> "Installation":
        return replace(self, support_plan=support_plan)


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written of an execution, and when."""

    at: datetime
    execution: Execution


@dataclass(frozen=True, slots=True)
class Retried:
    """One accepted call of RetryStageExecution; `decided_at` is when the function that made it began."""

    key: ExecutionKey
    at: datetime
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class LetThrough:
    """A gate's job that was passed."""

    key: ExecutionKey
    at: datetime
    decided_at: datetime


class WithoutCards(MemoryStore):
    """The store where Slack's side does not play: no card is ever due."""

    def due(self, now: datetime, limit: int) -> tuple[Due, ...]:
        others = [due for due in super().due(now, limit + len(self.cards)) if due.kind is not DueKind.CARD]
        return tuple(others[:limit])


class Replay:
    """`run` plays the episode. What happened is then in `saved`, `retried`, `let_through` and `pipelines`."""

    def __init__(self, episode: Episode, installation: Installation) -> None:
        if installation.well_after is not None:
            episode = hurting_on(episode, installation.well_after)
        self.episode, self.installation = episode, installation
        self.deploys = fleet_of(episode)
        self.saved: list[Saved] = []
        self.retried: list[Retried] = []
        self.let_through: list[LetThrough] = []
        self.unexpected: list[str] = []
        began_at = episode.began_at - 3.5 * HOUR
        random = Random(episode.name)  # noqa: S311 - chance that can be repeated
        self._random = random
        self.scheduler = Scheduler(random, began_at)
        self.weather = Weather(random, self.scheduler)
        self.plan = SimpleNamespace(policy=installation.policy, crowded=False, short_waits=False)
        self.store = (MemoryStore if installation.cards else WithoutCards)(on_write=self._written)
        self.health = FakeHealth()
        if not installation.support_plan:
            self.health.error = NoSupportPlan("SubscriptionRequiredException")
        self.pipelines = Pipelines(
            self.deploys, episode.troubles, self.scheduler, self._tell_pipeline, self._start_job
        )
        self.evidence = FakeEvidence()
        self.evidence.found.update({action_name(deploy): _found(deploy) for deploy in self.deploys})
        self.ports = {
            name: Port(name, target, self.scheduler, self.weather)
            for name, target in (
                ("store", self.store), ("pipelines", self.pipelines), ("health", self.health),
                ("calendar", FakeCalendar()), ("evidence", self.evidence),
                ("chat", Workspace(self.scheduler, seen=lambda _: None, opened=lambda *_: None)),
                ("secrets", Secrets()),
            )
        }  # fmt: skip
        self.ports["store"].after["save_execution"] = self._saved
        self.ports["pipelines"].after["retry_stage"] = self._retried
        self.ports["pipelines"].after["pass_job"] = self._passed
        self.readers = {
            name: Reader(name, module.handler, self.scheduler, self.weather, random)
            for name, module in (("resume", resume), ("notify", notify))
        }
        ids = count(1)
        self.app = App(self, lambda: f"id-{next(ids)}")  # type: ignore[arg-type]
        self.app.region = episode.home
        self._events = count(1)

    @property
    def ends_at(self) -> datetime:
        """Some time after the last close; where there is none, after the issue holds nothing for its age."""
        age = self.installation.policy.issue_max_age
        ends = [trouble.closed_at or trouble.opened_at + age for trouble in self.episode.troubles]
        remarks = [post.at for trouble in self.episode.troubles if trouble.closed_at for post in trouble.posts]
        return max(*ends, *remarks) + AFTERWARDS

    def run(self) -> None:
        """Play it to its end."""
        pages = patch.object(issue_work, "PAGE", 25)
        few = patch.object(canary, "WITHOUT", self.installation.without_canary)
        with playing(self), pages, few:  # type: ignore[arg-type]
            for trouble in self.episode.troubles:
                for post in trouble.posts:
                    if post.at < self.ends_at:
                        self._at(post, trouble)
            self._sweep_each_minute()
            self.scheduler.run(self.ends_at)

    def count(self, *, name: str, unit: object, value: float) -> AbstractContextManager[None]:  # noqa: ARG002
        """CloudWatch: what an alarm looks at."""
        self.unexpected.append(f"{name}: {value}")
        return nullcontext()

    def _at(self, post: Post, trouble: Trouble) -> None:
        def told() -> None:
            report = self._report(post, trouble)
            self.health.show(report)
            self._send("health_event", health_event_of(report, self.scheduler.now))

        self.scheduler.at(post.at, told)

    def _report(self, post: Post, trouble: Trouble) -> IssueReport:
        closed = trouble.closed_at is not None and post.at >= trouble.closed_at
        told = self.installation.start_told or closed
        ended_at = trouble.impact[-1][1]
        return IssueReport(
            arn=trouble.arn,
            service=trouble.service,
            region=trouble.region,
            type_code=f"AWS_{trouble.service}_OPERATIONAL_ISSUE",
            scope="PUBLIC",
            account="",
            start_at=trouble.began_at if told else max(trouble.began_at, trouble.opened_at),
            updated_at=post.at,
            closed=closed,
            end_at=min(ended_at, post.at) if closed and ended_at else None,
            description=post.text,
        )

    # What is invoked.

    def _delayed(self) -> datetime:
        """EventBridge: at once, or when it delivers again."""
        off = self.episode.deliveries_off
        now = self.scheduler.now
        at = off[1] if off and off[0] <= now < off[1] else now
        return at + self._random.random() * 1.5 * SECOND

    def _sweep_each_minute(self) -> None:
        self.scheduler.after(MINUTE, self._sweep_each_minute)
        off = self.episode.deliveries_off
        is_off = off is not None and off[0] <= self.scheduler.now < off[1]  # the schedule is EventBridge too
        if not is_off and self.store.due(self.scheduler.now, 1):
            self._spawn("sweep", lambda: sweep.handler({}, None))

    def _spawn(self, name: str, function: Any) -> None:
        def ended(task: Task) -> None:
            if task.error is not None:
                self.unexpected.append(f"{name}: {task.error!r}")
            elif "refused" in task.answer:
                self.unexpected.append(f"{name}: {task.answer}")

        self.scheduler.spawn(name, function, TIMEOUT, ended)

    def _send(self, name: str, event: Any) -> None:
        self.scheduler.at(self._delayed(), lambda: self._spawn(name, lambda: HANDLERS[name].handler(event, None)))

    def _tell_pipeline(self, level: str, key: ExecutionKey, state: str) -> None:
        detail = {"pipeline": key.pipeline, "execution-id": key.execution_id, "state": state}
        if level != "Pipeline":
            detail["stage"] = key.stage
        event = {
            "source": "aws.codepipeline",
            "detail-type": f"CodePipeline {level} Execution State Change",
            "account": ACCOUNT,
            "region": key.region,
            "time": self.scheduler.now.isoformat(),
            "id": f"event-{next(self._events)}",
            "detail": detail,
        }
        self._send("pipeline_event", event)

    def _start_job(self, job: str, key: ExecutionKey, deploy: Deploy, token: str) -> None:
        asked: dict[str, Any] = {"pipeline": key.pipeline, "execution": key.execution_id, "mode": deploy.gate}
        asked["regions"] = [key.region]
        if deploy.gate_services:
            asked["services"] = list(deploy.gate_services)
        data: dict[str, Any] = {"actionConfiguration": {"configuration": {"UserParameters": json.dumps(asked)}}}
        if token:
            data["continuationToken"] = token
        event = {"CodePipeline.job": {"id": job, "accountId": ACCOUNT, "data": data}}
        self.scheduler.after(SECOND, lambda: self._spawn("gate", lambda: gate.handler(event, None)))

    def _written(self, key: ExecutionKey) -> None:
        if self.installation.cards:
            self.readers["notify"].append(key)
        if self.store.executions[key].status is Status.RESUMING:
            self.readers["resume"].append(key)

    # What is watched.

    def _saved(self, _task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        self.saved.append(Saved(self.scheduler.now, arguments[0]))

    def _retried(self, task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        self.retried.append(Retried(arguments[0], self.scheduler.now, task.started_at))

    def _passed(self, task: Task, arguments: tuple[Any, ...], answer: object) -> None:
        if answer:
            key = self.pipelines.key_of(arguments[1])
            self.let_through.append(LetThrough(key, self.scheduler.now, task.started_at))


def _found(deploy: Deploy) -> Found:
    """What CloudFormation and CodeBuild would tell of the failure, in the project's own reading of their names."""
    if deploy.why not in (Why.AWS, Why.DISGUISED):
        return Found()
    way = deploy.way
    services = services_of_resource(f"AWS::{way.resource}") if way.resource else ()
    return Found(tuple(sorted(services)), way.phase, bool(way.phase))
