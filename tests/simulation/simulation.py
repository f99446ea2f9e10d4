"""One run of one plan: the real handlers over the simulated world, first in the storm, then until all is well."""

from collections import Counter, deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from bot.errors import NoSupportPlan
from bot.model import ExecutionKey, IssueReport, Status
from bot.ports import StageStatus
from handlers import gate, health_event, notify, pipeline_event, resume, sweep
from tests.builders import KEY, NOW
from tests.fakes.calendar import FakeCalendar
from tests.fakes.evidence import FakeEvidence
from tests.simulation.crowd import Crowd
from tests.simulation.deploys import Deploys
from tests.simulation.gates import Job, job_event
from tests.simulation.incidents import Incidents, health_event_of
from tests.simulation.people import Secrets, Workspace
from tests.simulation.plan import CALENDAR, CONDITIONS, HOURS, PIPELINES, SHORT_WAIT, WAITING, Act, Plan
from tests.simulation.playing import App, playing
from tests.simulation.promises import Promises
from tests.simulation.scheduler import Scheduler, Task, Violation
from tests.simulation.stream import Reader
from tests.simulation.table import Table
from tests.simulation.telling import event_of, notification_of
from tests.simulation.weather import Port, Weather

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TIMEOUTS = {"sweep": 55 * SECOND, "gate": 30 * SECOND, "slack_request": 10 * SECOND}  # template.yaml
ASYNC_TRIES = (MINUTE, 2 * MINUTE)  # how long Lambda waits before it invokes again
ALL_WELL_WITHIN = 7 * HOUR  # the slowest clock is 4.5 hours


class Simulation:
    """The world of one plan. `run` plays it and raises Violation; `history` tells it, when asked for."""

    def __init__(self, plan: Plan, *, tell: bool = False, scheduler: type[Scheduler] = Scheduler) -> None:
        self.plan = plan
        self.history: list[str] = []
        self.alarms: Counter[str] = Counter()
        self.random = Random(plan.seed)  # noqa: S311 - chance that can be repeated
        self.scheduler = scheduler(self.random, NOW)
        self.weather = Weather(self.random, self.scheduler)
        self.scheduler.slowness = self.weather.slowness
        self.scheduler.die_at = self._dies
        self._doomed: list[list[Any]] = []  # [function, calls it still makes]
        if tell:
            self.scheduler.say = lambda text: self.history.append(f"{self.scheduler.now:%H:%M:%S.%f} {text}")
        self.store = Table(self.scheduler, self.weather, self.random, self._written)
        self.crowd = Crowd(self)
        self.chat = Workspace(self.scheduler, self.crowd.button_seen, self.crowd.modal_opened)
        self.calendar = FakeCalendar()
        self.health = Incidents(self.scheduler, self._tell_issue)
        if not plan.support_plan:
            self.health.error = NoSupportPlan("SubscriptionRequiredException")
        self.pipelines = Deploys(
            self.random, self.scheduler, self.weather, self._tell_pipeline, self._start_job, self.health.breaks
        )
        self.pipelines.stages_of = dict(PIPELINES)
        self.pipelines.tags_of = plan.tags
        self.pipelines.parallel = frozenset(plan.parallel)
        self.pipelines.retry_themselves = frozenset(plan.retry_themselves)
        self.pipelines.conditions = CONDITIONS
        self.pipelines.gates.waiting = WAITING
        if plan.short_waits:
            self.pipelines.gates.longest = SHORT_WAIT + 10 * MINUTE
        self.ports = {
            name: Port(name, target, self.scheduler, self.weather)
            for name, target in (
                ("store", self.store), ("pipelines", self.pipelines), ("health", self.health),
                ("calendar", self.calendar), ("evidence", FakeEvidence()),
                ("chat", self.chat), ("secrets", Secrets()),
            )
        }  # fmt: skip
        self.promises = Promises(self)
        self.readers = [
            Reader(name, module.handler, self.scheduler, self.weather, self.random)
            for name, module in (("resume", resume), ("notify", notify))
        ]
        ids = count(1)
        self.app = App(self, lambda: f"id-{next(ids)}")
        self._sent: deque[tuple[str, Any, ExecutionKey, datetime]] = deque(
            maxlen=1000
        )  # events that may come again
        self._events = count(1)
        self.on_the_way = 0  # events and invocations that are still to come

    # One run.

    def run(self) -> None:
        """The whole plan. Raises Violation at the first broken promise."""
        with playing(self):
            for act in self.plan.acts:
                self.scheduler.at(NOW + act.at * SECOND, lambda act=act: self._do(act))  # type: ignore[misc]
            self._sweep_each_minute()
            self.scheduler.run(NOW + HOURS * HOUR)
            self._all_gets_well()
            self._until_all_is_well()

    def _all_gets_well(self) -> None:
        """Everything answers, issues close (told or not), and what runs passes."""
        if self.scheduler.say:
            self.scheduler.say("-- the storm is over")
        self.crowd.calm_down()
        self.health.close_all()
        self.calendar.closed.clear()
        self.weather.clear_up()
        self._doomed.clear()
        self.pipelines.all_passes = True
        if not self.plan.support_plan:  # a close that no event told cannot be asked for
            for report in list(self.health.reports.values()):
                self._tell_issue(report)

    def _until_all_is_well(self) -> None:
        end = self.scheduler.now + ALL_WELL_WITHIN
        self.scheduler.run(self.scheduler.now + 30 * SECOND)  # between two sweeps
        while self.scheduler.now < end:
            self.scheduler.run(self.scheduler.now + 10 * MINUTE)
            if not self.promises.still_open():
                break
        still = self.promises.still_open()
        if still:
            raise Violation(f"not well in time: {still}")
        self.scheduler.run(self.scheduler.now + HOUR)  # and it stays so
        still = self.promises.still_open()
        if still:
            raise Violation(f"it was well, and then: {still}")

    def count(self, *, name: str, unit: object, value: float) -> AbstractContextManager[None]:  # noqa: ARG002
        """CloudWatch: what an alarm looks at."""
        self.alarms[name] += int(value)
        return nullcontext()

    def _do(self, act: Act) -> None:
        if self.scheduler.say:
            self.scheduler.say(f"-- {act}")
        match act.what, act.arguments:
            case "start", (pipeline,):
                self.pipelines.start(pipeline)
            case "issue begins", (kind, minutes_ago):
                self.health.begin(kind, minutes_ago)
            case "breaks unannounced", (service, seconds):
                self.health.unannounced[service] = self.scheduler.now + seconds * SECOND
            case "issue updated", (number,):
                self.health.update(number)
            case "issue closes", (number,):
                self.health.close(number)
            case "issue re-opens", (number,):
                self.health.reopen(number)
            case "event again", (number,):
                if self._sent:
                    self._invoke(*self._sent[number % len(self._sent)])
            case "click" | "press" | "say" | "second thoughts" | "home", arguments:
                self.crowd.does(act.what, arguments)
            case "stop", (number,):
                self._with_run(number, StageStatus.IN_PROGRESS, self.pipelines.stop)
            case "retry outside", (number,):
                self._with_run(number, StageStatus.FAILED, self.pipelines.retry_outside)
            case "roll back", (number,):
                self._with_run(number, StageStatus.FAILED, self.pipelines.roll_back)
            case "change pipeline", (pipeline,):
                self.pipelines.change(pipeline)
            case "freeze" | "thaw", (pipeline,):
                reason = "a freeze" if act.what == "freeze" else None
                self.pipelines.freeze(pipeline, PIPELINES[pipeline][-1], reason)
            case "calendar closes", (seconds, says_until):
                until = self.scheduler.now + seconds * SECOND
                self.calendar.closed[CALENDAR] = until if says_until else None
                self.scheduler.at(until, self.calendar.closed.clear)
            case "calendar opens", ():
                self.calendar.closed.clear()
            case "delete pipeline", (pipeline,):
                self.pipelines.delete(pipeline)
            case "delete message", (number,):
                self.chat.delete(number)
            case "refuse", (name,):
                self.weather.refuse_next(name)
            case "death", (function, calls):
                self._doomed.append([function, calls])
            case "down", (port, seconds, rate):
                self.weather.add(port, seconds * SECOND, rate)
            case "slow", (port, seconds, most):
                self.weather.add(f"slow {port}", seconds * SECOND, most)
            case what, (seconds, rate):
                self.weather.add(what, seconds * SECOND, rate)

    def _with_run(self, number: int, status: StageStatus, do: Callable[[ExecutionKey], None]) -> None:
        keys = [
            key
            for key, truth in self.pipelines.truth.items()
            if truth.status is status and not truth.overtaken_by and key.pipeline not in self.pipelines.gone
        ]
        if keys:
            do(keys[number % len(keys)])

    def _dies(self, task: Task, place: str) -> bool:
        for doom in self._doomed:
            if doom[0] == task.name and task.calls > doom[1]:
                self._doomed.remove(doom)
                return True
        return self.weather.kills(task, place)

    # Invocations.

    def _sweep_each_minute(self) -> None:
        self.scheduler.after(MINUTE, self._sweep_each_minute)
        if self.weather.strikes("event loss"):
            return
        if self.store.due(self.scheduler.now + MINUTE, 1):  # an idle sweep is one empty query
            self.spawn("sweep", lambda: sweep.handler({}, None))

    def spawn(self, name: str, function: Callable[[], Any], **options: Any) -> Task:
        return self.scheduler.spawn(name, function, TIMEOUTS.get(name, MINUTE), **options)

    def _invoke(self, name: str, event: Any, key: ExecutionKey, sent_at: datetime, tries: int = 0) -> None:
        """As Lambda invokes asynchronously: at least once, and twice more if it fails or dies."""
        module = {"pipeline_event": pipeline_event, "health_event": health_event, "gate": gate}[name]

        def ended(task: Task) -> None:
            self.on_the_way -= 1
            if name == "gate":
                self.promises.gates.ended(task, event["CodePipeline.job"]["id"])
            if task.error is None:
                if name == "pipeline_event":
                    self.promises.told(key, sent_at)
            elif tries < len(ASYNC_TRIES):
                self.on_the_way += 1
                self.scheduler.after(ASYNC_TRIES[tries], lambda: again())

        def again() -> None:
            self.on_the_way -= 1
            self._invoke(name, event, key, sent_at, tries + 1)

        self.on_the_way += 1
        self.spawn(name, lambda: module.handler(event, None), on_end=ended)

    def _send(self, name: str, event: Any, key: ExecutionKey) -> None:
        """As EventBridge delivers: some late, some twice, some never."""
        if self.weather.strikes("event loss"):
            if self.scheduler.say:
                self.scheduler.say(f"  lost: {name} of {key.pipeline} {key.execution_id}")
            return
        sent = (name, event, key, self.scheduler.now)
        self._sent.append(sent)
        for _ in range(2 if self.weather.strikes("event doubles") else 1):
            self.on_the_way += 1
            delay = self.random.random() * (self.weather.rate("event delay") or 1.5)

            def arrive() -> None:
                self.on_the_way -= 1
                self._invoke(*sent)

            self.scheduler.after(delay * SECOND, arrive)

    def _tell_issue(self, report: IssueReport) -> None:
        self._send("health_event", health_event_of(report, self.scheduler.now), KEY)

    def _tell_pipeline(self, level: str, key: ExecutionKey, state: str) -> None:
        event = event_of(level, key, state, self.scheduler.now, next(self._events))
        self.promises.changed(key)
        self._send("pipeline_event", event, key)
        if self.plan.notified:
            self._send("pipeline_event", notification_of(event), key)

    def _start_job(self, job_id: str, job: Job) -> None:
        event = job_event(job_id, job, waits=job.key.pipeline in WAITING)
        self.on_the_way += 1

        def arrive() -> None:
            self.on_the_way -= 1
            self._invoke("gate", event, job.key, self.scheduler.now)

        self.scheduler.after(self.random.random() * SECOND, arrive)

    def _written(self, key: ExecutionKey) -> None:
        """The stream: resume's filter lets only what is RESUMING through."""
        for reader in self.readers:
            if reader.name == "notify" or self.store.executions[key].status is Status.RESUMING:
                reader.append(key)

    def press(self, user: str, pipeline: str, action_id: str) -> None:
        """The newest button of that name on a pipeline's newest card, if there is one."""
        self.crowd.does("press", (user, pipeline, action_id))
