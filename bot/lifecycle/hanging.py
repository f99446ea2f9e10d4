"""The steps of a deploy that runs longer than usual while an issue is open: shown, and never retried."""

from dataclasses import replace
from datetime import datetime

from bot.lifecycle.events import Released, StageHangs
from bot.lifecycle.state import next_state, unborn
from bot.model import Blocker, Execution, ExecutionKey, Status
from bot.policy import Policy


def begin_hanging(key: ExecutionKey, event: StageHangs, now: datetime, policy: Policy) -> Execution:
    """The first state of a stage that hangs before it ever failed: version 1."""
    return _hang(unborn(key, event.since_at, event.attribution, now), event, now, policy)


def hang_on(execution: Execution, event: StageHangs, now: datetime, policy: Policy) -> Execution:
    """It is known to hang: news only where something else is open now, or another action hangs too.

    A failure that is known stands: what showed the stage running was older.
    """
    known = execution.attribution
    same = known.reason == event.attribution.reason and execution.blockers == event.attribution.blockers
    if execution.hangs_since is None or same:
        return execution
    return next_state(
        execution, now, policy, "it still runs", evidence=event.attribution.reason,
        note="", blockers=event.attribution.blockers, attribution=event.attribution,
    )  # fmt: skip


def hang_again(execution: Execution, event: StageHangs, now: datetime, policy: Policy) -> Execution:
    """A stage that had passed was run anew. What began before that end is an answer that was behind."""
    if execution.finished_at is not None and event.since_at < execution.finished_at:
        return execution
    return _hang(execution, event, now, policy)


def retry_hangs(execution: Execution, event: StageHangs, now: datetime, policy: Policy) -> Execution:
    """A retry that runs for long is still a retry: its card says so, once."""
    reason = event.attribution.reason
    if execution.note == reason:
        return execution
    return next_state(execution, now, policy, "the retry runs longer than usual", evidence=reason, note=reason)


def run_on(
    execution: Execution, event: Released, left: tuple[Blocker, ...], now: datetime, policy: Policy
) -> Execution:
    """The all-clear has nothing to retry here."""
    note = "" if left else f"{event.why}, and the stage still runs."
    return next_state(execution, now, policy, f"{event.why}; it still runs", note=note, blockers=left)


def _hang(execution: Execution, event: StageHangs, now: datetime, policy: Policy) -> Execution:
    hung = replace(
        execution,
        actions=(),
        condition="",
        failed_at=event.since_at,
        held_at=None,
        released_at=None,
        retry=None,
        claim=None,
        tags=event.tags,
        revision=event.revision or execution.revision,
        hangs_since=event.since_at,
    )
    return next_state(
        hung, now, policy, f"{execution.key.stage} runs longer than usual", evidence=event.attribution.reason,
        status=Status.BLOCKED, note="", blockers=event.attribution.blockers, attribution=event.attribution,
        anew=True,
    )  # fmt: skip
