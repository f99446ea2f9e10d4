"""Pipelines and their executions, as the stand-in remembers them. Statuses are the API's words.

Mutable on purpose and touched only under the stand-in's one lock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

IN_PROGRESS = "InProgress"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
STOPPING = "Stopping"
STOPPED = "Stopped"
ABANDONED = "Abandoned"
SUPERSEDED = "Superseded"
OVERRIDDEN = "Overridden"
SKIPPED = "Skipped"


@dataclass(frozen=True, slots=True)
class Action:
    """An action's declaration. `region` None is the pipeline's own; `duration` is simulated.

    Actions of provider Lambda invoke `configuration["FunctionName"]` and last until their job is answered; actions
    of category Approval last until somebody approves or rejects them.
    """

    name: str
    category: str = "Deploy"
    owner: str = "AWS"
    provider: str = "CloudFormation"
    region: str | None = None
    run_order: int = 1
    configuration: Mapping[str, str] = field(default_factory=dict)
    duration: timedelta = timedelta(minutes=1)

    @property
    def invokes_lambda(self) -> bool:
        return (self.category, self.owner, self.provider) == ("Invoke", "AWS", "Lambda")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a stage's condition. A LambdaInvoke rule invokes `configuration["FunctionName"]`; every other
    provider's answers at once, as the scenario says.
    """

    name: str
    provider: str = "CloudWatchAlarm"
    configuration: Mapping[str, str] = field(default_factory=dict)

    @property
    def invokes_lambda(self) -> bool:
        return self.provider == "LambdaInvoke"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage's declaration. `retries_itself`: onFailure RETRY, once, before the execution fails. `rolls_back`:
    onFailure ROLLBACK, to the newest execution that passed it.

    `entry_rules` make its entry condition (none: no condition), `entry_result` is what follows when one fails.
    """

    name: str
    actions: list[Action]
    retries_itself: bool = False
    entry_rules: tuple[Rule, ...] = ()
    entry_result: Literal["FAIL", "SKIP"] = "FAIL"
    rolls_back: bool = False


@dataclass(slots=True)
class Transition:
    """A stage's inbound transition while it is disabled."""

    reason: str
    disabled_at: datetime


@dataclass(slots=True)
class ActionRun:
    """One attempt of one action: it has the actionExecutionId. A retry is another run with another id."""

    action: Action
    execution: "Execution"
    stage: str
    started_at: datetime
    ends_at: datetime | None  # None: ends when somebody answers
    action_execution_id: str = field(default_factory=lambda: str(uuid4()))
    status: str = IN_PROGRESS
    updated_at: datetime | None = None
    error_code: str = ""
    summary: str = ""
    external_execution_id: str = ""
    external_execution_url: str = ""
    token: str = ""  # an approval's
    continuation_token: str = ""

    @property
    def failed(self) -> bool:
        """Abandoned actions of a stopped execution are retried like failed ones (Stop a pipeline execution)."""
        return self.status in (FAILED, ABANDONED)


@dataclass(slots=True)
class RuleRun:
    """One run of one rule: it has the ruleExecutionId."""

    rule: Rule
    execution: "Execution"
    stage: str
    started_at: datetime
    updated_at: datetime
    ends_at: datetime | None = None  # None: it has ended
    rule_execution_id: str = field(default_factory=lambda: str(uuid4()))
    status: str = IN_PROGRESS
    error_code: str = ""
    summary: str = ""
    external_execution_id: str = ""


@dataclass(slots=True)
class EntryCheck:
    """One run of a stage's entry condition, which is one run of each of its rules."""

    status: str
    at: datetime
    rules: list[RuleRun] = field(default_factory=list)


@dataclass(slots=True)
class StageRun:
    """One execution's time in one stage, all its attempts."""

    stage: Stage
    started_at: datetime
    status: str = IN_PROGRESS
    runs: dict[str, ActionRun] = field(default_factory=dict)  # the latest run of each action
    manual_retries: int = 0
    automatic_retries: int = 0
    last_retry_at: datetime | None = None
    last_retry_manual: bool = False
    entry: EntryCheck | None = None
    retries_itself_at: datetime | None = None  # failed, and about to be retried by its own onFailure

    @property
    def in_progress(self) -> bool:
        return any(run.status == IN_PROGRESS for run in self.runs.values())


@dataclass(slots=True)
class Execution:
    """One pipeline execution."""

    pipeline: "Pipeline"
    execution_id: str
    version: int  # the pipeline's when it started: a changed structure blocks a retry
    started_at: datetime
    updated_at: datetime
    revision_summary: str
    revision_id: str
    author: str = ""
    status: str = IN_PROGRESS
    attempt: int = 1
    stages: dict[str, StageRun] = field(default_factory=dict)
    stop_reason: str = ""
    trigger: str = "StartPipelineExecution"  # or ManualRollback, AutomatedRollback
    rolls_back_to: str = ""  # the execution whose revisions a rollback brings back

    @property
    def kind(self) -> str:
        """ExecutionType."""
        return "ROLLBACK" if self.rolls_back_to else "STANDARD"


@dataclass(slots=True)
class Pipeline:
    """A pipeline, every execution and every action run it ever had (oldest first)."""

    name: str
    region: str
    account: str
    stages: list[Stage]
    mode: str
    tags: dict[str, str]
    created_at: datetime
    version: int = 1
    executions: dict[str, Execution] = field(default_factory=dict)
    runs: list[ActionRun] = field(default_factory=list)
    latest: dict[str, Execution] = field(default_factory=dict)  # stage name: the execution that entered it last
    waiting: dict[str, list[Execution]] = field(default_factory=dict)  # stage name: inbound, oldest first
    disabled: dict[str, Transition] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:codepipeline:{self.region}:{self.account}:{self.name}"

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name), None)

    def after(self, stage: Stage) -> Stage | None:
        place = [other.name for other in self.stages].index(stage.name) + 1
        return self.stages[place] if place < len(self.stages) else None

    def locked(self, stage: str) -> bool:
        """True while an execution's actions run in the stage (How pipeline executions work: stages are locked)."""
        holder = self.latest.get(stage)
        run = holder.stages[stage] if holder else None
        return run is not None and (run.status in (IN_PROGRESS, STOPPING) or run.retries_itself_at is not None)


@dataclass(slots=True)
class Job:
    """The job of a Lambda action or a LambdaInvoke rule: open until it is answered or its time is up."""

    job_id: str
    run: ActionRun | RuleRun
    expires_at: datetime
    open: bool = True


@dataclass(slots=True)
class ScriptedFailure:
    """How an action is to fail: while a condition holds, and at most so many times."""

    pipeline: str
    stage: str
    action: str
    while_: Callable[[], bool] | None
    times: int | None
    error_code: str
    message: str
    external_execution_id: str

    def applies(self, run: ActionRun) -> bool:
        place = (run.execution.pipeline.name, run.stage, run.action.name)
        if place != (self.pipeline, self.stage, self.action) or self.times == 0:
            return False
        return self.while_ is None or self.while_()


@dataclass(slots=True)
class ScriptedCondition:
    """How a rule of a stage's entry condition is to fail: while a condition of the scenario's holds."""

    pipeline: str
    stage: str
    rule: str
    while_: Callable[[], bool] | None
    summary: str

    def applies(self, run: RuleRun) -> bool:
        place = (run.execution.pipeline.name, run.stage, run.rule.name)
        if place != (self.pipeline, self.stage, self.rule):
            return False
        return self.while_ is None or self.while_()


@dataclass(frozen=True, slots=True)
class ConditionOverride:
    """One OverrideStageCondition call that reached the API. `code` is the error it was answered with, if any."""

    at: datetime
    pipeline: str
    stage: str
    execution_id: str
    condition: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """One RetryStageExecution call that reached the API. `code` is the error it was answered with, "" for none.

    `accepted` says what happened: an accepted retry can still have been answered with an error.
    """

    at: datetime
    pipeline: str
    stage: str
    execution_id: str
    mode: str
    accepted: bool
    code: str = ""
