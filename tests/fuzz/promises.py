"""What holds whatever comes in. `play` raises Broken at the first promise that does not."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from bot.adapters import burst_items, inferred_items, table_items
from bot.errors import (
    AllclearError,
    HealthUnreadable,
    NoSupportPlan,
    OutcomeUnknown,
    ParseError,
    SlackRefused,
    TryLater,
    VersionConflict,
)
from bot.gate import parse_job
from playground.slack_limits import check_message, check_view
from tests.fakes.dynamodb import Item, Place
from tests.fuzz import story
from tests.fuzz.deliveries import TABLE, Delivery, Fault
from tests.fuzz.installation import MINUTE, Installation, Outcome, busy_for

IN_TROUBLE = (TryLater, VersionConflict, HealthUnreadable, NoSupportPlan, OutcomeUnknown, SlackRefused)
"""What a port that is down may raise, and a handler log or (those that are invoked again) raise."""
COMES_AGAIN = ("pipeline_event", "health_event", "gate", "sweep")
MINUTES_TO_A_RETRY = 8  # five to settle, and what follows
READERS_OF_THE_STREAM = ("notify", "resume")
MAY_BE_ANSWERED = (200, 400, 401, 503)

_plain = TypeDeserializer().deserialize
READERS: dict[tuple[str, str], Callable[[Item], Any]] = {
    ("EXEC", "STATE"): table_items.read_execution,
    ("EXEC", "HISTORY"): table_items.read_line,
    ("EXEC", "CARD"): table_items.read_card,
    ("HINT", "HINT"): table_items.read_hint,
    ("HOLD", "HOLD"): table_items.read_hold,
    ("BURST", "BURST"): burst_items.read_burst,
    ("BURST", "LINE"): burst_items.read_line,
    ("CHANNEL", "CHANNEL"): burst_items.read_channel,
}
READERS_OF_A_PARTITION: dict[str, Callable[[Item], Any]] = {
    "ISSUE": table_items.read_issue,
    "HELD": table_items.read_edge,
    "OVERRIDE": table_items.read_override,
    "RUNNING": table_items.read_running,
    "INFERRED": inferred_items.read_inferred,
    "CLICK": lambda item: item["sk"],
    "TURN": lambda item: table_items.parse_instant(item.get("begun_at"), "begun_at"),
}
ENDED = ("RECOVERED", "SUPERSEDED", "STOPPED", "DISMISSED")


class Broken(AssertionError):
    """A promise is broken."""


def play(deliveries: list[Delivery]) -> None:
    """Everything is delivered, then all comes to rest; every promise is looked at after each step."""
    try:
        _play(deliveries, story.evening())
    except AssertionError as broken:
        raise Broken(f"{broken}\nwhen there came in: {deliveries}") from broken


def _play(deliveries: list[Delivery], installation: Installation) -> None:
    if any(delivery.handler == TABLE for delivery in deliveries):
        _play_with_a_broken_item(deliveries, installation)
        return
    with installation.playing():
        for delivery in deliveries:
            _deliver(installation, delivery)
        if installation.stream or installation.table.items != story.evening().table.items:
            reached = len(installation.outcomes)
            installation.at_rest()
            for outcome in installation.outcomes[reached:]:
                _went_well(outcome)
    _no_secret_is_logged(installation)
    for place, item in installation.table.items.items():
        _can_be_read_back(place, item)


def _play_with_a_broken_item(deliveries: list[Delivery], installation: Installation) -> None:
    """Whatever one item holds: Slack and the gate's jobs are answered, and every other deploy goes its way."""
    closed = story.issue_event(statusCode="closed", lastUpdatedTime="Mon, 23 Nov 2026 05:00:00 GMT")
    with installation.playing():
        for delivery in deliveries:
            if delivery.handler == TABLE:
                _edit(installation, delivery.event)
                continue
            answered = _answers(installation)
            outcome = installation.invoke(delivery.handler, delivery.event)
            if delivery.handler == "slack_request" and outcome.error is None:
                _slack_has_its_answer(outcome, delivery)
            if delivery.handler == "gate":
                _the_job_has_its_answer(outcome, delivery, _answers(installation) - answered)
        installation.deliver(failing=True)
        installation.invoke("health_event", closed)
        for _ in range(MINUTES_TO_A_RETRY):
            installation.now += MINUTE
            installation.invoke("sweep", {})
            installation.deliver(failing=True)
    for outcome in installation.outcomes:
        may_raise = isinstance(outcome.error, AllclearError) and outcome.handler in COMES_AGAIN
        no_records = outcome.handler in READERS_OF_THE_STREAM and isinstance(outcome.error, ParseError)
        if outcome.error is not None and not may_raise and not no_records:
            raise Broken(f"{outcome.handler} raised {outcome.error!r}") from outcome.error
        if outcome.handler == "sweep" and outcome.error is not None:
            raise Broken(f"one item ended the sweep: {outcome.error!r}") from outcome.error
    if story.WEB not in installation.pipelines.accepted:
        raise Broken("web was not resumed")
    _no_secret_is_logged(installation)


def _edit(installation: Installation, edit: dict[str, Any]) -> None:
    place = (edit["pk"], edit["sk"])
    item = {**installation.table.items[place], **edit["wrong"]}
    try:
        installation.table.put_item(Item={name: value for name, value in item.items() if value is not None})
    except ClientError:
        return  # the table does not take it


def _deliver(installation: Installation, delivery: Delivery) -> None:
    before, read = dict(installation.table.items), installation.secrets.reads
    answered = _answers(installation)
    _break(installation, delivery.fault)
    outcome = installation.invoke(delivery.handler, delivery.event)
    _mend(installation)
    _raised_what_it_may(outcome, delivery)
    if delivery.handler == "slack_request":
        _slack_has_its_answer(outcome, delivery)
        if outcome.value["statusCode"] != 200 and installation.table.items != before and delivery.fault is None:
            raise Broken("a refused request changed something")
        if delivery.signed is False and (outcome.value["statusCode"] not in (401, 503)):
            raise Broken(f"what Slack did not sign was answered with {outcome.value['statusCode']}")
        if delivery.signed is None and read == installation.secrets.reads and outcome.value["statusCode"] == 200:
            raise Broken("carried out without a look at the signing secret")
    if delivery.handler == "gate":
        _the_job_has_its_answer(outcome, delivery, _answers(installation) - answered)
    if delivery.handler in READERS_OF_THE_STREAM and outcome.error is None:
        _only_what_is_wrong_fails(outcome, delivery)


def _break(installation: Installation, fault: Fault | None) -> None:
    if fault is None:
        return
    if fault.port == "table":
        installation.table.before = busy_for(fault.calls, fault.after)
    elif fault.port == "chat" and fault.error is not None:
        installation.chat.fail(fault.what, fault.error)
    elif fault.port == "pipelines" and fault.error is not None:
        installation.pipelines.raise_next(fault.what, fault.error)
    elif fault.port == "health":
        installation.health.error = fault.error
    else:
        installation.secrets.error = fault.error


def _mend(installation: Installation) -> None:
    installation.table.before = lambda _operation: None
    installation.chat.clear_failures()
    installation.pipelines.clear_errors()
    installation.health.error = installation.secrets.error = None


def _raised_what_it_may(outcome: Outcome, delivery: Delivery) -> None:
    if outcome.error is not None:
        in_trouble = delivery.fault is not None and isinstance(outcome.error, IN_TROUBLE)
        no_records = delivery.handler in READERS_OF_THE_STREAM and isinstance(outcome.error, ParseError)
        if not (in_trouble and delivery.handler in COMES_AGAIN) and not no_records:
            raise Broken(f"{delivery.handler} raised {outcome.error!r}") from outcome.error
    for record in outcome.records:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and record.levelname == "ERROR":
            in_trouble = delivery.fault is not None and isinstance(error, IN_TROUBLE)
            refused = delivery.handler in READERS_OF_THE_STREAM and bool(delivery.done)
            if not in_trouble and not refused:
                raise Broken(f"{delivery.handler} logged {record.getMessage()}: {error!r}") from error


def _went_well(outcome: Outcome) -> None:
    """What follows by itself once everything answers: nothing raised, nothing logged as wrong, no item failed."""
    if outcome.error is not None:
        raise Broken(f"{outcome.handler} raised {outcome.error!r} afterwards") from outcome.error
    if outcome.errors():
        raise Broken(f"{outcome.handler} logged afterwards: {outcome.errors()}")
    if outcome.handler == "sweep" and outcome.value != {"failed": 0}:
        raise Broken(f"the sweep answered {outcome.value}")
    if outcome.handler in READERS_OF_THE_STREAM and outcome.value != {"batchItemFailures": []}:
        raise Broken(f"{outcome.handler} answered {outcome.value}")


def _slack_has_its_answer(outcome: Outcome, delivery: Delivery) -> None:
    """Payload format 2.0's answer, with a status that docs/reliability.md allows."""
    answer = outcome.value
    status = answer.get("statusCode")
    if status not in MAY_BE_ANSWERED:
        raise Broken(f"Slack was answered with {status}")
    if status == 503 and delivery.fault is None and not _is_event(delivery):
        raise Broken("Slack was answered with 503, and nothing was down")
    if set(answer) - {"statusCode", "headers", "body"}:
        raise Broken(f"no answer of an HTTP API: {sorted(answer)}")
    body = json.loads(answer["body"]) if "body" in answer else {}
    if "blocks" in body:
        check_message(body["text"], body["blocks"], "chat.update")
    if "view" in body:
        check_view(body["view"], "views.update")


def _is_event(delivery: Delivery) -> bool:
    """A mention that comes twice at once is to come once more (docs/decisions/0011)."""
    return "event_callback" in delivery.words


def _answers(installation: Installation) -> Counter[str]:
    """How often each job was answered."""
    pipelines = installation.pipelines
    return Counter(given[1] for given in (*pipelines.failed_jobs, *pipelines.passed_jobs, *pipelines.kept_jobs))


def _the_job_has_its_answer(outcome: Outcome, delivery: Delivery, answered: Counter[str]) -> None:
    try:
        job_id = parse_job(json.loads(json.dumps(delivery.event))).job_id
    except ParseError:
        return
    expected = Counter([job_id] if outcome.error is None else [])  # one that raised comes again
    if answered != expected:
        raise Broken(f"job {job_id}: the answers given are {dict(answered)}")


def _only_what_is_wrong_fails(outcome: Outcome, delivery: Delivery) -> None:
    """A record that is as DynamoDB writes it is never given up for the sake of another."""
    if set(outcome.value) != {"batchItemFailures"}:
        raise Broken(f"no answer of a stream reader: {outcome.value}")
    if not delivery.done and delivery.fault is None and outcome.value["batchItemFailures"]:
        raise Broken(f"whole records failed: {outcome.value}")


def _no_secret_is_logged(installation: Installation) -> None:
    log = "\n".join(outcome.log() for outcome in installation.outcomes)
    for secret in story.SECRETS:
        if secret in log:
            raise Broken(f"{secret} is in a log")


def _can_be_read_back(place: Place, item: Item) -> None:
    kind, _, _ = place[0].partition("#")
    read = READERS_OF_A_PARTITION.get(kind) or READERS.get((kind, place[1].partition("#")[0]))
    if read is None:
        raise Broken(f"nobody reads items such as {place}")
    plain = {name: _plain(value) for name, value in item.items()}
    try:
        value = read(plain)
    except (AllclearError, ValueError, TypeError, KeyError) as problem:
        raise Broken(f"{place} cannot be read back: {problem!r}") from problem
    if place[1] == "STATE" and str(value.status) not in ENDED and "due_at" not in item:
        raise Broken(f"{place} is not finished and has no clock")
    if "due_at" in item:
        table_items.read_due(plain) if "due" in item else None
