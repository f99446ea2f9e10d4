"""Which of the deploys an issue held goes first at its all-clear, and what its end means for the rest. Pure.

AWS closes an issue about 22 minutes after the recovery, but a service may come back limping, or another issue may
open in the first one's place. One deploy finds that out for all others, and costs one retry instead of hundreds.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from bot.issue_events import AnotherCanary, CanaryChosen, CanaryFailed, DrainBegun, SkippedPage
from bot.issues import name_of
from bot.lifecycle.state import why_not_automatic, why_switched_off
from bot.model import Canary, Execution, ExecutionKey, Issue, Status
from bot.policy import Policy

WITHOUT = 5  # so many may go together, without a canary
TURN = timedelta(minutes=10)  # after that the rest follows, whatever the canary does
WAIT = timedelta(minutes=30)  # after a failure that an open issue explains; then another one tries
TURNS = 3  # turns in a row that may tell nothing: after that the rest follows

PRODUCTION = "production"

Choice = SkippedPage | CanaryChosen | DrainBegun
Outcome = CanaryFailed | AnotherCanary | DrainBegun


def holds(issue: Issue, execution: Execution) -> bool:
    """True while this execution waits for this issue. Where nothing has failed there is nothing to send first."""
    held = execution.status is Status.BLOCKED and not execution.unfailed
    return held and any(b.issue == issue.key for b in execution.blockers)


def choose(issue: Issue, held: Sequence[Execution], cursor: str | None, now: datetime, policy: Policy) -> Choice:
    """Who goes first among some that the issue still holds. `cursor` is where the next ones begin; None: no more.

    Whether it is still what CodePipeline shows is looked at before its retry, as before every retry; where it is
    not, the turn passes on.
    """
    waiting = issue.waiting + len(held)
    able = [execution for execution in held if _can_go(issue, execution, now, policy)]
    if cursor is not None and (waiting <= WITHOUT or not able):
        return SkippedPage(cursor, len(held))
    if waiting <= WITHOUT:
        return DrainBegun(f"No canary: no more than {WITHOUT} were held.")
    if not able:
        return DrainBegun("No canary: none of those it held can go first.")
    first = min(able, key=_rank)
    return CanaryChosen(Canary(first.key, first.retries, now + TURN))


def _rank(execution: Execution) -> tuple[bool, int, int, ExecutionKey]:
    """Sorts those that should go first to the front: not one in production, nor one that was stopped just now."""
    production = execution.tags.tier == PRODUCTION
    return production, execution.gate_stops, execution.automatic_retries, execution.key


def _can_go(issue: Issue, execution: Execution, now: datetime, policy: Policy) -> bool:
    """Its release would lead to a retry at once: no other issue, budget left, not too old, not switched off."""
    alone = all(blocker.issue == issue.key for blocker in execution.blockers)
    backs_off = execution.gate_stops > 1
    never = why_not_automatic(execution, now, policy) or why_switched_off(execution, policy)
    return holds(issue, execution) and alone and not backs_off and not never


def judge(
    issue: Issue, canary: Canary, execution: Execution | None, still_open: Collection[str], now: datetime
) -> Outcome | None:
    """What the canary, as it is now, means for the rest; None: wait.

    `still_open` are the keys of the open issues among those that hold it, or that held it back.
    """
    name = name_of(canary.key)
    if canary.held_by:
        if canary.held_by in still_open and now < canary.until_at:
            return None
        return AnotherCanary(f"The canary, {name}, had failed while another issue was open; another goes first.")
    if execution is None:
        return _next(issue, f"{name} is gone")
    retried = execution.retries > canary.retries
    explained = next((b.issue for b in execution.blockers if b.issue in still_open), "")
    match execution.status:
        case Status.RECOVERED:
            return DrainBegun(f"The canary, {name}, recovered: the rest follows.")
        case Status.BLOCKED | Status.NEEDS_HUMAN if retried and explained:
            return CanaryFailed(explained, now + WAIT)
        case Status.BLOCKED if retried:
            return _next(issue, f"{name} was stopped again by what is known to be over")
        case Status.NEEDS_HUMAN if retried:
            return DrainBegun(f"The canary, {name}, failed, and no open issue explains it: the rest follows.")
        case Status.RESUMING if execution.retry is not None and execution.retry.calendar:
            return _next(issue, f"{name} waits for its change calendar")
        case Status.RESUMING | Status.RETRYING:
            if now < canary.until_at:
                return None
            return DrainBegun(f"The canary, {name}, has not ended after ten minutes: the rest follows.")
        case Status.SUPERSEDED | Status.STOPPED | Status.DISMISSED if retried:
            return DrainBegun(f"The canary, {name}, was {execution.status.lower()}: the rest follows.")
        case _:
            return _next(issue, f"{name} went no further before it could tell anything")


def _next(issue: Issue, why: str) -> AnotherCanary | DrainBegun:
    if issue.canaries + 1 < TURNS:
        return AnotherCanary(f"{why}; another goes first.")
    return DrainBegun(f"{why}, the last of {TURNS} that told nothing: the rest follows.")
