"""What a card says: status, reason, what happens next and who may act, in sentences. Pure.

Every function answers text that is already safe mrkdwn, except `headline` and `retry_warning`, which are plain.
"""

from datetime import datetime

from bot.card_waiting import waiting_next
from bot.model import ALLCLEAR, HEALTH_UNREADABLE, Blocker, Execution, Status, Verdict
from bot.mrkdwn import bold, clean, cut, duration_text, escape, mention, on_call, slack_date
from bot.policy import Policy

WHO_MAY_ACT = "Any full member of this workspace may act (no guests, no outsiders)."
ISSUES_SHOWN = 5

STATUS_WORDS = {
    Status.BLOCKED: "held",
    Status.RESUMING: "resuming",
    Status.RETRYING: "retrying",
    Status.NEEDS_HUMAN: "needs a person",
    Status.RECOVERED: "recovered",
    Status.SUPERSEDED: "superseded",
    Status.STOPPED: "stopped",
    Status.DISMISSED: "dismissed",
}


def headline(execution: Execution) -> str:
    """ "web → Deploy: held", plain text."""
    key = execution.key
    return f"{cut(clean(key.pipeline), 64)} → {cut(clean(key.stage), 64)}: {STATUS_WORDS[execution.status]}"


def why(execution: Execution) -> str:
    """Why it stands where it stands: the status's own note, attribution's sentence, what cannot be confirmed."""
    attribution = execution.attribution
    reason = escape(attribution.reason, 700)
    explained = attribution.verdict in (Verdict.EXPLAINED, Verdict.UNREADABLE)
    is_so_now = bool(execution.blockers) if explained else True
    if reason and not (is_so_now and execution.status in (Status.BLOCKED, Status.NEEDS_HUMAN)):
        reason = (
            f"Why it {'was held' if explained else 'failed'}: {reason}"  # the reason's "open" is history by now
        )
    sentences = [escape(execution.note, 400), reason, escape(attribution.caveat, 400)]
    return " ".join(sentence for sentence in sentences if sentence) or "The stage failed."


def what_next(execution: Execution, policy: Policy) -> str:
    """What happens next and when, in each reader's own time, and who may act."""
    if execution.waiting:
        return waiting_next(execution, policy)
    match execution.status:
        case Status.BLOCKED:
            return f"{_until_the_all_clear(execution, policy)} {_may_click(execution)}"
        case Status.RESUMING:
            return _resuming(execution)
        case Status.RETRYING:
            return "CodePipeline accepted the retry and the stage runs; this card will say how it ends."
        case Status.NEEDS_HUMAN:
            called = on_call(policy.on_call_mention)
            whom = f" On call: {called}." if called else ""
            return f"{_unless_explained(execution, policy)} {_may_click(execution)}{whom}"
        case Status.RECOVERED:
            return _how_long(execution)
        case Status.SUPERSEDED:
            return "Nothing is left to do here; the newer execution goes its own way."
        case Status.STOPPED:
            return "Nothing is left to do here; Allclear will not retry it."
        case Status.DISMISSED:
            return f"Allclear will not resume it. Undo takes that back. {WHO_MAY_ACT}"


def _unless_explained(execution: Execution, policy: Policy) -> str:
    if execution.attribution.verdict is not Verdict.UNEXPLAINED:
        return "Nothing happens by itself now."
    until = slack_date(execution.failed_at + policy.late_issue)
    return f"Nothing happens by itself now, unless AWS announces an issue that explains it before {until}."


def _until_the_all_clear(execution: Execution, policy: Policy) -> str:
    if any(blocker.issue == HEALTH_UNREADABLE for blocker in execution.blockers):
        what = "AWS Health can be read again and shows nothing open that explains this"
    else:
        issues = "the AWS issue" if len(execution.blockers) < 2 else f"all {len(execution.blockers)} AWS issues"
        closed = "is closed" if len(execution.blockers) < 2 else "are closed"
        what = f"{issues} {closed} and {duration_text(policy.settle)} have passed quietly"
    then = (
        "Allclear retries the stage by itself" if execution.tags.auto_retry else "Allclear asks a person to retry"
    )
    sentence = f"{then} once {what}."
    if execution.held_at is not None:
        sentence += f" If it is still held at {slack_date(execution.held_at + policy.max_age)}, a person is asked."
    return sentence


def _may_click(execution: Execution) -> str:
    gate = " The health gate checks again on a retry." if execution.stopped_by_gate else ""
    return f"Retry now, or choose Don't resume: {WHO_MAY_ACT[0].lower()}{WHO_MAY_ACT[1:]}{gate}"


def _resuming(execution: Execution) -> str:
    plan = execution.retry
    if execution.claim is not None or plan is None:
        return "CodePipeline is being asked to retry the stage."
    asked = (
        "The all-clear is here" if plan.requested_by == ALLCLEAR else f"{mention(plan.requested_by)} asked for it"
    )
    return (
        f"{asked}: Allclear retries the stage at {slack_date(plan.not_before_at)} or soon after. "
        f"Until then Don't resume stops it. {WHO_MAY_ACT}"
    )


def _how_long(execution: Execution) -> str:
    """The closing line: how long it was held, and how long after the all-clear it resumed."""
    passed_at = execution.finished_at
    if passed_at is None:
        return "The stage passed."
    if execution.held_at is None:
        return f"The stage passed at {slack_date(passed_at)}."
    resumed_at = _resumed_at(execution)
    held_until_at = execution.released_at or resumed_at or passed_at
    held = f"It was held for {duration_text(held_until_at - execution.held_at)}"
    if execution.released_at is None:
        return f"{held} and passed at {slack_date(passed_at)}."
    if resumed_at is None or resumed_at < execution.released_at:
        after = duration_text(passed_at - execution.released_at)
        return f"{held} and passed {after} after the all-clear, at {slack_date(passed_at)}."
    after = duration_text(resumed_at - execution.released_at)
    return f"{held}, resumed {after} after the all-clear, and passed at {slack_date(passed_at)}."


def _resumed_at(execution: Execution) -> datetime | None:
    """When the last retry was accepted, if the trail still reaches back to it."""
    return max((entry.at for entry in execution.trail if entry.status is Status.RETRYING), default=None)


def attempts(execution: Execution, policy: Policy) -> str:
    automatic = f"{execution.automatic_retries} of {policy.max_automatic_retries} automatic retries"
    return (
        f"{automatic}, {execution.retries} in all"
        if execution.retries != execution.automatic_retries
        else automatic
    )


def issues(execution: Execution) -> str:
    """The issues that hold it, or that explained it; one a line."""
    blockers = execution.blockers or execution.attribution.blockers
    shown = [_issue(blocker) for blocker in blockers[:ISSUES_SHOWN]]
    more = len(blockers) - ISSUES_SHOWN
    return "\n".join([*shown, f"and {more} more"] if more > 0 else shown)


def _issue(blocker: Blocker) -> str:
    if blocker.issue == HEALTH_UNREADABLE:
        return "AWS Health cannot be read"
    name = f"{bold(blocker.service, 40)} in {escape(blocker.region, 40)}"
    return f"{name} ({escape(blocker.type_code, 80)}) since {slack_date(blocker.start_at)}"


def retry_warning(execution: Execution) -> str:
    """The native confirm's text, plain: what a retry with an open issue means."""
    names = ", ".join(f"{blocker.service} in {blocker.region}" for blocker in execution.blockers[:2])
    more = f" and {len(execution.blockers) - 2} more" if len(execution.blockers) > 2 else ""
    warning = f"Still open: {cut(clean(names), 120)}{more}. The stage may fail again."
    gate = " The health gate checks again and stops it while its issues are open."
    return warning + gate if execution.stopped_by_gate else warning


def spoken(execution: Execution, policy: Policy) -> str:
    """The top-level text: all a screen reader gets. Under 4,000 characters, as chat.update demands."""
    key = execution.key
    where = f"{escape(key.region, 60)}, account {escape(key.account, 40)}"
    named = issues(execution).replace("\n", "; ")
    parts = [
        f"{escape(headline(execution), 200)} ({where}).",
        why(execution),
        what_next(execution, policy),
        f"AWS issue: {named}." if named else "",
    ]
    return " ".join(part for part in parts if part)
