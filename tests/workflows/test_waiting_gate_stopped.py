"""Somebody stops the deploy in the very moment in which its waiting gate lets it through."""

from datetime import timedelta

import pytest

from bot.model import Status
from bot.ports import StageStatus
from tests.builders import KEY
from tests.workflows.test_waiting_gate import Gate


@pytest.mark.parametrize("told", [StageStatus.IN_PROGRESS, StageStatus.STOPPING, StageStatus.STOPPED])
def test_a_gate_that_passed_what_was_stopped_is_told_as_stopped(told: StageStatus) -> None:
    """However far CodePipeline's answer is behind when the gate's word is looked at."""
    gate = Gate()
    gate.wait(2)
    gate.close()
    gate.night.minutes(6)
    assert gate.job().passes
    gate.night.pipelines.show_status(KEY, told)
    gate.night.now += timedelta(seconds=10)
    gate.night.sweep()
    assert gate.night.status() is (Status.STOPPED if told is StageStatus.STOPPED else Status.BLOCKED)
    gate.night.pipelines.show_status(KEY, StageStatus.STOPPED)
    gate.night.minutes(2)
    assert gate.night.status() is Status.STOPPED
