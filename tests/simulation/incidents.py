"""AWS Health as it behaves: issues open, are updated, close and open again, by events and in the API."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from bot.model import FailedAction, IssueReport
from tests.builders import ACCOUNT, REGION
from tests.fakes.health import FakeHealth
from tests.simulation.scheduler import Scheduler

OTHER_ACCOUNT = "999988887777"
OTHER_REGION = "eu-west-1"
# Service, Region, affected account ("" for everybody): what the plans choose from.
KINDS = (
    ("ECS", REGION, ""),
    ("ECS", REGION, ""),
    ("CLOUDFORMATION", REGION, ""),
    ("MULTIPLE_SERVICES", "global", ""),
    ("ECS", REGION, ACCOUNT),
    ("ECS", REGION, OTHER_ACCOUNT),
    ("ECS", OTHER_REGION, ""),
)
SERVICE_OF = {"ECS": "ECS", "CloudFormation": "CLOUDFORMATION", "Lambda": "LAMBDA"}


class Incidents(FakeHealth):
    """bot.ports.Health over issues that live. `tell` sends an issue's event."""

    def __init__(self, scheduler: Scheduler, tell: Callable[[IssueReport], None]) -> None:
        super().__init__()
        self.turns: defaultdict[str, list[tuple[datetime, bool]]] = defaultdict(list)  # (at, open)
        self.unannounced: dict[str, datetime] = {}  # a service that is in trouble until then, and nobody says so
        self._scheduler = scheduler
        self._tell = tell
        self._numbers = count(1)

    def begin(self, kind: int, minutes_ago: float) -> None:
        service, region, account = KINDS[kind]
        number = next(self._numbers)
        code = f"AWS_{service}_OPERATIONAL_ISSUE"
        now = self._second()
        self._change(
            IssueReport(
                arn=f"arn:aws:health:{region}::event/{service}/{code}/{code}_{number:03d}",
                service=service,
                region=region,
                type_code=code,
                scope="ACCOUNT_SPECIFIC" if account else "PUBLIC",
                account=account,
                start_at=now - timedelta(seconds=int(minutes_ago * 60)),
                updated_at=now,
                closed=False,
            )
        )

    def update(self, number: int) -> None:
        """Words only; hopeful ones at times, and an end that closes nothing."""
        report = self._pick(number)
        if report and not report.closed:
            self._change(replace(report, description="[RESOLVED] We see recovery.", end_at=self._second()))

    def close(self, number: int) -> None:
        report = self._pick(number)
        if report and not report.closed:
            self._change(replace(report, closed=True))

    def reopen(self, number: int) -> None:
        report = self._pick(number)
        if report and report.closed:
            self._change(replace(report, closed=False, end_at=None))

    def close_all(self) -> None:
        for report in list(self.reports.values()):
            if not report.closed:
                self._change(replace(report, closed=True))

    def breaks(self) -> tuple[str, ...]:
        """The services that are in trouble here now."""
        here = [
            report
            for report in self.reports.values()
            if not report.closed and report.region in ("global", REGION) and report.account != OTHER_ACCOUNT
        ]
        several = ("ECS", "CLOUDFORMATION") if any(r.service == "MULTIPLE_SERVICES" for r in here) else ()
        untold = (service for service, until in self.unannounced.items() if self._scheduler.now < until)
        return (*several, *(report.service for report in here), *untold)

    def open_since(self, key: str) -> datetime | None:
        """Since when it is open without a break; None: it is closed."""
        turns = self.turns[key]
        if not turns or not turns[-1][1]:
            return None
        since = turns[-1][0]
        for at, is_open in reversed(turns):
            if not is_open:
                break
            since = at
        return since

    def _pick(self, number: int) -> IssueReport | None:
        reports = list(self.reports.values())
        return reports[number % len(reports)] if reports else None

    def _second(self) -> datetime:
        return self._scheduler.now.replace(microsecond=0)

    def _change(self, report: IssueReport) -> None:
        known = self.reports.get(report.key)
        after = known.updated_at + timedelta(seconds=1) if known else self._second()
        report = replace(report, updated_at=max(after, self._second()))
        self.show(report)
        self.turns[report.key].append((self._scheduler.now, not report.closed))
        if self._scheduler.say:
            name = report.key.rpartition("/")[2]
            self._scheduler.say(f"  AWS Health: {name} {'closed' if report.closed else 'open'}")
        self._tell(report)

    # The port: another account's own issues come by the organisation's events only.

    def open_issues(self, regions: Sequence[str]) -> tuple[IssueReport, ...]:
        reports = super().open_issues(regions)
        if self._scheduler.task is not None:
            self._scheduler.task.facts["health"] = True
        return tuple(report for report in reports if report.account != OTHER_ACCOUNT)

    def describe(self, arns: Sequence[str]) -> tuple[IssueReport, ...]:
        return tuple(report for report in super().describe(arns) if report.account != OTHER_ACCOUNT)


def explains(report: IssueReport, actions: Sequence[FailedAction]) -> bool:
    """Whether the issue may be what broke these actions, time apart: the simulation's own judgement."""
    if report.account not in ("", ACCOUNT) or any(action.error_code == "ConfigurationError" for action in actions):
        return False
    for action in actions:
        if action.category == "Rule":
            continue  # a stage condition's: no service stands behind it
        if action.gate_issues is not None:
            if report.arn.rpartition("/")[2] in action.gate_issues:
                return True
        elif report.region in ("global", action.region) and report.service in (
            "MULTIPLE_SERVICES",
            SERVICE_OF[action.provider],
        ):
            return True
    return False


def health_event_of(report: IssueReport, now: datetime) -> dict[str, Any]:
    """The EventBridge event of one report."""
    return {
        "source": "aws.health",
        "detail-type": "AWS Health Event",
        "account": report.account or ACCOUNT,
        "region": REGION,
        "time": now.isoformat(),
        "detail": {
            "eventArn": report.arn,
            "service": report.service,
            "eventTypeCode": report.type_code,
            "eventTypeCategory": "issue",
            "eventScopeCode": report.scope,
            "eventRegion": report.region,
            "statusCode": "closed" if report.closed else "open",
            "startTime": report.start_at.isoformat(),
            "endTime": report.end_at.isoformat() if report.end_at else None,
            "lastUpdatedTime": report.updated_at.isoformat(),
            "affectedAccount": report.account or ACCOUNT,
            "eventDescription": [{"language": "en_US", "latestDescription": report.description}],
        },
    }
