"""What a card says of a deploy that a gate keeps waiting. Pure; the text is safe mrkdwn."""

from bot.model import HEALTH_UNREADABLE, Execution, Status
from bot.mrkdwn import duration_text, on_call, slack_date
from bot.policy import Policy


def waiting_next(execution: Execution, policy: Policy) -> str:
    """When the gate lets it through, how long it can wait, and how to end it sooner."""
    if execution.status is Status.NEEDS_HUMAN:
        called = on_call(policy.on_call_mention)
        whom = f" On call: {called}." if called else ""
        return (
            "CodePipeline fails the gate's action by itself if nobody answers it for long; this card will say "
            f"what follows. To end it now, stop the execution in CodePipeline.{whom}"
        )
    if any(blocker.issue == HEALTH_UNREADABLE for blocker in execution.blockers):
        when = "AWS Health can be read again and shows nothing open there"
    elif execution.blockers:
        issues = (
            "the AWS issue is" if len(execution.blockers) < 2 else f"all {len(execution.blockers)} AWS issues are"
        )
        when = f"{issues} closed and {duration_text(policy.settle)} have passed quietly"
    else:
        when = "it looks again, within a minute or so"
    until = slack_date(execution.waits_until) if execution.waits_until is not None else "tomorrow"
    return (
        f"Nothing has failed and nothing needs a retry: the gate lets the deploy through once {when}. It can wait "
        f"until {until}; then it fails, and this card says what follows. "
        "Override lets it pass now; to give the deploy up, stop the execution in CodePipeline."
    )
