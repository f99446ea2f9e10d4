"""The values in CodePipeline's answers, and how they are read. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

Row = Mapping[str, Any]  # a structure of an answer, as botocore parsed it

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)  # stands for a time that was not told


def instant(told: datetime | None) -> datetime:
    return told.astimezone(UTC) if told is not None else BEGINNING


def issues_named(external_id: str) -> Iterator[str]:
    """The gate's list of last ARN segments, without the +N that stands for those it had no room for."""
    for part in (part.strip() for part in external_id.split(",")):
        if part and not re.fullmatch(r"\+[0-9]+", part):
            yield part
