"""Other settings than the defaults, one at a time, for docs/judgment.md."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.replay.replay import Installation

DEFAULTS = Installation(cards=False)


def _policy(**changes: Any) -> Installation:
    return replace(DEFAULTS, policy=replace(DEFAULTS.policy, **changes))


def _variants() -> tuple[tuple[str, Installation], ...]:
    settles = [(f"SettleSeconds {s}", _policy(settle=timedelta(seconds=s))) for s in (0, 60, 900, 1800)]
    early = [
        (
            f"made up: closed 10 minutes too early, SettleSeconds {s}",
            replace(_policy(settle=timedelta(seconds=s)), well_after=timedelta(minutes=10)),
        )
        for s in (0, 300, 900)
    ]
    late = [(f"LateIssueMinutes {m}", _policy(late_issue=timedelta(minutes=m))) for m in (60, 120, 480)]
    return (
        ("the defaults", DEFAULTS),
        *settles,
        *late,
        ("a canary always", replace(DEFAULTS, without_canary=0)),
        ("no canary", replace(DEFAULTS, without_canary=10_000)),
        ("IgnoredServices empty", _policy(ignored_services=())),
        ("startTime told at the close only", replace(DEFAULTS, start_told=False)),
        *early,
    )


VARIANTS = _variants()
