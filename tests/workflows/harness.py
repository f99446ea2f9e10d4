"""A night in memory: the real workflows over the fakes, a clock only a test moves, and the stream as a queue."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from bot.events import EventLevel, EventState, PipelineEvent
from bot.lifecycle import Dismissed, RetryRequested, Undone
from bot.model import Execution, ExecutionKey, FailedAction, IssueReport, Status
from bot.policy import Policy
from bot.ports import DueKind, StageStatus, StageTruth, Store
from bot.running import RunningAction
from bot.workflows.issue_work import on_report
from bot.workflows.ledger import IssueReader
from bot.workflows.pipeline_events import on_pipeline_event
from bot.workflows.resume import resume
from bot.workflows.sweep import sweep
from bot.workflows.world import World, apply
from tests.builders import ACCOUNT, KEY, NOW, a_key, a_report, a_running_action, an_action
from tests.fakes.calendar import FakeCalendar
from tests.fakes.evidence import FakeEvidence
from tests.fakes.health import FakeHealth
from tests.fakes.pipelines import FakePipelines
from tests.fakes.store import MemoryStore

MINUTE = timedelta(minutes=1)
USER = "U0ALICE"
HELD = (  # the history line of a failure that the ECS issue explains, after "Deploy failed"
    "; held by the ECS issue in us-east-1 until the all-clear. An open ECS issue in us-east-1 "
    "(AWS_ECS_OPERATIONAL_ISSUE) explains it: the failed action DeployService (ECS) runs in us-east-1."
)
UNLESS = ": resuming. A last look at CodePipeline and the known AWS issues comes before the retry."


class Night:
    """One installation. `now` moves by `minutes`; after each the sweep runs and the stream is delivered."""

    def __init__(self, **settings: Any) -> None:
        self.now = NOW
        self.stream: deque[ExecutionKey] = deque()
        self.store = MemoryStore(on_write=self.stream.append)
        self.pipelines = FakePipelines()
        self.health = FakeHealth()
        self.calendar = FakeCalendar()
        self.evidence = FakeEvidence()
        self.failed_items = 0  # what the sweep counted for its alarm
        self._ids, self._attempts = count(1), count(1)
        self.world = World(
            store=self.store,
            pipelines=self.pipelines,
            health=self.health,
            calendar=self.calendar,
            evidence=self.evidence,
            policy=Policy(**settings),
            account=ACCOUNT,
            new_id=lambda: f"id-{next(self._ids)}",
        )

    def between(self, store: Store) -> None:
        """Put another store between the workflows and the table: one that loses races or connections."""
        self.world = replace(self.world, store=store)

    # What CodePipeline does.

    def stage_fails(self, key: ExecutionKey = KEY, *actions: FailedAction, told: bool = True) -> None:
        """The stage's ECS deploy (or `actions`) fails now, in a new attempt; `told`: its event arrives."""
        number = next(self._attempts)
        failed = actions or (an_ecs_deploy(region=key.region),)
        newest = tuple(replace(each, action_execution_id=f"{each.name}-{number}") for each in failed)
        self.pipelines.show_failed(key, *newest, at=self.now)
        if told:
            self.event(EventState.FAILED, key)

    def stage_runs(
        self,
        key: ExecutionKey = KEY,
        *actions: RunningAction,
        state: EventState = EventState.STARTED,
        told: bool = True,
    ) -> None:
        """The stage's ECS deploy (or `actions`) has begun now; `told`: its event arrives."""
        began = actions or (a_running_action(started_at=self.now, region=key.region),)
        self.pipelines.show(StageTruth(key, StageStatus.IN_PROGRESS, execution_status="InProgress", running=began))
        if told:
            self.event(state, key)

    def stage_passes(self, key: ExecutionKey = KEY, *, told: bool = True) -> None:
        self.pipelines.show_status(key, StageStatus.SUCCEEDED)
        if told:
            self.event(EventState.SUCCEEDED, key)

    def show(self, key: ExecutionKey = KEY, **changes: Any) -> None:
        """The truth about the stage changes in these fields only."""
        truth = self.pipelines.truth.get(key, StageTruth(key, StageStatus.FAILED))
        self.pipelines.show(replace(truth, **changes))

    def event(self, state: EventState, key: ExecutionKey = KEY, level: EventLevel = EventLevel.STAGE) -> None:
        stage = None if level is EventLevel.PIPELINE else key.stage
        parsed = PipelineEvent(
            level, key.account, key.region, key.pipeline, key.execution_id, state, self.now, stage
        )
        on_pipeline_event(self.world, parsed, self.now)

    # What AWS Health says.

    def issue_opens(self, *, told: bool = True, **changes: Any) -> IssueReport:
        """An ECS issue in us-east-1 that began 20 minutes ago; `told`: its event arrives."""
        began = {"start_at": self.now - 20 * MINUTE, "updated_at": self.now}
        report = a_report(**{**began, **changes})
        self._report(report, told)
        return report

    def issue_closes(self, report: IssueReport, *, told: bool = True) -> IssueReport:
        closed = replace(report, closed=True, updated_at=self.now)
        self._report(closed, told)
        return closed

    def _report(self, report: IssueReport, told: bool) -> None:
        self.health.show(report)
        if told:
            on_report(self.world, report, self.now)

    # What people do.

    def click_retry(self, key: ExecutionKey = KEY) -> None:
        apply(self.world, key, RetryRequested(USER), self.now)

    def click_dismiss(self, key: ExecutionKey = KEY) -> None:
        apply(self.world, key, Dismissed(USER), self.now)

    def click_undo(self, key: ExecutionKey = KEY) -> None:
        apply(self.world, key, Undone(USER), self.now)

    # Time.

    def deliver(self) -> None:
        """The stream, to its end: what is RESUMING when its record is read goes to the resume function."""
        while self.stream:
            key = self.stream.popleft()
            if self.store.executions[key].status is Status.RESUMING:
                resume(self.world, IssueReader(self.world), key, self.now)

    def sweep(self) -> None:
        self.failed_items += sweep(self.world, self.now)

    def minutes(self, number: float, until: Callable[[], bool] = lambda: False) -> None:
        """Time passes, a minute at a time; cards are taken for shown."""
        for _ in range(int(number)):
            if until():
                return
            self.deliver()
            self.now += MINUTE
            for key, card in self.store.cards.items():
                self.store.cards[key] = replace(card, due_at=None)
            self.sweep()
            self.deliver()

    # What came of it.

    def execution(self, key: ExecutionKey = KEY) -> Execution:
        return self.store.executions[key]

    def status(self, key: ExecutionKey = KEY) -> Status:
        return self.execution(key).status

    def accepted(self, key: ExecutionKey = KEY) -> int:
        return self.pipelines.accepted.count(key)

    def asked(self, key: ExecutionKey = KEY) -> int:
        return self.pipelines.retried.count(key)

    def lines(self, key: ExecutionKey = KEY) -> list[str]:
        return [entry.in_full for entry in self.store.history(key)]

    def due(self, kind: DueKind) -> list[str]:
        """What is due within the next minute."""
        return [due.key for due in self.store.due(self.now + MINUTE, 1_000) if due.kind is kind]


def an_ecs_deploy(**changes: Any) -> FailedAction:
    return an_action(**{"name": "DeployService", "provider": "ECS", **changes})


def held_night(**settings: Any) -> tuple[Night, IssueReport]:
    """An issue is open and web's Deploy is held by it."""
    night = Night(**settings)
    report = night.issue_opens()
    night.stage_fails()
    assert night.status() is Status.BLOCKED
    return night, report


def many_held(number: int = 12, **settings: Any) -> tuple[Night, IssueReport, list[ExecutionKey]]:
    """An issue is open and holds so many deploys."""
    night = Night(**settings)
    report = night.issue_opens()
    keys = [a_key(pipeline=f"service-{each:05d}") for each in range(number)]
    for key in keys:
        night.stage_fails(key)
    assert {night.status(key) for key in keys} == {Status.BLOCKED}
    return night, report, keys


def retried(night: Night) -> list[ExecutionKey]:
    """The retries CodePipeline accepted, in their order."""
    return night.pipelines.accepted


def released_night(**settings: Any) -> Night:
    """As held_night, then the issue closed and settled: the retry is owed, and nobody has acted on it yet."""
    night, report = held_night(**{"settle": timedelta(0), **settings})
    night.stream.clear()
    night.issue_closes(report)
    assert night.status() is Status.RESUMING
    return night
