"""The App Home: what is blocked now, what is open at AWS, what recovered last. Pure; within 100 blocks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.cards import inferred_text
from bot.cards.card import buttons
from bot.inferred import Inferred
from bot.model import Execution, Issue
from bot.policy import Policy
from bot.slack.answers import deploy_line, sections
from bot.slack.history import past_line
from bot.slack.issue_answers import issue_line, offered
from bot.slack.mrkdwn import mrkdwn, plain, slack_date

DEPLOYS_SHOWN = 20  # two blocks each
ISSUES_SHOWN = 15
INFERRED_SHOWN = 5
RECOVERIES_SHOWN = 10

Block = dict[str, Any]


def home(
    unfinished: Sequence[Execution],
    issues: Sequence[Issue],
    recoveries: Sequence[Execution],
    policy: Policy,
    now: datetime,
    *,
    notice: str = "",
    counted_all: bool = True,
    inferred: Sequence[Inferred] = (),
) -> dict[str, Any]:
    """`notice` says what came of a click here, in safe mrkdwn; without `counted_all` there may be more.

    `inferred` are the live ones.
    """
    blocks: list[Block] = [*sections(notice), *([{"type": "divider"}] if notice else ())]
    blocks += [_header("Blocked now"), *_deploys(unfinished, policy, counted_all)]
    blocks += [_header("AWS issues"), *_issues(issues, unfinished, counted_all)]
    blocks += [_text(inferred_text.line(incident)) for incident in inferred[:INFERRED_SHOWN]]
    blocks += [_header("Last recoveries")]
    blocks += sections("\n".join(f"• {past_line(each, now)}" for each in recoveries[:RECOVERIES_SHOWN])) or [
        _text("None yet.")
    ]
    small = f"As of {slack_date(now)}. Open this tab again to see it as it is then."
    blocks.append({"type": "context", "elements": [mrkdwn(small)]})
    return {"type": "home", "blocks": blocks}


def _deploys(unfinished: Sequence[Execution], policy: Policy, counted_all: bool) -> list[Block]:
    blocks: list[Block] = []
    shown = unfinished[:DEPLOYS_SHOWN]
    for execution in shown:
        blocks.append(_text(deploy_line(execution, policy, shown)))
        if of_card := buttons(execution, policy):
            blocks.append({"type": "actions", "elements": of_card})
    if not unfinished:
        return [_text("Nothing is held.")]
    more = len(unfinished) - DEPLOYS_SHOWN
    if more > 0:
        blocks.append(
            _text(f"and {'' if counted_all else 'at least '}{more} more; `/allclear status` lists them.")
        )
    return blocks


def _issues(issues: Sequence[Issue], unfinished: Sequence[Execution], counted_all: bool) -> list[Block]:
    if not issues:
        return [_text("None is open that Allclear has heard of.")]
    blocks: list[Block] = []
    for issue in issues[:ISSUES_SHOWN]:
        line = issue_line(issue, unfinished, counted_all=counted_all)
        button = offered(issue)
        blocks.append({**_text(line), **({"accessory": button} if button else {})})
    if len(issues) > ISSUES_SHOWN:
        blocks.append(_text(f"and {len(issues) - ISSUES_SHOWN} more; `/allclear issues` lists them."))
    return blocks


def _header(text: str) -> Block:
    return {"type": "header", "text": plain(text, 150)}


def _text(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}
