"""Values of the domain for tests: one good example of each, of which a test changes what it is about.

The story they tell: an ECS issue in us-east-1 opens at 02:00; web's Deploy stage fails at 02:20 (`NOW`) and
is held.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.card_ref import CardRef
from bot.hints import Hint
from bot.holds import Hold
from bot.inferred import Inferred, Sighting
from bot.model import (
    Attribution,
    Blocker,
    Entry,
    Execution,
    ExecutionKey,
    FailedAction,
    Issue,
    IssuePhase,
    IssueReport,
    Override,
    Status,
    Verdict,
)
from bot.running import RunningAction, RunningStage
from bot.service_errors import Fault

NOW = datetime(2026, 11, 23, 2, 20, tzinfo=UTC)
ACCOUNT = "111122223333"
REGION = "us-east-1"
PIPELINE = "web"
EXECUTION_ID = "11111111-2222-3333-4444-555555555555"
STAGE = "Deploy"
KEY = ExecutionKey(ACCOUNT, REGION, PIPELINE, EXECUTION_ID, STAGE)
ISSUE_ARN = "arn:aws:health:us-east-1::event/ECS/AWS_ECS_OPERATIONAL_ISSUE/AWS_ECS_OPERATIONAL_ISSUE_7B4F2C1D"


def a_key(**changes: Any) -> ExecutionKey:
    return replace(KEY, **changes)


def an_action(**changes: Any) -> FailedAction:
    """A failed CloudFormation deploy that AWS may be to blame for."""
    action = FailedAction(
        name="DeployStack",
        action_execution_id="aaaaaaaa-0000-0000-0000-000000000001",
        region=REGION,
        category="Deploy",
        owner="AWS",
        provider="CloudFormation",
        error_code="JobFailed",
        message="Resource handler returned message: service unavailable",
    )
    return replace(action, **changes)


def a_gate_action(*issues: str, **changes: Any) -> FailedAction:
    """Allclear's own gate, which stopped the stage and named these issues (last ARN segments)."""
    named = issues or (ISSUE_ARN.rsplit("/", 1)[-1],)
    gate = FailedAction(
        name="HealthGate",
        action_execution_id="aaaaaaaa-0000-0000-0000-00000000000a",
        region=REGION,
        category="Invoke",
        owner="AWS",
        provider="Lambda",
        error_code="JobFailed",
        message="Allclear health gate: open issues: " + ", ".join(named),
        external_execution_id=",".join(named),
        gate_issues=named,
    )
    return replace(gate, **changes)


def a_blocker(**changes: Any) -> Blocker:
    blocker = Blocker(
        issue=ISSUE_ARN,
        service="ECS",
        region=REGION,
        type_code="AWS_ECS_OPERATIONAL_ISSUE",
        start_at=NOW - timedelta(minutes=20),
    )
    return replace(blocker, **changes)


def an_attribution(**changes: Any) -> Attribution:
    """EXPLAINED by `a_blocker()`."""
    attribution = Attribution(
        verdict=Verdict.EXPLAINED,
        reason="ECS has an open issue in us-east-1, where DeployStack ran.",
        blockers=(a_blocker(),),
    )
    return replace(attribution, **changes)


def an_entry(**changes: Any) -> Entry:
    return replace(
        Entry(version=1, at=NOW, status=Status.BLOCKED, what="Held by an ECS issue in us-east-1."), **changes
    )


def an_execution(**changes: Any) -> Execution:
    """A BLOCKED execution at version 1. Whatever a test leaves out follows its status and version.

    A finished one has `finished_at` and no clock; only a BLOCKED one has blockers and `held_at`; the trail's one
    line carries the version and the status.
    """
    status = Status(changes.get("status", Status.BLOCKED))
    version = changes.get("version", 1)
    blocked = status is Status.BLOCKED
    follows: dict[str, Any] = {
        "key": KEY,
        "version": version,
        "status": status,
        "entered_version": version,
        "entered_at": NOW,
        "first_failed_at": NOW,
        "failed_at": changes.get("first_failed_at", NOW),
        "actions": (an_action(),),
        "attribution": an_attribution(),
        "blockers": (a_blocker(),) if blocked else (),
        "held_at": NOW if blocked else None,
        "finished_at": NOW if status.finished else None,
        "due_at": None if status.finished else NOW + timedelta(hours=4),
        "trail": (an_entry(version=version, status=status),),
    }
    return Execution(**{**follows, **changes, "status": status})


def a_report(**changes: Any) -> IssueReport:
    """An open, PUBLIC ECS issue in us-east-1 that began twenty minutes before `NOW`."""
    report = IssueReport(
        arn=ISSUE_ARN,
        service="ECS",
        region=REGION,
        type_code="AWS_ECS_OPERATIONAL_ISSUE",
        scope="PUBLIC",
        account="",
        start_at=NOW - timedelta(minutes=20),
        updated_at=NOW - timedelta(minutes=10),
        closed=False,
        description="We are investigating increased error rates launching tasks.",
    )
    return replace(report, **changes)


def an_issue(**changes: Any) -> Issue:
    """An OPEN issue at version 1 with a clock a minute ahead."""
    issue = Issue(
        report=a_report(),
        version=1,
        phase=IssuePhase.OPEN,
        first_seen_at=NOW - timedelta(minutes=10),
        due_at=NOW + timedelta(minutes=1),
    )
    return replace(issue, **changes)


def an_override(**changes: Any) -> Override:
    """Carol lets web's Deploy pass for an hour."""
    given = Override(
        KEY, "U0CAROL", "the fix is in this deploy", created_at=NOW, expires_at=NOW + timedelta(hours=1)
    )
    return replace(given, **changes)


def a_hint(**changes: Any) -> Hint:
    hint = Hint(
        account=ACCOUNT,
        region=REGION,
        pipeline=PIPELINE,
        execution_id=EXECUTION_ID,
        seen_at=NOW,
        due_at=NOW,
        token="report-1",
    )
    return replace(hint, **changes)


def a_hold(**changes: Any) -> Hold:
    """A gate that began to wait at `NOW` for the ECS issue, and answered its second job half a minute later."""
    hold = Hold(
        account=ACCOUNT,
        region=REGION,
        pipeline=PIPELINE,
        execution_id=EXECUTION_ID,
        since_at=NOW,
        seen_at=NOW + timedelta(seconds=30),
        ends_at=NOW + timedelta(hours=23, minutes=45),
        blockers=(a_blocker(),),
        due_at=NOW,
        stage=STAGE,
        reason="The health gate waits. Open: ECS in us-east-1.",
    )
    return replace(hold, **changes)


def a_sighting(key: ExecutionKey = KEY, **changes: Any) -> Sighting:
    """A failure on ECS, which answered with an error of its own."""
    return replace(Sighting(str(key), NOW, ("ECS",), Fault.SERVER), **changes)


def an_inferred(**changes: Any) -> Inferred:
    """Three pipelines failed alike at `NOW`, and it was seen half a minute later."""
    members = tuple(a_sighting(a_key(pipeline=name)) for name in ("api", "job", "web"))
    seen_at = NOW + timedelta(seconds=30)
    name = f"{REGION}#ECS#SERVER#20261123T022030.000000Z"
    return replace(Inferred(name, REGION, "ECS", Fault.SERVER, NOW, NOW, seen_at, members), **changes)


def a_card(**changes: Any) -> CardRef:
    """A card that was just asked for and never posted."""
    return replace(CardRef(key=KEY, revision=1, wanted_version=1, due_at=NOW), **changes)


def a_running_stage(**changes: Any) -> RunningStage:
    """web's Deploy began at `NOW`."""
    return replace(RunningStage(KEY, since_at=NOW, look_at=NOW + timedelta(minutes=5)), **changes)


def a_running_action(**changes: Any) -> RunningAction:
    """web's ECS deploy, in its first attempt, since `NOW`. `changes` are the action's, but for `started_at`."""
    started_at = changes.pop("started_at", NOW)
    action = an_action(name="DeployService", provider="ECS", error_code="", message="")
    return RunningAction(replace(action, **changes), started_at)
