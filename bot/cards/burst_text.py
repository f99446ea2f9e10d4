"""What a burst's card says, in sentences. Pure.

Every function answers safe mrkdwn, except `headline` and `retry_warning`, which are plain.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.bursts import BurstLine
from bot.cards import inferred_text
from bot.cards.fields import short_id
from bot.cards.hanging import HANGS, NOT_FAILED
from bot.cards.text import STATUS_WORDS, WHO_MAY_ACT
from bot.inferred import Inferred
from bot.model import HEALTH_UNREADABLE, Blocker, ExecutionKey, Issue, IssuePhase, PipelineTags, Status
from bot.names import NO_PLAN, issue_at
from bot.policy import Policy
from bot.slack.issue_answers import issue_name
from bot.slack.mrkdwn import (
    and_settled,
    bold,
    clean,
    cut,
    duration_text,
    escape,
    mention,
    on_call_sentence,
    slack_date,
)

ISSUES_SHOWN = 3  # of those that hold members, the ones that hold most: how each stands is on the card

DECIDE = "Retry it or leave it alone: the card above has the buttons."

# In the order in which a reader wants them: what needs people, what waits, what moves, what is over.
ORDER = (
    Status.NEEDS_HUMAN,
    Status.BLOCKED,
    Status.RESUMING,
    Status.RETRYING,
    Status.DISMISSED,
    Status.STOPPED,
    Status.SUPERSEDED,
    Status.RECOVERED,
)
FROZEN = "waiting for a change calendar"
COUNTED = {**STATUS_WORDS, Status.NEEDS_HUMAN: "waiting for a person"}


def headline(lines: Sequence[BurstLine], inferred: Sequence[Inferred] = ()) -> str:
    """ "RDS in us-east-1: 40 deploys held", plain text; without an issue "5 deploys failed within minutes".

    Where one of the inferred incidents is live, and no issue holds or explains most: what fails alike.
    """
    issue = _named_issue(lines)
    alike = next((incident for incident in inferred if incident.live), None)
    if issue or alike is None or all(line.status.finished for line in lines):
        return f"{issue}: {_how_many(lines)}" if issue else _how_many(lines, explained=False)
    return inferred_text.headline(alike)


def _how_many(lines: Sequence[BurstLine], *, explained: bool = True) -> str:
    by_status, total = Counter(line.status for line in lines), len(lines)
    if all(line.status.finished for line in lines):
        (status, most), *others = by_status.most_common() or [(Status.RECOVERED, 0)]
        return (
            f"{_deploys(total)} over, {most} {STATUS_WORDS[status]}"
            if others
            else _all(total, STATUS_WORDS[status])
        )
    if not explained:
        return f"{_deploys(total)} failed within minutes"
    hanging = sum(line.hangs_since is not None for line in lines)
    by_status[Status.BLOCKED] -= hanging
    if hanging == total - sum(line.status.finished for line in lines):
        return f"{_deploys(hanging)} {HANGS}"
    frozen = by_status[Status.RESUMING] == sum(line.frozen for line in lines)
    for status, words in (
        (Status.BLOCKED, "held"),
        (Status.NEEDS_HUMAN, "waiting for a person"),
        (Status.RESUMING, FROZEN if frozen else "resuming"),
        (Status.RETRYING, "being retried"),
    ):
        if by_status[status]:
            some = by_status[status]
            return f"{_deploys(total)} {words}" if some == total else f"{some} of {_deploys(total)} {words}"
    raise AssertionError("a status that is not finished is one of the four")


def _all(total: int, word: str) -> str:
    return f"{_deploys(total)} {word}" if total == 1 else f"all {_deploys(total)} {word}"


def _named_issue(lines: Sequence[BurstLine]) -> str:
    """The issue that holds most of them, or explained most where it did half; how many others there are."""
    held = [blocker for line in lines for blocker in line.blockers]
    explained = [line.explained_by for line in lines if line.explained_by]
    most = [blocker for blockers in explained for blocker in blockers] if 2 * len(explained) >= len(lines) else []
    named = held or most
    ranked = Counter(blocker.issue for blocker in named).most_common()
    if not ranked:
        return ""
    first = next(blocker for blocker in named if blocker.issue == ranked[0][0])
    more = f" and {len(ranked) - 1} more" if len(ranked) > 1 else ""
    return f"{_issue(first)}{more}"


def _issue(blocker: Blocker) -> str:
    if blocker.issue == HEALTH_UNREADABLE:
        return "AWS Health unreadable"
    return cut(clean(issue_at(blocker.service, blocker.region)), 75)


def counts(lines: Sequence[BurstLine]) -> str:
    """ "31 held, 5 retrying, 4 recovered." """
    by_status = Counter(line.status for line in lines if line.hangs_since is None)
    hanging = sum(line.hangs_since is not None for line in lines)
    parts = [f"*{by_status[status]}* {COUNTED[status]}" for status in ORDER if by_status[status]]
    parts += [f"*{hanging}* {HANGS}"] if hanging else []
    return f"{', '.join(parts)}." if parts else ""


def holding(lines: Sequence[BurstLine]) -> list[str]:
    """The keys of the issues that hold members now, the one that holds most first."""
    held = [blocker.issue for line in lines if line.status is Status.BLOCKED for blocker in line.blockers]
    return [issue for issue, _ in Counter(held).most_common()]


def issue_stands(issue: Issue, policy: Policy) -> str:
    """An issue that holds members: open since when, or how far its all-clear has come."""
    name, report = issue_name(issue), issue.report
    if issue.open:
        return f"{name}: open." if issue.key != HEALTH_UNREADABLE else f"{name}."
    if issue.ignored_by:
        over = f"ignored by {mention(issue.ignored_by)}: {escape(issue.ignored_reason, 200)}."
    elif not report.closed:
        over = f"open for more than {duration_text(policy.issue_max_age)}, so it holds nothing more."
    else:
        at = f" at {slack_date(issue.closed_at)}" if issue.closed_at else ""
        over = "can be read again." if issue.key == HEALTH_UNREADABLE else f"AWS closed it{at}."
    return f"{name}: {over} {_all_clear_stands(issue)}"


def _all_clear_stands(issue: Issue) -> str:
    match issue.phase:
        case IssuePhase.SETTLING if issue.settled_at is not None:
            return f"The all-clear follows at {slack_date(issue.settled_at)}, if it stays closed."
        case IssuePhase.CANARY:
            return escape(issue.note, 400) or "One deploy is chosen to go first."
        case _:
            return "What it held is being retried, a few at a time."


def what_next(lines: Sequence[BurstLine], policy: Policy, *, over: bool = False, told: bool = False) -> str:
    """What happens next and who may act; at the end, how it went.

    `over`: no issue that holds members is open. `told`: the card says elsewhere that AWS has posted nothing.
    """
    if all(line.status.finished for line in lines):
        return _summary(lines)
    sentences = []
    held = sum(line.held for line in lines)
    if held and policy.is_shadow(PipelineTags()):
        sentences.append("Shadow mode: Allclear says when it would retry, and asks a person to.")
    elif held and not over:
        sentences.append(
            "Each held deploy is retried by itself, once, when the AWS issues that hold it are closed"
            f"{and_settled(policy.settle)}; its own card says what else applies to it."
        )
    asking = any(line.status is Status.NEEDS_HUMAN for line in lines)
    if asking:
        if not told and not any(line.explained_by or line.blockers for line in lines):
            sentences.append("No AWS issue explains this so far.")
        why = "What waits for a person is not retried by itself: its own card says why, and what to do."
        sentences.append(with_on_call(why, policy))
    if any(line.unconfirmed and not line.status.finished for line in lines):
        sentences.append(NO_PLAN)
    if any(line.hangs_since for line in lines):
        sentences.append(f"What is {HANGS} has not failed: {NOT_FAILED}.")
    if any(line.frozen for line in lines):
        sentences.append(
            "What waits for a change calendar is retried as that opens; *Retry now* on its own card passes the"
            " freeze."
        )
    if held or asking:
        sentences.append(f"*Retry all* retries everything that waits, at once. {WHO_MAY_ACT}")
    elif any(line.status in (Status.RESUMING, Status.RETRYING) and not line.frozen for line in lines):
        sentences.append("What is being retried is followed to its end; this card will say how.")
    return " ".join(sentences)


def _summary(lines: Sequence[BurstLine]) -> str:
    held = [
        (line.released_at or line.finished_at) - line.held_at
        for line in lines
        if line.held_at is not None and line.finished_at is not None
    ]
    passed = [
        line.finished_at - line.released_at
        for line in lines
        if line.status is Status.RECOVERED and line.finished_at is not None and line.released_at is not None
    ]
    sentences = ["Nothing is left to do here."]
    if held:
        sentences.append(f"Held for {_spread(held)}.")
    if passed:
        sentences.append(f"Passed {_spread(passed)} after the all-clear.")
    return " ".join(sentences)


def _spread(spans: Sequence[timedelta]) -> str:
    """ "42 min (median), at most 3 h"; one duration where they are all alike."""
    ranked = sorted(spans)  # not statistics.median: importing that costs a cold start tens of milliseconds
    middle, longest = duration_text(ranked[len(ranked) // 2]), duration_text(ranked[-1])
    return middle if middle == longest else f"{middle} (median), at most {longest}"


def listed(lines: Sequence[BurstLine], at_most: int) -> tuple[list[str], int]:
    """One line of at most 300 characters for each member, the most urgent first; how many were left out."""
    ranked = sorted(lines, key=lambda line: (ORDER.index(line.status), line.key))
    keys = [ExecutionKey.parse(line.key) for line in lines]
    accounts = len({key.account for key in keys})
    stages = Counter(replace(key, execution_id="") for key in keys)
    shown = [
        _line(line, key, accounts > 1, stages[replace(key, execution_id="")] > 1)
        for line, key in ((line, ExecutionKey.parse(line.key)) for line in ranked[:at_most])
    ]
    return shown, max(0, len(ranked) - at_most)


def _line(line: BurstLine, key: ExecutionKey, with_account: bool, with_execution: bool) -> str:
    """The execution's id only where several are of one stage, as in a PARALLEL pipeline."""
    account = f", {escape(key.account, 12)}" if with_account else ""
    execution = f", execution {short_id(key)}" if with_execution else ""
    where = f"{escape(key.region, 25)}{account}{execution}"
    since_at = line.hangs_since or (line.held_at if line.status is Status.BLOCKED else None)
    since = f" since {slack_date(since_at)}" if since_at else ""
    word = HANGS if line.hangs_since else FROZEN if line.frozen else STATUS_WORDS[line.status]
    return f"{bold(key.pipeline, 60)} → {escape(key.stage, 50)} ({where}): {word}{since}"


def retry_warning(lines: Sequence[BurstLine], closed: Collection[str] = ()) -> str:
    """The native confirm's text, plain; "" where nothing that waits is held by an open issue.

    `closed` are the keys of those that are known not to be open any more.
    """
    held = {blocker.issue: blocker for line in lines if line.waits for blocker in line.blockers}
    blockers = {issue: blocker for issue, blocker in held.items() if issue not in closed}
    if not blockers:
        return ""
    names = ", ".join(_issue(blocker) for blocker in list(blockers.values())[:2])
    more = f" and {len(blockers) - 2} more" if len(blockers) > 2 else ""
    waiting = sum(line.waits for line in lines)
    return f"Still open: {names}{more}. {_deploys(waiting)} may fail again."


def asking(members: int, policy: Policy) -> str:
    """The reply that tells people that the burst's held deploys need them."""
    who = "1 held deploy needs" if members == 1 else f"{members} held deploys need"
    text = f"{who} a person now: Allclear will not retry them by itself. Their cards in this thread say why."
    return with_on_call(f"{text} Retry all is on the card above.", policy)


def with_on_call(text: str, policy: Policy) -> str:
    return f"{text} {on_call_sentence(policy.on_call_mention)}".rstrip()


def _deploys(number: int) -> str:
    return f"{number} deploy" if number == 1 else f"{number} deploys"
