"""Every order in which a few functions may take their turns, within a bound: not by chance, but one by one.

A run is a list of choices. Replaying a prefix and then always taking the first option (whoever runs goes on; then
whoever began first) gives the first run; the next one changes the last choice that has another option. Every other
option costs one of `most_turns`, which is the bound.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from greenlet import greenlet

from tests.simulation.scheduler import SECOND, Scheduler, Task


class Turns(Scheduler):
    """A scheduler that asks `choose` who goes next, while `choosing`; before and after that, time decides."""

    def __init__(self, random: Random, start: datetime) -> None:
        super().__init__(random, start)
        self.choosing = False
        self.ready: list[tuple[Task, greenlet, Callable[[Task], None]]] = []

    def after(self, delay: timedelta, action: Callable[[], None]) -> None:
        if self.choosing and delay < 2 * SECOND:
            action()  # a delivery: whether it is quick or slow is a matter of turns
        else:
            super().after(delay, action)

    def spawn(
        self,
        name: str,
        function: Callable[[], Any],
        timeout: timedelta,
        on_end: Callable[[Task], None] = lambda _task: None,
        detail: Any = None,
    ) -> Task:
        if not self.choosing:
            return super().spawn(name, function, timeout, on_end, detail)
        task = Task(next(self._tasks), name, detail, self.now, timeout)

        self.running[task.number] = task
        self.ready.append((task, self.fiber(task, function), on_end))
        return task

    def _wait(self, task: Task, port: str) -> None:
        self._sleep(task, 0.0) if self.choosing else super()._wait(task, port)

    def _sleep(self, task: Task, seconds: float) -> None:
        if not self.choosing:
            super()._sleep(task, seconds)
            return
        self._hub.switch()
        self.task = task

    def take_turns(self, choose: Callable[[int], int]) -> None:
        """Until nobody is left. `choose(options)` answers an index; 0 is whoever runs already."""
        current: Task | None = None
        while self.ready:
            self.ready.sort(key=lambda entry: (entry[0] is not current, entry[0].number))
            task, fiber, on_end = self.ready[choose(len(self.ready))]
            self.task = current = task
            self.now += timedelta(milliseconds=1)
            fiber.switch()
            self.task = None
            if fiber.dead:
                task.alive = False
                self.ready = [entry for entry in self.ready if entry[0] is not task]
                del self.running[task.number]
                on_end(task)
            if self.broken:
                raise self.broken


class Choices:
    """The choices of one run: a prefix to repeat, then always the first option."""

    def __init__(self, prefix: list[int], most_turns: int) -> None:
        self._prefix = prefix
        self._left = most_turns
        self.made: list[tuple[int, int]] = []  # (chosen, options)

    def __call__(self, options: int) -> int:
        place = len(self.made)
        chosen = self._prefix[place] if place < len(self._prefix) else 0
        self.made.append((chosen, options if self._left else 1))
        self._left -= int(chosen > 0)
        return chosen

    def next_prefix(self) -> list[int] | None:
        """The prefix of the run after this one; None: that was the last."""
        made = list(self.made)
        while made:
            chosen, options = made.pop()
            if chosen + 1 < options:
                return [each for each, _ in made] + [chosen + 1]
        return None


def every_order(most_turns: int) -> Iterator[Choices]:
    """One Choices for each order; use it up before asking for the next."""
    prefix: list[int] | None = []
    while prefix is not None:
        choices = Choices(prefix, most_turns)
        yield choices
        prefix = choices.next_prefix()
