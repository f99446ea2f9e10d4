"""What follows from a click or a slash command. Everything is decided from our record, never from the button."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime

from bot import card_text
from bot.cards import DISMISS, RETRY, UNDO
from bot.errors import SlackRefused, TryLater
from bot.lifecycle import Dismissed, Event, RetryRequested, Undone
from bot.model import CardRef, Execution
from bot.mrkdwn import bold, escape, slack_date
from bot.policy import Policy
from bot.ports import Chat, Store
from bot.slack_requests import Click, Command
from bot.workflows.people import AGAIN, Came, Result, carry_out, stands

SHOWN_AT_MOST = 50
PAGE = 100
COUNTED_AT_MOST = 1_000  # counting on would cost the three seconds Slack waits
OF_ONE_PIPELINE = 20
LONGEST_NAME = 100  # CodePipeline's limit; the table refuses to be asked for much longer ones

UNKNOWN_CARD = (
    "Allclear does not know this card (any more), so it did nothing. /allclear status shows what is held."
)
HELP = (
    "*What /allclear can do*\n"
    "• `/allclear status`: every deploy that is held, retried, or waits for a person\n"
    "• `/allclear status &lt;pipeline&gt;`: one pipeline\n"
    "• `/allclear help`: this\n"
    "Retry, Don't resume and Undo are buttons on each deploy's card."
)
_EVENTS: dict[str, Callable[[str], Event]] = {RETRY: RetryRequested, DISMISS: Dismissed, UNDO: Undone}


def handle_click(click: Click, store: Store, chat: Chat, policy: Policy, now: datetime) -> None:
    """Carry a click out and tell the person what came of it.

    The answer comes after the save; failing to answer undoes nothing.
    """
    try:
        answer = _refusal_of_person(click, chat) or _decide(click, store, policy, now)
    except TryLater:
        answer = AGAIN
    chat.respond(click.response_url, answer)


def _refusal_of_person(click: Click, chat: Chat) -> str:
    """Why this person may not, "" if they may. Not knowing is a no."""
    try:
        if click.team_id != chat.team() or click.user_team_id != click.team_id:
            return f"Only people of the workspace Allclear is installed in may do that. {card_text.WHO_MAY_ACT}"
        user = chat.user(click.user_id)
    except SlackRefused as refusal:
        return f"Slack did not tell Allclear who you are ({escape(refusal.error)}), so it did nothing."
    return "" if user.full_member else f"Guests may not do that. {card_text.WHO_MAY_ACT}"


def _decide(click: Click, store: Store, policy: Policy, now: datetime) -> str:
    def choose(execution: Execution) -> Event | Result:
        card = store.load_card(click.key)
        if card is None or not _is_the_card(click, card):
            return Result(Came.UNKNOWN, UNKNOWN_CARD)
        if click.version is not None and click.version < execution.entered_version:
            text = "The deploy has moved on since that button was drawn. Nothing more was done."
            return Result(Came.IMPOSSIBLE, f"{text} {stands(execution)}", execution)
        return _EVENTS[click.action_id](click.user_id)

    result = carry_out(store, policy, click.key, choose, now, marker=_marker(click))
    return UNKNOWN_CARD if result.came is Came.UNKNOWN else result.text


def _is_the_card(click: Click, card: CardRef) -> bool:
    return bool(card.ts) and (click.channel_id, click.message_ts) == (card.channel, card.ts)


def _marker(click: Click) -> str:
    """One per click: Slack's own resending and a replay carry the same four."""
    parts = (click.team_id, click.user_id, click.action_id, click.action_ts)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def answer_command(command: Command, store: Store, chat: Chat) -> str:
    """The answer to `/allclear …`, as safe mrkdwn for the person who typed it."""
    try:
        if command.team_id != chat.team():
            return "Allclear answers only in the workspace it is installed in."
        return _answer(command, store)
    except SlackRefused as refusal:
        return f"Slack refuses Allclear's token ({escape(refusal.error)}): whoever installed it has to look."
    except TryLater:
        return "Allclear could not look that up just now. Please ask again in a moment."


def _answer(command: Command, store: Store) -> str:
    word, rest = [*command.text.split(maxsplit=1), "", ""][:2]
    match word.lower():
        case "status":
            return _status_of(rest.strip(), store) if rest else _status(store)
        case "help" | "":
            return HELP
        case _:
            return f"Allclear does not know “{escape(word, 60)}”.\n{HELP}"


def _status(store: Store) -> str:
    shown: list[str] = []
    more = 0
    for execution in _unfinished(store):
        if len(shown) < SHOWN_AT_MOST:
            shown.append(f"• {_line(execution)}")
        else:
            more += 1
    if not shown:
        return "Nothing is held."
    if more:
        counted_all = len(shown) + more < COUNTED_AT_MOST
        shown.append(f"and {more if counted_all else f'at least {more}'} more; name a pipeline to see its own.")
    return "\n".join(shown)


def _unfinished(store: Store) -> Iterator[Execution]:
    """Page by page, oldest first, up to COUNTED_AT_MOST."""
    cursor, counted = "", 0
    while counted < COUNTED_AT_MOST:
        page = store.unfinished(cursor, min(PAGE, COUNTED_AT_MOST - counted))
        yield from page.items
        counted += len(page.items)
        if page.cursor is None:
            return
        cursor = page.cursor


def _status_of(pipeline: str, store: Store) -> str:
    known = len(pipeline) <= LONGEST_NAME
    executions = store.of_pipeline(pipeline, OF_ONE_PIPELINE) if known else ()
    unfinished = [execution for execution in executions if not execution.status.finished]
    if unfinished:
        return "\n".join(f"• {_line(execution)}" for execution in unfinished)
    if executions:
        return f"Nothing of {bold(pipeline)} is held. Last: {_line(executions[0])}"
    return f"Nothing of {bold(pipeline)} is held, and no failure of it is known. Names are case-sensitive."


def _line(execution: Execution) -> str:
    key = execution.key
    where = f"{escape(key.region, 30)}, {escape(key.account, 12)}"
    held_by = ", ".join(f"{escape(b.service, 30)} in {escape(b.region, 30)}" for b in execution.blockers[:2])
    more = f" and {len(execution.blockers) - 2} more" if len(execution.blockers) > 2 else ""
    because = f" by {held_by}{more}" if held_by else ""
    word = card_text.STATUS_WORDS[execution.status]
    since = slack_date(execution.entered_at)
    return f"{bold(key.pipeline, 60)} → {escape(key.stage, 60)} ({where}): {word}{because} since {since}"
