"""What people type, after `/allclear` or after the app's name: one answer to each."""

from datetime import datetime

from bot.errors import SlackRefused, TryLater
from bot.slack.answers import ASK_AGAIN, Answer
from bot.slack.mrkdwn import escape
from bot.slack.requests import Command
from bot.slack.words import HELP, Words, read_words, unknown_word
from bot.workflows.slack import acting, reading
from bot.workflows.slack.desk import Asked, Desk, Person, refusal_of_stranger

NEEDS_A_PIPELINE = ("why", "retry", "override")


def answer_command(desk: Desk, command: Command, now: datetime) -> Answer:
    """The answer to a slash command. Slack tells of a command only the person's own workspace."""
    person = Person(command.team_id, command.user_id, command.team_id)
    return answer_words(desk, Asked(person, command.text, command.trigger_id), now)


def answer_words(desk: Desk, asked: Asked, now: datetime) -> Answer:
    """Never raises what the ports may: what cannot be done now is said."""
    try:
        refusal = refusal_of_stranger(desk, asked.person)
        return Answer(refusal, for_one=True) if refusal else _answer(desk, asked, read_words(asked.text), now)
    except SlackRefused as refused:
        return Answer(
            f"Slack refuses Allclear's token ({escape(refused.error)}): whoever installed it has to look."
        )
    except TryLater:
        return Answer(ASK_AGAIN, for_one=True)


def _answer(desk: Desk, asked: Asked, words: Words, now: datetime) -> Answer:
    if words.word in NEEDS_A_PIPELINE and not words.subject:
        return Answer(
            f"Which pipeline? Say `{words.word}` and its name. `status` lists what is held.", for_one=True
        )
    match words.word:
        case "status":
            return reading.status_of(desk, words.subject) if words.subject else reading.status(desk)
        case "issues":
            return reading.issues(desk)
        case "history":
            return reading.history_of(desk, words.subject, now) if words.subject else reading.history(desk, now)
        case "why":
            return reading.why(desk, words.subject)
        case "retry":
            return acting.retry(desk, asked, words.subject, now)
        case "override":
            return acting.override(desk, asked, words, now)
        case "ignore":
            if not words.subject:
                return Answer("Which issue? `issues` lists them, each with its id.", for_one=True)
            return acting.ignore_issue(desk, asked, words, now)
        case "help" | "":
            return Answer(HELP)
        case _:
            return Answer(unknown_word(words.word))
