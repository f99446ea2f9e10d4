"""Does an AWS Health issue explain this failure? Pure, and it says why in one sentence.

The failed actions' Regions, providers and errors, and what the gate said, are held against each issue's Region,
service and time. Unknown is never guessed: no match means no issue explains it, which the card says too.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.model import (
    HEALTH_UNREADABLE,
    RULE,
    Attribution,
    Blocker,
    FailedAction,
    Issue,
    PipelineTags,
    Verdict,
)
from bot.names import place
from bot.policy import Policy
from bot.providers import (
    SERVICES_BY_BUILD_PHASE,
    SERVICES_OF_EVERY_ACTION,
    named_by_sdk,
    named_phase,
    services_of,
)

START_SLACK = timedelta(minutes=15)
"""AWS states when an impact began to the quarter of an hour at best; a failure this much earlier still counts."""

NEVER_AWS_CODES = {
    "ConfigurationError": "its configuration is wrong",
    "PermissionError": "a permission is missing",
}
_OWN_BUILD_PHASES = ("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD")  # buildspec phases run the team's commands
_OWN_COMMAND = re.compile(r"COMMAND_EXECUTION_ERROR|Error while executing command", re.IGNORECASE)


def why_own(action: FailedAction) -> str:
    """Why this failure is the team's own and never AWS's; "" where it may be AWS's."""
    if action.category == "Approval" or action.provider == "Manual":
        return f"{action.name} was rejected by a person"
    if action.gate_issues is not None:
        return ""
    if action.error_code in NEVER_AWS_CODES:
        return f"{action.name} failed because {NEVER_AWS_CODES[action.error_code]}"
    if action.category in ("Build", "Test", "Compute"):
        phase = action.build_phase or named_phase(action.message)
        broken = action.build_fault or "INTERNAL" in action.message
        if (phase in _OWN_BUILD_PHASES and not broken) or _OWN_COMMAND.search(action.message):
            return f"{action.name}'s own commands failed"
    return ""


def explaining_services(action: FailedAction, tags: PipelineTags, policy: Policy) -> frozenset[str]:
    """The Health service codes whose issue may explain this action's failure."""
    if action.provider == "Manual":
        return frozenset()
    services = services_of(action.owner, action.provider, policy.provider_services) | set(action.services)
    services |= SERVICES_BY_BUILD_PHASE.get(action.build_phase, frozenset())
    return services | set(tags.services) | named_by_sdk(action.message)


def in_window(issue: Issue, failed_at: datetime, now: datetime, policy: Policy) -> bool:
    """Whether the issue's impact covers the failure.

    An issue counts from its own startTime on, unless it was announced over LateIssueMinutes after the failure, or
    is open for longer than IssueMaxAgeHours. A closed one counts up to the report that closed it: AWS posts that
    about 22 minutes after recovery, and what failed until then was held while the issue was open. One that was let
    go while AWS still calls it open explains nothing that failed after IssueMaxAgeHours either, and one that a
    person ignores covers nothing.
    """
    report = issue.report
    if issue.ignored_by or failed_at < report.start_at - START_SLACK:
        return False
    if issue.first_seen_at - failed_at > policy.late_issue:
        return False
    if issue.open:
        return now - report.start_at <= policy.issue_max_age
    if not report.closed and failed_at - report.start_at > policy.issue_max_age:
        return False
    return failed_at <= max(report.updated_at, report.end_at or report.updated_at)


def _matches_place(issue: Issue, action: FailedAction, tags: PipelineTags) -> bool:
    return issue.report.region in ("global", action.region, *tags.regions)


def _matches_pipeline(issue: Issue, action: FailedAction, pipeline_region: str) -> bool:
    """What runs an action in another Region is the pipeline, in its own."""
    report = issue.report
    elsewhere = report.region == pipeline_region != action.region
    return elsewhere and report.service in SERVICES_OF_EVERY_ACTION


def _counts_for(
    issue: Issue, actions: Sequence[FailedAction], account: str, tags: PipelineTags, policy: Policy
) -> bool:
    """An ignored service counts where the pipeline's tag names it, or where its gate did and stopped for it."""
    report = issue.report
    if report.arn == HEALTH_UNREADABLE or (report.account and report.account != account):
        return False
    named_by_gate = any(last_segment(report.arn) in (action.gate_issues or ()) for action in actions)
    return not policy.ignores(report.service) or report.service in tags.services or named_by_gate


def blocker(issue: Issue) -> Blocker:
    """What an execution keeps of an issue that holds it."""
    report = issue.report
    return Blocker(issue.key, report.service, report.region, report.type_code, report.start_at)


def last_segment(arn: str) -> str:
    """The part of a Health event ARN by which the gate names it."""
    return arn.rsplit("/", 1)[-1]


def explain(
    actions: Sequence[FailedAction],
    failed_at: datetime,
    account: str,
    tags: PipelineTags,
    issues: Iterable[Issue],
    now: datetime,
    policy: Policy,
    *,
    unreadable: str = "",
    caveat: str = "",
    retry_at: datetime | None = None,
    pipeline_region: str = "",
) -> Attribution:
    """Which issues explain a stage's failure, and why.

    Where several actions failed together, one that is the team's own makes the failure the team's (a retry makes
    all of them again); else one that is explained holds it. The reason says what is true of the others.

    `pipeline_region` counts for what every action runs through, wherever the action itself runs. With `retry_at`
    the open ones count too that began since the failure and stand in the way of a retry at that time.

    `unreadable` says why AWS Health could not be read just now ("" when it could): a failure that nothing in the
    ledger explains is then held or not as HealthUnavailable says. `caveat` is shown beside the reason.
    """
    counting = [issue for issue in issues if _counts_for(issue, actions, account, tags, policy)]

    def whys(action: FailedAction) -> dict[str, tuple[Issue, str]]:
        told = (
            (issue, _why(issue, action, failed_at, tags, now, policy, retry_at, pipeline_region))
            for issue in counting
        )
        return {issue.key: (issue, why) for issue, why in told if why}

    own = next(filter(None, map(why_own, actions)), "")
    if own:
        explained = [
            each for each in actions if not why_own(each) and any(issue.open for issue, _ in whys(each).values())
        ]
        more = f" An open issue explains {_named(explained)}, and a retry makes it again too." if explained else ""
        return Attribution(Verdict.OWN, f"Not AWS's doing: {own}.{more}", caveat=caveat)
    if not actions:
        return Attribution(
            Verdict.UNEXPLAINED, "CodePipeline names no failed action, so no issue can be matched.", caveat=caveat
        )
    rules = [action.name for action in actions if action.category == RULE and action.gate_issues is None]
    if rules:
        return Attribution(
            Verdict.UNEXPLAINED,
            f"A stage condition stopped it (rule {', '.join(rules)}), not a failed action; Allclear matches AWS "
            "Health issues with actions only.",
            caveat=caveat,
        )
    found: dict[str, tuple[Issue, str]] = {}
    unexplained = []
    for action in actions:
        why = whys(action)
        found = {**why, **found}
        if not why and action.gate_issues is None:
            unexplained.append(action)
    if found:
        found_open = {key: pair for key, pair in found.items() if pair[0].open}
        chosen = sorted((found_open or found).values(), key=lambda pair: (pair[0].report.start_at, pair[0].key))
        others = _others(len(chosen) - 1)
        if unexplained:
            others += f" No issue explains {_named(unexplained)}, which failed too: look at the error meanwhile."
        return Attribution(
            Verdict.EXPLAINED, chosen[0][1] + others, tuple(blocker(issue) for issue, _ in chosen), caveat
        )
    stops = [action for action in actions if action.gate_issues is not None]
    if stops and not unreadable:
        named = ", ".join(name for action in stops for name in action.gate_issues or ())
        return Attribution(
            Verdict.EXPLAINED,
            f"The health gate stopped it{f' for {named}' if named else ''}, and nothing it named is open now.",
            caveat=caveat,
        )
    if unreadable:
        return _without_health(actions, unreadable, caveat, policy)
    where = ", ".join(sorted({action.region for action in actions}))
    what = ", ".join(sorted({action.provider or action.name for action in actions}))
    return Attribution(
        Verdict.UNEXPLAINED, f"No AWS Health issue explains the failure of {what} in {where}.", caveat=caveat
    )


def _named(actions: Sequence[FailedAction]) -> str:
    """ "Smoke (Lambda)"; of many the first three."""
    more = f" and {len(actions) - 3} more" if len(actions) > 3 else ""
    return (
        ", ".join(f"{each.name} ({each.provider})" if each.provider else each.name for each in actions[:3]) + more
    )


def _others(count: int) -> str:
    if not count:
        return ""
    return " One more issue explains it too." if count == 1 else f" {count} more issues explain it too."


def _without_health(actions: Sequence[FailedAction], unreadable: str, caveat: str, policy: Policy) -> Attribution:
    held = policy.health_unavailable == "block"
    reason = f"AWS Health cannot be read ({unreadable}), so nobody can tell whether an AWS issue explains this."
    setting = f"HealthUnavailable is {policy.health_unavailable}: " + (
        "it waits until Health can be read." if held else "it is not held."
    )
    may_be_aws = any(explaining_services(action, PipelineTags(), policy) for action in actions)
    verdict = Verdict.UNREADABLE if held and may_be_aws else Verdict.UNEXPLAINED
    return Attribution(verdict, f"{reason} {setting}", caveat=caveat)


def _why(
    issue: Issue,
    action: FailedAction,
    failed_at: datetime,
    tags: PipelineTags,
    now: datetime,
    policy: Policy,
    retry_at: datetime | None,
    pipeline_region: str,
) -> str:
    """The sentence that says why this issue explains this action's failure; "" if it does not."""
    report = issue.report
    where = place(report.region)
    issue_text = (
        f"An open {report.service} issue {where} ({report.type_code}) explains it"
        if issue.open
        else f"A {report.service} issue {where} ({report.type_code}), "
        f"{'ignored' if issue.ignored_by else 'closed'} since, explains it"
    )
    if action.gate_issues is not None:
        if last_segment(report.arn) in action.gate_issues:
            return f"{issue_text}: the health gate {action.name} stopped the deploy for it."
        return ""
    by_pipeline = _matches_pipeline(issue, action, pipeline_region)
    if not by_pipeline and not _matches_place(issue, action, tags):
        return ""
    if not in_window(issue, failed_at, now, policy):
        if retry_at is None or not issue.open or not in_window(issue, retry_at, now, policy):
            return ""
        issue_text = f"An open {report.service} issue {where} ({report.type_code}) stands in the way of a retry"
    if report.service not in explaining_services(action, tags, policy):
        return ""
    failed_on = f" and failed on {report.service}" if report.service in action.services else ""
    runs = "" if report.region in ("global", action.region) else f" (tag allclear:regions names {report.region})"
    runs = f"{action.region}{runs}{failed_on}"
    if by_pipeline:
        runs = f"{action.region}, its pipeline in {pipeline_region}"
    return f"{issue_text}: the failed action {action.name} ({action.provider}) runs in {runs}."
