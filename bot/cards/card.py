"""The one Slack message an execution has, drawn from its state alone. Pure: the same state, the same message.

What the card says is in `bot.cards.text`; this file lays it out in Block Kit and decides the buttons.
Slack's limits (facts of docs.slack.dev): header 150, section text 3000, ten fields of 2000, context ten elements,
button value 2000, confirm title 100 and text 300, top-level text 4,000 for chat.update.
"""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from bot.cards import text as card_text
from bot.cards.closing import trail
from bot.cards.fields import fields
from bot.conditions import why_no_retry
from bot.model import Execution, ExecutionKey, FailedAction, Status
from bot.names import unreadable_health
from bot.overrides import can_be_overridden
from bot.policy import Policy
from bot.slack.mrkdwn import literal, mrkdwn, plain
from bot.slack.port import Message

CARD_EVENT_TYPE = "allclear_execution"  # the metadata a lost card is found again by

# The buttons' action_ids.
RETRY, OVERRIDE, DISMISS, UNDO = "retry", "override", "dismiss", "undo"
OPEN = "open"  # a plain link; Slack reports its clicks too, and nobody answers them

ACTIONS_SHOWN = 3
ERROR_LIMIT = 700  # characters of each error where a person has to read it; CodePipeline has the rest
ERROR_BESIDE = 250  # characters where an issue explains it already


def render(execution: Execution, policy: Policy, others: Sequence[ExecutionKey] = ()) -> Message:
    """The execution's card. Within every limit of Block Kit, whatever the state holds.

    `others` are the other executions that the same issues hold now; the caller looks them up as it draws.
    """
    first, second = card_text.paragraphs(execution, policy)
    shown = buttons(execution, policy)
    asks = execution.status is Status.NEEDS_HUMAN
    settled = not asks and execution.status is not Status.BLOCKED
    error = _failed_actions(execution)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain(card_text.headline(execution), 150)},
        {"type": "section", "text": mrkdwn(first)},
        _small(second) if settled else {"type": "section", "text": mrkdwn(second)},
        *(error if asks else ()),
        {
            "type": "section",
            "fields": [mrkdwn(f"*{label}*\n{value}") for label, value in fields(execution, policy, others)],
        },
        *(() if asks else error),
    ]
    if shown:
        blocks.append({"type": "actions", "elements": shown})
    offered = {button["action_id"] for button in shown}
    who = card_text.who_may_act(execution, policy, override=OVERRIDE in offered) if offered - {OPEN} else ""
    blocks += [_small(text) for text in (who, "\n".join(trail(execution))) if text]
    return Message(
        text=card_text.spoken(execution, policy, others, [button["text"]["text"] for button in shown], who),
        blocks=tuple(blocks),
        metadata={"event_type": CARD_EVENT_TYPE, "event_payload": {"key": str(execution.key)}},
    )


def _small(text: str) -> dict[str, Any]:
    """Small print, in one element: Slack sets several beside each other."""
    return {"type": "context", "elements": [mrkdwn(text)]}


def _failed_actions(execution: Execution) -> list[dict[str, Any]]:
    """Each failed action with its error, as rich_text: no markup in an error can mean anything there.

    What a gate says the card says already; an error of the past helps nobody.
    """
    actions = [action for action in execution.actions if action.gate_issues is None]
    if not actions or execution.status.finished or execution.status is Status.RETRYING:
        return []
    limit = ERROR_LIMIT if execution.status is Status.NEEDS_HUMAN else ERROR_BESIDE
    elements = [
        part for action in actions[:ACTIONS_SHOWN] for part in _failed_action(action, execution.key, limit)
    ]
    more = len(actions) - ACTIONS_SHOWN
    if more > 0:
        elements.append(_line(f"{more} more failed {'action' if more == 1 else 'actions'}."))
    return [{"type": "rich_text", "elements": elements}]


def _failed_action(action: FailedAction, key: ExecutionKey, limit: int) -> list[dict[str, Any]]:
    """JobFailed, the code of most failures, says nothing; nor does the pipeline's own Region."""
    where = " in ".join(
        part for part in (action.provider, action.region if action.region != key.region else "") if part
    )
    code = action.error_code if action.error_code != "JobFailed" else ""
    title = f"{f' ({where})' if where else ''} failed{f': {code}' if code else ''}"
    name = {"type": "text", "text": literal(action.name, 100), "style": {"bold": True}}
    error = {"type": "text", "text": literal(action.message, limit, lines=True)}
    return [
        _line(f" {literal(title, 200)}", name),
        *([{"type": "rich_text_preformatted", "elements": [error]}] if action.message.strip() else ()),
    ]


def _line(text: str, *before: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": [*before, {"type": "text", "text": text}]}


def buttons(execution: Execution, policy: Policy) -> list[dict[str, Any]]:
    """What may be clicked in this state; nothing that would be refused."""
    match execution.status:
        case _ if execution.waiting:  # nothing has failed: nothing to retry, and nothing to leave
            offered = [_override(execution)]
        case _ if execution.unfailed:
            offered = []
        case Status.BLOCKED | Status.NEEDS_HUMAN:
            retry = [] if why_no_retry(execution) else [_retry(execution, policy)]
            override = [_override(execution)] if can_be_overridden(execution) else []
            offered = [*retry, *override, _dismiss(execution)]
        case Status.RESUMING if execution.frozen:
            offered = [_retry(execution, policy), _dismiss(execution)]
        case Status.RESUMING:
            # Once claimed, CodePipeline is being asked this very moment: too late to say "don't".
            offered = [_dismiss(execution)] if execution.claim is None else []
        case Status.DISMISSED:
            return [_button(UNDO, "Undo", execution)]
        case _:
            offered = []
    url = "" if execution.status.finished else console_url(execution.key)
    if url:
        offered.append({"type": "button", "action_id": OPEN, "text": plain("Open in AWS", 75), "url": url})
    return offered


def _button(action_id: str, text: str, execution: Execution, **more: Any) -> dict[str, Any]:
    value = json.dumps({"key": str(execution.key), "version": execution.version}, ensure_ascii=False)
    return {"type": "button", "action_id": action_id, "text": plain(text, 75), "value": value, **more}


def _retry(execution: Execution, policy: Policy) -> dict[str, Any]:
    warnings = [card_text.retry_warning(execution)] if execution.blockers else []
    calendars = policy.calendars(execution.tags)
    warnings += [card_text.freeze_warning(calendars)] if calendars else []
    if not warnings:
        return _button(RETRY, "Retry now", execution, style="primary")
    unreadable = unreadable_health(execution.blockers)
    title = (
        "Retry without AWS Health?"
        if unreadable
        else "Retry while the issue is open?"
        if execution.blockers
        else "Retry without asking the change calendar?"
    )
    confirm = confirm_dialog(title, " ".join(warnings), "Retry now", "Keep waiting")
    return _button(RETRY, "Retry now", execution, style="primary", confirm=confirm)


def _override(execution: Execution) -> dict[str, Any]:
    """It asks for the reason in a modal, so it needs no confirm."""
    return _button(OVERRIDE, "Override…", execution, style="danger")


def _dismiss(execution: Execution) -> dict[str, Any]:
    text = f"Allclear will not retry {execution.key.stage} of {execution.key.pipeline}. Undo stays on the card."
    confirm = confirm_dialog("Don't resume this deploy?", text, "Don't resume", "Keep")
    return _button(DISMISS, "Don't resume", execution, confirm=confirm)


def confirm_dialog(title: str, text: str, yes: str, no: str) -> dict[str, Any]:
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
