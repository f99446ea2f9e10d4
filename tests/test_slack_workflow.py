"""Clicks: decided from the record, saved once, answered to the one who asked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.errors import SlackRefused, TryLater, VersionConflict
from bot.model import Execution, ExecutionKey, Status
from bot.policy import Policy
from bot.slack.port import SlackUser
from bot.slack.requests import Click
from bot.workflows.slack.clicks import handle_click
from bot.workflows.slack.desk import Desk
from tests.builders import KEY, NOW, a_key, an_execution
from tests.fakes.chat import ALICE, TEAM, FakeChat
from tests.fakes.store import MemoryStore

POLICY = Policy()
CHANNEL, TS = "C0DEPLOYS", "1795400400.000001"
GUEST, STRANGER = "U0GUEST", "U0STRANGER"
URL = "https://hooks.slack.com/actions/T/1/x"


def a_click(action_id: str = "retry", **changes: Any) -> Click:
    click = Click(
        team_id=TEAM,
        user_id=ALICE,
        user_team_id=TEAM,
        channel_id=CHANNEL,
        message_ts=TS,
        action_id=action_id,
        action_ts="1795400500.000100",
        key=KEY,
        version=1,
        response_url=URL,
    )
    return replace(click, **changes)


def keep(store: MemoryStore, execution: Execution) -> None:
    """An execution on record, with its card posted."""
    store.save_execution(execution)
    card = store.cards[execution.key]
    store.save_card(replace(card, revision=card.revision + 1, channel=CHANNEL, ts=TS, rendered_version=1))


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    keep(store, an_execution())
    return store


@pytest.fixture
def chat() -> FakeChat:
    chat = FakeChat()
    chat.users[GUEST] = SlackUser(GUEST, TEAM, full_member=False)
    return chat


def click(store: MemoryStore, chat: FakeChat, the_click: Click) -> str:
    """Click; answers what the person was told."""
    handle_click(Desk(store, chat, POLICY), the_click, NOW + timedelta(minutes=5))
    [*_, (url, text)] = chat.answers
    assert url == URL
    return text


def test_retry_owes_codepipeline_a_retry_and_says_who_asked(store: MemoryStore, chat: FakeChat) -> None:
    answer = click(store, chat, a_click("retry"))
    execution = store.executions[KEY]
    assert execution.status is Status.RESUMING
    assert execution.retry is not None
    assert execution.retry.requested_by == ALICE
    assert execution.trail[-1].by == ALICE
    assert answer == "Done. *web* → Deploy is being resumed."


def test_dismiss_ends_it_and_undo_takes_that_back(store: MemoryStore, chat: FakeChat) -> None:
    click(store, chat, a_click("dismiss"))
    assert store.executions[KEY].status is Status.DISMISSED
    click(store, chat, a_click("undo", version=2, action_ts="1795400600.1"))
    assert store.executions[KEY].status is Status.BLOCKED


def test_the_same_request_twice_changes_the_state_once(store: MemoryStore, chat: FakeChat) -> None:
    """Slack resends, and a captured request can be replayed within five minutes."""
    click(store, chat, a_click())
    before = store.executions[KEY]
    click(store, chat, a_click())
    assert store.executions[KEY] == before


def test_a_used_click_is_not_used_again_although_the_button_is_back(store: MemoryStore, chat: FakeChat) -> None:
    """Dismissed, undone, and now the first request arrives again."""
    first = a_click("dismiss", version=None)
    click(store, chat, first)
    click(store, chat, a_click("undo", version=None, action_ts="1795400600.1"))
    before = store.executions[KEY]
    assert "already carried out" in click(store, chat, first)
    assert store.executions[KEY] == before


def test_two_people_clicking_at_once_retry_once(store: MemoryStore, chat: FakeChat) -> None:
    chat.users["U0BOB"] = SlackUser("U0BOB", TEAM, full_member=True)
    click(store, chat, a_click())
    answer = click(store, chat, a_click(user_id="U0BOB"))
    assert store.executions[KEY].version == 2
    assert "moved on since that button was drawn" in answer
    assert "is being resumed" in answer


def test_a_button_drawn_before_this_status_began_is_refused(store: MemoryStore, chat: FakeChat) -> None:
    store.executions[KEY] = replace(store.executions[KEY], version=9, entered_version=5)
    before = store.executions[KEY]
    assert "moved on" in click(store, chat, a_click(version=4))
    assert store.executions[KEY] == before
    click(store, chat, a_click(version=5))
    assert store.executions[KEY].status is Status.RESUMING


@pytest.mark.parametrize("action_id", ["retry", "dismiss", "undo"])
@pytest.mark.parametrize("status", [Status.RECOVERED, Status.SUPERSEDED, Status.STOPPED])
def test_what_has_ended_is_not_brought_back(chat: FakeChat, action_id: str, status: Status) -> None:
    store = MemoryStore()
    keep(store, an_execution(status=status))
    before = dict(store.executions)
    assert "nothing was done" in click(store, chat, a_click(action_id))
    assert store.executions == before


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"user_id": GUEST}, "Guests may not do that"),
        ({"user_team_id": "T0OTHER"}, "Only people of the workspace"),
        ({"team_id": "T0OTHER"}, "Only people of the workspace"),
        ({"team_id": "T0OTHER", "user_team_id": "T0OTHER"}, "Only people of the workspace"),
        ({"user_id": STRANGER}, "Slack did not tell Allclear who you are"),
        ({"message_ts": "1.2"}, "does not know this card"),
        ({"channel_id": "C0OTHER"}, "does not know this card"),
        ({"key": a_key(pipeline="other")}, "does not know this card"),
    ],
)
def test_who_may_not_is_told_so_and_nothing_changes(
    store: MemoryStore, chat: FakeChat, changes: dict[str, Any], because: str
) -> None:
    before = dict(store.executions)
    assert because in click(store, chat, a_click(**changes))
    assert store.executions == before


def test_a_refusal_says_who_may_act(store: MemoryStore, chat: FakeChat) -> None:
    assert "Any full member of this workspace may act" in click(store, chat, a_click(user_id=GUEST))


def test_a_card_whose_message_is_not_recorded_yet_takes_no_clicks(chat: FakeChat) -> None:
    store = MemoryStore()
    store.save_execution(an_execution())
    assert "does not know this card" in click(store, chat, a_click(message_ts="", channel_id=""))
    assert store.executions[KEY].version == 1


@pytest.mark.parametrize("method", ["team", "user"])
def test_when_slack_cannot_say_who_it_is_nobody_may(store: MemoryStore, chat: FakeChat, method: str) -> None:
    chat.fail(method, TryLater("ratelimited"))
    assert "click again" in click(store, chat, a_click())
    chat.fail(method, SlackRefused("invalid_auth"))
    assert "invalid_auth" in click(store, chat, a_click())
    assert store.executions[KEY].version == 1


class Contended(MemoryStore):
    """Somebody else saves a version each time before ours, `times` times."""

    times = 0

    def save_execution(self, execution: Execution, **options: Any) -> None:
        if self.times and options.get("click"):
            self.times -= 1
            raise VersionConflict(str(execution.key))
        super().save_execution(execution, **options)


def test_a_conflict_is_decided_again(chat: FakeChat) -> None:
    store = Contended()
    keep(store, an_execution())
    store.times = 2
    click(store, chat, a_click())
    assert store.executions[KEY].status is Status.RESUMING


def test_endless_conflicts_are_said_and_not_hidden(chat: FakeChat) -> None:
    store = Contended()
    keep(store, an_execution())
    store.times = 99
    assert "click again" in click(store, chat, a_click())
    assert store.executions[KEY].version == 1


def test_a_table_that_is_busy_asks_to_click_again(chat: FakeChat) -> None:
    class Busy(MemoryStore):
        def load_execution(self, key: ExecutionKey) -> Execution | None:
            raise TryLater(f"throttled: {key}")

    assert "click again" in click(Busy(), chat, a_click())


def test_the_answer_comes_after_the_save(store: MemoryStore) -> None:
    """What was said could not be taken back."""
    versions: list[int] = []

    class Watching(FakeChat):
        def respond(self, response_url: str, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
            versions.append(store.executions[KEY].version)
            super().respond(response_url, text, blocks)

    handle_click(Desk(store, Watching(), POLICY), a_click(), NOW)
    assert versions == [2]


def test_one_look_up_of_the_person_is_all_slack_is_asked(store: MemoryStore, chat: FakeChat) -> None:
    """Slack waits three seconds."""
    click(store, chat, a_click())
    assert chat.asked == [ALICE]


def test_now_is_the_instant_of_the_click(store: MemoryStore, chat: FakeChat) -> None:
    click(store, chat, a_click())
    retry = store.executions[KEY].retry
    assert retry is not None
    assert retry.requested_at == datetime(2026, 11, 23, 2, 25, tzinfo=NOW.tzinfo)


def test_an_answer_links_nothing_that_looks_like_an_address(chat: FakeChat) -> None:
    """Only in blocks can Slack be told so; a name such as `web.dev` is a link to it in bare text."""
    store, key = MemoryStore(), a_key(pipeline="web.dev")
    keep(store, an_execution(key=key))
    assert "web\u2060.dev" in click(store, chat, a_click(key=key))
    [block] = chat.answered_blocks[-1]
    assert block["text"] == {
        "type": "mrkdwn",
        "text": "Done. *web.dev* → Deploy is being resumed.",
        "verbatim": True,
    }
