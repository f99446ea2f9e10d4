"""resume and notify die at each of their calls, through real boto3 on moto: the table's own transactions."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bot.adapters.dynamodb import DynamoStore
from bot.cards.card import render
from bot.model import ALLCLEAR, Execution, RetryPlan, Status
from bot.policy import Policy
from bot.workflows.ledger import IssueReader
from bot.workflows.notify import show
from bot.workflows.resume import resume
from bot.workflows.world import World
from tests.builders import ACCOUNT, KEY, NOW, REGION, an_action, an_execution
from tests.contract.conftest import TABLE, create_table
from tests.fakes.calendar import FakeCalendar
from tests.fakes.chat import FakeChat
from tests.fakes.evidence import FakeEvidence
from tests.fakes.health import FakeHealth
from tests.fakes.pipelines import FakePipelines
from tests.workflows.meddling import PowerFailure

POLICY = Policy(slack_channel="C0DEPLOYS")
TWO_MINUTES = timedelta(minutes=2)  # longer than a claim's and a post's lease


class Fuse:
    """Counts calls, before and after each, and blows once at the one it is set to."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.passed = 0

    def pass_on(self) -> None:
        here, self.passed = self.passed, self.passed + 1
        if here == self.at:
            raise PowerFailure

    def around(self, target: Any) -> Any:
        return _Fused(target, self)


class _Fused:
    def __init__(self, target: Any, fuse: Fuse) -> None:
        self._target, self._fuse = target, fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._fuse.pass_on()
            answer = method(*arguments, **options)
            self._fuse.pass_on()
            return answer

        return call


class Bench:
    """One held execution whose retry is owed, in a real table; the fuse is in everything the functions call."""

    def __init__(self, client: Any, fuse: Fuse) -> None:
        self.store = DynamoStore(client, TABLE)
        self.pipelines, self.chat = FakePipelines(), FakeChat()
        self.fused_store = DynamoStore(fuse.around(client), TABLE)
        self.fused_chat = fuse.around(self.chat)
        self.world = World(
            store=self.fused_store,
            pipelines=fuse.around(self.pipelines),
            health=fuse.around(FakeHealth()),
            calendar=FakeCalendar(),
            evidence=FakeEvidence(),
            policy=POLICY,
            account=ACCOUNT,
            new_id=_ids(),
        )
        action = an_action()
        self.pipelines.show_failed(KEY, action, at=NOW)
        plan = RetryPlan(ALLCLEAR, NOW, NOW)
        self.store.save_execution(an_execution(status=Status.RESUMING, actions=(action,), retry=plan))

    def execution(self) -> Execution:
        execution = self.store.load_execution(KEY)
        assert execution is not None
        return execution


def _ids() -> Callable[[], str]:
    numbers = iter(range(1_000))
    return lambda: f"id-{next(numbers)}"


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("dynamodb", region_name=REGION, endpoint_url=f"https://dynamodb.{REGION}.amazonaws.com")


def every_death(client: Any, act: Callable[[Bench, int], None]) -> Iterator[Bench]:
    """The same night once for each call: it dies there, and is invoked again until nothing is owed."""
    at = 0
    while True:
        create_table(client)
        fuse = Fuse(at)
        bench = Bench(client, fuse)
        died = False
        for attempt in range(3):
            try:
                act(bench, attempt)
            except PowerFailure:
                died = True
        yield bench
        client.delete_table(TableName=TABLE)
        if not died:
            return
        at += 1


def test_a_retry_that_dies_anywhere_is_made_once(client: Any) -> None:
    """Before and after the claim, the call, and the answer's save."""

    def act(bench: Bench, attempt: int) -> None:
        resume(bench.world, IssueReader(bench.world), KEY, NOW + attempt * TWO_MINUTES)

    tried = 0
    for bench in every_death(client, act):
        tried += 1
        execution = bench.execution()
        assert bench.pipelines.accepted == [KEY], tried
        assert execution.status is Status.RETRYING, tried
        assert (execution.automatic_retries, execution.retries) == (1, 1), tried
        lines = [line.version for line in bench.store.history(KEY)]
        assert lines == list(range(1, execution.version + 1)), tried
    assert tried > 20


def test_a_card_that_dies_anywhere_is_posted_once(client: Any) -> None:
    """Before and after the note that it will be posted, the post, and the save of where it is."""

    def act(bench: Bench, attempt: int) -> None:
        bench.chat.now = NOW + attempt * TWO_MINUTES
        show(KEY, bench.fused_store, bench.fused_chat, POLICY, NOW + attempt * TWO_MINUTES)

    tried = 0
    for bench in every_death(client, act):
        tried += 1
        card = bench.store.load_card(KEY)
        assert card is not None, tried
        assert list(bench.chat.messages) == [(card.channel, card.ts)], tried
        assert bench.chat.messages[card.channel, card.ts] == render(bench.execution(), POLICY), tried
        assert (card.rendered_version, card.due_at, card.posting_at) == (1, None, None), tried
    assert tried > 10
