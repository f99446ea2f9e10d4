"""The gate answers its job always, whatever breaks, and writes down what it read."""

import json
from typing import Any

import pytest

from bot.errors import HealthUnreadable, NotAllowed, TryLater
from bot.gate import GATE_MESSAGE_PREFIX, UNREADABLE_NAME, GateAnswer, GateJob
from bot.policy import WhenHealthUnreadable
from bot.ports import DueKind, PlannedAction
from bot.workflows.gate import answer_gate
from tests.builders import ACCOUNT, ISSUE_ARN, REGION
from tests.workflows.harness import Night
from tests.workflows.meddling import MeddledStore

PARAMETERS = {"pipeline": "web", "execution": "11111111-2222", "regions": [REGION]}


def ask(night: Night, text: str | None = None, **changes: Any) -> GateAnswer:
    """The gate's one answer, which CodePipeline really got."""
    parameters = json.dumps({**PARAMETERS, **changes}) if text is None else text
    answer = answer_gate(night.world, GateJob("job-1", ACCOUNT, parameters), REGION, night.now)
    if answer.passes:
        assert night.pipelines.passed_jobs == [(REGION, "job-1", answer.message)]
    else:
        assert night.pipelines.failed_jobs == [(REGION, "job-1", answer.message, answer.external_execution_id)]
    return answer


def test_nothing_open_passes() -> None:
    assert ask(Night()).message == "No open AWS Health issue in us-east-1."


def test_an_issue_no_event_told_of_stops_the_deploy_and_is_in_the_ledger_afterwards() -> None:
    """Else the failure it causes would look like one whose cause is over."""
    night = Night()
    night.issue_opens(told=False)
    answer = ask(night)
    assert (answer.passes, answer.external_execution_id) == (False, ISSUE_ARN.rsplit("/", 1)[-1])
    assert night.store.issues[ISSUE_ARN].open


def test_only_the_ledger_is_written_by_a_gate() -> None:
    night = Night()
    night.issue_opens(told=False)
    ask(night)
    assert (night.store.executions, night.store.hints, night.store.edges) == ({}, {}, {})


@pytest.mark.parametrize(
    ("text", "named"),
    [("", "UserParameters"), ("{", "UserParameters"), (json.dumps({**PARAMETERS, "regions": "x"}), "regions")],
)
def test_wrong_parameters_are_answered_by_name_and_say_what_to_do(text: str, named: str) -> None:
    answer = ask(Night(), text)
    assert not answer.passes
    assert answer.message.startswith("Allclear's health gate cannot run: UserParameters")
    assert named in answer.message
    assert "Correct the action's UserParameters, then release the change anew" in answer.message


def test_auto_means_the_services_behind_the_pipelines_own_actions() -> None:
    night = Night()
    night.pipelines.planned["web"] = (PlannedAction("Deploy", "DeployService", "AWS", "ECS", REGION),)
    night.issue_opens(service="RDS")
    assert ask(night, services="auto").passes
    other = Night()
    other.pipelines.planned["web"] = night.pipelines.planned["web"]
    other.issue_opens(service="ECS")
    assert not ask(other, services="auto").passes


def test_auto_of_a_pipeline_that_is_gone_or_closed_to_us_is_answered_by_name() -> None:
    gone = Night()
    gone.pipelines.gone.add("web")
    assert "UserParameters.pipeline: there is no pipeline web in us-east-1" in ask(gone, services="auto").message
    for error in (NotAllowed("codepipeline:GetPipeline was refused"), TryLater("Rate exceeded")):
        night = Night()
        night.pipelines.raise_next("planned_actions", error)
        assert f"auto could not read the pipeline ({error})" in ask(night, services="auto").message


@pytest.mark.parametrize("setting", WhenHealthUnreadable)
def test_unreadable_health_is_answered_as_the_setting_says(setting: WhenHealthUnreadable) -> None:
    night = Night(health_unavailable=setting)
    night.health.error = HealthUnreadable("ThrottlingException")
    answer = ask(night)
    assert answer.passes is (setting is WhenHealthUnreadable.ALLOW)
    assert answer.external_execution_id == ("" if answer.passes else UNREADABLE_NAME)
    assert f"HealthUnavailable is {setting}" in answer.message


@pytest.mark.parametrize("method", ["ledger", "load_issue"])
def test_a_dead_table_is_answered(method: str) -> None:
    """As an error of the gate's own, never as an incident."""
    night = Night()
    night.issue_opens(told=False)
    store = MeddledStore(night.store)
    night.between(store)  # type: ignore[arg-type]

    def dead() -> None:
        raise ConnectionError("Could not connect to the endpoint URL")

    store.before(method, dead)
    answer = ask(night)
    assert not answer.passes
    assert answer.message.startswith("Allclear's health gate cannot run: an internal error.")
    assert not answer.message.startswith(GATE_MESSAGE_PREFIX)


def test_a_busy_table_counts_as_unreadable() -> None:
    night = Night()
    store = MeddledStore(night.store)
    night.between(store)  # type: ignore[arg-type]

    def busy() -> None:
        raise TryLater("ProvisionedThroughputExceededException")

    store.before("ledger", busy)
    answer = ask(night)
    assert (answer.passes, answer.external_execution_id) == (False, UNREADABLE_NAME)


def test_a_bug_of_its_own_is_answered() -> None:
    night = Night()

    def broken(_regions: object) -> None:
        raise RuntimeError("a bug in the adapter")

    night.health.open_issues = broken  # type: ignore[method-assign,assignment]
    assert "an internal error" in ask(night).message


def test_an_answer_codepipeline_does_not_take_now_is_given_again_by_the_next_invocation() -> None:
    night = Night()
    night.pipelines.raise_next("pass_job", TryLater("Rate exceeded"))
    with pytest.raises(TryLater):
        ask(night)
    assert ask(night).passes


def test_a_record_that_cannot_be_read_back_is_no_error_of_the_author() -> None:
    """And it stops no deploy: the other issues are still looked at."""
    night = Night()
    bad = night.issue_opens(arn=ISSUE_ARN + "-bad", told=False)
    night.store.unreadable.add((DueKind.ISSUE, bad.key))
    assert ask(night).passes
    other = Night()
    other.store.unreadable.add((DueKind.ISSUE, bad.key))
    other.health.show(bad)
    other.issue_opens(told=False)
    assert ask(other).external_execution_id == ISSUE_ARN.rsplit("/", 1)[-1]
