"""The card of a deploy that a gate keeps waiting: for what, until when, and no button that would be refused."""

import pytest

from bot.lifecycle import GateLost, GatePassed, Released
from bot.lifecycle.waiting import begin_waiting
from bot.model import HEALTH_UNREADABLE, Execution
from bot.slack.answers import deploy_line
from bot.slack.explanation import explain_verdict
from tests.builders import ISSUE_ARN, KEY, NOW, a_blocker, an_attribution
from tests.core.lifecycle_events import GATE_WAITS, POLICY, step
from tests.shown_cards import a_card, buttons, said

WAITING = begin_waiting(KEY, GATE_WAITS, NOW, POLICY)


def text_of(execution: Execution) -> str:
    return said(a_card(execution, POLICY))


def offered(execution: Execution) -> set[str]:
    return set(buttons(a_card(execution, POLICY)))


def test_it_says_that_nothing_failed_and_until_when_it_can_wait() -> None:
    text = text_of(WAITING)
    assert "web → Deploy: held" in text
    assert "Nothing has failed and nothing needs a retry" in text
    assert "the AWS issue is closed and 5 min have passed quietly" in text
    assert f"<!date^{int(GATE_WAITS.until_at.timestamp())}^" in text
    assert "*Failed*" not in text


@pytest.mark.parametrize("execution", [WAITING, step(WAITING, GateLost(NOW))], ids=["waiting", "lost"])
def test_it_offers_neither_a_retry_nor_to_leave_it(execution: Execution) -> None:
    assert not {"retry", "dismiss"} & offered(execution)
    assert "Retry now" not in text_of(execution)


def test_status_and_why_say_that_it_waits() -> None:
    assert deploy_line(WAITING, POLICY).endswith(
        "Next: its gate lets it through 5 min after AWS closes what holds it."
    )
    assert "is kept waiting by its gate since" in explain_verdict(WAITING, (), POLICY)
    assert "stop the execution there" in deploy_line(step(WAITING, GateLost(NOW)), POLICY)


def test_after_the_all_clear_it_waits_for_the_gate_alone() -> None:
    clear = step(WAITING, Released(ISSUE_ARN, "AWS closed the ECS issue in us-east-1"))
    assert "once it looks again, within a minute or so" in text_of(clear)


def test_it_says_when_it_waits_for_aws_health_to_be_read() -> None:
    unreadable = an_attribution(blockers=(a_blocker(issue=HEALTH_UNREADABLE, service="HEALTH"),))
    waiting = begin_waiting(
        KEY, type(GATE_WAITS)(GATE_WAITS.since_at, GATE_WAITS.until_at, unreadable, GATE_WAITS.tags), NOW, POLICY
    )
    assert "once AWS Health can be read again and shows nothing open there" in text_of(waiting)


def test_the_closing_line_says_how_long_it_waited() -> None:
    passed = step(WAITING, GatePassed())
    assert "recovered" in text_of(passed)
    assert offered(passed) == set()
