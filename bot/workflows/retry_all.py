"""One person's "Retry all", for every member of a burst that waits.

The request is saved before it is carried out, so whoever comes after a crash carries on; the sweep does what is
too much for one click's answer.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from bot.bursts import Burst, RetryAll
from bot.conditions import why_no_retry
from bot.errors import ParseError, TryLater, VersionConflict
from bot.lifecycle import RetryRequested, advance
from bot.model import ExecutionKey, Status
from bot.policy import Policy
from bot.ports import Store
from bot.slack.mrkdwn import mention, slack_date

logger = logging.getLogger(__name__)

SAVE_ATTEMPTS = 8
AT_ONCE = 25  # members in one go: Slack waits three seconds for the answer to a click
CARRIED_ON_AFTER = timedelta(minutes=1)
CLICKS_KNOWN = 20  # of those that were carried out: Slack's signature is good for five minutes

UNKNOWN = "Allclear does not know this card (any more), so it did nothing. /allclear status shows what is held."
NOTHING_WAITS = "Nothing on this card waits for a retry any more, so nothing was done."
ALREADY = "That was already carried out."
AGAIN = "Allclear could not save that just now; nothing has changed. Please click again in a moment."


def retry_all(store: Store, burst_id: str, by: str, policy: Policy, now: datetime, *, marker: str) -> str:
    """Retry every member that waits, asked for by `by` (a Slack user id), who may. Answers what came of it.

    One request at a time: a second click finds the first one's, or nothing left that waits. `marker` is the
    click's own: delivered again, it takes nothing along that has failed since. May raise TryLater before anything
    is saved.
    """
    for _ in range(SAVE_ATTEMPTS):
        burst = store.load_burst(burst_id)
        if burst is None:
            return UNKNOWN
        asked = burst.retry_all
        if asked is not None and not asked.done:
            return f"{mention(asked.by)} asked for that at {slack_date(asked.at)}; it is being carried out."
        earlier = (*asked.earlier, asked.click) if asked is not None else ()
        if marker in earlier:
            return ALREADY
        if not any(line.waits for line in store.burst_lines(burst_id)):
            return NOTHING_WAITS
        request = RetryAll(by, now, click=marker, earlier=earlier[-CLICKS_KNOWN:])
        try:
            _save(store, replace(burst, retry_all=request, due_at=now + CARRIED_ON_AFTER))
        except VersionConflict:
            continue
        try:
            return _what_came_of_it(*carry_on(store, burst_id, policy, now))
        except (TryLater, VersionConflict):
            return "Done. Everything that waits here is being retried within a few minutes."
    return AGAIN


def carry_on(store: Store, burst_id: str, policy: Policy, now: datetime) -> tuple[int, int]:
    """Do the next AT_ONCE members of a saved request. Answers (retried, waiting members still to come).

    A member is retried only if it has waited since before the request: done twice, it retries once.
    """
    burst = store.load_burst(burst_id)
    request = burst.retry_all if burst is not None else None
    if request is None or request.done:
        return 0, 0
    lines = [line for line in store.burst_lines(burst_id) if line.waits and line.key > request.cursor]
    page, rest = lines[:AT_ONCE], lines[AT_ONCE:]
    retried = sum(_retry(store, ExecutionKey.parse(line.key), request, policy, now) for line in page)
    reached = replace(request, cursor=page[-1].key if page else request.cursor, done=not rest)
    _move_on(store, burst_id, reached, now)
    return retried, len(rest)


def _retry(store: Store, key: ExecutionKey, request: RetryAll, policy: Policy, now: datetime) -> bool:
    for _ in range(SAVE_ATTEMPTS):
        try:
            execution = store.load_execution(key)
        except ParseError:
            logger.exception("%s cannot be read back and is passed over", key)
            return False
        if execution is None or execution.status not in (Status.BLOCKED, Status.NEEDS_HUMAN):
            return False  # it went on by itself, or somebody was faster
        if execution.unfailed or why_no_retry(execution):
            return False  # nothing has failed that could be retried, or a condition stopped it
        if execution.entered_at > request.at:
            return False  # it failed again since: that is not what the person saw
        try:
            store.save_execution(advance(execution, RetryRequested(request.by), now, policy))
        except VersionConflict:
            continue
        logger.info("%s is to be retried, as all of its burst", key)
        return True
    raise VersionConflict(f"{key} was changed by others {SAVE_ATTEMPTS} times in a row")


def _move_on(store: Store, burst_id: str, reached: RetryAll, now: datetime) -> None:
    for _ in range(SAVE_ATTEMPTS):
        burst = store.load_burst(burst_id)
        if burst is None or burst.retry_all is None or burst.retry_all.at != reached.at:
            return
        try:
            # The card says who asked, so it is drawn again even where no member has changed.
            changed = replace(burst, retry_all=reached, wanted_version=burst.wanted_version + 1, due_at=now)
            _save(store, changed)
        except VersionConflict:
            continue
        return
    raise VersionConflict(f"burst {burst_id} was changed by others {SAVE_ATTEMPTS} times in a row")


def _save(store: Store, burst: Burst) -> None:
    store.save_burst(replace(burst, revision=burst.revision + 1))


def _what_came_of_it(retried: int, left: int) -> str:
    if not retried and not left:
        return NOTHING_WAITS
    deploys = "1 deploy is" if retried == 1 else f"{retried} deploys are"
    more = f" The other {left} follow within a few minutes." if left else ""
    return f"Done. {deploys} being retried.{more}"
