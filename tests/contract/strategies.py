"""Any value of the domain, drawn from the types of its fields."""

import string
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from bot.bursts import Burst, BurstLine, ChannelRecord
from bot.card_ref import CardRef
from bot.hints import Hint
from bot.holds import Hold
from bot.inferred import RegionRecord
from bot.model import Entry, Execution, ExecutionKey, Issue, Override
from bot.running import RunningStage

names = st.text(string.ascii_letters + string.digits + ".@-_", min_size=1, max_size=12)
keys = st.builds(ExecutionKey, names, names, names, names, names)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
whole_numbers = st.integers(0, 10**12)


@cache
def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """A strategy for a field's type."""
    if kind is ExecutionKey:
        return keys
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        build: Any = kind
        return st.builds(build, **{field.name: any_of(hints[field.name]) for field in fields(kind)})
    if isinstance(kind, UnionType):
        return st.one_of(*(any_of(each) for each in get_args(kind)))
    if get_origin(kind) is tuple:
        return st.lists(any_of(get_args(kind)[0]), max_size=2).map(tuple)
    if kind is datetime:
        return instants
    if issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    simple = {str: st.text(max_size=20), bool: st.booleans(), int: whole_numbers, NoneType: st.none()}
    return simple[kind]


def _first(execution: Execution, entry: Entry) -> Execution:
    return replace(execution, version=1, trail=(*execution.trail, replace(entry, version=1)))


def _first_of_whole_seconds(issue: Issue) -> Issue:
    expires_at = issue.expires_at and issue.expires_at.replace(microsecond=0)
    return replace(issue, version=1, expires_at=expires_at)


first_executions: st.SearchStrategy[Execution] = st.builds(_first, any_of(Execution), any_of(Entry))
first_cards: st.SearchStrategy[CardRef] = any_of(CardRef).map(lambda card: replace(card, revision=1))
first_issues: st.SearchStrategy[Issue] = st.builds(
    lambda issue, arn: _first_of_whole_seconds(replace(issue, report=replace(issue.report, arn=arn))),
    any_of(Issue),
    names,
)
overrides: st.SearchStrategy[Override] = any_of(Override)
holds: st.SearchStrategy[Hold] = st.builds(
    lambda hold, key: replace(
        hold, account=key.account, region=key.region, pipeline=key.pipeline, execution_id=key.execution_id
    ),
    any_of(Hold),
    keys,
)
hints: st.SearchStrategy[Hint] = st.builds(
    lambda hint, key: replace(
        hint, account=key.account, region=key.region, pipeline=key.pipeline, execution_id=key.execution_id
    ),
    any_of(Hint),
    keys,
)
first_channels: st.SearchStrategy[ChannelRecord] = any_of(ChannelRecord).map(
    lambda record: replace(record, revision=1)
)
first_bursts: st.SearchStrategy[Burst] = any_of(Burst).map(lambda burst: replace(burst, revision=1))
lines: st.SearchStrategy[BurstLine] = st.builds(
    lambda line, key: replace(line, key=str(key)), any_of(BurstLine), keys
)
running: st.SearchStrategy[RunningStage] = any_of(RunningStage)
first_regions: st.SearchStrategy[RegionRecord] = any_of(RegionRecord).map(
    lambda record: replace(record, revision=1)
)
