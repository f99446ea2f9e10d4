"""Keep the one Slack message of an execution equal to its state: post it once, edit it ever after.

The card reference is the only memory. Its `due_at` stays set until the message shows the newest version, so a card
left behind heals; saving it wakes nobody.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.cards import render
from bot.errors import OutcomeUnknown, SlackRefused, TryLater, VersionConflict
from bot.model import CardRef, Execution, ExecutionKey, Verdict
from bot.policy import Policy
from bot.ports import Chat, Store

logger = logging.getLogger(__name__)

ATTEMPTS = 8  # each round after the first means that somebody else saved in between
POSTING_LEASE = timedelta(seconds=60)
"""Longer than any call to Slack takes: who began to post before that is done or dead."""
LOOK_BACK = timedelta(minutes=1)  # Slack's clock against ours, when a lost post is looked for
UNKNOWN_AGAIN_AFTER = timedelta(seconds=15)
BACKOFF_FIRST = timedelta(seconds=15)
BACKOFF_MOST = timedelta(minutes=10)


def show(key: ExecutionKey, store: Store, chat: Chat, policy: Policy, now: datetime) -> bool:
    """Bring the execution's card up to the saved state. What Slack cannot do now gets a later clock.

    False when Slack will never take this version of the card: somebody should be told.
    Raises VersionConflict only when others saved ATTEMPTS times in a row: the stream then delivers again.
    """
    for _ in range(ATTEMPTS):
        step = _Round(key, store, chat, policy, now)
        try:
            if step.done():
                return not step.refused
        except VersionConflict:
            logger.info("the card of %s changed meanwhile; looking again", key)
    raise VersionConflict(f"the card of {key} was changed by others {ATTEMPTS} times in a row")


class _Round:
    """One consistent look at the card and the state, and the one step that follows from it."""

    def __init__(self, key: ExecutionKey, store: Store, chat: Chat, policy: Policy, now: datetime) -> None:
        self._key = key
        self._store = store
        self._chat = chat
        self._policy = policy
        self._now = now
        self.refused = False

    def done(self) -> bool:
        """Take the step. False: look again. Raises VersionConflict when the card changed under it."""
        # The card first: the state read after it is then at least the version the card wants.
        card = self._store.load_card(self._key)
        execution = self._store.load_execution(self._key)
        if card is None or execution is None:
            return True
        if card.rendered_version >= execution.version:
            if card.due_at is not None:
                self._save(replace(card, due_at=None))
            return True
        if card.undeliverable and card.due_at is None:
            return True  # Slack refused this very version for good; the next one sets the clock and tries again
        if card.ts:
            return self._update(card, execution)
        if card.posting_at is not None:
            return self._look_for(card, card.posting_at)
        if _is_silent(execution):
            self._save(replace(card, rendered_version=execution.version, due_at=None))
            return True
        return self._post(card, execution)

    def _post(self, card: CardRef, execution: Execution) -> bool:
        channel = card.channel or execution.tags.channel or self._policy.slack_channel
        lease_ends_at = self._now + POSTING_LEASE
        begun = self._save(replace(card, posting_at=self._now, channel=channel, due_at=lease_ends_at))
        try:
            answered_channel, ts = self._chat.post(channel, render(execution, self._policy))
        except OutcomeUnknown as error:
            logger.warning("a post for %s may or may not be there: %s", self._key, error)
            soon = self._now + UNKNOWN_AGAIN_AFTER
            self._record(begun, lambda fresh: replace(fresh, due_at=soon, failures=fresh.failures + 1))
            return True
        except TryLater as busy:
            self._put_off(replace(begun, posting_at=None), busy)
            return True
        except SlackRefused as refusal:
            self._refused(replace(begun, posting_at=None), refusal, execution.version)
            return True

        def posted(fresh: CardRef) -> CardRef:
            # Somebody may have found this very message and edited it since: what they drew is newer.
            shown = fresh.rendered_version if fresh.ts == ts else 0
            message = replace(fresh, channel=answered_channel, ts=ts)
            return _shown(message, max(shown, execution.version), self._now)

        self._record(begun, posted)
        return True

    def _look_for(self, card: CardRef, posting_at: datetime) -> bool:
        """A post was begun and nobody knows how it ended: look before posting again."""
        try:
            ts = self._chat.find(card.channel, str(self._key), posting_at - LOOK_BACK)
        except TryLater as busy:
            self._put_off(card, busy)
            return True
        except SlackRefused as refusal:
            self._refused(card, refusal, card.wanted_version)
            return True
        lease_ends_at = posting_at + POSTING_LEASE
        if ts is not None:
            self._save(replace(card, ts=ts, posting_at=None))  # which version it shows is not known: edit it
        elif self._now < lease_ends_at:
            self._save(replace(card, due_at=lease_ends_at))
            return True
        else:
            self._save(replace(card, posting_at=None))
        return False

    def _update(self, card: CardRef, execution: Execution) -> bool:
        try:
            self._chat.update(card.channel, card.ts, render(execution, self._policy))
        except TryLater as busy:
            self._put_off(card, busy)
            return True
        except SlackRefused as refusal:
            if refusal.error != "message_not_found":
                self._refused(card, refusal, execution.version)
                return True
            self._save(replace(card, ts="", posting_at=None))  # somebody deleted it; the news is still owed
            return False
        crossed = False

        def updated(fresh: CardRef) -> CardRef:
            nonlocal crossed
            crossed = (fresh.ts, fresh.rendered_version) != (card.ts, card.rendered_version)
            if crossed:  # two edits at once, and nobody knows whose came last: draw it once more
                return replace(fresh, rendered_version=0, due_at=self._now)
            return _shown(fresh, execution.version, self._now)

        self._record(card, updated)
        return not crossed

    def _put_off(self, card: CardRef, busy: TryLater) -> None:
        """Slack's own wish, else 15 seconds doubling up to ten minutes."""
        backoff: timedelta = min(BACKOFF_MOST, BACKOFF_FIRST * (1 << min(card.failures, 10)))
        due_at = self._now + (busy.after or backoff)

        def later(fresh: CardRef) -> CardRef:
            return replace(fresh, posting_at=card.posting_at, failures=fresh.failures + 1, due_at=due_at)

        self._record(card, later)

    def _refused(self, card: CardRef, refusal: SlackRefused, version: int) -> None:
        """Final for this version of the state; a newer one tries again."""
        self.refused = True
        logger.error("Slack will not take the card of %s: %s", self._key, refusal.error)

        def undeliverable(fresh: CardRef) -> CardRef:
            newer_is_wanted = fresh.wanted_version > version
            return replace(
                fresh,
                undeliverable=refusal.error,
                posting_at=card.posting_at,
                channel=fresh.channel if fresh.ts or card.posting_at else "",  # the next try may go elsewhere
                failures=fresh.failures + 1,
                due_at=(fresh.due_at or self._now) if newer_is_wanted else None,
            )

        self._record(card, undeliverable)

    def _save(self, card: CardRef) -> CardRef:
        saved = replace(card, revision=card.revision + 1)
        self._store.save_card(saved)
        return saved

    def _record(self, card: CardRef, change: Callable[[CardRef], CardRef]) -> None:
        """Save what Slack answered, whoever else saved meanwhile: an answer that is lost is a second message."""
        for _ in range(ATTEMPTS):
            try:
                self._save(change(card))
            except VersionConflict:
                card = self._store.load_card(self._key) or card
            else:
                return
        raise VersionConflict(f"what Slack answered about {self._key} could not be saved")


def _is_silent(execution: Execution) -> bool:
    """Tag allclear:unexplained = off: no card until an issue explains it."""
    unexplained = execution.attribution.verdict in (Verdict.UNEXPLAINED, Verdict.OWN)
    return unexplained and not execution.tags.announce_unexplained


def _shown(card: CardRef, version: int, now: datetime) -> CardRef:
    """The message shows `version`; the clock runs on only if a newer one is wanted."""
    due_at = None if version >= card.wanted_version else card.due_at or now
    return replace(card, rendered_version=version, posting_at=None, undeliverable="", failures=0, due_at=due_at)
