"""What a card says: status, reason, what happens next and who may act, in sentences. Pure.

Every function answers text that is already safe mrkdwn, except `headline` and `retry_warning`, which are plain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot import overrides
from bot.cards.advice import advice
from bot.cards.closing import how_it_passed, how_long_it_was_held, last_word, trail
from bot.cards.fields import fields
from bot.cards.hanging import HANGS, hanging_next
from bot.cards.waiting import waiting_next
from bot.conditions import why_no_retry
from bot.lifecycle.holding import ROLLED_BACK
from bot.model import ALLCLEAR, Execution, ExecutionKey, Status, Verdict
from bot.names import issue_at, unreadable_health
from bot.policy import Policy
from bot.slack.mrkdwn import (
    TEXT_LIMIT,
    bold,
    clean,
    cut,
    escape,
    mention,
    on_call_sentence,
    settled_after,
    slack_date,
    unlinked,
)

WHO_MAY_ACT = "Any full member of this workspace may act (no guests, no outsiders)."
ERROR_SPOKEN = 300  # characters

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


def status_word(execution: Execution) -> str:
    """The status in a word or three: what hangs and what was rolled back have names of their own."""
    if execution.hangs_since is not None:
        return HANGS
    return "rolled back" if execution.note.startswith(ROLLED_BACK) else STATUS_WORDS[execution.status]


def headline(execution: Execution) -> str:
    """ "web → Deploy: held", plain text."""
    key = execution.key
    return f"{cut(clean(key.pipeline), 64)} → {cut(clean(key.stage), 64)}: {status_word(execution)}"


def paragraphs(execution: Execution, policy: Policy) -> tuple[str, ...]:
    """What is said under the header, the most urgent first: why it waits, or where it has got to."""
    first, second = why(execution), what_next(execution, policy)
    if execution.status in (Status.BLOCKED, Status.NEEDS_HUMAN):
        return first, second
    plan = execution.retry
    if execution.claim is None and plan is not None and plan.opens_at is not None:
        first = why(replace(execution, note=""))  # `second` begins with it: a calendar is closed, until when
    return second, first


def why(execution: Execution) -> str:
    """Why it stands where it stands: the status's own note, attribution's sentence, what cannot be confirmed."""
    attribution = execution.attribution
    reason = escape(attribution.reason, 700)
    explained = attribution.verdict in (Verdict.EXPLAINED, Verdict.UNREADABLE)
    is_so_now = bool(execution.blockers) if explained else True
    if reason and not (is_so_now and execution.status in (Status.BLOCKED, Status.NEEDS_HUMAN)):
        seen = execution.held_at is not None or execution.actions
        was = "failed" if not explained else "was held" if seen else "was shown"
        reason = f"Why it {was}: {reason}"  # the reason's "open" is history by now
    caveat = "" if execution.status.finished else escape(attribution.caveat, 400)
    sentences = [_note(execution), reason, caveat]
    return " ".join(sentence for sentence in sentences if sentence) or "The stage failed."


def _note(execution: Execution) -> str:
    """The ends' notes are what `what_next` begins with."""
    return "" if execution.status.finished else _sentence(execution.note)


def _sentence(text: str) -> str:
    """Foreign words as a sentence: what CodePipeline or Health answered often ends without a full stop."""
    escaped = escape(text, 400)
    return escaped if not escaped or escaped[-1] in ".!?…" else f"{escaped}."


def what_next(execution: Execution, policy: Policy) -> str:
    """What happens next and when, in each reader's own time; for a person, what to do."""
    if execution.waiting:
        return waiting_next(execution, policy)
    if execution.hangs_since is not None:
        return hanging_next(execution)
    match execution.status:
        case Status.BLOCKED:
            sentences = [_until_the_all_clear(execution, policy), _checked_again(execution)]
        case Status.RESUMING:
            sentences = [_resuming(execution)]
        case Status.RETRYING:
            sentences = ["The stage runs again; this card will say how it ends."]
        case Status.NEEDS_HUMAN:
            sentences = [
                f"*What to do:* {advice(execution, policy)}",
                _checked_again(execution),
                on_call_sentence(policy.on_call_mention),
            ]
        case Status.RECOVERED:
            sentences = [how_it_passed(execution)]
        case Status.SUPERSEDED | Status.STOPPED:
            sentences = [_sentence(execution.note) or "It is over.", how_long_it_was_held(execution)]
        case Status.DISMISSED:
            who = last_word(execution)
            sentences = [f"{who}." if who else "", "*Allclear will not retry it.* Undo takes that back."]
    return " ".join(sentence for sentence in sentences if sentence)


def _until_the_all_clear(execution: Execution, policy: Policy) -> str:
    retried = execution.tags.auto_retry and policy.max_automatic_retries > 0
    then = "Allclear retries it by itself" if retried else "Allclear asks a person to retry"
    if why_no_retry(execution):
        then = "Allclear asks a person"
    elif execution.condition and retried:
        then = "Allclear checks the gate again and lets the deploy pass by itself"
    if unreadable_health(execution.blockers):
        when = "once AWS Health can be read again and shows nothing open that explains this"
    else:
        count = len(execution.blockers)
        issues = "the issue" if count < 2 else f"all {count} issues"
        when = f"{settled_after(policy.settle)} AWS closes {issues}"
    if policy.is_shadow(execution.tags) and not why_no_retry(execution):
        then = "Shadow mode: Allclear says that it would retry, and asks a person to,"
    sentence = f"*{then}* {when}."
    if execution.held_at is not None:
        sentence += f" Still held at {slack_date(execution.held_at + policy.max_age)}: a person is asked."
    return sentence


def _checked_again(execution: Execution) -> str:
    if why_no_retry(execution):
        return "" if execution.note == why_no_retry(execution) else escape(why_no_retry(execution), 400)
    return "The health gate checks again on a retry." if execution.stopped_by_gate else ""


def _resuming(execution: Execution) -> str:
    plan = execution.retry
    if execution.claim is not None or plan is None:
        return f"CodePipeline is being asked to {_owed(execution, 'retry the stage', 'let the deploy pass')}."
    if plan.calendar:
        calendar = bold(plan.calendar, 130)
        until = f"until {slack_date(plan.opens_at)}" if plan.opens_at else "for now"
        return (
            f"The change calendar {calendar} is closed {until}. *Allclear retries the stage when it opens*, if "
            "all else is as it should be. *Retry now* passes the freeze, *Don't resume* ends the wait."
        )
    by_person = last_word(execution) or f"{mention(plan.requested_by)} asked for it"
    asked = "The all-clear is here" if plan.requested_by == ALLCLEAR else by_person
    does = _owed(execution, "retries the stage", "checks the gate again and lets the deploy pass")
    if plan.override:
        does = _owed(execution, "retries the stage", "lets the deploy pass")
    return (
        f"{asked}: *Allclear {does}* at {slack_date(plan.not_before_at)} or soon after. "
        "Until then *Don't resume* stops it."
    )


def _owed(execution: Execution, retry: str, passing: str) -> str:
    """What CodePipeline is asked for: a retry, or to pass a condition."""
    return passing if execution.passes_condition else retry


def who_may_act(execution: Execution, policy: Policy, *, override: bool) -> str:
    """Said where there are buttons, and of Override where that is one of them.

    The people who may override are not mentioned: a mention in a new card would wake all of them.
    """
    if not override:
        return WHO_MAY_ACT
    return f"{WHO_MAY_ACT} {overrides.where_overriders_are_named(policy, execution.tags)}"


def retry_warning(execution: Execution) -> str:
    """The native confirm's text, plain: what a retry with an open issue means."""
    if unreadable_health(execution.blockers):
        warning = (
            "AWS Health cannot be read, so nobody can tell whether an issue is open. The stage may fail again."
        )
    else:
        names = ", ".join(issue_at(blocker.service, blocker.region) for blocker in execution.blockers[:2])
        more = f" and {len(execution.blockers) - 2} more" if len(execution.blockers) > 2 else ""
        warning = f"Still open: {cut(clean(names), 120)}{more}. The stage may fail again."
    gate = " The health gate checks again and stops it while its issues are open."
    return warning + gate if execution.stopped_by_gate else warning


def freeze_warning(calendars: Sequence[str]) -> str:
    """The native confirm's text where change calendars count, plain: a person's retry does not ask them."""
    named = cut(clean(", ".join(calendars)), 150)
    return f"A retry that a person asks for does not wait for a change freeze (calendar {named})."


def spoken(
    execution: Execution,
    policy: Policy,
    others: Sequence[ExecutionKey] = (),
    buttons: Sequence[str] = (),
    who: str = "",
) -> str:
    """The top-level text: all a screen reader gets, the most urgent first. What does not fit is left out whole.

    `buttons` are the words on the card's buttons, `who` says who may click them.
    """
    errors = [
        f"{escape(action.name, 100)} failed: {escape(action.message, ERROR_SPOKEN)}."
        for action in execution.actions[:1]
        if action.message.strip() and action.gate_issues is None and not execution.status.finished
    ]
    parts = [
        f"{escape(headline(execution), 300)}.",
        *paragraphs(execution, policy),
        f"Buttons: {', '.join(buttons)}. {who}" if buttons else "",
        *(f"{label}: {value}.".replace("\n", "; ") for label, value in fields(execution, policy, others)),
        *errors,
        *(f"{line}." for line in trail(execution)[-1:]),
    ]
    return _fitting(unlinked(part) for part in parts if part)


def _fitting(parts: Iterable[str]) -> str:
    text = ""
    for part in parts:
        longer = f"{text} {part}" if text else part
        text = longer if len(longer) <= TEXT_LIMIT else text
    return text
