"""What a person should do, concretely, when one is asked. Pure; safe mrkdwn throughout."""

from bot.conditions import why_no_retry
from bot.lifecycle.retrying import CHANGED, RETRY_LOST, RETRY_REFUSED, WAY_CLOSED
from bot.model import Execution, Verdict
from bot.policy import Policy
from bot.slack.mrkdwn import slack_date

_BY_CODE = {
    "ConfigurationError": (
        "Correct the action's configuration. A retry would run the pipeline as it was: release it anew."
    ),
    "PermissionError": "Read the error. Grant what it asks for, then *Retry now*.",
}


def advice(execution: Execution, policy: Policy) -> str:
    """By the reason it needs a person, the most particular first."""
    if why_no_retry(execution):
        return (
            "Look at what the rule checks. If it may be passed all the same, *Override…* passes it; if not, "
            "*Don't resume*. A new execution is checked anew."
        )
    if execution.note.startswith(RETRY_REFUSED) and execution.note.endswith(CHANGED):
        return "*Open in AWS* and release the change anew: it runs in the pipeline as it is now."
    if execution.note.startswith(RETRY_REFUSED):
        return "*Open in AWS* and look why. *Retry now* asks again; a changed pipeline needs a new release."
    if execution.note == RETRY_LOST:
        return "*Open in AWS* and look whether the stage runs. If it does not, *Retry now*."
    if execution.note.startswith(WAY_CLOSED):  # the note says how to open it
        return "Find out first why it was disabled; nothing goes in until somebody enables it."
    if execution.attribution.verdict is Verdict.OWN:
        return _own(execution)
    if execution.attribution.verdict is Verdict.UNEXPLAINED:
        return _unexplained(execution, policy)
    if _waited_too_long(execution, policy):
        return "Make sure that this change should still go out. Then *Retry now*; if not, *Don't resume*."
    if execution.automatic_retries >= policy.max_automatic_retries and execution.note:
        return _spent(execution)
    if execution.blockers:
        return "The issue is still open: *Retry now* may fail again. Waiting costs nothing."
    return "What held it is over: *Retry now* when it suits you."


def _own(execution: Execution) -> str:
    if any(action.category == "Approval" or action.provider == "Manual" for action in execution.actions):
        return "Nothing is broken. *Retry now* asks for the approval again; if the no stands, *Don't resume*."
    codes = [action.error_code for action in execution.actions]
    known = next((_BY_CODE[code] for code in codes if code in _BY_CODE), "")
    return known or "Read the error, fix it and push. If it was a fluke, *Retry now*."


def _unexplained(execution: Execution, policy: Policy) -> str:
    until = slack_date(execution.failed_at + policy.late_issue)
    return (
        "Read the error. If it is yours, fix it and push. If it looks like AWS, *Retry now*, or wait: Allclear "
        f"takes over if AWS announces an issue that explains it before {until}."
    )


def _waited_too_long(execution: Execution, policy: Policy) -> bool:
    return execution.held_at is not None and execution.entered_at - execution.held_at >= policy.max_age


def _spent(execution: Execution) -> str:
    if execution.blockers:
        return (
            "The issue is still open, so *Retry now* may well fail again. Better wait until AWS closes it, which "
            "this card will say."
        )
    return "No issue holds it any more. Read the error, then *Retry now*: a click costs no budget."
