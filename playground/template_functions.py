"""Functions, their policies, and everything that invokes them, as SAM reads them."""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from playground.errors import Unsupported
from playground.event_pattern import check
from playground.iam import check_condition
from playground.properties import Properties, as_list, rate
from playground.stack import Function, Route, Rule, Schedule, Statement, StreamMapping, Subscription


@dataclass(slots=True)
class Wiring:
    """What invokes functions, collected while the resources are read."""

    rules: list[Rule] = field(default_factory=list)
    schedules: list[Schedule] = field(default_factory=list)
    stream_mappings: list[StreamMapping] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)


# The machine it runs on, and who looks at it: one at a time here, on this machine, with no tracing.
_FUNCTION_INERT = (
    "Runtime", "Architectures", "Description", "Tags", "Tracing", "LoggingConfig", "PackageType",
    "ReservedConcurrentExecutions", "EphemeralStorage", "RuntimeManagementConfig",
)  # fmt: skip
# What a target may say about delivery that cannot be seen here: EventBridge always reaches our functions.
_DELIVERY = ("DeadLetterConfig", "RetryPolicy", "Description", "Tags")


class FunctionReader:
    """Reads functions under the template's Globals; what invokes them goes into `wiring`."""

    def __init__(self, directory: Path, global_sections: Mapping[str, Any], wiring: Wiring) -> None:
        sections = Properties("Globals", global_sections)
        self._directory = directory
        self._globals: Mapping[str, Any] = sections.take("Function", {})
        sections.done()
        self._wiring = wiring

    def read(self, logical_id: str, name: str, arn: str, own: Properties) -> Function:
        """One function. Raises Unsupported."""
        properties = own.over(self._globals)
        environment = properties.inside("Environment").take("Variables", {})
        max_retries, max_age, on_failure = _async_settings(properties.inside("EventInvokeConfig"))
        properties.take("FunctionName", None)
        function = Function(
            logical_id=logical_id,
            name=name,
            arn=arn,
            handler=properties.take("Handler"),
            code=(self._directory / properties.take("CodeUri", ".")).resolve(),
            environment={variable: _environment_text(value) for variable, value in environment.items()},
            statements=tuple(
                statement
                for policy in as_list(properties.take("Policies", []))
                for statement in _statements(logical_id, policy)
            ),
            timeout=timedelta(seconds=properties.number("Timeout", 3)),
            memory_mb=properties.number("MemorySize", 128),
            max_retries=max_retries,
            max_age=max_age,
            on_failure=on_failure,
        )
        for event_name, event in properties.take("Events", {}).items():
            source = Properties(f"{logical_id}.Events.{event_name}", event)
            self._event(function, f"{name}-{event_name}", source.take("Type"), source.inside("Properties"))
            source.done()
        properties.done(*_FUNCTION_INERT)
        return function

    def _event(self, function: Function, name: str, kind: str, source: Properties) -> None:
        if kind in ("EventBridgeRule", "CloudWatchEvent"):
            source.expect("EventBusName", "default")
            source.expect("State", "ENABLED")
            pattern = source.take("Pattern")
            check(pattern)
            self._wiring.rules.append(Rule(name, pattern, function.logical_id))
            source.done("RuleName", *_DELIVERY)
        elif kind in ("Schedule", "ScheduleV2"):
            self._schedule(function, name, kind, source)
        elif kind == "HttpApi":
            source.take("ApiId", None)
            source.expect("PayloadFormatVersion", "2.0")
            route = Route(source.take("Method").upper(), source.take("Path"), function.logical_id)
            self._wiring.routes.append(route)
            source.done("RouteSettings", "TimeoutInMillis")
        elif kind == "SNS":
            self._wiring.subscriptions.append(Subscription(source.take("Topic"), function.logical_id))
            source.done("RedrivePolicy")  # SNS always reaches our functions
        elif kind == "DynamoDB":
            self._wiring.stream_mappings.append(_stream_mapping(function, name, source))
        else:
            raise Unsupported(f"{source.where}: events of type {kind} are not known here")

    def _schedule(self, function: Function, name: str, kind: str, source: Properties) -> None:
        scheduler = kind == "ScheduleV2"
        source.expect("State", "ENABLED")
        if not scheduler:
            source.expect("Enabled", True)
        given = source.take("Input", None)
        region, account = function.arn.split(":")[3:5]
        schedule = Schedule(
            arn=f"arn:aws:scheduler:{region}:{account}:schedule/default/{name}"
            if scheduler
            else f"arn:aws:events:{region}:{account}:rule/{name}",
            source="aws.scheduler" if scheduler else "aws.events",
            every=rate(source.take("ScheduleExpression" if scheduler else "Schedule")),
            function=function.logical_id,
            input=json.loads(given) if given is not None else None,
        )
        self._wiring.schedules.append(schedule)
        source.done("Name", "FlexibleTimeWindow", *_DELIVERY)


def read_raw_rule(
    name: str,
    arn: str,
    properties: Properties,
    functions: Mapping[str, str],
    permitted: Set[tuple[str, str]],
    wiring: Wiring,
) -> None:
    """An AWS::Events::Rule. `functions`: ARN → logical id.

    `permitted` holds, of each AWS::Lambda::Permission, the function's ARN or name and the rule's ARN or "".
    Raises Unsupported.
    """
    properties.take("Name", None)
    properties.expect("State", "ENABLED")
    properties.expect("EventBusName", "default")
    pattern = properties.take("EventPattern", None)
    expression = properties.take("ScheduleExpression", None)
    if pattern is not None:
        check(pattern)
    for target in properties.take("Targets"):
        item = Properties(f"{properties.where}.Targets", target)
        function_arn = item.take("Arn")
        item.done("Id", "DeadLetterConfig", "RetryPolicy")
        if function_arn not in functions:
            raise Unsupported(f"{properties.where}: its target {function_arn} is no function of this template")
        names = {function_arn, function_arn.rpartition(":")[2]}
        if not any(function in names and rule in ("", arn) for function, rule in permitted):
            raise Unsupported(f"{properties.where}: no AWS::Lambda::Permission lets it invoke {function_arn}")
        if pattern is not None:
            wiring.rules.append(Rule(name, pattern, functions[function_arn]))
        if expression is not None:
            wiring.schedules.append(Schedule(arn, "aws.events", rate(expression), functions[function_arn]))
    properties.done("Description", "Tags")


def _async_settings(config: Properties) -> tuple[int, timedelta, str]:
    retries = config.number("MaximumRetryAttempts", 2)
    age = timedelta(seconds=config.number("MaximumEventAgeInSeconds", 6 * 3600))
    on_failure = _failure_queue(config.inside("DestinationConfig"))
    config.done()
    return retries, age, on_failure


def _failure_queue(config: Properties) -> str:
    """The ARN of OnFailure's queue, or "". Other kinds of destinations are not known here."""
    failure = config.inside("OnFailure")
    config.done()
    failure.expect("Type", "SQS")
    queue = str(failure.take("Destination", ""))
    failure.done()
    if queue and not queue.startswith("arn:aws:sqs:"):
        raise Unsupported(f"{failure.where}: {queue} is not a queue")
    return queue


def _stream_mapping(function: Function, name: str, source: Properties) -> StreamMapping:
    source.expect("StartingPosition", "TRIM_HORIZON", "LATEST")
    source.expect("Enabled", True)
    source.expect("ParallelizationFactor", *range(1, 11))
    response_types = source.take("FunctionResponseTypes", [])
    if not set(response_types) <= {"ReportBatchItemFailures"}:
        raise Unsupported(f"{source.where}.FunctionResponseTypes: {response_types} is not known here")
    criteria = source.inside("FilterCriteria")
    filters = tuple(json.loads(entry["Pattern"]) for entry in criteria.take("Filters", []))
    criteria.done()
    for pattern in filters:
        check(pattern)
    age = source.number("MaximumRecordAgeInSeconds", -1)
    mapping = StreamMapping(
        name=name,
        stream_arn=source.take("Stream"),
        function=function.logical_id,
        filters=filters,
        batch_size=source.number("BatchSize", 100),
        max_retries=source.number("MaximumRetryAttempts", -1),
        max_age=timedelta(seconds=age) if age >= 0 else timedelta(hours=24),  # a stream keeps a day
        bisect=source.flag("BisectBatchOnFunctionError", False),
        reports_failures=bool(response_types),
        on_failure=_failure_queue(source.inside("DestinationConfig")),
    )
    source.done("MaximumBatchingWindowInSeconds")
    return mapping


def _statements(logical_id: str, policy: Any) -> list[Statement]:
    if not isinstance(policy, Mapping) or "Statement" not in policy:
        raise Unsupported(f"{logical_id}: the policy {policy!r} is not a statement of its own")
    document = Properties(f"{logical_id}.Policies", policy)
    statements = [_statement(logical_id, entry) for entry in as_list(document.take("Statement"))]
    document.done("Version")
    return statements


def _statement(logical_id: str, entry: Any) -> Statement:
    source = Properties(f"{logical_id}.Policies.Statement", entry)
    source.expect("Effect", "Allow", "Deny")
    condition = source.take("Condition", {})
    check_condition(condition)
    statement = Statement(
        allow=entry["Effect"] == "Allow",
        actions=tuple(as_list(source.take("Action"))),
        resources=tuple(as_list(source.take("Resource"))),
        condition=condition,
    )
    source.done("Sid")
    return statement


def _environment_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):  # a Ref to a CommaDelimitedList
        raise Unsupported(f"an environment variable is a string, not {value!r}")
    return str(value)
