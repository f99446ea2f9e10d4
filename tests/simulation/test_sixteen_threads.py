"""Concurrency for real: sixteen threads on one execution, over boto3, HTTP, and moto's table behind its lock."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Barrier, Lock, Thread
from typing import Any

import boto3
import pytest
from botocore.config import Config

from bot.adapters.dynamodb import DynamoStore
from bot.cards.card import DISMISS, RETRY
from bot.errors import TryLater, VersionConflict
from bot.model import ExecutionKey, Status
from bot.policy import Policy
from bot.slack.requests import Click
from bot.workflows.issue_work import on_report
from bot.workflows.ledger import IssueReader, record
from bot.workflows.notify import show
from bot.workflows.resume import resume
from bot.workflows.slack.clicks import handle_click
from bot.workflows.slack.desk import Desk
from bot.workflows.sweep import sweep
from bot.workflows.world import World
from playground.backends import Backends
from playground.template import load
from tests.builders import ACCOUNT, KEY, NOW, REGION, a_report, an_action, an_execution
from tests.fakes.calendar import FakeCalendar
from tests.fakes.chat import ALICE, TEAM, FakeChat
from tests.fakes.evidence import FakeEvidence
from tests.fakes.health import FakeHealth
from tests.fakes.pipelines import FakePipelines

TEMPLATE = Path(__file__).parent.parent.parent / "template.yaml"
SETTINGS = {"SlackBotToken": "xoxb-1", "SlackSigningSecret": "secret", "SlackChannel": "C0DEPLOYS"}
POLICY = Policy(settle=timedelta(0), slack_channel="C0DEPLOYS")


class LockedPipelines(FakePipelines):
    """CodePipeline decides one call after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()

    def retry_stage(self, key: ExecutionKey) -> None:
        with self._lock:
            super().retry_stage(key)


@pytest.fixture
def table() -> Iterator[tuple[Any, str]]:
    """A boto3 client of a DynamoDB on 127.0.0.1 that answers sixteen at once, and template.yaml's table in it."""
    stack = load(TEMPLATE, SETTINGS)
    backends = Backends(stack)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, content = backends.handle(dict(self.headers), body)
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield (
        boto3.Session("AKIAEXAMPLE", "secret", region_name=REGION).client(
            "dynamodb",
            endpoint_url=f"http://127.0.0.1:{server.server_address[1]}",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=16),
        ),
        stack.tables[0].name,
    )
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("second_click", [RETRY, DISMISS])
def test_sixteen_at_once_retry_it_once(table: tuple[Any, str], second_click: str) -> None:
    """Clicks, a close and its copies, sweeps and the stream's readers, all at the same moment."""
    store, pipelines, chat = DynamoStore(*table), LockedPipelines(), FakeChat()
    numbers = count(1)
    world = World(
        store=store, pipelines=pipelines, health=FakeHealth(), calendar=FakeCalendar(), evidence=FakeEvidence(),
        policy=POLICY, account=ACCOUNT, new_id=lambda: f"id-{next(numbers)}",
    )  # fmt: skip
    report = a_report()
    record(world, report, NOW)
    action = an_action(provider="ECS")
    pipelines.show_failed(KEY, action, at=NOW)
    store.save_execution(an_execution(actions=(action,), due_at=NOW), holding=[report.key])
    show(KEY, store, chat, POLICY, NOW)
    card = store.load_card(KEY)
    assert card is not None
    closed = replace(report, closed=True, updated_at=NOW + timedelta(seconds=1))

    def click(action_id: str, number: int) -> None:
        asked = Click(
            team_id=TEAM, user_id=ALICE, user_team_id=TEAM, channel_id=card.channel, message_ts=card.ts,
            action_id=action_id, action_ts=f"{number}.1", key=KEY, version=1, response_url="https://a.b/c",
        )  # fmt: skip
        handle_click(Desk(store, chat, POLICY), asked, NOW)

    acts: list[Callable[[], object]] = [
        lambda: click(RETRY, 1),
        lambda: click(RETRY, 1),
        lambda: click(second_click, 2),
        lambda: click(RETRY, 3),
        *[lambda: on_report(world, closed, NOW)] * 4,
        *[lambda: sweep(world, NOW)] * 3,
        *[lambda: resume(world, IssueReader(world), KEY, NOW)] * 5,
    ]
    barrier = Barrier(16)

    def at_once(act: Callable[[], object]) -> None:
        barrier.wait()
        with suppress(VersionConflict, TryLater):  # as Lambda: it is invoked again, below
            act()

    with ThreadPoolExecutor(16) as pool:
        assert len(list(pool.map(at_once, acts))) == 16
    for minute in range(1, 6):
        now = NOW + timedelta(minutes=minute)
        on_report(world, closed, now)
        sweep(world, now)
        resume(world, IssueReader(world), KEY, now)
    execution = store.load_execution(KEY)
    assert execution is not None
    dismissed = execution.status is Status.DISMISSED
    assert dismissed or execution.status is Status.RETRYING
    assert pipelines.accepted == ([] if dismissed else [KEY])
    lines = store.history(KEY)
    assert [line.version for line in lines] == list(range(1, execution.version + 1))
    assert second_click == DISMISS or not dismissed
