"""Answer a mention in its thread, once, although Slack sends it again until it is answered with 200."""

import hashlib
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.errors import OutcomeUnknown, SlackRefused, TryLater
from bot.ports import Turn
from bot.slack.answers import Answer
from bot.slack.mrkdwn import mentioned, named
from bot.slack.port import Message
from bot.slack.requests import Mention
from bot.slack.words import without_own_name
from bot.workflows.slack.desk import Asked, Desk, Person, refusal_of_stranger
from bot.workflows.slack.words import answer_words

logger = logging.getLogger(__name__)

ANSWER_EVENT_TYPE = "allclear_answer"  # the metadata an answer is found again by
TURN_LEASE = timedelta(seconds=15)  # longer than the function can live; Slack's second resend comes after a minute
TURN_KEPT = timedelta(days=1)
NAMES_ASKED = 5  # people whose names an answer shows; each is a call of Slack's


def handle_mention(desk: Desk, mention: Mention, now: datetime) -> bool:
    """False: Slack shall send it again, because it was not answered or nobody knows whether it was.

    Decided once by the mark in the deploy's own transaction, posted once by the turn and the answer's metadata.
    """
    person = Person(mention.team_id, mention.user_id, mention.user_team_id)
    try:
        if refusal_of_stranger(desk, person):
            return True  # somebody from outside learns nothing, not even that Allclear heard it
        turn = desk.store.take_turn(mention.event_id, now, TURN_LEASE, now + TURN_KEPT)
        if turn is Turn.FIRST or (turn is Turn.AGAIN and not _was_answered(desk, mention)):
            text = without_own_name(mention.text, desk.chat.bot_user())
            _say(desk, mention, answer_words(desk, Asked(person, text, mention.event_id), now))
        if turn is not Turn.DONE and turn is not Turn.BUSY:
            desk.store.end_turn(mention.event_id)
    except (TryLater, OutcomeUnknown) as problem:
        logger.warning("a mention is not answered yet: %s", problem)
        return False
    except SlackRefused as refusal:
        logger.warning("a mention cannot be answered: %s", refusal)
        return True
    return turn is not Turn.BUSY


def _was_answered(desk: Desk, mention: Mention) -> bool:
    since = datetime.fromtimestamp(float(mention.ts), UTC)
    found = desk.chat.find(mention.channel_id, _key(mention), since, thread_ts=mention.thread_ts or mention.ts)
    return found is not None


def _say(desk: Desk, mention: Mention, answer: Answer) -> None:
    thread_ts = mention.thread_ts or mention.ts
    if answer.for_one:  # said twice is better than never, and it cannot be looked for
        desk.chat.whisper(mention.channel_id, mention.user_id, answer.spoken, answer.blocks, thread_ts=thread_ts)
        return
    answer = replace(answer, text=named(answer.text, _names(desk, mentioned(answer.text)[:NAMES_ASKED])))
    metadata = {"event_type": ANSWER_EVENT_TYPE, "event_payload": {"key": _key(mention)}}
    message = Message(answer.spoken, tuple(answer.blocks), metadata)
    desk.chat.post(mention.channel_id, message, thread_ts=thread_ts)


def _names(desk: Desk, user_ids: tuple[str, ...]) -> dict[str, str]:
    """By what names the channel knows them: who asks what others did has no need to wake them."""
    names: dict[str, str] = {}
    try:
        for user_id in user_ids:
            names[user_id] = desk.chat.user(user_id).name
    except (TryLater, SlackRefused) as problem:
        logger.warning("people are shown by their ids: %s", problem)
    return names


def _key(mention: Mention) -> str:
    """Metadata is readable by every app: of the event's id only a digest."""
    return hashlib.sha256(mention.event_id.encode()).hexdigest()
