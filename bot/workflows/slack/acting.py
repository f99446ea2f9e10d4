"""The words that act: retry, override, ignore. The same decisions as the buttons'. Raises TryLater.

Each is carried out once: the request's own mark is saved with the state.
"""

from datetime import datetime

from bot.cards.card import OVERRIDE, RETRY
from bot.conditions import why_no_retry
from bot.lifecycle import RetryRequested
from bot.model import Execution, Status
from bot.overrides import can_be_overridden
from bot.slack.answers import IGNORE, UNIGNORE, Answer, deploy_line, which_deploy
from bot.slack.issue_answers import concerning, meant, still_ignored, which_issue
from bot.slack.mrkdwn import bold, escape
from bot.slack.words import Words
from bot.workflows import overriding
from bot.workflows.people import Came, Result, carry_out
from bot.workflows.slack.desk import Asked, Desk, marker_of, of_pipeline, refusal_of_person
from bot.workflows.slack.ignoring import NO_REASON, ignore, refusal_to_ignore, unignore
from bot.workflows.slack.reading import unknown_pipeline

CHECKED_AGAIN = "Its health gate checks again, and stops it again while what it named is open."
BUSY = "Others keep changing this deploy; nothing was done. Please ask again in a moment."
UNDO_WORD = "undo"


def retry(desk: Desk, asked: Asked, pipeline: str, now: datetime) -> Answer:
    """Retry a pipeline's one deploy that can be; asks back where there are several."""
    refusal = refusal_of_person(desk, asked.person)
    if refusal:
        return Answer(refusal, for_one=True)
    executions = of_pipeline(desk, pipeline)
    failed = [each for each in executions if each.hangs_since is None]
    waiting = [each for each in failed if each.status in (Status.BLOCKED, Status.RESUMING, Status.NEEDS_HUMAN)]
    waiting = [each for each in waiting if not why_no_retry(each)] or waiting[:1]
    if len(waiting) > 1:
        return which_deploy(RETRY, waiting)
    held = waiting or [each for each in executions if not each.status.finished][:1]
    if not held:
        return _nothing_to_do(desk, pipeline, executions, "is there to retry")
    by = asked.person.user_id
    key, mark = held[0].key, marker_of(asked, RETRY)
    result = carry_out(desk.store, desk.policy, key, lambda _: RetryRequested(by), now, marker=mark)
    return Answer(told(result), for_one=result.came is Came.BUSY)


def told(result: Result) -> str:
    """What came of it; behind a gate a retry that is owed says what will meet it."""
    if result.came is Came.BUSY:
        return BUSY
    execution = result.execution
    owed = execution is not None and execution.status is Status.RESUMING
    if owed and execution is not None and execution.stopped_by_gate and not _overridden(execution):
        return f"{result.text} {CHECKED_AGAIN}"
    return result.text


def _overridden(execution: Execution) -> bool:
    return execution.retry is not None and execution.retry.override


def override(desk: Desk, asked: Asked, words: Words, now: datetime) -> Answer:
    """Override what stops a pipeline's one deploy; asks back where there are several."""
    refusal = refusal_of_person(desk, asked.person)
    if refusal:
        return Answer(refusal, for_one=True)
    executions = of_pipeline(desk, words.subject)
    waiting = [each for each in executions if not each.status.finished]
    stopped = [each for each in waiting if can_be_overridden(each)]
    if not waiting:
        return _nothing_to_do(desk, words.subject, executions, "is there to override")
    by = asked.person.user_id
    refusals = [
        overriding.refusal_to_override(desk.chat, desk.policy, each, by) for each in stopped or waiting[:1]
    ]
    if all(refusals):
        return Answer(refusals[0], for_one=True)
    stopped = [each for each, refusal in zip(stopped, refusals, strict=True) if not refusal]
    if not words.rest:
        return Answer(f"{overriding.NO_REASON} Say `override {escape(words.subject, 100)}` and why.", for_one=True)
    if len(stopped) > 1:
        return which_deploy(OVERRIDE, stopped, words.rest)
    mark = marker_of(asked, OVERRIDE)
    result = overriding.override(
        desk.store, desk.chat, desk.policy, stopped[0].key, by, words.rest, now, marker=mark
    )
    return Answer(told(result), for_one=result.came in (Came.REFUSED, Came.BUSY))


def _nothing_to_do(desk: Desk, pipeline: str, executions: tuple[Execution, ...], what: str) -> Answer:
    if executions:
        last = deploy_line(executions[0], desk.policy)
        return Answer(f"Nothing of {bold(pipeline)} {what}, so nothing was done. Last: {last}")
    return unknown_pipeline(desk, pipeline, f"Nothing was done: no failure of {bold(pipeline)} is known.")


def ignore_issue(desk: Desk, asked: Asked, words: Words, now: datetime) -> Answer:
    """Ignore the issue that is meant, or stop ignoring it; asks back where it may be several."""
    refusal = refusal_of_person(desk, asked.person) or refusal_to_ignore(desk, asked.person.user_id)
    if refusal:
        return Answer(refusal, for_one=True)
    undo = words.rest.lower() == UNDO_WORD
    if not words.rest:
        return Answer(f"{NO_REASON} Say `ignore {escape(words.subject, 100)}` and why.", for_one=True)
    issues = [issue for issue in concerning(desk.store.ledger()) if still_ignored(issue) == undo]
    found = meant(words.subject, issues)
    if not found:
        which = "is ignored" if undo else "is open"
        text = (
            f"No issue that {which} goes by “{escape(words.subject, 100)}”. `issues` lists them. Nothing was done."
        )
        return Answer(text, for_one=True)
    if len(found) > 1:
        return which_issue(words.subject, found, UNIGNORE if undo else IGNORE, "" if undo else words.rest)
    by, key = asked.person.user_id, found[0].key
    if undo:
        came, text = unignore(desk, key, by, now, marker=marker_of(asked, UNIGNORE))
    else:
        came, text = ignore(desk, key, by, words.rest, now, marker=marker_of(asked, IGNORE))
    return Answer(text, for_one=came in (Came.REFUSED, Came.BUSY))
