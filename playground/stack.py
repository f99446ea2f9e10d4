"""What template.yaml deploys, as values: the template's own words, resolved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a function's policies."""

    allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Function:
    """An AWS::Serverless::Function."""

    logical_id: str
    name: str
    arn: str
    handler: str
    code: Path  # where CodeUri points
    environment: Mapping[str, str]
    statements: tuple[Statement, ...]
    timeout: timedelta
    memory_mb: int
    max_retries: int  # of asynchronous invocations: 0 to 2
    max_age: timedelta  # of an asynchronous invocation
    on_failure: str  # the ARN of the queue that gets what asynchronous invocations gave up; "" for none


@dataclass(frozen=True, slots=True)
class Table:
    """An AWS::DynamoDB::Table."""

    name: str
    arn: str
    stream_arn: str  # "" without a stream
    partition_keys: Mapping[str, str]  # index name ("" for the table) → attribute
    create: Mapping[str, Any]  # CreateTable's parameters


@dataclass(frozen=True, slots=True)
class Secret:
    """An AWS::SecretsManager::Secret."""

    name: str
    arn: str
    value: str


@dataclass(frozen=True, slots=True)
class Queue:
    """An AWS::SQS::Queue."""

    name: str
    arn: str
    url: str


@dataclass(frozen=True, slots=True)
class Topic:
    """An AWS::SNS::Topic, and which services may publish to it for which account."""

    name: str
    arn: str
    publishers: frozenset[tuple[str, str]]  # (service principal, aws:SourceAccount)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A function that a topic invokes, asynchronously."""

    topic_arn: str
    function: str  # logical id


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule on the default event bus and the function it invokes."""

    name: str
    pattern: Mapping[str, Any]
    function: str  # logical id


@dataclass(frozen=True, slots=True)
class Schedule:
    """An event sent to a function again and again."""

    arn: str
    source: str  # aws.events (rules) or aws.scheduler
    every: timedelta
    function: str  # logical id
    input: Any = None  # replaces the event when it is not None


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """A function that reads a table's stream."""

    name: str
    stream_arn: str
    function: str  # logical id
    filters: tuple[Mapping[str, Any], ...]  # any of them; empty: everything
    batch_size: int
    max_retries: int  # -1: until the record is too old
    max_age: timedelta
    bisect: bool
    reports_failures: bool  # ReportBatchItemFailures
    on_failure: str  # the ARN of the queue that gets what was given up; "" for none


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the HTTP API."""

    method: str
    path: str
    function: str  # logical id


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything the template deploys that the local cloud runs."""

    name: str
    region: str
    account: str
    functions: Mapping[str, Function]  # by logical id
    tables: tuple[Table, ...]
    secrets: tuple[Secret, ...]
    queues: tuple[Queue, ...]
    rules: tuple[Rule, ...]
    schedules: tuple[Schedule, ...]
    stream_mappings: tuple[StreamMapping, ...]
    routes: tuple[Route, ...]
    topics: tuple[Topic, ...]
    subscriptions: tuple[Subscription, ...]
    outputs: Mapping[str, str]

    def function(self, name: str) -> Function:
        """By logical id, function name, or handler ("handlers.sweep.handler" or "sweep"). Raises KeyError."""
        if name in self.functions:
            return self.functions[name]
        for function in self.functions.values():
            module = function.handler.rpartition(".")[0]
            if name in (function.name, function.handler, module.rpartition(".")[2]):
                return function
        raise KeyError(name)
