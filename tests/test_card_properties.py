"""Whatever a state holds, its card is within Slack's limits and carries no markup but our own."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards import render
from bot.model import (
    ALLCLEAR,
    HEALTH_UNREADABLE,
    Attribution,
    Claim,
    Entry,
    Execution,
    FailedAction,
    PipelineTags,
    RetryPlan,
    Status,
    Verdict,
)
from bot.policy import Policy
from bot.ports import Message
from playground.slack_limits import check_message
from tests.builders import NOW, a_blocker, a_key, an_execution
from tests.test_cards import texts

POLICY = Policy(slack_channel="C0DEPLOYS")
ALICE = "U0ALICE"

# What our own builders write; whatever else looks like Slack's markup came from outside.
OUR_DATES = re.compile(r"<!date\^-?\d+\^\{date_short_pretty\} at \{time\}\|\d\d \w{3} \d{4} \d\d:\d\d UTC>")
OUR_MENTIONS = re.compile(rf"<@{ALICE}>")

HOSTILE = (
    "<!channel> <!here|x> <@U0EVIL> <#C0EVIL> <https://evil.example|click> `c` *b* _i_ ~n~ & &lt;!channel&gt;",
    "```\n<!everyone>\n```",
    "\u202egnp.exe \x00\x07\ud800 \u2028 line",
    "> quote\n*" + "&" * 3_000,
    "<" * 6_000,
)
hostile_texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60), st.text("<>!@#&`*_~|^", max_size=40))
names = st.one_of(st.just("n" * 100), st.text("abc-_.@", min_size=1, max_size=100))
instants = st.timedeltas(timedelta(days=-3_000), timedelta(days=3_000)).map(lambda span: NOW + span)
actors = st.sampled_from([ALLCLEAR, ALICE, HOSTILE[0]])
blockers = st.builds(
    a_blocker,
    issue=st.sampled_from([HEALTH_UNREADABLE, "arn:aws:health:us-east-1::event/ECS/X/Y"]),
    service=hostile_texts,
    region=hostile_texts,
    type_code=hostile_texts,
)
actions = st.builds(
    FailedAction,
    name=hostile_texts,
    action_execution_id=names,
    region=hostile_texts,
    provider=hostile_texts,
    error_code=hostile_texts,
    message=hostile_texts,
    gate_issues=st.one_of(st.none(), st.just(("X",))),
)
executions = st.builds(
    an_execution,
    status=st.sampled_from(Status),
    version=st.integers(1, 10**9),
    key=st.builds(a_key, region=names, pipeline=names, stage=names, execution_id=names),
    actions=st.lists(actions, max_size=6).map(tuple),
    attribution=st.builds(
        Attribution,
        verdict=st.sampled_from(Verdict),
        reason=hostile_texts,
        blockers=st.lists(blockers, max_size=8).map(tuple),
        caveat=hostile_texts,
    ),
    tags=st.builds(PipelineTags, auto_retry=st.booleans()),
    revision=hostile_texts,
    note=hostile_texts,
    blockers=st.lists(blockers, max_size=8).map(tuple),
    retry=st.one_of(st.none(), st.builds(RetryPlan, actors, instants, instants)),
    claim=st.one_of(st.none(), st.just(Claim("c", NOW, (), spent_budget=True))),
    held_at=st.one_of(st.none(), instants),
    released_at=st.one_of(st.none(), instants),
    trail=st.lists(
        st.builds(Entry, st.just(1), instants, st.sampled_from(Status), hostile_texts, actors),
        max_size=12,
    ).map(tuple),
)  # fmt: skip


def mrkdwn_texts(message: Message) -> Iterator[str]:
    """Every string in which Slack reads markup."""
    yield message.text

    def walk(part: object) -> Iterator[str]:
        if isinstance(part, dict):
            if part.get("type") == "mrkdwn":
                yield part["text"]
            for each in part.values():
                yield from walk(each)
        elif isinstance(part, list | tuple):
            for each in part:
                yield from walk(each)

    yield from walk(message.blocks)


@settings(max_examples=150, deadline=None)
@given(executions)
def test_every_card_is_within_slacks_limits(execution: Execution) -> None:
    message = render(execution, POLICY)
    check_message(message.text, message.blocks, "chat.update")
    assert message.text.strip()
    json.dumps([message.text, message.blocks], ensure_ascii=False).encode()  # no lone surrogates


@settings(max_examples=150, deadline=None)
@given(executions)
def test_no_markup_gets_in_from_outside(execution: Execution) -> None:
    message = render(execution, POLICY)
    for text in [message.text, *texts(message.blocks)]:
        rest = OUR_MENTIONS.sub("", OUR_DATES.sub("", text))
        assert not re.search("<[!@#]", rest)
    for text in mrkdwn_texts(message):
        rest = OUR_MENTIONS.sub("", OUR_DATES.sub("", text))
        assert not re.search("[<>`~]", rest)
        assert not re.search(r"&(?!(amp|lt|gt);)", rest)


@settings(max_examples=50, deadline=None)
@given(executions)
def test_the_same_state_is_the_same_message(execution: Execution) -> None:
    assert render(execution, POLICY) == render(execution, POLICY)
