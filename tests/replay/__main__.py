"""`make replay`: fourteen real incidents and three years of AWS's status feed, played and judged.

python -m tests.replay              the fourteen one by one, the feed by year
python -m tests.replay --each       the feed's episodes one by one too
python -m tests.replay --settings   what other settings would have done; --share 3: on every third episode
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.replay.judge import Judge, Score
from tests.replay.record import Episode, public_events, timelines
from tests.replay.replay import Installation, Replay
from tests.replay.settings import VARIANTS
from tests.replay.tables import incidents_table, settings_row, settings_table

FAULTS_SHOWN = 20
WITHOUT_A_PLAN = 4  # every fourth episode is played without a support plan: events alone tell of issues


def play(number: int, episode: Episode, installation: Installation) -> Score:
    """One episode, judged."""
    support_plan = number % WITHOUT_A_PLAN != WITHOUT_A_PLAN - 1
    replay = Replay(episode, installation.with_plan(support_plan))
    replay.run()
    return Judge(replay).score()


def play_all(
    console: Console, what: str, episodes: Sequence[Episode], installation: Installation | None = None
) -> list[Score]:
    """Every episode on every core; the scores are in the episodes' order."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    scores = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(what, total=len(episodes))
        with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
            waiting = [
                pool.submit(play, number, episode, installation or Installation())
                for number, episode in enumerate(episodes)
            ]
            for future in waiting:
                scores.append(future.result())
                progress.advance(bar)
    return scores


def total(scores: Iterable[Score]) -> Score:
    whole = Score()
    for score in scores:
        whole.add(score)
    return whole


def by_year(episodes: Sequence[Episode], scores: Sequence[Score]) -> list[tuple[str, Score]]:
    pairs = zip(episodes, scores, strict=True)
    years = groupby(pairs, key=lambda pair: f"{pair[0].began_at:%Y}")
    return [(year, total(score for _, score in group)) for year, group in years]


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 1 where something that must be zero is not."""
    parser = argparse.ArgumentParser(description="Public incidents, replayed.")
    parser.add_argument("--each", action="store_true", help="show the feed's episodes one by one")
    parser.add_argument("--settings", action="store_true", help="play the feed with other settings")
    parser.add_argument("--share", type=int, default=1, help="with --settings: every so many episodes only")
    asked = parser.parse_args(arguments)
    console = Console()
    if asked.settings:
        return _settings(console, asked.share)
    told, feed = timelines(), public_events()
    scores = play_all(console, "fourteen incidents", told)
    rows = [(episode.name, score) for episode, score in zip(told, scores, strict=True)]
    console.print(incidents_table("Fourteen incidents", rows, total(scores), console.width))
    feed_scores = play_all(console, "the status feed, 2018 to 2020", feed, Installation(cards=False))
    if asked.each:
        each = [(f"{e.name} {e.title}"[:48], score) for e, score in zip(feed, feed_scores, strict=True)]
        console.print(incidents_table("The status feed, each episode", each, total(feed_scores), console.width))
    title = f"AWS's status feed: {total(feed_scores).issues} events in {len(feed)} episodes"
    console.print(incidents_table(title, by_year(feed, feed_scores), total(feed_scores), console.width))
    return verdict(console, total([*scores, *feed_scores]))


def _settings(console: Console, share: int) -> int:
    """On the feed's episodes; each row is printed as it is known, for the whole feed takes half a minute each."""
    feed, rows = public_events()[::share], []
    for name, installation in VARIANTS:
        rows.append((name, total(play_all(console, name, feed, installation))))
        console.print(settings_row(*rows[-1]), highlight=False, soft_wrap=True)
    console.print(settings_table(rows))
    return verdict(console, rows[0][1])  # the defaults'; what another setting does wrong is what is asked


def verdict(console: Console, whole: Score) -> int:
    """The exit code; whatever is wrong is named with its incident and deploy."""
    for fault in whole.faults[:FAULTS_SHOWN]:
        console.print(fault, style="red", markup=False, highlight=False, soft_wrap=True)
    if len(whole.faults) > FAULTS_SHOWN:
        console.print(f"… and {len(whole.faults) - FAULTS_SHOWN} more")
    if not whole.faults:
        console.print("Nothing was retried into an open issue, nobody was wrongly blamed, nothing was left held.")
    return 1 if whole.faults else 0


if __name__ == "__main__":
    sys.exit(main())
