"""What Allclear promises, checked at every call that could break it, and at the end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.burst_cards import render_burst
from bot.bursts import line_of
from bot.cards import RETRY, render
from bot.model import ALLCLEAR, Execution, ExecutionKey, FailedAction, Issue, IssueReport, Status, Verdict
from bot.policy import WhenHealthUnreadable
from bot.ports import StageStatus, StageTruth
from tests.simulation.incidents import OTHER_ACCOUNT, explains
from tests.simulation.people import MAY_CLICK, Clicked
from tests.simulation.scheduler import Task, Violation
from tests.simulation.weather import Fault

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

REQUESTS_BEFORE_A_LOOP = 400  # versions of one execution


Turns = list[tuple[datetime, bool]]  # (at, open)


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


def must(holds: object, what: str) -> None:
    if not holds:
        raise Violation(what)


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
        ports = simulation.ports
        ports["store"].after["save_execution"] = self._saved_execution
        ports["store"].after["save_issue"] = self._saved_issue
        ports["store"].after["ledger"] = lambda task, _arguments, _answer: task.facts.update(ledger=True)
        ports["pipelines"].before["retry_stage"] = self._about_to_retry
        ports["pipelines"].after["retry_stage"] = self._retried
        ports["pipelines"].after["fail_job"] = self._job_failed
        ports["pipelines"].before["pass_job"] = self._about_to_pass

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
        must(execution.blockers or execution.status is not Status.BLOCKED, f"{key}: held by nothing")
        if execution.claim is not None:
            must(execution.claim.action_execution_ids == execution.action_execution_ids, f"{key}: an old claim")
            if before is None or before.claim != execution.claim:
                task.facts.setdefault("claimed", {})[key] = execution
        self._by_whom(task, before, execution)
        if execution.status.finished:
            self._spent[key] = 0
        self._saved[key] = execution
        self._store.keep()

    def _by_whom(self, task: Task, before: Execution | None, execution: Execution) -> None:
        """What stands in a person's name was clicked by that person, on a button that was not stale."""
        actor = execution.trail[-1].by
        if actor == ALLCLEAR:
            return
        clicked = task.detail
        must(isinstance(clicked, Clicked) and clicked.user == actor, f"{execution.key}: {actor} clicked nothing")
        must(actor in MAY_CLICK, f"{execution.key}: {actor} may not")
        must(
            before is not None and clicked.button.version >= before.entered_version,
            f"{execution.key}: a stale button was obeyed",
        )
        if execution.status is Status.RESUMING:
            must(clicked.button.action_id == RETRY, f"{execution.key}: nobody asked for a retry")

    def _saved_issue(self, _task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        issue: Issue = arguments[0]
        must(issue.due_at is not None or issue.phase == "DONE", f"{issue.key}: {issue.phase} without a clock")
        self._ledger.setdefault(issue.key, []).append((self._clock.now, issue.open))
        if issue.open:
            self._open_in_ledger.setdefault(issue.key, self._clock.now)
        else:
            self._open_in_ledger.pop(issue.key, None)
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
        for report in self._simulation.health.reports.values():
            opened = self._simulation.health.open_since(report.key)
            in_ledger = self._open_in_ledger.get(report.key)
            known = (readable and report.account != OTHER_ACCOUNT) or (in_ledger is not None and in_ledger < since)
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
        key = self._simulation.pipelines.jobs[arguments[1]].key
        by_gate = any(action.gate_issues is not None for action in self._simulation.pipelines.truth[key].failed)
        last = self.calls.get(key, [])[-1:]
        if by_gate and last and last[0].automatic and last[0].took_effect and not last[0].stopped_again:
            last[0].stopped_again = True
            self._spent[key] -= 1

    def _about_to_pass(self, task: Task, arguments: tuple[Any, ...], _fault: Fault | None) -> None:
        """The gate opens only if nothing that it counts was open when it began."""
        if not {"health", "ledger"} <= set(task.facts):
            return  # AWS Health or the table could not be read: the setting decides
        for report in self._simulation.health.reports.values():
            opened = self._simulation.health.open_since(report.key)
            here = report.region in ("global", "us-east-1") and report.account != OTHER_ACCOUNT
            if opened is not None and opened < task.started_at and here and self._counts(report, self._clock.now):
                raise Violation(f"the gate let {arguments[1]} pass while {report.key} is open")

    # What people and events are told.

    def answered(self, task: Task) -> None:
        """Slack never gets a 5xx, but for the one while the signing secret was never read."""
        if task.error is None:
            must(task.answer["statusCode"] in (200, 503), f"a click was answered with {task.answer}")

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
        simulation = self._simulation
        if simulation.scheduler.running or simulation.on_the_way or not all(r.idle for r in simulation.readers):
            return "somebody is still at work"
        for key, truth in simulation.pipelines.truth.items():
            if truth.status is StageStatus.IN_PROGRESS and key.pipeline not in simulation.pipelines.gone:
                return f"{key} still runs"
            execution = self._store.executions.get(key)
            if execution is None:
                there = not truth.overtaken_by and key.pipeline not in simulation.pipelines.gone
                if truth.status is StageStatus.FAILED and there and self._heard(key):
                    return f"{key} failed and nobody knows"
                continue
            wrong = self._status(execution, truth) or self._card(execution)
            if wrong:
                return f"{key}: {wrong}"
        for burst_id in self._store.bursts:
            if wrong := self._burst(burst_id):
                return f"burst {burst_id}: {wrong}"
        for hint in self._store.hints.values():
            if hint.due_at < self._clock.now - timedelta(minutes=20):
                return f"{hint.key}: its hint waits"
        return ""

    def _status(self, execution: Execution, truth: StageTruth) -> str:
        status = execution.status
        gone = execution.key.pipeline in self._simulation.pipelines.gone
        if status is Status.DISMISSED:
            return ""  # a person's word stands
        if status.finished and not self._heard(execution.key):
            return ""
        if gone:
            return "" if status.finished else f"{status}, but its pipeline is gone"
        right = {
            StageStatus.FAILED: Status.NEEDS_HUMAN,
            StageStatus.STOPPED: Status.STOPPED,
            StageStatus.SUCCEEDED: Status.RECOVERED,
        }[truth.status]
        if truth.overtaken_by and (truth.status, status) != (StageStatus.STOPPED, Status.STOPPED):
            # What failed is superseded; what had passed or was stopped before that may stay as it ended.
            right = Status.RECOVERED if truth.status is StageStatus.SUCCEEDED else Status.SUPERSEDED
        if status is not right:
            return f"{status}, but CodePipeline shows {truth.status} {truth.overtaken_by}"
        return self._why_a_person(execution) if status is Status.NEEDS_HUMAN else ""

    def _why_a_person(self, execution: Execution) -> str:
        """Only what is unexplained, the team's own, too old, frozen, refused or spent waits for a person."""
        if execution.note or execution.attribution.verdict in (Verdict.OWN, Verdict.UNEXPLAINED):
            explained = self._could_be_explained(execution.actions, execution.failed_at)
            if execution.note or not explained:
                return ""
            return f"asks a person about {execution.actions}, which {explained} explains"
        return "asks a person and does not say why"

    def _could_be_explained(self, actions: tuple[FailedAction, ...], failed_at: datetime) -> str:
        """An issue that was open when it failed, and that the ledger heard of in time."""
        for key, turns in self._simulation.health.turns.items():
            report = self._simulation.health.reports[key]
            ended_at = self._ended_at(turns, failed_at)
            if not explains(report, actions) or not self._counts(report, ended_at):
                continue  # what was let go for its age explains nothing any more
            until = max(failed_at, min(ended_at, failed_at + self._policy.late_issue))
            if not self._open_at(turns, failed_at):
                continue
            heard = [at for at, is_open in self._ledger.get(key, ()) if is_open and failed_at <= at <= until]
            if heard or self._open_at(self._ledger.get(key, []), failed_at):
                return key
        return ""

    @staticmethod
    def _open_at(turns: Turns, at: datetime) -> bool:
        before = [is_open for turned_at, is_open in turns if turned_at <= at]
        return bool(before) and before[-1]

    @staticmethod
    def _ended_at(turns: Turns, at: datetime) -> datetime:
        return next((turned_at for turned_at, is_open in turns if not is_open and turned_at > at), at)

    def _card(self, execution: Execution) -> str:
        card = self._store.cards[execution.key]
        if card.undeliverable:
            return ""  # said so, and alarmed
        shown = self._simulation.chat.cards_of(execution.key)
        unexplained = execution.attribution.verdict in (Verdict.OWN, Verdict.UNEXPLAINED)
        if unexplained and not execution.tags.announce_unexplained and not card.ts:
            return "" if not shown else "a card that should be silent"
        if len(shown) != 1:
            gone = card.ts and not shown and card.rendered_version == execution.version
            return "" if gone else f"{len(shown)} cards"
        if shown[0] != (card.channel, card.ts):
            return "the card is somewhere else"
        newest = render(execution, self._policy)
        return "" if self._simulation.chat.messages[shown[0]] == newest else "the card is old"

    def _burst(self, burst_id: str) -> str:
        """One message that lists its members as they are."""
        burst, lines = self._store.bursts[burst_id], self._store.burst_lines(burst_id)
        if not lines or burst.undeliverable:
            return ""  # whoever opened it died before anybody joined; or it was alarmed
        for line in lines:
            if line != line_of(self._store.executions[ExecutionKey.parse(line.key)]):
                return f"its line of {line.key} is old"
        shown = self._simulation.chat.burst_cards_of(burst_id)
        if len(shown) != 1:
            gone = burst.ts and not shown and burst.rendered_version == burst.wanted_version
            return "" if gone else f"{len(shown)} cards"
        if shown[0] != (burst.channel, burst.ts):
            return "its card is somewhere else"
        newest = render_burst(burst, lines, self._policy)
        return "" if self._simulation.chat.messages[shown[0]] == newest else "its card is old"
