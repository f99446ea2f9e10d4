"""The words that act: retry, override, ignore. Decided as the buttons are, once, and asked back where unclear."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import SlackRefused, TryLater
from bot.lifecycle.hanging import begin_hanging
from bot.model import RULE, IssuePhase, Override, PipelineTags, Status
from bot.policy import Policy
from bot.slack.requests import Click
from bot.workflows.slack.clicks import handle_click
from bot.workflows.slack.desk import Desk
from tests.builders import ISSUE_ARN, KEY, NOW, a_gate_action, a_key, a_report, an_action, an_execution, an_issue
from tests.core.lifecycle_events import HANGS
from tests.fakes.chat import ALICE, FakeChat
from tests.slack_desk import BOB, GROUP, GUEST, LATER, a_desk, chat_of, keep, pressed, say, store_of

STOPPED = an_execution(actions=(a_gate_action(),))


@pytest.fixture
def desk() -> Desk:
    return a_desk()


class TestRetry:
    def test_it_is_owed_at_once_and_says_who_asked(self, desk: Desk) -> None:
        keep(desk, an_execution())
        assert say(desk, "retry web", BOB).text == "Done. *web* → Deploy is being resumed."
        execution = store_of(desk).executions[KEY]
        assert (execution.status, execution.trail[-1].by) == (Status.RESUMING, BOB)

    def test_the_same_request_twice_acts_once(self, desk: Desk) -> None:
        """Held again meanwhile: the repetition is not a new wish."""
        keep(desk, an_execution())
        say(desk, "retry web")
        held = an_execution(version=3, entered_version=3)
        store_of(desk).executions[KEY] = held
        assert "already carried out" in say(desk, "retry web").text
        assert store_of(desk).executions[KEY] == held
        say(desk, "retry web", request="trigger-2")
        assert store_of(desk).executions[KEY].status is Status.RESUMING

    def test_behind_a_gate_it_says_that_the_gate_checks_again(self, desk: Desk) -> None:
        keep(desk, STOPPED)
        assert "health gate checks again" in say(desk, "retry web").text

    def test_what_another_condition_stopped_has_no_retry_and_is_passed_over_where_something_has(
        self, desk: Desk
    ) -> None:
        alarm = an_action(name="ErrorAlarm", category=RULE, provider="")
        keep(desk, an_execution(status=Status.NEEDS_HUMAN, actions=(alarm,), condition="BEFORE_ENTRY"))
        answer = say(desk, "retry web").text
        assert answer.startswith("CodePipeline has no retry for a stage that a condition stopped, and only an ")
        assert answer.endswith("rule ErrorAlarm says. Nothing was done. *web* → Deploy waits for a person.")
        keep(desk, an_execution(key=a_key(stage="Smoke")))
        assert say(desk, "retry web").text == "Done. *web* → Smoke is being resumed."

    @pytest.mark.parametrize(("user", "said"), [(GUEST, "Guests may not"), ("U0NOBODY", "did not tell")])
    def test_who_may_not_is_told_who_may(self, desk: Desk, user: str, said: str) -> None:
        keep(desk, an_execution())
        answer = say(desk, "retry web", user)
        assert said in answer.text
        assert answer.for_one
        assert store_of(desk).executions[KEY].version == 1

    def test_when_slack_does_not_answer_it_asks_to_ask_again(self, desk: Desk) -> None:
        keep(desk, an_execution())
        chat_of(desk).fail("user", TryLater("ratelimited"))
        assert "ask again" in say(desk, "retry web").text
        assert store_of(desk).executions[KEY].version == 1

    @pytest.mark.parametrize(
        "other", [a_key(region="eu-west-1"), a_key(execution_id="another"), a_key(stage="Smoke")]
    )
    def test_where_several_are_meant_it_asks_back_with_a_real_button_each(self, desk: Desk, other: object) -> None:
        keep(desk, an_execution(), an_execution(key=other))
        answer = say(desk, "retry web", BOB)
        assert "Which one?" in answer.text
        assert answer.for_one
        buttons = [block["accessory"] for block in answer.choices]
        values = {json.loads(button["value"])["key"]: json.loads(button["value"])["version"] for button in buttons}
        assert values == {str(other): 1, str(KEY): 1}
        assert {button["action_id"] for button in buttons} == {"retry"}
        assert {execution.version for execution in store_of(desk).executions.values()} == {1}
        click = pressed(KEY, user_id=BOB, shown_to_one=True, message_ts="1.2", version=values[str(KEY)])
        handle_click(desk, click, LATER)
        assert store_of(desk).executions[KEY].status is Status.RESUMING
        assert chat_of(desk).answers[-1][1] == "Done. *web* → Deploy is being resumed."

    def test_one_that_hangs_is_not_meant_and_alone_is_told_to_run(self, desk: Desk) -> None:
        hung = begin_hanging(a_key(execution_id="another"), HANGS, NOW, desk.policy)
        keep(desk, an_execution(), hung)
        assert say(desk, "retry web", BOB).text == "Done. *web* → Deploy is being resumed."
        alone = a_desk()
        keep(alone, hung)
        assert say(alone, "retry web", BOB).text.endswith("*web* → Deploy still runs; nothing has failed.")
        assert store_of(alone).executions[hung.key] == hung

    def test_one_that_runs_already_is_not_meant(self, desk: Desk) -> None:
        keep(desk, an_execution(key=a_key(execution_id="e-2"), status=Status.RETRYING), an_execution())
        say(desk, "retry web")
        assert store_of(desk).executions[KEY].status is Status.RESUMING

    def test_what_ended_is_not_brought_back(self, desk: Desk) -> None:
        keep(desk, an_execution(status=Status.RECOVERED))
        assert "nothing was done" in say(desk, "retry web").text
        assert store_of(desk).executions[KEY].version == 1

    def test_an_unknown_pipeline_is_said_to_be_that(self, desk: Desk) -> None:
        assert "no failure of *shop* is known" in say(desk, "retry shop").text


class TestOverride:
    def test_it_is_written_with_who_and_why(self, desk: Desk) -> None:
        keep(desk, STOPPED)
        assert "is being resumed" in say(desk, "override web the issue spares us").text
        given = store_of(desk).given[KEY]
        assert isinstance(given, Override)
        assert (given.by, given.reason) == (ALICE, "the issue spares us")
        assert store_of(desk).executions[KEY].status is Status.RESUMING

    def test_without_a_reason_nothing_is_done(self, desk: Desk) -> None:
        keep(desk, STOPPED)
        assert "needs a reason" in say(desk, "override web").text
        assert store_of(desk).given == {}

    def test_off_the_list_it_is_refused_saying_who_may(self, desk: Desk) -> None:
        keep(desk, STOPPED)
        assert f"Only <@{ALICE}> may override." in say(desk, "override web because", BOB).text
        assert store_of(desk).given == {}

    def test_the_pipelines_tag_narrows_who_may(self, desk: Desk) -> None:
        keep(desk, replace(STOPPED, tags=PipelineTags(overriders=(BOB,))))
        assert "tag allclear:overriders" in say(desk, "override web because").text
        assert store_of(desk).given == {}

    def test_what_no_gate_stopped_cannot_be_overridden(self, desk: Desk) -> None:
        keep(desk, an_execution())
        assert "Only a health gate or a stage condition" in say(desk, "override web because").text

    def test_where_several_are_meant_the_buttons_carry_the_reason(self, desk: Desk) -> None:
        keep(desk, STOPPED, replace(STOPPED, key=a_key(execution_id="another")))
        answer = say(desk, 'override web it "spares" us')
        [first, second] = [block["accessory"] for block in answer.choices]
        assert {first["action_id"], second["action_id"]} == {"override"}
        assert json.loads(second["value"])["reason"] == 'it "spares" us'
        click: Click = pressed(KEY, action_id="override", shown_to_one=True, reason='it "spares" us')
        handle_click(desk, click, LATER)
        [(_, view)] = chat_of(desk).views
        assert view["blocks"][-1]["element"]["initial_value"] == 'it "spares" us'

    def test_the_same_request_twice_writes_one(self, desk: Desk) -> None:
        keep(desk, STOPPED)
        say(desk, "override web because")
        version = store_of(desk).executions[KEY].version
        say(desk, "override web because")
        assert store_of(desk).executions[KEY].version == version


class TestIgnore:
    @pytest.fixture
    def desk(self) -> Desk:
        desk = a_desk()
        store_of(desk).save_issue(an_issue())
        return desk

    @pytest.mark.parametrize("name", ["AWS_ECS_OPERATIONAL_ISSUE_7B4F2C1D", "7b4f2c1d", "7B4F", "ecs", ISSUE_ARN])
    def test_its_id_a_part_of_it_or_its_service_name_it(self, desk: Desk, name: str) -> None:
        text = say(desk, f"ignore {name} consoles only").text
        issue = store_of(desk).issues[ISSUE_ARN]
        assert (issue.ignored_by, issue.ignored_reason) == (ALICE, "consoles only")
        assert (issue.phase, issue.due_at) == (IssuePhase.CANARY, LATER)
        assert "holds nothing any more" in text

    @pytest.mark.parametrize("user", [BOB, GUEST])
    def test_only_those_who_may_override_may(self, desk: Desk, user: str) -> None:
        answer = say(desk, "ignore ECS because", user)
        assert "may" in answer.text
        assert answer.for_one
        assert store_of(desk).issues[ISSUE_ARN].version == 1

    def test_members_of_the_group_may_and_an_unreadable_group_has_none(self) -> None:
        desk = a_desk(Policy(override_user_group=GROUP))
        store_of(desk).save_issue(an_issue())
        chat_of(desk).groups[GROUP] = frozenset({BOB})
        chat_of(desk).fail("group_members", SlackRefused("no_such_subteam"))
        assert "Nothing was done" in say(desk, "ignore ECS because", BOB).text
        assert store_of(desk).issues[ISSUE_ARN].version == 1
        say(desk, "ignore ECS because", BOB)
        assert store_of(desk).issues[ISSUE_ARN].ignored_by == BOB

    def test_without_a_reason_nothing_is_done(self, desk: Desk) -> None:
        assert "needs a reason" in say(desk, "ignore ECS").text
        assert store_of(desk).issues[ISSUE_ARN].version == 1

    def test_undo_takes_it_back_and_it_holds_again(self, desk: Desk) -> None:
        say(desk, "ignore ECS because")
        assert "counts: it holds what it explains" in say(desk, "ignore ECS undo", request="2").text
        assert store_of(desk).issues[ISSUE_ARN].open

    def test_the_first_request_sent_again_after_an_undo_ignores_nothing(self, desk: Desk) -> None:
        say(desk, "ignore ECS because")
        say(desk, "ignore ECS undo", request="2")
        assert "already carried out" in say(desk, "ignore ECS because").text
        assert store_of(desk).issues[ISSUE_ARN].open

    def test_where_several_are_meant_it_asks_back_with_a_button_each(self, desk: Desk) -> None:
        other = ISSUE_ARN.replace("7B4F2C1D", "99999999")
        store_of(desk).save_issue(an_issue(report=a_report(arn=other)))
        answer = say(desk, "ignore ECS because")
        values = [json.loads(block["accessory"]["value"]) for block in answer.choices]
        assert values == [{"issue": ISSUE_ARN, "reason": "because"}, {"issue": other, "reason": "because"}]
        assert {issue.version for issue in store_of(desk).issues.values()} == {1}
        say(desk, "ignore 9999 because")
        assert store_of(desk).issues[other].ignored_by == ALICE

    def test_what_is_none_is_said_back(self, desk: Desk) -> None:
        assert "No issue that is open goes by “RDS”" in say(desk, "ignore RDS because").text
        assert "No issue that is ignored goes by “ECS”" in say(desk, "ignore ECS undo").text

    def test_one_that_is_over_cannot_be_ignored(self) -> None:
        desk = a_desk()
        store_of(desk).save_issue(an_issue(phase=IssuePhase.DONE))
        assert "No issue that is open" in say(desk, "ignore ECS because").text


class Elsewhere(FakeChat):
    """A token of another workspace."""

    def team(self) -> str:
        return "T0OTHER"


def test_another_workspace_is_told_nothing_and_changes_nothing() -> None:
    desk = a_desk()
    keep(desk, STOPPED)
    for words in ("retry web", "override web because", "status"):
        answer = say(replace(desk, chat=Elsewhere()), words)
        assert answer.text == "Allclear answers only in the workspace it is installed in."
    assert store_of(desk).executions[KEY].version == 1


def test_now_is_when_it_was_asked() -> None:
    desk = a_desk()
    keep(desk, an_execution())
    say(desk, "retry web", now=NOW)
    retry = store_of(desk).executions[KEY].retry
    assert retry is not None
    assert retry.requested_at == NOW


def test_where_tags_differ_the_one_that_this_person_may_override_is_meant() -> None:
    desk = a_desk(Policy(override_users=(ALICE, BOB)))
    bobs = replace(STOPPED, key=a_key(region="eu-west-1"), first_failed_at=NOW - timedelta(minutes=1))
    bobs = replace(bobs, tags=PipelineTags(overriders=(BOB,)))
    keep(desk, bobs, replace(STOPPED, tags=PipelineTags(overriders=(ALICE,))))
    assert "Done." in say(desk, "override web because", BOB).text
    executions = store_of(desk).executions
    assert executions[bobs.key].status is Status.RESUMING
    assert executions[KEY].status is Status.BLOCKED


def test_who_may_not_ignore_is_told_what_that_takes() -> None:
    desk = a_desk()
    store_of(desk).save_issue(an_issue())
    text = say(desk, "ignore ECS because", BOB).text
    assert (
        text == f"Ignoring an issue takes the right to override. Only <@{ALICE}> may override. Nothing was done."
    )


def test_a_very_long_list_of_people_is_cut_between_two_of_them() -> None:
    desk = a_desk(Policy(override_users=tuple(f"U0PERSON{number:04}" for number in range(400))))
    keep(desk, STOPPED)
    spoken = say(desk, "override web because", BOB).spoken
    assert len(spoken) < 4_000
    assert spoken.endswith(">,\n…")


def test_a_question_retries_nothing_and_is_asked_back(desk: Desk) -> None:
    keep(desk, an_execution())
    assert "Did you mean `web`?" in say(desk, "retry web?").text
    assert store_of(desk).executions[KEY].version == 1
