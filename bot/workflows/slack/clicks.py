"""A click on one of our buttons: on a card, in an answer that one person saw, in the App Home."""

import logging
from collections.abc import Callable
from datetime import datetime

from bot.card_ref import CardRef
from bot.cards.card import DISMISS, OVERRIDE, RETRY, UNDO
from bot.errors import SlackRefused, TryLater
from bot.lifecycle import Dismissed, Event, RetryRequested, Undone
from bot.model import Execution
from bot.slack.answers import IGNORE, sections
from bot.slack.modals import ignore_modal, override_modal
from bot.slack.mrkdwn import unlinked
from bot.slack.requests import BurstClick, Click, IssueClick, Press
from bot.workflows import overriding
from bot.workflows.people import AGAIN, Came, Result, carry_out, stands
from bot.workflows.retry_all import retry_all
from bot.workflows.slack.acting import told
from bot.workflows.slack.desk import Desk, Person, marker, refusal_of_person, refusal_of_stranger
from bot.workflows.slack.home import publish_home
from bot.workflows.slack.ignoring import UNKNOWN, ignore, refusal_to_ignore, unignore
from bot.workflows.slack.modals import open_modal

logger = logging.getLogger(__name__)

UNKNOWN_CARD = (
    "Allclear does not know this card (any more), so it did nothing. /allclear status shows what is held."
)
MOVED_ON = "The deploy has moved on since that button was drawn. Nothing more was done."
_EVENTS: dict[str, Callable[[str], Event]] = {RETRY: RetryRequested, DISMISS: Dismissed, UNDO: Undone}


def handle_click(desk: Desk, press: Click | IssueClick | BurstClick, now: datetime) -> None:
    """Carry a click out and tell the person what came of it.

    The answer comes after the save; failing to answer undoes nothing.
    """
    try:
        answer = refusal_of_person(desk, _person(press)) or _act(desk, press, now)
    except TryLater:
        answer = AGAIN
    if answer:
        _tell(desk, press, answer, now)


def _tell(desk: Desk, press: Press, answer: str, now: datetime) -> None:
    """To the one who clicked. In the App Home there is nothing to answer to but the Home itself."""
    if press.channel_id or not press.shown_to_one:
        desk.chat.respond(press.response_url, unlinked(answer), sections(answer))
        return
    try:
        if refusal_of_stranger(desk, _person(press)):
            return  # a Home shows what is held here
        publish_home(desk, press.user_id, now, notice=answer)
    except (TryLater, SlackRefused) as problem:
        logger.warning("an App Home cannot be shown: %s", problem)


def _act(desk: Desk, press: Click | IssueClick | BurstClick, now: datetime) -> str:
    match press:
        case Click(action_id=action_id) if action_id == OVERRIDE:
            return _ask_to_override(desk, press)
        case Click():
            return _decide(desk, press, now)
        case IssueClick():
            return _about_an_issue(desk, press, now)
        case BurstClick():
            return _retry_all(desk, press, now)


def _decide(desk: Desk, click: Click, now: datetime) -> str:
    def choose(execution: Execution) -> Event | Result:
        return _obstacle(desk, click, execution) or _EVENTS[click.action_id](click.user_id)

    result = carry_out(desk.store, desk.policy, click.key, choose, now, marker=_marker(click))
    if result.came is Came.BUSY:
        return AGAIN
    return UNKNOWN_CARD if result.came is Came.UNKNOWN else told(result)


def _obstacle(desk: Desk, click: Click, execution: Execution) -> Result | None:
    """Why the button does not count: it is not on the card we know, or it was drawn too long ago."""
    card = None if click.shown_to_one else desk.store.load_card(click.key)
    if not click.shown_to_one and (card is None or not _is_the_card(click, card)):
        return Result(Came.UNKNOWN, UNKNOWN_CARD)
    if click.version is not None and click.version < execution.entered_version:
        return Result(Came.IMPOSSIBLE, f"{MOVED_ON} {stands(execution)}", execution)
    return None


def _is_the_card(click: Click, card: CardRef) -> bool:
    return bool(card.ts) and (click.channel_id, click.message_ts) == (card.channel, card.ts)


def _ask_to_override(desk: Desk, click: Click) -> str:
    """The permission first: nobody writes a reason in vain."""
    execution = desk.store.load_execution(click.key)
    if execution is None:
        return UNKNOWN_CARD
    obstacle = _obstacle(desk, click, execution)
    if obstacle is not None:
        return obstacle.text
    refusal = overriding.refusal_to_override(desk.chat, desk.policy, execution, click.user_id)
    return refusal or open_modal(desk, click.trigger_id, override_modal(execution, click.reason))


def _retry_all(desk: Desk, click: BurstClick, now: datetime) -> str:
    burst = desk.store.load_burst(click.burst)
    if burst is None or not burst.ts or (click.channel_id, click.message_ts) != (burst.channel, burst.ts):
        return UNKNOWN_CARD
    return retry_all(desk.store, click.burst, click.user_id, desk.policy, now, marker=_marker(click))


def _about_an_issue(desk: Desk, click: IssueClick, now: datetime) -> str:
    if click.action_id != IGNORE:
        return unignore(desk, click.issue, click.user_id, now, marker=_marker(click))[1]
    if click.reason:
        return ignore(desk, click.issue, click.user_id, click.reason, now, marker=_marker(click))[1]
    refusal = refusal_to_ignore(desk, click.user_id)
    if refusal:
        return refusal
    issue = desk.store.load_issue(click.issue)
    return UNKNOWN if issue is None else open_modal(desk, click.trigger_id, ignore_modal(issue))


def _person(press: Press) -> Person:
    return Person(press.team_id, press.user_id, press.user_team_id)


def _marker(press: Press) -> str:
    """One per click: Slack's own resending and a replay carry the same four."""
    return marker(press.team_id, press.user_id, press.action_id, press.action_ts)
