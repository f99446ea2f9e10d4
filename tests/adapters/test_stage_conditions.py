"""A stage that a condition stopped: how GetPipelineState says so, and how the condition is overridden."""

from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.codepipeline import CodePipeline
from bot.errors import (
    AllclearError,
    NotAllowed,
    NotLatest,
    OutcomeUnknown,
    PipelineGone,
    RetryImpossible,
    RetryNotNow,
    TryLater,
)
from bot.gate import GATE_MESSAGE_PREFIX
from bot.model import RULE, FailedAction
from bot.ports import StageStatus
from tests.adapters.local_aws import Broken, LocalAws, Refusal
from tests.adapters.test_codepipeline_truth import BEGAN_AT, KEY, OTHER, OURS, listed, minute, shown, stage, truths

MEMBERS = {"BEFORE_ENTRY": "beforeEntryConditionState", "ON_SUCCESS": "onSuccessConditionState"}
ALARM = "The alarm web-errors is in ALARM state"


def rule(name: str, number: int, status: str, changed: float, **changes: Any) -> dict[str, Any]:
    """A rule of GetPipelineState."""
    latest = {
        "ruleExecutionId": f"{name}-{number}",
        "status": status,
        "lastStatusChange": minute(changed),
        "summary": ALARM,
    }
    return {"ruleName": name, "latestExecution": latest | changes}


def condition(status: str, changed: float, *rules: dict[str, Any]) -> dict[str, Any]:
    """A StageConditionState."""
    latest = {"status": status, "summary": "One or more rules failed"}
    one = {"latestExecution": {**latest, "lastStatusChange": minute(changed)}, "ruleStates": list(rules)}
    return {"latestExecution": latest, "conditionStates": [one]}


def deploy(*actions: dict[str, Any], status: str = "Failed", **conditions: Any) -> dict[str, Any]:
    """Our own execution's Deploy stage, with its conditions."""
    return stage("Deploy", OURS, status, *actions, **{MEMBERS[kind]: state for kind, state in conditions.items()})


@pytest.mark.parametrize("kind", MEMBERS)
def test_a_failed_condition_is_named_and_its_failed_rules_stand_for_actions(
    aws: LocalAws, pipelines: CodePipeline, kind: str
) -> None:
    """Rules that held are named beside them."""
    failed = condition("Failed", 5, rule("ErrorAlarm", 1, "Failed", 5), rule("Window", 1, "Succeeded", 4))
    truth = truths(aws, pipelines, stages=[deploy(**{kind: failed})], actions=[])["Deploy"]
    assert (truth.status, truth.condition) == (StageStatus.FAILED, kind)
    assert truth.failed_at == BEGAN_AT + timedelta(minutes=5)
    alarm = FailedAction(
        "ErrorAlarm", "ErrorAlarm-1", "us-east-1", category=RULE, message=ALARM, beside=("Window",)
    )
    assert truth.failed == (alarm,)


@pytest.mark.parametrize("status", ["Overridden", "Succeeded", "InProgress", "Cancelled", "Abandoned"])
def test_a_condition_that_did_not_fail_stops_nothing(aws: LocalAws, pipelines: CodePipeline, status: str) -> None:
    """An overridden one keeps its failed rule, and the action that failed afterwards is what counts."""
    passed = condition(status, 5, rule("ErrorAlarm", 1, "Failed", 5))
    row = listed("Stack", 1, "Failed", 6, 7)
    state = deploy(shown("Stack", 1, "Failed", 7), BEFORE_ENTRY=passed)
    truth = truths(aws, pipelines, stages=[state], actions=[row])["Deploy"]
    assert (truth.condition, [action.name for action in truth.failed]) == ("", ["Stack"])


def test_a_condition_that_could_not_be_checked_is_a_failed_one(aws: LocalAws, pipelines: CodePipeline) -> None:
    state = deploy(BEFORE_ENTRY=condition("Errored", 5, rule("ErrorAlarm", 1, "Failed", 5)))
    assert truths(aws, pipelines, stages=[state], actions=[])["Deploy"].condition == "BEFORE_ENTRY"


def test_an_action_that_failed_after_the_condition_is_what_failed_the_stage(
    aws: LocalAws, pipelines: CodePipeline
) -> None:
    """Whatever the condition still shows: what ran after it was let pass it."""
    state = deploy(
        shown("Stack", 1, "Failed", 9), BEFORE_ENTRY=condition("Failed", 5, rule("ErrorAlarm", 1, "Failed", 5))
    )
    row = listed("Stack", 1, "Failed", 8, 9)
    truth = truths(aws, pipelines, stages=[state], actions=[row])["Deploy"]
    assert (truth.condition, [action.name for action in truth.failed]) == ("", ["Stack"])


def test_an_action_that_failed_in_an_earlier_attempt_is_not(aws: LocalAws, pipelines: CodePipeline) -> None:
    """The retry was stopped at the door."""
    state = deploy(
        shown("Stack", 1, "Failed", 4), BEFORE_ENTRY=condition("Failed", 6, rule("ErrorAlarm", 2, "Failed", 6))
    )
    row = listed("Stack", 1, "Failed", 3, 4)
    truth = truths(aws, pipelines, stages=[state], actions=[row])["Deploy"]
    assert (truth.condition, [action.action_execution_id for action in truth.failed]) == (
        "BEFORE_ENTRY",
        ["ErrorAlarm-2"],
    )


def test_every_check_of_a_condition_is_a_failure_of_its_own(aws: LocalAws, pipelines: CodePipeline) -> None:
    """Also where CodePipeline tells no rule, or a rule without an id: then the time of its change is the fence."""
    without_id = {"ruleExecutionId": ""}
    for rules in (
        lambda minutes: [rule("ErrorAlarm", minutes, "Failed", minutes)],
        lambda minutes: [rule("ErrorAlarm", 1, "Failed", minutes, **without_id)],
        lambda _minutes: [],
    ):
        ids = []
        for minutes in (5, 7):
            state = deploy(BEFORE_ENTRY=condition("Failed", minutes, *rules(minutes)))
            truth = truths(aws, pipelines, stages=[state], actions=[])["Deploy"]
            (failed,) = truth.failed
            ids.append(failed.action_execution_id)
        assert len(set(ids)) == 2, ids


def test_a_condition_of_another_execution_is_not_ours(aws: LocalAws, pipelines: CodePipeline) -> None:
    state = stage(
        "Deploy",
        OTHER,
        "Failed",
        beforeEntryConditionState=condition("Failed", 5, rule("ErrorAlarm", 1, "Failed", 5)),
    )
    row = listed("Stack", 1, "Failed", 3, 4)
    truth = truths(aws, pipelines, stages=[state], actions=[row])["Deploy"]
    assert (truth.condition, truth.overtaken_by) == ("", OTHER)


def test_a_stage_that_runs_is_stopped_by_no_condition(aws: LocalAws, pipelines: CodePipeline) -> None:
    state = deploy(status="InProgress", BEFORE_ENTRY=condition("Failed", 5, rule("ErrorAlarm", 1, "Failed", 5)))
    truth = truths(aws, pipelines, stages=[state], actions=[])["Deploy"]
    assert (truth.condition, truth.failed) == ("", ())


def test_our_own_gate_is_recognised_in_a_rule(aws: LocalAws, pipelines: CodePipeline) -> None:
    """By its message, as in an action; the names of the issues may be missing there."""
    said = {"summary": f"{GATE_MESSAGE_PREFIX} an AWS Health issue is open", "externalExecutionId": "A_1,+2"}
    state = deploy(BEFORE_ENTRY=condition("Failed", 5, rule("HealthGate", 1, "Failed", 5, **said)))
    (failed,) = truths(aws, pipelines, stages=[state], actions=[])["Deploy"].failed
    assert failed.gate_issues == ("A_1",)


def test_a_condition_whose_rules_run_is_told(aws: LocalAws, pipelines: CodePipeline) -> None:
    for kind in MEMBERS:
        for status, checking in (("InProgress", True), ("Succeeded", False)):
            state = deploy(status="InProgress", **{kind: condition(status, 5, rule("HealthGate", 1, status, 5))})
            assert truths(aws, pipelines, stages=[state], actions=[])["Deploy"].checking is checking


def ran(name: str, number: int, stage: str, parameters: str | None) -> dict[str, Any]:
    """A row of ListRuleExecutions."""
    resolved = {"FunctionName": "gate"} | ({} if parameters is None else {"UserParameters": parameters})
    return {
        "ruleExecutionId": f"{name}-{number}",
        "ruleName": name,
        "stageName": stage,
        "input": {"configuration": {"UserParameters": "#{not.resolved}"}, "resolvedConfiguration": resolved},
    }


def test_what_rules_were_asked_is_read_to_the_last_page(aws: LocalAws, pipelines: CodePipeline) -> None:
    """Of this stage only, with variables resolved."""
    first = [ran("HealthGate", 2, "Deploy", "two"), ran("HealthGate", 9, "Other", "nine")]
    last = [ran("HealthGate", 1, "Deploy", "one"), ran("ErrorAlarm", 1, "Deploy", None)]
    pages = ({"ruleExecutionDetails": first, "nextToken": "more"}, {"ruleExecutionDetails": last})
    aws.answer("ListRuleExecutions", *pages)
    assert pipelines.rule_parameters(KEY) == {"HealthGate-2": "two", "HealthGate-1": "one", "ErrorAlarm-1": ""}
    assert [(name, asked["filter"]) for name, asked in aws.requests] == [
        ("ListRuleExecutions", {"pipelineExecutionId": OURS}),
        ("ListRuleExecutions", {"pipelineExecutionId": OURS}),
    ]


@pytest.mark.parametrize(
    ("code", "situation"),
    [
        ("ThrottlingException", TryLater),
        ("PipelineNotFoundException", PipelineGone),
        ("AccessDeniedException", NotAllowed),
    ],
)
def test_rules_that_cannot_be_listed_say_why(
    aws: LocalAws, pipelines: CodePipeline, code: str, situation: type[AllclearError]
) -> None:
    aws.answer("ListRuleExecutions", *[Refusal(code, "why")] * 9)
    with pytest.raises(situation, match="why"):
        pipelines.rule_parameters(KEY)


def test_an_execution_without_rules_has_none(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("ListRuleExecutions", Refusal("PipelineExecutionNotFoundException", "none"))
    assert pipelines.rule_parameters(KEY) == {}


def test_an_override_names_the_condition_and_this_execution(aws: LocalAws, pipelines: CodePipeline) -> None:
    aws.answer("OverrideStageCondition", {})
    pipelines.override_condition(KEY, "BEFORE_ENTRY")
    assert aws.requests == [
        (
            "OverrideStageCondition",
            {
                "pipelineName": "web",
                "stageName": "Deploy",
                "pipelineExecutionId": OURS,
                "conditionType": "BEFORE_ENTRY",
            },
        )
    ]


@pytest.mark.parametrize("lost", [Broken.DROPPED, Broken.SILENT, Refusal("", status=503)], ids=str)
def test_an_override_whose_answer_is_lost_is_sent_exactly_once(
    aws: LocalAws, pipelines: CodePipeline, lost: Broken | Refusal
) -> None:
    aws.answer("OverrideStageCondition", lost)
    with pytest.raises(OutcomeUnknown):
        pipelines.override_condition(KEY, "ON_SUCCESS")
    assert len(aws.requests) == 1


@pytest.mark.parametrize(
    ("code", "situation"),
    [
        ("ConflictException", RetryNotNow),
        ("ConcurrentPipelineExecutionsLimitExceededException", RetryNotNow),
        ("ThrottlingException", RetryNotNow),
        ("NotLatestPipelineExecutionException", NotLatest),
        ("ConditionNotOverridableException", RetryImpossible),
        ("StageNotFoundException", RetryImpossible),
        ("AccessDeniedException", RetryImpossible),
    ],
)
def test_a_refused_override_says_what_to_do_next(
    aws: LocalAws, pipelines: CodePipeline, code: str, situation: type[AllclearError]
) -> None:
    aws.answer("OverrideStageCondition", Refusal(code, "why"))
    with pytest.raises(situation, match=f"{code}: why") as refused:
        pipelines.override_condition(KEY, "BEFORE_ENTRY")
    assert type(refused.value) is situation
    assert len(aws.requests) == 1
