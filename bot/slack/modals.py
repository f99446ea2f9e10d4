"""The modal that asks for a reason: to override what stops a deploy, or to ignore an issue. Pure."""

import json
from typing import Any

from bot.cards.fields import issue_since
from bot.model import Execution, Issue
from bot.overrides import OVERRIDE_LASTS, REASON_LIMIT, what_stopped
from bot.slack.answers import deploy_name
from bot.slack.issue_answers import issue_name
from bot.slack.mrkdwn import clean, cut, mrkdwn, plain

OVERRIDE_VIEW, IGNORE_VIEW = "override", "ignore"  # callback_ids
REASON = "reason"  # the block's and the input's name
ISSUES_SHOWN = 5


def override_modal(execution: Execution, reason: str = "") -> dict[str, Any]:
    """Names what is overridden, and what is open all the same."""
    blockers = execution.blockers or execution.attribution.blockers
    minutes = int(OVERRIDE_LASTS.total_seconds() // 60)
    text = (
        f"{deploy_name(execution)} passes {what_stopped(execution)}, once: this execution and this stage only, "
        f"for {minutes} minutes. Who did it and why is kept, and shown on the card."
    )
    still = [f"• {issue_since(blocker)}" for blocker in blockers[:ISSUES_SHOWN]]
    if len(blockers) > ISSUES_SHOWN:
        still.append(f"and {len(blockers) - ISSUES_SHOWN} more")
    shown = [text, *(["*It was stopped for*", *still] if still else [])]
    about = {"key": str(execution.key), "version": execution.version}
    return _modal(OVERRIDE_VIEW, "Override", "Override", "\n".join(shown), about, reason)


def ignore_modal(issue: Issue, reason: str = "") -> dict[str, Any]:
    text = (
        f"{issue_name(issue)}: it holds no deploy and stops no gate any more, whatever AWS says of it, "
        "until somebody stops ignoring it. What it holds now is resumed. Who did it and why is kept."
    )
    return _modal(IGNORE_VIEW, "Ignore this issue", "Ignore", text, {"issue": issue.key}, reason)


def _modal(
    callback_id: str, title: str, submit: str, text: str, about: dict[str, Any], reason: str
) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": "plain_text_input",
        "action_id": REASON,
        "multiline": True,
        "max_length": REASON_LIMIT,
    }
    if given := cut(clean(reason), REASON_LIMIT):
        element["initial_value"] = given
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": json.dumps(about, ensure_ascii=False),
        "title": plain(title, 24),
        "submit": plain(submit, 24),
        "close": plain("Cancel", 24),
        "blocks": [
            {"type": "section", "text": mrkdwn(text)},
            {"type": "input", "block_id": REASON, "label": plain("Why?", 50), "element": element},
        ],
    }


def outcome_modal(text: str) -> dict[str, Any]:
    """What came of it, in place of the question."""
    return {
        "type": "modal",
        "title": plain("Allclear", 24),
        "close": plain("Close", 24),
        "blocks": [{"type": "section", "text": mrkdwn(cut_to_section(text))}],
    }


def cut_to_section(text: str) -> str:
    """Safe mrkdwn that fits a section, cut at a space where it does not."""
    return text if len(text) <= 2_900 else f"{text[: text.rfind(' ', 0, 2_900)]} …"
