"""Every function dies after each thing it does, and is invoked again, through real boto3 on moto.

The table's own requests are the calls here; in test_crash_points a save is one. What only reads leaves nothing
behind: whoever dies before one deed has died after the one before it.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bot.adapters.dynamodb import DynamoStore
from bot.model import ExecutionKey, Status
from bot.ports import StageStatus, StageTruth
from tests.builders import REGION, a_gate_action, an_action
from tests.contract.conftest import TABLE, create_table
from tests.fakes.dynamodb import Item, Place
from tests.fuzz.installation import HANDLERS, MINUTE, Installation, Outcome
from tests.fuzz.story import GATED, PATIENT, WEB, Sample, clicks, command, issue_event, job, request, stage_event
from tests.fuzz.story import submissions as modals
from tests.simulation.test_crash_points import Crash, Point, points_of
from tests.workflows.meddling import PowerFailure

WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")
DEEDS = (*WRITES, "retry_stage", "fail_job", "pass_job", "keep_job", "post", "update", "open_view", "respond")
LOST_FOR = timedelta(minutes=2)  # until Lambda, or a person, tries again: longer than a claim's and a post's lease
A_WHILE = timedelta(minutes=2)  # between two looks of the sweep


class Wired:
    """Whatever does something through it may be the last that its function did."""

    def __init__(self, target: Any, name: str, die: Callable[[str], None]) -> None:
        self._target, self._name, self._die = target, name, die

    def __getattr__(self, method: str) -> Any:
        attribute = getattr(self._target, method)
        if method not in DEEDS:
            return attribute

        def call(*arguments: Any, **options: Any) -> Any:
            answer = attribute(*arguments, **options)
            self._die(" ".join((f"{self._name}.{method}", *dict.fromkeys(map(_kind, _places(options))))))
            return answer

        return call


def _places(request: Item) -> list[Place]:
    """Which items a request writes; none if it is no request of DynamoDB's."""
    writes = [write for action in request.get("TransactItems", ()) for write in action.values()]
    keys = [each.get("Key") or each.get("Item") for each in writes or [request]]
    return [(key["pk"]["S"], key["sk"]["S"]) for key in keys if key]


def _kind(place: Place) -> str:
    pk, sk = place
    return sk.partition("#")[0] if pk.startswith("EXEC#") else pk.partition("#")[0]


class Moto:
    """DynamoDB's client, telling what is written, as tests/fakes/dynamodb.py does."""

    def __init__(self, client: Any) -> None:
        create_table(client)
        self._client = client
        self.items = self
        self.on_write: Callable[[Place], None] = lambda _place: None

    def get(self, place: Place, _default: Item) -> Item:
        key = {"pk": {"S": place[0]}, "sk": {"S": place[1]}}
        item: Item = self._client.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]
        return item

    def drop(self) -> None:
        self._client.delete_table(TableName=TABLE)

    def __getattr__(self, operation: str) -> Any:
        send = getattr(self._client, operation)
        if operation not in WRITES:
            return send

        def write(**request: Any) -> Any:
            answer = send(**request)
            for place in _places(request) if operation != "delete_item" else ():
                self.on_write(place)
            return answer

        return write


class Night(Installation):
    """Allclear over moto. Whoever dies is invoked again, by Lambda or by a person, with the same event."""

    def __init__(self, client: Any, crash: Crash) -> None:
        super().__init__(Moto(client))
        self._crash, self._function = crash, ""
        self.pipelines.jobs_are_answered_once = True
        self.jobs = 0
        table: Any = Wired(self.table, "dynamodb", self._die)
        self.store = self.app.store = DynamoStore(table, TABLE, sleep=lambda _seconds: None)
        self.app.pipelines = Wired(self.pipelines, "pipelines", self._die)
        self.app.chat = Wired(self.chat, "chat", self._die)

    def _die(self, place: str) -> None:
        if self._function and self._crash.strikes(self._function, place):
            raise PowerFailure

    def invoke(self, name: str, event: Any) -> Outcome:
        self._function = name
        try:
            return super().invoke(name, event)
        except PowerFailure:
            self.now += LOST_FOR
            return super().invoke(name, event)
        finally:
            self._function = ""

    def ends_well(self, deploys: tuple[ExecutionKey, ...]) -> None:
        """All has gone on, and the history says how. The table is deleted."""
        for key in deploys:
            execution = self.store.load_execution(key)
            assert execution is not None, key
            assert execution.status is Status.RECOVERED, execution
            lines = self.store.history(key)
            assert [line.version for line in lines] == list(range(1, execution.version + 1)), key
        self.table.drop()

    def gate(self, key: ExecutionKey, token: str = "", **parameters: str) -> None:
        self.jobs += 1
        self.invoke("gate", job(key, self.jobs, token, **parameters))

    def answered(self) -> list[int]:
        """The numbers of the jobs that failed, were kept or passed."""
        taken = (self.pipelines.failed_jobs, self.pipelines.kept_jobs, self.pipelines.passed_jobs)
        return sorted(int(answer[1].rpartition("-")[2]) for answers in taken for answer in answers)

    def shown(self) -> list[str]:
        return sorted(str(message.metadata) for message in self.chat.messages.values())

    def says(self, sample: Sample) -> None:
        self.invoke("slack_request", request(sample, self))
        self.deliver()

    def fails(self, key: ExecutionKey, action: Any) -> None:
        self.now += MINUTE
        self.pipelines.show_failed(key, action, at=self.now)
        self.invoke("pipeline_event", stage_event(key))
        self.deliver()

    def passes(self, key: ExecutionKey) -> None:
        self.now += MINUTE
        self.pipelines.show_status(key, StageStatus.SUCCEEDED)
        self.invoke("pipeline_event", stage_event(key, "SUCCEEDED"))
        self.deliver()

    def sweeps(self, after: timedelta) -> None:
        self.now += after
        self.invoke("sweep", {})
        self.deliver()


def held(night: Night) -> None:
    """An issue holds a deploy, which somebody dismisses and takes back; the issue closes, and it goes on."""
    night.invoke("health_event", issue_event())
    night.fails(WEB, an_action(provider="ECS"))
    night.says(clicks(night)["dismiss web"])
    night.says(clicks(night)["undo web"])
    night.invoke("health_event", issue_event(statusCode="closed", endTime="Mon, 23 Nov 2026 02:25:00 GMT"))
    for _ in range(4):
        night.sweeps(A_WHILE)
    night.passes(WEB)


def gated(night: Night) -> None:
    """alice lets a deploy through that the gate stopped; another gate waits, until nobody counts the issue."""
    night.invoke("health_event", issue_event())
    night.pipelines.show(StageTruth(PATIENT, StageStatus.IN_PROGRESS, execution_status="InProgress"))
    night.gate(PATIENT, mode="wait")
    night.gate(GATED)
    night.fails(GATED, a_gate_action())
    night.says(clicks(night)["override gated"])
    night.says(modals(night)["submission 0"])
    night.passes(GATED)
    night.gate(PATIENT, token=night.pipelines.kept_jobs[-1][2], mode="wait")
    night.sweeps(MINUTE)
    night.says(Sample("slack_request", command("ignore ISSUE it spares us"), is_command=True))
    night.gate(PATIENT, token=night.pipelines.kept_jobs[-1][2], mode="wait")
    night.passes(PATIENT)


STORIES: dict[str, tuple[Callable[[Night], None], tuple[ExecutionKey, ...], list[ExecutionKey]]] = {
    "held": (held, (WEB,), [WEB]),
    "gated": (gated, (GATED, PATIENT), [GATED]),
}
"""What happens, whose deploys, and which of them are retried."""


def told(name: str, client: Any, point: Point | None) -> tuple[Night, Crash]:
    """A story to its end, which is good whoever dies."""
    tell, deploys, retried = STORIES[name]
    crash = Crash(point)
    night = Night(client, crash)
    with night.playing():
        tell(night)
        night.at_rest()
    night.ends_well(deploys)
    assert night.pipelines.accepted == retried, point
    assert night.answered() == list(range(1, night.jobs + 1)), point
    problems = [text for outcome in night.outcomes for text in (*outcome.errors(), outcome.error) if text]
    assert not problems, (point, problems)
    return night, crash


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("dynamodb", region_name=REGION, endpoint_url=f"https://dynamodb.{REGION}.amazonaws.com")


@pytest.mark.parametrize("name", STORIES)
def test_a_death_after_anything_done_changes_no_end(name: str, client: Any) -> None:
    """One retry a failure, one answer a job, one card an execution, no gap in a history, no error in a log."""
    undisturbed, seen = told(name, client, None)
    known = set(points_of(told("held", client, None)[1])) if name != "held" else set()
    deaths = sorted(set(points_of(seen)) - known)
    assert len(deaths) > 10
    for point in deaths:
        night, crash = told(name, client, point)
        assert crash.struck, point
        assert night.shown() == undisturbed.shown(), point


def test_the_stories_have_every_function_do_something(client: Any) -> None:
    assert {function for name in STORIES for function, _ in told(name, client, None)[1].seen} == set(HANDLERS)
