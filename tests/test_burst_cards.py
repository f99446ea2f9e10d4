"""A burst's card: what it says at each turn, within Slack's limits, and no markup but our own."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.bursts import Burst, BurstLine, RetryAll
from bot.cards.burst_card import RETRY_ALL, render_asking, render_burst, render_burst_asking
from bot.model import HEALTH_UNREADABLE, Blocker, Execution, IssuePhase, Status
from bot.names import NO_PLAN
from bot.policy import Mode, Policy
from bot.slack.port import Message
from playground.slack_limits import check_message
from tests.builders import NOW, a_blocker, a_key, a_report, an_execution, an_issue
from tests.shown_cards import texts
from tests.test_card_properties import (
    HOSTILE,
    OUR_DATES,
    OUR_MENTIONS,
    actors,
    blockers,
    executions,
    instants,
    mrkdwn_texts,
    names,
)

POLICY = Policy(slack_channel="C0DEPLOYS")
ON_CALL = Policy(slack_channel="C0DEPLOYS", on_call_mention="S0ONCALL")
BURST = Burst("b1", 4, "C0DEPLOYS", NOW, wanted_version=3)
RDS = a_blocker(service="RDS", issue="rds")
HOUR = timedelta(hours=1)


def a_line(
    number: int = 1, status: Status = Status.BLOCKED, blocker: Blocker | None = RDS, **changes: Any
) -> BurstLine:
    line = BurstLine(
        key=str(a_key(pipeline=f"web-{number:02}")),
        version=number,
        status=status,
        at=NOW,
        blockers=(blocker,) if blocker and status is Status.BLOCKED else (),
        explained_by=(blocker,) if blocker else (),
        held_at=NOW if blocker else None,
        finished_at=NOW + HOUR if status.finished else None,
    )
    return replace(line, **changes)


def lines(**statuses: int) -> list[BurstLine]:
    """So many of each status, by its name."""
    wanted = [Status(name) for name, number in statuses.items() for _ in range(number)]
    return [a_line(number, status) for number, status in enumerate(wanted)]


def card(*members: BurstLine, burst: Burst = BURST, policy: Policy = POLICY) -> Message:
    message = render_burst(burst, members, policy)
    check_message(message.text, message.blocks, "chat.update")
    return message


def title(message: Message) -> str:
    return str(message.blocks[0]["text"]["text"])


def button(message: Message) -> dict[str, Any] | None:
    found = [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([a_line(n, Status.NEEDS_HUMAN, None) for n in range(5)], "5 deploys failed within minutes"),
        (
            [a_line(1, Status.NEEDS_HUMAN, None), a_line(2, Status.RECOVERED, None)],
            "2 deploys failed within minutes",
        ),
        (lines(BLOCKED=40), "RDS in us-east-1: 40 deploys held"),
        (lines(BLOCKED=1), "RDS in us-east-1: 1 deploy held"),
        (lines(BLOCKED=7, RECOVERED=33), "RDS in us-east-1: 7 of 40 deploys held"),
        (lines(NEEDS_HUMAN=2, RETRYING=1), "RDS in us-east-1: 2 of 3 deploys waiting for a person"),
        (lines(RESUMING=2, RETRYING=2), "RDS in us-east-1: 2 of 4 deploys resuming"),
        (lines(RETRYING=4), "RDS in us-east-1: 4 deploys being retried"),
        (lines(RECOVERED=4), "RDS in us-east-1: all 4 deploys recovered"),
        (lines(RECOVERED=3, SUPERSEDED=1), "RDS in us-east-1: 4 deploys over, 3 recovered"),
        ([a_line(n, Status.STOPPED, None) for n in range(2)], "all 2 deploys stopped"),
        ([a_line(1), a_line(2), a_line(3, blocker=a_blocker())], "RDS in us-east-1 and 1 more: 3 deploys held"),
        (
            [a_line(n, blocker=a_blocker(issue=HEALTH_UNREADABLE)) for n in range(4)],
            "AWS Health unreadable: 4 deploys held",
        ),
    ],
)
def test_the_header_says_what_it_is_and_how_it_stands(members: Sequence[BurstLine], expected: str) -> None:
    message = card(*members)
    assert title(message) == expected
    assert message.text.startswith(f"{expected}.")


def test_every_member_is_listed_with_its_status_the_most_urgent_first() -> None:
    message = card(*lines(RECOVERED=1, BLOCKED=2, RETRYING=1, NEEDS_HUMAN=1))
    listed = [line for line in message.text.splitlines() if "→" in line]
    assert [line.partition(": ")[2].partition(" since")[0] for line in listed] == [
        "needs a person",
        "held",
        "held",
        "retrying",
        "recovered",
    ]
    assert "*1* waiting for a person, *2* held, *1* retrying, *1* recovered." in message.text
    assert all(line in "\n".join(texts(message.blocks)) for line in listed)


def test_a_long_list_is_cut_and_says_how_many_more() -> None:
    message = card(*lines(BLOCKED=150))
    assert "and 126 more" in "\n".join(texts(message.blocks)).lower()
    assert (
        sum("→" in line for line in message.text.splitlines())
        + int(message.text.rpartition("and ")[2].removesuffix(" more"))
        == 150
    )


def test_executions_of_one_stage_are_told_apart() -> None:
    """A PARALLEL pipeline's; where a name means one deploy, its id would be noise."""
    twins = [a_line(n, key=str(a_key(execution_id=f"{n}0000000-aaaa-bbbb"))) for n in (1, 2)]
    text = card(*twins, a_line(3, key=str(a_key(pipeline="api")))).text
    assert "(us-east-1, execution 10000000): held" in text
    assert "(us-east-1, execution 20000000): held" in text
    assert "*api* → Deploy (us-east-1): held" in text


def test_accounts_are_named_where_there_are_several() -> None:
    other = a_line(2, key=str(a_key(account="999999999999")))
    assert "111122223333" not in card(a_line(1)).text
    assert "(us-east-1, 999999999999)" in card(a_line(1), other).text


@pytest.mark.parametrize("status", list(Status))
def test_retry_all_is_there_while_something_waits(status: Status) -> None:
    found = button(card(a_line(1, status)))
    if status not in (Status.BLOCKED, Status.NEEDS_HUMAN):
        assert found is None
        return
    assert found is not None
    assert (found["action_id"], json.loads(found["value"])) == (RETRY_ALL, {"burst": "b1"})


def test_retry_all_asks_for_confirmation_while_an_issue_is_open() -> None:
    found = button(card(*lines(BLOCKED=3, RECOVERED=2)))
    assert found is not None
    assert found["confirm"]["text"]["text"] == "Still open: RDS in us-east-1. 3 deploys may fail again."
    unexplained = button(card(a_line(1, Status.NEEDS_HUMAN)))
    assert unexplained is not None
    assert "confirm" not in unexplained


def test_it_says_what_happens_next_and_who_may_act() -> None:
    text = card(*lines(BLOCKED=3)).text
    assert "when the AWS issues that hold it are closed and 5 min have passed quietly" in text
    assert "Any full member of this workspace may act" in text
    assert "followed to its end" in card(*lines(RETRYING=3)).text


def test_in_shadow_mode_it_promises_no_retry() -> None:
    text = card(*lines(BLOCKED=3), policy=replace(POLICY, mode=Mode.SHADOW)).text
    assert "Shadow mode: Allclear says when it would retry, and asks a person to." in text
    assert "by itself" not in text


def test_an_unexplained_flood_says_so_and_repeats_no_number() -> None:
    text = card(*[a_line(n, Status.NEEDS_HUMAN, None) for n in range(5)]).text
    assert "*5* waiting for a person. No AWS issue explains this so far." in text
    assert "5 need" not in text


def test_who_is_on_call_is_mentioned_only_when_a_person_is_needed() -> None:
    assert "<!subteam^S0ONCALL>" in card(*lines(NEEDS_HUMAN=1), policy=ON_CALL).text
    assert "subteam" not in card(*lines(BLOCKED=1), policy=ON_CALL).text


def test_who_asked_to_retry_all_is_kept_on_the_card() -> None:
    message = card(*lines(RESUMING=3), burst=replace(BURST, retry_all=RetryAll("U0ALICE", NOW)))
    assert "<@U0ALICE> asked to retry all" in "\n".join(texts(message.blocks))


def test_at_the_end_it_sums_up() -> None:
    """Held until its release, or to the end where there was none."""
    end = [
        a_line(n, Status.RECOVERED, released_at=NOW + HOUR * n, finished_at=NOW + HOUR * n + timedelta(minutes=m))
        for n, m in ((1, 6), (2, 6), (3, 20))
    ]
    text = card(*end, a_line(4, Status.SUPERSEDED, finished_at=NOW + HOUR * 2)).text
    assert "*1* superseded, *3* recovered." in text
    assert "Held for 2 h (median), at most 3 h." in text
    assert "Passed 6 min (median), at most 20 min after the all-clear." in text
    assert "may act" not in text


def test_the_replies_say_what_there_is_to_decide_and_call_whoever_is_on_call() -> None:
    reply = render_burst_asking(BURST, 37, ON_CALL)
    assert reply.text.startswith("37 held deploys need a person now")
    assert reply.text.endswith("On call: <!subteam^S0ONCALL>.")
    own = render_asking(an_execution(status=Status.NEEDS_HUMAN, note="It was held for too long."), ON_CALL)
    assert own.text.startswith("web → Deploy: needs a person. It was held for too long.")
    assert own.text.endswith("On call: <!subteam^S0ONCALL>.")
    keys = {each.metadata["event_payload"]["key"] for each in (reply, own)}
    assert len(keys | {"b1", str(a_key())}) == 4  # none is taken for a card, or for another's


any_lines = st.lists(
    st.builds(
        BurstLine,
        key=st.builds(a_key, account=names, region=names, pipeline=names, stage=names, execution_id=names).map(
            str
        ),
        version=st.integers(1, 10**9),
        status=st.sampled_from(Status),
        at=instants,
        blockers=st.lists(blockers, max_size=5).map(tuple),
        explained_by=st.lists(blockers, max_size=5).map(tuple),
        held_at=st.one_of(st.none(), instants),
        released_at=st.one_of(st.none(), instants),
        finished_at=st.one_of(st.none(), instants),
    ),
    max_size=40,
)
any_burst = st.one_of(st.just(BURST), actors.map(lambda by: replace(BURST, retry_all=RetryAll(by, NOW))))


def check_safe(message: Message, method: str) -> None:
    check_message(message.text, message.blocks, method)
    json.dumps([message.text, message.blocks], ensure_ascii=False).encode()  # no lone surrogates
    for text in [message.text, *texts(message.blocks)]:
        assert not re.search("<[!@#]", OUR_MENTIONS.sub("", OUR_DATES.sub("", text)))
    for text in mrkdwn_texts(message):
        rest = OUR_MENTIONS.sub("", OUR_DATES.sub("", text))
        assert not re.search("[<>`~]", rest)
        assert not re.search(r"&(?!(amp|lt|gt);)", rest)


@settings(max_examples=150, deadline=None)
@given(any_burst, any_lines)
def test_no_burst_breaks_a_limit_or_lets_markup_in(burst: Burst, members: list[BurstLine]) -> None:
    check_safe(render_burst(burst, members, POLICY), "chat.update")


@settings(max_examples=100, deadline=None)
@given(executions)
def test_no_reply_breaks_a_limit_or_lets_markup_in(execution: Execution) -> None:
    check_safe(render_asking(execution, POLICY), "chat.postMessage")


def test_the_longest_names_and_the_worst_text_still_fit() -> None:
    evil = tuple(a_blocker(issue=f"i{n}", service=HOSTILE[0], region=HOSTILE[4]) for n in range(5))
    longest = {"pipeline": "&" * 100, "stage": "<" * 100, "region": "*" * 40}
    members = [
        replace(a_line(n), key=str(a_key(**longest, execution_id=f"e-{n}")), blockers=evil) for n in range(150)
    ]
    check_safe(card(*members), "chat.update")


def test_the_worst_issues_still_fit() -> None:
    """Three that are closed, ignored by a name that is none, and whose canary has the longest of names."""
    report = a_report(service=HOSTILE[0] * 9, region=HOSTILE[4] * 9, closed=True)
    worst = an_issue(
        report=report, phase=IssuePhase.CANARY, note="&<" * 900, closed_at=NOW, ignored_by="<!here>" * 30,
        ignored_reason="<@U0ALICE> " * 90,
    )  # fmt: skip
    members = lines(BLOCKED=40, NEEDS_HUMAN=2)
    for issue in (worst, replace(worst, ignored_by=""), replace(worst, phase=IssuePhase.OPEN)):
        message = render_burst(BURST, members, replace(POLICY, on_call_mention="S0LEADS"), (issue,) * 3)
        check_safe(message, "chat.update")
        assert "*web-00* → Deploy" in message.text or "*web-40* → Deploy" in message.text


def test_it_says_once_what_cannot_be_confirmed_while_anything_is_left_to_do() -> None:
    """Without a support plan; each deploy's own card says it too."""
    message = card(a_line(1, unconfirmed=True), a_line(2, unconfirmed=True), a_line(3))
    assert message.text.count(NO_PLAN) == 1
    assert NO_PLAN not in card(a_line(1, Status.RECOVERED, unconfirmed=True), a_line(2)).text
