"""The card's fields: what stands beside the sentences and is not in them. Pure; safe mrkdwn throughout."""

from collections.abc import Sequence
from dataclasses import replace

from bot.model import HEALTH_UNREADABLE, Blocker, Execution, ExecutionKey, Status
from bot.names import place
from bot.policy import Policy
from bot.slack.mrkdwn import bold, escape, slack_date

ISSUES_SHOWN = 5
OTHERS_SHOWN = 3
EXECUTION_SHOWN = 8  # characters of an execution's id, where its pipeline and stage do not tell it from others


def of_one_stage(one: ExecutionKey, other: ExecutionKey) -> bool:
    """Two executions in the same stage, as a PARALLEL pipeline has them: by name nobody can tell them apart."""
    return one != other and replace(one, execution_id=other.execution_id) == other


def short_id(key: ExecutionKey) -> str:
    """An execution's id as far as people read it, safe."""
    return escape(key.execution_id[:EXECUTION_SHOWN], 20)


def fields(
    execution: Execution, policy: Policy, others: Sequence[ExecutionKey] = ()
) -> tuple[tuple[str, str], ...]:
    """Label and value of each, in order."""
    key = execution.key
    place = f"{escape(key.stage, 120)} · {escape(key.region, 60)} · {escape(key.account, 40)}"
    if any(of_one_stage(other, key) for other in others):
        place += f" · execution {short_id(key)}"
    since = ("Failed", execution.failed_at) if execution.held_at is None else ("Held since", execution.held_at)
    if execution.hangs_since is not None:
        since = ("Running since", execution.hangs_since)
    told = [
        ("Stage", place),
        ("Commit", escape(execution.revision, 200)),
        (since[0], slack_date(since[1])),
        ("Attempts", attempts(execution, policy)),
        _issues(execution),
        ("Also held, when this card was last edited", _also_held(execution, others)),
    ]
    return tuple((label, value) for label, value in told if value)


def attempts(execution: Execution, policy: Policy) -> str:
    """How often it was retried, and how often it may be without anybody asking."""
    off = not execution.tags.auto_retry or not policy.max_automatic_retries
    if off:
        times = "1 retry" if execution.retries == 1 else f"{execution.retries or 'no'} retries"
        return f"{times[:1].upper()}{times[1:]}; automatic ones are off"
    most = policy.max_automatic_retries
    automatic = f"{execution.automatic_retries} of {most} automatic {'retry' if most == 1 else 'retries'}"
    if execution.retries == execution.automatic_retries:
        return automatic
    return f"{automatic}, {execution.retries} in all"


def _issues(execution: Execution) -> tuple[str, str]:
    """Of a single issue only its time: the reason names it. Of several each one, a line."""
    blockers = [
        blocker
        for blocker in execution.blockers or execution.attribution.blockers
        if blocker.issue != HEALTH_UNREADABLE
    ]
    if not blockers or (execution.status.finished and execution.status is not Status.DISMISSED):
        return "", ""
    if len(blockers) == 1:
        return "AWS issue open since" if execution.blockers else "AWS issue began", slack_date(
            blockers[0].start_at
        )
    more = len(blockers) - ISSUES_SHOWN
    lines = [issue_since(blocker) for blocker in blockers[:ISSUES_SHOWN]]
    return "AWS issues", "\n".join([*lines, f"and {more} more"] if more > 0 else lines)


def issue_since(blocker: Blocker) -> str:
    """An issue that holds it, in a line."""
    if blocker.issue == HEALTH_UNREADABLE:
        return f"AWS Health cannot be read since {slack_date(blocker.start_at)}"
    return f"{bold(blocker.service, 40)} {escape(place(blocker.region), 43)} since {slack_date(blocker.start_at)}"


def _also_held(execution: Execution, others: Sequence[ExecutionKey]) -> str:
    """Three names at most; where one is of another Region or account, or of this very stage, that is said."""
    if execution.status.finished or execution.status is Status.RETRYING:
        return ""
    rest = sorted(set(others) - {execution.key})
    shown = [_name(other, execution.key) for other in rest[:OTHERS_SHOWN]]
    more = f" and {len(rest) - OTHERS_SHOWN} more" if len(rest) > OTHERS_SHOWN else ""
    return ", ".join(shown) + more


def _name(key: ExecutionKey, here: ExecutionKey) -> str:
    elsewhere = [key.region] if key.region != here.region else []
    elsewhere += [key.account] if key.account != here.account else []
    where = f" ({escape(', '.join(elsewhere), 60)})" if elsewhere else ""
    if of_one_stage(key, here):
        where = f" (execution {short_id(key)})"
    return f"{escape(key.pipeline, 60)} → {escape(key.stage, 40)}{where}"
