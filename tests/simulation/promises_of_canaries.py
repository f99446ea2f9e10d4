"""What is promised about an all-clear's first deploy: the rest is not let go before its turn has ended."""

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from bot import canary as canaries
from bot.model import ALLCLEAR, HEALTH_UNREADABLE, Canary, Execution, ExecutionKey, Issue, IssuePhase, Status
from bot.policy import Mode
from tests.simulation.scheduler import Task, must

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

T = TypeVar("T")
Past = list[tuple[datetime, T]]


class CanaryPromises:
    """Watches the all-clears of one simulation."""

    def __init__(self, simulation: "Simulation") -> None:
        self._policy = simulation.plan.policy
        self._tags = simulation.plan.tags
        self._clock = simulation.scheduler
        self._issues: defaultdict[str, Past[Issue]] = defaultdict(list)
        self._executions: defaultdict[ExecutionKey, Past[Execution]] = defaultdict(list)

    def saved(self, task: Task, execution: Execution) -> None:
        """Whoever lets go what an issue held finds that issue letting go, or has the canary in hand."""
        past = self._executions[execution.key]
        before = past[-1][1] if past else None
        past.append((self._clock.now, execution))
        held = before is not None and before.status is Status.BLOCKED and not before.waiting
        same = before is not None and before.action_execution_ids == execution.action_execution_ids
        if not (held and same and execution.status is Status.RESUMING and execution.trail[-1].by == ALLCLEAR):
            return
        left = {blocker.issue for blocker in execution.blockers}
        for blocker in before.blockers if before is not None else ():
            if blocker.issue not in left:
                issues = _in_force(self._issues[blocker.issue], task.started_at)
                free = any(self._lets_go(issue, execution.key) for issue in issues)
                must(free, f"{execution.key}: let go by {blocker.issue}, whose canary still has its turn")

    @staticmethod
    def _lets_go(issue: Issue, key: ExecutionKey) -> bool:
        first = issue.canary is not None and issue.canary.key == key and not issue.canary.held_by
        return issue.phase in (IssuePhase.DRAINING, IssuePhase.DONE) or (
            issue.phase is IssuePhase.CANARY and first
        )

    def saved_issue(self, task: Task, issue: Issue) -> None:
        """Its release of the rest begins when the canary's turn is over, or when it needs none."""
        past = self._issues[issue.key]
        before = past[-1][1] if past else None
        past.append((self._clock.now, issue))
        begins = issue.phase is IssuePhase.DRAINING and before is not None and before.phase is not issue.phase
        if not begins or before is None or issue.key == HEALTH_UNREADABLE:
            return
        must(before.phase is IssuePhase.CANARY, f"{issue.key}: let go, and no canary was looked for")
        if before.canary is None:
            self._needs_none(task, issue)
        else:
            turn = before.canary
            states = _in_force(self._executions[turn.key], task.started_at)
            over = not turn.held_by and any(self._over(turn, state, task) for state in states)
            must(over, f"{issue.key}: the rest is let go before the turn of {turn.key} has ended")

    def _over(self, turn: Canary, first: Execution, task: Task) -> bool:
        """Its end tells that the rest may follow, or its ten minutes are over."""
        if first.status in (Status.RESUMING, Status.RETRYING):
            return first.frozen or self._clock.now >= turn.until_at
        retried = first.retries > turn.retries
        failed = retried and first.status in (Status.BLOCKED, Status.NEEDS_HUMAN)
        return not (failed and any(self._is_open(each.issue, task) for each in first.blockers))

    def _is_open(self, key: str, task: Task) -> bool:
        """Throughout: whoever looked cannot have seen it closed."""
        states = _in_force(self._issues[key], task.started_at)
        return bool(states) and all(issue.open for issue in states)

    def _needs_none(self, task: Task, issue: Issue) -> None:
        """No more were held than may go together, or not each of them could have gone first."""
        looking = (IssuePhase.CANARY, IssuePhase.DRAINING)
        began_at = next(at for at, each in reversed(self._issues[issue.key]) if each.phase not in looking)
        held = []
        for past in self._executions.values():
            at, execution = past[-1]
            if at < min(began_at, task.started_at) and canaries.holds(issue, execution):
                held.append(execution)
        able = [execution for execution in held if self._can_go(issue, execution)]
        many = len(held) > canaries.WITHOUT and len(able) == len(held)
        must(not many, f"{issue.key}: {len(held)} are let go at once, and none goes first")

    def _can_go(self, issue: Issue, execution: Execution) -> bool:
        tags = self._tags.get(execution.key.pipeline)
        shadow = ((tags and tags.mode) or self._policy.mode) == Mode.SHADOW
        fresh = execution.held_at is None or self._clock.now - execution.held_at < self._policy.max_age
        alone = all(blocker.issue == issue.key for blocker in execution.blockers)
        budget = execution.automatic_retries < self._policy.max_automatic_retries
        return (
            alone and budget and fresh and not shadow and execution.tags.auto_retry and execution.gate_stops <= 1
        )


def _in_force(past: Past[T], since: datetime) -> list[T]:
    """How it stood at `since`, and every change after that."""
    first = max((place for place, (at, _) in enumerate(past) if at <= since), default=0)
    return [each for _, each in past[first:]]
