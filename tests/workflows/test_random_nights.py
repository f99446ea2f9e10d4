"""Random nights: whatever fails, comes twice or dies in between, the promises hold and nothing waits for ever."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.attribution import START_SLACK
from bot.errors import HealthUnreadable, IllegalTransition, NotRetryable, OutcomeUnknown, RetryNotNow, TryLater
from bot.events import EventLevel, EventState
from bot.model import ALLCLEAR, ExecutionKey, IssueReport, Status
from bot.ports import StageStatus
from bot.workflows.issue_work import on_report
from tests.builders import ISSUE_ARN, KEY
from tests.workflows.harness import Night
from tests.workflows.meddling import MeddledStore, PowerFailure, power_fails

ARNS = (ISSUE_ARN, ISSUE_ARN + "-2")
Act = Callable[["RandomNight"], object]


class RandomNight(Night):
    """A night that checks every call of RetryStageExecution at the moment it is made."""

    def __init__(self) -> None:
        super().__init__(max_age=timedelta(hours=2))
        self.meddled = MeddledStore(self.store)
        self.between(self.meddled)  # type: ignore[arg-type]  # every method is the real store's
        self._retry = self.pipelines.retry_stage
        self.pipelines.retry_stage = self._checked_retry  # type: ignore[method-assign]
        self.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
        self.lose_answer = ""

    def _checked_retry(self, key: ExecutionKey) -> None:
        execution = self.execution(key)
        assert execution.retry is not None
        assert execution.claim is not None
        if execution.retry.requested_by == ALLCLEAR:
            assert self.health.error is None, "nobody can tell"
            assert not self.explained_since(execution.failed_at), "an issue is open"
            assert execution.automatic_retries <= self.world.policy.max_automatic_retries
        lost, self.lose_answer = self.lose_answer, ""
        if lost != "before":
            self._retry(key)
        if lost:
            raise OutcomeUnknown("Read timeout")

    def explained_since(self, failed_at: datetime) -> list[IssueReport]:
        """The open issues that began early enough and were announced soon enough to explain it."""
        return [
            report
            for report in self.health.reports.values()
            if not report.closed
            and report.start_at - START_SLACK <= failed_at
            and report.updated_at - failed_at <= self.world.policy.late_issue
        ]

    def runs(self) -> bool:
        return self.pipelines.truth[KEY].status is StageStatus.IN_PROGRESS

    def survive(self, act: Act) -> None:
        """A function that dies, or a step that is refused, is all that ever comes of an act.

        No two happen at one instant: of two reports of the same time the closed one counts.
        """
        self.now += timedelta(seconds=1)
        with suppress(PowerFailure, IllegalTransition):
            act(self)


def _opens(number: int, told: bool) -> Act:
    return lambda night: night.issue_opens(arn=ARNS[number], told=told)


def _closes(number: int, told: bool) -> Act:
    def close(night: RandomNight) -> None:
        report = night.health.reports.get(ARNS[number])
        if report is not None:
            night.issue_closes(report, told=told)

    return close


def _again(number: int) -> Act:
    """An event that came before comes once more, or very late."""

    def again(night: RandomNight) -> None:
        issue = night.store.issues.get(ARNS[number])
        if issue is not None:
            on_report(night.world, issue.report, night.now)

    return again


def _fails(told: bool) -> Act:
    return lambda night: night.stage_fails(told=told) if night.runs() else None


def _passes(told: bool) -> Act:
    return lambda night: night.stage_passes(told=told) if night.runs() else None


def _dies(when: str, method: str) -> Act:
    return lambda night: getattr(night.meddled, when)(method, power_fails)


def _refuses(method: str, error: Exception) -> Act:
    return lambda night: night.pipelines.raise_next(method, error)


def _loses_answer(when: str) -> Act:
    return lambda night: setattr(night, "lose_answer", when)


def _sees(error: Exception | None) -> Act:
    return lambda night: setattr(night.health, "error", error)


NUMBER, TOLD = st.sampled_from((0, 1)), st.booleans()
ACTS: st.SearchStrategy[Act] = st.one_of(
    st.builds(_fails, TOLD),
    st.builds(_passes, TOLD),
    st.builds(_opens, NUMBER, TOLD),
    st.builds(_closes, NUMBER, TOLD),
    st.builds(_again, NUMBER),
    st.builds(
        _dies, st.sampled_from(("before", "after")), st.sampled_from(("save_execution", "save_issue", "due"))
    ),
    st.builds(_loses_answer, st.sampled_from(("before", "after"))),
    st.builds(_sees, st.sampled_from((None, HealthUnreadable("ThrottlingException")))),
    st.builds(
        _refuses,
        st.just("retry_stage"),
        st.sampled_from((RetryNotNow("ConflictException"), NotRetryable("StageNotRetryableException"))),
    ),
    st.builds(_refuses, st.sampled_from(("stages", "tags")), st.just(TryLater("Rate exceeded"))),
    st.builds(lambda state: lambda night: night.event(state), st.sampled_from(EventState)),
    st.just(lambda night: night.event(EventState.FAILED, level=EventLevel.PIPELINE)),
    st.sampled_from((Night.click_retry, Night.click_dismiss, Night.click_undo)),
)
MINUTES = st.sampled_from((0, 0, 1, 2, 6, 30))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(ACTS, MINUTES), max_size=25))
def test_whatever_the_night_brings(script: list[tuple[Act, int]]) -> None:
    """No automatic retry while an issue is open or unreadable; once the world is well again, nothing is stuck."""
    night = RandomNight()
    night.issue_opens(arn=ARNS[0])
    night.stage_fails()
    for act, minutes in script:
        night.survive(act)
        for _ in range(minutes):
            night.survive(lambda night: night.minutes(1))
    _let_all_be_well(night)
    assert night.status() not in (Status.BLOCKED, Status.RESUMING)
    assert night.status() is Status.NEEDS_HUMAN or night.execution().due_at is None
    assert night.failed_items == 0
    versions = [entry.version for entry in night.store.history(KEY)]
    assert versions == list(range(1, len(versions) + 1))
    assert len(versions) < 150, "no loop"
    for earlier, later in pairwise(night.store.history(KEY)):
        assert (earlier.status, earlier.what) != (later.status, later.what) or earlier.at < later.at


def _let_all_be_well(night: RandomNight) -> None:
    """Everything answers again, AWS closes what is open without an event, and what runs passes unreported."""
    night.health.error = None
    night.lose_answer = ""
    night.pipelines.clear_errors()
    night.meddled.clear()
    for number in (0, 1):
        _closes(number, told=False)(night)
    for _ in range(6 * 60):
        night.minutes(1)
        if night.runs():
            night.stage_passes(told=False)
