"""`make fuzz`: bad input at every entry point, round after round on every core; what breaks is made small.

python -m tests.fuzz --seconds 600                    as many rounds as fit
python -m tests.fuzz --seed 123 --entry gate          one round again
"""

import argparse
import os
import secrets
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import count

from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tests.fuzz.deliveries import ENTRY_POINTS, Delivery, nights
from tests.fuzz.promises import play

ALL = (*ENTRY_POINTS, "everything")
ROUND = 200  # examples; a round is replayed by its seed and its entry point
NEW_SEEDS = 1_000_000_000
TOLD_AT_MOST = 5  # broken rounds


@dataclass(frozen=True)
class Round:
    """One round, and how it ended; `broken` is "" if every promise was kept."""

    entry_point: str
    seed: int
    examples: int = 0
    deliveries: int = 0
    broken: str = ""


def play_round(entry_point: str, number: int, examples: int = ROUND) -> Round:
    """Draw examples from this seed until one breaks a promise; that one is then made as small as it gets."""
    played = delivered = 0

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(night=nights(entry_point))
    def whatever_comes_in(night: list[Delivery]) -> None:
        nonlocal played, delivered
        played, delivered = played + 1, delivered + len(night)
        play(night)

    try:
        whatever_comes_in()
    except Exception as broken:  # noqa: BLE001 - it is told, and the exit code says it
        return Round(entry_point, number, played, delivered, f"{type(broken).__name__}: {broken}")
    return Round(entry_point, number, played, delivered)


def fuzz(console: Console, entry_points: tuple[str, ...], first: int, seconds: float) -> list[Round]:
    """Rounds at each entry point in turn until the time is up, with a progress bar."""
    workers, began = os.cpu_count() or 1, time.monotonic()
    rounds: list[Round] = []
    told = TextColumn("{task.fields[done]}")
    columns = (TextColumn("{task.description}"), BarColumn(), told, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"seeds from {first}", total=seconds, done="")
        with ProcessPoolExecutor(workers) as pool:
            numbers, waiting = count(), set[Future[Round]]()
            while True:
                lasted = time.monotonic() - began
                while lasted < seconds and len(waiting) < workers:
                    number = next(numbers)
                    entry_point = entry_points[number % len(entry_points)]
                    waiting.add(pool.submit(play_round, entry_point, first + number))
                if not waiting:
                    break
                done, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                rounds += [future.result() for future in done]
                examples, broken = sum(each.examples for each in rounds), sum(bool(each.broken) for each in rounds)
                progress.update(bar, completed=min(lasted, seconds), done=f"{examples} examples, {broken} broken")
    lasted = time.monotonic() - began
    for entry_point in entry_points:
        of_it = [each for each in rounds if each.entry_point == entry_point]
        examples, delivered = sum(each.examples for each in of_it), sum(each.deliveries for each in of_it)
        broken = sum(bool(each.broken) for each in of_it)
        line = f"{entry_point:<15} {examples:>8} examples {delivered:>8} deliveries {broken:>4} broken"
        if not of_it:
            line = f"{entry_point:<15} not reached in this time"
        console.print(line, highlight=False)
    examples = sum(each.examples for each in rounds)
    console.print(f"{examples} examples in {lasted:.0f} s, seeds from {first}", highlight=False)
    return [each for each in rounds if each.broken]


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description="Bad input at every entry point.")
    parser.add_argument("--seconds", type=float, default=60, help="as many rounds as fit into this time")
    parser.add_argument("--entry", choices=ALL, help="one entry point only")
    parser.add_argument("--seed", type=int, help="play this round again, of the entry point that --entry names")
    asked = parser.parse_args(arguments)
    console = Console(soft_wrap=True)
    if asked.seed is not None:
        broken = [each for each in (play_round(asked.entry or "everything", asked.seed),) if each.broken]
        console.print("every promise was kept" if not broken else "")
    else:
        first = secrets.randbelow(NEW_SEEDS)
        broken = fuzz(console, (asked.entry,) if asked.entry else ALL, first, asked.seconds)
    for each in broken[:TOLD_AT_MOST]:
        console.print(f"\nBroken: make fuzz ENTRY={each.entry_point} SEED={each.seed}", highlight=False)
        console.print(each.broken, markup=False, highlight=False)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
