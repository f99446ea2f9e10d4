"""When a deploy changes hands, one reply in the channel tells people so: exactly one."""

from datetime import timedelta

import pytest

from bot.errors import OutcomeUnknown, SlackRefused, TryLater
from bot.model import Status
from bot.slack.port import Message
from bot.workflows.living_message import POSTING_LEASE
from tests.builders import KEY
from tests.workflows.harness import MINUTE
from tests.workflows.meddling import power_fails
from tests.workflows.slack_night import CHANNEL, SlackNight, deploy
from tests.workflows.test_bursts_interrupted import Counted, at_every_call

HOUR = timedelta(hours=1)


def held() -> SlackNight:
    """web is held, and will be too old in an hour."""
    night = SlackNight(max_age=HOUR, on_call_mention="S0ONCALL")
    night.issue_opens()
    night.stage_fails()
    night.minutes(1)
    assert night.status() is Status.BLOCKED
    return night


def too_old(night: SlackNight) -> None:
    night.now += HOUR
    night.sweep()


def replies(night: SlackNight) -> list[Message]:
    """What was replied to web's card; all of it is shown in the channel too."""
    card = night.store.cards[KEY]
    found = night.slack.in_thread(CHANNEL, card.ts)
    assert len(found) == len(night.slack.in_channel(CHANNEL)) - 1
    return found


def test_a_held_deploy_that_needs_a_person_is_told_once_with_who_is_on_call() -> None:
    night = held()
    too_old(night)
    night.minutes(10)
    (reply,) = replies(night)
    assert reply.text.startswith("web → Deploy: needs a person.")
    assert "<!subteam^S0ONCALL>" in reply.text
    assert night.slack.messages[CHANNEL, night.store.cards[KEY].ts].blocks[0]["text"]["text"].endswith("a person")
    assert night.store.cards[KEY].due_at is None


def test_a_card_that_asks_from_the_start_is_itself_the_notice() -> None:
    night = SlackNight(on_call_mention="S0ONCALL")
    night.stage_fails()
    night.minutes(20)
    assert night.status() is Status.NEEDS_HUMAN
    assert replies(night) == []
    assert "<!subteam^S0ONCALL>" in str(night.slack.in_channel(CHANNEL)[0].blocks)


def test_the_next_time_it_changes_hands_is_told_too() -> None:
    """Retried by a click, it fails again without an issue."""
    night = SlackNight()
    night.stage_fails()
    night.minutes(1)
    night.click_retry()
    night.deliver()
    night.now += MINUTE
    night.stage_fails()
    night.minutes(10)
    assert night.status() is Status.NEEDS_HUMAN
    assert len(replies(night)) == 1


def test_a_notifier_may_die_at_any_call_while_it_tells() -> None:
    for after in (False, True):

        def play(at: int, after: bool = after) -> Counted:
            night = held()
            counted = Counted(at, power_fails, after=after)
            counted.between(night)
            too_old(night)
            night.minutes(4)
            assert len(replies(night)) == 1
            assert night.store.cards[KEY].due_at is None
            return counted

        assert at_every_call(play) > 10


@pytest.mark.parametrize("arrived", [False, True])
def test_a_reply_of_unknown_outcome_is_looked_for_in_the_thread(*, arrived: bool) -> None:
    night = held()
    night.slack.fail("post", OutcomeUnknown("dropped"), after_effect=arrived)
    too_old(night)
    night.deliver()
    assert night.store.cards[KEY].asking_at is not None
    assert night.store.cards[KEY].due_at is not None
    night.minutes(3)
    assert len(replies(night)) == 1
    assert night.store.cards[KEY].due_at is None


def test_until_the_lease_ends_another_may_still_be_telling() -> None:
    night = held()
    night.slack.fail("post", OutcomeUnknown("timed out"))
    too_old(night)
    night.deliver()
    asked_at = night.store.cards[KEY].asking_at
    assert asked_at is not None
    night.now += timedelta(seconds=15)
    night.notify(KEY)
    assert night.store.cards[KEY].due_at == asked_at + POSTING_LEASE
    assert replies(night) == []


def test_being_told_to_wait_tells_later() -> None:
    night = held()
    night.slack.fail("post", TryLater("ratelimited", after=timedelta(seconds=30)))
    too_old(night)
    night.deliver()
    card = night.store.cards[KEY]
    assert (card.due_at, card.asking_at) == (night.now + timedelta(seconds=30), None)
    night.minutes(2)
    assert len(replies(night)) == 1


@pytest.mark.parametrize("method", ["post", "find"])
def test_what_slack_refuses_is_counted_and_not_tried_for_ever(method: str) -> None:
    """The card says it as well."""
    night = held()
    if method == "find":
        night.slack.fail("post", OutcomeUnknown("timed out"))
    night.slack.fail(method, SlackRefused("restricted_action"))
    too_old(night)
    night.minutes(5)
    assert night.refused == 1
    assert replies(night) == []
    assert night.store.cards[KEY].due_at is None


def test_it_is_not_told_when_it_no_longer_needs_anybody() -> None:
    """Slack was busy; meanwhile somebody clicked."""
    night = held()
    night.slack.fail("post", TryLater("ratelimited", after=timedelta(seconds=30)))
    too_old(night)
    night.deliver()
    night.click_retry()
    night.minutes(3)
    assert replies(night) == []
    assert night.store.cards[KEY].due_at is None


def test_a_bursts_held_deploys_are_one_reply_that_says_how_many() -> None:
    """Not forty: neither for members nor for the cards that were there before."""
    night = SlackNight(max_age=HOUR, on_call_mention="S0ONCALL")
    night.issue_opens()
    night.fail(*range(40))
    night.minutes(1)
    too_old(night)
    night.minutes(10)
    assert night.statuses() == {Status.NEEDS_HUMAN}
    shown = night.slack.in_channel(CHANNEL)
    assert len(shown) == 5
    (reply,) = [message for message in shown if message.metadata["event_type"] == "allclear_asking"]
    assert reply.text.startswith("40 held deploys need a person now")
    assert "<!subteam^S0ONCALL>" in reply.text
    night.minutes(10)
    assert len(night.slack.in_channel(CHANNEL)) == 5


def test_a_burst_of_unexplained_failures_is_itself_the_notice() -> None:
    night = SlackNight()
    night.fail(*range(6))
    night.minutes(10)
    assert len(night.slack.in_channel(CHANNEL)) == 4
    assert night.store.cards[deploy(5)].joined


def test_a_burst_whose_first_post_says_that_people_are_needed_is_itself_the_notice() -> None:
    """Nothing is retried automatically here: the fourth failure already asks, though an issue explains it."""
    night = SlackNight(max_automatic_retries=0)
    night.issue_opens()
    night.fail(*range(6))
    night.minutes(10)
    assert night.statuses() == {Status.NEEDS_HUMAN}
    assert night.burst().asks == 6
    assert len(night.slack.in_channel(CHANNEL)) == 4
