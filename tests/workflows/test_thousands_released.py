"""Ten thousand held deploys: many short invocations, and no call more for each deploy than for a few."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.clocks import RELEASE_MOST
from bot.model import IssuePhase, Status
from bot.ports import Store
from bot.workflows.issue_work import CHANGES, PAGE, STEPS, on_report, work
from tests.builders import ISSUE_ARN, NOW, a_key, a_report, an_execution, an_issue
from tests.workflows.harness import MINUTE, Night


class CountingStore:
    """Every method is the real store's; `calls` counts them by name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        return getattr(self._store, name)


def held_by_one_issue(number: int) -> tuple[Night, CountingStore]:
    """So many are held, and the issue has just settled."""
    night = Night(settle=timedelta(0))
    for each in range(number):
        execution = an_execution(key=a_key(pipeline=f"service-{each:05d}"))
        night.store.executions[execution.key] = execution
    night.store.edges[ISSUE_ARN] = {str(key) for key in night.store.executions}
    night.store.issues[ISSUE_ARN] = an_issue()
    counting = CountingStore(night.store)
    night.between(counting)  # type: ignore[arg-type]  # every method is the store's
    return night, counting


def drain(night: Night, counting: CountingStore) -> list[Counter[str]]:
    """Close the issue and let its work be done a minute after the other; the calls of each invocation."""
    invocations = []
    on_report(night.world, a_report(closed=True, updated_at=NOW), NOW)
    (canary,) = [each for each in night.store.executions.values() if each.status is not Status.BLOCKED]
    night.stage_passes(canary.key)
    while night.store.issues[ISSUE_ARN].phase is not IssuePhase.DONE:
        night.now += MINUTE
        counting.calls = Counter()
        work(night.world, ISSUE_ARN, night.now)
        invocations.append(counting.calls)
        assert len(invocations) < 200, "it never ends"
    return invocations


@pytest.mark.parametrize("number", [1_000, 10_000])
def test_each_release_costs_the_same_and_no_invocation_does_more_than_its_share(number: int) -> None:
    night, counting = held_by_one_issue(number)
    invocations = drain(night, counting)
    total: Counter[str] = sum(invocations, Counter())
    assert {each.status for each in night.store.executions.values()} == {Status.RESUMING, Status.RECOVERED}
    assert total["save_execution"] == number - 1
    assert sum(total.values()) <= 2.2 * number, "a load and a save each, and three calls a page"
    assert max(sum(calls.values()) for calls in invocations) <= 2.2 * (CHANGES + PAGE) + STEPS
    assert len(invocations) <= number / CHANGES + 1
    assert night.pipelines.reads == [
        (canary_key.account, canary_key.region, canary_key.pipeline, canary_key.execution_id)
        for canary_key in [sorted(night.store.executions)[0]]
    ], "the release asks CodePipeline nothing"


def test_the_retries_rise_like_a_tide() -> None:
    """The first page goes at once; after that no minute is asked for many more than a hundred."""
    night, counting = held_by_one_issue(10_000)
    drain(night, counting)
    due: Counter[datetime] = Counter()
    for execution in night.store.executions.values():
        if execution.retry is not None:
            wait = execution.retry.not_before_at - execution.retry.requested_at
            assert timedelta(0) <= wait <= RELEASE_MOST
            due[execution.retry.not_before_at.replace(second=0, microsecond=0)] += 1
    assert max(due.values()) <= 150
    assert len(due) >= 95


def test_most_having_gone_before_the_rest_is_found_quickly() -> None:
    """After a re-opening the edges of those that were released are still there: a look and no more."""
    night, counting = held_by_one_issue(2_000)
    for key in sorted(night.store.executions)[:1_900]:
        night.store.executions[key] = an_execution(key=key, status=Status.RECOVERED)
    on_report(night.world, a_report(closed=True, updated_at=NOW), NOW)
    assert night.store.issues[ISSUE_ARN].canary is not None
    assert sum(counting.calls.values()) <= (PAGE + 3) * STEPS * 4
