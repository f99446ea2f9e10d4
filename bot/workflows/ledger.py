"""The ledger of issues: what AWS Health's events and its API say, in one place, read consistently."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.errors import HealthUnreadable, NoSupportPlan, ParseError, VersionConflict
from bot.issue_events import Reported
from bot.issues import advance_issue, first, unreadable_report
from bot.model import HEALTH_UNREADABLE, Issue, IssueReport
from bot.names import NO_PLAN
from bot.workflows.world import SAVE_ATTEMPTS, World

logger = logging.getLogger(__name__)


def record(world: World, report: IssueReport, now: datetime) -> Issue:
    """Merge one report into the ledger and answer the issue as it stands. Raises VersionConflict (bounded)."""
    for _ in range(SAVE_ATTEMPTS):
        issue = world.store.load_issue(report.key)
        if issue is None:
            after = first(report, now, world.policy)
        else:
            after = advance_issue(issue, Reported(report), now, world.policy)
            if after is issue:
                return issue
        try:
            world.store.save_issue(after)
        except VersionConflict:
            continue
        return after
    raise VersionConflict(f"{report.key} was changed by others {SAVE_ATTEMPTS} times in a row")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about issues at one moment."""

    issues: tuple[Issue, ...]
    unreadable: str = ""  # why AWS Health could not be read; "" when it could
    caveat: str = ""  # what cannot be confirmed

    @property
    def open(self) -> tuple[Issue, ...]:
        return tuple(issue for issue in self.issues if issue.open)


class IssueReader:
    """Reads AWS Health once an invocation for each set of Regions, and the ledger every time.

    Make one an invocation: an answer of AWS Health is never older than the invocation that uses it.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked: dict[frozenset[str], tuple[str, str]] = {}

    def read(self, regions: Iterable[str], now: datetime) -> Known:
        """Every issue known, after asking AWS Health about these Regions (and `global`)."""
        wanted = frozenset(regions)
        if wanted not in self._asked:
            self._asked[wanted] = self._ask(sorted(wanted), now)
        unreadable, caveat = self._asked[wanted]
        return Known(self._world.store.ledger(), unreadable, caveat)

    def _ask(self, regions: Sequence[str], now: datetime) -> tuple[str, str]:
        try:
            reports = self._world.health.open_issues(regions)
        except NoSupportPlan:
            close_unreadable(self._world, now)
            return "", NO_PLAN
        except HealthUnreadable as problem:
            return str(problem), ""
        for report in reports:
            try:
                record(self._world, report, now)
            except ParseError:  # what the table holds of this one issue; every deploy would stand still for it
                logger.exception("%s cannot be read back and is passed over", report.key)
        close_unreadable(self._world, now)
        return "", ""


def open_unreadable(world: World, now: datetime) -> Issue:
    """Say in the ledger that AWS Health cannot be read, so that what is held for it has a clock."""
    return record(world, unreadable_report(now), now)


def close_unreadable(world: World, now: datetime) -> None:
    """A good read: nothing stays held for AWS Health being unreadable."""
    issue = world.store.load_issue(HEALTH_UNREADABLE)
    if issue is not None and issue.open:
        record(world, unreadable_report(now, closed=True), now)
