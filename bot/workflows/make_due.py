"""Make what waits due now, for a person who has mended what kept it from going on."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.errors import ParseError, VersionConflict
from bot.ports import Store

logger = logging.getLogger(__name__)

ALL = "all"
EVER = timedelta(days=400)  # no clock is set further ahead
MOST = 5_000  # clocks one call moves
PAGE = 100


def make_due(store: Store, what: str, now: datetime, out_of_time: Callable[[], bool] = lambda: False) -> int:
    """Everything that waits (`all`), or whose key contains `what`, is due now; answers how many clocks that moved.

    Nothing is read of an item whose clock moves: it may be the one that cannot be read. A card that Slack refused
    for good, and so has no clock, gets one while its deploy is not finished. Early is harmless: whatever is due is
    held against the truth, and nothing happens before its time. Raises TryLater.
    """
    moved = _refused_by_slack(store, what, now)
    for due in store.due(now + EVER, MOST):
        if out_of_time():
            logger.warning("out of time before every clock was moved")
            break
        if (what == ALL or what in due.key) and due.due_at > now:
            store.postpone(due, now)
            moved += 1
    logger.info("made %d clocks due, as asked for: %s", moved, what)
    return moved


def _refused_by_slack(store: Store, what: str, now: datetime) -> int:
    moved, bursts = 0, set()
    cursor: str | None = ""
    while cursor is not None:
        page = store.unfinished(cursor, PAGE)
        for key in (execution.key for execution in page.items if what == ALL or what in str(execution.key)):
            try:
                card = store.load_card(key)
                if card is None:
                    continue
                if card.undeliverable and card.due_at is None:
                    store.save_card(replace(card, revision=card.revision + 1, due_at=now))
                    moved += 1
                if card.burst and card.burst not in bursts:
                    bursts.add(card.burst)
                    moved += _refused_burst(store, card.burst, now)
            except (ParseError, VersionConflict) as problem:
                logger.warning("the card of %s is left as it is: %s", key, problem)
        cursor = page.cursor
    return moved


def _refused_burst(store: Store, burst_id: str, now: datetime) -> bool:
    burst = store.load_burst(burst_id)
    if burst is None or not burst.undeliverable or burst.due_at is not None:
        return False
    store.save_burst(replace(burst, revision=burst.revision + 1, due_at=now))
    return True
