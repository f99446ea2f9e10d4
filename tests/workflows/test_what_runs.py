"""Which stages run: told by events, looked at while an issue is open, and forgotten when they have ended."""

from datetime import timedelta

import pytest

from bot.errors import PipelineGone, TryLater
from bot.events import EventLevel, EventState
from bot.model import Status
from bot.ports import StageStatus
from bot.workflows import running, sweep
from tests.builders import KEY, a_hint, a_key
from tests.workflows.harness import MINUTE, Night, an_ecs_deploy
from tests.workflows.test_hanging import known, runs


def test_without_an_open_issue_nobody_looks_however_long_it_runs() -> None:
    """An idle night costs nothing: what runs has no clock of its own, and CodePipeline is not asked."""
    night = runs()
    night.minutes(600)
    assert night.pipelines.reads == []
    assert night.store.due(night.now + timedelta(days=1), 10) == ()
    assert known(night) == [KEY]


def test_a_storm_that_keeps_the_open_issue_from_being_due_keeps_nobody_from_looking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever has been due for longer goes first, a batch a minute."""
    monkeypatch.setattr(sweep, "BATCH", 1)
    night = runs()
    night.issue_opens()
    for number in range(40):
        night.store.save_hint(a_hint(pipeline=f"pipeline-{number}", due_at=night.now - timedelta(hours=1)))
    night.minutes(17)
    assert night.execution().hangs_since is not None


@pytest.mark.parametrize("status", [StageStatus.SUCCEEDED, StageStatus.STOPPED, StageStatus.FAILED])
def test_an_end_that_no_event_told_is_seen_within_minutes_while_the_issue_is_open(status: StageStatus) -> None:
    night = runs()
    night.issue_opens()
    night.minutes(20)
    failed = (an_ecs_deploy(),) if status is StageStatus.FAILED else ()
    night.show(status=status, running=(), failed=failed)
    night.minutes(6)
    assert night.execution().hangs_since is None
    assert known(night) == []


def test_a_failure_that_no_event_told_is_held_though_it_was_never_shown_as_hanging() -> None:
    """The look at what runs sees it, which is one chance more."""
    night = runs()
    night.issue_opens()
    night.minutes(3)
    night.stage_fails(told=False)
    night.minutes(4)
    assert (night.status(), night.execution().hangs_since) == (Status.BLOCKED, None)
    assert night.execution().actions


def test_doubled_late_and_reordered_events_do_no_harm() -> None:
    night = runs()
    night.event(EventState.STARTED)
    night.minutes(4)
    night.event(EventState.SUCCEEDED)
    assert known(night) == []
    night.show(status=StageStatus.SUCCEEDED, running=())
    night.event(EventState.STARTED)
    night.issue_opens()
    night.minutes(8)
    assert known(night) == [], "what had ended is looked at once and forgotten"
    assert night.store.executions == {}


def test_only_a_stages_own_word_counts_as_its_beginning_or_end() -> None:
    night = Night()
    night.event(EventState.STARTED, level=EventLevel.PIPELINE)
    night.event(EventState.STARTED, level=EventLevel.ACTION)
    assert night.store.runs == {}
    night.event(EventState.RESUMED)
    assert known(night) == [KEY]
    night.event(EventState.SUCCEEDED, level=EventLevel.PIPELINE)
    assert known(night) == [KEY]
    night.event(EventState.STOPPING)
    assert known(night) == [KEY], "it runs until it has stopped"


def test_a_busy_codepipeline_is_asked_again_in_a_minute_and_a_bug_is_counted_and_starves_nobody() -> None:
    night = Night()
    for name in ("a", "b"):
        night.stage_runs(a_key(pipeline=name))
    night.now += 16 * MINUTE
    night.issue_opens()
    night.pipelines.raise_next("stages", TryLater("Rate exceeded"))
    night.minutes(1)
    assert list(night.store.executions) == [a_key(pipeline="b")]
    night.minutes(1)
    assert set(night.store.executions) == {a_key(pipeline="a"), a_key(pipeline="b")}
    assert night.failed_items == 0
    for _ in range(4):
        night.pipelines.raise_next("stages", RuntimeError("a bug"))
    night.minutes(6)
    assert night.failed_items == 2, "each once, and then not for a while"


def test_one_sweep_looks_at_so_many_and_the_next_at_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have waited longest first; who was looked at goes to the end, also when due again."""
    monkeypatch.setattr(running, "LOOKS", 1)
    night = Night()
    keys = [a_key(pipeline=f"service-{number}") for number in range(9)]
    for key in keys:
        night.stage_runs(key)
    night.now += 16 * MINUTE
    night.issue_opens()
    night.minutes(1)
    assert len(night.store.executions) == 1
    night.minutes(8)
    assert set(night.store.executions) == set(keys)


def test_a_pipeline_deleted_between_two_questions_is_no_bug() -> None:
    night = runs()
    night.issue_opens()
    night.pipelines.raise_next("usual_times", PipelineGone("web"))
    night.minutes(20)
    assert night.failed_items == 0
    assert night.status() is Status.BLOCKED


def test_a_deleted_pipeline_leaves_nothing_behind() -> None:
    night = runs()
    night.issue_opens()
    night.pipelines.gone.add("web")
    night.minutes(8)
    assert known(night) == []
    assert night.store.executions == {}


def test_an_event_may_be_lost_and_the_next_one_makes_up_for_it() -> None:
    """What no event told does not hang for us: the stage is not known to run. Its failure is told as ever."""
    night = Night()
    night.issue_opens()
    night.stage_runs(told=False)
    night.minutes(60)
    assert night.store.executions == {}
    night.stage_fails()
    assert night.status() is Status.BLOCKED


def test_what_runs_is_kept_for_each_execution_of_a_stage() -> None:
    """In PARALLEL pipelines several run at once, and GetPipelineState would show one."""
    night = Night()
    keys = [a_key(execution_id=f"execution-{number}") for number in range(3)]
    for key in keys:
        night.stage_runs(key)
    assert known(night) == keys
    night.issue_opens()
    night.minutes(20)
    assert set(night.store.executions) == set(keys)
