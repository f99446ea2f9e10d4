"""Whatever a state holds, its card is within Slack's limits and carries no markup but our own."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.card import render
from bot.model import (
    ALLCLEAR,
    HEALTH_UNREADABLE,
    Attribution,
    Claim,
    Entry,
    Execution,
    ExecutionKey,
    FailedAction,
    PipelineTags,
    RetryPlan,
    Status,
    Verdict,
)
from bot.policy import Policy
from bot.slack.port import Message
from playground.slack_limits import check_message
from tests.builders import NOW, a_blocker, a_key, an_execution
from tests.shown_cards import texts

ALICE = "U0ALICE"
POLICY = Policy(
    slack_channel="C0DEPLOYS",
    on_call_mention="S0LEADS",
    override_users=(ALICE, "U0BOB"),
    override_user_group="S0LEADS",
)

# What our own builders write; whatever else looks like Slack's markup came from outside.
OUR_DATES = re.compile(r"<!date\^-?\d+\^\{date_short_pretty\} at \{time\}\|\d\d \w{3} \d{4} \d\d:\d\d UTC>")
OUR_MENTIONS = re.compile(rf"<@{ALICE}>|<@U0BOB>|<!subteam\^S0LEADS>")
# What Slack makes a link, a mention or an emoji of without being told to, where it looks for such things.
LINKS = re.compile(r"://|www\.|[\w.+-]@\w|@(here|channel|everyone)", re.IGNORECASE)
BARE_LINKS = re.compile(r"\w\.[^\W\d_]|[@#]\w")
EMOJI = re.compile(r":[^\s:\u2060]+:")

HOSTILE = (
    "<!channel> <!here|x> <@U0EVIL> <#C0EVIL> <https://evil.example|click> `c` *b* _i_ ~n~ & &lt;!channel&gt;",
    "```\n<!everyone>\n```",
    "\u202egnp.exe \x00\x07\ud800 \u2028 line",
    "> quote\n*" + "&" * 3_000,
    "<" * 6_000,
    "https://evil.example www.evil.example evil.example mail@evil.example @here #general :tada: arn:aws:ecs",
    "a@b.cc." * 1_000,
    "\u200bhttps:\u200b//evil.example \u2066<!here>\u2069 <https://evil.example> <mailto:a@b.cc|x>",
)
hostile_texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60), st.text("<>!@#&`*_~|^:/.w", max_size=40))
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
    tags=st.builds(PipelineTags, auto_retry=st.booleans(), overriders=st.sampled_from([(), (ALICE,)])),
    condition=st.sampled_from(["", "BEFORE_ENTRY"]),
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


keys = st.builds(a_key, region=names, pipeline=names, stage=names, execution_id=names)
others = st.lists(keys, max_size=6)


@settings(max_examples=150, deadline=None)
@given(executions, others)
def test_every_card_is_within_slacks_limits(execution: Execution, others: list[ExecutionKey]) -> None:
    message = render(execution, POLICY, others)
    check_message(message.text, message.blocks, "chat.update")
    assert message.text.strip()
    json.dumps([message.text, message.blocks], ensure_ascii=False).encode()  # no lone surrogates


@settings(max_examples=150, deadline=None)
@given(executions, others)
def test_no_markup_gets_in_from_outside(execution: Execution, others: list[ExecutionKey]) -> None:
    message = render(execution, POLICY, others)
    for text in [message.text, *texts(message.blocks)]:
        assert not re.search("<[!@#]", foreign(text))
    for text in mrkdwn_texts(message):
        rest = foreign(text)
        assert not re.search("[<>`~]", rest)
        assert not re.search(r"&(?!(amp|lt|gt);)", rest)
        assert not LINKS.search(rest)
        assert not EMOJI.search(rest)
    assert not BARE_LINKS.search(foreign(message.text))


def foreign(text: str) -> str:
    """What is left without our own dates and mentions."""
    return OUR_MENTIONS.sub("", OUR_DATES.sub("", text))


@settings(max_examples=150, deadline=None)
@given(executions, others)
def test_nothing_on_a_card_is_a_link_but_its_way_to_the_console(
    execution: Execution, others: list[ExecutionKey]
) -> None:
    def walk(part: object) -> Iterator[dict[str, Any]]:
        if isinstance(part, dict):
            yield part
            part = list(part.values())
        if isinstance(part, list | tuple):
            for each in part:
                yield from walk(each)

    parts = list(walk(render(execution, POLICY, others).blocks))
    assert {part["action_id"] for part in parts if "url" in part} <= {"open"}
    assert {part["type"] for part in parts if "type" in part} <= {
        "header", "section", "context", "actions", "button", "plain_text", "mrkdwn",
        "rich_text", "rich_text_section", "rich_text_preformatted", "text",
    }  # fmt: skip
    assert all(part["verbatim"] is True for part in parts if part.get("type") == "mrkdwn")


@settings(max_examples=50, deadline=None)
@given(executions)
def test_the_same_state_is_the_same_message(execution: Execution) -> None:
    assert render(execution, POLICY) == render(execution, POLICY)


def test_the_longest_that_slack_and_codepipeline_allow_still_makes_a_card() -> None:
    """Names of 100 characters, errors of 6,000: every sentence that is urgent is in the spoken text."""
    key = a_key(pipeline="p" * 100, stage="s" * 100)
    action = FailedAction("n" * 100, "a-1", "us-east-1", message="&" * 6_000, gate_issues=())
    attribution = Attribution(Verdict.EXPLAINED, "&" * 6_000, (a_blocker(),), caveat="&" * 6_000)
    blockers = tuple(a_blocker(issue=f"i-{number}", service="&" * 100) for number in range(20))
    entries = tuple(Entry(1, NOW, Status.BLOCKED, "&" * 6_000) for _ in range(6))
    execution = an_execution(
        key=key, actions=(action,) * 6, attribution=attribution, blockers=blockers, revision="&" * 200,
        note="&" * 6_000, trail=entries, condition="ON_SUCCESS",
    )  # fmt: skip
    message = render(execution, POLICY, [replace(key, pipeline="q" * 99 + str(number)) for number in range(9)])
    check_message(message.text, message.blocks, "chat.update")
    assert "Allclear checks the gate again and lets the deploy pass by itself" in message.text
    assert "Buttons: Retry now, Override…, Don't resume, Open in AWS." in message.text
