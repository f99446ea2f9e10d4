"""The all-clear of an issue that held many: one goes first, then the rest, whatever happens in between."""

from collections import Counter
from datetime import timedelta

import pytest

from bot.errors import NotLatest
from bot.model import ExecutionKey, IssuePhase, IssueReport, PipelineTags, Status
from bot.ports import DueKind
from tests.builders import ISSUE_ARN, a_gate_action, a_key, an_action
from tests.workflows.harness import MINUTE, Night, many_held, retried

OTHER_ARN = ISSUE_ARN + "-2"


def phase(night: Night, arn: str = ISSUE_ARN) -> IssuePhase:
    return night.store.issues[arn].phase


def canary_of(night: Night, report: IssueReport) -> ExecutionKey:
    """Close the issue; the deploy that is retried alone after the settle time."""
    night.issue_closes(report)
    night.minutes(6)
    (first,) = retried(night)
    return first


def test_one_goes_first_and_the_rest_follows_when_it_has_recovered() -> None:
    night, report, keys = many_held()
    canary = canary_of(night, report)
    night.minutes(3)
    assert retried(night) == [canary], "the rest waits"
    assert "this one goes first, and the others wait for it" in night.lines(canary)[1]
    night.stage_passes(canary)
    night.minutes(1)
    assert Counter(retried(night)) == dict.fromkeys(keys, 1)
    issue = night.store.issues[ISSUE_ARN]
    assert (issue.phase, issue.released) == (IssuePhase.DONE, len(keys) - 1)


def test_up_to_five_need_no_canary() -> None:
    night, report, keys = many_held(5)
    night.issue_closes(report)
    night.minutes(6)
    assert sorted(retried(night)) == keys


def test_a_canary_that_never_ends_holds_the_rest_for_ten_minutes() -> None:
    night, report, keys = many_held()
    canary = canary_of(night, report)
    night.minutes(8)
    assert retried(night) == [canary]
    night.minutes(3)
    assert sorted(retried(night)) == keys


def test_one_that_is_not_production_goes_first() -> None:
    night = Night()
    report = night.issue_opens()
    for name in ("a", "b", "c", "d", "e", "f", "staging"):
        night.pipelines.tags_of[name] = PipelineTags(tier="" if name == "staging" else "production")
        night.stage_fails(a_key(pipeline=name))
    assert canary_of(night, report).pipeline == "staging"


def test_a_canary_that_fails_for_a_reason_of_its_own_holds_nobody() -> None:
    night, report, keys = many_held()
    canary = canary_of(night, report)
    night.stage_fails(canary, an_action(error_code="ConfigurationError"))
    night.minutes(1)
    assert night.status(canary) is Status.NEEDS_HUMAN
    assert Counter(retried(night)) == dict.fromkeys(keys, 1)


def test_a_canary_that_runs_into_another_issue_keeps_the_rest_from_it() -> None:
    """EC2 closed and ECS opened a minute later: those the new issue explains are its own, the others wait."""
    night, report, keys = many_held()
    canary = canary_of(night, report)
    night.minutes(1)
    other = night.issue_opens(arn=OTHER_ARN, start_at=night.now)
    night.stage_fails(canary)
    assert night.status(canary) is Status.BLOCKED
    night.minutes(120)
    assert retried(night) == [canary]
    night.issue_closes(other)
    night.minutes(6)
    for key in set(retried(night)):
        night.stage_passes(key)
    night.minutes(20)
    counts = Counter(retried(night))
    assert set(counts) == set(keys)
    assert {count for key, count in counts.items() if key != canary} == {1}
    assert {phase(night), phase(night, OTHER_ARN)} == {IssuePhase.DONE}


def test_a_canary_that_its_gate_stops_again_gives_its_turn_away() -> None:
    """The gate's answer of AWS Health is behind: one retry told that, and another deploy is asked next."""
    night, report, keys = many_held()
    canary = canary_of(night, report)
    night.stage_fails(canary, a_gate_action())
    assert night.status(canary) is Status.BLOCKED
    night.minutes(2)
    assert night.accepted(canary) == 1
    (second,) = retried(night)[1:]
    night.stage_passes(second)
    night.minutes(4)
    assert Counter(retried(night)) == {**dict.fromkeys(keys, 1), canary: 2}


def test_an_issue_that_concerns_the_canary_alone_holds_the_rest_for_half_an_hour() -> None:
    """Then another one, which that issue does not hold, goes first."""
    night, report, keys = many_held()
    canary = canary_of(night, report)
    night.issue_opens(arn=OTHER_ARN, service="LAMBDA", start_at=night.now)
    night.stage_fails(canary, an_action(name="Hook", provider="Lambda", category="Invoke"))
    assert night.status(canary) is Status.BLOCKED
    night.minutes(2)
    assert "half an hour" in night.store.issues[ISSUE_ARN].note
    night.minutes(27)
    assert retried(night) == [canary]
    night.minutes(3)
    (second,) = retried(night)[1:]
    night.stage_passes(second)
    night.minutes(1)
    assert sorted(retried(night)) == keys
    assert night.status(canary) is Status.BLOCKED, "it has its own issue, which is open"


@pytest.mark.parametrize("how", ["superseded", "frozen", "dismissed", "stopped"])
def test_a_turn_that_told_nothing_passes_to_another(how: str) -> None:
    night, report, keys = many_held()
    first = keys[0]
    if how == "superseded":
        night.pipelines.raise_next("retry_stage", NotLatest("NotLatestPipelineExecutionException"))
    elif how == "frozen":
        night.show(first, transition_disabled="release freeze")
    elif how == "stopped":
        night.show(first, execution_status="Stopped")
    night.issue_closes(report)
    if how == "dismissed":
        night.minutes(4)
        night.now += MINUTE
        night.sweep()
        assert night.status(first) is Status.RESUMING
        night.click_dismiss(first)
    night.minutes(8)
    assert retried(night) == [keys[1]]
    assert phase(night) is IssuePhase.CANARY


def test_turns_that_tell_nothing_hold_the_rest_for_minutes_only() -> None:
    night, report, keys = many_held()
    for key in keys:
        night.show(key, transition_disabled="release freeze")
    night.issue_closes(report)
    night.minutes(12)
    assert {night.status(key) for key in keys} == {Status.NEEDS_HUMAN}
    assert (retried(night), phase(night)) == ([], IssuePhase.DONE)


def test_two_issues_that_hold_the_same_deploys_each_release_their_own() -> None:
    night = Night()
    first = night.issue_opens()
    second = night.issue_opens(arn=OTHER_ARN, service="LAMBDA")
    hook = an_action(name="Hook", provider="Lambda", category="Invoke")
    deploy = an_action(name="Deploy", provider="ECS")
    groups = {
        "both": (hook, deploy),
        "first": (deploy,),
        "second": (hook,),
    }
    keys = {name: [a_key(pipeline=f"{name}-{each}") for each in range(7)] for name in groups}
    for name, actions in groups.items():
        for key in keys[name]:
            night.stage_fails(key, *actions)
    night.issue_closes(first)
    night.minutes(20)
    assert sorted(retried(night)) == keys["first"]
    night.issue_closes(second)
    night.minutes(20)
    assert Counter(retried(night)) == dict.fromkeys([key for group in keys.values() for key in group], 1)


def test_one_that_arrives_closed_settles_and_sends_a_canary_too() -> None:
    night = Night()
    began = night.now
    keys = [a_key(pipeline=f"service-{each}") for each in range(8)]
    for key in keys:
        night.stage_fails(key)
    night.minutes(20)
    night.issue_closes(night.issue_opens(told=False, start_at=began))
    assert {night.status(key) for key in keys} == {Status.BLOCKED}
    night.minutes(4)
    assert retried(night) == []
    night.minutes(2)
    assert retried(night) == [keys[0]]
    night.stage_passes(keys[0])
    night.minutes(1)
    assert Counter(retried(night)) == dict.fromkeys(keys, 1)


def test_one_open_for_too_long_sends_a_canary_too() -> None:
    night, _report, keys = many_held(8, issue_max_age=timedelta(hours=1))
    night.minutes(42)
    assert retried(night) == [keys[0]]
    night.stage_passes(keys[0])
    night.minutes(1)
    assert Counter(retried(night)) == dict.fromkeys(keys, 1)
    assert "has been open for more than 1 hour and" in night.lines(keys[3])[1]


def test_a_canary_that_cannot_be_read_back_keeps_nobody() -> None:
    night, report, keys = many_held()
    night.issue_closes(report)
    night.minutes(4)
    night.store.unreadable.add((DueKind.EXECUTION, str(keys[0])))
    night.minutes(4)
    assert retried(night) == [keys[1]]
    night.stage_passes(keys[1])
    night.minutes(1)
    assert sorted(retried(night)) == keys[1:]
