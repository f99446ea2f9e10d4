"""From CodePipeline's answers to the truth about the stages of one execution. Pure; the reads are elsewhere."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.adapters.action_targets import target_of
from bot.adapters.codepipeline_conditions import failed_condition, is_checked
from bot.adapters.codepipeline_revision import revision
from bot.adapters.codepipeline_rows import BEGINNING, Row, instant, issues_named
from bot.adapters.running_actions import running_actions
from bot.gate import GATE_MESSAGE_PREFIX
from bot.model import MESSAGE_LIMIT, ExecutionKey, FailedAction
from bot.pipelines import StageStatus, StageTruth

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answers:
    """What CodePipeline said about one execution.

    The actions are read before the stages. A retry or a failure between the two reads then shows in the later one,
    which wins; the other way round a stage would be taken for failed with the attempt before last.
    """

    actions: Sequence[Row]  # ListActionExecutions, this execution's only, newest first
    stages: Sequence[Row]  # GetPipelineState
    execution: Row  # GetPipelineExecution; empty if it would not tell
    version: int | None = None  # the pipeline's present one, as GetPipelineState tells it


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The newest attempt of one action in this execution. Whatever an answer did not tell is an empty row."""

    name: str
    action_execution_id: str
    status: str
    changed_at: datetime
    input: Row  # this or an earlier attempt's: type and Region do not change
    result: Row  # ListActionExecutions' words on how it ended
    state: Row  # GetPipelineState's


def stage_truths(run: ExecutionKey, answers: Answers) -> tuple[StageTruth, ...]:
    """The truth about every stage the execution has reached, in the pipeline's order, vanished stages last.

    `run` is the execution's key; its stage is not looked at.
    """
    # Nobody overtakes in a PARALLEL pipeline. Where the mode is not told, the retry itself will find out.
    in_turn = bool(answers.execution) and answers.execution.get("executionMode") != "PARALLEL"
    versions = {answers.version, answers.execution.get("pipelineVersion")} - {None}
    states = {state["stageName"]: state for state in answers.stages}
    acted_in = {row["stageName"]: None for row in answers.actions}
    truths = []
    for name in [*states, *(name for name in acted_in if name not in states)]:
        latest = states.get(name, {}).get("latestExecution", {})
        is_ours = latest.get("pipelineExecutionId") == run.execution_id
        if not is_ours and name not in acted_in:
            continue
        state = states.get(name, {})
        rows = [row for row in answers.actions if row["stageName"] == name]
        attempts = _newest_attempts(name, answers, state if is_ours else {})
        failed = [attempt for attempt in attempts if attempt.status == "Failed"]
        if name not in states:
            status = StageStatus.MISSING
        else:
            went_on = any(later in acted_in for later in list(states)[list(states).index(name) + 1 :])
            status = _status(latest["status"]) if is_ours else _derived_status(attempts, state, answers, went_on)
        condition = (
            failed_condition(states[name], run.region) if is_ours and status is StageStatus.FAILED else None
        )
        if condition is not None and any(attempt.changed_at > condition.at for attempt in failed):
            condition = None  # the actions that failed ran after it: it was passed, or is another attempt's
        key = ExecutionKey(run.account, run.region, run.pipeline, run.execution_id, name)
        transition = state.get("inboundTransitionState", {})
        overtaken_by = (
            latest.get("pipelineExecutionId", "") if in_turn and not is_ours and not _lags(state, rows) else ""
        )
        own_retries = state.get("retryStageMetadata", {}) if is_ours else {}
        truths.append(
            StageTruth(
                key=key,
                status=status,
                failed=(
                    condition.rules
                    if condition is not None
                    else tuple(_failed_action(attempt, run.region, run.account) for attempt in failed)
                ),
                failed_at=_latest(
                    [condition.at] if condition is not None else [attempt.changed_at for attempt in failed]
                ),
                overtaken_by=overtaken_by,
                rolled_back=bool(overtaken_by) and latest.get("type") == "ROLLBACK",
                transition_disabled=(
                    transition.get("disabledReason") or "no reason given"
                    if transition.get("enabled") is False
                    else None
                ),
                transition_disabled_by=_person(transition.get("lastChangedBy", "")),
                execution_status=answers.execution.get("status", ""),
                revision=revision(answers.execution, answers.actions),
                retried_itself=own_retries.get("latestRetryTrigger") == "AutomatedStageRetry",
                own_retry_spent=own_retries.get("autoStageRetryAttempt", 0) > 0
                or len(rows) > len({row["actionName"] for row in rows}),
                pipeline_changed=len(versions) > 1,
                condition=condition.kind if condition is not None else "",
                checking=is_ours and is_checked(states[name]),
                running=running_actions(key, answers.actions) if status is StageStatus.IN_PROGRESS else (),
            )
        )
    return tuple(truths)


def _latest(instants: Sequence[datetime]) -> datetime | None:
    return max((at for at in instants if at > BEGINNING), default=None)


def _newest_attempts(stage: str, answers: Answers, state: Row) -> list[_Attempt]:
    """`state` is the stage's, where it speaks of this execution, else empty."""
    rows: dict[str, list[Row]] = {}
    for row in answers.actions:
        if row["stageName"] == stage:
            rows.setdefault(row["actionName"], []).append(row)
    attempts = {name: _listed(name, of_action) for name, of_action in rows.items()}
    unlisted = []
    for action in state.get("actionStates", ()):
        seen = action.get("latestExecution", {})
        if not seen.get("actionExecutionId"):
            continue
        listed = attempts.get(action["actionName"])
        attempt = _seen(action["actionName"], seen, listed)
        if listed is None:
            unlisted.append(attempt)
        elif attempt.action_execution_id == listed.action_execution_id:
            attempts[attempt.name] = replace(listed, status=attempt.status or listed.status, state=seen)
        elif attempt.changed_at >= listed.changed_at and not any(
            row.get("actionExecutionId") == attempt.action_execution_id for row in rows[attempt.name]
        ):
            attempts[attempt.name] = attempt
    known = list(attempts.values())
    if state.get("latestExecution", {}).get("status") != "Failed" or any(one.status == "Failed" for one in known):
        return known
    # The list lags behind. An action that has not run yet still shows what it did for another execution, so what
    # is older than this one does not count.
    began_at = min((instant(row.get("startTime")) for row in answers.actions), default=BEGINNING)
    return known + [attempt for attempt in unlisted if attempt.changed_at >= began_at]


def _listed(name: str, rows: Sequence[Row]) -> _Attempt:
    newest = max(rows, key=lambda row: instant(row.get("startTime")))  # on a tie the first listed: newest first
    return _Attempt(
        name=name,
        action_execution_id=newest.get("actionExecutionId", ""),
        status=newest.get("status", ""),
        changed_at=instant(newest.get("lastUpdateTime") or newest.get("startTime")),
        input=newest.get("input", {}),
        result=newest.get("output", {}).get("executionResult", {}),
        state={},
    )


def _seen(name: str, seen: Row, listed: _Attempt | None) -> _Attempt:
    return _Attempt(
        name=name,
        action_execution_id=seen["actionExecutionId"],
        status=seen.get("status", ""),
        changed_at=instant(seen.get("lastStatusChange")),
        input=listed.input if listed is not None else {},
        result={},
        state=seen,
    )


def _failed_action(attempt: _Attempt, pipeline_region: str, account: str) -> FailedAction:
    kind = attempt.input.get("actionTypeId", {})
    result, state = attempt.result, attempt.state
    error = {**state.get("errorDetails", {}), **result.get("errorDetails", {})}
    message = error.get("message") or result.get("externalExecutionSummary") or state.get("summary", "")
    external_id = result.get("externalExecutionId") or state.get("externalExecutionId", "")
    from_gate = kind.get("provider") == "Lambda" and message.startswith(GATE_MESSAGE_PREFIX)
    return FailedAction(
        name=attempt.name,
        action_execution_id=attempt.action_execution_id,
        region=attempt.input.get("region") or pipeline_region,
        category=kind.get("category", ""),
        owner=kind.get("owner", ""),
        provider=kind.get("provider", ""),
        error_code=error.get("code", ""),
        message=message[:MESSAGE_LIMIT],
        external_execution_id=external_id,
        external_execution_url=result.get("externalExecutionUrl") or state.get("externalExecutionUrl", ""),
        gate_issues=tuple(issues_named(external_id)) if from_gate else None,
        target=target_of(kind.get("provider", ""), attempt.input, account),
    )


def _status(told: str) -> StageStatus:
    """A word we do not know counts as running: it is looked at again, and nothing is retried on it."""
    if told == "Skipped":  # a stage condition let the execution pass it by
        return StageStatus.SUCCEEDED
    try:
        return StageStatus(told)
    except ValueError:
        logger.warning("CodePipeline tells a stage status that is not documented: %s", told)
        return StageStatus.IN_PROGRESS


def _derived_status(attempts: Sequence[_Attempt], state: Row, answers: Answers, went_on: bool) -> StageStatus:
    """A stage's status by our own actions, where GetPipelineState speaks of another execution.

    Where all that ran has succeeded, the stage has passed only if there was nothing left to run, or a later stage
    was reached: an execution may be stopped in between, or be on its way to the next action.
    """
    statuses = {attempt.status for attempt in attempts}
    execution = answers.execution.get("status", "")
    if "InProgress" in statuses:
        return StageStatus.STOPPING if execution == "Stopping" else StageStatus.IN_PROGRESS
    if statuses & {"Failed", "Abandoned"}:
        return StageStatus.FAILED
    if went_on or execution not in ("InProgress", "Stopping", "Stopped", "Cancelled"):
        return StageStatus.SUCCEEDED
    if execution != "InProgress":
        return StageStatus(execution)
    declared = {action["actionName"] for action in state.get("actionStates", ())}
    return StageStatus.IN_PROGRESS if declared - {attempt.name for attempt in attempts} else StageStatus.SUCCEEDED


def _lags(state: Row, rows: Sequence[Row]) -> bool:
    """GetPipelineState still shows the stage as it was before this execution entered it: nobody overtook us."""
    told = [each["latestExecution"] for each in state.get("actionStates", ()) if each.get("latestExecution")]
    ours = {row.get("actionExecutionId") for row in rows}
    began_at = min((instant(row.get("startTime")) for row in rows), default=BEGINNING)
    return bool(told) and all(
        each.get("actionExecutionId") not in ours and instant(each.get("lastStatusChange")) < began_at
        for each in told
    )


def _person(changed_by: str) -> str:
    """ "Admin/my-user" of arn:aws:sts::123456789012:assumed-role/Admin/my-user; an id that is no ARN as it is."""
    return changed_by.partition("/")[2] or changed_by
