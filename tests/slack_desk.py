"""A desk over memory, people, and requests as they are once parsed. Every answer is held to Slack's limits."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.model import Execution, ExecutionKey
from bot.policy import Policy
from bot.slack.answers import Answer
from bot.slack.port import SlackUser
from bot.slack.requests import Click, IssueClick, Mention, Submission
from bot.workflows.slack.desk import Asked, Desk, Person
from bot.workflows.slack.words import answer_words
from playground.slack_limits import check_message
from tests.builders import ISSUE_ARN, KEY, NOW
from tests.fakes.chat import ALICE, TEAM, FakeChat
from tests.fakes.store import MemoryStore

BOB, GUEST = "U0BOB", "U0GUEST"
GROUP = "S0DEPLOYERS"
CHANNEL = "C0DEPLOYS"
LATER = NOW + timedelta(minutes=10)
POLICY = Policy(override_users=(ALICE,))


def a_desk(policy: Policy = POLICY) -> Desk:
    """alice may override, bob is a full member, and there is a guest."""
    chat = FakeChat(now=LATER)
    chat.users[BOB] = SlackUser(BOB, TEAM, full_member=True)
    chat.users[GUEST] = SlackUser(GUEST, TEAM, full_member=False)
    return Desk(MemoryStore(), chat, policy)


def store_of(desk: Desk) -> MemoryStore:
    assert isinstance(desk.store, MemoryStore)
    return desk.store


def chat_of(desk: Desk) -> FakeChat:
    assert isinstance(desk.chat, FakeChat)
    return desk.chat


def keep(desk: Desk, *executions: Execution) -> None:
    """On record, each with its card posted."""
    store = store_of(desk)
    for number, execution in enumerate(executions):
        store.save_execution(execution)
        card = store.cards[execution.key]
        store.save_card(replace(card, revision=card.revision + 1, channel=CHANNEL, ts=f"1795400400.00000{number}"))


def say(desk: Desk, text: str, user: str = ALICE, *, request: str = "trigger-1", now: datetime = LATER) -> Answer:
    """The answer to these words."""
    answer = answer_words(desk, Asked(Person(TEAM, user, TEAM), text, request), now)
    check_message(answer.spoken, answer.blocks, "chat.update")  # the stricter limit of the two
    return answer


def pressed(execution_key: ExecutionKey = KEY, **changes: Any) -> Click:
    """A click on a deploy's button, on its card."""
    click = Click(
        team_id=TEAM,
        user_id=ALICE,
        user_team_id=TEAM,
        action_id="retry",
        action_ts="1795400500.000100",
        channel_id=CHANNEL,
        message_ts="1795400400.000000",
        response_url="https://hooks.slack.com/actions/T/1/x",
        trigger_id="trigger-1",
        key=execution_key,
        version=1,
    )
    return replace(click, **changes)


def pressed_issue(**changes: Any) -> IssueClick:
    """A click on an issue's button in the App Home."""
    click = IssueClick(
        team_id=TEAM,
        user_id=ALICE,
        user_team_id=TEAM,
        action_id="ignore",
        action_ts="1795400500.000100",
        shown_to_one=True,
        trigger_id="trigger-1",
        issue=ISSUE_ARN,
    )
    return replace(click, **changes)


def submitted(**changes: Any) -> Submission:
    submission = Submission(
        team_id=TEAM,
        user_id=ALICE,
        user_team_id=TEAM,
        view_id="V1",
        subject=KEY,
        version=1,
        reason="The issue spares us.",
    )
    return replace(submission, **changes)


def mentioned(text: str = "status", **changes: Any) -> Mention:
    mention = Mention(
        team_id=TEAM,
        user_id=ALICE,
        user_team_id=TEAM,
        channel_id=CHANNEL,
        ts=f"{LATER.timestamp():.6f}",
        thread_ts="",
        text=f"<@U0ALLCLEAR> {text}",
        event_id="Ev0000000001",
    )
    return replace(mention, **changes)
