"""What may be wrong with something that comes in: a strategy of Hypothesis for each kind of damage."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

HOSTILE = (
    "", " ", "\x00", "\n", "\ud800", "\udfff tail", "a\u202eb", "\u200b", "\ufeff", "é" * 60, "١٢٣", "😀" * 30,
    "a#b", "a|b", "#", "#####", "<!channel>", "<@U0ALICE>", "<https://example.com|web>", "*bold*", "`", "../..",
    "%00", "null", "NaN", "true", "-1", "0", "1e9", "99999999999999999999.99999999999999999999",
    "1795400400.000200", "2026-11-23T02:20:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "Mon, 31 Feb 2026 25:61:61 GMT", "arn:aws:health:global::event/X", "{}", "[]", '{"key": 1}', "web", "U0ALICE",
)  # fmt: skip
LONG = (101, 1_025, 2_049, 5_000, 300_000)
NUMBERS = (0, -1, 1, 2, 2**31, 2**63, 10**39, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf"), float("-inf"))
DEPTHS = (2, 40, 400)

texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.builds(str.__mul__, st.sampled_from(("x", "é", "\ud800", "#")), st.sampled_from(LONG)),
    st.text(max_size=20),
)
scalars = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.integers(), texts)


def _deep(depth: int) -> Any:
    value: Any = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"x": value}
    return value


junk = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.dictionaries(st.sampled_from(HOSTILE), scalars, max_size=3),
    st.builds(_deep, st.sampled_from(DEPTHS)),
    st.builds(lambda: [{} for _ in range(1_000)]),
)


def places(value: Any, path: str = "") -> Iterator[tuple[Any, Any, str]]:
    """Every (holder, key, path) at every depth."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield value, key, f"{path}.{key}"
        yield from places(inner, f"{path}.{key}")


@st.composite
def damaged(draw: st.DrawFn, whole: Any, most: int = 3) -> tuple[Any, list[str]]:
    """The value with some of it damaged, and what was done to it. What is JSON within a text is damaged within."""
    value, done = copy.deepcopy(whole), []
    for _ in range(draw(st.integers(0, most))):
        reach = draw(st.sampled_from((2, 3, 4, 99)))  # a card that is clicked is mostly blocks, which nobody reads
        spots = [spot for spot in places(value) if spot[2].count(".") <= reach]
        if not spots:
            break
        holder, key, path = draw(st.sampled_from(spots))
        inner, within = holder[key], _json(holder[key])
        choices = ["remove", "replace", "wrap", "other kind", "rename", "twice"]
        choices += ["longer"] * 2 if isinstance(inner, str) else []
        choices += ["cut"] if isinstance(inner, str) and inner else []
        choices += ["within"] * 6 + ["duplicate key"] if within is not None else []
        how = draw(st.sampled_from(choices))
        done.append(f"{path}: {how}")
        if how == "remove":
            del holder[key]
        elif how == "replace":
            holder[key] = draw(junk)
        elif how == "wrap":
            holder[key] = [inner] if draw(st.booleans()) else {"value": inner}
        elif how == "other kind":
            holder[key] = json.dumps(inner) if not isinstance(inner, str) else draw(st.sampled_from(NUMBERS))
        elif how == "rename":
            _rename(holder, key, draw(texts))
        elif how == "twice" and isinstance(holder, list):
            holder.insert(key, inner)
        elif how == "longer":
            holder[key] = inner + draw(texts) if draw(st.booleans()) else draw(texts) + inner
        elif how == "cut":
            holder[key] = inner[: draw(st.integers(0, len(inner) - 1))]
        elif how == "within":
            changed, more = draw(damaged(within, most))
            holder[key] = json.dumps(changed)
            done += [f"{path} → {each}" for each in more]
        elif how == "duplicate key":
            name = draw(st.sampled_from([*within, "x"]))
            holder[key] = f"{{{json.dumps(name)}: {json.dumps(draw(scalars))}, {inner.lstrip()[1:]}"
    return value, done


def _json(value: Any) -> dict[str, Any] | None:
    """The object a text is the JSON of."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _rename(holder: Any, key: Any, name: str) -> None:
    if isinstance(holder, dict):
        holder[name] = holder.pop(key)


@st.composite
def damaged_bytes(draw: st.DrawFn, body: bytes) -> tuple[bytes, list[str]]:
    """The bytes cut, flipped, doubled, or others in their place; mostly as they were."""
    how = draw(st.sampled_from(["whole"] * 25 + ["cut", "flip", "insert", "double", "other"]))
    if how == "whole":
        return body, []
    at = draw(st.integers(0, max(0, len(body) - 1)))
    senseless = st.sampled_from((b"\xff\xfe", b"&payload={}", b"=", b"%ff", b"\x00"))
    more = draw(st.one_of(st.binary(max_size=20), senseless))
    changed = {
        "cut": body[:at],
        "flip": body[:at] + bytes([body[at] ^ (1 << at % 8)] if body else b"") + body[at + 1 :],
        "insert": body[:at] + more + body[at:],
        "double": body + body,
        "other": draw(st.one_of(st.binary(max_size=200), st.sampled_from((b"", b"[" * 200_000, b"x" * 600_000)))),
    }[how]
    return changed, [f"bytes: {how} at {at}"]
