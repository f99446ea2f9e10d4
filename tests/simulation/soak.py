"""`make soak`: seed after seed on every core; what fails is shrunk to its shortest history found, and told.

python -m tests.simulation.soak --seeds 100000        so many new seeds
python -m tests.simulation.soak --seconds 180         as many new seeds as fit
python -m tests.simulation.soak --seed 123            this one, with its history
"""

import argparse
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.plan import Plan, draw
from tests.simulation.scheduler import Violation
from tests.simulation.simulation import Simulation

CHUNK = 20  # seeds a worker takes at once
SHRUNK_AT_MOST = 3  # failing seeds whose history is told
SHRINK_SECONDS = 30.0  # for all of them
NEW_SEEDS = 1_000_000_000  # new ones are drawn from below this


@dataclass
class Score:
    """What some seeds came to."""

    seeds: int = 0
    steps: int = 0
    retries: int = 0
    executions: int = 0
    broken: dict[int, str] = field(default_factory=dict)

    def add(self, other: "Score") -> None:
        self.seeds += other.seeds
        self.steps += other.steps
        self.retries += other.retries
        self.executions += other.executions
        self.broken.update(other.broken)


def outcome(plan: Plan) -> str:
    """The broken promise, "" if all are kept."""
    try:
        Simulation(plan).run()
    except Violation as broken:
        return str(broken)
    return ""


def play(seeds: range) -> Score:
    """A worker's share."""
    score = Score()
    for seed in seeds:
        simulation = Simulation(draw(seed))
        try:
            simulation.run()
        except Violation as broken:
            score.broken[seed] = str(broken)
        score.seeds += 1
        score.steps += simulation.scheduler.steps
        score.retries += sum(map(len, simulation.promises.calls.values()))
        score.executions += len(simulation.store.executions)
    return score


def shrink(plan: Plan, promise: str, seconds: float = SHRINK_SECONDS) -> Plan:
    """The same promise broken by fewer acts: leave out halves, quarters, … single acts, while it still breaks."""
    stop_at = time.monotonic() + seconds
    size = max(1, len(plan.acts) // 2)
    while True:
        left_out = False
        for start in range(0, len(plan.acts), size):
            if time.monotonic() > stop_at:
                return plan
            smaller = plan.without(set(plan.acts[start : start + size]))
            if _kind(outcome(smaller)) == _kind(promise):
                plan, left_out = smaller, True
                break
        if not left_out:
            if size == 1:
                return plan
            size //= 2


def _kind(promise: str) -> str:
    """The sentence without its names and numbers."""
    return re.sub(r"[\w\-:/]*[\d#]\S*", "", promise)[:60]


def tell(console: Console, plan: Plan, left_out: int) -> None:
    """One run in full."""
    simulation = Simulation(plan, tell=True)
    try:
        simulation.run()
        end = "every promise was kept"
    except Violation as broken:
        end = f"broken: {broken}"
    for line in simulation.history:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(f"\nSeed {plan.seed}: {plan.policy}", markup=False, highlight=False, soft_wrap=True)
    console.print("Acts:" if not left_out else f"Acts ({left_out} others left out):")
    for act in plan.acts:
        console.print(f"  {act}", markup=False, highlight=False)
    console.print(f"{simulation.scheduler.steps} steps; {end}", markup=False, highlight=False, soft_wrap=True)


def _shares(first: int, seeds: int | None) -> Iterator[range]:
    start = first
    while seeds is None or start < first + seeds:
        stop = start + CHUNK if seeds is None else min(start + CHUNK, first + seeds)
        yield range(start, stop)
        start = stop


def soak(console: Console, first: int, seeds: int | None, seconds: float | None) -> Score:
    """Play them on every core, with a progress bar."""
    total, began = Score(), time.monotonic()
    workers = os.cpu_count() or 1
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"seeds from {first}", total=seeds or seconds)
        with ProcessPoolExecutor(workers) as pool:
            shares, waiting = _shares(first, seeds), set[Future[Score]]()
            while True:
                in_time = seconds is None or time.monotonic() - began < seconds
                while in_time and len(waiting) < 2 * workers and (share := next(shares, None)) is not None:
                    waiting.add(pool.submit(play, share))
                if not waiting:
                    break
                done, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                for future in done:
                    score = future.result()
                    for seed, promise in score.broken.items():
                        console.print(f"Seed {seed}: {promise}", markup=False, highlight=False, soft_wrap=True)
                    total.add(score)
                if seconds is None:
                    progress.update(bar, completed=total.seeds)
                else:
                    so_far = f"{total.seeds} seeds from {first}; seconds"
                    progress.update(bar, description=so_far, completed=min(time.monotonic() - began, seconds))
    lasted = time.monotonic() - began
    console.print(
        f"{total.seeds} seeds from {first}, {total.steps} steps in {lasted:.0f} s "
        f"({total.steps / lasted:.0f} a second), {total.executions} executions, {total.retries} retries: "
        f"{len(total.broken)} broken",
        highlight=False,
    )
    return total


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description="Simulated nights, one a seed.")
    parser.add_argument("--seed", type=int, help="play this one and tell its history")
    parser.add_argument("--shrink", action="store_true", help="with --seed: leave out what is not needed")
    parser.add_argument("--seeds", type=int, help="how many new ones")
    parser.add_argument("--seconds", type=float, help="as many new ones as fit into this time")
    parser.add_argument("--first", type=int, help="the first seed, instead of new ones")
    asked = parser.parse_args(arguments)
    console = Console()
    if asked.seed is not None:
        plan = draw(asked.seed)
        broken = outcome(plan)
        smaller = shrink(plan, broken) if broken and asked.shrink else plan
        tell(console, smaller, len(plan.acts) - len(smaller.acts))
        return 1 if broken else 0
    first = asked.first if asked.first is not None else secrets.randbelow(NEW_SEEDS)
    seeds = asked.seeds or (None if asked.seconds else 1000)
    score = soak(console, first, seeds, asked.seconds)
    told = sorted(score.broken.items())[:SHRUNK_AT_MOST]
    for seed, promise in told:
        console.print(f"\nFailing seed {seed} (make soak SEED={seed}), shrunk:", highlight=False)
        plan = draw(seed)
        smaller = shrink(plan, promise, SHRINK_SECONDS / len(told))
        tell(console, smaller, len(plan.acts) - len(smaller.acts))
    if score.broken:
        console.print("\nFailing seeds:", *sorted(score.broken), highlight=False)
    return 1 if score.broken else 0


if __name__ == "__main__":
    sys.exit(main())
