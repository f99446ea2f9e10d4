"""What Allclear promises, checked at every call that could break it, and at the end."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot import inferred
from bot.inferred import RegionRecord
from bot.model import ALLCLEAR, Execution, ExecutionKey, Issue, IssueReport, PipelineTags, Status
from bot.policy import WhenHealthUnreadable
from bot.ports import StageStatus, StageTruth
from tests.simulation.ending import Ending, Turns
from tests.simulation.incidents import OTHER_ACCOUNT, explains
from tests.simulation.promises_of_canaries import CanaryPromises
from tests.simulation.promises_of_gates import GatePromises
from tests.simulation.promises_of_people import PeoplePromises
from tests.simulation.scheduler import Task, Violation, must
from tests.simulation.weather import Fault, also

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

REQUESTS_BEFORE_A_LOOP = 400  # versions of one execution


@dataclass(slots=True)
class Call:
    """One call of RetryStageExecution."""

    task: Task
    claimed: tuple[str, ...]  # the failed actions it was claimed for
    lease_until_at: datetime
    automatic: bool
    took_effect: bool = False
    unanswered: bool = False
    stopped_again: bool = False  # by the gate


class Promises:
    """Watches the ports of one simulation."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self._policy = simulation.plan.policy
        self._store = simulation.store
        self._clock = simulation.scheduler
        self.calls: dict[ExecutionKey, list[Call]] = {}
        self._saved: dict[ExecutionKey, Execution] = {}
        self._spent: dict[ExecutionKey, int] = {}  # automatic retries that took effect, by our own count
        self._ledger: dict[str, Turns] = {}
        self._open_in_ledger: dict[str, datetime] = {}
        self._changed: dict[tuple[str, str], datetime] = {}  # pipeline, execution id
        self._told: dict[tuple[str, str], datetime] = {}
        self._was_frozen: set[ExecutionKey] = set()
        self.inferred: set[str] = set()  # the ids of the incidents that were
        self.people = PeoplePromises(simulation)
        self.canaries = CanaryPromises(simulation)
        self.gates = GatePromises(simulation, self.people)
        ports = simulation.ports
        also(ports["store"].after, "save_execution", self._saved_execution)
        also(ports["store"].after, "save_issue", self._saved_issue)
        also(ports["store"].after, "ledger", lambda task, _, _answer: task.facts.update(ledger=True))
        also(
            ports["calendar"].after,
            "state",
            lambda task, _arguments, answer: task.facts.update(calendar=answer.open),
        )
        also(ports["pipelines"].before, "retry_stage", self._about_to_retry)
        also(ports["pipelines"].after, "retry_stage", self._retried)
        also(ports["pipelines"].before, "override_condition", self._about_to_override)
        also(ports["pipelines"].after, "override_condition", self._retried)
        also(ports["pipelines"].after, "fail_job", self._job_failed)
        for method in ("load_inferred", "save_inferred"):
            also(ports["store"].before, method, self._about_to_infer)
        also(ports["store"].before, "inferred", self._about_to_tell)
        also(ports["store"].after, "save_inferred", self._inferred)

    # What is written.

    def _saved_execution(self, task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        execution: Execution = arguments[0]
        key, before = execution.key, self._saved.get(execution.key)
        lines, card = self._store.history(key), self._store.cards[key]
        must([line.version for line in lines] == list(range(1, execution.version + 1)), f"{key}: history has gaps")
        must(lines[-1].what and lines[-1].status is execution.status, f"{key}: history does not explain it")
        must(execution.version < REQUESTS_BEFORE_A_LOOP, f"{key}: it goes round in a circle")
        must(execution.status.finished == (execution.due_at is None), f"{key}: {execution.status}, no clock")
        must(card.wanted_version == execution.version, f"{key}: its card wants another version")
        must(card.due_at is not None, f"{key}: its card has no clock")
        spent = execution.automatic_retries
        must(0 <= spent <= self._policy.max_automatic_retries, f"{key}: {spent} automatic retries")
        for blocker in execution.blockers:
            must(str(key) in self._store.edges.get(blocker.issue, ()), f"{key}: no edge from {blocker.issue}")
        held = execution.status is Status.BLOCKED and not execution.unfailed
        must(execution.blockers or not held, f"{key}: held by nothing")
        hangs = execution.hangs_since is not None
        must(not hangs or execution.status is Status.BLOCKED, f"{key}: {execution.status}, and it hangs")
        must(
            not hangs or (execution.retry, execution.claim) == (None, None),
            f"{key}: a retry of what has not failed",
        )
        if execution.claim is not None:
            must(execution.claim.action_execution_ids == execution.action_execution_ids, f"{key}: an old claim")
            if before is None or before.claim != execution.claim:
                task.facts.setdefault("claimed", {})[key] = execution
        if before is not None and execution.actions and lines[-1].what.startswith(f"{key.stage} failed"):
            again = before.action_execution_ids == execution.action_execution_ids
            must(not again, f"{key}: the same failure, told twice, counts twice")
        self.people.saved(task, before, execution)
        self.canaries.saved(task, execution)
        if execution.status.finished:
            self._spent[key] = 0
        self._saved[key] = execution
        self._store.keep()

    def _saved_issue(self, task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        issue: Issue = arguments[0]
        must(issue.due_at is not None or issue.phase == "DONE", f"{issue.key}: {issue.phase} without a clock")
        self.canaries.saved_issue(task, issue)
        self._ledger.setdefault(issue.key, []).append((self._clock.now, issue.open))
        if issue.open:
            self._open_in_ledger.setdefault(issue.key, self._clock.now)
        else:
            self._open_in_ledger.pop(issue.key, None)
        self._store.keep()

    def _about_to_infer(self, task: Task, _arguments: tuple[Any, ...], _fault: Fault | None) -> None:
        """What is inferred holds nothing: whoever decides about deploys does not so much as read it.

        The sweep keeps its clock, and has a card looked at again.
        """
        must(task.name in ("notify", "sweep"), f"{task.name} looked at what is inferred")

    def _about_to_tell(self, task: Task, _arguments: tuple[Any, ...], _fault: Fault | None) -> None:
        """People are told, too."""
        must(task.name in ("notify", "sweep", "slack_request"), f"{task.name} looked at what is inferred")

    def _inferred(self, _task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        record: RegionRecord = arguments[0]
        owed = record.live() or any(not each.told for each in record.incidents)
        must((record.due_at is not None) == bool(owed), f"{record.region}: inferred, and no clock")
        for incident in record.live():
            must(len(set(incident.pipelines)) >= inferred.PIPELINES, f"{incident.incident_id}: no crowd")
        self.inferred.update(each.incident_id for each in record.incidents)
        self._store.keep()

    # What is asked of CodePipeline.

    def _about_to_retry(self, task: Task, arguments: tuple[Any, ...], fault: Fault | None) -> None:
        key: ExecutionKey = arguments[0]
        execution: Execution | None = task.facts.get("claimed", {}).get(key)
        claim = execution.claim if execution else None
        plan = execution.retry if execution else None
        if execution is None or claim is None or plan is None:
            raise Violation(f"{key}: a retry without a claim")
        must(self._clock.now < claim.lease_until_at, f"{key}: a retry after its lease")
        earlier = self.calls.setdefault(key, [])
        for call in earlier:
            if call.claimed == claim.action_execution_ids and call.claimed:
                must(not call.took_effect, f"{key}: a second retry of {call.claimed}")
                must(not call.task.alive or call.task is task, f"{key}: two retries of {call.claimed} at once")
                must(
                    not call.unanswered or self._clock.now >= call.lease_until_at,
                    f"{key}: asked again before the lease of an unanswered retry has ended",
                )
        truth: StageTruth | None = task.facts.get("told", {}).get(key)
        self._allowed(key, truth, claim.action_execution_ids)
        automatic = plan.requested_by == ALLCLEAR
        if automatic:
            self._allowed_unasked(task, execution)
        unanswered = fault is not None and "Unknown" in type(fault.make()).__name__
        earlier.append(Call(task, claim.action_execution_ids, claim.lease_until_at, automatic, False, unanswered))

    def _about_to_override(self, task: Task, arguments: tuple[Any, ...], fault: Fault | None) -> None:
        """All that a retry needs, and somebody's leave for this stage to pass this condition."""
        key, condition = arguments
        self._about_to_retry(task, arguments, fault)
        truth = task.facts["told"][key]
        must(truth.condition == condition, f"{key}: {condition} did not stop it, but {truth.condition}")
        must(
            self.people.overridden(key, task.started_at),
            f"{key}: its condition is passed, and nobody said so",
        )
        must(not self.calls[key][-1].automatic, f"{key}: a condition passed unasked")

    def _allowed(self, key: ExecutionKey, truth: StageTruth | None, ids: tuple[str, ...]) -> None:
        """As far as CodePipeline told it: failed, the same failure, the newest, not stopped, not frozen."""
        must(truth is not None and truth.status is StageStatus.FAILED, f"{key}: retried, and it is not failed")
        if truth is None:
            return
        must(not truth.overtaken_by, f"{key}: retried into a newer execution")
        must(truth.execution_status not in ("Stopped", "Superseded"), f"{key}: retried, but it was stopped")
        must(truth.transition_disabled is None, f"{key}: retried into a frozen stage")
        shown = tuple(sorted(action.action_execution_id for action in truth.failed))
        must(not shown or shown == ids, f"{key}: retried {ids}, but {shown} had failed")

    def _allowed_unasked(self, task: Task, execution: Execution) -> None:
        """No issue that explains it is open, as far as anyone could know when this function began."""
        key, now, since = execution.key, self._clock.now, task.started_at
        no_plan = not self._simulation.plan.support_plan
        readable = "health" in task.facts
        block = self._policy.health_unavailable is WhenHealthUnreadable.BLOCK
        must(readable or no_plan or not block, f"{key}: retried while AWS Health could not be read")
        must(not any(a.error_code == "ConfigurationError" for a in execution.actions), f"{key}: its own failure")
        must(execution.tags.auto_retry, f"{key}: automatic retries are off")
        mode = self._simulation.plan.tags.get(key.pipeline, PipelineTags()).mode or self._policy.mode
        must(mode != "shadow", f"{key}: retried unasked in shadow mode")
        must(not any(a.category == "Rule" for a in execution.actions), f"{key}: a condition stopped it")
        asks = bool(self._policy.change_calendar)
        must(not asks or task.facts.get("calendar"), f"{key}: retried while the change calendar is closed")
        for report in self._simulation.health.reports.values():
            opened = self._simulation.health.open_since(report.key)
            in_ledger = self._open_in_ledger.get(report.key)
            known = (readable and report.account != OTHER_ACCOUNT) or (in_ledger is not None and in_ledger < since)
            known = known and not self.people.ignored(report.key, since)
            if opened is not None and opened < since and known and self._counts(report, now):
                must(not explains(report, execution.actions), f"{key}: retried while {report.key} is open")
        spent = self._spent.get(key, 0)
        must(spent < self._policy.max_automatic_retries, f"{key}: automatic retry {spent + 1}")

    def _counts(self, report: IssueReport, now: datetime) -> bool:
        return now - report.start_at <= self._policy.issue_max_age

    def _retried(self, _task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        call = self.calls[arguments[0]][-1]
        call.took_effect = True
        if call.automatic:
            self._spent[arguments[0]] = self._spent.get(arguments[0], 0) + 1

    def _job_failed(self, _task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        """A retry that the gate stopped again costs none."""
        key = self._simulation.pipelines.gates.jobs[arguments[1]].key
        by_gate = any(action.gate_issues is not None for action in self._simulation.pipelines.truth[key].failed)
        last = self.calls.get(key, [])[-1:]
        if by_gate and last and last[0].automatic and last[0].took_effect and not last[0].stopped_again:
            last[0].stopped_again = True
            self._spent[key] -= 1

    # What events told.

    def changed(self, key: ExecutionKey) -> None:
        self._changed[key.pipeline, key.execution_id] = self._clock.now

    def told(self, key: ExecutionKey, at: datetime) -> None:
        run = (key.pipeline, key.execution_id)
        self._told[run] = max(at, self._told.get(run, at))

    def _heard(self, key: ExecutionKey) -> bool:
        """Whether any event since the run's last change has arrived: without one, an end is an end to us."""
        run = (key.pipeline, key.execution_id)
        return run in self._told and self._told[run] >= self._changed[run]

    # At the end.

    def still_open(self) -> str:
        """What is not well yet; "" when everything is as it must be in the end."""
        return Ending(self._simulation, self._ledger, self._heard).still_open()
