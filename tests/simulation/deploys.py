"""CodePipeline as it behaves: runs that enter stages, fail, pass, overtake each other; answers that lag behind."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from random import Random

from bot.errors import NotLatest, NotRetryable, PipelineGone, RetryImpossible
from bot.gate import GATE_MESSAGE_PREFIX
from bot.model import ExecutionKey, FailedAction
from bot.ports import StageStatus, StageTruth
from tests.builders import ACCOUNT, REGION
from tests.fakes.pipelines import FakePipelines
from tests.simulation.failures import Failures
from tests.simulation.gates import GATE, Gates, Job
from tests.simulation.scheduler import Scheduler
from tests.simulation.telling import in_words
from tests.simulation.weather import Weather

SECOND = timedelta(seconds=1)
RETRIES_ITSELF_AFTER = timedelta(seconds=20)  # AWS does not say (unverified)
CONDITION_FAILS = 0.5  # of the runs of a stage that has one


Emit = Callable[[str, ExecutionKey, str], None]  # level, key, state


class Deploys(FakePipelines):
    """bot.ports.Pipelines over pipelines that live. `emit` sends their events, `start_job` the gate's jobs."""

    def __init__(
        self,
        random: Random,
        scheduler: Scheduler,
        weather: Weather,
        emit: Emit,
        start_job: Callable[[str, Job], None],
        breaks: Callable[[], tuple[str, ...]],
    ) -> None:
        super().__init__()
        self.log: defaultdict[ExecutionKey, list[tuple[datetime, StageTruth]]] = defaultdict(list)
        self.stages_of: dict[str, tuple[str, ...]] = {}
        self.latest: dict[tuple[str, str], ExecutionKey] = {}
        self.attempt: defaultdict[ExecutionKey, int] = defaultdict(int)
        self.frozen: dict[tuple[str, str], str] = {}
        self.gates = Gates(random, scheduler, weather, self, start_job)
        self.all_passes = False
        self.parallel: frozenset[str] = frozenset()  # pipelines whose executions never meet
        self.retry_themselves: frozenset[str] = frozenset()  # pipelines whose stages have onFailure RETRY
        self.conditions: dict[tuple[str, str], tuple[str, ...]] = {}  # by pipeline and stage: what it may stop for
        self.outcomes: dict[str, list[str]] = {}  # by pipeline: how its next stages end, where that is not chance
        self._told: set[ExecutionKey] = set()
        self._passed: set[ExecutionKey] = set()  # whose stage condition somebody overrode
        self._random = random
        self._scheduler = scheduler
        self._weather = weather
        self._emit = emit
        self._breaks = breaks  # the services an open issue breaks now
        self._failures, self._runs = Failures(), count(1)
        self._rollbacks: set[str] = set()  # execution ids
        self._versions: defaultdict[str, int] = defaultdict(int)  # by pipeline
        self._version_of: dict[str, int] = {}  # by execution id
        self._minds: set[str] = set()  # pipelines of which no older version is retried

    def _set(self, truth: StageTruth) -> None:
        key = truth.key
        reason = self.frozen.get((key.pipeline, key.stage))
        changed = self._version_of[key.execution_id] != self._versions[key.pipeline]
        self.truth[key] = replace(truth, transition_disabled=reason, pipeline_changed=changed)
        self.log[key].append((self._scheduler.now, self.truth[key]))
        if self._scheduler.say:
            self._scheduler.say(f"  CodePipeline: {in_words(self.truth[key])}")

    # What happens there.

    def start(self, pipeline: str) -> None:
        """A commit: a new execution enters the first stage, once nothing runs there."""
        stage = self.stages_of[pipeline][0]
        busy = self.latest.get((pipeline, stage)) if pipeline not in self.parallel else None
        if pipeline in self.gone or (busy and self.goes_on(busy)):
            return
        self._start(pipeline, stage)

    def _start(self, pipeline: str, stage: str) -> None:
        key = ExecutionKey(ACCOUNT, REGION, pipeline, f"e-{next(self._runs)}", stage)
        self._version_of[key.execution_id] = self._versions[pipeline]
        self._emit("Pipeline", key, "STARTED")
        self._enter(key)

    def roll_back(self, failed: ExecutionKey) -> None:
        """An execution of its own that brings back what the stage had before, and ends with it."""
        if failed.pipeline not in self.parallel and self.latest[failed.pipeline, failed.stage] == failed:
            self._set(replace(self.truth[failed], rolled_back=True))
            self._start(failed.pipeline, failed.stage)
            self._rollbacks.add(self.latest[failed.pipeline, failed.stage].execution_id)

    def change(self, pipeline: str) -> None:
        """Somebody edits it: what runs goes on in the older version, which CodePipeline may refuse to retry."""
        self._versions[pipeline] += 1
        if self._random.random() < 0.5:
            self._minds.add(pipeline)
        for key, truth in list(self.truth.items()):
            if key.pipeline == pipeline:
                self._set(truth)

    def _enter(self, key: ExecutionKey) -> None:
        before = self.latest.get((key.pipeline, key.stage)) if key.pipeline not in self.parallel else None
        if key.pipeline in self.gone:
            return
        if before and self.goes_on(before):
            self._scheduler.after(30 * SECOND, lambda: self._enter(key))  # it waits at the transition
            return
        if before:
            self._set(replace(self.truth[before], overtaken_by=key.execution_id))
        self.latest[key.pipeline, key.stage] = key
        self._begin(key, "STARTED")

    def _begin(self, key: ExecutionKey, state: str, *, by_itself: bool = False) -> None:
        self.attempt[key] += 1
        attempt = self.attempt[key]
        runs = () if key.stage == GATE else (self._failures.running(attempt, self._scheduler.now),)
        status = StageStatus.IN_PROGRESS
        self._set(StageTruth(key, status, execution_status="InProgress", retried_itself=by_itself, running=runs))
        self._emit("Stage", key, state)
        if key.stage == GATE:
            self.gates.begin(key, attempt)
        else:
            usual = 20 if key.pipeline in self.outcomes else self._random.choice((2, 20, 90, 300))
            lasts = usual * (0.5 + self._random.random())
            self._scheduler.after(lasts * SECOND, lambda: self._finish(key, attempt))

    def runs(self, key: ExecutionKey, attempt: int) -> bool:
        """That very attempt goes on."""
        return self.attempt[key] == attempt and self.goes_on(key) and key.pipeline not in self.gone

    def goes_on(self, key: ExecutionKey) -> bool:
        return self.truth[key].status in (StageStatus.IN_PROGRESS, StageStatus.STOPPING)

    def _finish(self, key: ExecutionKey, attempt: int) -> None:
        if not self.runs(key, attempt):
            return
        scripted = self.outcomes.get(key.pipeline)
        if scripted:
            self._ends(key, scripted.pop(0))
            return
        conditions = () if self.all_passes else self.conditions.get((key.pipeline, key.stage), ())
        if conditions and key not in self._passed and self._random.random() < CONDITION_FAILS:
            self._fails(key, self._failures.rule(), condition=self._random.choice(conditions))
            return
        broken = self._breaks()
        chance = 0.0 if self.all_passes else 0.8 if broken else 0.25
        if self._random.random() >= chance:
            self._passes(key)
            return
        kinds = [kind for kind in ("ECS", "CLOUDFORMATION") if kind in broken] or ["ECS", "ECS", "CLOUDFORMATION"]
        kind = self._random.choice([*kinds, *kinds, "OWN"])
        actions = [self._failures.action(kind)]
        if self._random.random() < 0.2:
            actions.append(self._failures.action(self._random.choice(("ECS", "CLOUDFORMATION"))))
        self._fails(key, *actions)

    def _ends(self, key: ExecutionKey, kind: str) -> None:
        """As a script says: PASSES, a stage condition, or what broke an action."""
        if kind == "PASSES":
            self._passes(key)
        elif kind in ("BEFORE_ENTRY", "ON_SUCCESS"):
            self._fails(key, self._failures.rule(), condition=kind)
        else:
            self._fails(key, self._failures.action(kind))

    def _fails(self, key: ExecutionKey, *actions: FailedAction, condition: str = "") -> None:
        if self.truth[key].status is StageStatus.STOPPING:
            self._stopped(key)
            return
        self._set(
            StageTruth(
                key, StageStatus.FAILED, failed=actions, failed_at=self._scheduler.now, execution_status="Failed",
                own_retry_spent=self.attempt[key] > 1, condition=condition,
            )
        )  # fmt: skip
        for level in ("Action", "Stage", "Pipeline"):
            self._emit(level, key, "FAILED")
        if self.retries_itself(key) and self.attempt[key] == 1:
            self._scheduler.after(RETRIES_ITSELF_AFTER, lambda: self._retry_itself(key))

    def _retry_itself(self, key: ExecutionKey) -> None:
        """Once, unless somebody was quicker."""
        if self.attempt[key] == 1 and not self._why_not(key):
            self._begin(key, "RESUMED", by_itself=True)

    def _passes(self, key: ExecutionKey) -> None:
        if self.truth[key].status is StageStatus.STOPPING:
            self._stopped(key)
            return
        self._set(StageTruth(key, StageStatus.SUCCEEDED, execution_status="InProgress"))
        self._emit("Stage", key, "SUCCEEDED")
        stages = self.stages_of[key.pipeline]
        later = () if key.execution_id in self._rollbacks else stages[stages.index(key.stage) + 1 :]
        if later:
            self._enter(replace(key, stage=later[0]))
        else:
            self._emit("Pipeline", key, "SUCCEEDED")

    def stop(self, key: ExecutionKey) -> None:
        """Somebody stops the execution while it runs: at once, or (a gate that waits) as soon as it ends."""
        if key.stage == GATE and key.pipeline in self.gates.waiting and self._random.random() < 0.5:
            self._set(StageTruth(key, StageStatus.STOPPING, execution_status="Stopping"))
            self._emit("Pipeline", key, "STOPPING")
        else:
            self._stopped(key)

    def _stopped(self, key: ExecutionKey) -> None:
        self._set(StageTruth(key, StageStatus.STOPPED, execution_status="Stopped"))
        self._emit("Stage", key, "STOPPED")
        self._emit("Pipeline", key, "STOPPED")

    def freeze(self, pipeline: str, stage: str, reason: str | None) -> None:
        """The inbound transition is disabled, or (None) enabled again."""
        if reason is None:
            self.frozen.pop((pipeline, stage), None)
        else:
            self.frozen[pipeline, stage] = reason
        for key, truth in list(self.truth.items()):
            if (key.pipeline, key.stage) == (pipeline, stage):
                self._set(truth)

    def delete(self, pipeline: str) -> None:
        self.gone.add(pipeline)

    def retry_outside(self, key: ExecutionKey) -> None:
        """Somebody clicks Retry in the console."""
        if not self._why_not(key):
            self._begin(key, "RESUMED")

    def _why_not(self, key: ExecutionKey) -> Exception | None:
        truth = self.truth.get(key)
        if truth is None or key.pipeline in self.gone:
            return RetryImpossible("PipelineNotFoundException: no such pipeline, execution or stage")
        if self.latest[key.pipeline, key.stage] != key and key.pipeline not in self.parallel:
            return NotLatest("NotLatestPipelineExecutionException")
        if truth.status is not StageStatus.FAILED:
            return NotRetryable(f"StageNotRetryableException: the stage is {truth.status}")
        if truth.condition:
            return NotRetryable("StageNotRetryableException: the stage contains no failed actions")
        if truth.pipeline_changed and key.pipeline in self._minds:
            return NotRetryable("StageNotRetryableException: the pipeline structure has changed")
        return None

    # The port.

    def stages(self, _account: str, _region: str, pipeline: str, execution_id: str) -> tuple[StageTruth, ...]:
        if pipeline in self.gone:
            raise PipelineGone(pipeline)
        behind = self._random.random() * self._weather.rate("codepipeline lag") * SECOND
        told = []
        for key in [key for key in self.log if (key.pipeline, key.execution_id) == (pipeline, execution_id)]:
            seen = [truth for at, truth in self.log[key] if at <= self._scheduler.now - behind]
            if not seen and key not in self._told:
                continue
            self._told.add(key)  # an answer may lag, but what was told once is not unknown again
            truth = seen[-1] if seen else self.log[key][0][1]
            if behind and truth.failed_at and self._scheduler.now - truth.failed_at < behind + 20 * SECOND:
                actions = truth.failed[: self._random.randrange(len(truth.failed) + 1)]  # the list lags too
                truth = replace(truth, failed=actions, failed_at=truth.failed_at if actions else None)
            told.append(truth)
        if self._scheduler.task is not None:
            self._scheduler.task.facts["told"] = {truth.key: truth for truth in told}
            if self._scheduler.say:
                behind_by = f" ({behind.total_seconds():.0f} s ago)" if behind else ""
                words = "; ".join(map(in_words, told))
                self._scheduler.say(f"{self._scheduler.task}: CodePipeline tells{behind_by}: {words}")
        return tuple(told)

    def retries_itself(self, key: ExecutionKey) -> bool:
        return key.pipeline in self.retry_themselves

    def retry_stage(self, key: ExecutionKey) -> None:
        self.retried.append(key)
        why_not = self._why_not(key)
        if why_not is not None:
            raise why_not
        self.accepted.append(key)
        self._begin(key, "RESUMED")

    def override_condition(self, key: ExecutionKey, condition: str) -> None:
        self.overridden.append((key, condition))
        truth = self.truth.get(key)
        if truth is None or key.pipeline in self.gone or self.latest[key.pipeline, key.stage] != key:
            raise RetryImpossible("PipelineNotFoundException: no such pipeline, execution or stage")
        if truth.status is not StageStatus.FAILED or truth.condition != condition:
            raise RetryImpossible("ConditionNotOverridableException: the condition does not allow overrides")
        self._passed.add(key)
        self._begin(key, "RESUMED")

    def fail_job(self, _region: str, job_id: str, message: str, external_execution_id: str) -> bool:
        job = self.gates.take(job_id)
        if job is not None:
            by_gate = message.startswith(GATE_MESSAGE_PREFIX)
            named = tuple(part for part in external_execution_id.split(",") if part)
            self._fails(job.key, self._failures.gate(message, named if by_gate else None))
        return job is not None

    def pass_job(self, _region: str, job_id: str, _summary: str) -> bool:
        job = self.gates.take(job_id)
        if job is not None:
            self._passes(job.key)
        return job is not None

    def keep_job(self, _region: str, job_id: str, token: str, _summary: str) -> bool:
        return self.gates.keep(job_id, token)

    def times_out(self, key: ExecutionKey) -> None:
        """A job that nobody answered, or an action that took too long."""
        self._fails(key, self._failures.gate("The action timed out.", None))
