"""The steps of a retry that is owed, asked for, claimed, answered, or refused; and what people say."""

from dataclasses import replace
from datetime import datetime

from bot.conditions import why_no_retry
from bot.errors import IllegalTransition
from bot.lifecycle.events import (
    Accepted,
    Claimed,
    Dismissed,
    Event,
    Frozen,
    Lapsed,
    Overridden,
    Postponed,
    Refused,
    RetryRequested,
    StageRunning,
    Undone,
)
from bot.lifecycle.holding import hold_or_ask
from bot.lifecycle.state import next_state, refuse_while_unfailed, unclaimed, why_not_automatic, why_switched_off
from bot.model import ALLCLEAR, Claim, Execution, RetryPlan, Status, Verdict
from bot.names import issue_at
from bot.overrides import can_be_overridden, what_stopped
from bot.policy import Policy

# Beginnings of notes and history lines by which a card knows what happened.
RETRIED_OUTSIDE = "retried outside Allclear"
RETRY_REFUSED = "CodePipeline refused"
RETRY_LOST = "CodePipeline accepted a retry, but the stage still shows the same failure."
WAY_CLOSED = "The transition into"
RETRIES_ITSELF = "the stage retries itself"
CHANGED = "the pipeline was changed since this execution started, and CodePipeline retries no older structure"
ASKING = "asking CodePipeline"
NOT_NOW = "not now"
NOT_RETRIED = "not retried"

# What the last look before the call has found.
ASKED_FOR_A_PERSON = "The same failure stands, nothing is frozen."
ASKED = "The same failure stands, nothing is frozen, no known issue explains it."


def run_outside(execution: Execution, event: StageRunning, now: datetime, policy: Policy) -> Execution:
    """Somebody retried it in the console, or its own onFailure does."""
    what, note = RETRIED_OUTSIDE, "Retried outside Allclear."
    if event.by_itself:
        what, note = RETRIES_ITSELF, "The stage retries itself (onFailure)."
    return next_state(
        execution, now, policy, what,
        status=Status.RETRYING, note=note, retry=None, claim=None, blockers=(),
    )  # fmt: skip


def run_resumed(execution: Execution, event: StageRunning, now: datetime, policy: Policy) -> Execution:
    """The stage runs while a retry was owed: ours if it was claimed (the answer is late), else somebody else's."""
    if execution.claim is None:
        return run_outside(execution, event, now, policy)
    return accepted(execution, now, policy, "the stage is running again")


def claim(execution: Execution, event: Claimed, now: datetime, policy: Policy) -> Execution:
    """Spend the budget and take the lease, fenced by the failed action execution ids; or ask a person.

    A retry may have been owed for so long, or the settings have changed so, that it must not be made unasked.
    """
    plan, before = execution.retry, execution.claim
    if plan is None or (before is not None and now < before.lease_until_at):
        raise IllegalTransition("a claim needs a retry that is owed and nobody else's live lease")
    automatic = plan.requested_by == ALLCLEAR
    free = unclaimed(execution)  # an earlier claim on the very same failure started nothing: it costs nothing
    refusal = (why_not_automatic(free, now, policy) or why_switched_off(free, policy)) if automatic else ""
    if refusal:
        return next_state(
            free, now, policy, NOT_RETRIED, evidence=refusal,
            status=Status.NEEDS_HUMAN, note=refusal, retry=None,
        )  # fmt: skip
    return next_state(
        free, now, policy, _asking(free, again=before is not None),
        evidence=ASKED if automatic else ASKED_FOR_A_PERSON,
        claim=Claim(event.claim_id, event.lease_until_at, execution.action_execution_ids, spent_budget=automatic),
        automatic_retries=free.automatic_retries + (1 if automatic else 0),
    )  # fmt: skip


def _asking(execution: Execution, *, again: bool) -> str:
    wish = "to pass the condition" if execution.passes_condition else "to retry"
    return f"{ASKING} {'again' if again else wish}"


def accept(execution: Execution, event: Accepted, now: datetime, policy: Policy) -> Execution:
    """CodePipeline said yes. An answer to a claim that is no longer the live one is still a yes."""
    if execution.claim is None or execution.claim.claim_id != event.claim_id:
        return execution
    return accepted(execution, now, policy, f"CodePipeline accepted {_asked(execution)}")


def _asked(execution: Execution) -> str:
    if not execution.passes_condition:
        return "the retry"
    overrode = execution.retry is not None and execution.retry.override
    return "the override" if overrode else f"the passing of {what_stopped(execution)}"


def accepted(execution: Execution, now: datetime, policy: Policy, what: str) -> Execution:
    return next_state(execution, now, policy, what, status=Status.RETRYING, retries=execution.retries + 1, note="")


def _holds(execution: Execution, claim_id: str) -> bool:
    return execution.claim is not None and execution.claim.claim_id == claim_id


def postpone(execution: Execution, event: Postponed, now: datetime, policy: Policy) -> Execution:
    """Try later; nothing was started and nothing is spent."""
    if execution.retry is None or (execution.claim is not None and not _holds(execution, event.claim_id)):
        return execution
    refusal = why_not_automatic(unclaimed(execution), now, policy)
    if refusal and execution.retry.requested_by == ALLCLEAR:
        return next_state(
            unclaimed(execution), now, policy, NOT_RETRIED, evidence=f"{event.why}. {refusal}",
            status=Status.NEEDS_HUMAN, note=f"{event.why}. {refusal}", retry=None,
        )  # fmt: skip
    plan = replace(
        execution.retry,
        not_before_at=event.until_at,
        postponed=execution.retry.postponed + (0 if event.calendar else 1),
        not_retryable=execution.retry.not_retryable + int(event.not_retryable),
        calendar=event.calendar,
        opens_at=event.opens_at,
    )
    return next_state(
        unclaimed(execution),
        now,
        policy,
        NOT_NOW,
        evidence=f"{event.why}. Again at {event.until_at:%H:%M} UTC.",
        retry=plan,
        note=event.why,
    )


def refuse(execution: Execution, event: Refused, now: datetime, policy: Policy) -> Execution:
    """CodePipeline will never take it: a person has to look."""
    if not _holds(execution, event.claim_id):
        return execution
    note = f"{RETRY_REFUSED} {_asked(execution)}: {event.why}"
    return next_state(unclaimed(execution), now, policy, note, status=Status.NEEDS_HUMAN, note=note, retry=None)


def refund(execution: Execution, event: Postponed | Refused, now: datetime, policy: Policy) -> Execution:
    """The stage was seen running before our refusal was saved: somebody else's retry, so ours cost nothing."""
    if not _holds(execution, event.claim_id):
        return execution
    return next_state(
        replace(unclaimed(execution), retries=execution.retries - 1), now, policy,
        f"{RETRIED_OUTSIDE}; our own call was refused", note="Retried outside Allclear.", retry=None,
    )  # fmt: skip


def freeze(execution: Execution, event: Frozen | Lapsed, now: datetime, policy: Policy) -> Execution:
    """The transition into the stage is disabled, or its condition cannot be passed: a person says how to go on."""
    if execution.claim is not None and now < execution.claim.lease_until_at:
        return execution
    return next_state(
        unclaimed(execution), now, policy, NOT_RETRIED, evidence=event.why,
        status=Status.NEEDS_HUMAN, note=event.why, retry=None,
    )  # fmt: skip


def lose(execution: Execution, _event: Event, now: datetime, policy: Policy) -> Execution:
    """An accepted retry that started nothing: a person has to look in CodePipeline.

    A retry that is not ours was only seen in an answer of CodePipeline that lagged: all is as it was before.
    """
    if execution.claim is None:
        return hold_or_ask(execution, execution.attribution, now, policy, "the stage is not running after all")
    return next_state(
        execution, now, policy, RETRY_LOST, status=Status.NEEDS_HUMAN, note=RETRY_LOST, retry=None, claim=None
    )


def request(execution: Execution, event: RetryRequested, now: datetime, policy: Policy) -> Execution:
    """A click: costs no budget and does not wait for the all-clear."""
    refuse_while_unfailed(execution)
    if why_no_retry(execution):
        raise IllegalTransition(why_no_retry(execution))
    return next_state(
        execution, now, policy, f"asked for a retry{_in_spite_of(execution)}", by=event.by,
        status=Status.RESUMING, note="", claim=None, retry=RetryPlan(event.by, now, now),
    )  # fmt: skip


def _in_spite_of(execution: Execution) -> str:
    names = ", ".join(issue_at(blocker.service, blocker.region) for blocker in execution.blockers)
    return f" with an issue open ({names})" if names else ""


def hasten(execution: Execution, event: RetryRequested, now: datetime, policy: Policy) -> Execution:
    """A retry is owed already: a person's wish brings it forward, unless it is being made or was asked for."""
    plan = execution.retry
    if execution.claim is not None or plan is None or plan.requested_by != ALLCLEAR:
        return execution
    return next_state(
        execution, now, policy, "asked to retry now", by=event.by, anew=True, retry=RetryPlan(event.by, now, now)
    )


def override(execution: Execution, event: Overridden, now: datetime, policy: Policy) -> Execution:
    """What stopped the stage shall be passed. Costs no budget, and what is asked of CodePipeline now is this.

    A claim stands, for its call may have been made: should that be refused, the next one is the override's.
    """
    if not can_be_overridden(execution):
        raise IllegalTransition("no gate and no stage condition stopped the stage")
    if execution.waiting:  # the gate reads it at its next look, and goes on
        return next_state(execution, now, policy, _overrode(execution, event), by=event.by)
    return next_state(
        execution, now, policy, _overrode(execution, event), by=event.by, anew=True,
        status=Status.RESUMING, note="", retry=RetryPlan(event.by, now, now, override=True),
    )  # fmt: skip


def let_pass(execution: Execution, event: Overridden, now: datetime, policy: Policy) -> Execution:
    """A retry runs: the gate, which checks again, will read the override. Nothing asks about a condition again."""
    if not execution.stopped_by_gate or execution.condition:
        raise IllegalTransition("no gate is about to check again")
    return next_state(execution, now, policy, _overrode(execution, event), by=event.by)


def _overrode(execution: Execution, event: Overridden) -> str:
    return f"overrode {what_stopped(execution)}: {event.reason}"


def dismiss(execution: Execution, event: Dismissed, now: datetime, policy: Policy) -> Execution:
    """Don't resume. Too late once CodePipeline is being asked."""
    refuse_while_unfailed(execution)
    if execution.claim is not None and execution.status is Status.RESUMING:
        raise IllegalTransition("CodePipeline is being asked to retry right now")
    return next_state(
        execution, now, policy, "said: don't resume", by=event.by, status=Status.DISMISSED, retry=None, note=""
    )


def undo(execution: Execution, event: Undone, now: datetime, policy: Policy) -> Execution:
    """Back to what it was; the truth is looked at again at once, because much may have happened since."""
    refusal = why_not_automatic(execution, now, policy) if execution.blockers else ""
    status = Status.BLOCKED if execution.blockers and not refusal else Status.NEEDS_HUMAN
    was_held = execution.attribution.verdict in (Verdict.EXPLAINED, Verdict.UNREADABLE)
    over = "What held it is over, but it was dismissed and is not resumed unasked."
    note = refusal or (over if was_held and not execution.blockers else "")
    undone = next_state(execution, now, policy, "took the dismissal back", by=event.by, status=status, note=note)
    return replace(undone, due_at=now)
