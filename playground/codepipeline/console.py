"""What people do to pipelines, and what a scenario scripts. Each method acts now and tells the world at once."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha1
from typing import Literal
from uuid import uuid4

from playground.codepipeline.conditions import Conditions
from playground.codepipeline.engine import utc_now
from playground.codepipeline.events import pipeline_event
from playground.codepipeline.model import (
    FAILED,
    IN_PROGRESS,
    SUCCEEDED,
    Action,
    ActionRun,
    Execution,
    Pipeline,
    ScriptedCondition,
    ScriptedFailure,
    Stage,
    Transition,
)
from playground.codepipeline.on_failure import OnFailure, why_not_to


class Console(Conditions, OnFailure):
    """CodePipeline as a person at the console has it. An unknown name raises KeyError: the scenario is wrong."""

    def create_pipeline(
        self,
        name: str,
        region: str,
        stages: Sequence[Stage],
        execution_mode: Literal["SUPERSEDED", "QUEUED", "PARALLEL"] = "SUPERSEDED",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Create it without running it. Names are unique over all Regions here, to keep scenarios short."""
        with self._lock:
            if name in self._pipelines:
                raise ValueError(f"there is a pipeline named {name} already")
            self._pipelines[name] = Pipeline(
                name, region, self.account, list(stages), execution_mode, dict(tags or {}), utc_now()
            )

    def update_pipeline(self, name: str, stages: Sequence[Stage] | None = None) -> None:
        """Save a changed structure: a new version, and what failed before can no longer be retried."""
        with self._lock:
            pipeline = self._pipelines[name]
            pipeline.version += 1
            pipeline.stages = list(stages) if stages is not None else pipeline.stages

    def start(self, name: str, revision_summary: str = "Change the greeting", author: str = "Ana") -> str:
        """Start an execution of this commit; answers its id."""
        now = utc_now()
        with self._lock:
            pipeline = self._pipelines[name]
            execution_id = str(uuid4())
            revision = sha1(execution_id.encode(), usedforsecurity=False).hexdigest()
            execution = Execution(
                pipeline, execution_id, pipeline.version, now, now, revision_summary, revision, author
            )
            pipeline.executions[execution_id] = execution
            self._say(pipeline_event(execution, "STARTED", now))
            self._arrive(execution, pipeline.stages[0], now)
        self.deliver()
        return execution_id

    def fail_action(
        self,
        pipeline: str,
        stage: str,
        action: str,
        *,
        while_: Callable[[], bool] | None = None,
        times: int | None = None,
        error_code: str = "JobFailed",
        message: str = "The action failed",
        external_execution_id: str = "",
    ) -> None:
        """From now on the action fails at its end while `while_()` holds, at most `times` times (None: always).

        It is asked when the action ends; a Lambda action that is to fail when it starts is not invoked. The first
        of several that applies decides.
        """
        with self._lock:
            self._action(pipeline, stage, action)
            failure = ScriptedFailure(
                pipeline, stage, action, while_, times, error_code, message, external_execution_id
            )
            self._failures.append(failure)

    def fail_condition(
        self,
        pipeline: str,
        stage: str,
        *,
        while_: Callable[[], bool] | None = None,
        summary: str = "The alarm web-errors is in ALARM state",
    ) -> None:
        """From now on the first rule of the stage's entry condition fails while `while_()` holds (None: always).

        It then fails at once; a LambdaInvoke rule is not invoked.
        """
        with self._lock:
            declared = self._pipelines[pipeline].stage(stage)
            if declared is None or not declared.entry_rules:
                raise KeyError(f"{pipeline} has no stage {stage} with an entry condition")
            rule = declared.entry_rules[0].name
            self._conditions.append(ScriptedCondition(pipeline, stage, rule, while_, summary))

    def approve(self, pipeline: str, stage: str, action: str, summary: str = "Approved") -> None:
        """Approve the waiting approval."""
        self._answer_approval(pipeline, stage, action, SUCCEEDED, summary)

    def reject(self, pipeline: str, stage: str, action: str, summary: str = "Not today") -> None:
        """Reject the waiting approval: the action fails, without an error code ("Approve or reject")."""
        self._answer_approval(pipeline, stage, action, FAILED, summary)

    def stop(self, pipeline: str, execution_id: str, abandon: bool = False, reason: str = "") -> None:
        """Stop and wait, or stop and abandon. Raises ValueError when it is not running."""
        with self._lock:
            execution = self._pipelines[pipeline].executions[execution_id]
            if execution.status != IN_PROGRESS:
                raise ValueError(f"the execution is {execution.status}")
            self._stop(execution, abandon, reason, utc_now())
        self.deliver()

    def retry_in_console(
        self,
        pipeline: str,
        stage: str,
        execution_id: str,
        mode: Literal["FAILED_ACTIONS", "ALL_ACTIONS"] = "FAILED_ACTIONS",
    ) -> None:
        """Somebody else retries the stage: RESUMED, and nothing in `retries`, which lists calls of the API."""
        with self._lock:
            execution = self._pipelines[pipeline].executions[execution_id]
            self._retry(execution, execution.stages[stage], mode, utc_now())
        self.deliver()

    def roll_back(self, pipeline: str, stage: str, target: str) -> str:
        """Somebody rolls the stage back to this execution; answers the rollback's id. Raises ValueError."""
        with self._lock:
            rolled = self._pipelines[pipeline]
            declared = rolled.stage(stage)
            if declared is None:
                raise KeyError(f"{pipeline} has no stage {stage}")
            code, why = why_not_to(rolled, declared, rolled.executions[target])
            if code:
                raise ValueError(why)
            rollback = self._roll_back(rolled, declared, rolled.executions[target], utc_now(), "ManualRollback")
        self.deliver()
        return rollback.execution_id

    def disable_transition(self, pipeline: str, stage: str, reason: str = "Frozen for the holidays") -> None:
        """Nothing enters the stage from now on; what is in it goes on ("Disable or enable transitions")."""
        with self._lock:
            self._disable(self._pipelines[pipeline], stage, reason)

    def enable_transition(self, pipeline: str, stage: str) -> None:
        """The stage is open again, and what waited enters it."""
        with self._lock:
            self._enable(self._pipelines[pipeline], stage)
        self.deliver()

    def status(self, pipeline: str, execution_id: str) -> str:
        """The execution's status in the API's words: InProgress, Failed, Succeeded…"""
        with self._lock:
            return self._pipelines[pipeline].executions[execution_id].status

    def stage_status(self, pipeline: str, stage: str, execution_id: str) -> str | None:
        """The stage's status for this execution; None when it has not come so far."""
        with self._lock:
            run = self._pipelines[pipeline].executions[execution_id].stages.get(stage)
            return run.status if run else None

    # Below here: under the lock.

    def _action(self, pipeline: str, stage: str, action: str) -> Action:
        declared = self._pipelines[pipeline].stage(stage)
        for candidate in declared.actions if declared else ():
            if candidate.name == action:
                return candidate
        raise KeyError(f"{pipeline} has no action {action} in a stage {stage}")

    def _answer_approval(self, pipeline: str, stage: str, action: str, status: str, summary: str) -> None:
        with self._lock:
            self._action(pipeline, stage, action)
            self._finish(self._waiting_approval(pipeline, stage, action), status, utc_now(), summary=summary)
        self.deliver()

    def _waiting_approval(self, pipeline: str, stage: str, action: str) -> ActionRun:
        for run in self._running:
            if (run.execution.pipeline.name, run.stage, run.action.name) == (
                pipeline,
                stage,
                action,
            ) and run.token:
                return run
        raise ValueError(f"no approval waits at {pipeline}, {stage}, {action}")

    def _disable(self, pipeline: Pipeline, stage: str, reason: str) -> None:
        pipeline.disabled[stage] = Transition(reason, utc_now())

    def _enable(self, pipeline: Pipeline, stage: str) -> None:
        pipeline.disabled.pop(stage, None)
        self._admit(pipeline, stage, utc_now())
