"""Simulated time and functions: greenlets that give way at every call to the outside, and can die there."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from greenlet import greenlet

RARELY = 0.004  # of the calls take seconds without anything being wrong
SECOND = timedelta(seconds=1)


class Killed(BaseException):
    """The function dies here: no handler of an error sees it."""


class Violation(BaseException):
    """A promise is broken. No handler of an error may hide it, hence no Exception."""


def must(holds: object, what: str) -> None:
    if not holds:
        raise Violation(what)


class Task:
    """One invocation of one function, from its start to its end or death."""

    def __init__(self, number: int, name: str, detail: Any, started_at: datetime, timeout: timedelta) -> None:
        self.number = number
        self.name = name
        self.detail = detail
        self.started_at = started_at
        self.deadline = started_at + timeout
        self.calls = 0  # calls to the outside so far
        self.alive = True
        self.error: BaseException | None = None
        self.answer: Any = None
        self.facts: dict[str, Any] = {}  # what the promises are checked against: when it read what

    def __str__(self) -> str:
        return f"{self.name}#{self.number}"


class Scheduler:
    """A queue of instants. Ties go in the order they were entered, so a seed is one run and no other."""

    def __init__(self, random: Random, start: datetime) -> None:
        self.now = self._until = start
        self.steps = 0
        self.task: Task | None = None  # the one that runs now; None: nobody's function
        self.running: dict[int, Task] = {}
        self.broken: Violation | None = None
        self.say: Callable[[str], None] | None = None  # hears what happens, when a history is wanted
        self.die_at: Callable[[Task, str], bool] = lambda _task, _place: False
        self.slowness: Callable[[str], float] = lambda _port: 0.0  # the most seconds a call takes now
        self._random = random
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        self._entered = count()
        self._tasks = count(1)
        self._greenlets: dict[int, greenlet] = {}
        self._hub = greenlet.getcurrent()

    def at(self, when: datetime, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (max(when, self.now), next(self._entered), action))

    def after(self, delay: timedelta, action: Callable[[], None]) -> None:
        self.at(self.now + delay, action)

    def spawn(
        self,
        name: str,
        function: Callable[[], Any],
        timeout: timedelta,
        on_end: Callable[[Task], None] = lambda _task: None,
        detail: Any = None,
    ) -> Task:
        """Invoke a function now."""
        task = Task(next(self._tasks), name, detail, self.now, timeout)

        self._greenlets[task.number] = self.fiber(task, function)
        self.running[task.number] = task
        if self.say:
            self.say(f"{task} starts{f': {detail}' if detail else ''}")
        self.after(timedelta(0), lambda: self._go_on(task, on_end))
        return task

    def fiber(self, task: Task, function: Callable[[], Any]) -> greenlet:
        """What runs it, and writes down how it ended."""

        def body() -> None:
            try:
                task.answer = function()
            except Killed as death:
                task.error = death
            except Violation as broken:
                task.error = self.broken = broken
            except Exception as error:  # noqa: BLE001 - as Lambda: the invocation failed
                task.error = error

        return greenlet(body, self._hub)

    def _go_on(self, task: Task, on_end: Callable[[Task], None]) -> None:
        self.task = task
        again = self._greenlets[task.number].switch()
        self.task = None
        if self._greenlets[task.number].dead:
            task.alive = False
            del self._greenlets[task.number], self.running[task.number]
            if self.say:
                ending = "dies" if isinstance(task.error, Killed) else f"raises {task.error!r}"
                self.say(f"{task} {ending if task.error else 'ends'}")
            on_end(task)
        else:
            self.at(again, lambda: self._go_on(task, on_end))

    def give_way(self, place: str) -> None:
        """Between two calls of one function everybody else may act; here it may die, or its time runs out."""
        task = self.task
        if task is None:
            return  # the simulation itself looks: that takes no time
        task.calls += 1
        self.steps += 1
        self._wait(task, place.partition(".")[0])
        self.live(task, place)

    def live(self, task: Task, place: str) -> None:
        """Die, if the time is up or fate says so."""
        if self.now >= task.deadline or self.die_at(task, place):
            if self.say:
                self.say(f"{task} is killed at {place}")
            raise Killed

    def linger(self, port: str) -> None:
        """An answer that takes its time: the effect is there, the caller does not know yet."""
        if self.task is not None and self.slowness(port):
            self._wait(self.task, port)
            self.live(self.task, f"{port}: waiting for the answer")

    def pause(self, seconds: float) -> None:
        """The function sleeps."""
        if self.task is not None:
            self._sleep(self.task, seconds)
            self.live(self.task, "pause")

    def _sleep(self, task: Task, seconds: float) -> None:
        wakes = min(self.now + seconds * SECOND, task.deadline)
        if wakes <= self._until and (not self._queue or wakes < self._queue[0][0]):
            self.now = wakes  # nobody acts before that: the same run, without the switch
            return
        self._hub.switch(wakes)
        self.task = task

    def _wait(self, task: Task, port: str) -> None:
        most = self.slowness(port)
        seconds = self._random.random() * (most or (4.0 if self._random.random() < RARELY else 0.08))
        self._sleep(task, seconds)

    def run(self, until: datetime) -> None:
        """All that happens until then. Raises Violation."""
        self._until = until
        while self._queue and self._queue[0][0] <= until:
            when, _, action = heapq.heappop(self._queue)
            self.now = when
            action()
            if self.broken:
                raise self.broken
        self.now = max(self.now, until)

    def close(self) -> None:
        """Whoever still waits is let go, so that no greenlet outlives its simulation."""
        for waiting in list(self._greenlets.values()):
            if waiting:  # it has begun
                waiting.throw(Killed)
        self._greenlets.clear()
        self._queue.clear()
