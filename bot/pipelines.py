"""The port to the CI/CD tool, all of it: what an adapter tells, what it does, and what it may raise.

CodePipeline's adapter is `bot/adapters/codepipeline.py`. What another one would need, and what has no counterpart
elsewhere, is in docs/architecture.md, "Other CI/CD tools". The words are CodePipeline's: a pipeline's execution
goes through stages, in which actions run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.model import ExecutionKey, FailedAction, PipelineTags
from bot.running import ActionName, RunningAction


class StageStatus(StrEnum):
    """CodePipeline's own words for a stage's latest execution, plus MISSING."""

    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    STOPPING = "Stopping"
    CANCELLED = "Cancelled"
    MISSING = "Missing"  # the pipeline has no such stage any more


@dataclass(frozen=True, slots=True)
class StageTruth:
    """What the tool says now about one stage and one execution of it."""

    key: ExecutionKey
    status: StageStatus
    failed: tuple[FailedAction, ...] = ()  # the latest attempt of each action of this stage that failed
    failed_at: datetime | None = None  # when the last of them failed
    overtaken_by: str = ""  # the other execution that is now the stage's latest ("" in PARALLEL pipelines)
    rolled_back: bool = False  # that other execution is a rollback of this stage
    transition_disabled: str | None = None  # the reason the inbound transition is closed; None: it is open
    transition_disabled_by: str = ""  # who closed (or last opened) it
    execution_status: str = ""  # the whole execution's: InProgress Failed Stopped Superseded …; "" unknown
    revision: str = ""  # commit summary and author, for the card
    condition: str = ""  # BEFORE_ENTRY or ON_SUCCESS: the stage condition that failed the stage
    retried_itself: bool = False  # its newest retry was its own (onFailure RETRY), nobody's else
    own_retry_spent: bool = False  # it was retried before, by itself or otherwise: it will not retry itself
    pipeline_changed: bool = False  # the pipeline has another version now than the execution ran with
    checking: bool = False  # the rules of a stage condition run at this moment
    running: tuple[RunningAction, ...] = ()  # the actions that run now


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """An action of the pipeline's structure, whether or not it has run."""

    stage: str
    name: str
    owner: str
    provider: str
    region: str


class Pipelines(Protocol):
    """Reads answer what is so now, however late; a retry is fenced by its caller and sent once."""

    def stages(self, account: str, region: str, pipeline: str, execution_id: str) -> tuple[StageTruth, ...]:
        """The truth about every stage this execution has reached. Raises PipelineGone, TryLater."""
        ...

    def tags(self, account: str, region: str, pipeline: str) -> PipelineTags:
        """Raises TryLater. A definite refusal (no permission, no such operation) is answered with no tags."""
        ...

    def planned_actions(self, region: str, pipeline: str) -> tuple[PlannedAction, ...]:
        """Every action of the pipeline's structure, in order. Raises PipelineGone, TryLater, NotAllowed."""
        ...

    def retries_itself(self, key: ExecutionKey) -> bool:
        """Whether the stage is declared to retry itself once when it fails (onFailure, result RETRY).

        Raises TryLater. A definite refusal is answered with no.
        """
        ...

    def usual_times(self, region: str, pipeline: str) -> Mapping[ActionName, timedelta]:
        """How long its actions usually take, those of which a success is known. Raises PipelineGone, TryLater."""
        ...

    def rule_parameters(self, key: ExecutionKey) -> Mapping[str, str]:
        """The UserParameters of each rule that ran in this stage, by ruleExecutionId, variables resolved.

        Raises PipelineGone, TryLater, NotAllowed.
        """
        ...

    def retry_stage(self, key: ExecutionKey) -> None:
        """Run the stage's failed actions again (RetryStageExecution, FAILED_ACTIONS), asked once and never resent.

        Raises RetryRefused's children or OutcomeUnknown.
        """
        ...

    def override_condition(self, key: ExecutionKey, condition: str) -> None:
        """Pass a stage condition, BEFORE_ENTRY or ON_SUCCESS (OverrideStageCondition). Raises as retry_stage."""
        ...

    # A health gate's job. Each is answered once: a job that was answered before takes no other answer.

    def fail_job(self, region: str, job_id: str, message: str, external_execution_id: str) -> bool:
        """PutJobFailureResult (JobFailed). False after a final refusal: the job is unknown or was answered before.

        Raises TryLater.
        """
        ...

    def pass_job(self, region: str, job_id: str, summary: str) -> bool:
        """PutJobSuccessResult. Otherwise as fail_job."""
        ...

    def keep_job(self, region: str, job_id: str, token: str, summary: str) -> bool:
        """PutJobSuccessResult with a continuation token: the action goes on, and a new job brings the token back.

        Otherwise as fail_job.
        """
        ...
