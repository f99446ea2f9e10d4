"""A notification rule's message is read as the event it repeats, or refused by the path of its field."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ParseError
from bot.events import EventLevel, EventState, PipelineEvent, parse_pipeline_event
from bot.notifications import is_notification, read_notifications

FIXTURES = Path(__file__).parent / "fixtures"
MESSAGES = sorted((FIXTURES / "notifications").glob("*.json"))


def sns(*messages: object) -> dict[str, Any]:
    """Lambda's event of these messages, texts as they are."""
    texts = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Subject": None, "Message": text}} for text in texts]}


def message(name: str = "stage_failed_full") -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FIXTURES / f"notifications/{name}.json").read_text())
    return loaded


def refusal(event: object) -> str:
    (read,) = read_notifications(event)
    assert isinstance(read, ParseError)
    return read.field


def test_the_same_stage_failure_reads_the_same_by_both_routes() -> None:
    """Only the event's id is missing, which nothing is decided by."""
    by_eventbridge = parse_pipeline_event(json.loads((FIXTURES / "codepipeline/stage_failed.json").read_text()))
    assert read_notifications(sns(message())) == [replace(by_eventbridge, event_id="")]


@pytest.mark.parametrize(
    ("name", "level", "stage", "action"),
    [
        ("stage_failed_full", EventLevel.STAGE, "Deploy", None),
        ("action_failed_basic", EventLevel.ACTION, "Deploy", "DeployStack"),
        ("pipeline_failed_full", EventLevel.PIPELINE, None, None),
    ],
)
def test_every_level_is_read_whether_basic_or_full(
    name: str, level: EventLevel, stage: str | None, action: str | None
) -> None:
    """What FULL adds is in words for people; without it the event says the same."""
    full = message(name)
    basic = {field: value for field, value in full.items() if field != "additionalAttributes"}
    (read,) = read_notifications(sns(full))
    assert isinstance(read, PipelineEvent)
    assert (read.level, read.stage, read.action, read.state) == (level, stage, action, EventState.FAILED)
    assert read.region == "us-east-1"  # the pipeline's, though the action's own is another
    for attributes in ({}, None, "words", {"failedActions": 7}):
        assert read_notifications(sns(basic | {"additionalAttributes": attributes})) == [read]
    assert read_notifications(sns(basic)) == [read]


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"Records": [None]}, "Records.0.EventSource"),
        ({"Records": [{"EventSource": "aws:sqs", "Sns": {"Message": "{}"}}]}, "Records.0.EventSource"),
        ({"Records": [{"EventSource": "aws:sns"}]}, "Records.0.Sns.Message"),
        ({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": 7}}]}, "Records.0.Sns.Message"),
        (sns("Hello from SNS!"), "Records.0.Sns.Message"),
        (sns("[" * 100_000), "Records.0.Sns.Message"),
        (sns([]), "Records.0.Sns.Message"),
        (sns({**message(), "source": "aws.codecommit"}), "Records.0.Sns.Message.source"),
        (sns({**message(), "detailType": "CodeCommit State Change"}), "Records.0.Sns.Message.detailType"),
        (sns({**message(), "detail": None}), "Records.0.Sns.Message.detail"),
        (sns({**message(), "detail": {**message()["detail"], "pipeline": "a#b"}}),
         "Records.0.Sns.Message.detail.pipeline"),
        (sns({**message(), "detail": {**message()["detail"], "state": "EXPLODED"}}),
         "Records.0.Sns.Message.detail.state"),
    ],
)  # fmt: skip
def test_a_malformed_notification_is_refused_by_the_path_of_the_field(event: object, field: str) -> None:
    assert refusal(event) == field


@pytest.mark.parametrize("records", [None, [], {}, "records", 7])
def test_records_that_are_none_at_all_are_refused(records: object) -> None:
    event = {"Records": records}
    assert is_notification(event)
    with pytest.raises(ParseError) as refused:
        read_notifications(event)
    assert refused.value.field == "Records"


def test_one_malformed_record_does_not_hide_its_neighbour() -> None:
    """SNS sends one at a time; if that ever changes, nothing is lost."""
    first, second = read_notifications(sns("not json", message()))
    assert isinstance(first, ParseError)
    assert isinstance(second, PipelineEvent)


def test_an_event_of_eventbridge_is_no_notification() -> None:
    assert not is_notification(json.loads((FIXTURES / "codepipeline/stage_failed.json").read_text()))
    assert not is_notification([])
