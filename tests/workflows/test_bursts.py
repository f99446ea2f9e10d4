"""Many failures, few messages: at most four for one issue, in whichever order failures and notices come."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import HealthUnreadable
from bot.model import PipelineTags, Status
from tests.builders import KEY
from tests.workflows.harness import MINUTE
from tests.workflows.slack_night import CHANNEL, SlackNight, deploy

FORTY = range(40)


def test_an_issue_and_then_forty_failures_are_four_messages() -> None:
    """Three cards, and the incident's; everybody's details are in its thread."""
    night = SlackNight()
    night.issue_opens()
    night.fail(*FORTY)
    night.deliver()
    assert len(night.top()) == 4
    assert night.title() == "ECS in us-east-1: 40 deploys held"
    assert len(night.slack.in_thread(CHANNEL, night.burst().ts)) == 37
    night.minutes(1)
    night.check_all_shown()


def test_forty_failures_and_then_an_issue_are_four_messages() -> None:
    """The burst card becomes the incident's."""
    night = SlackNight()
    night.fail(*FORTY)
    night.deliver()
    assert night.title() == "40 deploys failed within minutes"
    night.minutes(20)
    night.issue_opens()
    night.deliver()
    assert night.title() == "ECS in us-east-1: 40 deploys held"
    night.fail(40)  # long after the burst was last joined
    night.minutes(1)
    assert len(night.top()) == 4
    assert night.title() == "ECS in us-east-1: 41 deploys held"
    night.check_all_shown()


@pytest.mark.parametrize("known_after", [0, 1, 2, 3, 4, 5, 20, 39])
def test_an_issue_that_becomes_known_in_between_changes_nothing(known_after: int) -> None:
    """Whoever failed first."""
    night = SlackNight()
    night.fail(*range(known_after))
    night.deliver()
    night.issue_opens()
    night.fail(*range(known_after, 40))
    night.deliver()
    night.minutes(1)
    assert len(night.top()) == 4
    assert night.title() == "ECS in us-east-1: 40 deploys held"
    night.check_all_shown()


def test_a_failure_placed_before_the_notifiers_of_the_others_is_no_fifth_message() -> None:
    """The issue holds the burst's deploys by now, and its channel has not heard of it."""
    night = SlackNight()
    night.fail(*range(5))
    night.minutes(20)
    night.issue_opens()
    held = night.next_batch()
    night.fail(5)
    night.deliver()
    assert night.store.cards[deploy(5)].burst == night.burst().burst_id
    night.notify(*held)
    night.minutes(1)
    assert len(night.top()) == 4
    night.check_all_shown()


@pytest.mark.parametrize("apart", [3, 11, 45])
def test_failures_that_come_slowly_under_one_issue_are_four_messages(apart: int) -> None:
    """Never more than one in ten minutes, and the issue has three cards: the rest shares one all the same."""
    night = SlackNight()
    report = night.issue_opens()
    for number in range(12):
        night.fail(number)
        night.minutes(apart)
        night.health.show(replace(report, updated_at=night.now))
    assert len(night.top()) == 4
    assert night.title() == "ECS in us-east-1: 12 deploys held"


def test_three_failures_are_three_cards() -> None:
    """Nobody is sent to a thread for that."""
    night = SlackNight()
    night.fail(0, 1, 2)
    night.deliver()
    assert len(night.top()) == 3
    assert not night.store.bursts


def test_failures_that_have_nothing_to_do_with_each_other_have_their_own_cards() -> None:
    """No issue explains them and they come one every quarter of an hour."""
    night = SlackNight()
    for number in range(6):
        night.fail(number)
        night.minutes(15)
    assert len(night.top()) == 6
    assert not night.store.bursts


def test_two_channels_do_not_share_a_burst() -> None:
    """A card goes where its pipeline's team is."""
    night = SlackNight()
    night.issue_opens()
    for number in range(20, 40):
        night.pipelines.tags_of[deploy(number).pipeline] = PipelineTags(channel="C0TEAM")
    night.fail(*FORTY)
    night.deliver()
    assert (len(night.top()), len(night.top("C0TEAM"))) == (4, 4)
    assert {burst.channel for burst in night.store.bursts.values()} == {CHANNEL, "C0TEAM"}
    assert [len(lines) for lines in night.store.members.values()] == [20, 20]


def test_what_its_pipeline_wants_silent_takes_no_place_until_an_issue_explains_it() -> None:
    """Silent failures are no reason to send a fourth one to a thread."""
    night = SlackNight()
    for number in range(5):
        night.pipelines.tags_of[deploy(number).pipeline] = PipelineTags(announce_unexplained=False)
    night.fail(0, 1, 2, 3, 4, 5)
    night.deliver()
    assert (len(night.top()), night.store.bursts) == (1, {})
    night.issue_opens()
    night.deliver()
    night.minutes(1)
    assert len(night.top()) == 4
    night.check_all_shown()


def test_the_burst_card_is_edited_at_most_once_a_second_and_ends_up_right() -> None:
    """Forty deploys change many times at once; the lists' changes are drawn together."""
    night = SlackNight(settle=timedelta(0))
    report = night.issue_opens()
    night.fail(*FORTY)
    night.deliver()
    night.issue_closes(report)
    night.minutes(3)
    for number in FORTY:
        night.stage_passes(deploy(number))
    night.minutes(3)
    assert night.statuses() == {Status.RECOVERED}
    night.check_no_two_edits_within_a_second()
    night.check_all_shown()
    assert len(night.slack.drawn) > 40


def test_at_the_end_it_sums_up_and_has_no_buttons() -> None:
    """How many recovered, how long they were held, how long after the all-clear they passed."""
    night = SlackNight()
    report = night.issue_opens()
    night.fail(*range(5))
    night.minutes(42)
    assert "actions" in [block["type"] for block in night.burst_card().blocks]
    night.issue_closes(report)
    night.minutes(10)
    for number in range(5):
        night.stage_passes(deploy(number))
    night.minutes(2)
    assert night.title() == "ECS in us-east-1: all 5 deploys recovered"
    assert "Held for 42 min." in night.burst_card().text
    assert "after the all-clear" in night.burst_card().text
    assert "actions" not in [block["type"] for block in night.burst_card().blocks]
    night.check_all_shown()


def test_a_member_has_the_same_living_card_in_the_thread() -> None:
    """Its buttons are answered as any card's: the record knows its channel and ts."""
    night = SlackNight()
    report = night.issue_opens()
    night.fail(*range(5))
    night.deliver()
    card = night.store.cards[deploy(4)]
    assert (card.joined, card.burst, card.thread_ts) == (True, night.burst().burst_id, night.burst().ts)
    assert night.slack.messages[CHANNEL, card.ts].blocks[0]["text"]["text"] == "web-04 → Deploy: held"
    night.issue_closes(report)
    night.minutes(8)
    assert night.store.cards[deploy(4)].ts == card.ts
    assert night.slack.messages[CHANNEL, card.ts].blocks[0]["text"]["text"] == "web-04 → Deploy: retrying"


def test_two_nights_of_unreadable_health_are_two_incidents() -> None:
    """The pseudo-issue has one key for ever: a burst of last night is not joined tonight."""
    night = SlackNight()
    night.health.error = HealthUnreadable("throttled")
    night.fail(*range(5))
    night.deliver()
    first = night.burst().burst_id
    night.health.error = None
    night.minutes(30)
    for number in range(5):
        night.stage_passes(deploy(number))
    night.now += 24 * 60 * MINUTE
    night.health.error = HealthUnreadable("throttled")
    night.fail(10)
    night.deliver()
    assert night.store.cards[deploy(10)].burst != first


def test_a_card_that_the_issue_explains_after_it_has_a_burst_is_listed_there() -> None:
    """It failed before anybody knew; the sweep claims it for the issue that later failures found at AWS Health."""
    night = SlackNight()
    night.stage_fails()
    night.minutes(20)
    night.issue_opens(told=False)
    night.fail(*range(4))
    night.deliver()
    assert night.title() == "ECS in us-east-1: 4 deploys held"
    night.minutes(3)
    assert night.status() is Status.BLOCKED
    assert (night.store.cards[KEY].burst, night.store.cards[KEY].joined) == (night.burst().burst_id, False)
    assert night.title() == "ECS in us-east-1: 5 deploys held"
    night.check_all_shown()
