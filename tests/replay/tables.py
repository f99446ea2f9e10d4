"""Scores as tables."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from rich.table import Table

from tests.replay.judge import Score

COLUMNS = (
    "deploys", "broken by AWS", "before the notice", "held", "resumed", "retries", "into an open issue",
    "wrongly blamed", "failed again", "own, in disguise: held", "close to resumed: median",
    "close to resumed: most", "watched", "clicks",
)  # fmt: skip

NARROW = ("held", "resumed", "into an open issue", "wrongly blamed", "close to resumed: most")
"""What is shown where the terminal has not room for all of it."""
WIDE_ENOUGH = 152  # characters
ROOMY = 182  # with a space on each side of every column


def _minutes(of: timedelta | None) -> str:
    return "–" if of is None else f"{of / timedelta(minutes=1):.1f} min"


def _hours(of: timedelta) -> str:
    return f"{of / timedelta(hours=1):.1f} h" if of else "–"


def _cells(score: Score) -> tuple[str, ...]:
    delays = score.delays
    return (
        str(score.deploys),
        str(score.broken),
        str(score.early),
        str(score.claimed),
        str(score.resumed),
        str(score.retries),
        str(len(score.into_open)),
        str(len(score.wrongly_blamed)),
        str(score.retries_failed),
        f"{score.disguised_held} of {score.disguised}",
        _minutes(median(delays) if delays else None),
        _minutes(max(delays, default=None)),
        _hours(score.watched),
        str(score.clicks),
    )


def incidents_table(title: str, rows: Sequence[tuple[str, Score]], whole: Score, width: int) -> Table:
    """One row each, and their sum, for a terminal of this width in characters."""
    shown = [number for number, name in enumerate(COLUMNS) if width >= WIDE_ENOUGH or name in NARROW]

    def cells(score: Score) -> list[str]:
        told = _cells(score)
        return [told[number] for number in shown]

    padding = (0, 1) if width >= ROOMY else (0, 0)
    table = Table(title=title, title_justify="left", show_footer=True, padding=padding)
    names = ["", *(COLUMNS[number] for number in shown)]
    for name, footer in zip(names, ["in all", *cells(whole)], strict=True):
        longest = max(map(len, name.split()), default=0)  # a word is not broken for room
        table.add_column(
            name, footer, justify="right" if name else "left", overflow="fold", no_wrap=not name, min_width=longest
        )
    for name, score in rows:
        bad = bool(score.faults)
        table.add_row(name, *cells(score), style="red" if bad else "")
    return table


SETTINGS = (
    "held", "of those before the notice", "resumed", "retries", "failed again", "in vain",
    "own, in disguise: held", "close to resumed: median", "nine in ten", "most", "faults",
)  # fmt: skip


def _settings_cells(score: Score) -> tuple[str, ...]:
    delays = sorted(score.delays)
    return (
        f"{score.claimed} of {score.broken}",
        f"{score.claimed_early} of {score.early}",
        str(score.resumed),
        str(score.retries),
        str(score.retries_failed),
        str(score.retries_in_vain),
        f"{score.disguised_held} of {score.disguised}",
        _minutes(median(delays) if delays else None),
        _minutes(delays[len(delays) * 9 // 10] if delays else None),
        _minutes(delays[-1] if delays else None),
        str(len(score.faults)),
    )


def settings_row(name: str, score: Score) -> str:
    """One setting in one line."""
    return f"{name}: " + ", ".join(map(" ".join, zip(SETTINGS, _settings_cells(score), strict=True)))


def settings_table(rows: Sequence[tuple[str, Score]]) -> Table:
    """What each setting would have done with the same incidents."""
    table = Table(title="Other settings", title_justify="left")
    for name in ("", *SETTINGS):
        table.add_column(name, justify="right" if name else "left", overflow="fold")
    for name, score in rows:
        table.add_row(name, *_settings_cells(score))
    return table
