"""A burst's one message, and the replies that say a person is needed. Pure: the same record, the same message.

What the sentences are is in `bot.cards.burst_text`; this file lays them out in Block Kit.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from bot.bursts import Burst, BurstLine
from bot.cards import burst_text, inferred_text
from bot.cards import text as card_text
from bot.cards.card import confirm_dialog
from bot.inferred import Inferred
from bot.model import Execution, Issue
from bot.policy import Policy
from bot.slack.issue_answers import offered, still_ignored
from bot.slack.mrkdwn import TEXT_LIMIT, escape, mention, mrkdwn, plain, slack_date
from bot.slack.port import Message

BURST_EVENT_TYPE = "allclear_burst"
ASKING_EVENT_TYPE = "allclear_asking"
RETRY_ALL = "retry_all"  # the button's action_id

LISTED = 24  # members the card names; the thread has them all
IN_A_SECTION = 8  # of at most 300 characters each, in a section's 3,000


def render_burst(
    burst: Burst,
    lines: Sequence[BurstLine],
    policy: Policy,
    issues: Sequence[Issue] = (),
    inferred: Sequence[Inferred] = (),
) -> Message:
    """The burst's card. Within every limit of Block Kit, whatever its members are called.

    `issues` are those that hold members, as the ledger has them, `inferred` the inferred incidents that it tells
    of; the caller looks them up as it draws.
    """
    headline = burst_text.headline(lines, inferred)
    closed = {issue.key for issue in issues if not issue.open}
    over = bool(issues) and closed.issuperset(burst_text.holding(lines))
    alike = [inferred_text.stands(incident) for incident in inferred]
    told = any(incident.live for incident in inferred)
    counts, what_next = burst_text.counts(lines), burst_text.what_next(lines, policy, over=over, told=told)
    stand = [burst_text.issue_stands(issue, policy) for issue in issues]
    shown, more = burst_text.listed(lines, LISTED)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain(headline, 150)},
        {"type": "section", "text": mrkdwn(f"{counts} {what_next}")},
        *(_issue(issue, said) for issue, said in zip(issues, stand, strict=True)),
        *({"type": "section", "text": mrkdwn(said)} for said in alike),
    ]
    for start in range(0, len(shown), IN_A_SECTION):
        part = "\n".join(f"• {line}" for line in shown[start : start + IN_A_SECTION])
        blocks.append({"type": "section", "text": mrkdwn(part)})
    context = [f"and {more} more; " if more else ""]
    context.append("Each deploy's own card is in this thread, or was in the channel before.")
    blocks.append({"type": "context", "elements": [mrkdwn("".join(context).capitalize())]})
    asked = burst.retry_all
    if asked is not None:
        who = f"{mention(asked.by)} asked to retry all that waited at {slack_date(asked.at)}"
        blocks.append({"type": "context", "elements": [mrkdwn(who)]})
    if any(line.waits for line in lines):
        blocks.append({"type": "actions", "elements": [_retry_all(burst, lines, closed)]})
    return Message(
        text=_spoken(" ".join((f"{escape(headline, 300)}. {counts} {what_next}", *stand)), alike, shown, more),
        blocks=tuple(blocks),
        metadata={"event_type": BURST_EVENT_TYPE, "event_payload": {"key": burst.burst_id}},
    )


def _spoken(beginning: str, alike: Sequence[str], shown: Sequence[str], more: int) -> str:
    """All of it for those who hear the text and see no blocks; as many members as there is room for."""
    text, left = beginning, len(shown) + more
    for said in alike:
        text = f"{text} {said}" if len(text) + len(said) + 40 <= TEXT_LIMIT else text
    for line in shown:
        if len(text) + len(line) + 40 > TEXT_LIMIT:
            break
        text, left = f"{text}\n{line}", left - 1
    return f"{text}\nand {left} more" if left else text


def _issue(issue: Issue, stands: str) -> dict[str, Any]:
    """Where it stands, and the button that takes it out of the count while that would change something."""
    button = offered(issue) if issue.open or still_ignored(issue) else {}
    return {"type": "section", "text": mrkdwn(stands), **({"accessory": button} if button else {})}


def _retry_all(burst: Burst, lines: Sequence[BurstLine], closed: Collection[str]) -> dict[str, Any]:
    button: dict[str, Any] = {
        "type": "button",
        "action_id": RETRY_ALL,
        "text": plain("Retry all", 75),
        "value": json.dumps({"burst": burst.burst_id}),
        "style": "primary",
    }
    warning = burst_text.retry_warning(lines, closed)
    if warning:
        title = "Retry all while the issue is open?"
        button["confirm"] = confirm_dialog(title, warning, "Retry all", "Keep waiting")
    return button


def burst_asking_key(burst_id: str) -> str:
    """What the reply is found again by."""
    return f"asking#{burst_id}"


def render_burst_asking(burst: Burst, asking: int, policy: Policy) -> Message:
    """The one reply in a burst's thread that is shown in the channel too."""
    return _reply(burst_text.asking(asking, policy), burst_asking_key(burst.burst_id))


def render_asking(execution: Execution, policy: Policy) -> Message:
    """The one reply to a card that was there before a person was needed: what there is to decide."""
    name = escape(card_text.headline(execution), 300)
    text = burst_text.with_on_call(f"{name}. {card_text.why(execution)} {burst_text.DECIDE}", policy)
    return _reply(text, f"asking#{execution.key}#{execution.entered_version}")


def _reply(text: str, key: str) -> Message:
    return Message(
        text=text,
        blocks=({"type": "section", "text": mrkdwn(text)},),
        metadata={"event_type": ASKING_EVENT_TYPE, "event_payload": {"key": key}},
    )
