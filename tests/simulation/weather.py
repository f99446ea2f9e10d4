"""What goes wrong: services down or throttling for stretches, refusals, slowness, deaths, answers that lag.

Every stretch is data of the plan, so that a failing run can be shrunk by leaving stretches out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bot.errors import (
    CalendarUnreadable,
    HealthUnreadable,
    NotRetryable,
    OutcomeUnknown,
    RetryImpossible,
    RetryNotNow,
    SlackRefused,
    TryLater,
)
from tests.simulation.scheduler import Scheduler, Task

BEFORE, AFTER = False, True


@dataclass(frozen=True, slots=True)
class Fault:
    """A call that fails: before it takes effect, or after (the answer is lost)."""

    make: Callable[[], Exception]
    after_effect: bool = BEFORE


def _busy() -> Exception:
    return TryLater("Rate exceeded")


def _lost() -> Exception:
    return TryLater("the answer was lost")


def _unknown() -> Exception:
    return OutcomeUnknown("Read timeout")


# What each call may answer when its service is in trouble: the errors its port's docstring names. A conflict of
# versions is never among them, because only somebody else's save makes one.
FAULTS: dict[str, tuple[Fault, ...]] = {
    "store": (Fault(_busy), Fault(_lost, AFTER)),
    "pipelines": (Fault(_busy),),
    "pipelines.retry_stage": (
        Fault(lambda: RetryNotNow("ThrottlingException")),
        Fault(_unknown),
        Fault(_unknown, AFTER),
    ),
    "pipelines.fail_job": (Fault(_busy), Fault(_lost, AFTER)),
    "pipelines.pass_job": (Fault(_busy), Fault(_lost, AFTER)),
    "pipelines.keep_job": (Fault(_busy), Fault(_lost, AFTER)),
    "health": (Fault(lambda: HealthUnreadable("ThrottlingException")),),
    "calendar": (Fault(lambda: CalendarUnreadable("ThrottlingException")),),
    "evidence": (Fault(_busy),),
    "chat": (Fault(_busy),),
    "chat.post": (Fault(_busy), Fault(_unknown), Fault(_unknown, AFTER)),
    "chat.update": (Fault(_busy), Fault(_lost, AFTER)),
    "chat.respond": (),
    "chat.open_view": (Fault(_busy), Fault(_lost, AFTER)),
    "chat.whisper": (Fault(_busy), Fault(_lost, AFTER)),
    "secrets": (Fault(_busy),),
}
# Answers that come once, on order.
REFUSALS: dict[str, Fault] = {
    "retry_stage: not now": Fault(lambda: RetryNotNow("ConflictException")),
    "retry_stage: not retryable": Fault(lambda: NotRetryable("StageNotRetryableException")),
    "retry_stage: impossible": Fault(lambda: RetryImpossible("ValidationException")),
    "retry_stage: unknown": Fault(_unknown),
    "retry_stage: answer lost": Fault(_unknown, AFTER),
    "post: refused": Fault(lambda: SlackRefused("channel_not_found")),
    "post: unknown": Fault(_unknown),
    "post: answer lost": Fault(_unknown, AFTER),
    "open_view: refused": Fault(lambda: SlackRefused("invalid_trigger_id")),
    "group_members: refused": Fault(lambda: SlackRefused("missing_scope")),
    "update: refused": Fault(lambda: SlackRefused("is_archived")),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """From now until `until` something is wrong with `what` (a port, or one of the kinds below)."""

    what: str
    until: datetime
    rate: float  # of the calls; or, for slowness and lag, seconds


class Weather:
    """The stretches in force, and the refusals still to come."""

    def __init__(self, random: Random, scheduler: Scheduler) -> None:
        self._random = random
        self._scheduler = scheduler
        self._stretches: list[Stretch] = []
        self._refusals: dict[str, list[str]] = {}
        self._calm = False
        self.refused: list[str] = []

    def add(self, what: str, lasts: timedelta, rate: float) -> None:
        self._stretches.append(Stretch(what, self._scheduler.now + lasts, rate))

    def refuse_next(self, name: str) -> None:
        self._refusals.setdefault(name.partition(":")[0], []).append(name)

    def clear_up(self) -> None:
        """From now on nothing is wrong."""
        self._calm = True
        self._stretches.clear()
        self._refusals.clear()

    def rate(self, what: str) -> float:
        """How bad it is now: 0 when all is well."""
        if not self._stretches:
            return 0.0
        now, worst, over = self._scheduler.now, 0.0, False
        for stretch in self._stretches:
            if stretch.until <= now:
                over = True
            elif stretch.what == what and stretch.rate > worst:
                worst = stretch.rate
        if over:
            self._stretches = [stretch for stretch in self._stretches if stretch.until > now]
        return worst

    def strikes(self, what: str) -> bool:
        rate = self.rate(what)
        return rate > 0 and self._random.random() < rate

    def slowness(self, port: str) -> float:
        return self.rate(f"slow {port}") if self._stretches else 0.0

    def kills(self, _task: Task, _place: str) -> bool:
        return bool(self._stretches) and self.strikes("deaths")

    def fault(self, port: str, method: str) -> Fault | None:
        """What this call meets."""
        if waiting := self._refusals.get(method):
            name = waiting.pop(0)
            self.refused.append(name)
            return REFUSALS[name]
        faults = FAULTS.get(f"{port}.{method}", FAULTS.get(port, ()))
        if self._stretches and faults and self.strikes(port):
            return self._random.choice(faults)
        return None


Watchers = dict[str, Callable[..., None]]


def also(watchers: Watchers, method: str, watcher: Callable[..., None]) -> None:
    """One more watcher of a method, after those that are there."""
    first = watchers.get(method)

    def both(*told: Any) -> None:
        if first is not None:
            first(*told)
        watcher(*told)

    watchers[method] = both


class Port:
    """A port as the workflows see it: every call gives way, may fail or be the last, and is watched.

    `before` and `after` are the watchers: `"method" -> watcher(task, arguments, answer)`.
    """

    def __init__(self, name: str, target: Any, scheduler: Scheduler, weather: Weather) -> None:
        self._name = name
        self._target = target
        self._scheduler = scheduler
        self._weather = weather
        self.before: Watchers = {}
        self.after: Watchers = {}

    def __getattr__(self, method: str) -> Any:
        target = getattr(self._target, method)
        port, scheduler, weather = self._name, self._scheduler, self._weather
        place, reads = f"{port}.{method}", method not in WRITES
        before, after = self.before, self.after

        def call(*arguments: Any, **options: Any) -> Any:
            scheduler.give_way(place)
            task = scheduler.task
            fault = weather.fault(port, method)
            if watcher := before.get(method):
                watcher(task, arguments, fault)
            if fault is not None and (reads or not fault.after_effect):  # a read whose answer is lost was none
                raise _told(scheduler, task, place, fault.make())
            try:
                answer = target(*arguments, **options)
            except Exception as error:
                raise _told(scheduler, task, place, error if fault is None else fault.make()) from error
            if scheduler.say and not reads:
                scheduler.say(f"{task}: {place} {_shown(arguments)}")
            if watcher := after.get(method):
                watcher(task, arguments, answer)
            if fault is not None:
                raise _told(scheduler, task, place, fault.make())
            if task is not None:
                scheduler.linger(port)
                scheduler.live(task, f"{place}, done")
            return answer

        setattr(self, method, call)
        return call


WRITES = {
    "save_execution", "wake_execution", "save_card", "save_hint", "drop_hint", "save_issue", "postpone",
    "save_hold", "drop_hold", "save_running", "postpone_running", "drop_running",
    "save_channel", "save_burst", "save_line", "save_inferred", "take_turn", "end_turn",
    "retry_stage", "override_condition", "fail_job", "pass_job", "keep_job",
    "post", "update", "open_view", "publish_home", "whisper", "respond",
}  # fmt: skip


def _told(scheduler: Scheduler, task: Task | None, place: str, error: Exception) -> Exception:
    """The error as the caller meets it; the promises know which ports have refused something."""
    if task is not None:
        task.facts.setdefault("met", []).append(place.partition(".")[0])
    if scheduler.say:
        scheduler.say(f"{task}: {place} raises {error!r}")
    return error


def _shown(arguments: tuple[Any, ...]) -> str:
    """The first argument in short, for the history."""
    first = arguments[0] if arguments else ""
    trail = getattr(first, "trail", ())
    if trail:
        return f"v{first.version} {first.status}: {trail[-1].in_full}"
    phase = getattr(first, "phase", "")
    if phase:
        return f"v{first.version} {phase} {first.key.rpartition('/')[2]}"
    if hasattr(first, "rendered_version"):
        return f"r{first.revision}: shows {first.rendered_version} of {first.wanted_version}, ts {first.ts!r}"
    return str(first)[:100]
