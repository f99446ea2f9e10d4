"""What people say to Allclear, and what it says back: words, mentions, the override's modal, the App Home."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from playground.slack_limits import check_message
from playground.slack_requests import Signed
from playground.slack_workspace import Message
from tests.outside.night import CHANNEL, REGION, Night
from tests.outside.test_people import PATH, click, slash, state

WORDS = ("status", "status web", "issues", "history", "history web", "why web", "help", "stauts", "<!channel>", "")


def send(night: Night, request: Signed) -> tuple[int, Any]:
    headers, body = request
    status, _, answer = night.cloud.http("POST", PATH, headers, body)
    return status, json.loads(answer) if answer else None


def mention(night: Night, text: str, user: str = "carol") -> list[Message]:
    """Say it in the channel; answers what was posted in its thread."""
    request = night.slack.mention(text, user)
    asked = night.slack.messages(CHANNEL)[-1]
    assert send(night, request) == (200, None)
    assert send(night, night.slack.redeliver(request)) == (200, None)
    return [message for message in night.slack.messages(CHANNEL) if message.thread_ts == asked.ts]


def submit(night: Night, user: str = "alice", reason: str | None = "It spares us.") -> Any:
    status, shown = send(night, night.slack.submit(night.slack.views[-1], user, {"reason": reason}))
    assert status == 200
    return shown


def held_by_its_gate(night: Night) -> str:
    """An issue is open, and the gate stops web; answers the issue's ARN."""
    issue = night.cloud.health.open_issue("ECS", REGION)
    night.pipeline(gate=True)
    night.run()
    assert night.title().startswith("web → HealthGate: held")
    return str(issue)


def deploys(night: Night) -> list[dict[str, Any]]:
    """Every item, but for whose turn it was to answer."""
    return [item for item in state(night) if not item["pk"].startswith("TURN#")]


def test_every_word_is_answered_by_command_and_by_mention_and_changes_nothing(night: Night) -> None:
    """The same answer in both places, within Slack's limits."""
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    before = deploys(night)
    for text in WORDS:
        answer = slash(night, text)
        check_message(answer["text"], answer["blocks"], "chat.postEphemeral")
        assert answer["response_type"] == "ephemeral"
        [said] = mention(night, text)
        assert said.text == answer["text"]
    assert deploys(night) == before


def test_the_words_tell_the_night_as_it_is(night: Night) -> None:
    """Held, explained, recovered."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    assert "Next: a retry 5 min after AWS closes" in slash(night, "status web")["text"]
    assert "holds 1: *web* → Deploy" in slash(night, "issues")["text"]
    assert "CLOUDFORMATION" in slash(night, "why web")["text"]
    night.cloud.health.close(issue)
    night.wait(20)
    assert "recovered at" in slash(night, "history")["text"]
    assert "retried by Allclear" in slash(night, "history web")["text"]
    assert slash(night, "issues")["text"].startswith("No AWS issue is open")


def test_a_retry_asked_for_by_mention_is_made_once_and_named_on_the_card(night: Night) -> None:
    """Slack sends the mention twice."""
    night.pipeline()
    night.fail()
    night.mend()
    [said] = mention(night, "retry web")
    assert "is being resumed" in said.text
    night.wait(4)
    assert night.accepted() == night.asked() == 1
    assert night.title() == "web → Deploy: recovered"
    assert "U0CAROL" in json.dumps(night.card().blocks)


def test_a_mention_whose_answer_got_lost_is_not_answered_twice(night: Night) -> None:
    """The post took effect, the connection dropped; Slack sends the mention again after a minute."""
    request = night.slack.mention("status", "carol")
    night.slack.fail_next("chat.postMessage", "drop_after")
    assert send(night, request)[0] == 503
    night.wait(1)
    assert send(night, night.slack.redeliver(request, 2))[0] == 200
    night.wait(4)
    assert send(night, night.slack.redeliver(request, 3))[0] == 200
    assert len([m for m in night.slack.messages(CHANNEL) if m.text == "Nothing is held."]) == 1


@pytest.mark.parametrize("user", ["gina", "olga"])
@pytest.mark.parametrize("text", ["retry web", "override web because", "ignore CLOUDFORMATION because"])
def test_guests_and_outsiders_change_nothing_by_words(night: Night, user: str, text: str) -> None:
    """By command and by mention."""
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    before = deploys(night)
    slash(night, text, user)
    assert mention(night, text, user) == []
    assert deploys(night) == before
    night.wait(2)
    assert night.asked() == 0


def test_a_name_that_means_two_is_asked_back_and_the_button_retries_that_one(night: Night) -> None:
    """Two executions of one pipeline failed."""
    night.pipeline(mode="PARALLEL")
    night.fail()
    night.fail()
    assert night.asked() == 0
    assert "Which one?" in slash(night, "retry web")["text"]
    assert mention(night, "retry web") == []
    asked = night.slack.ephemerals[-1]
    assert asked.buttons == ["retry", "retry"]
    night.mend()
    assert send(night, night.slack.click(asked, "retry", "carol"))[0] == 200
    assert "is being resumed" in night.slack.ephemerals[-1].text
    night.wait(4)
    assert night.accepted() == night.asked() == 1


def test_an_override_asks_why_and_passes_the_gate_once(make_night: Callable[..., Night]) -> None:
    """For that execution, and not for the next one."""
    night = make_night(OverrideUsers="U0ALICE")
    held_by_its_gate(night)
    click(night, "override", "alice")
    shown = submit(night)
    assert shown["response_action"] == "update"
    assert "Done." in json.dumps(shown)
    night.wait(6)
    assert night.title() == "web → HealthGate: recovered"
    assert "It spares us" in json.dumps(night.card().blocks)
    night.run()
    assert len(night.cards("web")) == 2
    assert "held" in json.dumps(night.cards("web")[-1].blocks[0])


def test_an_override_by_words_is_the_same_decision(make_night: Callable[..., Night]) -> None:
    """Alice's word opens the gate, bob's does not."""
    night = make_night(OverrideUsers="U0ALICE")
    held_by_its_gate(night)
    assert "<@U0ALICE>" in slash(night, "override web because", "bob")["text"]
    assert "needs a reason" in slash(night, "override web", "alice")["text"]
    night.wait(3)
    assert night.asked() == 0
    assert "is being resumed" in slash(night, "override web It spares us.", "alice")["text"]
    night.wait(6)
    assert night.title() == "web → HealthGate: recovered"


def test_an_override_off_the_list_without_a_reason_or_from_elsewhere_does_nothing(
    make_night: Callable[..., Night],
) -> None:
    """The modal does not open, or what comes back is refused."""
    night = make_night(OverrideUsers="U0ALICE")
    held_by_its_gate(night)
    for user in ("bob", "gina", "olga"):
        click(night, "override", user)
    assert night.slack.views == []
    click(night, "override", "alice")
    before = state(night)
    assert submit(night, reason=None)["response_action"] == "errors"
    for user in ("bob", "gina", "olga"):
        assert submit(night, user)["response_action"] == "update"
    assert state(night) == before
    night.wait(3)
    assert night.asked() == 0


def test_nobody_may_override_where_the_stack_names_nobody(night: Night) -> None:
    """The template's default."""
    held_by_its_gate(night)
    click(night, "override", "alice")
    assert night.slack.views == []
    assert "Nobody may override here" in night.slack.ephemerals[-1].text


def test_an_ignored_issue_resumes_what_it_held_stops_no_gate_and_can_be_brought_back(
    make_night: Callable[..., Night],
) -> None:
    """All by words; the issue stays open at AWS all the while."""
    night = make_night(OverrideUsers="U0ALICE")
    held_by_its_gate(night)
    assert "may override" in slash(night, "ignore ECS because", "bob")["text"]
    assert "holds nothing any more" in slash(night, "ignore ECS consoles only", "alice")["text"]
    night.wait(6)
    assert night.title() == "web → HealthGate: recovered"
    assert "consoles only" in slash(night, "issues")["text"]
    night.run()
    assert len(night.cards("web")) == 1, "the gate let it pass"
    assert "counts: it holds" in slash(night, "ignore ECS undo", "alice")["text"]
    night.run()
    assert len(night.cards("web")) == 2


def test_the_home_shows_the_night_and_its_buttons_act(night: Night) -> None:
    """Held, retried from there, recovered."""
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    assert send(night, night.slack.home_opened("carol"))[0] == 200
    view = night.slack.home("carol")
    assert view is not None
    for text in ("*web*", "CLOUDFORMATION"):
        assert text in json.dumps(view, ensure_ascii=False)
    assert send(night, night.slack.click(view, "retry", "carol"))[0] == 200
    assert "is being resumed" in json.dumps(night.slack.home("carol"))
    night.wait(4)
    assert night.accepted() == night.asked() == 1
    send(night, night.slack.home_opened("carol"))
    assert "recovered at" in json.dumps(night.slack.home("carol"))


def test_no_log_of_a_talkative_night_holds_a_secret_a_word_or_a_trigger(
    make_night: Callable[..., Night],
) -> None:
    """What people write is theirs; what opens a modal or answers them is a capability."""
    night = make_night(OverrideUsers="U0ALICE")
    held_by_its_gate(night)
    slash(night, "status hush-hush")
    mention(night, "why hush-hush")
    click(night, "override", "alice")
    trigger = next(args["trigger_id"] for _, method, args in night.slack.calls if method == "views.open")
    submit(night)
    send(night, night.slack.home_opened("carol"))
    headers, body = night.slack.sign(b"payload=%7B%22trigger_id%22%3A%22hush-hush%22%7D")
    night.cloud.http("POST", PATH, headers, body)
    night.wait(3)
    logs = "".join(invocation.log for invocation in night.cloud.functions.invocations)
    secrets = (night.slack.bot_token, night.slack.signing_secret, "/response/", trigger, "hush-hush")
    assert [secret for secret in secrets if secret in logs] == []
