"""`/allclear status` and `help`, for the one who typed it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import SlackRefused, TryLater
from bot.model import Status
from bot.policy import Policy
from bot.slack.requests import Command
from bot.workflows.slack import words
from bot.workflows.slack.desk import Desk
from bot.workflows.slack.reading import SHOWN_AT_MOST
from playground.slack_limits import check_message
from tests.builders import NOW, a_blocker, a_key, an_execution
from tests.fakes.chat import ALICE, TEAM, FakeChat
from tests.fakes.store import MemoryStore


def a_command(text: str, **changes: Any) -> Command:
    return replace(Command(TEAM, ALICE, "C0DEPLOYS", text, "1.2.x", "https://hooks.slack.com/x"), **changes)


def answer_command(command: Command, store: MemoryStore, chat: FakeChat) -> str:
    """The answer's text, held to Slack's limits."""
    answer = words.answer_command(Desk(store, chat, Policy()), command, NOW + timedelta(minutes=10))
    check_message(answer.spoken, answer.blocks, "chat.postEphemeral")
    return answer.text


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.save_execution(an_execution())
    return store


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


def test_status_lists_what_is_held_oldest_first(chat: FakeChat) -> None:
    store = MemoryStore()
    younger = an_execution(key=a_key(pipeline="shop"), first_failed_at=NOW + timedelta(minutes=1))
    for execution in (younger, an_execution(), an_execution(key=a_key(pipeline="old"), status=Status.RECOVERED)):
        store.save_execution(execution)
    first, second = answer_command(a_command("status"), store, chat).splitlines()
    assert first.startswith("• *web* → Deploy (us-east-1, 111122223333): held by ECS in us-east-1 since <!date^")
    assert second.startswith("• *shop* → Deploy")


def test_status_of_nothing_is_that_nothing_is_held(chat: FakeChat) -> None:
    assert answer_command(a_command("status"), MemoryStore(), chat) == "Nothing is held."


def test_status_shows_fifty_and_says_how_many_more(chat: FakeChat) -> None:
    store = MemoryStore()
    for number in range(253):
        store.save_execution(an_execution(key=a_key(pipeline=f"p{number}")))
    *shown, last = answer_command(a_command("status"), store, chat).splitlines()
    assert len(shown) == SHOWN_AT_MOST
    assert last == "and 203 more; name a pipeline to see its own."


def test_status_of_a_thousand_stops_counting(chat: FakeChat) -> None:
    store = MemoryStore()
    for number in range(1_005):
        store.save_execution(an_execution(key=a_key(pipeline=f"p{number}")))
    assert "and at least 950 more" in answer_command(a_command("status"), store, chat)


def test_status_of_one_pipeline(store: MemoryStore, chat: FakeChat) -> None:
    store.save_execution(an_execution(key=a_key(pipeline="shop", execution_id="e-2")))
    [line] = answer_command(a_command("  status   web "), store, chat).splitlines()
    assert "*web* → Deploy" in line
    assert "no failure of it is known" in answer_command(a_command("status Web"), store, chat)


def test_status_of_a_pipeline_that_recovered_names_its_last(chat: FakeChat) -> None:
    store = MemoryStore()
    store.save_execution(an_execution(status=Status.RECOVERED))
    answer = answer_command(a_command("status web"), store, chat)
    assert answer.startswith("Nothing of *web* is held. Last: *web* → Deploy (us-east-1, 111122223333): recovered")


@pytest.mark.parametrize("name", ["<!channel>", "x" * 5_000, "`<@U0EVIL>`"])
def test_a_name_that_is_none_is_said_back_harmlessly(store: MemoryStore, chat: FakeChat, name: str) -> None:
    answer = answer_command(a_command(f"status {name}"), store, chat)
    assert "no failure of it is known" in answer
    assert "<" not in answer
    assert len(answer) < 500


@pytest.mark.parametrize("text", ["help", "HELP", ""])
def test_help_lists_what_works(store: MemoryStore, chat: FakeChat, text: str) -> None:
    answer = answer_command(a_command(text), store, chat)
    assert "/allclear status" in answer
    assert "/allclear help" in answer


def test_an_unknown_word_is_answered_with_what_works(store: MemoryStore, chat: FakeChat) -> None:
    answer = answer_command(a_command("<!here> now"), store, chat)
    assert answer.startswith("Allclear does not know “&lt;!here&gt;”.")
    assert "/allclear status" in answer


def test_another_workspace_is_told_nothing(store: MemoryStore, chat: FakeChat) -> None:
    answer = answer_command(a_command("status", team_id="T0OTHER"), store, chat)
    assert "web" not in answer


def test_what_holds_a_deploy_is_escaped_in_the_list(chat: FakeChat) -> None:
    store = MemoryStore()
    store.save_execution(an_execution(blockers=(a_blocker(service="<!channel>"),) * 3))
    answer = answer_command(a_command("status"), store, chat)
    assert "held by &lt;!channel&gt; in us-east-1, &lt;!channel&gt; in us-east-1 and 1 more" in answer


@pytest.mark.parametrize(("error", "said"), [(TryLater("busy"), "ask again"), (SlackRefused("x_y"), "xˍy")])
def test_a_command_that_cannot_be_answered_says_so(
    store: MemoryStore, chat: FakeChat, error: Exception, said: str
) -> None:
    chat.fail("team", error)
    answer = answer_command(a_command("status"), store, chat)
    assert "web" not in answer
    assert said.replace("ˍ", "_") in answer
