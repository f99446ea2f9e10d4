"""A gate that waits: what its continuation token says, how long it may wait, and what it answers. Pure.

Each continuation is a new job that brings the token back. A job with tokens may last 24 hours in all (AWS Lambda
invoke action, "Quotas"); how soon CodePipeline sends the next job AWS does not say.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.gate import GATE_MESSAGE_PREFIX, MESSAGE_LIMIT, GateAnswer

LONGEST = timedelta(hours=24) - timedelta(minutes=15)
"""The wait ends itself before CodePipeline ends it: a time-out of CodePipeline's would not say what is open."""

LOST_AFTER = timedelta(minutes=10)
"""No job for so long: an answer or the next job got lost. CodePipeline gives up after 20 minutes."""

_TOKEN = re.compile(r"since-([0-9]{1,12})")


def token_of(since_at: datetime) -> str:
    """What brings the beginning of the wait back, to the second."""
    return f"since-{int(since_at.timestamp())}"


def began_at(token: str, now: datetime) -> datetime:
    """When the wait began, to the second, as its token tells it: `now` for a first job, and for a token that is
    none of ours or of no sense.
    """
    now = now.replace(microsecond=0)
    match = _TOKEN.fullmatch(token)
    at = datetime.fromtimestamp(int(match[1]), UTC) if match and int(match[1]) < 1 << 33 else now
    return at if now - timedelta(days=2) < at <= now else now


def wait_summary(stop: GateAnswer) -> str:
    """What the action shows in CodePipeline while it waits."""
    return f"Waiting. {stop.stopped_by} See the card in Slack."


def time_is_up(stop: GateAnswer, since_at: datetime, now: datetime) -> GateAnswer:
    """The failure before the 24-hour limit. The stage is then held and retried as any that the gate stopped."""
    hours = (now - since_at) / timedelta(hours=1)
    message = (
        f"{GATE_MESSAGE_PREFIX} it has waited for {hours:.1f} hours, and CodePipeline lets no action wait for "
        f"more than 24. {stop.stopped_by} Allclear holds the stage from here on; see the card in Slack."
    )
    return GateAnswer(
        passes=False,
        message=message[:MESSAGE_LIMIT],
        external_execution_id=stop.external_execution_id,
        stopped_by=stop.stopped_by,
        issues=stop.issues,
    )


def no_waiting_in_a_condition(stop: GateAnswer) -> GateAnswer:
    """What a continuation token does to a LambdaInvoke rule is not documented: it might let the deploy in."""
    beside = " A gate that is a stage condition cannot wait, whatever its mode: it stops."
    return replace(stop, message=stop.message[: MESSAGE_LIMIT - len(beside)] + beside)


def being_stopped() -> GateAnswer:
    """The execution is to stop as soon as its running actions end, of which the waiting gate is one."""
    return GateAnswer(
        passes=False, message="Allclear's health gate ends its wait: the execution is being stopped."
    )


def why_it_waits(stop: GateAnswer) -> str:
    """The card's sentence."""
    return f"The health gate waits. {stop.stopped_by} {stop.caveat}".rstrip()
