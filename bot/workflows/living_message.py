"""One Slack message that follows a record: posted once, edited ever after, with a reply when people are asked.

The record is the only memory. Its `due_at` stays set until the message shows the newest version and whatever else
it owes is done, so what is left behind heals. A post is written down before it is made; one of unknown outcome is
looked for by its metadata before another is made.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.bursts import Burst
from bot.card_ref import CardRef
from bot.errors import OutcomeUnknown, SlackRefused, TryLater, VersionConflict
from bot.slack.port import Chat, Message

logger = logging.getLogger(__name__)

Ref = TypeVar("Ref", CardRef, Burst)

ATTEMPTS = 8  # each round after the first means that somebody else saved in between
POSTING_LEASE = timedelta(seconds=60)
"""Longer than any call to Slack takes: who began to post before that is done or dead."""
LOOK_BACK = timedelta(minutes=1)  # Slack's clock against ours, when a lost post is looked for
UNKNOWN_AGAIN_AFTER = timedelta(seconds=15)
THREAD_GONE = "thread_not_found"  # somebody deleted its parent, and it had no replies
BACKOFF_FIRST = timedelta(seconds=15)
BACKOFF_MOST = timedelta(minutes=10)


class LivingMessage(Generic[Ref]):
    """The steps; who decides which comes next says what the message is and where its record is kept.

    A step answers True when all is done that can be done now, False: look again. It raises VersionConflict when
    the record changed under it.
    """

    def __init__(self, name: str, metadata_key: str, chat: Chat, now: datetime) -> None:
        self._name = name
        self._metadata_key = metadata_key
        self._chat = chat
        self._now = now
        self.refused = False  # Slack will never take this version: somebody should be told
        self.shown = False  # the message was posted or edited

    def _load(self) -> Ref | None:
        raise NotImplementedError

    def _store(self, ref: Ref) -> None:
        """Save it if `ref.revision` is one more than the stored one, else VersionConflict."""
        raise NotImplementedError

    def _owes(self, ref: Ref) -> bool:
        """Whether its clock must run on although the message shows the newest version."""
        raise NotImplementedError

    def _settled(self, ref: Ref) -> Ref:
        """Slack has answered: whatever was written down for the time of the call is over."""
        return ref

    def _unplaced(self, ref: Ref) -> Ref:
        """Slack would not have it and nothing is there: the next version may go elsewhere."""
        return ref

    def _post(self, ref: Ref, version: int, message: Message, thread_ts: str = "") -> bool:
        lease_ends_at = self._now + POSTING_LEASE
        begun = self._save(replace(ref, posting_at=self._now, due_at=lease_ends_at))
        try:
            answered_channel, ts = self._chat.post(begun.channel, message, thread_ts=thread_ts)
        except OutcomeUnknown as error:
            logger.warning("a post of %s may or may not be there: %s", self._name, error)
            soon = self._now + UNKNOWN_AGAIN_AFTER
            self._record(
                begun, lambda fresh: replace(self._settled(fresh), due_at=soon, failures=fresh.failures + 1)
            )
            return True
        except TryLater as busy:
            self._put_off(replace(begun, posting_at=None), busy)
            return True
        except SlackRefused as refusal:
            self._refused(replace(begun, posting_at=None), refusal, version)
            return True

        def posted(fresh: Ref) -> Ref:
            # Somebody may have found this very message and edited it since: what they drew is newer.
            shown = fresh.rendered_version if fresh.ts == ts else 0
            return self._shows(replace(fresh, channel=answered_channel, ts=ts), max(shown, version))

        self._record(begun, posted)
        self.shown = True
        return True

    def _look_for(self, ref: Ref, posting_at: datetime, thread_ts: str = "") -> bool:
        """A post was begun and nobody knows how it ended: look before posting again."""
        try:
            ts = self._chat.find(ref.channel, self._metadata_key, posting_at - LOOK_BACK, thread_ts=thread_ts)
        except TryLater as busy:
            self._put_off(ref, busy)
            return True
        except SlackRefused as refusal:
            if not (thread_ts and refusal.error == THREAD_GONE):
                self._refused(ref, refusal, ref.wanted_version)
                return True
            ts = None
        lease_ends_at = posting_at + POSTING_LEASE
        if ts is not None:
            self._save(replace(ref, ts=ts, posting_at=None))  # which version it shows is not known: edit it
        elif self._now < lease_ends_at:
            self._save(replace(ref, due_at=lease_ends_at))
            return True
        else:
            self._save(replace(ref, posting_at=None))
        return False

    def _update(self, ref: Ref, version: int, message: Message) -> bool:
        try:
            self._chat.update(ref.channel, ref.ts, message)
        except TryLater as busy:
            self._put_off(ref, busy)
            return True
        except SlackRefused as refusal:
            if refusal.error != "message_not_found":
                self._refused(ref, refusal, version)
                return True
            # Somebody deleted it; the news is still owed.
            self._record(ref, lambda fresh: replace(self._settled(fresh), ts="", posting_at=None))
            return False
        crossed = False

        def updated(fresh: Ref) -> Ref:
            nonlocal crossed
            crossed = (fresh.ts, fresh.rendered_version) != (ref.ts, ref.rendered_version)
            if crossed:  # two edits at once, and nobody knows whose came last: draw it once more
                return replace(self._settled(fresh), rendered_version=0, due_at=self._now)
            return self._shows(fresh, version)

        self._record(ref, updated)
        self.shown = True
        return not crossed

    def _ask(self, ref: Ref, message: Message, metadata_key: str, asked_version: int) -> bool:
        """One reply in the message's thread, shown in the channel too: a person is needed."""
        if ref.asking_at is not None:
            return self._look_for_reply(ref, ref.asking_at, metadata_key, asked_version)
        begun = self._save(replace(ref, asking_at=self._now, due_at=self._now + POSTING_LEASE))
        try:
            self._chat.post(begun.channel, message, thread_ts=begun.ts, broadcast=True)
        except OutcomeUnknown as error:
            logger.warning("the reply to %s may or may not be there: %s", self._name, error)
            self._record(begun, lambda fresh: replace(fresh, due_at=self._now + UNKNOWN_AGAIN_AFTER))
            return True
        except TryLater as busy:
            self._put_off(replace(begun, asking_at=None), busy)
            return True
        except SlackRefused as refusal:
            self._told_in_vain(refusal)
        self._record(begun, lambda fresh: self._asked(fresh, asked_version))
        return True

    def _look_for_reply(self, ref: Ref, asking_at: datetime, metadata_key: str, asked_version: int) -> bool:
        try:
            ts = self._chat.find(ref.channel, metadata_key, asking_at - LOOK_BACK, thread_ts=ref.ts)
        except TryLater as busy:
            self._put_off(ref, busy)
            return True
        except SlackRefused as refusal:
            self._told_in_vain(refusal)
            ts = "unknown"
        if ts is not None:
            self._save(self._asked(ref, asked_version))
            return True
        lease_ends_at = asking_at + POSTING_LEASE
        if self._now < lease_ends_at:
            self._save(replace(ref, due_at=lease_ends_at))
            return True
        self._save(replace(ref, asking_at=None))
        return False

    def _told_in_vain(self, refusal: SlackRefused) -> None:
        """The end of this reply: the message itself says it as well. But somebody should know."""
        self.refused = True
        logger.error("Slack will not take a reply to %s: %s", self._name, refusal.error)

    def _asked(self, ref: Ref, asked_version: int) -> Ref:
        asked = replace(ref, asked_version=max(asked_version, ref.asked_version), asking_at=None)
        return self._clocked(asked)

    def _put_off(self, ref: Ref, busy: TryLater) -> None:
        """Slack's own wish, else 15 seconds doubling up to ten minutes."""
        backoff: timedelta = min(BACKOFF_MOST, BACKOFF_FIRST * (1 << min(ref.failures, 10)))
        due_at = self._now + (busy.after or backoff)

        def later(fresh: Ref) -> Ref:
            begun = replace(self._settled(fresh), posting_at=ref.posting_at, asking_at=ref.asking_at)
            return replace(begun, failures=fresh.failures + 1, due_at=due_at)

        self._record(ref, later)

    def _refused(self, ref: Ref, refusal: SlackRefused, version: int) -> None:
        """Final for this version of the state; a newer one tries again."""
        self.refused = True
        logger.error("Slack will not take %s: %s", self._name, refusal.error)

        def undeliverable(fresh: Ref) -> Ref:
            newer_is_wanted = fresh.wanted_version > version
            nowhere = not fresh.ts and ref.posting_at is None
            return replace(
                self._unplaced(self._settled(fresh)) if nowhere else self._settled(fresh),
                undeliverable=refusal.error,
                posting_at=ref.posting_at,
                failures=fresh.failures + 1,
                due_at=(fresh.due_at or self._now) if newer_is_wanted else None,
            )

        self._record(ref, undeliverable)

    def _shows(self, ref: Ref, version: int) -> Ref:
        shown = replace(
            self._settled(ref), rendered_version=version, posting_at=None, undeliverable="", failures=0
        )
        return self._clocked(shown)

    def _clocked(self, ref: Ref) -> Ref:
        """The clock runs on only if a newer version is wanted or something else is owed."""
        if ref.rendered_version >= ref.wanted_version and not self._owes(ref):
            return replace(ref, due_at=None)
        return replace(ref, due_at=min(ref.due_at, self._now) if ref.due_at is not None else self._now)

    def _save(self, ref: Ref) -> Ref:
        saved = replace(ref, revision=ref.revision + 1)
        self._store(saved)
        return saved

    def _record(self, ref: Ref, change: Callable[[Ref], Ref]) -> None:
        """Save what Slack answered, whoever else saved meanwhile: an answer that is lost is a second message."""
        for _ in range(ATTEMPTS):
            try:
                self._save(change(ref))
            except VersionConflict:
                ref = self._load() or ref
            else:
                return
        raise VersionConflict(f"what Slack answered about {self._name} could not be saved")
