"""AWS Health in memory: the events a test shows, or the error it is in."""

from collections.abc import Sequence

from bot.model import IssueReport


class FakeHealth:
    """Implements bot.ports.Health. Set `error` (HealthUnreadable, NoSupportPlan) to make every read raise it."""

    def __init__(self, *reports: IssueReport) -> None:
        self.reports: dict[str, IssueReport] = {}
        self.error: Exception | None = None
        self.asked_regions: list[tuple[str, ...]] = []  # one entry per open_issues
        self.asked_arns: list[tuple[str, ...]] = []  # one entry per describe
        self.show(*reports)

    def show(self, *reports: IssueReport) -> None:
        """From now on the API tells these; a report of the same issue replaces the older one."""
        self.reports.update({report.key: report for report in reports})

    def open_issues(self, regions: Sequence[str]) -> tuple[IssueReport, ...]:
        self.asked_regions.append(tuple(regions))
        if self.error is not None:
            raise self.error
        return tuple(
            report
            for report in self.reports.values()
            if not report.closed and (report.region in regions or report.region == "global")
        )

    def describe(self, arns: Sequence[str]) -> tuple[IssueReport, ...]:
        self.asked_arns.append(tuple(arns))
        if self.error is not None:
            raise self.error
        return tuple(report for report in self.reports.values() if report.arn in arns)
