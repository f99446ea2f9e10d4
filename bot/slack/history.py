"""What happened to deploys, one line each. Pure."""

from datetime import datetime, timedelta

from bot.cards import text as card_text
from bot.cards.closing import began_to_run, last_retry
from bot.lifecycle.retrying import RETRIED_OUTSIDE
from bot.model import ALLCLEAR, Entry, Execution, Status
from bot.slack.answers import deploy_name
from bot.slack.mrkdwn import duration_text, escape, mention, slack_date

LINES_SHOWN = 30
WHAT_LIMIT = 700  # characters of a line: a person's reason, or attribution's sentence, in full


def past_line(execution: Execution, now: datetime) -> str:
    """When it failed, how it ended, how long it was held, and who retried it."""
    said = [f"{deploy_name(execution)} failed at {slack_date(execution.first_failed_at)}"]
    held = held_for(execution, now)
    if held is None:
        said.append(_outcome(execution))
    elif execution.status is Status.BLOCKED:
        said.append(f"held for {duration_text(held)} so far")
    else:
        said += [_outcome(execution), f"held for {duration_text(held)}"]
    if who := _who_retried(execution):
        said.append(who)
    return "; ".join(said)


def _outcome(execution: Execution) -> str:
    word = card_text.status_word(execution)
    return f"{word} at {slack_date(execution.finished_at)}" if execution.finished_at else f"{word} now"


def held_for(execution: Execution, now: datetime) -> timedelta | None:
    """From the failure that was held to the all-clear, a retry before it, the end, or now; None if never held."""
    if execution.held_at is None:
        return None
    ran_on = execution.status in (Status.RETRYING, Status.RECOVERED)
    resumed_at = began_to_run(last_retry(execution)) if ran_on else None
    return (execution.released_at or resumed_at or execution.finished_at or now) - execution.held_at


def _who_retried(execution: Execution) -> str:
    """The last one, as far back as the trail reaches."""
    run = last_retry(execution) or [entry for entry in execution.trail if entry.status is Status.RESUMING]
    if any(entry.what.startswith(RETRIED_OUTSIDE) for entry in run):
        return RETRIED_OUTSIDE
    people = [entry.by for entry in run if entry.by != ALLCLEAR]
    if people:
        return f"retried by {mention(people[-1])}"
    return "retried by Allclear" if execution.retries else ""


def history_lines(entries: tuple[Entry, ...]) -> list[str]:
    """Every line of one deploy's history, oldest first; the middle of a very long one is left out."""
    half = LINES_SHOWN // 2
    if len(entries) <= LINES_SHOWN:
        return [_line(entry) for entry in entries]
    left_out = f"… {len(entries) - 2 * half} lines left out …"
    return [*map(_line, entries[:half]), left_out, *map(_line, entries[-half:])]


def _line(entry: Entry) -> str:
    who = "" if entry.by == ALLCLEAR else f"{mention(entry.by)} "
    return f"  {slack_date(entry.at)}  {who}{escape(entry.in_full, WHAT_LIMIT)}"
