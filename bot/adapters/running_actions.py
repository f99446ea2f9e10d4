"""What runs in a stage, and how long its actions usually take, by ListActionExecutions' rows. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta

from bot.adapters.action_targets import target_of
from bot.adapters.codepipeline_rows import Row
from bot.model import ExecutionKey, FailedAction
from bot.running import ActionName, RunningAction, usual_time

SUCCESSES = 20  # of an action, the newest: how long it took a year ago says little


def running_actions(stage: ExecutionKey, rows: Sequence[Row]) -> tuple[RunningAction, ...]:
    """The stage's actions whose newest attempt in this execution runs. `rows` are the execution's."""
    newest: dict[str, Row] = {}
    for row in rows:
        if row["stageName"] != stage.stage or row.get("startTime") is None:
            continue
        known = newest.setdefault(row["actionName"], row)
        if row["startTime"] > known["startTime"]:
            newest[row["actionName"]] = row
    return tuple(
        RunningAction(_action(row, stage), row["startTime"].astimezone(UTC))
        for row in newest.values()
        if row.get("status") == "InProgress"
    )


def _action(row: Row, stage: ExecutionKey) -> FailedAction:
    told = row.get("input", {})
    kind = told.get("actionTypeId", {})
    provider = kind.get("provider", "")
    return FailedAction(
        name=row["actionName"],
        action_execution_id=row.get("actionExecutionId", ""),
        region=told.get("region") or stage.region,
        category=kind.get("category", ""),
        owner=kind.get("owner", ""),
        provider=provider,
        external_execution_id=row.get("output", {}).get("executionResult", {}).get("externalExecutionId", ""),
        target=target_of(provider, told, stage.account),
    )


def usual_times(rows: Sequence[Row]) -> Mapping[ActionName, timedelta]:
    """By stage and action. `rows` are the pipeline's, newest first."""
    took: defaultdict[ActionName, list[timedelta]] = defaultdict(list)
    for row in rows:
        began, ended = row.get("startTime"), row.get("lastUpdateTime")
        name = row["stageName"], row["actionName"]
        if row.get("status") != "Succeeded" or began is None or ended is None:
            continue
        if len(took[name]) < SUCCESSES:
            took[name].append(ended - began)
    usual = {name: usual_time(successes) for name, successes in took.items()}
    return {name: time for name, time in usual.items() if time is not None}
