"""The gate's function: a job with an id is answered even when the stack's own settings are wrong."""

import logging
from functools import cached_property
from typing import Any

import pytest

import handlers.gate
from bot.policy import Policy, parse_policy
from bot.workflows.world import World
from tests.builders import REGION
from tests.workflows.harness import Night

JOB = {"CodePipeline.job": {"id": "job-1", "accountId": "111122223333", "data": {}}}


class StandInApp:
    """The composition root over a night's fakes; its settings are read when the world is first asked for."""

    region = REGION
    logger = logging.getLogger(__name__)

    def __init__(self, environment: dict[str, str]) -> None:
        self.night = Night()
        self._environment = environment
        self.pipelines = self.night.pipelines

    def clock(self) -> Any:
        return self.night.now

    @cached_property
    def policy(self) -> Policy:
        return parse_policy(self._environment)

    @cached_property
    def world(self) -> World:
        assert self.policy
        return self.night.world


def handle(event: dict[str, Any], monkeypatch: pytest.MonkeyPatch, **environment: str) -> StandInApp:
    app = StandInApp(environment)
    monkeypatch.setattr(handlers.gate, "app", lambda: app)
    handlers.gate.handler(event, None)
    return app


def test_a_wrong_setting_of_the_stack_is_answered_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unanswered, the pipeline would hang for twenty minutes and say nothing."""
    app = handle(JOB, monkeypatch, MAX_AGE_HOURS="soon")
    ((_, job, message, issues),) = app.pipelines.failed_jobs
    assert (job, issues) == ("job-1", "")
    assert message.startswith(
        "Allclear's health gate cannot run: a setting of Allclear's stack is wrong (MAX_AGE_HOURS"
    )


def test_a_job_without_parameters_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    app = handle(JOB, monkeypatch)
    ((_, _, message, _),) = app.pipelines.failed_jobs
    assert "UserParameters: is empty" in message


def test_an_event_without_a_job_answers_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    app = handle({"CodePipeline.job": {}}, monkeypatch)
    assert (app.pipelines.failed_jobs, app.pipelines.passed_jobs) == ([], [])
