"""How all must stand once everything answers again: true statuses, cards that show them, nothing that waits."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.bursts import line_of
from bot.cards import burst_text
from bot.cards.burst_card import render_burst
from bot.cards.card import render
from bot.cards.fields import of_one_stage
from bot.inferred import region_of
from bot.model import Execution, ExecutionKey, FailedAction, Status, Verdict
from bot.ports import StageStatus, StageTruth
from tests.simulation.incidents import explains

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

Turns = list[tuple[datetime, bool]]  # (at, open)


class Ending:
    """One look at the whole simulation. `ledger` has what the table said of each issue, and when."""

    def __init__(
        self, simulation: "Simulation", ledger: dict[str, Turns], heard: Callable[[ExecutionKey], bool]
    ) -> None:
        self._simulation = simulation
        self._policy = simulation.plan.policy
        self._store = simulation.store
        self._clock = simulation.scheduler
        self._ledger = ledger
        self._heard = heard

    def still_open(self) -> str:
        """What is not well yet; "" when everything is as it must be in the end."""
        simulation = self._simulation
        if simulation.scheduler.running or simulation.on_the_way or not all(r.idle for r in simulation.readers):
            return "somebody is still at work"
        for key, truth in simulation.pipelines.truth.items():
            if simulation.pipelines.goes_on(key) and key.pipeline not in simulation.pipelines.gone:
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
        for record in self._store.regions.values():
            if record.due_at is not None and record.due_at < self._clock.now - timedelta(minutes=20):
                return f"what was inferred in {record.region} waits"
        if self._store.holds:
            return f"{next(iter(self._store.holds))}: the hold of a gate that waits no more"
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
            if not explains(report, actions) or not ended_at - report.start_at <= self._policy.issue_max_age:
                continue  # what was let go for its age explains nothing any more
            until = max(failed_at, min(ended_at, failed_at + self._policy.late_issue))
            if not self._open_at(turns, failed_at):
                continue
            heard = [at for at, is_open in self._ledger.get(key, ()) if is_open and failed_at <= at <= until]
            if self._simulation.promises.people.ignored(key, failed_at):
                continue
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
        # Beside another execution of its stage, as it was drawn last, it names its own.
        twins = [key for key in self._store.executions if of_one_stage(key, execution.key)]
        newest = [render(execution, self._policy, others) for others in ((), twins[:1])]
        return "" if self._simulation.chat.messages[shown[0]] in newest else "the card is old"

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
        holding = burst_text.holding(lines)[: burst_text.ISSUES_SHOWN]
        issues = [self._store.issues[key] for key in holding if key in self._store.issues]
        alike = [self._store.regions[region_of(told.incident)].incident(told.incident) for told in burst.inferred]
        newest = render_burst(burst, lines, self._policy, issues, [each for each in alike if each is not None])
        return "" if self._simulation.chat.messages[shown[0]] == newest else "its card is old"
