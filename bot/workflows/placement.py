"""Give an execution's card its place, once, before its first post; and keep the burst that lists it informed."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.bursts import Burst, ChannelRecord, InferredShown, line_of, note, place
from bot.card_ref import CardRef
from bot.errors import ParseError, VersionConflict
from bot.inferred import region_of
from bot.model import HEALTH_UNREADABLE, Execution, ExecutionKey
from bot.policy import Policy
from bot.ports import Store

logger = logging.getLogger(__name__)

ATTEMPTS = 8  # each one after the first means that another card was placed in between
INFERRED_SHOWN = 3  # inferred incidents on one burst's card, the newest
LOOKED_AT = 25  # what a channel newly hears of an issue is learnt from so many of the cards it holds


def placed(
    store: Store, card: CardRef, execution: Execution, policy: Policy, now: datetime, alike: str = ""
) -> CardRef:
    """The card with its place, saved, and its burst's list up to this state. Raises VersionConflict.

    `alike` is the inferred incident that lists the execution: a burst in the card's channel tells of it.
    """
    if not card.channel:
        channel = execution.tags.channel or policy.slack_channel
        burst = _place(store, channel, execution, now, alike)
        # Slack refused it before, or another notifier has opened a burst that lists it as one of its own: a list
        # that has it keeps it, or would show for ever how it stood when it left.
        listed = store.load_burst(card.burst) if card.burst else None
        stays = card.burst if listed is not None and listed.channel == channel else burst
        card = _saved(store, replace(card, channel=channel, burst=stays, joined=bool(burst)))
    elif alike and not card.burst:  # its message was there before the incident was seen
        card = _saved(store, replace(card, burst=_place(store, card.channel, execution, now, alike)))
    elif execution.blockers or alike:
        burst = _note(store, card, execution, now, alike)
        if burst != card.burst:
            card = _saved(store, replace(card, burst=burst))
    if card.burst:
        store.save_line(card.burst, line_of(execution), now)
    if card.burst and alike:
        _tell(store, card.burst, alike, now)
    return card


def _tell(store: Store, burst_id: str, incident: str, now: datetime) -> None:
    """Have the burst's card tell of the inferred incident."""
    burst = store.load_burst(burst_id)
    if burst is None or any(shown.incident == incident for shown in burst.inferred):
        return
    shown = (*burst.inferred, InferredShown(incident))[-INFERRED_SHOWN:]
    told = replace(burst, inferred=shown, wanted_version=burst.wanted_version + 1, due_at=now)
    store.save_burst(replace(told, revision=burst.revision + 1))


def adopt(store: Store, burst_id: str, key: ExecutionKey, now: datetime) -> None:
    """List a card that was there before the burst; it keeps its own message. Raises VersionConflict."""
    card, execution = store.load_card(key), store.load_execution(key)
    if card is None or execution is None or card.burst not in ("", burst_id):
        return
    if not card.burst:
        _saved(store, replace(card, burst=burst_id))
    store.save_line(burst_id, line_of(execution), now)


def _place(store: Store, channel: str, execution: Execution, now: datetime, alike: str = "") -> str:
    """The burst the card goes into, "" for a message of its own: as it is written down for the channel."""
    key, issues = execution.key, tuple(blocker.issue for blocker in execution.blockers)
    for _ in range(ATTEMPTS):
        stored = store.load_channel(channel) or ChannelRecord(channel)
        known = _with_what_is_there(store, stored, key, issues, now)
        if alike:
            known = _with_what_fails_alike(store, known, key, alike, now)
        new_burst = _burst_id(channel, key, stored.revision, now)
        decided, record = place(known, key, issues, now, new_burst, alike)
        if record is stored:
            return decided.burst
        if decided.opens:  # before anybody can be told to join it
            _open(store, Burst(new_burst, 1, channel, now, adopts=decided.adopts))
        try:
            store.save_channel(replace(record, revision=stored.revision + 1))
        except VersionConflict:
            continue
        if decided.opens:
            logger.info("%s opens burst %s in %s", key, new_burst, channel)
        return decided.burst
    raise VersionConflict(f"{ATTEMPTS} other cards were placed in {channel} in a row")


def _note(store: Store, card: CardRef, execution: Execution, now: datetime, alike: str) -> str:
    """What holds a card that has its place is what its channel shows of these issues. Answers its burst."""
    issues = (*(blocker.issue for blocker in execution.blockers), *((alike,) if alike else ()))
    stored = store.load_channel(card.channel) or ChannelRecord(card.channel)
    burst, record = note(stored, card.key, issues, card.burst, now)
    if record is not stored:
        store.save_channel(record)
    return burst


def _with_what_is_there(
    store: Store, record: ChannelRecord, key: ExecutionKey, issues: tuple[str, ...], now: datetime
) -> ChannelRecord:
    """An issue the channel knows nothing of may hold cards that are there already: look at the issue's edges.

    Not for the pseudo-issue: its edges are of many nights.
    """
    for issue in issues:
        if issue == HEALTH_UNREADABLE or record.of_issue(issue) is not None:
            continue
        others = [other for other in store.held_by(issue, "", LOOKED_AT).items if other != key]
        record = _with_cards(store, record, issue, others, now)
    return record


def _with_what_fails_alike(
    store: Store, record: ChannelRecord, key: ExecutionKey, alike: str, now: datetime
) -> ChannelRecord:
    """The same of an inferred incident: most of its deploys had their cards before it was seen."""
    region = store.load_inferred(region_of(alike)) if record.of_issue(alike) is None else None
    incident = region.incident(alike) if region is not None else None
    others = [ExecutionKey.parse(each.key) for each in incident.members] if incident is not None else []
    return _with_cards(store, record, alike, [other for other in others if other != key][:LOOKED_AT], now)


def _with_cards(
    store: Store, record: ChannelRecord, issue: str, others: Iterable[ExecutionKey], now: datetime
) -> ChannelRecord:
    for other in others:
        try:
            card = store.load_card(other)
        except ParseError:  # whoever's it is, this one has its place all the same
            logger.exception("the card of %s cannot be read back and is passed over", other)
            continue
        if card is not None and card.channel == record.channel:
            _, record = note(record, other, (issue,), card.burst, now)
    return record


def _open(store: Store, burst: Burst) -> None:
    try:
        store.save_burst(burst)
    except VersionConflict:  # the same thought by another notifier in the same instant: the id says so
        logger.info("burst %s is there already", burst.burst_id)


def _burst_id(channel: str, key: ExecutionKey, revision: int, now: datetime) -> str:
    """Unlike any other: a channel's record has each revision once."""
    parts = (channel, str(key), str(revision), now.isoformat())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _saved(store: Store, card: CardRef) -> CardRef:
    saved = replace(card, revision=card.revision + 1)
    store.save_card(saved)
    return saved
