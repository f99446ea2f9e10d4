"""The stage conditions in GetPipelineState's answer: which of them stopped the stage. Pure."""

from dataclasses import dataclass
from datetime import datetime

from bot.adapters.codepipeline_rows import BEGINNING, Row, instant, issues_named
from bot.gate import GATE_MESSAGE_PREFIX
from bot.model import MESSAGE_LIMIT, RULE, FailedAction

# A condition's statuses that stop a stage; Overridden and Cancelled ones, above all, do not.
_CONDITION_FAILED = ("Failed", "Errored")
_CONDITIONS = {"BEFORE_ENTRY": "beforeEntryConditionState", "ON_SUCCESS": "onSuccessConditionState"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that failed its stage. `at` is when its last rule failed, or the condition itself."""

    kind: str  # OverrideStageCondition's conditionType
    at: datetime
    rules: tuple[FailedAction, ...]


def failed_condition(state: Row, region: str) -> Condition | None:
    """The condition that stopped the stage's latest execution ("How do stage conditions work?").

    A failed rule stands for a failed action: its ruleExecutionId is as new with every run as an
    actionExecutionId, and so is the fence of a retry.
    """
    for kind, member in _CONDITIONS.items():
        whole = state.get(member, {})
        if whole.get("latestExecution", {}).get("status") not in _CONDITION_FAILED:
            continue
        failed = [
            one for one in whole.get("conditionStates", ())
            if one.get("latestExecution", {}).get("status") in _CONDITION_FAILED
        ]  # fmt: skip
        rows = [
            (rule.get("ruleName", kind), rule.get("latestExecution", {}))
            for one in failed
            for rule in one.get("ruleStates", ())
            if rule.get("latestExecution", {}).get("status") == "Failed"
        ]
        if not rows:  # it names no rule: the condition stands for them
            rows = [(kind, one["latestExecution"]) for one in failed] or [(kind, whole["latestExecution"])]
        told = [*(row for _, row in rows), *(one["latestExecution"] for one in failed)]
        at = max((instant(row.get("lastStatusChange")) for row in told), default=BEGINNING)
        failed_names = {name for name, _ in rows}
        names = (rule.get("ruleName", "") for one in failed for rule in one.get("ruleStates", ()))
        beside = tuple(dict.fromkeys(name for name in names if name and name not in failed_names))
        return Condition(kind, at, tuple(_failed_rule(name, row, region, beside) for name, row in rows))
    return None


def _failed_rule(name: str, row: Row, region: str, beside: tuple[str, ...]) -> FailedAction:
    error = row.get("errorDetails", {})
    message = error.get("message") or row.get("summary", "")
    external_id = row.get("externalExecutionId", "")
    return FailedAction(
        name=name,
        action_execution_id=row.get("ruleExecutionId")
        or f"{name}@{instant(row.get('lastStatusChange')).isoformat()}",
        region=region,
        category=RULE,
        error_code=error.get("code", ""),
        message=message[:MESSAGE_LIMIT],
        external_execution_id=external_id,
        external_execution_url=row.get("externalExecutionUrl", ""),
        gate_issues=tuple(issues_named(external_id)) if message.startswith(GATE_MESSAGE_PREFIX) else None,
        beside=beside,
    )


def is_checked(state: Row) -> bool:
    """A condition's rules run at this moment."""
    conditions = (state.get(member, {}) for member in _CONDITIONS.values())
    return any(each.get("latestExecution", {}).get("status") == "InProgress" for each in conditions)
