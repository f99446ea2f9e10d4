"""What a replay came to, by the record and the script. Of Allclear only its deeds are looked at: whom it held for
which issue and when, what it retried, what its gate let through.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model import Execution, ExecutionKey, Status
from bot.ports import StageStatus
from tests.replay.fleet import OWN, Deploy, Why
from tests.replay.record import MINUTE, Episode, Trouble
from tests.replay.replay import Replay

START_SLACK = 15 * MINUTE  # AWS states an impact's start to the quarter of an hour at best
RETRY_CLICKS = 1  # what a person would have done for each deploy: CodePipeline's Retry


@dataclass(slots=True)
class Score:
    """One episode's, or the sum of many."""

    episodes: int = 0
    issues: int = 0
    deploys: int = 0
    broken: int = 0  # by AWS: failed in a trouble's impact, or stopped by a gate
    early: int = 0  # of these, before AWS's notice
    claimed: int = 0  # of the broken ones, how many were held
    claimed_early: int = 0
    resumed: int = 0  # of the held ones, how many went on by themselves
    into_open: list[str] = field(default_factory=list)
    wrongly_blamed: list[str] = field(default_factory=list)
    left_held: list[str] = field(default_factory=list)  # everything is over, and it still waits
    unexpected: list[str] = field(default_factory=list)  # handlers that failed
    disguised: int = 0  # own failures that nothing tells apart
    disguised_held: int = 0
    retries: int = 0
    retries_failed: int = 0  # AWS was not well yet
    retries_in_vain: int = 0  # the deploy's own fault came to light
    delays: list[timedelta] = field(default_factory=list)  # from the close to the first retry after it
    waits: list[timedelta] = field(default_factory=list)  # from AWS's recovery to the close, for the same retries
    watched: timedelta = timedelta(0)  # how long one person would have watched a status page
    clicks: int = 0

    def add(self, other: "Score") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def faults(self) -> list[str]:
        return [*self.into_open, *self.wrongly_blamed, *self.left_held, *self.unexpected]


class Judge:
    """Looks at one replay that was played."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._episode: Episode = replay.episode
        self._deploys = {deploy.pipeline: deploy for deploy in replay.deploys}
        self._age = replay.installation.policy.issue_max_age
        self._by_arn = {trouble.arn: trouble for trouble in self._episode.troubles}

    def score(self) -> Score:
        score = Score(1, len(self._episode.troubles), len(self._deploys))
        score.unexpected = [f"{self._episode.name}: {what}" for what in self._replay.unexpected]
        self._holds(score)
        self._retries(score)
        self._gates(score)
        self._ends(score)
        return score

    def _say(self, pipeline: str, what: str) -> str:
        return f"{self._episode.name}: {pipeline} ({self._deploys[pipeline].why}) {what}"

    # Holding.

    def _holds(self, score: Score) -> None:
        held: set[ExecutionKey] = set()
        seen: dict[ExecutionKey, Execution] = {}
        for saved in self._replay.saved:
            execution, before = saved.execution, seen.get(saved.execution.key)
            seen[execution.key] = execution
            if execution.status is Status.BLOCKED:
                held.add(execution.key)
            known = {blocker.issue for blocker in before.blockers} if before else set()
            for blocker in execution.blockers:
                wrong = self._why_wrong(execution, blocker.issue) if blocker.issue not in known else ""
                if wrong:
                    what = f"held at {saved.at:%Y-%m-%d %H:%M} for {blocker.service}: {wrong}"
                    score.wrongly_blamed.append(self._say(execution.key.pipeline, what))
        for deploy in self._deploys.values():
            keys = [key for key in held if key.pipeline == deploy.pipeline]
            if deploy.why is Why.DISGUISED:
                score.disguised += 1
                score.disguised_held += bool(keys)
            if deploy.why is Why.AWS and self._was_broken(deploy):
                hurt_by = [each for each in self._concerning(deploy) if each.hurts_at(deploy.fails_at)]
                early = not deploy.gate and all(each.opened_at > deploy.fails_at for each in hurt_by)
                score.broken += 1
                score.early += early
                score.claimed += bool(keys)
                score.claimed_early += early and bool(keys)
                score.resumed += bool(keys) and self._went_on(deploy)

    def _was_broken(self, deploy: Deploy) -> bool:
        if deploy.gate:
            return any(self._stops_a_gate(trouble, deploy, deploy.fails_at) for trouble in self._episode.troubles)
        return True

    def _went_on(self, deploy: Deploy) -> bool:
        """Its newest commit passed, or came as far as the team's own fault."""
        truths = [t for key, t in self._replay.pipelines.truth.items() if key.pipeline == deploy.pipeline]
        causes = {self._replay.pipelines.causes.get(a.action_execution_id) for t in truths for a in t.failed}
        return any(t.status is StageStatus.SUCCEEDED and t.key.stage == "Deploy" for t in truths) or bool(
            causes & set(OWN)
        )

    def _concerning(self, deploy: Deploy) -> list[Trouble]:
        return [each for each in self._episode.troubles if each.concerns(deploy.region, deploy.way.stands_on)]

    def _why_wrong(self, execution: Execution, issue: str) -> str:
        """Why this issue has nothing to do with this failure; "" if it may have."""
        deploy, trouble = self._deploys[execution.key.pipeline], self._by_arn.get(issue)
        if trouble is None:
            return "no such issue"
        if execution.waiting or execution.stopped_by_gate:
            return "" if self._gate_looks_at(trouble, deploy) else "its gate does not look at that"
        causes = {self._replay.pipelines.causes[each] for each in execution.action_execution_ids}
        if causes & set(OWN):
            return "it was the team's own"
        if not trouble.concerns(deploy.region, deploy.way.stands_on) or trouble.harmless:
            return f"it runs on {', '.join(sorted(deploy.way.stands_on))} in {deploy.region}"
        began_at = trouble.began_at - START_SLACK
        if deploy.why is Why.BEFORE and execution.failed_at < began_at:
            return "it failed before that began"
        if trouble.closed_at is not None and execution.failed_at > trouble.closed_at + MINUTE:
            return "it failed after that was closed"
        return ""

    @staticmethod
    def _gate_looks_at(trouble: Trouble, deploy: Deploy) -> bool:
        here = trouble.region in ("global", deploy.region) and not trouble.harmless
        return here and (not deploy.gate_services or trouble.concerns(deploy.region, deploy.gate_services))

    def _stops_a_gate(self, trouble: Trouble, deploy: Deploy, at: datetime) -> bool:
        """Whether the gate of this deploy counts it, and it is open then."""
        return self._gate_looks_at(trouble, deploy) and trouble.open_at(at) and not self._too_old(trouble, at)

    def _too_old(self, trouble: Trouble, at: datetime) -> bool:
        return at - trouble.began_at > self._age

    # Resuming.

    def _in_the_way(self, deploy: Deploy, at: datetime) -> list[Trouble]:
        """The troubles that were open then, by the record, and concern this deploy."""
        return [
            trouble
            for trouble in self._concerning(deploy)
            if trouble.open_at(at) and not self._too_old(trouble, at) and not trouble.harmless
        ]

    def _retries(self, score: Score) -> None:
        for number, retried in enumerate(self._replay.retried):
            deploy = self._deploys[retried.key.pipeline]
            score.retries += 1
            for trouble in self._in_the_way(deploy, retried.decided_at) if retried.key.stage == "Deploy" else ():
                what = f"retried at {retried.at:%Y-%m-%d %H:%M} into {trouble.service}, which was open"
                score.into_open.append(self._say(deploy.pipeline, what))
            again = any(later.key == retried.key for later in self._replay.retried[number + 1 :])
            ended_at = retried.at + 2 * MINUTE
            hurt = deploy.why is Why.AWS and retried.key.stage == "Deploy"
            if hurt and self._replay.pipelines.hurt(deploy, ended_at):
                score.retries_failed += 1
            elif deploy.why is not Why.AWS or (deploy.then_own and not again):
                score.retries_in_vain += 1
        self._times(score)

    def _times(self, score: Score) -> None:
        """From the close of the last issue in the way to the first retry after it, or the gate's passing."""
        went_on: list[tuple[ExecutionKey, datetime]] = [(each.key, each.at) for each in self._replay.retried]
        went_on += [
            (e.key, e.at) for e in self._replay.let_through if self._deploys[e.key.pipeline].gate == "wait"
        ]
        counted: set[tuple[ExecutionKey, datetime]] = set()
        for key, at in sorted(went_on, key=lambda pair: pair[1]):
            deploy = self._deploys[key.pipeline]
            if deploy.why is not Why.AWS:
                continue
            over = [trouble for trouble in self._held_back_by(key, deploy) if trouble.opened_at <= at]
            closes = [trouble.closed_at for trouble in over if trouble.closed_at and trouble.closed_at <= at]
            if not closes or (key, max(closes)) in counted:
                continue
            counted.add((key, max(closes)))
            score.delays.append(at - max(closes))
            well_at = max(trouble.impact[-1][1] or at for trouble in over)
            score.waits.append(max(timedelta(0), max(closes) - well_at))
            score.clicks += RETRY_CLICKS

    def _held_back_by(self, key: ExecutionKey, deploy: Deploy) -> list[Trouble]:
        if key.stage == "Gate":
            return [t for t in self._episode.troubles if self._stops_a_gate(t, deploy, t.opened_at)]
        return self._concerning(deploy)

    def _gates(self, score: Score) -> None:
        for passed in self._replay.let_through:
            deploy = self._deploys[passed.key.pipeline]
            for trouble in self._episode.troubles:
                if self._stops_a_gate(trouble, deploy, passed.decided_at):
                    what = (
                        f"was let through its gate at {passed.at:%Y-%m-%d %H:%M} while {trouble.service} was open"
                    )
                    score.into_open.append(self._say(deploy.pipeline, what))

    # The end.

    def _ends(self, score: Score) -> None:
        now = self._replay.scheduler.now
        for execution in self._replay.store.executions.values():
            truth = self._replay.pipelines.truth[execution.key]
            waits = execution.status in (Status.BLOCKED, Status.RESUMING, Status.RETRYING)
            deploy = self._deploys[execution.key.pipeline]
            if waits and not self._in_the_way(deploy, now) and truth.status is not StageStatus.IN_PROGRESS:
                score.left_held.append(self._say(deploy.pipeline, f"is {execution.status} though all is over"))
        score.watched = sum((until - since for since, until in merged(self._watches())), timedelta(0))

    def _watches(self) -> Iterator[tuple[datetime, datetime]]:
        """One person watches from a failure to the close of all that broke it, for all deploys at once."""
        now = self._replay.scheduler.now
        for deploy in self._deploys.values():
            if deploy.why is not Why.AWS or not self._was_broken(deploy):
                continue
            over = self._held_back_by(self._first_key(deploy), deploy)
            until = max((trouble.closed_at or now for trouble in over), default=deploy.fails_at)
            if until > deploy.fails_at:
                yield deploy.fails_at, until

    def _first_key(self, deploy: Deploy) -> ExecutionKey:
        stage = "Gate" if deploy.gate else "Deploy"
        return ExecutionKey("", deploy.region, deploy.pipeline, "", stage)


def merged(spans: Iterator[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Overlapping spans as one."""
    whole: list[tuple[datetime, datetime]] = []
    for since, until in sorted(spans):
        if whole and since <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], until))
        else:
            whole.append((since, until))
    return whole
