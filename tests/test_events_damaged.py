"""No damage to an event does harm: it is read as documented, or refused by the name of the field."""

import copy
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ParseError
from bot.events import parse_health_event, parse_pipeline_event

FIXTURES = Path(__file__).parent / "fixtures"
PIPELINE_EVENTS = sorted((FIXTURES / "codepipeline").glob("*.json"))
HEALTH_EVENTS = sorted((FIXTURES / "health").glob("*.json"))
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
GARBAGE: tuple[Any, ...] = (
    None,
    "",
    [],
    {},
    0,
    -1,
    7.5,
    math.nan,
    math.inf,
    10**400,
    True,
    "x" * 100_000,
    "a#b|c",
    "\ud800",
)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, key) at every depth."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


def damaged(event: Any) -> Iterator[Any]:
    """The event with each field at each depth replaced by each piece of garbage, or removed."""
    for index, _ in enumerate(places(event)):
        for garbage in GARBAGE:
            hurt = copy.deepcopy(event)
            holder, key = list(places(hurt))[index]
            holder[key] = garbage
            yield hurt
        hurt = copy.deepcopy(event)
        holder, key = list(places(hurt))[index]
        del holder[key]
        yield hurt


@pytest.mark.parametrize("path", PIPELINE_EVENTS, ids=lambda path: path.stem)
def test_no_damage_to_a_pipeline_event_does_harm(path: Path) -> None:
    """Each field at each depth: read as documented, or refused as a ParseError, and nothing else."""
    outcomes = set()
    for event in damaged(load(path)):
        try:
            parsed = parse_pipeline_event(event)
        except ParseError as refused:
            outcomes.add(refused.field)
        else:
            outcomes.add("read")
            json.dumps([*map(str, (parsed.pipeline, parsed.stage, parsed.event_id))]).encode("ascii")
            assert parsed.at - timedelta(days=365) < parsed.at
    assert {"read", "source", "detail", "detail.pipeline", "time"} <= outcomes


@pytest.mark.parametrize("path", HEALTH_EVENTS, ids=lambda path: path.stem)
def test_no_damage_to_a_health_event_does_harm(path: Path) -> None:
    """What is read can be stored (UTF-8, short keys) and reckoned with (no date near the calendar's ends)."""
    refused_fields = set()
    for event in damaged(load(path)):
        try:
            report = parse_health_event(event, now=NOW)
        except ParseError as refused:
            refused_fields.add(refused.field)
            continue
        if report is not None:
            assert len(report.key.encode("ascii")) <= 1_024
            assert len(f"{report.service}{report.region}{report.type_code}{report.description}".encode()) < 5_000
            for at in (report.start_at, report.updated_at, report.end_at or NOW):
                assert at - timedelta(days=3_650) < at < at + timedelta(days=3_650)
    assert "source" in refused_fields
