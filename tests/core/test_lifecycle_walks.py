"""Whatever happens in whatever order, some things always hold of an execution."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import IllegalTransition
from bot.lifecycle import (
    Accepted,
    Claimed,
    Dismissed,
    Event,
    Explained,
    Frozen,
    Overtaken,
    Postponed,
    Refused,
    Released,
    RetryLost,
    RetryRequested,
    StageFailed,
    StageGone,
    StagePassed,
    StageRunning,
    StageStopped,
    TooOld,
    Undone,
    advance,
    begin,
)
from bot.model import TRAIL_LENGTH, Attribution, Execution, PipelineTags, Status
from bot.policy import Policy
from tests.builders import ISSUE_ARN, KEY, NOW, a_gate_action, an_action
from tests.core.lifecycle_events import (
    BY_ANOTHER,
    BY_BOTH,
    EXPLAINED,
    OTHER_ARN,
    OVER,
    UNEXPLAINED,
    USER,
)

DAY = timedelta(days=1)
ATTRIBUTIONS = st.sampled_from((EXPLAINED, BY_ANOTHER, BY_BOTH, OVER, UNEXPLAINED))
CLAIM_IDS = st.sampled_from(("claim-1", "claim-2"))
GAPS = st.sampled_from([timedelta(seconds=1), timedelta(minutes=2), timedelta(minutes=40), timedelta(hours=7)])
POLICIES = st.builds(Policy, max_automatic_retries=st.integers(0, 3))

# What happens, as a function of when it happens.
Happening = Callable[[datetime], Event]


def _failure(ids: list[str], by_gate: bool, ago: timedelta, by: Attribution, auto_retry: bool) -> Happening:
    """Few ids, so that old ones come back."""
    make = a_gate_action if by_gate else an_action
    actions = tuple(make(action_execution_id=one) for one in ids)
    return lambda now: StageFailed(actions, now - ago, by, PipelineTags(auto_retry=auto_retry))


FAILURES = st.builds(
    _failure,
    st.lists(st.sampled_from("abcd"), max_size=2, unique=True),
    st.booleans(),
    st.sampled_from((timedelta(0), timedelta(minutes=3), timedelta(hours=30))),
    ATTRIBUTIONS,
    st.booleans(),
)
TIMELESS = st.one_of(
    st.sampled_from((StageRunning(), StagePassed(), Overtaken(), StageStopped(), StageGone("Gone"))),
    st.sampled_from((TooOld(), RetryLost(), Frozen("frozen"))),
    st.sampled_from((RetryRequested(USER), Dismissed(USER), Undone(USER))),
    st.builds(Explained, ATTRIBUTIONS),
    st.builds(
        Released, st.sampled_from((ISSUE_ARN, OTHER_ARN)), st.just("AWS closed it"), st.sampled_from((None, NOW))
    ),
    st.builds(Accepted, CLAIM_IDS),
    st.builds(Refused, st.just("no"), CLAIM_IDS),
).map(lambda event: lambda _now: event)
CLAIMS = CLAIM_IDS.map(lambda claim_id: lambda now: Claimed(claim_id, now + timedelta(seconds=90)))
POSTPONEMENTS = st.builds(
    lambda delay, claim_id: lambda now: Postponed("busy", now + delay, claim_id),
    st.sampled_from((timedelta(seconds=30), timedelta(minutes=15))),
    st.sampled_from(("", "claim-1", "claim-2")),
)
HAPPENINGS = st.lists(
    st.tuples(GAPS, st.one_of(FAILURES, CLAIMS, POSTPONEMENTS, TIMELESS)), min_size=1, max_size=30
)


@dataclass(frozen=True)
class Step:
    before: Execution | None
    event: Event
    now: datetime
    after: Execution


def walk(policy: Policy, first: Happening, rest: list[tuple[timedelta, Happening]]) -> Iterator[Step]:
    """The states that follow from a first failure; an illegal event changes nothing and is left out."""
    failure, now = first(NOW), NOW
    assert isinstance(failure, StageFailed)
    execution = begin(KEY, failure, now, policy)
    yield Step(None, failure, now, execution)
    for gap, happening in rest:
        now += gap
        event = happening(now)
        try:
            after = advance(execution, event, now, policy)
        except IllegalTransition:
            continue
        yield Step(execution, event, now, after)
        execution = after


@settings(max_examples=300, deadline=None)
@given(POLICIES, FAILURES, HAPPENINGS)
def test_whatever_happens_some_things_always_hold(
    policy: Policy, first: Happening, rest: list[tuple[timedelta, Happening]]
) -> None:
    """A step changes nothing, or makes one version with one line, a clock, a kept budget and a fenced claim."""
    for one in walk(policy, first, rest):
        if one.after is not one.before:
            _is_one_version_with_one_line(one)
            _has_a_clock_that_is_near(one)
        _keeps_to_the_budget(one, policy)
        _owes_only_what_it_may(one.after)


def _is_one_version_with_one_line(one: Step) -> None:
    """The line carries the version and the status it led to, and every status begins at a version."""
    before, after, entry = one.before, one.after, one.after.trail[-1]
    assert after.version == (before.version if before else 0) + 1
    assert (entry.version, entry.status, entry.at) == (after.version, after.status, one.now)
    assert entry.what
    if before is None:
        return
    assert after.trail == (*before.trail, entry)[-TRAIL_LENGTH:]
    if after.status is not before.status:
        assert (after.entered_version, after.entered_at) == (after.version, one.now)
    else:
        assert after.entered_version in (before.entered_version, after.version)


def _has_a_clock_that_is_near(one: Step) -> None:
    """Only ends have none. A clock is never behind the change that set it, nor more than a day ahead."""
    after = one.after
    assert after.status.finished == (after.due_at is None) == (after.finished_at is not None)
    if after.due_at is not None:
        assert one.now <= after.due_at <= one.now + DAY


def _keeps_to_the_budget(one: Step, policy: Policy) -> None:
    """The count stays between nothing and the maximum: no claim is made beyond it, no refund given twice."""
    assert 0 <= one.after.automatic_retries <= policy.max_automatic_retries
    assert one.after.retries >= 0
    if one.after.claim is not None and one.after.claim.spent_budget:
        assert one.after.automatic_retries >= 1


def _owes_only_what_it_may(after: Execution) -> None:
    """A claim is fenced by the failed attempts' ids; what is held is held by something; ends owe nothing."""
    if after.claim is not None:
        assert after.status in (Status.RESUMING, Status.RETRYING)
        assert after.claim.action_execution_ids == after.action_execution_ids
    assert (after.retry is not None) or after.status is not Status.RESUMING
    if after.status is Status.BLOCKED:
        assert after.blockers
        assert after.held_at is not None
    if after.status.finished and after.status is not Status.DISMISSED:
        assert (after.retry, after.claim, after.blockers) == (None, None, ())
