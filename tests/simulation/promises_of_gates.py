"""What is promised about health gates: none passes what it counts, each job has an answer, no wait goes on."""

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.model import ExecutionKey, IssuePhase, IssueReport
from bot.workflows import waiting_gate
from tests.builders import REGION
from tests.simulation.incidents import OTHER_ACCOUNT
from tests.simulation.promises_of_people import PeoplePromises
from tests.simulation.scheduler import Task, must
from tests.simulation.weather import also

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

INVOKED_WITHIN = timedelta(minutes=5)  # a first invocation that dies comes again after one minute, and after two


class GatePromises:
    """Watches the gates of one simulation."""

    def __init__(self, simulation: "Simulation", people: PeoplePromises) -> None:
        self._simulation = simulation
        self._policy = simulation.plan.policy
        self._clock = simulation.scheduler
        self._people = people
        self.passed: Counter[str] = Counter()  # how the gates passed, for whoever doubts that they do
        self._began: dict[tuple[ExecutionKey, int], datetime] = {}  # the waits, by whose and which attempt
        pipelines = simulation.ports["pipelines"]
        also(pipelines.before, "pass_job", self._about_to_pass)
        also(pipelines.before, "keep_job", self._about_to_keep)
        for method in ("pass_job", "fail_job", "keep_job"):
            also(pipelines.after, method, _taken)
        also(simulation.ports["store"].after, "save_hold", self._held)

    def _about_to_pass(self, task: Task, arguments: tuple[Any, ...], _fault: object) -> None:
        """The gate opens only if nothing that it counts was open when it began, or somebody overrode it there."""
        job = self._simulation.pipelines.gates.jobs[arguments[1]]
        if not {"health", "ledger"} <= set(task.facts):
            return  # AWS Health or the table could not be read: the setting decides
        since = task.started_at
        overridden = self._people.overridden(job.key, since)
        self.passed["overridden" if overridden else "waited" if job.token else "at once"] += 1
        if overridden:
            return
        for report in self._simulation.health.reports.values():
            opened = self._simulation.health.open_since(report.key)
            counts = self._counts(report) and not self._people.ignored(report.key, since)
            is_open = opened is not None and opened < since
            must(not (counts and is_open), f"the gate let {job.key} pass while {report.key} is open")
            if counts and job.token:
                settles = self._settles(report.key, since)
                must(not settles, f"the gate let {job.key} pass while {report.key} settles")

    def _counts(self, report: IssueReport) -> bool:
        here = report.region in ("global", REGION) and report.account != OTHER_ACCOUNT
        return here and self._clock.now - report.start_at <= self._policy.issue_max_age

    def _settles(self, key: str, since: datetime) -> bool:
        """The ledger had it settling before the gate began, and it still is."""
        issue = self._simulation.store.issues.get(key)
        if issue is None or issue.phase is not IssuePhase.SETTLING:
            return False
        closed_at, settled_at = issue.closed_at, issue.settled_at
        known = closed_at is not None and closed_at < since
        return known and settled_at is not None and self._clock.now < settled_at

    def _about_to_keep(self, task: Task, arguments: tuple[Any, ...], _fault: object) -> None:
        """The wait ends itself, well before CodePipeline would; the gate counts from when it was first invoked."""
        job = task.facts["kept"] = self._simulation.pipelines.gates.jobs[arguments[1]]
        waited = task.started_at - job.since_at
        must(
            waited < waiting_gate.LONGEST + INVOKED_WITHIN,
            f"{job.key}: the gate has waited for {waited}, and waits on",
        )

    def _held(self, task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        """However many jobs it takes, it is one wait."""
        hold, job = arguments[0], task.facts.get("kept")
        if job is not None:
            began_at = self._began.setdefault((job.key, job.attempt), hold.since_at)
            must(hold.since_at == began_at, f"{job.key}: a second wait in one attempt")

    def ended(self, task: Task, job_id: str) -> None:
        """Whoever was invoked with a job and did not fail has answered it."""
        gates, job = self._simulation.pipelines, self._simulation.pipelines.gates.jobs[job_id]
        if task.error is None:
            must(job.answered or not gates.runs(job.key, job.attempt), f"{job_id} of {job.key} was not answered")


def _taken(task: Task, arguments: tuple[Any, ...], answer: bool) -> None:
    """An answer that CodePipeline took is the only one."""
    if answer:
        must("took" not in task.facts, f"{arguments[1]} was answered twice")
        task.facts["took"] = True
