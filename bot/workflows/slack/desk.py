"""Who asks, what they may, and what the answers are made of."""

import hashlib
from dataclasses import dataclass

from bot.cards import text as card_text
from bot.errors import SlackRefused
from bot.model import Execution
from bot.policy import Policy
from bot.ports import Store
from bot.slack.mrkdwn import escape
from bot.slack.port import Chat
from bot.slack.words import nearest

PAGE = 100
COUNTED_AT_MOST = 1_000  # counting on would cost the three seconds Slack waits
OF_ONE_PIPELINE = 20
LONGEST_NAME = 100  # CodePipeline's limit; the table refuses to be asked for much longer ones


@dataclass(frozen=True, slots=True)
class Desk:
    """The ports and settings that answering takes."""

    store: Store
    chat: Chat
    policy: Policy


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, in Slack's words: the workspace the request came through, the person, and their own workspace."""

    team_id: str
    user_id: str
    user_team_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Words that somebody typed. `request` is the same whenever Slack sends the same request again."""

    person: Person
    text: str
    request: str


def refusal_of_stranger(desk: Desk, person: Person) -> str:
    """Why this person is told nothing, "" if they may read. Raises TryLater, SlackRefused."""
    if person.team_id != desk.chat.team() or person.user_team_id != person.team_id:
        return "Allclear answers only in the workspace it is installed in."
    return ""


def refusal_of_person(desk: Desk, person: Person) -> str:
    """Why this person may not act, "" if they may. Not knowing is a no. Raises TryLater."""
    try:
        if refusal_of_stranger(desk, person):
            return f"Only people of the workspace Allclear is installed in may do that. {card_text.WHO_MAY_ACT}"
        user = desk.chat.user(person.user_id)
    except SlackRefused as refusal:
        return f"Slack did not tell Allclear who you are ({escape(refusal.error)}), so it did nothing."
    return "" if user.full_member else f"Guests may not do that. {card_text.WHO_MAY_ACT}"


def marker(*parts: str) -> str:
    """What a request is known by when it comes again; parts that nobody can read back."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def marker_of(asked: Asked, word: str) -> str:
    return marker(asked.person.team_id, asked.person.user_id, word, asked.request)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Deploys that are not finished, the oldest first; without `counted_all` there may be more."""

    executions: tuple[Execution, ...]
    counted_all: bool


def unfinished(desk: Desk, at_most: int = COUNTED_AT_MOST) -> Unfinished:
    """Page by page, up to `at_most`."""
    found: list[Execution] = []
    cursor = ""
    for _ in range(-(-at_most // PAGE)):
        page = desk.store.unfinished(cursor, min(PAGE, at_most))
        found += page.items
        if page.cursor is None:
            return Unfinished(tuple(found), counted_all=True)
        cursor = page.cursor
    return Unfinished(tuple(found), counted_all=False)


def of_pipeline(desk: Desk, name: str) -> tuple[Execution, ...]:
    """A pipeline's deploys by its exact name, the newest failure first."""
    known = 0 < len(name) <= LONGEST_NAME
    return desk.store.of_pipeline(name, OF_ONE_PIPELINE) if known else ()


def suggestion(desk: Desk, name: str) -> str:
    """ " Did you mean `web`?", of the pipelines that are held; "" if none is near."""
    names = {execution.key.pipeline for execution in unfinished(desk, PAGE).executions}
    meant = nearest(name, sorted(names - {name}))
    return f" Did you mean `{escape(meant, LONGEST_NAME)}`?" if meant else ""
