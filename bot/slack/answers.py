"""Answers to people, as safe mrkdwn and Block Kit: where a deploy stands, and which one was meant. Pure.

An answer is shown in blocks, because only there `verbatim` keeps Slack from linking what looks like an address.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.cards import text as card_text
from bot.cards.card import RETRY
from bot.cards.fields import of_one_stage, short_id
from bot.cards.hanging import NOT_FAILED
from bot.lifecycle.state import why_switched_off
from bot.model import HEALTH_UNREADABLE, Blocker, Execution, Status, Verdict
from bot.names import issue_at, unreadable_health
from bot.policy import Policy
from bot.slack.mrkdwn import TEXT_LIMIT, bold, escape, mrkdwn, plain, settled_after, slack_date

SECTION = 2_900  # characters of a section's text; Slack takes 3,000
MOST_SECTIONS = 25  # blocks; Slack takes 50 in a message, and 20 may be choices
VALUE_LIMIT = 2_000  # characters of a button's value
MOST_CHOICES = 10
IGNORE, UNIGNORE = "ignore", "unignore"  # action_ids

ASK_AGAIN = "Allclear could not do that just now. Please ask again in a moment."


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is safe mrkdwn, whole without the blocks of `choices`. `for_one`: only who asked needs to see it."""

    text: str
    choices: tuple[dict[str, Any], ...] = ()
    for_one: bool = False

    @property
    def spoken(self) -> str:
        """The top-level text, for notifications and screen readers; the blocks have the rest of a long one."""
        if len(self.text) <= TEXT_LIMIT:
            return self.text
        ends = [self.text.rfind(mark, 0, TEXT_LIMIT) for mark in ("\n", " • ")]
        return f"{self.text[: max(ends) if max(ends) > 0 else self.text.rfind(' ', 0, TEXT_LIMIT)]}\n…"

    @property
    def blocks(self) -> list[dict[str, Any]]:
        return [*sections(self.text)[:MOST_SECTIONS], *self.choices]


def sections(text: str) -> list[dict[str, Any]]:
    """Safe mrkdwn as section blocks, cut between its lines."""
    chunks: list[str] = []
    for line in (piece for whole in text.splitlines() for piece in _pieces(whole)):
        if chunks and len(chunks[-1]) + 1 + len(line) <= SECTION:
            chunks[-1] += f"\n{line}"
        else:
            chunks.append(line)
    return [{"type": "section", "text": mrkdwn(chunk)} for chunk in chunks if chunk.strip()]


def _pieces(line: str) -> Iterable[str]:
    """A line that is too long for a section, at its spaces; only a list of people is as long as that."""
    while len(line) > SECTION:
        at = line.rfind(" ", 0, SECTION)
        at = at if at > 0 else SECTION
        yield line[:at]
        line = line[at:].lstrip()
    yield line


def deploy_line(execution: Execution, policy: Policy, among: Iterable[Execution] = ()) -> str:
    """Where it stands, why, since when, and what happens next; its id where others `among` which it is listed are
    of the same stage.
    """
    told_apart = any(of_one_stage(execution.key, other.key) for other in among)
    parts = [f"{standing(execution)}{f', execution {short_id(execution.key)}' if told_apart else ''}."]
    if execution.status in (Status.BLOCKED, Status.NEEDS_HUMAN):
        parts.append(escape(execution.note or execution.attribution.reason, 220))
    elif execution.status is Status.RETRYING:
        parts.append(escape(execution.note, 220))
    parts.append(next_step(execution, policy))
    return " ".join(part for part in parts if part)


def standing(execution: Execution) -> str:
    """ "web → Deploy (us-east-1, 111122223333): held by ECS in us-east-1 since …", without a full stop."""
    held_by = ", ".join(_blocker(blocker) for blocker in execution.blockers[:2])
    more = f" and {len(execution.blockers) - 2} more" if len(execution.blockers) > 2 else ""
    word, since = card_text.status_word(execution), slack_date(execution.entered_at)
    if execution.hangs_since is not None:
        said = f"{word}, since {slack_date(execution.hangs_since)}"
    elif execution.status is Status.BLOCKED:
        since = slack_date(execution.held_at or execution.entered_at)  # as its card says it
        said = f"{word} by {held_by}{more} since {since}" if held_by else f"{word} since {since}"
    elif execution.status.finished:
        said = f"{word} at {since}"
    else:
        said = f"{word} since {since}" + (f", in spite of {held_by}{more}" if held_by else "")
    return f"{deploy_name(execution)}: {said}"


def _blocker(blocker: Blocker) -> str:
    if blocker.issue == HEALTH_UNREADABLE:
        return "AWS Health being unreadable"
    return escape(issue_at(blocker.service, blocker.region), 60)


def deploy_name(execution: Execution) -> str:
    key = execution.key
    where = f"{escape(key.region, 30)}, {escape(key.account, 12)}"
    return f"{bold(key.pipeline, 60)} → {escape(key.stage, 60)} ({where})"


def next_step(execution: Execution, policy: Policy) -> str:
    """What happens next, in one short sentence; "" where nothing will."""
    match execution.status:
        case _ if execution.hangs_since is not None:
            return f"Next: {NOT_FAILED}." if execution.blockers else "Next: nothing by itself; it runs."
        case Status.BLOCKED if execution.waiting:
            return f"Next: its gate lets it through {settled_after(policy.settle)} AWS closes what holds it."
        case Status.NEEDS_HUMAN if execution.waiting:
            return "Next: CodePipeline ends the gate's action; to end it now, stop the execution there."
        case Status.BLOCKED if unreadable_health(execution.blockers):
            return "Next: it goes on once AWS Health can be read again."
        case Status.BLOCKED if policy.max_automatic_retries == 0 or why_switched_off(execution, policy):
            return "Next: a person is asked at the all-clear."
        case Status.BLOCKED:
            return f"Next: a retry {settled_after(policy.settle)} AWS closes what holds it."
        case Status.RESUMING if execution.claim is None and execution.retry is not None:
            return f"Next: a retry at {slack_date(execution.retry.not_before_at)} or soon after."
        case Status.RESUMING:
            return "Next: CodePipeline is being asked to retry it."
        case Status.RETRYING:
            return "Next: CodePipeline runs it, and the card will say how it ends."
        case Status.NEEDS_HUMAN if execution.attribution.verdict is Verdict.UNEXPLAINED:
            until = slack_date(execution.failed_at + policy.late_issue)
            return f"Next: nothing by itself, unless AWS announces an issue that explains it before {until}."
        case Status.NEEDS_HUMAN:
            return "Next: nothing by itself; somebody has to retry or dismiss it."
        case Status.DISMISSED:
            return "Next: nothing, unless Undo on its card takes that back."
        case _:
            return ""


def which_deploy(action_id: str, found: Sequence[Execution], reason: str = "") -> Answer:
    """Several are meant by one name: a real button for each."""
    asked = "Retry" if action_id == RETRY else "Override…"
    style = "primary" if action_id == RETRY else "danger"
    shown = found[:MOST_CHOICES]
    choices = []
    for execution in shown:
        value = _value({"key": str(execution.key), "version": execution.version}, reason)
        button = {
            "type": "button",
            "action_id": action_id,
            "text": plain(asked, 75),
            "style": style,
            "value": value,
        }
        text = f"{standing(execution)}, execution {escape(execution.key.execution_id, 40)}"
        choices.append({"type": "section", "text": mrkdwn(text), "accessory": button})
    more = f" The first {len(shown)} of {len(found)}:" if len(found) > len(shown) else ""
    verb = "retried" if action_id == RETRY else "overridden"
    text = f"{bold(found[0].key.pipeline, 60)} has more than one deploy that can be {verb}. Which one?{more}"
    return Answer(text, tuple(choices), for_one=True)


def issue_button(action_id: str, label: str, issue: str, reason: str = "") -> dict[str, Any]:
    """A button about an issue, or {} where its key is longer than a button can carry."""
    value = _value({"issue": issue}, reason)
    if len(value) > VALUE_LIMIT:
        return {}
    return {"type": "button", "action_id": action_id, "text": plain(label, 75), "value": value}


def _value(about: dict[str, Any], reason: str) -> str:
    """A reason that is too long to be carried along is asked for again."""
    with_reason = json.dumps({**about, "reason": reason} if reason else about, ensure_ascii=False)
    return with_reason if len(with_reason) <= VALUE_LIMIT else json.dumps(about, ensure_ascii=False)
