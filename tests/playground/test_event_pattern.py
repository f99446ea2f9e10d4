"""Event patterns, example by example from EventBridge's guide."""

from typing import Any

import pytest

from playground.errors import Unsupported
from playground.event_pattern import matches

ON_VALUE = [
    # (the field's list in the pattern, the event's value, whether it fits)
    (["aws.health"], "aws.health", True),
    (["aws.health"], "aws.healthlake", False),
    (["a", "b"], "b", True),
    ([None], None, True),
    ([None], "", False),
    ([""], "", True),
    ([True], True, True),
    ([True], "true", False),
    ([1], True, False),
    ([300], 300, True),
    ([300], 300.0, False),
    (["a"], ["x", "a"], True),
    (["a"], [], False),
    ([{"prefix": "EXEC#"}], "EXEC#1", True),
    ([{"prefix": "EXEC#"}], "ISSUE", False),
    ([{"prefix": "EXEC#"}], 7, False),
    ([{"prefix": {"equals-ignore-case": "exec"}}], "EXEC#1", True),
    ([{"suffix": ".png"}], "a.png", True),
    ([{"suffix": ".png"}], "a.PNG", False),
    ([{"suffix": {"equals-ignore-case": ".png"}}], "a.PNG", True),
    ([{"equals-ignore-case": "alice"}], "ALICE", True),
    ([{"equals-ignore-case": "alice"}], "BOB", False),
    ([{"anything-but": "initializing"}], "running", True),
    ([{"anything-but": "initializing"}], "initializing", False),
    ([{"anything-but": ["stopped", "overloaded"]}], "stopped", False),
    ([{"anything-but": [1, 2]}], 3, True),
    ([{"anything-but": {"prefix": "init"}}], "initializing", False),
    ([{"anything-but": {"prefix": ["init", "st"]}}], "stopped", False),
    ([{"anything-but": {"suffix": ".txt"}}], "a.doc", True),
    ([{"anything-but": {"wildcard": "*/lib/*"}}], "a/lib/b", False),
    ([{"anything-but": {"equals-ignore-case": ["a", "b"]}}], "B", False),
    ([{"numeric": [">", 0, "<=", 5]}], 5, True),
    ([{"numeric": [">", 0, "<=", 5]}], 0, False),
    ([{"numeric": ["=", 3.018e2]}], 301.8, True),
    ([{"numeric": [">", 0]}], "3", False),
    ([{"wildcard": "*.lambda.*"}], "x.lambda.y", True),
    ([{"wildcard": "a*"}], "ba", False),
    ([{"wildcard": r"a\*b"}], "a*b", True),
    ([{"wildcard": r"a\*b"}], "axb", False),
    ([{"wildcard": "a.b"}], "axb", False),
    ([{"exists": True}], None, True),
    ([{"exists": True}], [], False),
    ([{"exists": True}], {"deeper": 1}, False),
    ([{"exists": False}], "there", False),
    (["other", {"prefix": "b"}], "bob", True),
]


@pytest.mark.parametrize(("choices", "value", "fits"), ON_VALUE)
def test_a_field_fits_as_the_guide_says(choices: list[Any], value: Any, fits: bool) -> None:
    assert matches({"detail": {"f": choices}}, {"detail": {"f": value}}) is fits


@pytest.mark.parametrize(
    ("choices", "fits"),
    [(["x"], False), ([None], False), ([{"anything-but": "x"}], False), ([{"exists": False}], True)],
)
def test_only_exists_false_fits_a_field_that_is_absent(choices: list[Any], fits: bool) -> None:
    assert matches({"detail": {"f": choices}}, {"detail": {}}) is fits
    assert matches({"detail": {"f": choices}}, {}) is fits


def test_every_field_must_fit() -> None:
    pattern = {"source": ["aws.health"], "detail": {"service": ["ECS"]}}
    assert matches(pattern, {"source": "aws.health", "detail": {"service": "ECS"}, "region": "us-east-1"})
    assert not matches(pattern, {"source": "aws.health", "detail": {"service": "EC2"}})


def test_either_side_of_or_will_do_but_the_rest_must_fit_too() -> None:
    pattern = {"source": ["s"], "$or": [{"detail": {"a": [1]}}, {"detail": {"b": [{"numeric": [">", 5]}]}}]}
    assert matches(pattern, {"source": "s", "detail": {"a": 1}})
    assert matches(pattern, {"source": "s", "detail": {"b": 6}})
    assert not matches(pattern, {"source": "s", "detail": {"a": 2, "b": 5}})
    assert not matches(pattern, {"source": "t", "detail": {"a": 1}})


def test_an_object_inside_an_array_may_be_the_one_that_fits() -> None:
    pattern = {"items": {"name": ["b"]}}
    assert matches(pattern, {"items": [{"name": "a"}, {"name": "b"}]})
    assert not matches(pattern, {"items": [{"name": "a"}]})


def test_a_stream_filter_reads_the_record_as_dynamodb_writes_it() -> None:
    pattern = {
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "EXEC#"}]}}, "NewImage": {"status": {"S": ["RESUMING"]}}}
    }
    record = {"dynamodb": {"Keys": {"pk": {"S": "EXEC#1"}}, "NewImage": {"status": {"S": "RESUMING"}}}}
    assert matches(pattern, record)
    del record["dynamodb"]["NewImage"]
    assert not matches(pattern, record)


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        {"source": "aws.health"},
        {"source": []},
        {"source": [["x"]]},
        {"source": [{"cidr": "10.0.0.0/24"}]},
        {"source": [{"prefix": "a", "suffix": "b"}]},
        {"source": [{"prefix": 1}]},
        {"source": [{"exists": "yes"}]},
        {"source": [{"numeric": [">"]}]},
        {"source": [{"numeric": ["~", 1]}]},
        {"source": [{"anything-but": {"numeric": ["=", 1]}}]},
        {"source": [{"anything-but": []}]},
        {"source": [{"wildcard": "a**b"}]},
        {"source": [{"wildcard": r"a\b"}]},
        {"$or": [{"a": [1]}]},
        {"detail": {"deep": {"f": [{"unheard-of": 1}]}}},
    ],
)
def test_what_is_not_understood_is_said_aloud_even_when_the_event_would_not_reach_it(
    pattern: dict[str, Any],
) -> None:
    with pytest.raises(Unsupported):
        matches(pattern, {"source": "elsewhere"})
