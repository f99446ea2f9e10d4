"""Keep a burst's one message equal to the list of its members, edited at most once a second.

Whoever draws holds a lease on the burst and looks again afterwards; whoever finds the lease taken leaves the
drawing to its holder. The burst's clock runs until the message shows everything, so that a drawer who dies is
followed by another.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.bursts import Burst, InferredShown, IssueShown
from bot.cards import burst_text, inferred_text
from bot.cards.burst_card import burst_asking_key, render_burst, render_burst_asking
from bot.errors import ParseError, TryLater, VersionConflict
from bot.model import ExecutionKey, Issue
from bot.policy import Policy
from bot.ports import Store
from bot.slack.port import Chat
from bot.workflows.inferring import incidents
from bot.workflows.living_message import BACKOFF_FIRST, BACKOFF_MOST, POSTING_LEASE, LivingMessage
from bot.workflows.placement import adopt

logger = logging.getLogger(__name__)

ROUNDS = 12  # looks at one burst: a few drawings, each followed by another look
BETWEEN_DRAWINGS = timedelta(seconds=1)
MORE_WITHIN = timedelta(seconds=20)  # what needs a person all at once is told of together, at the next look
WAITS_AT_MOST = timedelta(seconds=2)  # in all; then the clock brings the burst back


def draw(
    burst_id: str,
    store: Store,
    chat: Chat,
    policy: Policy,
    now: datetime,
    pause: Callable[[float], None] | None = None,
) -> bool:
    """Bring the burst's card up to its members. What cannot be done now has a clock.

    With `pause` (seconds) it waits out the second that must lie between two drawings; without, that is left to the
    clock, and so is everything while the table is busy. False when Slack will never take this version of the card:
    somebody should be told.
    """
    waited = timedelta(0)
    for _ in range(ROUNDS):
        step = _BurstCard(burst_id, store, chat, policy, now + waited)
        try:
            done = step.done()
        except VersionConflict:
            continue
        except TryLater as busy:
            logger.info("burst %s: later (%s)", burst_id, busy)
            return True
        if done:
            return not step.refused
        if step.wait:
            if pause is None or waited + step.wait > WAITS_AT_MOST:
                return True
            pause(step.wait.total_seconds())
            waited += step.wait
    logger.info("burst %s changes faster than it may be drawn; its clock brings it back", burst_id)
    return True


class _BurstCard(LivingMessage[Burst]):
    """One look at the burst, and the one step that follows from it."""

    def __init__(self, burst_id: str, store: Store, chat: Chat, policy: Policy, now: datetime) -> None:
        super().__init__(f"the card of burst {burst_id}", burst_id, chat, now)
        self._burst_id = burst_id
        self._saves = store
        self._policy = policy
        self._asking = 0
        self._told: tuple[IssueShown, ...] = ()  # of the issues that hold members, as the card says it
        self._inferred: dict[str, InferredShown] = {}  # the same of inferred incidents
        self.wait = timedelta(0)  # until it may be drawn again

    def done(self) -> bool:
        """Take the step. False: look again, after `wait`. Raises VersionConflict when others changed it."""
        burst = self._load()
        if burst is None:
            return True
        if burst.adopts:
            for key in burst.adopts:
                try:
                    adopt(self._saves, self._burst_id, ExecutionKey.parse(key), self._now)
                except ParseError:
                    logger.exception("%s cannot be read back and is not listed", key)
            fresh = self._load()
            self._save(replace(fresh or burst, adopts=()))
            return False
        self._asking, self._told = burst.asks, burst.issues
        if burst.drawing_until_at is not None and self._now < burst.drawing_until_at:
            return True  # whoever draws looks again afterwards
        if burst.rendered_version >= burst.wanted_version:
            return self._rest(burst)
        if burst.undeliverable and burst.due_at is None:
            return True
        if burst.drawn_at is not None and self._now < burst.drawn_at + _pause_after(burst):
            self.wait = burst.drawn_at + _pause_after(burst) - self._now
            return False
        if not burst.ts and burst.posting_at is not None:
            return self._look_for(burst, burst.posting_at)
        leased = replace(burst, drawn_at=self._now, drawing_until_at=self._now + POSTING_LEASE)
        if burst.ts:
            leased = self._save(replace(leased, due_at=leased.drawing_until_at))
        # The lines are read after the burst: they are then at least what it wants shown.
        lines = self._saves.burst_lines(self._burst_id)
        self._asking = sum(line.asks for line in lines)
        issues = self._issues(burst_text.holding(lines)[: burst_text.ISSUES_SHOWN])
        self._told = self._as_told(issues)
        inferred = incidents(self._saves, (shown.incident for shown in burst.inferred))
        self._inferred = {each.incident_id: inferred_text.shown(each) for each in inferred}
        message = render_burst(leased, lines, self._policy, issues, inferred)
        if burst.ts:
            return self._update(leased, burst.wanted_version, message) and not self.shown
        if self._asking:  # the card that is posted now tells people itself
            leased = replace(leased, asked_version=1)
        return self._post(leased, burst.wanted_version, message) and not self.shown

    def _rest(self, burst: Burst) -> bool:
        """The card shows its members. One reply is owed when the first that were held need a person.

        No member changes as an issue is closed, settles or fails its canary: the burst's own clock looks.
        """
        inferred = incidents(
            self._saves, (shown.incident for shown in burst.inferred)
        )  # a quiet one may be adopted
        self._inferred = {each.incident_id: inferred_text.shown(each) for each in inferred}
        stands = self._as_told(self._issues([shown.issue for shown in burst.issues]))
        if burst.issues != stands or burst.inferred != self._with_inferred(burst):
            self._save(replace(burst, wanted_version=burst.wanted_version + 1, due_at=self._now))
            return False
        if self._asks(burst) and burst.asks_at is not None and self._now >= burst.asks_at + MORE_WITHIN:
            reply = render_burst_asking(burst, burst.asks, self._policy)
            return self._ask(burst, reply, burst_asking_key(self._burst_id), 1)
        if burst.due_at is not None and not self._owes(burst):
            self._save(replace(burst, due_at=None))
        return True

    def _issues(self, keys: Iterable[str]) -> list[Issue]:
        """As the ledger has them; one that is gone or cannot be read back is not spoken of."""
        issues = []
        for key in keys:
            try:
                issue = self._saves.load_issue(key)
            except ParseError:
                logger.exception("%s cannot be read back and is passed over", key)
                continue
            issues += [issue] if issue is not None else []
        return issues

    def _as_told(self, issues: Iterable[Issue]) -> tuple[IssueShown, ...]:
        return tuple(IssueShown(issue.key, burst_text.issue_stands(issue, self._policy)) for issue in issues)

    def _load(self) -> Burst | None:
        return self._saves.load_burst(self._burst_id)

    def _store(self, ref: Burst) -> None:
        self._saves.save_burst(ref)

    def _settled(self, ref: Burst) -> Burst:
        asks_at = (ref.asks_at or self._now) if self._asking else None
        told = replace(ref, issues=self._told, inferred=self._with_inferred(ref))
        return replace(told, drawing_until_at=None, asks=self._asking, asks_at=asks_at)

    def _with_inferred(self, ref: Burst) -> tuple[InferredShown, ...]:
        """As it was looked at; one that came to be told of since, or is known no more, stays as it stands."""
        return tuple(self._inferred.get(shown.incident, shown) for shown in ref.inferred)

    def _asks(self, ref: Burst) -> bool:
        return bool(ref.ts) and ref.asks_at is not None and not ref.asked_version

    def _owes(self, ref: Burst) -> bool:
        tells = bool(ref.issues) or any(shown.live for shown in ref.inferred)
        return self._asks(ref) or tells or (ref.retry_all is not None and not ref.retry_all.done)


def _pause_after(burst: Burst) -> timedelta:
    """Every change of a member sets the clock to now; a busy Slack must not be asked each time."""
    if not burst.failures:
        return BETWEEN_DRAWINGS
    backoff: timedelta = min(BACKOFF_MOST, BACKOFF_FIRST * (1 << min(burst.failures - 1, 10)))
    return backoff


def wake(store: Store, burst_id: str, now: datetime) -> None:
    """Make the stream bring the burst back to notify: touch one member, an unfinished one if there is one."""
    lines = sorted(store.burst_lines(burst_id), key=lambda line: (line.status.finished, line.key))
    if lines:
        store.wake_execution(ExecutionKey.parse(lines[0].key), now)
