"""What a person decided about one deploy: load, decide, save with the mark of their click, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.conditions import why_no_retry
from bot.errors import DuplicateClick, IllegalTransition, VersionConflict
from bot.lifecycle import Event, RetryRequested, advance
from bot.model import Execution, ExecutionKey, Override, Status
from bot.policy import Policy
from bot.ports import Store
from bot.slack.mrkdwn import bold, escape

SAVE_ATTEMPTS = 5
CLICK_KEPT = timedelta(days=1)  # Slack accepts our answer to a click for 30 minutes; a replay is refused after 5

AGAIN = "Allclear could not save that just now; nothing has changed. Please click again in a moment."


class Came(StrEnum):
    """What came of it. Only DONE has changed anything."""

    DONE = "DONE"
    NOTHING = "NOTHING"  # it is so already
    IMPOSSIBLE = "IMPOSSIBLE"  # not in the state the deploy is in now
    REFUSED = "REFUSED"  # not by this person, or not like this
    DUPLICATE = "DUPLICATE"  # this very click was carried out before
    UNKNOWN = "UNKNOWN"  # no such deploy
    BUSY = "BUSY"  # others kept changing it: the same click may succeed in a moment


@dataclass(frozen=True, slots=True)
class Result:
    """`text` is safe mrkdwn for the person; `execution` the deploy as it stands now, if it is known."""

    came: Came
    text: str
    execution: Execution | None = None


def carry_out(
    store: Store,
    policy: Policy,
    key: ExecutionKey,
    choose: Callable[[Execution], Event | Result],
    now: datetime,
    *,
    marker: str,
    override: Override | None = None,
) -> Result:
    """Decide by the state as it is loaded each time; `choose` answers the event, or the refusal.

    `marker` is the click's own: whatever is sent again with it changes nothing more. `override` is written in the
    same transaction. Raises TryLater.
    """
    for _ in range(SAVE_ATTEMPTS):
        execution = store.load_execution(key)
        if execution is None:
            return Result(Came.UNKNOWN, "Allclear does not know this deploy (any more), so it did nothing.")
        event = choose(execution)
        if isinstance(event, Result):
            return event
        try:
            after = advance(execution, event, now, policy)
        except IllegalTransition:
            why = escape(why_no_retry(execution)) if isinstance(event, RetryRequested) else ""
            refusal = f"{why} Nothing was done." if why else "That is not possible now, so nothing was done."
            text = f"{refusal} {stands(execution)}"
            return Result(Came.IMPOSSIBLE, text, execution)
        if after is execution:
            return Result(Came.NOTHING, f"Nothing had to be done. {stands(execution)}", execution)
        try:
            store.save_execution(after, click=marker, click_expires_at=now + CLICK_KEPT, override=override)
        except VersionConflict:
            continue
        except DuplicateClick:
            text = f"That was already carried out. {stands(execution)}"
            return Result(Came.DUPLICATE, text, execution)
        return Result(Came.DONE, f"Done. {stands(after)}", after)
    return Result(Came.BUSY, AGAIN)


def stands(execution: Execution) -> str:
    """Where it stands, in one sentence."""
    name = f"{bold(execution.key.pipeline)} → {escape(execution.key.stage)}"
    runs = execution.hangs_since is not None
    return f"{name} {'still runs; nothing has failed' if runs else _STANDS[execution.status]}."


_STANDS = {
    Status.BLOCKED: "is held until the all-clear",
    Status.RESUMING: "is being resumed",
    Status.RETRYING: "is being retried",
    Status.NEEDS_HUMAN: "waits for a person",
    Status.RECOVERED: "has recovered",
    Status.SUPERSEDED: "was superseded by a newer execution",
    Status.STOPPED: "was stopped",
    Status.DISMISSED: "will not be resumed",
}
