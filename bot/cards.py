"""The one Slack message an execution has, drawn from its state alone. Pure: the same state, the same message.

What the card says is in `bot.card_text`; this file lays it out in Block Kit and decides the buttons.
Slack's limits (facts of docs.slack.dev): header 150, section text 3000, ten fields of 2000, context ten elements,
button value 2000, confirm title 100 and text 300, top-level text 4,000 for chat.update.
"""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from bot import card_text
from bot.model import ALLCLEAR, TRAIL_LENGTH, Entry, Execution, ExecutionKey, FailedAction, Status
from bot.mrkdwn import escape, literal, mention, mrkdwn, plain, slack_date
from bot.policy import Policy
from bot.ports import Message

CARD_EVENT_TYPE = "allclear_execution"  # the metadata a lost card is found again by

# The buttons' action_ids.
RETRY, DISMISS, UNDO = "retry", "dismiss", "undo"
OPEN = "open"  # a plain link; Slack reports its clicks too, and nobody answers them

ACTIONS_SHOWN = 3
ERROR_LIMIT = 700  # characters of each error on the card; CodePipeline has the rest


def render(execution: Execution, policy: Policy) -> Message:
    """The execution's card. Within every limit of Block Kit, whatever the state holds."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain(card_text.headline(execution), 150)},
        {"type": "section", "text": mrkdwn(card_text.why(execution))},
        {"type": "section", "text": mrkdwn(card_text.what_next(execution, policy))},
        {"type": "section", "fields": _fields(execution, policy)},
    ]
    if execution.actions and execution.status is not Status.RECOVERED:
        blocks.append(_failed_actions(execution.actions))
    trail = execution.trail[-TRAIL_LENGTH:]
    if trail:
        blocks.append({"type": "context", "elements": [mrkdwn(_trail_line(entry)) for entry in trail]})
    buttons = _buttons(execution)
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return Message(
        text=card_text.spoken(execution, policy),
        blocks=tuple(blocks),
        metadata={"event_type": CARD_EVENT_TYPE, "event_payload": {"key": str(execution.key)}},
    )


def _fields(execution: Execution, policy: Policy) -> list[dict[str, Any]]:
    key = execution.key
    fields = [
        mrkdwn(f"*Pipeline*\n{escape(key.pipeline)}"),
        mrkdwn(f"*Stage*\n{escape(key.stage)}"),
        mrkdwn(f"*Region and account*\n{escape(key.region)} · {escape(key.account)}"),
        mrkdwn(f"*Attempts*\n{card_text.attempts(execution, policy)}"),
    ]
    if execution.held_at is not None:
        fields.append(mrkdwn(f"*Held since*\n{slack_date(execution.held_at)}"))
    if not execution.waiting:
        fields.append(mrkdwn(f"*Failed*\n{slack_date(execution.failed_at)}"))
    issues = card_text.issues(execution)
    if issues:
        fields.append(mrkdwn(f"*AWS issue*\n{issues}"))
    if execution.revision:
        fields.append(plain(f"Commit: {execution.revision}", 200))
    return fields


def _failed_actions(actions: Sequence[FailedAction]) -> dict[str, Any]:
    """Each failed action with its error, as rich_text: no markup in an error can mean anything there."""
    elements: list[dict[str, Any]] = []
    for action in actions[:ACTIONS_SHOWN]:
        where = " in ".join(part for part in (action.provider, action.region) if part)
        title = f" failed{f' ({where})' if where else ''}{f': {action.error_code}' if action.error_code else ''}"
        elements.append(
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": literal(action.name, 100), "style": {"bold": True}},
                    {"type": "text", "text": f" {literal(title, 200)}"},
                ],
            }
        )
        error = {"type": "text", "text": literal(action.message, ERROR_LIMIT, lines=True)}
        if action.message.strip():
            elements.append({"type": "rich_text_preformatted", "elements": [error]})
    more = len(actions) - ACTIONS_SHOWN
    if more > 0:
        text = {"type": "text", "text": f"{more} more failed {'action' if more == 1 else 'actions'}."}
        elements.append({"type": "rich_text_section", "elements": [text]})
    return {"type": "rich_text", "elements": elements}


def _trail_line(entry: Entry) -> str:
    who = "" if entry.by == ALLCLEAR else f"{mention(entry.by)} "
    what = entry.what if who else entry.what[:1].upper() + entry.what[1:]
    return f"{slack_date(entry.at)}  {who}{escape(what, 220)}"


def _buttons(execution: Execution) -> list[dict[str, Any]]:
    """What may be clicked in this state; nothing that would be refused."""
    match execution.status:
        case _ if execution.waiting:  # nothing has failed: nothing to retry, and nothing to leave
            buttons = []
        case Status.BLOCKED | Status.NEEDS_HUMAN:
            buttons = [_retry(execution), _dismiss(execution)]
        case Status.RESUMING:
            # Once claimed, CodePipeline is being asked this very moment: too late to say "don't".
            buttons = [_dismiss(execution)] if execution.claim is None else []
        case Status.DISMISSED:
            return [_button(UNDO, "Undo", execution)]
        case _:
            buttons = []
    url = "" if execution.status.finished else console_url(execution.key)
    if url:
        buttons.append({"type": "button", "action_id": OPEN, "text": plain("Open in AWS", 75), "url": url})
    return buttons


def _button(action_id: str, text: str, execution: Execution, **more: Any) -> dict[str, Any]:
    value = json.dumps({"key": str(execution.key), "version": execution.version}, ensure_ascii=False)
    return {"type": "button", "action_id": action_id, "text": plain(text, 75), "value": value, **more}


def _retry(execution: Execution) -> dict[str, Any]:
    if not execution.blockers:
        return _button(RETRY, "Retry now", execution, style="primary")
    confirm = _confirm(
        "Retry while the issue is open?", card_text.retry_warning(execution), "Retry now", "Keep waiting"
    )
    return _button(RETRY, "Retry now", execution, style="primary", confirm=confirm)


def _dismiss(execution: Execution) -> dict[str, Any]:
    text = f"Allclear will not retry {execution.key.stage} of {execution.key.pipeline}. Undo stays on the card."
    confirm = _confirm("Don't resume this deploy?", text, "Don't resume", "Keep")
    return _button(DISMISS, "Don't resume", execution, confirm=confirm)


def _confirm(title: str, text: str, yes: str, no: str) -> dict[str, Any]:
    return {"title": plain(title, 100), "text": plain(text, 300), "confirm": plain(yes, 30), "deny": plain(no, 30)}


def console_url(key: ExecutionKey) -> str:
    """The execution in the AWS console, "" for a Region that is not spelled like one."""
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d{1,2}", key.region):
        return ""
    domain = {"cn": "console.amazonaws.cn", "us-gov": "console.amazonaws-us-gov.com"}.get(
        "us-gov" if key.region.startswith("us-gov-") else key.region[:2], "console.aws.amazon.com"
    )
    path = f"{quote(key.pipeline, safe='')}/executions/{quote(key.execution_id, safe='')}/timeline"
    return f"https://{key.region}.{domain}/codesuite/codepipeline/pipelines/{path}?region={key.region}"
