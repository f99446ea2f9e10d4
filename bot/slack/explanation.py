"""`why`: how a failure was judged, and what would have changed that. Pure."""

from collections.abc import Iterable

from bot.attribution import explaining_services
from bot.model import Execution, Issue, Status, Verdict
from bot.policy import Policy
from bot.slack.answers import deploy_name, next_step
from bot.slack.mrkdwn import duration_text, escape, slack_date

NEAR_MISSES = 5
MEASURE = (
    "Longer than usual is longer than nine in ten of an action's earlier successes took (at least 5 minutes), "
    "or 15 minutes where none is known. It is shown only while an issue is open that would explain its failure."
)


def explain_verdict(execution: Execution, issues: Iterable[Issue], policy: Policy) -> str:
    """A few lines of safe mrkdwn about the newest failure of one stage."""
    attribution = execution.attribution
    lines = [
        f"{deploy_name(execution)} {_what(execution)} {slack_date(execution.failed_at)}.",
        _then(execution)
        + " ".join(escape(text, 700) for text in (attribution.reason, attribution.caveat) if text),
        *_what_counted(execution, list(issues), policy),
        _without_that(execution, policy),
        escape(execution.note, 400),
        next_step(execution, policy),
    ]
    return "\n".join(line for line in lines if line)


def _what(execution: Execution) -> str:
    if execution.hangs_since is not None:
        return "has not failed, and has been running since"
    return "is kept waiting by its gate since" if execution.waiting else "failed at"


def _then(execution: Execution) -> str:
    """An explanation's "open" was so when it failed; where that holds nothing any more it is history."""
    explained = execution.attribution.verdict in (Verdict.EXPLAINED, Verdict.UNREADABLE)
    waits = execution.status in (Status.BLOCKED, Status.NEEDS_HUMAN) and execution.blockers
    seen = execution.held_at is not None or execution.actions
    return f"Why it was {'held' if seen else 'shown'}: " if explained and not waits else ""


def _what_counted(execution: Execution, issues: list[Issue], policy: Policy) -> list[str]:
    """What was looked for; for a failure that no issue explains also what would have made one do."""
    if execution.attribution.verdict is Verdict.OWN:
        return ["A failure of this kind is never put down to AWS, whatever is open."]
    never_failed = not execution.actions and execution.held_at is None
    if never_failed and execution.attribution.verdict is Verdict.EXPLAINED:
        return [MEASURE]
    if execution.stopped_by_gate or execution.waiting:
        return ["What its health gate named counts, and nothing else: the gate looks at Regions of its own."]
    services = sorted({each for a in execution.actions for each in explaining_services(a, execution.tags, policy)})
    regions = sorted({*(action.region for action in execution.actions), *execution.tags.regions})
    where = f"in {_list(regions)}, or everywhere" if regions else "everywhere"
    if not services:
        looked = "No AWS service is known to stand behind what failed, so no issue can explain it."
    else:
        looked = f"Allclear looked for issues of {_list(services)} {where}."
    if execution.attribution.verdict is not Verdict.UNEXPLAINED:
        return [looked]
    would = (
        f"One of those that covers {slack_date(execution.failed_at)}, announced at most "
        f"{duration_text(policy.late_issue)} later, would explain it. "
        "The pipeline's tags allclear:services and allclear:regions name what else it depends on."
    )
    return [looked, would, _near_misses(issues, services, regions, policy)]


def _without_that(execution: Execution, policy: Policy) -> str:
    """What else would have come of a failure that is put down to AWS, and by whose setting."""
    if execution.attribution.verdict is not Verdict.EXPLAINED or execution.unfailed:
        return ""
    if execution.status is Status.BLOCKED and execution.blockers:
        left_out = "an issue that counts wrongly can be left out with `/allclear ignore`"
        return f"Without such an issue a person would have been asked; {left_out}."
    if execution.status is not Status.NEEDS_HUMAN:
        return ""
    retried = "would have been retried without asking"
    if policy.is_shadow(execution.tags):
        return f"Outside shadow mode (Mode, or its pipeline's tag allclear:mode) it {retried}."
    if not execution.tags.auto_retry:
        return f"Without its pipeline's tag allclear:auto-retry it {retried}."
    if execution.automatic_retries >= policy.max_automatic_retries:
        return f"With a larger MaxAutomaticRetries it {retried}."
    if execution.held_at is not None and execution.entered_at - execution.held_at >= policy.max_age:
        return f"With a larger MaxAgeHours it {retried}."
    return ""


def _near_misses(issues: list[Issue], services: list[str], regions: list[str], policy: Policy) -> str:
    """What is open in the same Regions and does not count, with the reason; "" if there is nothing."""
    told = []
    for issue in issues:
        report = issue.report
        if report.closed or report.region not in ("global", *regions):
            continue
        name = f"{escape(report.service, 40)} ({escape(report.region, 30)})"
        if issue.ignored_by:
            told.append(f"{name} is ignored")
        elif policy.ignores(report.service):
            told.append(f"{name} is one of IgnoredServices")
        elif issue.open and report.service not in services:
            told.append(f"{name} is of another service")
        elif issue.open:
            told.append(f"{name} began at {slack_date(report.start_at)}")
    if not told:
        return ""
    more = f"; and {len(told) - NEAR_MISSES} more" if len(told) > NEAR_MISSES else ""
    return f"Open there, and not counted: {'; '.join(told[:NEAR_MISSES])}{more}."


def _list(names: list[str]) -> str:
    shown = ", ".join(escape(name, 40) for name in names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown
