"""The card says what stands, what comes and who may act."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.cards.card import console_url, render
from bot.model import (
    ALLCLEAR,
    HEALTH_UNREADABLE,
    Claim,
    Entry,
    PipelineTags,
    RetryPlan,
    Status,
    Verdict,
)
from bot.policy import Policy
from tests.builders import (
    KEY,
    NOW,
    a_blocker,
    a_gate_action,
    a_key,
    an_action,
    an_attribution,
    an_execution,
)
from tests.shown_cards import buttons, said, texts

POLICY = Policy(slack_channel="C0DEPLOYS")
ALICE = "U0ALICE"


BUTTONS = {
    Status.BLOCKED: ["retry", "dismiss", "open"],
    Status.RESUMING: ["dismiss", "open"],
    Status.RETRYING: ["open"],
    Status.NEEDS_HUMAN: ["retry", "dismiss", "open"],
    Status.RECOVERED: [],
    Status.SUPERSEDED: [],
    Status.STOPPED: [],
    Status.DISMISSED: ["undo"],
}


@pytest.mark.parametrize("status", Status)
def test_each_status_shows_the_buttons_that_would_be_obeyed(status: Status) -> None:
    message = render(an_execution(status=status, version=7), POLICY)
    assert list(buttons(message)) == BUTTONS[status]
    for action_id in set(buttons(message)) - {"open"}:
        assert json.loads(buttons(message)[action_id]["value"]) == {"key": str(KEY), "version": 7}


def test_a_retry_being_asked_for_can_no_longer_be_stopped() -> None:
    claimed = an_execution(status=Status.RESUMING, claim=Claim("c", NOW, (), spent_budget=True))
    assert list(buttons(render(claimed, POLICY))) == ["open"]


WORDS = {
    Status.BLOCKED: "held",
    Status.RESUMING: "resuming",
    Status.RETRYING: "retrying",
    Status.NEEDS_HUMAN: "needs a person",
    Status.RECOVERED: "recovered",
    Status.SUPERSEDED: "superseded",
    Status.STOPPED: "stopped",
    Status.DISMISSED: "dismissed",
}


@pytest.mark.parametrize("status", Status)
def test_the_header_and_the_spoken_text_say_what_stands(status: Status) -> None:
    message = render(an_execution(status=status), POLICY)
    assert message.blocks[0]["text"]["text"] == f"web → Deploy: {WORDS[status]}"
    assert message.text.startswith(f"web → Deploy: {WORDS[status]}. ")
    assert "Deploy · us-east-1 · 111122223333" in message.text
    assert "ECS has an open issue in us-east-1, where DeployStack ran." in message.text


def test_a_held_card_names_everything_a_reader_needs() -> None:
    card = said(render(an_execution(revision="Fix the checkout (Ana)"), POLICY))
    for needed in (
        "web → Deploy: held", "ECS has an open issue in us-east-1, where DeployStack ran.",
        "*Allclear retries it by itself* 5 min after AWS closes the issue.", "a person is asked",
        "Deploy · us-east-1 · 111122223333", "Fix the checkout (Ana)", "0 of 3 automatic retries",
        "*Held since*", "*AWS issue open since*", "DeployStack", " (CloudFormation) failed", "service unavailable",
        "Any full member of this workspace may act (no guests, no outsiders).",
    ):  # fmt: skip
        assert needed in card


def test_a_card_says_nothing_twice() -> None:
    reason = an_attribution().reason
    first = Entry(1, NOW, Status.NEEDS_HUMAN, f"Deploy failed: {reason}")
    unexplained = an_attribution(verdict=Verdict.UNEXPLAINED, blockers=())
    asks = an_execution(status=Status.NEEDS_HUMAN, attribution=unexplained, trail=(first,))
    assert said(render(asks, POLICY)).count(reason) == 1
    gate = an_execution(actions=(a_gate_action(),))
    assert "open issues: AWS_ECS" not in said(render(gate, POLICY))
    assert said(render(an_execution(), POLICY)).count("us-east-1") == 3  # the reason, the stage, the confirm


def test_the_spoken_text_carries_reason_next_step_and_how_to_act() -> None:
    """Screen readers read the top-level text, not the blocks."""
    spoken = render(an_execution(), POLICY).text
    assert "5 min after AWS closes the issue" in spoken
    assert "Buttons: Retry now, Don't resume, Open in AWS. Any full member" in spoken
    assert "DeployStack failed: Resource handler returned message: service unavailable." in spoken


def test_a_pipeline_without_automatic_retries_is_not_promised_one() -> None:
    card = said(render(an_execution(tags=PipelineTags(auto_retry=False)), POLICY))
    assert "*Allclear asks a person to retry* 5 min after AWS closes the issue" in card


def test_two_issues_must_both_be_closed() -> None:
    card = said(render(an_execution(blockers=(a_blocker(), a_blocker(service="S3"))), POLICY))
    assert "5 min after AWS closes all 2 issues" in card
    assert "*S3* in us-east-1" in card
    assert "*ECS* in us-east-1" in card


def test_unreadable_health_is_said_aloud() -> None:
    blocker = a_blocker(issue=HEALTH_UNREADABLE, service="HEALTH", region="global")
    reason = "AWS Health cannot be read (ThrottlingException), so nobody can tell."
    unreadable = an_attribution(verdict=Verdict.UNREADABLE, reason=reason, blockers=(blocker,))
    message = render(an_execution(blockers=(blocker,), attribution=unreadable), POLICY)
    assert "once AWS Health can be read again and shows nothing open" in said(message)
    assert "AWS Health cannot be read" in said(message)
    assert "issue open since" not in said(message)  # the pseudo-issue is no issue of AWS's
    confirm = buttons(message)["retry"]["confirm"]
    assert confirm["text"]["text"].startswith("AWS Health cannot be read, so nobody can tell")


def test_what_cannot_be_confirmed_stands_beside_the_reason() -> None:
    caveat = "Without a support plan this cannot be confirmed."
    assert caveat in said(render(an_execution(attribution=an_attribution(caveat=caveat)), POLICY))


def test_retrying_with_an_issue_open_asks_first() -> None:
    confirm = buttons(render(an_execution(), POLICY))["retry"]["confirm"]
    assert "Still open: ECS in us-east-1" in confirm["text"]["text"]
    nothing_open = render(an_execution(status=Status.NEEDS_HUMAN), POLICY)
    assert "confirm" not in buttons(nothing_open)["retry"]


def test_behind_a_gate_a_retry_is_said_to_be_checked_again() -> None:
    message = render(an_execution(actions=(a_gate_action(),)), POLICY)
    assert "health gate checks again" in buttons(message)["retry"]["confirm"]["text"]["text"]
    assert "health gate checks again" in message.text


def test_an_unexplained_failure_says_until_when_an_issue_may_claim_it() -> None:
    attribution = an_attribution(verdict=Verdict.UNEXPLAINED, blockers=(), reason="No issue explains it.")
    message = render(an_execution(status=Status.NEEDS_HUMAN, attribution=attribution), POLICY)
    assert "before <!date^" in said(message)
    assert "|23 Nov 2026 06:20 UTC>" in said(message)


def test_a_closed_issue_is_not_called_open_where_a_person_is_asked() -> None:
    """The budget is spent, then the issue closes: its sentence is history."""
    still_open = render(an_execution(status=Status.NEEDS_HUMAN, blockers=(a_blocker(),)), POLICY)
    closed = render(an_execution(status=Status.NEEDS_HUMAN, blockers=()), POLICY)
    assert "Why it was held" not in still_open.text
    assert "Why it was held" in closed.text


@pytest.mark.parametrize("status", [Status.BLOCKED, Status.NEEDS_HUMAN])
@pytest.mark.parametrize(
    "stopped",
    [{}, {"condition": "BEFORE_ENTRY"}],
    ids=["gate", "condition"],
)
def test_what_a_gate_or_a_condition_stopped_can_be_overridden(status: Status, stopped: dict[str, Any]) -> None:
    policy = replace(POLICY, override_users=(ALICE,), override_user_group="S0LEADS")
    gated = an_execution(status=status, version=3, actions=(a_gate_action(),), **stopped)
    message = render(gated, policy)
    assert list(buttons(message)) == ["retry", "override", "dismiss", "open"]
    override = buttons(message)["override"]
    assert (override["style"], override["text"]["text"]) == ("danger", "Override…")
    assert json.loads(override["value"]) == {"key": str(KEY), "version": 3}
    for text in (said(message), message.text):
        assert "Override: those whom the stack's OverrideUsers and OverrideUserGroup name." in text
        assert "S0LEADS" not in text, "a mention in a new card would wake the whole group"


@pytest.mark.parametrize(
    "status", [status for status in Status if status not in (Status.BLOCKED, Status.NEEDS_HUMAN)]
)
def test_nothing_else_offers_an_override(status: Status) -> None:
    assert "override" not in buttons(render(an_execution(status=status, actions=(a_gate_action(),)), POLICY))


def test_other_deploys_held_by_the_same_issue_are_named_three_at_most() -> None:
    others = [a_key(pipeline=name) for name in ("api", "orders", "search", "tax", "users")]
    card = said(render(an_execution(), POLICY, [*others, KEY, others[0]]))
    assert (
        "*Also held, when this card was last edited*\napi → Deploy, orders → Deploy, search → Deploy and 2 more"
        in card
    )
    elsewhere = said(render(an_execution(), POLICY, [a_key(region="eu-west-1"), a_key(account="444455556666")]))
    assert "web → Deploy (eu-west-1)" in elsewhere
    assert "web → Deploy (444455556666)" in elsewhere
    twin = said(render(an_execution(), POLICY, [a_key(execution_id="9b8c7d6e-0000")]))  # a PARALLEL pipeline's
    assert "web → Deploy (execution 9b8c7d6e)" in twin
    assert "111122223333 · execution 11111111" in twin
    assert "Also held" not in said(render(an_execution(), POLICY, [KEY]))
    assert "Also held" not in said(render(an_execution(status=Status.RECOVERED), POLICY, others))


def test_what_is_urgent_comes_first() -> None:
    """Held: why, then what comes. Under way or over: where it has got to, and why in small print."""
    held, over = render(an_execution(), POLICY), render(an_execution(status=Status.RETRYING), POLICY)
    assert [block["type"] for block in held.blocks] == [
        "header", "section", "section", "section", "rich_text", "actions", "context",
    ]  # fmt: skip
    assert over.blocks[1]["text"]["text"].startswith("The stage runs again")
    assert over.blocks[2]["type"] == "context"
    assert over.blocks[2]["elements"][0]["text"].startswith("Why it was held")
    asks = render(an_execution(status=Status.NEEDS_HUMAN), POLICY)
    assert [block["type"] for block in asks.blocks][3] == "rich_text"  # the error is what has to be read


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "0 of 3 automatic retries"),
        ({"automatic_retries": 2, "retries": 2}, "2 of 3 automatic retries"),
        ({"automatic_retries": 1, "retries": 3}, "1 of 3 automatic retries, 3 in all"),
        ({"tags": PipelineTags(auto_retry=False)}, "No retries; automatic ones are off"),
        ({"tags": PipelineTags(auto_retry=False), "retries": 1}, "1 retry; automatic ones are off"),
    ],
)
def test_attempts_are_counted(changes: dict[str, Any], told: str) -> None:
    assert f"*Attempts*\n{told}" in texts(render(an_execution(**changes), POLICY).blocks)


def test_who_asked_is_on_the_card() -> None:
    plan = RetryPlan(ALICE, NOW, NOW)
    resuming = an_execution(
        status=Status.RESUMING, retry=plan, trail=(Entry(2, NOW, Status.RESUMING, "asked for a retry", ALICE),)
    )
    assert f"<@{ALICE}> asked for a retry: *Allclear retries the stage*" in said(render(resuming, POLICY))
    assert f"<@{ALICE}> asked for it: *Allclear" in said(render(replace(resuming, trail=()), POLICY))


def test_a_retry_that_waited_for_a_calendar_cannot_be_stopped_while_it_is_made() -> None:
    """CodePipeline is being asked: a click would be refused."""
    plan = RetryPlan(ALLCLEAR, NOW, NOW, calendar="release-freeze")
    waiting = an_execution(status=Status.RESUMING, retry=plan)
    asking = replace(waiting, claim=Claim("c", NOW + timedelta(seconds=90), ("a",), spent_budget=True))
    assert list(buttons(render(waiting, POLICY))) == ["retry", "dismiss", "open"]
    assert list(buttons(render(asking, POLICY))) == ["open"]


def test_the_metadata_carries_the_key_and_nothing_else() -> None:
    """Every app in the workspace can read it."""
    assert render(an_execution(), POLICY).metadata == {
        "event_type": "allclear_execution",
        "event_payload": {"key": str(KEY)},
    }


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "us-east-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_the_link_leads_to_the_regions_own_console(region: str, host: str) -> None:
    assert console_url(a_key(region=region)).startswith(f"https://{host}/codesuite/codepipeline/pipelines/web/")


def test_a_region_that_is_none_makes_no_link() -> None:
    assert console_url(replace(KEY, region="evil.example/?")) == ""


def test_a_long_error_is_cut_and_the_rest_counted() -> None:
    many = tuple(an_action(name=f"a{n}", message="x" * 6_000) for n in range(5))
    card = said(render(an_execution(actions=many), POLICY))
    assert "2 more failed actions." in card
    assert "x" * 701 not in card
