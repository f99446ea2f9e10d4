"""The local cloud: runs template.yaml itself, in simulated time, on 127.0.0.1 and nothing else."""

import json
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import time_machine
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from playground.backends import Backends
from playground.change_calendar import ChangeCalendars
from playground.codepipeline import CodePipeline
from playground.deliveries import AsyncQueue, Disorder
from playground.deploy_services import CloudFormation, CodeBuild, CodeDeploy, Ecs
from playground.event_pattern import matches
from playground.functions import Functions, Invocation
from playground.gateway import Fault, FaultKind, Gateway, access_key_id
from playground.health import Health
from playground.http_api import FAILED, NOT_FOUND, Response, request_event, response
from playground.notifications import NotificationRules
from playground.pipeline_template import PipelineStack, load_pipelines
from playground.slack import Slack
from playground.stack import Function, Schedule
from playground.streams import StreamReader
from playground.template import load

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
QUIET_AFTER = 20_000
"""Deliveries in one `settle` after which something is wrong: the functions keep each other busy for ever."""


class Cloud:
    """AWS with the template's stack deployed, CodePipeline, Health and a Slack workspace beside it.

    A context manager: inside it the whole process lives in simulated time, which stands still at `now` and moves
    only by `advance`. One cloud at a time in a process (moto's state is the process's).

    `bus_regions`: Regions whose events reach the stack's event bus; its own alone, if none is named.
    `disorder`: deliver doubled and in another order. Raises Unsupported for a template beyond the local cloud.
    """

    def __init__(
        self,
        template_path: Path,
        parameters: Mapping[str, str] | None = None,
        *,
        slack: Slack | None = None,
        start: datetime = START,
        region: str = "us-east-1",
        account: str = "123456789012",
        bus_regions: Collection[str] = (),
        disorder: Disorder | None = None,
    ) -> None:
        self.stack = load(template_path, parameters, region=region, account=account)
        self.codepipeline = CodePipeline(self.put_event, self.invoke_later, account)
        self.health = Health(self.put_event, account)
        self.calendars = ChangeCalendars()
        self.cloudformation = CloudFormation(account)
        self.codebuild = CodeBuild(account)
        self.codedeploy = CodeDeploy(account)
        self.ecs = Ecs(account)
        self.notifications = NotificationRules(self.stack, lambda to, event: self._queue.add(to, event, self.now))
        self.slack = slack or Slack()
        self.now = start
        self.disorder = disorder
        self._bus_regions = set(bus_regions) | {region}
        self._closing = ExitStack()
        if slack is None:
            self._closing.callback(self.slack.close)

    def __enter__(self) -> "Cloud":
        with self._closing as closing:
            self._start(closing)
            self._closing = closing.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closing.close()

    def _start(self, closing: ExitStack) -> None:
        """Everything that must be undone is put on `closing` as soon as it is done."""
        self._clock = closing.enter_context(time_machine.travel(_naive(self.now), tick=False))
        self.backends = Backends(self.stack)
        self.gateway = Gateway(
            self.stack,
            self.backends,
            {
                "codepipeline": self.codepipeline,
                "health": self.health,
                "ssm": self.calendars,
                "cloudformation": self.cloudformation,
                "codebuild": self.codebuild,
                "codedeploy": self.codedeploy,
                "ecs": self.ecs,
            },
            self._kill,
        )
        self.gateway.start()
        closing.callback(self.gateway.stop)
        self.functions = Functions(self.stack, self.gateway.url, self.slack.url)
        closing.callback(self.functions.stop)
        self._queue = AsyncQueue(self._run, self.backends.send)
        self._next_run = {schedule.arn: self.now + schedule.every for schedule in self.stack.schedules}
        self._readers = [
            StreamReader(
                mapping,
                self.stack.functions[mapping.function],
                lambda start, arn=mapping.stream_arn: self.backends.stream_records(arn, start),  # type: ignore[misc]
                self._run,
                self.backends.send,
            )
            for mapping in self.stack.stream_mappings
        ]

    def deploy_pipelines(self, path: Path, parameters: Mapping[str, str]) -> PipelineStack:
        """Deploy a template of pipelines (see playground.pipeline_template) beside the stack."""
        deployed = load_pipelines(path, parameters, region=self.stack.region, account=self.stack.account)
        for pipeline in deployed.pipelines:
            self.codepipeline.create_pipeline(
                pipeline.name, self.stack.region, pipeline.stages, pipeline.mode, pipeline.tags
            )
        for rule in deployed.notifications:
            self.notifications.create(rule.pipeline_arn, rule.topic_arn, rule.events, rule.detail_type)
        return deployed

    def put_event(self, event: Mapping[str, Any]) -> None:
        """Put an EventBridge event on the bus: the rules it fits send it to their functions at `settle`."""
        self.notifications.tell(event, self.now)
        if event.get("region") not in self._bus_regions:
            return  # another Region's bus, which has none of our rules
        for rule in self.stack.rules:
            if matches(rule.pattern, event):
                self._queue.add(self.stack.functions[rule.function], dict(event), self.now)

    def invoke_later(self, name: str, event: Mapping[str, Any]) -> None:
        """Invoke a function asynchronously: at the next `settle`, with Lambda's retries."""
        self._queue.add(self.stack.function(name), dict(event), self.now)

    def invoke(self, name: str, event: Any) -> Invocation:
        """Invoke a function now and wait. `name`: logical id, function name, handler, or its module ("sweep")."""
        return self._run(self.stack.function(name), event)

    def http(self, method: str, target: str, headers: Mapping[str, str], body: str | bytes = b"") -> Response:
        """Call the HTTP API and wait: (status, headers, body). `target`: the path, and its query string if any."""
        path = target.partition("?")[0]
        route = next((item for item in self.stack.routes if (item.method, item.path) == (method, path)), None)
        if route is None:
            return NOT_FOUND
        content = body.encode() if isinstance(body, str) else body
        event = request_event(route, target, headers, content, self.now, self.stack.account)
        invocation = self._run(self.stack.functions[route.function], event)
        return FAILED if invocation.error is not None else response(invocation.value)

    def settle(self) -> None:
        """Deliver everything that is due now, and what follows from it, until all is quiet. Time stands still.

        Raises what the playground itself could not do, and RuntimeError when it never gets quiet.
        """
        for _ in range(QUIET_AFTER):
            self.codepipeline.tick(self.now)
            due = self._queue.due(self.now)
            # In order, streams come after events, so that they have batches to deliver.
            polled = self._readers if self.disorder or not due else []
            readers = [reader for reader in polled if reader.pending(self.now)]
            if not due and not readers:
                return
            place = self.disorder.choose(len(due) + len(readers)) if self.disorder else 0
            twice = self.disorder is not None and self.disorder.twice()
            if place >= len(due):
                readers[place - len(due)].deliver(self.now, times=2 if twice else 1)
                continue
            if twice:
                self._queue.add(due[place].function, due[place].event, self.now)
            self._queue.deliver(due[place], self.now)
        raise RuntimeError(f"not quiet after {QUIET_AFTER} deliveries")

    def advance(self, by: timedelta, step: timedelta = timedelta(minutes=1)) -> None:
        """Let time pass, `step` by step or to the next schedule, settling at each."""
        self.settle()
        end = self.now + by
        while self.now < end:
            self.now = min([self.now + step, end, *self._next_run.values()])
            self._clock.move_to(_naive(self.now), tick=False)
            for schedule in self.stack.schedules:
                if self._next_run[schedule.arn] <= self.now:
                    self._next_run[schedule.arn] += schedule.every
                    function = self.stack.functions[schedule.function]
                    self._queue.add(function, self._scheduled_event(schedule), self.now)
            self.settle()

    def fault(self, service: str, operation: str, kind: FaultKind, **more: Any) -> Fault:
        """Let the next call of an operation go wrong (see playground.gateway.Fault for `kind` and the rest)."""
        fault = Fault(service, operation, kind, **more)
        self.gateway.faults.append(fault)
        return fault

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client of the account's administrator, whom no policy binds."""
        return boto3.client(
            service,  # type: ignore[call-overload]  # any service's name
            region_name=region or self.stack.region,
            endpoint_url=self.gateway.url,
            aws_access_key_id=access_key_id(None),
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def items(self) -> list[dict[str, Any]]:
        """Every item of the stack's tables, as plain values."""
        read = TypeDeserializer().deserialize
        return [
            {name: read(value) for name, value in item.items()}
            for table in self.stack.tables
            for item in self.backends.items(table.name)
        ]

    def failures(self) -> list[tuple[str, dict[str, Any]]]:
        """What lies in the queues: (queue, message), in the template's order of queues."""
        return [
            (queue.name, message) for queue in self.stack.queues for message in self.backends.messages(queue.name)
        ]

    def _run(self, function: Function, event: Any) -> Invocation:
        invocation = self.functions.invoke(function, json.loads(json.dumps(event)), self.now)
        broken = [*self.gateway.broken, *self.slack.errors]
        if broken:
            raise RuntimeError(f"the playground failed while {function.logical_id} ran") from broken[0]
        return invocation

    def _kill(self, function: Function) -> None:
        self.functions.kill(function)

    def _scheduled_event(self, schedule: Schedule) -> Any:
        if schedule.input is not None:
            return schedule.input
        return {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "Scheduled Event",
            "source": schedule.source,
            "account": self.stack.account,
            "time": self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.stack.region,
            "resources": [schedule.arn],
            "detail": {},
        }


def _naive(now: datetime) -> datetime:
    """The same instant for time_machine, which takes it for UTC; of an aware one it would change TZ."""
    return now.astimezone(UTC).replace(tzinfo=None)
