"""The health gate's decision: does an open issue stand in the deploy's way? Pure; the workflow answers."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.attribution import last_segment
from bot.errors import ParseError
from bot.model import HEALTH_UNREADABLE, Issue, IssuePhase, Override
from bot.names import issue_at
from bot.policy import Policy, WhenHealthUnreadable

GATE_MESSAGE_PREFIX = "Allclear health gate:"
"""Every answer that stops a deploy for an issue starts with this, and no other: it is how one is recognised."""

CANNOT_RUN = "Allclear's health gate cannot run"
UNREADABLE_NAME = "health-unreadable"  # stands for the pseudo-issue in externalExecutionId
EXTERNAL_ID_LIMIT = 1_500  # PutJobFailureResult's externalExecutionId
MESSAGE_LIMIT = 5_000  # PutJobFailureResult's message
EXAMPLE = '{"pipeline": "web", "execution": "#{codepipeline.PipelineExecutionId}", "regions": ["us-east-1"]}'
FIELDS = ("pipeline", "execution", "regions", "services", "mode")
AUTO = "auto"  # services: those of the pipeline's own actions

_ACCOUNT = re.compile(r"[0-9]{12}")
_NAME = re.compile(r"[A-Za-z0-9.@\-_]{1,100}")
_EXECUTION = re.compile(r"[A-Za-z0-9\-]{1,100}")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}|global")
_SERVICE = re.compile(r"[A-Z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class GateJob:
    """A Lambda action's job event, without the credentials it carries."""

    job_id: str
    account: str
    user_parameters: str
    continuation_token: str = ""  # what we kept the action's last job with; "" for its first


@dataclass(frozen=True, slots=True)
class GateRequest:
    """What the pipeline's author asked the gate to look at. Advice, not authority: authors write it."""

    pipeline: str
    execution: str
    regions: tuple[str, ...]
    services: tuple[str, ...] | None = None  # None: any
    auto: bool = False  # the services of the pipeline's own actions
    wait: bool = False  # keep the job while issues are open, in place of failing it


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """Pass (with a summary) or stop (with the message and the names of the blocking issues)."""

    passes: bool
    message: str
    external_execution_id: str = ""
    stopped_by: str = ""  # what an override would pass: the open issues, or that Health is unreadable
    issues: tuple[Issue, ...] = ()  # those that stop it
    overridden_by: str = ""  # the Slack user who let it pass
    caveat: str = ""  # what cannot be confirmed; the message has it too


def parse_job(event: object) -> GateJob:
    """Read CodePipeline's job event. Raises ParseError naming the field; the credentials are never looked at."""
    job = _member(event, "CodePipeline.job", "CodePipeline.job")
    job_id = _member(job, "id", "CodePipeline.job.id")
    if not isinstance(job_id, str) or not re.fullmatch(r"[A-Za-z0-9\-]{1,100}", job_id):
        raise ParseError("CodePipeline.job.id", "must be the job's id")
    account = job.get("accountId") if isinstance(job, dict) else None
    parameters: Any = job
    for name in ("data", "actionConfiguration", "configuration", "UserParameters"):
        parameters = parameters.get(name) if isinstance(parameters, dict) else None
    return GateJob(
        job_id=job_id,
        account=account if isinstance(account, str) and _ACCOUNT.fullmatch(account) else "",  # it goes into keys
        user_parameters=parameters if isinstance(parameters, str) else "",
        continuation_token=_continuation_token(job),
    )


def _continuation_token(job: dict[str, Any]) -> str:
    data = job.get("data")
    token = data.get("continuationToken") if isinstance(data, dict) else None
    return token if isinstance(token, str) else ""


def _member(value: object, name: str, path: str) -> Any:
    if not isinstance(value, dict) or name not in value:
        raise ParseError(path, "is missing")
    return value[name]


def parse_user_parameters(text: str) -> GateRequest:
    """Read the action's UserParameters. Raises ParseError naming the field and what is allowed there."""
    if not text.strip():
        raise ParseError("UserParameters", f"is empty; it must be JSON such as {EXAMPLE}")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ParseError("UserParameters", f"is not JSON; it must be such as {EXAMPLE}") from None
    if not isinstance(value, dict):
        raise ParseError("UserParameters", f"must be a JSON object such as {EXAMPLE}")
    unknown = sorted(str(name) for name in value if name not in FIELDS)
    if unknown:
        raise ParseError(f"UserParameters.{unknown[0][:50]}", f"is unknown; known are {', '.join(FIELDS)}")
    mode = value.get("mode", "fail")
    if mode not in ("fail", "wait"):
        raise ParseError("UserParameters.mode", "must be fail or wait")
    services = value.get("services")
    auto = services == AUTO
    return GateRequest(
        pipeline=_text(value, "pipeline", _NAME, "the pipeline's name"),
        execution=_text(value, "execution", _EXECUTION, 'written as "#{codepipeline.PipelineExecutionId}"'),
        regions=_texts(value, "regions", _REGION, 'a list of Regions such as ["us-east-1"]'),
        services=None
        if services is None or auto
        else _texts(value, "services", _SERVICE, 'a list of AWS Health service codes such as ["ECS"], or "auto"'),
        auto=auto,
        wait=mode == "wait",
    )


def _text(value: dict[str, Any], name: str, pattern: re.Pattern[str], what: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ParseError(f"UserParameters.{name}", f"must be {what}")
    return text


def _texts(value: dict[str, Any], name: str, pattern: re.Pattern[str], what: str) -> tuple[str, ...]:
    items = value.get(name)
    if not isinstance(items, list) or not items or len(items) > 50:
        raise ParseError(f"UserParameters.{name}", f"must be {what}")
    for item in items:
        if not isinstance(item, str) or not pattern.fullmatch(item):
            raise ParseError(f"UserParameters.{name}", f"must be {what}")
    return tuple(dict.fromkeys(items))


def cannot_run(why: str) -> GateAnswer:
    """A failure that is nobody's outage: the deploy is stopped because the gate does not know."""
    return GateAnswer(passes=False, message=f"{CANNOT_RUN}: {why}"[:MESSAGE_LIMIT])


def decide(
    request: GateRequest,
    issues: Iterable[Issue],
    account: str,
    now: datetime,
    policy: Policy,
    *,
    unreadable: str = "",
    caveat: str = "",
    until_settled: bool = False,
) -> GateAnswer:
    """Stop for every open issue in the request's Regions (and `global`), narrowed by its services.

    `unreadable` says why AWS Health could not be read ("" when it could): HealthUnavailable decides then.
    `until_settled`: a closed issue counts too, until its settle time is over; for a gate that waits already.
    """
    known = [issue for issue in issues if _concerns(issue, request, account, policy)]
    concerning = [issue for issue in known if issue.open or (until_settled and _settles(issue, now))]
    blocking = [issue for issue in concerning if now - issue.report.start_at <= policy.issue_max_age]
    beside = f" {caveat}" if caveat else ""
    if blocking:
        return replace(_stop(blocking, beside), caveat=caveat)
    regions = ", ".join(request.regions)
    if unreadable:
        if policy.health_unavailable is WhenHealthUnreadable.BLOCK:
            message = (
                f"{GATE_MESSAGE_PREFIX} AWS Health cannot be read ({unreadable}), and HealthUnavailable is block. "
                "The deploy waits; Allclear retries it when AWS Health can be read and shows nothing open."
            )
            return GateAnswer(
                passes=False,
                message=message[:MESSAGE_LIMIT],
                external_execution_id=UNREADABLE_NAME,
                stopped_by=f"AWS Health cannot be read ({unreadable}).",
            )
        return GateAnswer(
            passes=True,
            message=f"AWS Health could not be read ({unreadable}); HealthUnavailable is allow.{beside}",
        )
    what = f" for {', '.join(request.services)}" if request.services else ""
    let_go = [
        issue for issue in known
        if not (issue.report.closed or issue.ignored_by) and now - issue.report.start_at > policy.issue_max_age
    ]  # fmt: skip
    aged = f" Not counted for their age: {_names(let_go)}." if let_go else ""
    ignored = "".join(
        f" Not counted: {_names([issue])}, ignored by {issue.ignored_by} ({issue.ignored_reason})."
        for issue in known
        if issue.ignored_by and not issue.report.closed
    )
    message = f"No open AWS Health issue in {regions}{what}.{aged}{ignored}{beside}"
    return GateAnswer(passes=True, message=message[:MESSAGE_LIMIT])


def _settles(issue: Issue, now: datetime) -> bool:
    return issue.phase is IssuePhase.SETTLING and issue.settled_at is not None and now < issue.settled_at


def _concerns(issue: Issue, request: GateRequest, account: str, policy: Policy) -> bool:
    report = issue.report
    if report.arn == HEALTH_UNREADABLE or report.region not in ("global", *request.regions):
        return False
    if report.account and report.account != account:
        return False
    named = request.services is not None and report.service in request.services
    if policy.ignores(report.service) and not named:
        return False
    return request.services is None or named or report.service == "MULTIPLE_SERVICES"


def _names(issues: Iterable[Issue]) -> str:
    return ", ".join(issue_at(issue.report.service, issue.report.region) for issue in issues)


def _stop(blocking: list[Issue], beside: str) -> GateAnswer:
    blocking.sort(key=lambda issue: (issue.report.start_at, issue.key))
    one = len(blocking) == 1
    details = "; ".join(
        f"{issue_at(issue.report.service, issue.report.region)} since {issue.report.start_at:%Y-%m-%d %H:%M} UTC "
        f"({last_segment(issue.report.arn)})"
        for issue in blocking
    )
    what = "an AWS Health issue is open" if one else f"{len(blocking)} AWS Health issues are open"
    message = (
        f"{GATE_MESSAGE_PREFIX} {what}: "
        f"{details}. Allclear retries this stage when {'it closes' if one else 'all of them are closed'}; "
        f"see the card in Slack to retry sooner.{beside}"
    )
    return GateAnswer(
        passes=False,
        message=message[:MESSAGE_LIMIT],
        external_execution_id=_external_id([last_segment(issue.report.arn) for issue in blocking]),
        stopped_by=f"{'Open' if all(issue.open for issue in blocking) else 'Open or just closed'}: {details}.",
        issues=tuple(blocking),
    )


def pass_by_override(stop: GateAnswer, override: Override) -> GateAnswer:
    """What would have stopped the deploy is passed; the job's summary says who let it, why, and past what."""
    who = f"Overridden by {override.by} until {override.expires_at:%H:%M} UTC: {override.reason}"
    message = f"{who}{'' if who.endswith('.') else '.'} {stop.stopped_by}"
    return GateAnswer(passes=True, message=message, overridden_by=override.by)


def stop_all_the_same(stop: GateAnswer, why: str) -> GateAnswer:
    """There may be an override, and it does not count: the message says why, whatever else has to be cut."""
    beside = f" An override was not counted: {why}"
    return replace(stop, message=stop.message[: MESSAGE_LIMIT - len(beside)] + beside)


def _external_id(names: list[str]) -> str:
    """Comma-separated, cut at EXTERNAL_ID_LIMIT with +N for the N that did not fit."""
    whole = ",".join(names)
    if len(whole) <= EXTERNAL_ID_LIMIT:
        return whole
    for kept in range(len(names) - 1, 0, -1):
        cut = f"{','.join(names[:kept])},+{len(names) - kept}"
        if len(cut) <= EXTERNAL_ID_LIMIT:
            return cut
    return f"{names[0][: EXTERNAL_ID_LIMIT - 10]},+{len(names) - 1}"
