"""Entry conditions: rules that run before a stage's actions ("How do stage conditions work?").

All rules of a condition run at once. One that fails makes the condition fail, and its result follows: FAIL fails
the stage before any action started, SKIP passes it by ("Considerations for results configured for stage
conditions").
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from playground.codepipeline.engine import Engine
from playground.codepipeline.events import pipeline_event, stage_event
from playground.codepipeline.model import (
    ABANDONED,
    FAILED,
    IN_PROGRESS,
    OVERRIDDEN,
    SKIPPED,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    EntryCheck,
    Execution,
    RuleRun,
    ScriptedCondition,
    StageRun,
)


class Conditions(Engine):
    """The engine, with conditions."""

    def __init__(
        self,
        emit: Callable[[dict[str, Any]], None],
        invoke_lambda: Callable[[str, dict[str, Any]], None],
        account: str = "123456789012",
    ) -> None:
        super().__init__(emit, invoke_lambda, account)
        self._conditions: list[ScriptedCondition] = []
        self._rule_runs: list[RuleRun] = []  # every one there ever was, oldest first

    # Below here: under the lock.

    def _advance(self, now: datetime) -> None:
        """A rule whose job nobody answers fails as an action's does (inferred)."""
        while True:
            super()._advance(now)
            late = [run for run in self._rule_runs if run.ends_at is not None and run.ends_at <= now]
            if not late:
                return
            for run in late:
                message = "The AWS Lambda function failed to return a result. Check the function's logs."
                self._finish_rule(run, FAILED, run.ends_at or now, "JobFailed", message)

    def _check_entry(self, execution: Execution, stage_run: StageRun, at: datetime) -> None:
        rules = stage_run.stage.entry_rules
        if not rules:
            self._start_next(execution, stage_run, at)
            return
        runs = [RuleRun(rule, execution, stage_run.stage.name, at, at) for rule in rules]
        stage_run.entry = EntryCheck(IN_PROGRESS, at, runs)
        self._rule_runs.extend(runs)
        for run in runs:
            scripted = next((each for each in self._conditions if each.applies(run)), None)
            if scripted is not None:
                self._end_rule(run, FAILED, at, summary=scripted.summary)
            elif run.rule.invokes_lambda:
                self._send_job(run, run.rule.configuration, at)
            else:
                self._end_rule(run, SUCCEEDED, at)
        self._after_rules(execution, stage_run, stage_run.entry, at)

    def _end_rule(self, run: RuleRun, status: str, at: datetime, error_code: str = "", summary: str = "") -> None:
        run.status, run.updated_at, run.error_code, run.summary, run.ends_at = (
            status,
            at,
            error_code,
            summary,
            None,
        )
        self._close_jobs(run)

    def _finish_rule(
        self, run: RuleRun, status: str, at: datetime, error_code: str = "", summary: str = ""
    ) -> None:
        """The rule ended; go on with its stage if it was the last one."""
        self._end_rule(run, status, at, error_code, summary)
        stage_run = run.execution.stages[run.stage]
        if stage_run.entry is not None:
            self._after_rules(run.execution, stage_run, stage_run.entry, at)

    def _after_rules(self, execution: Execution, stage_run: StageRun, check: EntryCheck, at: datetime) -> None:
        statuses = {run.status for run in check.rules}
        if IN_PROGRESS in statuses:
            return
        check.at = at
        if execution.status == STOPPING:
            check.status = "Cancelled"  # what it is called then is not documented (inferred)
            self._end_stage(execution, stage_run, STOPPED, at)
        elif statuses == {SUCCEEDED}:
            check.status = SUCCEEDED
            self._start_next(execution, stage_run, at)
        elif stage_run.stage.entry_result == "SKIP":
            check.status, stage_run.status = FAILED, SKIPPED  # no event says so, as far as is documented
            self._leave(execution, stage_run, at)
        else:
            check.status = FAILED
            self._end_stage(execution, stage_run, FAILED, at)

    def _override_entry(self, execution: Execution, stage_run: StageRun, check: EntryCheck, at: datetime) -> None:
        """The failed condition counts as met: the stage goes on with its actions, and the execution with it."""
        check.status, check.at = OVERRIDDEN, at
        stage_run.status = execution.status = IN_PROGRESS
        execution.updated_at = at
        execution.attempt += 1
        # Which events an override sends is not documented; a stage that goes on says RESUMED (inferred).
        self._say(pipeline_event(execution, "RESUMED", at))
        self._say(stage_event(execution, stage_run, "RESUMED", at))
        self._start_next(execution, stage_run, at)

    def _stop(self, execution: Execution, abandon: bool, reason: str, at: datetime) -> None:
        """A rule that runs is waited for, or abandoned, as an action is (inferred)."""
        super()._stop(execution, abandon, reason, at)
        running = [run for run in self._rule_runs if run.execution is execution and run.status == IN_PROGRESS]
        for run in running:
            self._stage_stops(execution, execution.stages[run.stage], at)
        for run in running if abandon else ():
            self._finish_rule(run, ABANDONED, at)
