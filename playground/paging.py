"""Pages of a list that may grow between two of them: newest first, each row once."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from playground.wire import AwsError

T = TypeVar("T")


def page(
    oldest_first: Sequence[T], params: dict[str, Any], at_most: int, invalid_token: str
) -> tuple[list[T], dict[str, str]]:
    """The rows of this page, newest first, and {"nextToken": …} unless it is the last.

    Reads `maxResults` and `nextToken` from `params`; `at_most` caps the former, as a service may. A token that
    this did not make raises AwsError(invalid_token).
    """
    end = len(oldest_first)
    if "nextToken" in params:
        end = _read(params["nextToken"], end, invalid_token)
    start = max(0, end - min(params.get("maxResults", at_most), at_most))
    rows = list(reversed(oldest_first[start:end]))
    return rows, {"nextToken": base64.urlsafe_b64encode(b"before:%d" % start).decode()} if start else {}


def _read(token: str, rows: int, invalid_token: str) -> int:
    try:
        word, _, number = base64.urlsafe_b64decode(token).partition(b":")
        end = int(number)
    except (binascii.Error, ValueError):
        word, end = b"", 0
    if word != b"before" or not 0 < end <= rows:
        raise AwsError(invalid_token, "The next token is not valid")
    return end
