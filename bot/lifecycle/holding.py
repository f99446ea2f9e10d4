"""The steps by which a failure is held, explained and released, and the ways it ends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.clocks import GATE_BACKOFF
from bot.lifecycle.events import Event, Explained, Overtaken, Released, StageFailed, StageGone, StageStopped
from bot.lifecycle.hanging import run_on
from bot.lifecycle.state import end, next_state, unborn, unclaimed, why_not_automatic, why_switched_off
from bot.model import (
    ALLCLEAR,
    HEALTH_UNREADABLE,
    Attribution,
    Blocker,
    Execution,
    ExecutionKey,
    FailedAction,
    RetryPlan,
    Status,
    Verdict,
)
from bot.names import place
from bot.policy import Policy

LAST_LOOK = "A last look at CodePipeline and the known AWS issues comes before the retry."
ROLLED_BACK = "The stage was rolled back"  # the note's beginning, by which a card knows it


def begin(key: ExecutionKey, event: StageFailed, now: datetime, policy: Policy) -> Execution:
    """The first state of a stage that failed: version 1."""
    return _failed(unborn(key, event.failed_at, event.attribution, now), event, now, policy)


def fail(execution: Execution, event: StageFailed, now: datetime, policy: Policy) -> Execution:
    """A new failed attempt. The failure already known, or an older one, is no news.

    A failure first seen without its actions (CodePipeline's list lags) has the time it was seen at, not its own.
    """
    ids = tuple(sorted(action.action_execution_id for action in event.actions))
    known = execution.action_execution_ids == ids and not execution.unfailed
    older = bool(execution.actions) and event.failed_at < execution.failed_at
    if (known and not tells_more(execution, event.actions)) or older:
        return execution
    if execution.status.finished:
        execution = replace(
            execution, automatic_retries=0, gate_stops=0, held_at=None, retry=None, claim=None, released_at=None
        )
    after = _failed(execution, event, now, policy)
    if known and after.status is execution.status:  # who was asked need not be asked again
        return replace(after, entered_version=execution.entered_version, entered_at=execution.entered_at)
    return after


def tells_more(execution: Execution, actions: Sequence[FailedAction]) -> bool:
    """Whether a known failure is told in full only now: what failed, and where.

    GetPipelineState names a failed action by its id; its provider and its Region only ListActionExecutions tells,
    which may be later. Without them no issue matches. A retry that is owed is made all the same.
    """
    if execution.status not in (Status.BLOCKED, Status.NEEDS_HUMAN):
        return False
    untold = {action.action_execution_id for action in execution.actions if not action.provider}
    return any(action.provider and action.action_execution_id in untold for action in actions)


def _failed(execution: Execution, event: StageFailed, now: datetime, policy: Policy) -> Execution:
    """Store the failed attempt, settle the account of the retry that led to it, and hold or ask."""
    claim, automatic = execution.claim, execution.automatic_retries
    by_gate = any(action.gate_issues is not None for action in event.actions)
    if claim is not None and claim.spent_budget and by_gate:
        automatic -= 1  # a retry that the gate stopped again costs none
    unanswered = execution.status is Status.RESUMING and claim is not None
    plan = execution.retry
    retried = execution.status is Status.RETRYING or unanswered
    more = set(execution.action_execution_ids) & {action.action_execution_id for action in event.actions}
    stops_again = 0 if more and execution.gate_stops else 1  # what tells more of one failure is no second stop
    by_person = retried and (plan is None or plan.requested_by != ALLCLEAR)
    failed = replace(
        execution,
        actions=event.actions,
        failed_at=event.failed_at,
        attribution=event.attribution,
        condition=event.condition,
        tags=event.tags,
        revision=event.revision or execution.revision,
        automatic_retries=automatic,
        retries=execution.retries + (1 if unanswered else 0),
        gate_stops=execution.gate_stops + stops_again if by_gate else 0,
        retry=None,
        claim=None,
        waits_until=None,
        hangs_since=None,
        held_at=None if by_person else execution.held_at,  # a person looked at it: a new hold begins, if any
        released_at=None,
    )
    what = "failed" if not execution.version else "has more failed actions" if more else "failed again"
    if tells_more(execution, event.actions) and len(more) == len(event.actions):
        what = "failed, as CodePipeline now tells in full"
    if execution.unfailed:
        what = "waited as long as a gate can" if by_gate and execution.waiting else "failed"
    return hold_or_ask(failed, event.attribution, now, policy, f"{execution.key.stage} {what}")


def hold_or_ask(
    execution: Execution, attribution: Attribution, now: datetime, policy: Policy, happened: str
) -> Execution:
    """BLOCKED where an issue explains it and an automatic retry may follow; else a person is asked."""
    common: dict[str, Any] = {"attribution": attribution, "retry": None, "claim": None, "anew": True}
    if attribution.verdict not in (Verdict.EXPLAINED, Verdict.UNREADABLE):
        return next_state(
            execution, now, policy, f"{happened}; a person is asked",
            evidence=f"{attribution.reason}{_unless(execution, policy)}",
            status=Status.NEEDS_HUMAN, note="", blockers=(), **common,
        )  # fmt: skip
    execution = held(execution)
    refusal = why_not_automatic(execution, now, policy)
    if refusal:
        return next_state(
            execution, now, policy, f"{happened}; a person is asked", evidence=f"{refusal} {attribution.reason}",
            status=Status.NEEDS_HUMAN, note=refusal, blockers=attribution.blockers, **common,
        )  # fmt: skip
    if not attribution.blockers:
        cleared = replace(execution, attribution=attribution)
        return resume_or_ask(cleared, now, policy, f"{happened}, and what stopped it is over")
    return next_state(
        execution, now, policy, f"{happened}; held by {_names(attribution.blockers)} until the all-clear",
        evidence=attribution.reason,
        status=Status.BLOCKED, note="", blockers=attribution.blockers, released_at=None, **common,
    )  # fmt: skip


def _unless(execution: Execution, policy: Policy) -> str:
    """What would still change that a person is asked."""
    if execution.attribution.verdict is not Verdict.UNEXPLAINED:
        return ""
    return f" A notice until {execution.failed_at + policy.late_issue:%H:%M} UTC would hold it."


def held(execution: Execution) -> Execution:
    """With the time its hold counts from: the failure's own, however late an issue explains it."""
    return replace(execution, held_at=execution.held_at or execution.failed_at)


def _names(blockers: tuple[Blocker, ...]) -> str:
    """The issues in a few words: the attribution's own sentence says why they match."""
    return ", ".join(_name(blocker) for blocker in blockers)


def _name(blocker: Blocker) -> str:
    if blocker.issue == HEALTH_UNREADABLE:
        return "AWS Health being unreadable"
    return f"the {blocker.service} issue {place(blocker.region)}"


def resume_or_ask(
    execution: Execution,
    now: datetime,
    policy: Policy,
    what: str,
    cleared_at: datetime | None = None,
    not_before_at: datetime | None = None,
) -> Execution:
    """Nothing holds it any more: a retry is owed, unless an automatic one is out of the question."""
    refusal = why_not_automatic(execution, now, policy) or why_switched_off(execution, policy)
    common: dict[str, Any] = {
        "blockers": (),
        "claim": None,
        "released_at": max(cleared_at or now, execution.held_at or execution.failed_at),
    }
    if refusal:
        return next_state(
            execution, now, policy, f"{what}, but not resumed", evidence=refusal,
            status=Status.NEEDS_HUMAN, note=refusal, retry=None, **common,
        )  # fmt: skip
    # The first stop by the gate is what was held; each one after that backs off further.
    again = execution.gate_stops - 1
    delay = GATE_BACKOFF[min(again, len(GATE_BACKOFF)) - 1] if again > 0 else timedelta(0)
    return next_state(
        execution, now, policy, f"{what}: resuming", evidence=LAST_LOOK,
        status=Status.RESUMING, note="",
        retry=RetryPlan(ALLCLEAR, now, max(now + delay, not_before_at or now)), **common,
    )  # fmt: skip


def explain(execution: Execution, event: Explained, now: datetime, policy: Policy) -> Execution:
    """An issue that explains the known failure: a person need not be asked, or one more issue holds it."""
    attribution = event.attribution
    if execution.status is Status.BLOCKED:
        known = {blocker.issue for blocker in execution.blockers}
        more = tuple(blocker for blocker in attribution.blockers if blocker.issue not in known)
        if not more:
            return execution
        return next_state(
            execution, now, policy, f"also held by {_names(more)}", evidence=attribution.reason,
            blockers=execution.blockers + more, attribution=attribution,
        )  # fmt: skip
    if attribution.verdict is not Verdict.EXPLAINED or execution.attribution.verdict is Verdict.EXPLAINED:
        return execution  # or asked for another reason than a missing explanation: refused, frozen, switched off
    refusal = why_not_automatic(held(execution), now, policy)
    if refusal:  # the buttons that are shown stay good
        return next_state(
            held(execution), now, policy, "an issue explains it after all; a person is asked all the same",
            evidence=f"{refusal} {attribution.reason}",
            note=refusal, blockers=attribution.blockers, attribution=attribution,
        )  # fmt: skip
    return hold_or_ask(execution, attribution, now, policy, "an issue explains it after all")


def hold_again(execution: Execution, event: Explained, now: datetime, policy: Policy) -> Execution:
    """An issue opened before the retry was made. A call in flight goes on, and so does a person's own request,
    unless the gate itself would stop it.
    """
    asked_by_person = execution.retry is not None and execution.retry.requested_by != ALLCLEAR
    in_flight = execution.claim is not None and now < execution.claim.lease_until_at
    if in_flight or (asked_by_person and not event.by_gate) or not event.attribution.blockers:
        return execution
    return hold_or_ask(unclaimed(execution), event.attribution, now, policy, "the retry is called off")


def release(execution: Execution, event: Released, now: datetime, policy: Policy) -> Execution:
    """One issue's all-clear. The last one frees the execution, if an automatic retry may follow."""
    left = tuple(blocker for blocker in execution.blockers if blocker.issue != event.issue)
    if len(left) == len(execution.blockers) and (execution.blockers or execution.unfailed):
        return execution
    if execution.hangs_since is not None:
        return run_on(execution, event, left, now, policy)
    if execution.waiting and not left:
        return next_state(execution, now, policy, f"{event.why}; the gate lets it through next", blockers=())
    if left:
        return next_state(execution, now, policy, f"{event.why}; still held by {_names(left)}", blockers=left)
    return resume_or_ask(execution, now, policy, event.why, event.cleared_at, event.not_before_at)


def forget(execution: Execution, event: Released, now: datetime, policy: Policy) -> Execution:
    """A person is asked already, and the card must not say that a closed issue is still open."""
    left = tuple(blocker for blocker in execution.blockers if blocker.issue != event.issue)
    return (
        next_state(execution, now, policy, event.why, blockers=left) if left != execution.blockers else execution
    )


def ask_for_age(execution: Execution, _event: Event, now: datetime, policy: Policy) -> Execution:
    """Too long a hold to resume unasked."""
    note = why_not_automatic(execution, now, policy)
    return next_state(execution, now, policy, note, status=Status.NEEDS_HUMAN, note=note) if note else execution


def recover(execution: Execution, _event: Event, now: datetime, policy: Policy) -> Execution:
    unanswered = execution.status is Status.RESUMING and execution.claim is not None  # it passed by our own retry
    return next_state(
        execution, now, policy, f"{execution.key.stage} passed",
        status=Status.RECOVERED, note="", retry=None, claim=None, blockers=(), waits_until=None, hangs_since=None,
        retries=execution.retries + (1 if unanswered else 0),
    )  # fmt: skip


def supersede(execution: Execution, event: Overtaken, now: datetime, policy: Policy) -> Execution:
    who = f"Execution {event.by}" if event.by else "A newer execution"
    note = f"{who} took the stage; this one is left alone."
    if event.rolled_back:
        note = f"{ROLLED_BACK} (execution {event.by}); this one is left alone."
    return end(execution, now, policy, Status.SUPERSEDED, note)


def stop(execution: Execution, event: StageStopped | StageGone, now: datetime, policy: Policy) -> Execution:
    if isinstance(event, StageGone):
        return end(execution, now, policy, Status.STOPPED, f"{event.what}; there is nothing left to retry.")
    return end(execution, now, policy, Status.STOPPED, "The execution was stopped; it is left alone.")
