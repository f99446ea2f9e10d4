"""How it ended and how it went: the closing line in every way a hold can end, and the trail."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.cards.card import render
from bot.cards.closing import how_it_passed, trail
from bot.lifecycle import (
    Accepted,
    Claimed,
    Dismissed,
    Event,
    Explained,
    Overtaken,
    Postponed,
    Released,
    RetryRequested,
    StageFailed,
    StagePassed,
    StageRunning,
    StageStopped,
    advance,
    begin,
)
from bot.model import Attribution, Execution, PipelineTags, Status, Verdict
from bot.policy import Policy
from bot.slack.answers import standing
from bot.slack.mrkdwn import slack_date
from tests.builders import ISSUE_ARN, KEY, NOW, an_action, an_attribution
from tests.shown_cards import said

POLICY = Policy(slack_channel="C0DEPLOYS")
CAROL = "U0CAROL"
UNEXPLAINED = Attribution(Verdict.UNEXPLAINED, "No AWS Health issue explains it.")


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def failed(
    attribution: Attribution | None = None, number: int = 1, minutes: float = 0, **tags: Any
) -> StageFailed:
    action = an_action(action_execution_id=f"attempt-{number}")
    return StageFailed((action,), at(minutes), attribution or an_attribution(), PipelineTags(**tags))


def lived(first: StageFailed, *events: tuple[float, Event]) -> Execution:
    """What became of a failure at NOW when these happened, at minutes after it."""
    execution = begin(KEY, first, NOW, POLICY)
    for minutes, event in events:
        execution = advance(execution, event, at(minutes), POLICY)
    return execution


def retried(minutes: float, claim: str = "c") -> tuple[tuple[float, Event], ...]:
    """Claimed, and accepted six seconds later."""
    return (
        (minutes, Claimed(claim, at(minutes + 1.5))),
        (minutes + 0.1, Accepted(claim)),
    )


def closed(minutes: float) -> Released:
    """The all-clear as it reaches an execution, five minutes after the close did."""
    return Released(ISSUE_ARN, "AWS closed the ECS issue in us-east-1", at(minutes - 5))


PASSED = f"and passed at {slack_date(at(200))}."
ASKED = f"<@{CAROL}> asked for a retry"
KNOWING = "with an issue open (ECS in us-east-1)"


@pytest.mark.parametrize(
    ("first", "events", "told"),
    [
        (failed(), ((185, closed(185)), *retried(185)),
         f"It was held for 3 h, resumed 5 min after the all-clear, {PASSED}"),
        (failed(), ((60, RetryRequested(CAROL)), *retried(60)),
         f"It was held for 1 h, until {ASKED} {KNOWING}, {PASSED}"),
        (failed(), ((60, StageRunning()),),
         f"It was held for 1 h, until somebody retried it outside Allclear, {PASSED}"),
        (failed(), ((1, StageRunning(by_itself=True)),),
         f"It was held for 1 min, until the stage retried itself, {PASSED}"),
        (failed(), (), f"It was held for 3 h 20 min {PASSED}"),
        (failed(), ((185, closed(185)),),
         f"It was held for 3 h and passed 20 min after the all-clear, at {slack_date(at(200))}."),
        (failed(auto_retry=False), ((185, closed(185)), (190, RetryRequested(CAROL)), *retried(190)),
         f"It was held for 3 h, resumed 10 min after the all-clear ({ASKED}), {PASSED}"),
        (failed(UNEXPLAINED), ((9, RetryRequested(CAROL)), *retried(9)),
         f"The stage passed at {slack_date(at(200))}, after {ASKED}."),
        (failed(UNEXPLAINED), (), f"The stage passed at {slack_date(at(200))}."),
    ],
    ids=[
        "all-clear", "click", "console", "onFailure", "by itself", "never accepted", "click later", "unexplained",
        "unclear",
    ],
)  # fmt: skip
def test_the_closing_line_tells_how_long_it_was_held_and_what_ended_that(
    first: StageFailed, events: tuple[tuple[float, Event], ...], told: str
) -> None:
    recovered = lived(first, *events, (200, StagePassed()))
    assert how_it_passed(recovered) == told
    assert render(recovered, POLICY).blocks[1]["text"]["text"] == told
    assert told in render(recovered, POLICY).text


def test_a_click_that_failed_is_not_what_ended_the_hold() -> None:
    recovered = lived(
        failed(),
        (10, RetryRequested(CAROL)), *retried(10, "first"),
        (12, failed(number=2, minutes=12)),
        (105, closed(105)), *retried(105, "second"),
        (110, StagePassed()),
    )  # fmt: skip
    assert how_it_passed(recovered).startswith(
        "It was held for 1 h 28 min, resumed 5 min after the all-clear, and"
    )


def test_an_all_clear_that_was_called_off_does_not_count() -> None:
    """Another issue opened before the retry was made, and a person did not wait for that one."""
    recovered = lived(
        failed(),
        (60, closed(60)),
        (61, Explained(an_attribution())),
        (120, RetryRequested(CAROL)), *retried(120),
        (200, StagePassed()),
    )  # fmt: skip
    assert how_it_passed(recovered) == f"It was held for 2 h, until {ASKED} {KNOWING}, {PASSED}"


@pytest.mark.parametrize(
    ("event", "note"),
    [
        (StageStopped(), "The execution was stopped; it is left alone."),
        (Overtaken("e-2"), "Execution e-2 took the stage; this one is left alone."),
        (Overtaken("e-2", rolled_back=True), "The stage was rolled back (execution e-2); this one is left alone."),
    ],
)
def test_another_end_says_what_it_was_and_how_long_it_had_been_held(event: Event, note: str) -> None:
    message = render(lived(failed(), (90, event)), POLICY)
    assert message.blocks[1]["text"]["text"] == f"{note} It had been held for 1 h 30 min."
    assert said(message).count(note) == 1


def test_a_rollback_has_its_own_word_in_the_header_and_for_whoever_asks() -> None:
    rolled_back = lived(failed(), (90, Overtaken("e-2", rolled_back=True)))
    assert render(rolled_back, POLICY).blocks[0]["text"]["text"] == "web → Deploy: rolled back"
    assert ": rolled back at" in standing(rolled_back)
    overtaken = lived(failed(), (90, Overtaken("e-2")))
    assert render(overtaken, POLICY).blocks[0]["text"]["text"] == "web → Deploy: superseded"


def test_the_trail_tells_who_did_what_and_leaves_out_the_steps_between() -> None:
    recovered = lived(
        failed(UNEXPLAINED),
        (10, RetryRequested(CAROL)),
        (10, Claimed("c", at(11))),
        (10.1, Postponed("CodePipeline is busy", at(11), "c")),
        *retried(12, "d"),
        (20, StagePassed()),
    )
    assert trail(recovered) == [
        f"{slack_date(at(10))}  {ASKED}",
        f"{slack_date(at(12.1))}  CodePipeline accepted the retry",
        f"{slack_date(at(20))}  Deploy passed",
    ]


def test_a_line_of_the_trail_says_what_happened_and_leaves_the_evidence_to_the_history() -> None:
    """The reason stands at the top of the card, once."""
    held = lived(failed(UNEXPLAINED), (9, Explained(an_attribution())))
    assert trail(held) == [
        f"{slack_date(NOW)}  Deploy failed; a person is asked",
        f"{slack_date(at(9))}  An issue explains it after all; held by the ECS issue in us-east-1 until the "
        "all-clear",
    ]
    assert said(render(held, POLICY)).count(an_attribution().reason) == 1
    resumed = advance(held, closed(185), at(185), POLICY)
    assert trail(resumed)[-1] == f"{slack_date(at(185))}  AWS closed the ECS issue in us-east-1: resuming"


def test_a_first_failure_needs_no_trail() -> None:
    assert trail(lived(failed())) == []


def test_what_a_person_did_is_said_once() -> None:
    dismissed = lived(failed(), (3, Dismissed(CAROL)))
    assert dismissed.status is Status.DISMISSED
    card = said(render(dismissed, POLICY))
    assert card.count(f"<@{CAROL}> said: don't resume") == 1


def test_a_retry_is_not_said_to_be_put_off_once_it_runs() -> None:
    busy: tuple[tuple[float, Event], ...] = (
        (60, closed(60)),
        (60, Claimed("c", at(61))),
        (60.1, Postponed("CodePipeline is busy", at(61), "c")),
    )
    waiting, running = lived(failed(), *busy), lived(failed(), *busy, *retried(62, "d"))
    assert "CodePipeline is busy. Why it was held" in said(render(waiting, POLICY))
    assert "busy" not in said(render(running, POLICY))


@pytest.mark.parametrize("attribution", [an_attribution(), UNEXPLAINED])
def test_the_trail_does_not_give_the_reason_again(attribution: Attribution) -> None:
    execution = lived(failed(attribution), (2, RetryRequested(CAROL)))
    assert attribution.reason not in "".join(trail(execution))
    assert attribution.reason in said(render(execution, POLICY))
