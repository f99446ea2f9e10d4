"""What people are told of pipelines that fail alike: on the card, by `issues` and `status`, in the Home tab."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.bursts import Burst, BurstLine
from bot.cards import inferred_text
from bot.cards.burst_card import render_burst
from bot.inferred import MEMBERS_KEPT, Ended, Inferred, RegionRecord
from bot.model import IssuePhase, Status
from bot.policy import Policy
from bot.service_errors import Fault
from bot.slack.port import Message
from bot.slack.requests import HomeOpened
from bot.workflows.slack.home import open_home
from playground.slack_limits import check_message
from tests.builders import NOW, REGION, a_blocker, a_key, a_report, a_sighting, an_execution, an_inferred, an_issue
from tests.fakes.chat import ALICE, TEAM
from tests.slack_desk import LATER, a_desk, chat_of, keep, say, store_of

BURST = Burst("b1", 4, "C0DEPLOYS", NOW, wanted_version=3)
SINCE = "since <!date^1795400400^{date_short_pretty} at {time}|23 Nov 2026 02:20 UTC>"
LIVE = an_inferred()
ENDS = {"ended_at": NOW + timedelta(minutes=40, seconds=30)}
QUIET = an_inferred(ended=Ended.QUIET, **ENDS)
ADOPTED = an_inferred(ended=Ended.ADOPTED, issue=a_blocker(service="MULTIPLE_SERVICES", region="global"), **ENDS)
DISPROVED = an_inferred(ended=Ended.DISPROVED, **ENDS)


def lines(*statuses: Status, **changes: Any) -> list[BurstLine]:
    return [
        BurstLine(str(a_key(pipeline=f"web-{number}")), 1, status, NOW, **changes)
        for number, status in enumerate(statuses)
    ]


THREE = lines(*[Status.NEEDS_HUMAN] * 3)


def card(*inferred: Inferred, of: Sequence[BurstLine] = THREE) -> Message:
    message = render_burst(BURST, of, Policy(slack_channel="C0DEPLOYS"), (), inferred)
    check_message(message.text, message.blocks, "chat.update")
    return message


def title(message: Message) -> str:
    return str(message.blocks[0]["text"]["text"])


def test_it_says_what_fails_alike_where_since_when_and_that_aws_has_said_nothing() -> None:
    message = card(LIVE)
    assert title(message) == "ECS in us-east-1: 3 pipelines fail alike"
    for said in (
        f"*ECS* in us-east-1: 3 pipelines fail alike {SINCE}",
        "(*api*, *job*, *web*)",
        "AWS has posted nothing yet, as far as Allclear has heard, that explains this",
        "a median of 77 minutes after impact starts",
        "Nothing is held back or retried for it. It ends 1 h after the last such failure.",
    ):
        assert said in message.text
        assert said in str(message.blocks)


def test_throttling_is_not_laid_at_awss_door() -> None:
    assert "which may be this account's own doing" in card(an_inferred(fault=Fault.THROTTLING)).text


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (QUIET, "No such failure has come for 1 h, so this is over here."),
        (ADOPTED, "AWS has posted an issue that explains it, MULTIPLE_SERVICES everywhere, 40 min after Allclear"),
        (DISPROVED, "Fewer than 3 of them are left that may be AWS's"),
    ],
)
def test_its_end_is_said_and_the_headline_is_the_deploys_again(ended: Inferred, said: str) -> None:
    message = card(ended)
    assert said in message.text
    assert "failed alike" in message.text
    assert "77 minutes" not in message.text
    assert title(message) == "3 deploys failed within minutes"


def test_an_issue_that_holds_some_or_an_end_of_all_comes_before_it_in_the_headline() -> None:
    held = lines(Status.BLOCKED, blockers=(a_blocker(service="RDS"),))
    assert title(card(LIVE, of=[*THREE[1:], *held])) == "RDS in us-east-1: 1 of 3 deploys held"
    assert title(card(LIVE, of=lines(*[Status.RECOVERED] * 3))) == "all 3 deploys recovered"


@pytest.mark.parametrize("incident", [LIVE, QUIET, ADOPTED, DISPROVED])
def test_it_never_claims_an_incident_of_awss(incident: Inferred) -> None:
    for text in (inferred_text.stands(incident), inferred_text.headline(incident), inferred_text.line(incident)):
        assert "incident" not in text
        assert "outage" not in text


def the_worst(**changes: Any) -> Inferred:
    """The longest names that CodePipeline takes, in a flood, with markup in them."""
    members = tuple(a_sighting(a_key(pipeline=f"{number:03}" + "&" * 97)) for number in range(MEMBERS_KEPT))
    return an_inferred(service="<!channel>" * 9, region="<@U0ALICE>" * 5, members=members, **changes)


def test_the_worst_names_fit_and_mark_nothing_up() -> None:
    worst = [the_worst(), the_worst(fault=Fault.THROTTLING), the_worst(ended=Ended.QUIET, **ENDS)]
    flood = [replace(line, key=str(a_key(pipeline="&" * 100, stage="s" * 100))) for line in THREE * 20]
    message = card(*worst, of=flood)
    assert "at least 30 pipelines" in message.text
    assert "<!channel>" not in str(message)
    assert "<@U0ALICE>" not in str(message)


def test_issues_and_status_tell_of_it_and_of_live_ones_alone() -> None:
    desk = a_desk()
    live = replace(LIVE, incident_id="live")
    store_of(desk).save_inferred(RegionRecord(REGION, 1, NOW, incidents=(QUIET, ADOPTED, DISPROVED, live)))
    said = f"• {inferred_text.line(live)}"
    assert "Inferred, not AWS's word: *ECS* in us-east-1: 3 pipelines fail alike" in said
    assert say(desk, "issues").text == f"No AWS issue is open that Allclear has heard of.\n{said}"
    assert say(desk, "status").text == said
    keep(desk, an_execution())
    store_of(desk).save_issue(an_issue(report=a_report(service="RDS"), phase=IssuePhase.OPEN))
    [issue, inferred] = say(desk, "issues").text.splitlines()
    assert (issue.startswith("• *RDS*"), inferred) == (True, said)
    [inferred, deploy] = say(desk, "status").text.splitlines()
    assert (inferred, "*web* → Deploy" in deploy) == (said, True)


def test_why_tells_of_the_one_that_lists_the_failure_once() -> None:
    desk = a_desk()
    keep(desk, an_execution(key=a_key(stage="Canary")), an_execution(), an_execution(key=a_key(pipeline="shop")))
    both = an_inferred(members=(*LIVE.members, a_sighting(a_key(stage="Canary"))))
    store_of(desk).save_inferred(RegionRecord(REGION, 1, NOW, incidents=(QUIET, both)))
    assert say(desk, "why web").text.splitlines()[-1] == inferred_text.line(both)
    assert say(desk, "why web").text.count("Inferred") == 1
    assert "Inferred" not in say(desk, "why shop").text


def test_the_home_tab_tells_of_it_beside_awss_issues() -> None:
    desk = a_desk()
    store_of(desk).save_inferred(RegionRecord(REGION, 1, NOW, incidents=(QUIET, LIVE)))
    open_home(desk, HomeOpened(TEAM, ALICE), LATER)
    shown = json.dumps(chat_of(desk).homes[ALICE], ensure_ascii=False)
    assert shown.count("pipelines fail alike") == 1


def test_an_answer_with_many_of_them_stays_within_slacks_limits() -> None:
    desk = a_desk()
    many = tuple(the_worst(incident_id=str(number)) for number in range(9))
    store_of(desk).save_inferred(RegionRecord(REGION, 1, NOW, incidents=many))
    assert say(desk, "issues").text.count("Inferred") == say(desk, "status").text.count("Inferred") == 5
    open_home(desk, HomeOpened(TEAM, ALICE), LATER)
    assert str(chat_of(desk).homes[ALICE]).count("Inferred") == 5
