"""Scores as tables."""

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from rich.table import Table

from tests.replay.judge import Score

COLUMNS = (
    "deploys", "broken by AWS", "before the notice", "held", "resumed", "retries", "into an open issue",
    "wrongly blamed", "failed again", "own, in disguise: held", "close to resumed: median", "most", "watched",
    "clicks",
)  # fmt: skip


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


def incidents_table(title: str, rows: Sequence[tuple[str, Score]], whole: Score) -> Table:
    """One row each, and their sum."""
    table = Table(title=title, title_justify="left", show_footer=True)
    for name, footer in zip(("", *COLUMNS), ("in all", *_cells(whole)), strict=True):
        table.add_column(name, footer, justify="right" if name else "left", overflow="fold")
    for name, score in rows:
        bad = bool(score.faults)
        table.add_row(name, *_cells(score), style="red" if bad else "")
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
