"""The health gate as an entry condition: CodePipeline checks it once, Allclear checks again and then passes it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.bursts import Burst, line_of
from bot.errors import HealthUnreadable, NotAllowed, OutcomeUnknown, PipelineGone, RetryImpossible, TryLater
from bot.events import EventState
from bot.lifecycle import Overridden, RetryRequested
from bot.model import RULE, Status
from bot.policy import Mode, WhenHealthUnreadable
from bot.ports import PlannedAction, StageStatus
from bot.workflows.people import Came, Result, carry_out
from bot.workflows.retry_all import NOTHING_WAITS, retry_all
from bot.workflows.world import apply
from tests.builders import ISSUE_ARN, KEY, REGION, a_gate_action
from tests.workflows.harness import USER, Night, an_ecs_deploy

ASKED = {"pipeline": KEY.pipeline, "execution": KEY.execution_id, "regions": [REGION]}
OTHER = {"arn": ISSUE_ARN.replace("ECS", "EC2"), "service": "EC2", "type_code": "AWS_EC2_OPERATIONAL_ISSUE"}
PASSED = [(KEY, "BEFORE_ENTRY")]


class Stopped:
    """web's Deploy was stopped by its entry condition, whose rule is the gate, for an open ECS issue."""

    def __init__(self, *beside: str, asked: dict[str, Any] | None = None, **settings: Any) -> None:
        self.night = Night(**{"settle": timedelta(0), **settings})
        self.pipelines = self.night.pipelines
        self.report = self.night.issue_opens()
        gate = a_gate_action(category=RULE, provider="", beside=beside)
        self.night.stage_fails(KEY, gate, told=False)
        self.night.show(condition="BEFORE_ENTRY")
        self.night.event(EventState.FAILED)
        self.pipelines.rules[KEY] = {"HealthGate-1": json.dumps(asked or ASKED)}
        assert self.night.status() is Status.BLOCKED

    def closes(self) -> None:
        self.night.issue_closes(self.report)
        self.night.deliver()

    def click(self) -> Result:
        """A person's Retry."""
        store, policy = self.night.world.store, self.night.world.policy
        result = carry_out(store, policy, KEY, lambda _: RetryRequested(USER), self.night.now, marker="click-1")
        self.night.deliver()
        return result

    @property
    def passed(self) -> list[Any]:
        """The calls of OverrideStageCondition. A retry is never tried: CodePipeline has none."""
        assert self.pipelines.retried == []
        return self.pipelines.overridden


def test_at_the_all_clear_the_condition_is_passed_once_at_the_cost_of_an_automatic_retry() -> None:
    stopped = Stopped()
    stopped.night.minutes(5)
    assert stopped.passed == []
    stopped.closes()
    assert stopped.passed == PASSED
    execution = stopped.night.execution()
    assert (execution.status, execution.automatic_retries, execution.retries) == (Status.RETRYING, 1, 1)
    stopped.night.stage_passes()
    assert stopped.night.status() is Status.RECOVERED
    assert stopped.night.lines()[-3:] == [
        "asking CodePipeline to pass the condition. The same failure stands, nothing is frozen, no known issue "
        "explains it.",
        "CodePipeline accepted the passing of the stage's entry condition",
        "Deploy passed",
    ]


def test_what_the_gate_would_stop_for_now_holds_it_again_until_that_is_closed_too() -> None:
    """The gate named the ECS issue alone; a retry would have run it again, and an override does not."""
    stopped = Stopped()
    other = stopped.night.issue_opens(**OTHER)
    stopped.closes()
    execution = stopped.night.execution()
    assert (execution.status, stopped.passed) == (Status.BLOCKED, [])
    assert [blocker.service for blocker in execution.blockers] == ["EC2"]
    assert execution.attribution.reason.startswith(
        "The health gate HealthGate was asked again and stops the deploy. Open: EC2 in us-east-1 since "
    )
    assert execution.automatic_retries == 0
    stopped.night.issue_closes(other)
    stopped.night.minutes(2)
    assert stopped.passed == PASSED


@pytest.mark.parametrize(("services", "waits"), [(["ECS"], False), (["EC2"], True), ("auto", False)])
def test_it_is_asked_as_its_rule_asks(services: Any, waits: bool) -> None:
    stopped = Stopped(asked={**ASKED, "services": services})
    stopped.pipelines.planned["web"] = (PlannedAction("Deploy", "DeployService", "AWS", "ECS", REGION),)
    stopped.night.issue_opens(**OTHER)
    stopped.closes()
    assert stopped.passed == ([] if waits else PASSED)


def test_a_click_asks_the_gate_again_too_and_passes_no_open_issue() -> None:
    stopped = Stopped()
    stopped.night.minutes(1)
    assert stopped.click().came is Came.DONE
    execution = stopped.night.execution()
    assert (execution.status, execution.retry, stopped.passed) == (Status.BLOCKED, None, [])
    assert "was asked again and stops the deploy" in execution.attribution.reason
    assert stopped.night.lines()[-1].startswith("the retry is called off; held by the ECS issue in us-east-1")
    stopped.closes()
    assert stopped.passed == PASSED


def test_a_click_does_not_wait_for_the_settle_time() -> None:
    stopped = Stopped(settle=timedelta(hours=1))
    stopped.night.issue_closes(stopped.report)
    stopped.click()
    assert stopped.passed == PASSED
    assert stopped.night.execution().automatic_retries == 0


def test_an_override_asks_nobody() -> None:
    stopped = Stopped()
    apply(stopped.night.world, KEY, Overridden(USER, "the fix is in this deploy"), stopped.night.now)
    stopped.night.deliver()
    assert stopped.passed == PASSED


def test_in_shadow_mode_a_person_is_asked_and_a_click_passes_it() -> None:
    stopped = Stopped(mode=Mode.SHADOW)
    stopped.closes()
    assert (stopped.night.status(), stopped.passed) == (Status.NEEDS_HUMAN, [])
    stopped.click()
    assert stopped.passed == PASSED


def test_another_rule_beside_the_gate_is_nobodys_to_pass_but_a_persons() -> None:
    """Its answer is hours old by then."""
    stopped = Stopped("ErrorAlarm")
    stopped.closes()
    why = (
        "CodePipeline has no retry for a stage that a condition stopped, and only an override may pass what the "
        "rule ErrorAlarm says."
    )
    assert (stopped.night.status(), stopped.night.execution().note) == (Status.NEEDS_HUMAN, why)
    refused = stopped.click()
    assert refused.came is Came.IMPOSSIBLE
    assert refused.text == f"{why} Nothing was done. *web* → Deploy waits for a person."
    assert stopped.passed == []
    apply(stopped.night.world, KEY, Overridden(USER, "the alarm is a false one"), stopped.night.now)
    stopped.night.deliver()
    assert stopped.passed == PASSED


def test_retry_all_leaves_out_what_has_no_retry() -> None:
    stopped = Stopped("ErrorAlarm")
    store, now = stopped.night.store, stopped.night.now
    store.save_burst(Burst("burst-1", 1, "C0DEPLOYS", now))
    store.save_line("burst-1", line_of(stopped.night.execution()), now)
    answer = retry_all(store, "burst-1", USER, stopped.night.world.policy, now + timedelta(minutes=1), marker="a")
    assert answer == NOTHING_WAITS
    assert stopped.night.status() is Status.BLOCKED


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (
            NotAllowed("codepipeline:ListRuleExecutions on web was refused"),
            "ListRuleExecutions on web was refused",
        ),
        (None, "CodePipeline does not tell what it was asked"),
    ],
)
def test_a_gate_that_cannot_be_asked_again_asks_a_person(problem: NotAllowed | None, told: str) -> None:
    stopped = Stopped()
    if problem is None:
        stopped.pipelines.rules.clear()
    else:
        stopped.pipelines.raise_next("rule_parameters", problem)
    stopped.closes()
    execution = stopped.night.execution()
    assert (execution.status, stopped.passed) == (Status.NEEDS_HUMAN, [])
    assert execution.note.startswith("The health gate cannot be asked again (")
    assert told in execution.note


def test_each_gate_in_the_condition_is_asked() -> None:
    """The first would let it in; an override passes the second, too."""
    stopped = Stopped()
    (first,) = stopped.night.execution().actions
    second = replace(first, name="AllOfIt", action_execution_id="second")
    stopped.night.show(failed=(first, second))
    stopped.pipelines.rules[KEY] = {
        first.action_execution_id: json.dumps({**ASKED, "services": ["ECS"]}),
        "second": json.dumps(ASKED),
    }
    stopped.night.issue_opens(**OTHER)
    stopped.night.event(EventState.FAILED)
    stopped.closes()
    stopped.night.minutes(3)
    execution = stopped.night.execution()
    assert (execution.status, stopped.passed) == (Status.BLOCKED, [])
    assert execution.attribution.reason.startswith("The health gate AllOfIt was asked again")


def test_an_issue_of_this_account_stops_it_too() -> None:
    stopped = Stopped()
    stopped.night.issue_opens(**OTHER, scope="ACCOUNT_SPECIFIC", account=KEY.account)
    stopped.closes()
    assert (stopped.night.status(), stopped.passed) == (Status.BLOCKED, [])


def test_a_pipeline_that_is_gone_meanwhile_has_nothing_to_pass() -> None:
    stopped = Stopped()
    stopped.pipelines.raise_next("rule_parameters", PipelineGone("web"))
    stopped.closes()
    assert (stopped.night.status(), stopped.passed) == (Status.STOPPED, [])
    assert stopped.night.execution().note.startswith("The pipeline web no longer exists")


def test_a_busy_codepipeline_is_asked_again_later() -> None:
    stopped = Stopped()
    stopped.pipelines.raise_next("rule_parameters", TryLater("ThrottlingException"))
    stopped.closes()
    assert (stopped.night.status(), stopped.passed) == (Status.RESUMING, [])
    stopped.night.minutes(10)
    assert stopped.passed == PASSED


def test_while_aws_health_cannot_be_read_nothing_is_passed_unless_the_setting_says_so() -> None:
    for setting, passed in ((WhenHealthUnreadable.BLOCK, []), (WhenHealthUnreadable.ALLOW, PASSED)):
        stopped = Stopped(health_unavailable=setting)
        stopped.night.issue_closes(stopped.report)
        stopped.night.health.error = HealthUnreadable("ThrottlingException")
        stopped.click()
        assert stopped.passed == passed
        stopped.night.health.error = None
        stopped.night.minutes(10)
        assert stopped.passed == PASSED


def test_a_lost_answer_is_followed_by_a_look_and_not_by_a_second_call() -> None:
    stopped = Stopped()
    stopped.pipelines.raise_next("override_condition", OutcomeUnknown("Read timeout"))
    stopped.closes()
    stopped.pipelines.show_status(KEY, StageStatus.IN_PROGRESS)  # it had taken effect
    stopped.night.minutes(10)
    assert stopped.passed == PASSED
    assert stopped.night.status() is Status.RETRYING


def test_a_condition_that_allows_no_override_asks_a_person_and_is_left_alone() -> None:
    stopped = Stopped()
    stopped.pipelines.raise_next("override_condition", RetryImpossible("ConditionNotOverridableException: no"))
    stopped.closes()
    stopped.night.minutes(60)
    execution = stopped.night.execution()
    assert (execution.status, stopped.passed) == (Status.NEEDS_HUMAN, PASSED)
    assert execution.note == (
        "CodePipeline refused the passing of the stage's entry condition: ConditionNotOverridableException: no"
    )
    assert execution.automatic_retries == 0


def test_an_action_that_fails_once_it_is_in_is_a_failure_like_any_other() -> None:
    stopped = Stopped()
    stopped.closes()
    stopped.night.show(condition="")
    stopped.night.stage_fails(KEY, an_ecs_deploy())  # in the closed issue's last minutes
    stopped.night.deliver()
    assert stopped.night.execution().condition == ""
    assert stopped.pipelines.accepted == [KEY]
    assert stopped.pipelines.overridden == PASSED
