"""How executions move: stages in order, actions by runOrder, stages locked while actions run in them.

Everything happens under one lock, and what must be told to the world (events, invocations) waits in an outbox that
is emptied without the lock, by `tick` and `deliver` only: whoever receives an event may call the API, and an API
call never runs the receivers of events in the caller's thread.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import RLock
from typing import Any
from uuid import uuid4

from playground.codepipeline.events import action_event, job_event, pipeline_event, stage_event
from playground.codepipeline.model import (
    ABANDONED,
    FAILED,
    IN_PROGRESS,
    STOPPED,
    STOPPING,
    SUCCEEDED,
    SUPERSEDED,
    Action,
    ActionRun,
    Execution,
    Job,
    Pipeline,
    RuleRun,
    ScriptedFailure,
    Stage,
    StageRun,
)

# "AWS Lambda invoke", "Quotas": a job unanswered for 20 minutes fails; with continuation tokens it may last a day.
JOB_TIMEOUT = timedelta(minutes=20)
ACTION_TIMEOUT = timedelta(hours=24)
CONTINUATION_WAIT = timedelta(seconds=30)  # AWS does not say how soon it asks again (unverified)


def utc_now() -> datetime:
    """The process's time, which the simulation sets."""
    return datetime.now(UTC)


class Engine:
    """Moves executions. Subclasses give it conditions, people (Console) and an API (CodePipeline)."""

    def __init__(
        self,
        emit: Callable[[dict[str, Any]], None],
        invoke_lambda: Callable[[str, dict[str, Any]], None],
        account: str = "123456789012",
    ) -> None:
        self.account = account
        self._emit = emit
        self._invoke_lambda = invoke_lambda
        self._lock = RLock()
        self._pipelines: dict[str, Pipeline] = {}
        self._running: list[ActionRun] = []
        self._later: list[tuple[datetime, Callable[[], None]]] = []  # what is to happen besides, and when
        self._jobs: dict[str, Job] = {}
        self._failures: list[ScriptedFailure] = []
        self._outbox: deque[Callable[[], None]] = deque()

    def tick(self, now: datetime) -> None:
        """Let everything happen that is due by `now`, in the order it is due, and tell the world of it."""
        while True:
            with self._lock:
                self._advance(now)
            if not self.deliver():
                return

    def deliver(self) -> bool:
        """Send what waits in the outbox; True if there was anything. Not for threads that serve the API."""
        sent = False
        while self._outbox:
            self._outbox.popleft()()
            sent = True
        return sent

    # Below here: under the lock.

    def _say(self, event: dict[str, Any]) -> None:
        self._outbox.append(partial(self._emit, event))

    def _advance(self, now: datetime) -> None:
        while True:
            due = [(at, step) for at, step in self._later if at <= now]
            for run in self._running:
                if run.ends_at is not None and run.ends_at <= now:
                    due.append((run.ends_at, partial(self._end_of_time, run, run.ends_at)))
            if not due:
                return
            first = min(due, key=lambda each: each[0])
            if first in self._later:
                self._later.remove(first)
            first[1]()

    def _end_of_time(self, run: ActionRun, at: datetime) -> None:
        """The action's own duration is over, or its job's time, or its wait for another job."""
        failure = next((failure for failure in self._failures if failure.applies(run)), None)
        if failure is not None:
            if failure.times is not None:
                failure.times -= 1
            run.external_execution_id = failure.external_execution_id
            self._finish(run, FAILED, at, failure.error_code, failure.message)
        elif not run.action.invokes_lambda:
            run.external_execution_id = run.external_execution_id or f"exec-{run.action_execution_id[:8]}"
            self._finish(run, SUCCEEDED, at, summary="Success")
        elif (
            any(job.open and job.run is run for job in self._jobs.values())
            or at - run.started_at >= ACTION_TIMEOUT
        ):
            message = "The AWS Lambda function failed to return a result. Check the function's logs."
            self._finish(run, FAILED, at, "JobFailed", message)
        else:
            self._invoke(run, at)

    def _arrive(self, execution: Execution, stage: Stage, at: datetime) -> None:
        """Enter the stage, or wait before it ("How pipeline executions work").

        Where an execution waits in a SUPERSEDED pipeline, a newer one takes its place. PARALLEL ones never wait
        for one another.
        """
        pipeline = execution.pipeline
        queue = pipeline.waiting.setdefault(stage.name, [])
        parallel = pipeline.mode == "PARALLEL"
        closed = stage.name in pipeline.disabled
        if closed or (not parallel and (queue or pipeline.locked(stage.name))):
            if pipeline.mode == "SUPERSEDED":
                for older in queue:
                    self._end_execution(older, SUPERSEDED, at)
                queue.clear()
            queue.append(execution)
        else:
            self._enter(execution, stage, at)

    def _admit(self, pipeline: Pipeline, stage: str, at: datetime) -> None:
        """Let the waiting in, as far as the stage is open and free."""
        queue = pipeline.waiting.get(stage, [])
        declared = pipeline.stage(stage)
        while queue and declared and stage not in pipeline.disabled:
            if pipeline.mode != "PARALLEL" and pipeline.locked(stage):
                return
            self._enter(queue.pop(0), declared, at)

    def _enter(self, execution: Execution, stage: Stage, at: datetime) -> None:
        """The execution takes the stage. A failed one that held it is overtaken, and no event says so."""
        execution.pipeline.latest[stage.name] = execution
        stage_run = execution.stages[stage.name] = StageRun(stage, at)
        self._say(stage_event(execution, stage_run, "STARTED", at))
        self._check_entry(execution, stage_run, at)

    def _check_entry(self, execution: Execution, stage_run: StageRun, at: datetime) -> None:
        """Nothing is checked here; see Conditions."""
        self._start_next(execution, stage_run, at)

    def _start_next(self, execution: Execution, stage_run: StageRun, at: datetime) -> None:
        """Start the next runOrder's actions; with none left the stage has passed."""
        left = [
            action
            for action in stage_run.stage.actions
            if action.name not in stage_run.runs or stage_run.runs[action.name].status != SUCCEEDED
        ]
        if not left:
            self._pass(execution, stage_run, at)
            return
        order = min(action.run_order for action in left)
        self._start_actions(execution, stage_run, [a for a in left if a.run_order == order], at)

    def _start_actions(
        self, execution: Execution, stage_run: StageRun, actions: Sequence[Action], at: datetime
    ) -> None:
        for action in actions:
            run = ActionRun(action, execution, stage_run.stage.name, at, at + action.duration, updated_at=at)
            stage_run.runs[action.name] = run
            execution.pipeline.runs.append(run)
            self._running.append(run)
            self._say(action_event(run, "STARTED", at))
            if action.category == "Approval":
                run.ends_at, run.token = None, str(uuid4())
            elif action.invokes_lambda and not any(failure.applies(run) for failure in self._failures):
                self._invoke(run, at)

    def _invoke(self, run: ActionRun, at: datetime) -> None:
        self._send_job(run, run.action.configuration, at, run.continuation_token)

    def _send_job(
        self, run: ActionRun | RuleRun, configuration: Mapping[str, str], at: datetime, token: str = ""
    ) -> None:
        job = Job(str(uuid4()), run, at + JOB_TIMEOUT)
        self._jobs[job.job_id] = job
        run.ends_at = job.expires_at
        event = job_event(job.job_id, run.execution, configuration, token)
        self._outbox.append(partial(self._invoke_lambda, configuration["FunctionName"], event))

    def _finish(self, run: ActionRun, status: str, at: datetime, error_code: str = "", summary: str = "") -> None:
        """The action ended; go on with its stage."""
        run.status, run.updated_at, run.error_code, run.summary = status, at, error_code, summary
        run.ends_at, run.token = None, ""
        self._running.remove(run)
        self._close_jobs(run)
        self._say(action_event(run, status.upper(), at))
        execution = run.execution
        stage_run = execution.stages[run.stage]
        if stage_run.in_progress:  # actions side by side finish before the stage does
            return
        if execution.status == STOPPING:
            self._end_stage(execution, stage_run, STOPPED, at)
        elif any(run.failed for run in stage_run.runs.values()):
            self._fail(execution, stage_run, at)
        else:
            self._start_next(execution, stage_run, at)

    def _close_jobs(self, run: ActionRun | RuleRun) -> None:
        for job in self._jobs.values():
            if job.run is run:
                job.open = False

    def _fail(self, execution: Execution, stage_run: StageRun, at: datetime) -> None:
        self._end_stage(execution, stage_run, FAILED, at)

    def _pass(self, execution: Execution, stage_run: StageRun, at: datetime) -> None:
        stage_run.status = SUCCEEDED
        self._say(stage_event(execution, stage_run, SUCCEEDED.upper(), at))
        self._leave(execution, stage_run, at)

    def _leave(self, execution: Execution, stage_run: StageRun, at: datetime) -> None:
        """Go on to the next stage, if there is one, and let another execution in."""
        following = execution.pipeline.after(stage_run.stage)
        if following is None or execution.rolls_back_to:  # a rollback is of this stage alone (inferred)
            self._end_execution(execution, SUCCEEDED, at)
        else:
            self._arrive(execution, following, at)
        self._admit(execution.pipeline, stage_run.stage.name, at)

    def _end_stage(self, execution: Execution, stage_run: StageRun, status: str, at: datetime) -> None:
        """The stage ends FAILED or STOPPED and its execution with it; the stage is free for the next."""
        stage_run.status = status
        self._say(stage_event(execution, stage_run, status.upper(), at))
        self._end_execution(execution, status, at)
        self._admit(execution.pipeline, stage_run.stage.name, at)

    def _end_execution(self, execution: Execution, status: str, at: datetime) -> None:
        execution.status, execution.updated_at = status, at
        self._say(pipeline_event(execution, status.upper(), at))

    def _retry(
        self, execution: Execution, stage_run: StageRun, mode: str, at: datetime, *, manual: bool = True
    ) -> None:
        """Run the failed actions (or all) again, each with a new actionExecutionId ("Configuring stage retry")."""
        if manual:
            stage_run.manual_retries += 1
        else:
            stage_run.automatic_retries += 1
        stage_run.last_retry_at, stage_run.last_retry_manual = at, manual
        stage_run.status, stage_run.retries_itself_at = IN_PROGRESS, None
        execution.attempt += 1
        resumed = execution.status != IN_PROGRESS
        execution.status, execution.updated_at = IN_PROGRESS, at
        if resumed:
            self._say(pipeline_event(execution, "RESUMED", at))
        self._say(stage_event(execution, stage_run, "RESUMED", at))
        if mode == "ALL_ACTIONS":
            stage_run.runs.clear()
            self._start_next(execution, stage_run, at)
        else:
            again = [run.action for run in stage_run.runs.values() if run.failed]
            self._start_actions(execution, stage_run, again, at)

    def _stop(self, execution: Execution, abandon: bool, reason: str, at: datetime) -> None:
        """Stop and wait, or stop and abandon ("Stop a pipeline execution")."""
        if execution.status != STOPPING:
            execution.status, execution.updated_at, execution.stop_reason = STOPPING, at, reason
            self._say(pipeline_event(execution, STOPPING.upper(), at))
        for queue in execution.pipeline.waiting.values():
            if execution in queue:
                queue.remove(execution)
                self._end_execution(execution, STOPPED, at)
                return
        running = [run for run in self._running if run.execution is execution]
        for run in running:
            self._stage_stops(execution, execution.stages[run.stage], at)
        for run in running if abandon else ():
            self._finish(run, ABANDONED, at)

    def _stage_stops(self, execution: Execution, stage_run: StageRun, at: datetime) -> None:
        if stage_run.status != STOPPING:
            stage_run.status = STOPPING
            self._say(stage_event(execution, stage_run, STOPPING.upper(), at))
