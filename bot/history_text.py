"""What happened to deploys, one line each. Pure."""

from datetime import datetime, timedelta

from bot import card_text
from bot.model import ALLCLEAR, Entry, Execution, Status
from bot.mrkdwn import duration_text, escape, mention, slack_date
from bot.slack_answers import deploy_name

LINES_SHOWN = 30


def past_line(execution: Execution, now: datetime) -> str:
    """When it failed, how it ended, how long it was held, and who retried it."""
    said = [f"{deploy_name(execution)} failed at {slack_date(execution.first_failed_at)}", _outcome(execution)]
    held = held_for(execution, now)
    if held is not None:
        said.append(f"held for {duration_text(held)}")
    if who := _who_retried(execution):
        said.append(who)
    return "; ".join(said)


def _outcome(execution: Execution) -> str:
    word = card_text.STATUS_WORDS[execution.status]
    return f"{word} at {slack_date(execution.finished_at)}" if execution.finished_at else f"{word} now"


def held_for(execution: Execution, now: datetime) -> timedelta | None:
    """From the failure that was held to the all-clear, the end, or now; None if it never was."""
    if execution.held_at is None:
        return None
    return (execution.released_at or execution.finished_at or now) - execution.held_at


def _who_retried(execution: Execution) -> str:
    """The last one, as far back as the trail reaches."""
    asked = [entry for entry in execution.trail if entry.status is Status.RESUMING]
    people = [entry.by for entry in asked if entry.by != ALLCLEAR]
    if people:
        return f"retried by {mention(people[-1])}"
    if execution.retries:
        return "retried by Allclear"
    ran = any(entry.status is Status.RETRYING for entry in execution.trail)
    return "retried outside Allclear" if ran else ""


def history_lines(entries: tuple[Entry, ...]) -> list[str]:
    """Every line of one deploy's history, oldest first; the middle of a very long one is left out."""
    half = LINES_SHOWN // 2
    if len(entries) <= LINES_SHOWN:
        return [_line(entry) for entry in entries]
    left_out = f"… {len(entries) - 2 * half} lines left out …"
    return [*map(_line, entries[:half]), left_out, *map(_line, entries[-half:])]


def _line(entry: Entry) -> str:
    who = "" if entry.by == ALLCLEAR else f"{mention(entry.by)} "
    return f"  {slack_date(entry.at)}  {who}{escape(entry.what, 220)}"
