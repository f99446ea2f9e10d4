"""What the ledger's issues are, and which one a person means. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.attribution import last_segment
from bot.cards.hanging import HANGS
from bot.model import HEALTH_UNREADABLE, Execution, ExecutionKey, Issue, IssuePhase
from bot.names import place
from bot.slack.answers import IGNORE, MOST_CHOICES, UNIGNORE, Answer, issue_button
from bot.slack.mrkdwn import bold, escape, mention, mrkdwn, slack_date

HELD_SHOWN = 3
SHORT_ID = 80  # characters of it shown

_PHASES: Mapping[str, str] = {IssuePhase.OPEN: "", IssuePhase.DRAINING: "closed, releasing what it held"}


def short_id(issue: Issue) -> str:
    """The part of its ARN by which people name it; the affected account after it where it is one account's own."""
    report = issue.report
    return f"{last_segment(report.arn)}{f'|{report.account}' if report.account else ''}"


def concerning(issues: Iterable[Issue]) -> list[Issue]:
    """Those that hold something or could, and those that are ignored; the oldest first."""
    shown = [issue for issue in issues if issue.phase is not IssuePhase.DONE or still_ignored(issue)]
    return sorted(shown, key=lambda issue: (issue.report.start_at, issue.key))


def still_ignored(issue: Issue) -> bool:
    """Ignored by a person while AWS has it open."""
    return bool(issue.ignored_by) and not issue.report.closed


def issue_name(issue: Issue) -> str:
    report = issue.report
    if issue.key == HEALTH_UNREADABLE:
        return f"*AWS Health cannot be read* since {slack_date(report.start_at)}"
    own = f", account {escape(report.account, 12)} only" if report.account else ""
    return (
        f"{bold(report.service, 40)} {escape(place(report.region), 33)}{own}, since {slack_date(report.start_at)}"
    )


def issue_line(issue: Issue, executions: Iterable[Execution], *, counted_all: bool = True) -> str:
    """The issue, where it stands, and what of these executions it holds, or has running longer than usual."""
    concerned = [each for each in executions if any(blocker.issue == issue.key for blocker in each.blockers)]
    held = [each.key for each in concerned if each.hangs_since is None]
    hanging = [each.key for each in concerned if each.hangs_since is not None]
    said = [issue_name(issue)]
    if issue.key != HEALTH_UNREADABLE:
        said.append(f"`{escape(short_id(issue), SHORT_ID)}`")
    if issue.ignored_by:
        at = f" at {slack_date(issue.ignored_at)}" if issue.ignored_at else ""
        said.append(f"ignored by {mention(issue.ignored_by)}{at}: {escape(issue.ignored_reason, 200)}")
    elif phase := _phase(issue):
        said.append(phase)
    at_least = "" if counted_all else "at least "
    verb = "has to release" if issue.ignored_by or issue.phase is IssuePhase.DRAINING else "holds"
    said.append(f"{verb} {at_least}{len(held)}: {_some(held)}" if held else "holds nothing")
    if hanging:
        said.append(f"{at_least}{len(hanging)} {HANGS}: {_some(hanging)}")
    return " · ".join(said)


def _some(keys: Sequence[ExecutionKey]) -> str:
    shown = ", ".join(f"{bold(key.pipeline, 40)} → {escape(key.stage, 40)}" for key in keys[:HELD_SHOWN])
    return f"{shown} and {len(keys) - HELD_SHOWN} more" if len(keys) > HELD_SHOWN else shown


def _phase(issue: Issue) -> str:
    if issue.phase is IssuePhase.SETTLING and issue.settled_at is not None:
        return f"closed, settling until {slack_date(issue.settled_at)}"
    return _PHASES.get(issue.phase, "closed, being tried with one deploy first")


def meant(name: str, issues: Sequence[Issue]) -> list[Issue]:
    """The issues that `name` may mean: an id, else a service's only word, else a part of an id."""
    wanted = name.lower()
    ignorable = [issue for issue in issues if issue.key != HEALTH_UNREADABLE]
    ways = (
        [issue for issue in ignorable if wanted in (short_id(issue).lower(), issue.key.lower())],
        [issue for issue in ignorable if issue.report.service.lower() == wanted],
        [issue for issue in ignorable if wanted in short_id(issue).lower()],
    )
    return next((found for found in ways if found), [])


def which_issue(name: str, found: Sequence[Issue], action_id: str, reason: str) -> Answer:
    """Several are meant by one name: a real button for each."""
    label = "Ignore" if action_id == IGNORE else "Stop ignoring"
    choices = []
    for issue in found[:MOST_CHOICES]:
        button = issue_button(action_id, label, issue.key, reason)
        text = mrkdwn(f"{issue_name(issue)} · `{escape(short_id(issue), SHORT_ID)}`")
        choices.append({"type": "section", "text": text, **({"accessory": button} if button else {})})
    return Answer(
        f"“{escape(name, 80)}” may be any of {len(found)} issues. Which one?", tuple(choices), for_one=True
    )


def offered(issue: Issue) -> dict[str, Any]:
    """The button that fits the issue now, {} if none does."""
    if still_ignored(issue):
        return issue_button(UNIGNORE, "Stop ignoring", issue.key)
    if issue.key == HEALTH_UNREADABLE or issue.phase is IssuePhase.DONE or issue.ignored_by:
        return {}
    return issue_button(IGNORE, "Ignore…", issue.key)
