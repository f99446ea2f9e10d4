"""A mention is answered in its thread, once, whatever Slack sends again and wherever we died."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import OutcomeUnknown, SlackRefused, TryLater
from bot.model import Status
from bot.slack.port import SlackUser
from bot.workflows.slack.desk import Desk
from bot.workflows.slack.mentions import TURN_LEASE, handle_mention
from tests.builders import KEY, a_gate_action, a_key, an_entry, an_execution
from tests.fakes.chat import ALICE, TEAM
from tests.slack_desk import BOB, CHANNEL, GUEST, LATER, a_desk, chat_of, keep, mentioned, store_of

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk() -> Desk:
    desk = a_desk()
    keep(desk, an_execution())
    return desk


def answers(desk: Desk, thread_ts: str = mentioned().ts) -> list[str]:
    return [message.text for message in chat_of(desk).in_thread(CHANNEL, thread_ts)]


def test_in_a_channel_it_is_answered_in_a_thread_of_its_own(desk: Desk) -> None:
    assert handle_mention(desk, mentioned("status web"), LATER)
    [text] = answers(desk)
    assert "held by ECS" in text
    assert chat_of(desk).in_channel(CHANNEL) == []


def test_in_a_thread_it_is_answered_there(desk: Desk) -> None:
    handle_mention(desk, mentioned("why web", thread_ts="1795400400.000000"), LATER)
    assert len(answers(desk, "1795400400.000000")) == 1


@pytest.mark.parametrize("after", [timedelta(seconds=1), MINUTE, 5 * MINUTE])
def test_an_answered_one_that_comes_again_says_and_does_nothing_more(desk: Desk, after: timedelta) -> None:
    mention = mentioned("retry web")
    assert handle_mention(desk, mention, LATER)
    version = store_of(desk).executions[KEY].version
    assert handle_mention(desk, mention, LATER + after)
    assert len(answers(desk)) == 1
    assert store_of(desk).executions[KEY].version == version


def test_while_somebody_may_be_at_it_slack_is_asked_to_come_again(desk: Desk) -> None:
    """A 200 would end Slack's resending, and with a crash the answer would be lost."""
    mention = mentioned()
    store_of(desk).take_turn(mention.event_id, LATER, TURN_LEASE, LATER + MINUTE)
    assert not handle_mention(desk, mention, LATER + timedelta(seconds=3))
    assert answers(desk) == []
    assert handle_mention(desk, mention, LATER + MINUTE)
    assert len(answers(desk)) == 1


def test_a_death_between_the_deed_and_the_answer_is_made_up_for(desk: Desk) -> None:
    mention = mentioned("retry web")

    def power_failure() -> None:
        raise KeyboardInterrupt

    chat_of(desk).before["post"] = power_failure
    with pytest.raises(KeyboardInterrupt):
        handle_mention(desk, mention, LATER)
    assert store_of(desk).executions[KEY].status is Status.RESUMING
    version = store_of(desk).executions[KEY].version
    assert handle_mention(desk, mention, LATER + MINUTE)
    [text] = answers(desk)
    assert "is being resumed" in text
    assert store_of(desk).executions[KEY].version == version


def test_a_death_after_the_answer_posts_no_second(desk: Desk) -> None:
    mention = mentioned("retry web")
    chat_of(desk).fail("post", OutcomeUnknown("dropped"), after_effect=True)
    assert not handle_mention(desk, mention, LATER)
    assert len(answers(desk)) == 1
    assert handle_mention(desk, mention, LATER + MINUTE)
    assert len(answers(desk)) == 1
    assert handle_mention(desk, mention, LATER + 5 * MINUTE)
    assert len(answers(desk)) == 1


def test_the_deed_is_done_once_though_the_deploy_moved_on_meanwhile(desk: Desk) -> None:
    """It was retried and failed again before the repetition: that is not what was asked for."""
    mention = mentioned("retry web")
    chat_of(desk).fail("post", TryLater("ratelimited"))
    assert not handle_mention(desk, mention, LATER)
    held = an_execution(version=9, entered_version=9)
    store_of(desk).executions[KEY] = held
    assert handle_mention(desk, mention, LATER + MINUTE)
    assert store_of(desk).executions[KEY] == held
    assert "already carried out" in answers(desk)[0]


@pytest.mark.parametrize("method", ["team", "find"])
def test_when_slack_is_busy_nothing_is_lost(desk: Desk, method: str) -> None:
    mention = mentioned()
    if method == "find":
        chat_of(desk).fail("post", TryLater("ratelimited"))
        handle_mention(desk, mention, LATER)
    chat_of(desk).fail(method, TryLater("ratelimited"))
    assert not handle_mention(desk, mention, LATER + MINUTE)
    assert handle_mention(desk, mention, LATER + 5 * MINUTE)
    assert len(answers(desk)) == 1


def test_what_slack_refuses_for_good_is_not_tried_again(desk: Desk) -> None:
    chat_of(desk).fail("post", SlackRefused("not_in_channel"))
    assert handle_mention(desk, mentioned(), LATER)


@pytest.mark.parametrize("changes", [{"team_id": "T0OTHER"}, {"user_team_id": "T0OTHER"}])
def test_somebody_from_outside_learns_nothing(desk: Desk, changes: dict[str, Any]) -> None:
    assert handle_mention(desk, mentioned("retry web", **changes), LATER)
    assert chat_of(desk).calls == []
    assert chat_of(desk).whispers == []
    assert store_of(desk).executions[KEY].version == 1
    assert store_of(desk).turns == {}


def test_a_refusal_is_for_the_one_who_asked(desk: Desk) -> None:
    handle_mention(desk, mentioned("retry web", user_id=GUEST), LATER)
    [whisper] = chat_of(desk).whispers
    assert (whisper.user_id, whisper.thread_ts) == (GUEST, mentioned().ts)
    assert "Guests may not" in whisper.text
    assert answers(desk) == []


def test_a_name_that_means_several_is_asked_back_with_buttons_for_one(desk: Desk) -> None:
    keep(desk, an_execution(key=a_key(region="eu-west-1")))
    handle_mention(desk, mentioned("retry web", thread_ts="1795400400.000000"), LATER)
    [whisper] = chat_of(desk).whispers
    assert (whisper.user_id, whisper.thread_ts) == (ALICE, "1795400400.000000")
    assert [block["accessory"]["action_id"] for block in whisper.blocks if "accessory" in block] == ["retry"] * 2


def test_the_apps_name_alone_is_answered_with_what_it_can_do(desk: Desk) -> None:
    handle_mention(desk, mentioned(""), LATER)
    assert "/allclear status" in answers(desk)[0]


@pytest.mark.parametrize(
    "text",
    [
        "<@U0ALLCLEAR> status web",
        "hey <@U0ALLCLEAR> status web",
        "<@U0BOB> see <@U0ALLCLEAR|allclear>: status web",
        "status web <@U0ALLCLEAR>",
        "status <@U0ALLCLEAR> web",
        "<@U0BOB> status web <@U0ALLCLEAR>",
    ],
)
def test_its_name_may_stand_anywhere(desk: Desk, text: str) -> None:
    handle_mention(desk, replace(mentioned(), text=text), LATER)
    [answer] = answers(desk)
    assert answer.startswith("• *web* → Deploy")


def test_of_a_reason_only_its_own_name_is_taken_out(desk: Desk) -> None:
    stopped = an_execution(key=a_key(pipeline="gated"), actions=(a_gate_action(),))
    keep(desk, stopped)
    handle_mention(desk, replace(mentioned(), text="<@U0ALLCLEAR> override gated as <@U0BOB> said"), LATER)
    assert store_of(desk).executions[stopped.key].trail[-1].what.endswith("as <@U0BOB> said")


def what_bob_did(desk: Desk) -> None:
    said = an_entry(what="asked for a retry", by=BOB, status=Status.RESUMING)
    keep(desk, an_execution(key=a_key(pipeline="shop"), trail=(said,)))


def test_a_public_answer_names_people_without_waking_them(desk: Desk) -> None:
    what_bob_did(desk)
    chat_of(desk).users[BOB] = SlackUser(BOB, TEAM, full_member=True, name="bob *<!here>*")
    handle_mention(desk, mentioned("history shop"), LATER)
    [message] = chat_of(desk).in_thread(CHANNEL, mentioned().ts)
    shown = message.text + json.dumps(message.blocks)
    assert "<@" not in shown
    assert "<!here" not in shown
    assert "bob ∗&lt;!" in message.text


@pytest.mark.parametrize("error", [TryLater("ratelimited"), SlackRefused("user_not_found")])
def test_who_cannot_be_named_is_shown_by_id(desk: Desk, error: Exception) -> None:
    what_bob_did(desk)
    chat_of(desk).fail("user", error)
    handle_mention(desk, mentioned("history shop"), LATER)
    [text] = answers(desk)
    assert "U0BOB asked for a retry" in text
    assert "<@" not in text
