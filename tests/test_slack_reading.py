"""The words that only read: status, why, issues, history, and what is said to a slip of the pen."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.cards.burst_text import what_next as burst_next
from bot.cards.fields import fields
from bot.cards.text import what_next
from bot.issue_events import Ignored
from bot.issues import advance_issue, unreadable_report
from bot.lifecycle.hanging import begin_hanging
from bot.lifecycle.waiting import begin_waiting
from bot.model import ALLCLEAR, Entry, IssuePhase, PipelineTags, RetryPlan, Status, Verdict
from bot.policy import Mode
from bot.slack.answers import next_step
from bot.slack.mrkdwn import slack_date
from bot.workflows.slack.desk import Desk
from tests.builders import (
    KEY,
    NOW,
    a_gate_action,
    a_key,
    a_report,
    an_action,
    an_attribution,
    an_execution,
    an_issue,
)
from tests.core.lifecycle_events import GATE_WAITS, HANGS
from tests.fakes.chat import ALICE
from tests.slack_desk import GUEST, LATER, POLICY, a_desk, keep, say, store_of
from tests.test_burst_cards import a_line

UNEXPLAINED = an_attribution(
    verdict=Verdict.UNEXPLAINED, reason="No AWS Health issue explains the failure of CloudFormation in us-east-1.",
    blockers=(),
)  # fmt: skip


@pytest.fixture
def desk() -> Desk:
    desk = a_desk()
    keep(desk, an_execution())
    return desk


def test_status_says_why_since_when_and_what_happens_next(desk: Desk) -> None:
    text = say(desk, "status web").text
    assert "*web* → Deploy (us-east-1, 111122223333): held by ECS in us-east-1 since <!date^" in text
    assert "ECS has an open issue in us-east-1, where DeployStack ran." in text
    assert "Next: a retry 5 min after AWS closes what holds it." in text


def test_status_says_since_when_as_the_card_does() -> None:
    """An issue that came late holds a failure from the failure on."""
    desk, late = a_desk(), an_execution(entered_at=NOW + timedelta(minutes=12), held_at=NOW)
    keep(desk, late)
    assert f" since {slack_date(NOW)}. " in say(desk, "status web").text
    assert ("Held since", slack_date(NOW)) in fields(late, POLICY)


def test_nobody_is_told_of_a_settle_time_of_0_seconds() -> None:
    policy = replace(POLICY, settle=timedelta(0))
    desk = a_desk(policy)
    keep(desk, an_execution())
    assert "Next: a retry when AWS closes what holds it." in say(desk, "status web").text
    assert "retries it by itself* when AWS closes the issue" in what_next(an_execution(), policy)
    waiting = begin_waiting(KEY, GATE_WAITS, NOW, policy)
    assert "once the AWS issue is closed. It can wait" in what_next(waiting, policy)
    assert next_step(waiting, policy) == "Next: its gate lets it through when AWS closes what holds it."
    assert "that hold it are closed; its own card" in burst_next([a_line(1)], policy)


@pytest.mark.parametrize("word", ["status", "status web"])
def test_executions_of_one_stage_are_told_apart_by_their_ids(desk: Desk, word: str) -> None:
    """A PARALLEL pipeline has several there. Whatever is alone in its stage needs no id."""
    keep(desk, an_execution(key=a_key(execution_id="99999999-8888")))
    keep(desk, an_execution(key=a_key(stage="Smoke")))
    lines = say(desk, word).text.splitlines()
    assert [line.partition(", execution ")[2][:9] for line in sorted(lines)] == ["11111111.", "99999999.", ""]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tags": PipelineTags(auto_retry=False)}, "a person is asked at the all-clear"),
        ({"tags": PipelineTags(mode="shadow")}, "a person is asked at the all-clear"),
        ({"status": Status.RESUMING, "retry": RetryPlan(ALLCLEAR, NOW, NOW)}, "Next: a retry at <!date^"),
        ({"status": Status.RETRYING}, "CodePipeline runs it"),
        ({"status": Status.NEEDS_HUMAN, "attribution": UNEXPLAINED}, "unless AWS announces an issue"),
        ({"status": Status.NEEDS_HUMAN, "note": "The budget is spent."}, "The budget is spent. Next: nothing by"),
        ({"status": Status.DISMISSED}, "unless Undo on its card"),
    ],
)
def test_each_status_has_its_next_step(changes: dict[str, object], said: str) -> None:
    desk = a_desk()
    keep(desk, an_execution(**changes))
    assert said in say(desk, "status web").text


def test_guests_may_read_and_other_workspaces_may_not(desk: Desk) -> None:
    assert "*web*" in say(desk, "status", GUEST).text


@pytest.mark.parametrize(
    ("typed", "meant"), [("stauts", "status"), ("isues", "issues"), ("helpp", "help"), ("retri web", "retry")]
)
def test_a_misspelt_word_is_asked_back(desk: Desk, typed: str, meant: str) -> None:
    assert f"Did you mean `{meant}`?" in say(desk, typed).text


def test_a_word_like_none_is_answered_with_what_there_is(desk: Desk) -> None:
    text = say(desk, "xyzzy").text
    assert "Did you mean" not in text
    assert "/allclear status" in text


@pytest.mark.parametrize("word", ["status", "why", "history", "retry"])
def test_a_misspelt_pipeline_is_asked_back(desk: Desk, word: str) -> None:
    assert "Did you mean `web`?" in say(desk, f"{word} Webb").text


@pytest.mark.parametrize("name", ["`web`", '"web"', "*web*", "“web”", "<http://web|web>", "&lt;web&gt;", "web?"])
def test_a_name_is_read_as_people_write_it(desk: Desk, name: str) -> None:
    assert "held by ECS" in say(desk, f"status {name}").text


@pytest.mark.parametrize("word", ["why", "retry", "override"])
def test_a_word_that_needs_a_pipeline_asks_which(desk: Desk, word: str) -> None:
    assert "Which pipeline?" in say(desk, word).text


class TestWhy:
    def test_a_failure_put_down_to_aws_is_explained_with_what_was_looked_for(self, desk: Desk) -> None:
        text = say(desk, "why web").text
        assert "ECS has an open issue in us-east-1" in text
        assert "Allclear looked for issues of CLOUDFORMATION, " in text
        assert "MULTIPLE_SERVICES in us-east-1, or everywhere." in text

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({}, "Without such an issue a person would have been asked; an issue that counts wrongly"),
            ({"status": Status.NEEDS_HUMAN, "automatic_retries": 3}, "With a larger MaxAutomaticRetries it would"),
            ({"status": Status.NEEDS_HUMAN, "held_at": NOW - timedelta(hours=24)}, "With a larger MaxAgeHours it"),
            ({"status": Status.NEEDS_HUMAN, "tags": PipelineTags(auto_retry=False)}, "tag allclear:auto-retry it"),
            ({"status": Status.NEEDS_HUMAN, "tags": PipelineTags(mode=Mode.SHADOW)}, "Outside shadow mode (Mode,"),
        ],
    )
    def test_it_says_what_would_have_changed_it(self, changes: dict[str, Any], said: str) -> None:
        desk = a_desk()
        keep(desk, an_execution(**changes))
        text = say(desk, "why web").text
        assert said in text
        assert text.count("would have been") == 1

    def test_one_that_no_issue_explains_is_told_with_what_would_have(self) -> None:
        desk = a_desk()
        keep(desk, an_execution(status=Status.NEEDS_HUMAN, attribution=UNEXPLAINED))
        for service in ("S3", "DIRECTCONNECT"):
            report = a_report(service=service, arn=f"arn:aws:health:us-east-1::event/{service}/X/{service}_1")
            store_of(desk).save_issue(an_issue(report=report))
        elsewhere = a_report(service="RDS", region="eu-west-1", arn="arn:aws:health:eu-west-1::event/RDS/X/RDS_1")
        store_of(desk).save_issue(an_issue(report=elsewhere))
        text = say(desk, "why web").text
        assert "No AWS Health issue explains the failure" in text
        assert "announced at most 4 h later, would explain it" in text
        assert "allclear:services and allclear:regions" in text
        assert "S3 (us-east-1) is of another service" in text
        assert "DIRECTCONNECT (us-east-1) is one of IgnoredServices" in text
        assert "RDS" not in text

    def test_a_teams_own_failure_is_never_put_down_to_aws(self) -> None:
        desk = a_desk()
        own = an_attribution(verdict=Verdict.OWN, reason="Not AWS's doing: a permission is missing.", blockers=())
        keep(desk, an_execution(status=Status.NEEDS_HUMAN, attribution=own))
        assert "never put down to AWS" in say(desk, "why web").text

    def test_the_caveat_is_told(self) -> None:
        desk = a_desk()
        keep(desk, an_execution(attribution=an_attribution(caveat="This cannot be confirmed.")))
        assert "This cannot be confirmed." in say(desk, "why web").text

    def test_behind_a_gate_what_the_gate_named_counts(self) -> None:
        desk = a_desk()
        keep(desk, an_execution(actions=(a_gate_action(),)))
        assert "What its health gate named counts" in say(desk, "why web").text

    def test_what_ended_is_explained_where_nothing_is_held(self) -> None:
        desk = a_desk()
        keep(desk, an_execution(status=Status.RECOVERED))
        assert "failed at" in say(desk, "why web").text


class TestIssues:
    def test_what_hangs_in_an_issue_is_listed_apart_from_what_it_holds(self, desk: Desk) -> None:
        hung = begin_hanging(a_key(pipeline="api"), HANGS, NOW, POLICY)
        keep(desk, hung)
        store_of(desk).issues[an_issue().key] = an_issue()
        line = say(desk, "issues").text
        assert "holds 1: *web* → Deploy · 1 running longer than usual: *api* → Deploy" in line

    def test_an_open_issue_is_listed_with_what_it_holds(self, desk: Desk) -> None:
        for name in ("shop", "api", "jobs"):
            keep(desk, an_execution(key=a_key(pipeline=name)))
        store_of(desk).save_issue(an_issue())
        [line] = say(desk, "issues").text.splitlines()
        assert line.startswith("• *ECS* in us-east-1, since <!date^")
        assert "`AWS_ECS_OPERATIONAL_ISSUE_7B4F2C1D`" in line
        assert "holds 4: *" in line
        assert line.endswith(" and 1 more")

    def test_a_closed_one_says_how_far_its_all_clear_is(self, desk: Desk) -> None:
        store_of(desk).save_issue(an_issue(phase=IssuePhase.SETTLING, settled_at=LATER))
        assert "closed, settling until <!date^" in say(desk, "issues").text

    def test_one_that_is_over_is_not_listed(self, desk: Desk) -> None:
        store_of(desk).save_issue(an_issue(phase=IssuePhase.DONE))
        assert say(desk, "issues").text == "No AWS issue is open that Allclear has heard of."

    def test_an_ignored_one_says_by_whom_and_why(self, desk: Desk) -> None:
        issue = advance_issue(replace(an_issue(), version=0), Ignored(ALICE, "consoles only"), NOW, POLICY)
        store_of(desk).save_issue(issue)
        text = say(desk, "issues").text
        assert f"ignored by <@{ALICE}> at <!date^" in text
        assert "consoles only" in text
        assert "has to release 1: *web* → Deploy" in text

    def test_that_health_cannot_be_read_is_said_in_words(self, desk: Desk) -> None:
        store_of(desk).save_issue(an_issue(report=unreadable_report(NOW)))
        assert "*AWS Health cannot be read* since <!date^" in say(desk, "issues").text


class TestHistory:
    def test_a_pipelines_past_comes_newest_first_with_every_line_of_the_newest(self) -> None:
        desk = a_desk()
        recovered = an_execution(
            status=Status.RECOVERED,
            held_at=NOW,
            released_at=NOW + timedelta(hours=3, minutes=12),
            retries=1,
            trail=(Entry(1, NOW, Status.RESUMING, "asked for a retry", "U0CAROL"),),
        )
        older = an_execution(
            key=a_key(execution_id="old"), status=Status.STOPPED, first_failed_at=NOW - timedelta(days=1)
        )
        keep(desk, older, recovered)
        first, line, last = say(desk, "history web").text.splitlines()
        assert "recovered at <!date^" in first
        assert "held for 3 h 12 min; retried by <@U0CAROL>" in first
        assert line.endswith("<@U0CAROL> asked for a retry")
        assert "stopped at" in last

    def test_without_a_name_it_lists_what_ended_last(self, desk: Desk) -> None:
        keep(desk, an_execution(key=a_key(pipeline="shop"), status=Status.RECOVERED, finished_at=LATER))
        first, line = say(desk, "history").text.splitlines()
        assert first == "1 not finished; `status` lists them."
        assert "*shop* → Deploy" in line

    def test_a_very_long_history_keeps_its_beginning_and_its_end(self, desk: Desk) -> None:
        store = store_of(desk)
        store.lines[KEY] = [Entry(n, NOW, Status.BLOCKED, f"line {n}") for n in range(1, 101)]
        text = say(desk, "history web").text
        assert "line 1\n" in text
        assert "70 lines left out" in text
        assert text.endswith("line 100")

    def test_a_retry_from_the_console_is_nobodys(self) -> None:
        desk = a_desk()
        trail = (Entry(1, NOW, Status.RETRYING, "retried outside Allclear"),)
        keep(desk, an_execution(status=Status.RECOVERED, trail=trail))
        assert "retried outside Allclear" in say(desk, "history web").text


def test_the_longest_lists_stay_within_slacks_limits() -> None:
    desk = a_desk()
    name = "n" * 98
    for number in range(60):
        action = an_action(name="&" * 100)
        key = a_key(pipeline=f"{name}{number}", stage="s" * 100)
        attribution = an_attribution(reason="&" * 2_000, caveat="<!channel>" * 100)
        keep(desk, an_execution(key=key, actions=(action,), attribution=attribution))
    for number in range(30):
        arn = f"arn:aws:health:us-east-1::event/ECS/X/{'A' * 200}{number}"
        store_of(desk).save_issue(an_issue(report=a_report(arn=arn), ignored_by=ALICE, ignored_reason="&" * 500))
    for words in ("status", "issues", "history", f"why {name}1", f"status {name}1", f"history {name}1"):
        assert say(desk, words).text
