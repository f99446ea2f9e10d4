"""The card of a deploy that runs longer than usual: what is open, what happens, and no button but a link."""

from dataclasses import replace

from bot.bursts import BurstLine, line_of
from bot.lifecycle import Released, StagePassed
from bot.lifecycle.hanging import begin_hanging
from bot.model import Execution, Status
from bot.slack.answers import deploy_line
from bot.slack.explanation import explain_verdict
from bot.slack.history import past_line
from bot.workflows.people import stands
from tests.builders import ISSUE_ARN, KEY, NOW, a_blocker
from tests.core.lifecycle_events import BY_BOTH, HANGS, POLICY, SOON, failed, in_status, step
from tests.shown_cards import a_card, buttons, said
from tests.test_burst_cards import a_line, button, card, title

REASON = (
    "DeployService (ECS in us-east-1) has been running since 02:25 UTC, longer than its usual 5 minutes, "
    "while the ECS issue in us-east-1 is open."
)
EVENT = replace(HANGS, attribution=replace(HANGS.attribution, reason=REASON))
HUNG = begin_hanging(KEY, EVENT, NOW, POLICY)
CLEARED = step(HUNG, Released(ISSUE_ARN, "AWS closed the ECS issue in us-east-1"))
OVER = "Why it was shown: DeployService"


def text_of(execution: Execution) -> str:
    return said(a_card(execution, POLICY))


def offered(execution: Execution) -> set[str]:
    return set(buttons(a_card(execution, POLICY)))


def line(number: int) -> BurstLine:
    return replace(
        a_line(number), held_at=None, hangs_since=NOW, blockers=(a_blocker(service="RDS", issue="rds"),)
    )


def test_it_says_why_it_is_shown_and_what_happens() -> None:
    text = text_of(HUNG)
    assert "web → Deploy: running longer than usual" in text
    assert REASON in text
    assert (
        "*Nothing has failed, and nothing is retried that has not failed; if it fails, it is held* until" in text
    )
    assert "*Running since*" in text
    assert "held" not in text.replace("it is held", "")
    assert "*Failed*" not in text
    assert "all 2 issues" in text_of(step(HUNG, replace(EVENT, attribution=BY_BOTH)))


def test_it_offers_the_way_to_aws_and_no_other_button() -> None:
    assert offered(HUNG) == offered(CLEARED) == {"open"}


def test_after_the_all_clear_it_says_that_nothing_needs_a_retry() -> None:
    text = text_of(CLEARED)
    assert "AWS closed the ECS issue in us-east-1, and the stage still runs." in text
    assert OVER in text
    assert "nothing needs a retry" in text
    assert deploy_line(CLEARED, POLICY).endswith("Next: nothing by itself; it runs.")


def test_status_why_history_and_what_a_click_is_answered_say_that_it_runs() -> None:
    said = deploy_line(HUNG, POLICY)
    assert ": running longer than usual, since <!date^" in said
    assert said.endswith("Next: nothing is retried that has not failed; if it fails, it is held.")
    why = explain_verdict(HUNG, (), POLICY)
    assert "has not failed, and has been running since" in why
    assert "Longer than usual is longer than nine in ten" in why
    assert past_line(HUNG, NOW).endswith("; running longer than usual now")
    assert " was seen at " in past_line(HUNG, NOW)
    assert stands(HUNG) == "*web* → Deploy still runs; nothing has failed."


def test_when_it_has_passed_the_card_does_not_say_that_it_was_held_or_failed() -> None:
    passed = step(HUNG, StagePassed())
    text = text_of(passed)
    assert "web → Deploy: recovered" in text
    assert "The stage passed at" in text
    assert OVER in text
    assert "failed" not in text
    assert offered(passed) == set()
    assert "failed" not in past_line(passed, NOW)
    assert OVER in explain_verdict(passed, (), POLICY)


def test_when_it_has_failed_it_is_a_held_deploy_like_any_other() -> None:
    held = step(HUNG, failed(1))
    assert "web → Deploy: held" in text_of(held)
    assert {"retry", "dismiss"} <= offered(held)
    assert line_of(held).hangs_since is None


def test_a_retry_that_hangs_says_so_on_its_card_and_in_status() -> None:
    retrying = step(in_status(Status.RETRYING), EVENT)
    assert REASON in text_of(retrying)
    assert REASON in deploy_line(retrying, POLICY)


def test_an_incidents_card_lists_it_apart_from_what_is_held() -> None:
    message = card(line(1), a_line(2), a_line(3))
    assert title(message) == "RDS in us-east-1: 2 of 3 deploys held"
    assert "*2* held, *1* running longer than usual." in message.text
    assert "has not failed: nothing is retried that has not failed; if it fails, it is held." in message.text
    assert "web-01* → Deploy (us-east-1): running longer than usual since <!date^" in message.text


def test_an_incidents_card_with_nothing_else_says_so_and_has_no_button() -> None:
    message = card(*map(line, range(4)))
    assert title(message) == "RDS in us-east-1: 4 deploys running longer than usual"
    assert button(message) is None
    assert "Retry all" not in message.text
    over = card(line(1), a_line(2, Status.RECOVERED))
    assert title(over) == "RDS in us-east-1: 1 deploy running longer than usual"


def test_its_line_is_drawn_from_its_state() -> None:
    shown = line_of(step(HUNG, EVENT, at=SOON))
    assert (shown.hangs_since, shown.held, shown.waits, shown.asks) == (HANGS.since_at, False, False, False)
