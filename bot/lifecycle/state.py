"""What every step of the lifecycle is made of: the one way to a new version."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.clocks import next_due
from bot.conditions import why_no_retry
from bot.errors import IllegalTransition
from bot.lifecycle.events import Event
from bot.model import ALLCLEAR, TRAIL_LENGTH, Attribution, Entry, Execution, ExecutionKey, Status
from bot.policy import Policy


def same(execution: Execution, _event: Event, _now: datetime, _policy: Policy) -> Execution:
    """No news: the very same object."""
    return execution


def unborn(key: ExecutionKey, failed_at: datetime, attribution: Attribution, now: datetime) -> Execution:
    """What the first version is made from: version 0, which nobody saves."""
    return Execution(
        key=key,
        version=0,
        status=Status.NEEDS_HUMAN,
        entered_version=0,
        entered_at=now,
        first_failed_at=failed_at,
        failed_at=failed_at,
        actions=(),
        attribution=attribution,
    )


def next_state(
    execution: Execution,
    now: datetime,
    policy: Policy,
    what: str,
    *,
    by: str = ALLCLEAR,
    evidence: str = "",
    **changes: Any,
) -> Execution:
    """The one way to a new version: changes, history line, clock, and where the status begins."""
    version = execution.version + 1
    status = changes.get("status", execution.status)
    began_anew = changes.pop("anew", status is not execution.status)
    changed = replace(
        execution,
        **changes,
        version=version,
        entered_version=version if began_anew else execution.entered_version,
        entered_at=now if began_anew else execution.entered_at,
        finished_at=_finished_at(execution, status, now),
        trail=(*execution.trail, Entry(version, now, status, what, by, evidence))[-TRAIL_LENGTH:],
    )
    return replace(changed, due_at=next_due(changed, now, policy))


def _finished_at(execution: Execution, status: Status, now: datetime) -> datetime | None:
    if not status.finished:
        return None
    return execution.finished_at if status is execution.status else now


def why_not_automatic(execution: Execution, now: datetime, policy: Policy) -> str:
    """The reason an automatic retry is out of the question, "" if it is not."""
    if execution.automatic_retries >= policy.max_automatic_retries:
        count = policy.max_automatic_retries
        return f"The budget of {count} automatic {'retry' if count == 1 else 'retries'} is spent."
    if execution.held_at is not None and now - execution.held_at >= policy.max_age:
        hours = int(policy.max_age.total_seconds() // 3600)
        return f"It has waited for {hours} hour{'' if hours == 1 else 's'}, too long to resume unasked."
    return ""


def why_switched_off(execution: Execution, policy: Policy) -> str:
    """The reason this pipeline is never retried unasked, "" if it is."""
    if policy.is_shadow(execution.tags):
        return "Shadow mode: Allclear would have retried now."
    if not execution.tags.auto_retry:
        return "Automatic retries are off for this pipeline (tag allclear:auto-retry)."
    return why_no_retry(execution)


def refuse_while_unfailed(execution: Execution) -> None:
    """Raises IllegalTransition where nothing has failed, so that nothing can be retried or left."""
    if execution.unfailed:
        who = "a gate waits" if execution.waiting else "an action runs"
        raise IllegalTransition(f"{who} in the stage: nothing has failed")


def unclaimed(execution: Execution) -> Execution:
    """Without the claim, its cost given back."""
    paid = execution.claim is not None and execution.claim.spent_budget
    return replace(execution, claim=None, automatic_retries=execution.automatic_retries - (1 if paid else 0))


def end(execution: Execution, now: datetime, policy: Policy, status: Status, note: str) -> Execution:
    if execution.status is Status.RESUMING:
        execution = unclaimed(execution)  # no retry was made that we know of
    return next_state(
        execution,
        now,
        policy,
        note,
        status=status,
        note=note,
        retry=None,
        claim=None,
        blockers=(),
        waits_until=None,
        hangs_since=None,
    )
