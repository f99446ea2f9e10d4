"""Keep the one Slack card of an execution equal to its state: post it once, edit it ever after.

The card is a message of its own or a reply in a burst's thread (bot.bursts); it lives the same either way. How it
is posted, found again and edited is in bot.workflows.living_message.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from bot.card_ref import CardRef
from bot.cards.burst_card import render_asking
from bot.cards.card import render
from bot.errors import VersionConflict
from bot.model import Execution, ExecutionKey, Status, Verdict
from bot.policy import Policy
from bot.ports import Store
from bot.slack.port import Chat, Message
from bot.workflows.bursts import draw
from bot.workflows.inferring import seen, seen_again
from bot.workflows.living_message import ATTEMPTS, LivingMessage
from bot.workflows.placement import placed

logger = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(seconds=15)  # the burst card is not there yet; somebody is posting it
OTHERS_LOOKED_AT = 50


def show(
    key: ExecutionKey,
    store: Store,
    chat: Chat,
    policy: Policy,
    now: datetime,
    bursts: set[str] | None = None,
) -> bool:
    """Bring the execution's card up to the saved state. What Slack cannot do now gets a later clock.

    The burst that lists it is added to `bursts`: its card is to be drawn, once for all that changed together.
    False when Slack will never take this version of the card: somebody should be told.
    Raises VersionConflict only when others saved ATTEMPTS times in a row: the stream then delivers again.
    """
    for _ in range(ATTEMPTS):
        step = _Card(key, store, chat, policy, now)
        try:
            done = step.done()
        except VersionConflict:
            logger.info("the card of %s changed meanwhile; looking again", key)
            continue
        finally:  # a member whose state cannot be read back must not keep its burst from being drawn
            if bursts is not None and step.burst:
                bursts.add(step.burst)
        if done:
            return not step.refused
    raise VersionConflict(f"the card of {key} was changed by others {ATTEMPTS} times in a row")


class _Card(LivingMessage[CardRef]):
    """One consistent look at the card and the state, and the one step that follows from it."""

    def __init__(self, key: ExecutionKey, store: Store, chat: Chat, policy: Policy, now: datetime) -> None:
        super().__init__(f"the card of {key}", str(key), chat, now)
        self._key = key
        self._saves = store
        self._policy = policy
        self._asks = 0  # the entered_version of the state as it was looked at, if it asks a person
        self.burst = ""

    def done(self) -> bool:
        """Take the step. False: look again. Raises VersionConflict when the card changed under it."""
        # The card first: the state read after it is then at least the version the card wants.
        card = self._load()
        self.burst = card.burst if card is not None else ""
        execution = self._saves.load_execution(self._key)
        if card is None or execution is None:
            return True
        self._asks = execution.entered_version if execution.status is Status.NEEDS_HUMAN else 0
        if card.rendered_version >= execution.version:
            return self._rest(card, execution)
        if card.undeliverable and card.due_at is None:
            return True  # Slack refused this very version for good; the next one sets the clock and tries again
        alike = seen(self._saves, execution, self._policy, self._now)
        if not (card.ts or card.burst) and card.posting_at is None and _is_silent(execution):
            self._save(replace(card, rendered_version=execution.version, due_at=None))
            return True
        card = placed(self._saves, card, execution, self._policy, self._now, alike)
        self.burst = card.burst
        if card.ts:
            done = self._update(card, execution.version, self._message(card, execution))
            return done and not (self.shown and self._owes(card))
        if card.posting_at is not None:
            return self._look_for(card, card.posting_at, card.thread_ts)
        if card.joined:
            return self._reply(card, execution)
        # A card that is posted when a person is needed tells people so itself.
        tells = replace(card, thread_ts="", asked_version=max(card.asked_version, self._asks))
        return self._post(tells, execution.version, self._message(card, execution))

    def _rest(self, card: CardRef, execution: Execution) -> bool:
        """The card shows the state. One reply is owed if it was there before a person was needed.

        An incident may have been inferred since: then a burst that tells of it lists the card too.
        """
        alike = seen_again(self._saves, execution, self._policy, self._now)
        if alike and card.ts:
            card = placed(self._saves, card, execution, self._policy, self._now, alike)
            self.burst = card.burst
        if self._owes(card):
            reply = render_asking(execution, self._policy)
            return self._ask(card, reply, reply.metadata["event_payload"]["key"], self._asks)
        if card.due_at is not None:
            self._save(replace(card, due_at=None))
        return True

    def _reply(self, card: CardRef, execution: Execution) -> bool:
        """Post the card into its burst's thread, the burst's own card first."""
        burst = self._saves.load_burst(card.burst)
        if burst is not None and not burst.ts:
            draw(card.burst, self._saves, self._chat, self._policy, self._now)
            burst = self._saves.load_burst(card.burst)
        if burst is None:  # it has expired, or somebody removed it
            self._save(self._unplaced(card))
            return False
        if burst.ts:
            in_thread = replace(card, channel=burst.channel, thread_ts=burst.ts)
            return self._post(in_thread, execution.version, self._message(card, execution), burst.ts)
        self.refused = bool(burst.undeliverable)
        due_at = None if self.refused else self._now + AGAIN_AFTER
        refused = self._unplaced(card) if self.refused else card
        self._save(replace(refused, undeliverable=burst.undeliverable, due_at=due_at))
        return True

    def _message(self, card: CardRef, execution: Execution) -> Message:
        """The others that the same issues hold are looked up only where no burst's card lists them already."""
        others = () if card.burst else others_held(self._saves, execution)
        return render(execution, self._policy, others)

    def _load(self) -> CardRef | None:
        return self._saves.load_card(self._key)

    def _store(self, ref: CardRef) -> None:
        self._saves.save_card(ref)

    def _owes(self, ref: CardRef) -> bool:
        """What a burst lists is told of by the burst: forty deploys that need a person are one reply."""
        return bool(ref.ts) and not ref.burst and self._asks > ref.asked_version

    def _unplaced(self, ref: CardRef) -> CardRef:
        return replace(ref, channel="", joined=False, thread_ts="")  # a burst that lists it goes on listing it


def others_held(store: Store, execution: Execution) -> tuple[ExecutionKey, ...]:
    """Other deploys that the same issues hold now: of the oldest OTHERS_LOOKED_AT failures, for the card."""
    issues = {blocker.issue for blocker in execution.blockers}
    if not issues:
        return ()
    return tuple(
        other.key
        for other in store.unfinished("", OTHERS_LOOKED_AT).items
        if other.key != execution.key
        and other.hangs_since is None
        and issues & {blocker.issue for blocker in other.blockers}
    )


def _is_silent(execution: Execution) -> bool:
    """Tag allclear:unexplained = off: no card until an issue explains it."""
    unexplained = execution.attribution.verdict in (Verdict.UNEXPLAINED, Verdict.OWN)
    return unexplained and not execution.tags.announce_unexplained
