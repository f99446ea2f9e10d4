"""Let an AWS issue hold nothing any more, and take that back: one decision for word, button and modal."""

import logging
from datetime import datetime

from bot.errors import DuplicateClick, IllegalTransition, VersionConflict
from bot.issue_events import Ignored, IssueEvent, Unignored
from bot.issues import advance_issue
from bot.model import HEALTH_UNREADABLE, Issue, PipelineTags
from bot.overrides import REASON_LIMIT
from bot.slack.issue_answers import issue_name
from bot.slack.mrkdwn import clean, cut, mention
from bot.workflows.overriding import refusal_by_the_list
from bot.workflows.people import CLICK_KEPT, SAVE_ATTEMPTS, Came
from bot.workflows.slack.desk import Desk

logger = logging.getLogger(__name__)

NO_REASON = "Ignoring an issue needs a reason: it is kept, and shown wherever the issue is. Nothing was done."
UNKNOWN = "Allclear does not know this issue (any more), so it did nothing. `/allclear issues` lists them."
OURS = "That AWS Health cannot be read is no issue of AWS's: it ends with the first good read. Nothing was done."

Outcome = tuple[Came, str]


def ignore(desk: Desk, key: str, by: str, reason: str, now: datetime, *, marker: str) -> Outcome:
    """Save that it is ignored; the sweep releases what it held. Raises TryLater.

    The caller has seen that the person is a full member of this workspace.
    """
    given = cut(clean(reason), REASON_LIMIT)
    refusal = refusal_to_ignore(desk, by) or ("" if given else NO_REASON)
    return (Came.REFUSED, refusal) if refusal else _carry_out(desk, key, Ignored(by, given), now, marker)


def unignore(desk: Desk, key: str, by: str, now: datetime, *, marker: str) -> Outcome:
    """What is still open at AWS holds again. Raises TryLater."""
    refusal = refusal_to_ignore(desk, by)
    if refusal:
        return Came.REFUSED, refusal
    outcome = _carry_out(desk, key, Unignored(), now, marker)
    if outcome[0] is Came.DONE:
        logger.info("issue %s is no longer ignored, by %s", key, by)
    return outcome


def refusal_to_ignore(desk: Desk, by: str) -> str:
    """An issue is no pipeline's own, so no pipeline's tag narrows who may."""
    refusal = refusal_by_the_list(desk.chat, desk.policy, PipelineTags(), by)
    return f"Ignoring an issue takes the right to override. {refusal}" if refusal else ""


def _carry_out(desk: Desk, key: str, event: IssueEvent, now: datetime, marker: str) -> Outcome:
    if key == HEALTH_UNREADABLE:
        return Came.IMPOSSIBLE, OURS
    for _ in range(SAVE_ATTEMPTS):
        issue = desk.store.load_issue(key)
        if issue is None:
            return Came.UNKNOWN, UNKNOWN
        try:
            after = advance_issue(issue, event, now, desk.policy)
        except IllegalTransition:
            return Came.IMPOSSIBLE, f"That is not possible now, so nothing was done. {stands(issue)}"
        if after is issue:
            return Came.NOTHING, f"Nothing had to be done. {stands(issue)}"
        try:
            desk.store.save_issue(after, click=marker, click_expires_at=now + CLICK_KEPT)
        except VersionConflict:
            continue
        except DuplicateClick:
            return Came.DUPLICATE, f"That was already carried out. {stands(issue)}"
        if isinstance(event, Ignored):
            logger.info("issue %s is ignored by %s", key, event.by)
        return Came.DONE, f"Done. {stands(after)}"
    return Came.BUSY, "Others keep changing this issue; nothing was done. Please ask again in a moment."


def stands(issue: Issue) -> str:
    """Where it stands, in one sentence."""
    if issue.ignored_by:
        return f"{issue_name(issue)}, is ignored by {mention(issue.ignored_by)} and holds nothing any more."
    return f"{issue_name(issue)}, {'counts: it holds what it explains' if issue.open else 'is over'}."
