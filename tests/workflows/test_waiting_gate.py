"""The gate that waits: what it answers each job with, what it writes down, and what the sweep makes of it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import HealthUnreadable, TryLater
from bot.gate import GATE_MESSAGE_PREFIX, GateAnswer, GateJob
from bot.gate_wait import LONGEST, LOST_AFTER
from bot.holds import HoldEnd
from bot.lifecycle import Overridden
from bot.model import Status
from bot.policy import WhenHealthUnreadable
from bot.ports import StageStatus
from bot.workflows.gate import answer_gate
from bot.workflows.world import apply
from tests.builders import ACCOUNT, ISSUE_ARN, KEY, REGION, a_hold, a_key, an_override
from tests.workflows.harness import MINUTE, Night

PARAMETERS = {"pipeline": KEY.pipeline, "execution": KEY.execution_id, "regions": [REGION], "mode": "wait"}
HOLD = a_hold().key


class Gate:
    """web's execution stands before a waiting gate in its Deploy stage, and CodePipeline sends jobs."""

    def __init__(self, *, opened: bool = True, **settings: Any) -> None:
        self.night = Night(**settings)
        self.night.pipelines.jobs_are_answered_once = True
        self.report = self.night.issue_opens() if opened else None
        self.night.pipelines.show_status(a_key(stage="Source"), StageStatus.SUCCEEDED)
        self.night.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)
        self.token, self.jobs = "", 0

    def job(self, job_id: str = "", token: str | None = None) -> GateAnswer:
        """The next job, with what the last one was kept with."""
        self.jobs += 1
        token = self.token if token is None else token
        job = GateJob(job_id or f"job-{self.jobs}", ACCOUNT, json.dumps(PARAMETERS), token)
        kept = len(self.night.pipelines.kept_jobs)
        answer = answer_gate(self.night.world, job, REGION, self.night.now)
        if len(self.night.pipelines.kept_jobs) > kept:
            self.token = self.night.pipelines.kept_jobs[-1][2]
        return answer

    def wait(self, minutes: int) -> None:
        """A job and a sweep a minute."""
        for _ in range(minutes):
            self.job()
            self.night.minutes(1)

    def close(self) -> None:
        assert self.report is not None
        self.night.issue_closes(self.report)

    @property
    def answered(self) -> tuple[int, int, int]:
        """Jobs kept, passed and failed."""
        pipelines = self.night.pipelines
        return len(pipelines.kept_jobs), len(pipelines.passed_jobs), len(pipelines.failed_jobs)


def test_with_nothing_open_it_passes_at_once_and_writes_no_hold() -> None:
    gate = Gate(opened=False)
    assert gate.job().passes
    assert gate.answered == (0, 1, 0)
    assert gate.night.store.holds == {}


def test_it_keeps_its_job_and_is_visible_within_a_minute() -> None:
    gate = Gate()
    gate.wait(1)
    assert gate.answered == (1, 0, 0)
    assert gate.night.pipelines.kept_jobs[0][3].startswith("Waiting. Open: ECS in us-east-1 since ")
    execution = gate.night.execution()
    assert (execution.status, execution.waiting) == (Status.BLOCKED, True)
    assert [blocker.issue for blocker in execution.blockers] == [ISSUE_ARN]
    assert execution.attribution.reason.startswith("The health gate waits. Open: ECS in us-east-1")


def test_hours_of_jobs_are_one_hold_and_one_line_of_history() -> None:
    """Nothing is saved that says nothing new; nothing is retried."""
    gate = Gate()
    gate.wait(200)
    assert gate.answered == (200, 0, 0)
    assert gate.night.execution().version == 1
    assert gate.night.pipelines.retried == []
    assert gate.night.failed_items == 0


def test_after_the_close_it_waits_out_the_settle_time_and_then_passes() -> None:
    gate = Gate()
    gate.wait(10)
    gate.close()
    gate.wait(4)
    assert gate.answered == (14, 0, 0)
    gate.wait(3)
    assert gate.answered[1] >= 1
    assert gate.night.status() is Status.RECOVERED
    assert gate.night.lines()[-1] == "the gate let it through"
    assert gate.night.pipelines.retried == []
    assert gate.night.store.holds == {}


def test_a_gate_that_has_not_begun_to_wait_does_not_begin_for_a_closed_issue() -> None:
    gate = Gate()
    gate.close()
    assert gate.job().passes


def test_it_waits_for_an_issue_that_opens_while_it_waits() -> None:
    gate = Gate()
    gate.wait(5)
    other = gate.night.issue_opens(arn=ISSUE_ARN.replace("ECS", "EC2"), service="EC2")
    gate.wait(2)
    assert {blocker.service for blocker in gate.night.execution().blockers} == {"ECS", "EC2"}
    gate.close()
    gate.wait(20)
    assert gate.answered[1] == 0
    assert [blocker.service for blocker in gate.night.execution().blockers] == ["EC2"]
    gate.night.issue_closes(other)
    gate.wait(8)
    assert gate.night.status() is Status.RECOVERED


def test_an_override_lets_it_pass_at_its_next_job() -> None:
    gate = Gate()
    gate.wait(3)
    night = gate.night
    given = an_override(created_at=night.now, expires_at=night.now + timedelta(hours=1))
    after = apply(night.world, KEY, Overridden(given.by, given.reason), night.now)
    assert after is not None
    night.store.given[KEY] = given
    assert gate.job().passes
    night.minutes(1)
    assert night.status() is Status.RECOVERED
    assert night.execution().trail[-1].by == given.by
    assert night.pipelines.retried == []


@pytest.mark.parametrize("how", ["stage", "execution"])
def test_an_execution_that_is_being_stopped_is_let_go(how: str) -> None:
    """Stop and wait waits for running actions: the gate would keep it for a day."""
    gate = Gate()
    gate.wait(3)
    changes = {"status": StageStatus.STOPPING} if how == "stage" else {"execution_status": "Stopping"}
    gate.night.show(**changes)
    answer = gate.job()
    assert not answer.passes
    assert gate.answered == (3, 0, 1)
    assert not answer.message.startswith(GATE_MESSAGE_PREFIX)
    gate.night.show(status=StageStatus.STOPPED, execution_status="Stopped")
    gate.night.minutes(1)
    assert gate.night.status() is Status.STOPPED
    assert gate.night.store.holds == {}


def test_a_job_that_codepipeline_takes_no_more_writes_nothing() -> None:
    """Stopped and abandoned: the last job's answer is refused, and the hold must not say that it waits on."""
    gate = Gate()
    gate.wait(3)
    before = gate.night.store.holds[HOLD]
    gate.night.pipelines.over_jobs.add("job-over")
    gate.job("job-over")
    assert gate.night.store.holds[HOLD].seen_at == before.seen_at
    gate.night.pipelines.show_status(KEY, StageStatus.STOPPED)
    gate.night.minutes(15)
    assert gate.night.status() is Status.STOPPED
    assert gate.night.store.holds == {}


def test_before_the_day_is_over_it_fails_and_says_so_and_the_stage_is_held_as_ever() -> None:
    gate = Gate()
    gate.wait(2)
    night = gate.night
    night.now += LONGEST
    answer = gate.job()
    assert not answer.passes
    assert answer.message.startswith(f"{GATE_MESSAGE_PREFIX} it has waited for 23.8 hours")
    assert answer.external_execution_id == ISSUE_ARN.rsplit("/", 1)[-1]
    assert gate.answered == (2, 0, 1)
    assert night.store.holds[HOLD].ended is HoldEnd.STOPPED


def test_a_lost_continuation_strands_nobody() -> None:
    """Asked for, once it is lost; over, when CodePipeline says how the stage ended."""
    gate = Gate()
    gate.wait(3)
    gate.night.minutes(2 * LOST_AFTER / MINUTE + 1)
    assert gate.night.status() is Status.NEEDS_HUMAN
    assert "has not been heard of" in gate.night.execution().note
    version = gate.night.execution().version
    gate.night.minutes(30)
    assert gate.night.execution().version == version
    gate.night.pipelines.show_status(KEY, StageStatus.SUCCEEDED)
    gate.night.minutes(15)
    assert gate.night.status() is Status.RECOVERED
    assert gate.night.store.holds == {}


def test_a_gate_that_is_heard_of_again_waits_on() -> None:
    gate = Gate()
    gate.wait(3)
    gate.night.minutes(2 * LOST_AFTER / MINUTE + 1)
    gate.wait(12)
    assert gate.night.status() is Status.BLOCKED


def test_a_doubled_job_is_answered_once_and_harms_nothing() -> None:
    gate = Gate()
    for _ in range(5):
        gate.job("job-a", "")
    assert gate.answered == (1, 0, 0)
    gate.night.minutes(1)
    assert gate.night.execution().version == 1


def test_a_late_double_of_an_early_job_does_not_end_a_wait_that_goes_on() -> None:
    """It passes for what was closed by then; CodePipeline does not take it, so it writes nothing."""
    gate = Gate(settle=timedelta(0))
    gate.wait(2)
    gate.close()
    gate.night.sweep()
    hold = gate.night.store.holds[HOLD]
    assert gate.job("job-1").passes
    assert gate.night.store.holds[HOLD] == hold


def test_a_hold_whose_last_word_got_lost_is_not_laid_to_the_next_stage() -> None:
    """The gate passed and died before it wrote that; its execution runs on in another stage."""
    gate = Gate()
    gate.job()
    following = a_key(stage="Release")
    gate.night.pipelines.show_status(KEY, StageStatus.SUCCEEDED)
    gate.night.pipelines.show_status(following, StageStatus.IN_PROGRESS)
    gate.night.minutes(2)
    assert gate.night.store.executions == {}
    assert gate.night.store.holds == {}


def test_a_table_that_cannot_be_written_keeps_the_deploy_waiting_all_the_same() -> None:
    gate = Gate()
    gate.night.between(Unwritable(gate.night.store))  # type: ignore[arg-type]
    gate.job()
    assert gate.answered == (1, 0, 0)


def test_codepipeline_that_does_not_take_the_answer_is_asked_again_by_lambda() -> None:
    gate = Gate()
    gate.night.pipelines.raise_next("keep_job", TryLater("Rate exceeded"))
    with pytest.raises(TryLater):
        gate.job("job-a")
    gate.job("job-a")
    assert gate.answered == (1, 0, 0)


def test_while_aws_health_cannot_be_read_it_waits_and_says_for_what() -> None:
    gate = Gate(opened=False)
    gate.night.health.error = HealthUnreadable("ThrottlingException")
    gate.wait(3)
    assert gate.answered == (3, 0, 0)
    execution = gate.night.execution()
    assert "AWS Health cannot be read" in execution.attribution.reason
    assert [blocker.service for blocker in execution.blockers] == ["HEALTH"]
    gate.night.health.error = None
    gate.wait(3)
    assert gate.night.status() is Status.RECOVERED


def test_where_unreadable_health_holds_nothing_it_does_not_wait() -> None:
    gate = Gate(opened=False, health_unavailable=WhenHealthUnreadable.ALLOW)
    gate.night.health.error = HealthUnreadable("ThrottlingException")
    assert gate.job().passes


@pytest.mark.parametrize("token", ["since-", "since-99999999999999999999", "x", "since-0", "since-4000000000"])
def test_a_token_of_no_sense_begins_the_wait_anew(token: str) -> None:
    """Only CodePipeline hands tokens back; one that is none of ours must not fail a job before its time."""
    gate = Gate()
    gate.job(token=token)
    assert gate.token == f"since-{int(gate.night.now.timestamp())}"


def test_a_pipeline_that_is_deleted_leaves_no_hold() -> None:
    gate = Gate()
    gate.wait(3)
    gate.night.pipelines.gone.add(KEY.pipeline)
    gate.night.minutes(LOST_AFTER / MINUTE + 1)
    assert gate.night.store.holds == {}


class Unwritable:
    """A store whose holds cannot be written; the rest is the real one's."""

    def __init__(self, store: object) -> None:
        self._store = store

    def save_hold(self, _hold: object) -> None:
        raise TryLater("ThrottlingException")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_in_a_stage_condition_it_stops_in_place_of_waiting() -> None:
    """What a continuation token does to a rule's job is not documented."""
    gate = Gate()
    gate.night.show(checking=True)
    answer = gate.job()
    assert gate.answered == (0, 0, 1)
    assert answer.message.startswith(GATE_MESSAGE_PREFIX)
    assert answer.message.endswith(" A gate that is a stage condition cannot wait, whatever its mode: it stops.")
    assert gate.night.pipelines.failed_jobs[0][3] == ISSUE_ARN.rsplit("/", 1)[-1]
    assert gate.night.store.holds == {}
    gate.close()
    assert gate.job().passes
