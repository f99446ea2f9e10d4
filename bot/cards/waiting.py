"""What a card says of a deploy that a gate keeps waiting. Pure; the text is safe mrkdwn."""

from bot.model import Execution, Status
from bot.names import unreadable_health
from bot.policy import Policy
from bot.slack.mrkdwn import and_settled, on_call_sentence, slack_date


def waiting_next(execution: Execution, policy: Policy) -> str:
    """When the gate lets it through, how long it can wait, and how to end it sooner."""
    if execution.status is Status.NEEDS_HUMAN:
        called = on_call_sentence(policy.on_call_mention)
        return (
            "CodePipeline fails the gate's action by itself if nobody answers it for long; this card will say "
            f"what follows. To end it now, stop the execution in CodePipeline. {called}"
        ).rstrip()
    if unreadable_health(execution.blockers):
        when = "AWS Health can be read again and shows nothing open there"
    elif execution.blockers:
        issues = (
            "the AWS issue is" if len(execution.blockers) < 2 else f"all {len(execution.blockers)} AWS issues are"
        )
        when = f"{issues} closed{and_settled(policy.settle)}"
    else:
        when = "it looks again, within a minute or so"
    until = slack_date(execution.waits_until) if execution.waits_until is not None else "tomorrow"
    return (
        f"Nothing has failed and nothing needs a retry: the gate lets the deploy through once {when}. It can wait "
        f"until {until}; then it fails, and this card says what follows. "
        "Override lets it pass now; to give the deploy up, stop the execution in CodePipeline."
    )
