"""What a stage does by itself when it fails (onFailure: RETRY, ROLLBACK), and rolling one back by hand.

"Configuring stage rollback": a rollback is a new execution of type ROLLBACK that enters the stage with an older
one's revisions; never in a source stage or a PARALLEL pipeline, and only to an execution that passed the stage, is
no rollback itself, and was started in the pipeline's present version. The failed execution stays Failed, and no
event of its own tells that it was rolled back.
"""

from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from playground.codepipeline.engine import Engine
from playground.codepipeline.events import pipeline_event, stage_event
from playground.codepipeline.model import FAILED, SUCCEEDED, Execution, Pipeline, Stage, StageRun

RETRIES_ITSELF_AFTER = timedelta(seconds=20)  # how long AWS shows the failure until then is not said (unverified)


class OnFailure(Engine):
    """The engine, and what follows a failure. Everything here is called under the lock."""

    def _fail(self, execution: Execution, stage_run: StageRun, at: datetime) -> None:
        """ "Configuring stage retry": once, by itself. Which events that sends is not documented (inferred)."""
        if not stage_run.stage.retries_itself or stage_run.automatic_retries:
            super()._fail(execution, stage_run, at)
            return
        again_at = at + RETRIES_ITSELF_AFTER
        stage_run.status, stage_run.retries_itself_at = FAILED, again_at
        self._say(stage_event(execution, stage_run, FAILED.upper(), at))
        self._later.append((again_at, partial(self._retry_itself, execution, stage_run, again_at)))

    def _retry_itself(self, execution: Execution, stage_run: StageRun, at: datetime) -> None:
        """Unless somebody was quicker."""
        if stage_run.retries_itself_at == at:
            self._retry(execution, stage_run, "FAILED_ACTIONS", at, manual=False)

    def _end_execution(self, execution: Execution, status: str, at: datetime) -> None:
        """ "Configure a stage for automatic rollback": to the most recent execution that passed it, if any did.

        A rollback that fails is not rolled back again (inferred).
        """
        super()._end_execution(execution, status, at)
        failed = [run.stage for run in execution.stages.values() if run.status == FAILED and run.stage.rolls_back]
        if status != FAILED or not failed or execution.rolls_back_to:
            return
        pipeline = execution.pipeline
        targets = [older for older in pipeline.executions.values() if not _why_not(pipeline, failed[0], older)]
        if targets:
            self._roll_back(pipeline, failed[0], targets[-1], at, "AutomatedRollback")

    def _roll_back(
        self, pipeline: Pipeline, stage: Stage, target: Execution, at: datetime, trigger: str
    ) -> Execution:
        rollback = Execution(
            pipeline, str(uuid4()), pipeline.version, at, at,
            target.revision_summary, target.revision_id, target.author,
            trigger=trigger, rolls_back_to=target.execution_id,
        )  # fmt: skip
        pipeline.executions[rollback.execution_id] = rollback
        self._say(pipeline_event(rollback, "STARTED", at))
        self._arrive(rollback, stage, at)
        return rollback


def why_not_to(pipeline: Pipeline, stage: Stage, target: Execution) -> tuple[str, str]:
    """Code and message of RollbackStage's refusal, as its page in the API reference names them; empty if none."""
    if target.version != pipeline.version:
        return "PipelineExecutionOutdatedException", "The pipeline structure has changed since"
    why = _why_not(pipeline, stage, target)
    return ("UnableToRollbackStageException", why) if why else ("", "")


def _why_not(pipeline: Pipeline, stage: Stage, target: Execution) -> str:
    if pipeline.mode == "PARALLEL":
        return "Stage rollback is not available in PARALLEL mode"
    if stage is pipeline.stages[0]:
        return "A source stage cannot be rolled back"
    if target.rolls_back_to or target.version != pipeline.version:
        return "The target is a rollback, or of another pipeline version"
    run = target.stages.get(stage.name)
    return "" if run and run.status == SUCCEEDED else "The target has not passed the stage"
