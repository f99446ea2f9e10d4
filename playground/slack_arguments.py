"""What the Web API's methods share in their arguments: flags, ranges of time, pages, metadata."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from playground.slack_limits import SlackError

T = TypeVar("T")
Arguments = dict[str, Any]


def metadata_of(given: Arguments) -> dict[str, Any] | None:
    """A message's metadata, if any. Raises SlackError (invalid_metadata_format)."""
    metadata = given.get("metadata")
    if metadata is None:
        return None
    named = isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)
    if not named or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    assert isinstance(metadata, dict)  # noqa: S101 - `named` says so
    return metadata


def in_range(ts: str, given: Arguments) -> bool:
    """Between `oldest` and `latest`; the ends themselves only if `inclusive`."""
    oldest, latest = str(given.get("oldest") or "0"), str(given.get("latest") or "99999999999")
    if true(given.get("inclusive")):
        return float(oldest) <= float(ts) <= float(latest)
    return float(oldest) < float(ts) < float(latest)


def page_of(rows: Sequence[T], given: Arguments, at_most: int) -> tuple[Sequence[T], dict[str, Any]]:
    """One page of the rows, and the members that tell of the next."""
    start = 0
    if given.get("cursor"):
        try:
            start = int(base64.b64decode(str(given["cursor"]), validate=True).removeprefix(b"next:"))
        except (binascii.Error, ValueError):
            raise SlackError("invalid_cursor") from None
    end = start + min(int(given.get("limit") or 100), at_most)
    more = end < len(rows)
    cursor = base64.b64encode(b"next:%d" % end).decode() if more else ""
    return rows[start:end], {"has_more": more, "response_metadata": {"next_cursor": cursor}}


def true(value: object) -> bool:
    """A flag as JSON or a form writes it."""
    return value in (True, 1, "1", "true", "True")
