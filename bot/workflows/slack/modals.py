"""Ask for a reason in a modal, and carry out what comes back. Who may is asked before it opens and after."""

from datetime import datetime
from typing import Any

from bot.errors import SlackRefused, TriggerExpired, TryLater
from bot.slack.modals import REASON, outcome_modal
from bot.slack.mrkdwn import clean, escape
from bot.slack.requests import Submission
from bot.workflows import overriding
from bot.workflows.people import Came
from bot.workflows.slack.acting import told
from bot.workflows.slack.desk import Desk, Person, marker, refusal_of_person
from bot.workflows.slack.ignoring import ignore

CLICK_AGAIN = "That took too long for Slack to open the question. Please click again."
SUBMIT_AGAIN = "Allclear could not save that just now. Please submit it again in a moment."


def open_modal(desk: Desk, trigger_id: str, view: dict[str, Any]) -> str:
    """Open it; answers what the person must be told, "" when it is open. Raises TryLater."""
    try:
        desk.chat.open_view(trigger_id, view)
    except TriggerExpired:
        return CLICK_AGAIN
    except SlackRefused as refusal:
        return f"Slack does not open the question ({escape(refusal.error)}). Nothing was done."
    return ""


def handle_submission(desk: Desk, submission: Submission, now: datetime) -> dict[str, Any]:
    """What Slack shows next: an error beside the input, or what really happened."""
    if not clean(submission.reason):
        return _error("A reason is needed: it is kept, and shown.")
    try:
        came, text = _decide(desk, submission, now)
    except TryLater:
        return _error(SUBMIT_AGAIN)
    if came is Came.BUSY:
        return _error(SUBMIT_AGAIN)
    return {"response_action": "update", "view": outcome_modal(text)}


def _decide(desk: Desk, submission: Submission, now: datetime) -> tuple[Came, str]:
    """Everything is asked again: the modal was drawn for somebody who might, and some time ago."""
    person = Person(submission.team_id, submission.user_id, submission.user_team_id)
    refusal = refusal_of_person(desk, person)
    if refusal:
        return Came.REFUSED, refusal
    mark = marker(person.team_id, person.user_id, "view_submission", submission.view_id)
    if isinstance(submission.subject, str):
        return ignore(desk, submission.subject, person.user_id, submission.reason, now, marker=mark)
    result = overriding.override(
        desk.store,
        desk.chat,
        desk.policy,
        submission.subject,
        person.user_id,
        submission.reason,
        now,
        marker=mark,
        shown_version=submission.version,
    )
    return result.came, told(result)


def _error(text: str) -> dict[str, Any]:
    """Keeps the modal, and what was typed, as they are."""
    return {"response_action": "errors", "errors": {REASON: text}}
