"""How a failure ended, and the way it went: the closing line and the trail. Pure; safe mrkdwn throughout."""

from collections.abc import Iterator
from datetime import datetime

from bot.lifecycle.retrying import ASKING, NOT_NOW, RETRIED_OUTSIDE, RETRIES_ITSELF
from bot.model import ALLCLEAR, Entry, Execution, Status
from bot.slack.mrkdwn import duration_text, escape, mention, slack_date

WHAT_LIMIT = 220  # characters of a history line


def how_it_passed(execution: Execution) -> str:
    """How long it was held, how long after the all-clear it resumed, or who did not wait for that."""
    passed_at = execution.finished_at
    if passed_at is None:
        return "The stage passed."
    at = slack_date(passed_at)
    run = last_retry(execution)
    resumed_at = began_to_run(run)
    who = _who_retried(run)
    if execution.held_at is None:
        return f"The stage passed at {at}, after {who}." if who else f"The stage passed at {at}."
    until = execution.released_at or resumed_at or passed_at
    held = f"It was held for {duration_text(until - execution.held_at)}"
    if execution.released_at is None:
        return f"{held}, until {who}, and passed at {at}." if who else f"{held} and passed at {at}."
    if resumed_at is None or resumed_at < execution.released_at:
        after = duration_text(passed_at - execution.released_at)
        return f"{held} and passed {after} after the all-clear, at {at}."
    by = f" ({who})" if who else ""
    after = duration_text(resumed_at - execution.released_at)
    return f"{held}, resumed {after} after the all-clear{by}, and passed at {at}."


def how_long_it_was_held(execution: Execution) -> str:
    """For an end that is no recovery; "" if it was never held."""
    if execution.held_at is None or execution.finished_at is None:
        return ""
    until = execution.released_at or execution.finished_at
    return f"It had been held for {duration_text(until - execution.held_at)}."


def last_retry(execution: Execution) -> list[Entry]:
    """The last retry's lines, from the wish to what was learnt while it ran, as far as the trail reaches back."""
    lines = list(execution.trail)
    while lines and lines[-1].status is not Status.RETRYING:
        lines.pop()
    begins = len(lines)
    for status in (Status.RETRYING, Status.RESUMING):
        while begins > 0 and lines[begins - 1].status is status:
            begins -= 1
    return lines[begins:]


def began_to_run(run: list[Entry]) -> datetime | None:
    """When CodePipeline took that retry."""
    return next((entry.at for entry in run if entry.status is Status.RETRYING), None)


def _who_retried(run: list[Entry]) -> str:
    """ "@carol asked for a retry", "somebody retried it outside Allclear"; "" for our own."""
    if any(entry.what.startswith(RETRIED_OUTSIDE) for entry in run):
        return "somebody retried it outside Allclear"
    if any(entry.what == RETRIES_ITSELF for entry in run):
        return "the stage retried itself"
    return next((person_said(entry) for entry in reversed(run) if entry.by != ALLCLEAR), "")


def person_said(entry: Entry) -> str:
    """ "@carol asked for a retry": what a person did, as the history has it."""
    return f"{mention(entry.by)} {escape(entry.what, WHAT_LIMIT).rstrip('.')}"


def last_word(execution: Execution) -> str:
    """What a person did that led to this very status, as `person_said`; "" if it was no person."""
    entry = _word(execution)
    return person_said(entry) if entry is not None else ""


def _word(execution: Execution) -> Entry | None:
    """The newest line of the present status that a person caused."""
    for entry in reversed(execution.trail):
        if entry.status is not execution.status:
            return None
        if entry.by != ALLCLEAR:
            return entry
    return None


def trail(execution: Execution) -> list[str]:
    """Who did what, oldest first; without the steps and reasons that the card tells anyway."""
    told = list(_told(execution))
    nothing_new = len(told) == 1 and told[0] is execution.trail[-1] and told[0].by == ALLCLEAR
    return [] if nothing_new else [_line(entry) for entry in told]


def _told(execution: Execution) -> Iterator[Entry]:
    """Without the steps of a retry that is told already, and without what the card says above."""
    above = _word(execution) if execution.status in (Status.RESUMING, Status.DISMISSED) else None
    for entry in execution.trail:
        known = entry.by == ALLCLEAR and (entry.what.startswith((ASKING, NOT_NOW)) or entry.what == execution.note)
        if entry is not above and not known:
            yield entry


def _line(entry: Entry) -> str:
    """What happened; on what evidence is in the history, and of the newest step on the card."""
    when = slack_date(entry.at)
    if entry.by != ALLCLEAR:
        return f"{when}  {person_said(entry)}"
    return f"{when}  {escape(entry.what[:1].upper() + entry.what[1:], WHAT_LIMIT)}"
