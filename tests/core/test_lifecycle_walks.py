"""Whatever happens in whatever order, some things always hold of an execution."""

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
from bot.model import TRAIL_LENGTH, Execution, PipelineTags, Status
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


@st.composite
def _failures(draw: st.DrawFn, now: datetime) -> StageFailed:
    """A failure of one or two actions, now or earlier; few ids, so that old ones come back."""
    ids = draw(st.lists(st.sampled_from("abcd"), min_size=0, max_size=2, unique=True))
    actions = tuple(
        a_gate_action(action_execution_id=one) if draw(st.booleans()) else an_action(action_execution_id=one)
        for one in ids
    )
    ago = draw(st.sampled_from((timedelta(0), timedelta(minutes=3), timedelta(hours=30))))
    tags = PipelineTags(auto_retry=draw(st.booleans()))
    return StageFailed(actions, now - ago, draw(ATTRIBUTIONS), tags)


def _events(now: datetime) -> st.SearchStrategy[Event]:
    later = st.sampled_from((timedelta(seconds=30), timedelta(minutes=15))).map(lambda delay: now + delay)
    return st.one_of(
        _failures(now),
        st.sampled_from((StageRunning(), StagePassed(), Overtaken(), StageStopped(), StageGone("Gone"))),
        st.sampled_from((TooOld(), RetryLost(), Frozen("frozen"))),
        st.sampled_from((RetryRequested(USER), Dismissed(USER), Undone(USER))),
        st.builds(Explained, ATTRIBUTIONS),
        st.builds(
            Released,
            st.sampled_from((ISSUE_ARN, OTHER_ARN)),
            st.just("AWS closed the issue"),
            st.sampled_from((None, now - timedelta(hours=2))),
        ),
        st.builds(Claimed, CLAIM_IDS, st.just(now + timedelta(seconds=90))),
        st.builds(Accepted, CLAIM_IDS),
        st.builds(Postponed, st.just("busy"), later, st.sampled_from(("", "claim-1", "claim-2"))),
        st.builds(Refused, st.just("no"), CLAIM_IDS),
    )


@dataclass(frozen=True)
class Step:
    before: Execution | None
    event: Event
    now: datetime
    after: Execution


@st.composite
def walks(draw: st.DrawFn) -> tuple[Policy, list[Step]]:
    """A first failure and up to thirty things that happen after it; illegal ones change nothing and are left out."""
    policy, now = draw(POLICIES), NOW
    failure = draw(_failures(now))
    steps = [Step(None, failure, now, begin(KEY, failure, now, policy))]
    for _ in range(draw(st.integers(1, 30))):
        now += draw(GAPS)
        event, before = draw(_events(now)), steps[-1].after
        try:
            steps.append(Step(before, event, now, advance(before, event, now, policy)))
        except IllegalTransition:
            continue
    return policy, steps


@settings(max_examples=400, deadline=None)
@given(walks())
def test_a_change_is_one_version_and_one_line_of_history(walk: tuple[Policy, list[Step]]) -> None:
    """The line carries the version and the status it led to, and every status begins at a version."""
    _, steps = walk
    for one in steps:
        if one.after is one.before:
            continue
        before, after, entry = one.before, one.after, one.after.trail[-1]
        assert after.version == (before.version if before else 0) + 1
        assert (entry.version, entry.status, entry.at) == (after.version, after.status, one.now)
        assert entry.what
        assert len(after.trail) <= TRAIL_LENGTH
        if before is not None:
            assert after.trail[:-1] == (before.trail if len(before.trail) < TRAIL_LENGTH else before.trail[1:])
            if after.status is not before.status:
                assert after.entered_version == after.version
                assert after.entered_at == one.now
            else:
                assert after.entered_version in (before.entered_version, after.version)


@settings(max_examples=400, deadline=None)
@given(walks())
def test_only_ends_have_no_clock_and_every_clock_is_near(walk: tuple[Policy, list[Step]]) -> None:
    """Nothing waits unwatched: a clock is never behind the change that set it, nor more than a day ahead."""
    _, steps = walk
    for one in steps:
        after = one.after
        assert after.status.finished == (after.due_at is None) == (after.finished_at is not None)
        if after is not one.before and after.due_at is not None:
            assert one.now <= after.due_at <= one.now + DAY


@settings(max_examples=400, deadline=None)
@given(walks())
def test_no_walk_overspends_the_budget(walk: tuple[Policy, list[Step]]) -> None:
    """The count stays between nothing and the maximum, and a claim that costs is one the budget had room for."""
    policy, steps = walk
    for one in steps:
        assert 0 <= one.after.automatic_retries <= policy.max_automatic_retries
        assert one.after.retries >= 0
        if isinstance(one.event, Claimed) and one.after.claim is not None and one.after.claim.spent_budget:
            assert one.after.automatic_retries >= 1


@settings(max_examples=400, deadline=None)
@given(walks())
def test_a_claim_is_fenced_by_the_failed_attempts_and_lives_only_where_a_retry_does(
    walk: tuple[Policy, list[Step]],
) -> None:
    """Its ids are those of the actions that failed; a retry that is owed says who wants it."""
    _, steps = walk
    for one in steps:
        after = one.after
        if after.claim is not None:
            assert after.status in (Status.RESUMING, Status.RETRYING)
            assert after.claim.action_execution_ids == after.action_execution_ids
        assert (after.retry is not None) or after.status is not Status.RESUMING
        if after.status is Status.BLOCKED:
            assert after.blockers
            assert after.held_at is not None
        if after.status.finished and after.status is not Status.DISMISSED:
            assert (after.retry, after.claim, after.blockers) == (None, None, ())
