"""Pipelines fail alike and AWS has posted nothing: one card says so, holds nothing, becomes the issue's card."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import ParseError
from bot.inferred import QUIET_AFTER, Ended, Inferred
from bot.lifecycle import StageFailed
from bot.model import Execution, ExecutionKey, PipelineTags, Status, Verdict
from bot.ports import DueKind
from bot.slack.port import Message
from bot.workflows.world import apply
from tests.builders import REGION, an_action
from tests.workflows.meddling import MeddledStore, power_fails
from tests.workflows.slack_night import SlackNight, deploy
from tests.workflows.test_bursts_interrupted import Counted, at_every_call

QUIET = QUIET_AFTER // timedelta(minutes=1)
ALIKE = "ECS in us-east-1: 3 pipelines fail alike"
NOTICE = "in our figures the first post comes a median of 77 minutes after impact starts"


def a_night(failures: int = 3, **settings: Any) -> SlackNight:
    """So many pipelines fail on ECS one after another, and each is shown."""
    night = SlackNight(**{"infer_incidents": True, **settings})
    for number in range(failures):
        night.fail(number)
        night.deliver()
    return night


def incident(night: SlackNight) -> Inferred:
    (found,) = night.store.regions[REGION].incidents
    return found


def incident_card(night: SlackNight, channel: str) -> Message:
    """The one burst card of a channel."""
    (card,) = (each for each in night.top(channel) if each.metadata["event_type"] == "allclear_burst")
    return card


def test_the_third_pipeline_makes_one_card_that_says_what_fails_alike() -> None:
    night = a_night()
    assert night.title() == ALIKE
    assert len(night.top()) == 3  # two cards of their own and this one: the third deploy's is in its thread
    text = night.burst_card().text
    assert "*web-00*, *web-01*, *web-02*" in text
    assert "the service answers with errors of its own (5xx, internal)" in text
    assert NOTICE in text
    assert "Nothing is held back or retried for it." in text
    assert text.count("AWS has posted nothing") == 1
    assert "No AWS issue explains this" not in text
    night.minutes(2)
    night.check_all_shown()


def test_two_pipelines_or_one_that_fails_often_make_none() -> None:
    night = a_night(2)
    for _ in range(3):
        night.minutes(2)
        night.stage_fails(deploy(0))
    night.minutes(2)
    assert night.store.regions[REGION].incidents == ()
    assert night.store.bursts == {}


def test_what_the_team_broke_itself_makes_none() -> None:
    night = a_night(2)
    wrong = an_action(provider="ECS", error_code="ConfigurationError")
    tests = an_action(provider="CodeBuild", category="Test", build_phase="BUILD", message="503")
    for number, action in enumerate((wrong, tests, an_action(provider="ECS", message="Tests failed"))):
        night.stage_fails(deploy(10 + number), action)
    night.minutes(1)
    assert night.store.regions[REGION].incidents == ()


def test_switched_off_nothing_is_written_and_nothing_said() -> None:
    night = a_night(5, infer_incidents=False)
    night.minutes(2)
    assert night.store.regions == {}
    assert night.title() == "5 deploys failed within minutes"
    night.check_all_shown()


def a_story(*, inferring: bool) -> tuple[dict[str, Any], list[ExecutionKey]]:
    """Failures, a gate's stop, clicks, an issue that opens and closes: what became of the deploys."""
    night = SlackNight(infer_incidents=inferring)
    night.pause = lambda _seconds: None  # type: ignore[method-assign] - how often a card is drawn moves no clock
    night.fail(0, 1, 2, 3)
    night.deliver()
    assert bool(night.store.regions) is inferring
    night.click_retry(deploy(0))
    night.minutes(3)
    night.stage_fails(deploy(0))
    night.click_dismiss(deploy(1))
    night.minutes(10)
    report = night.issue_opens()
    night.minutes(5)
    night.issue_closes(report)
    night.minutes(30)
    for number in (0, 2, 3):
        night.stage_passes(deploy(number))
    night.minutes(70)
    store = night.store
    kept = {name: getattr(store, name) for name in ("executions", "lines", "issues", "edges", "holds", "given")}
    return kept, night.pipelines.accepted


def test_it_holds_nothing_back() -> None:
    """Whether incidents are inferred or not, every deploy has the same history, the same retries, the same end."""
    assert a_story(inferring=True) == a_story(inferring=False)


def test_slow_ones_join_its_card_as_long_as_it_lives() -> None:
    """A burst alone would take them for ten minutes only."""
    night = a_night()
    for number in (3, 4):
        night.minutes(30)
        night.fail(number)
    night.minutes(2)
    assert night.title() == "ECS in us-east-1: 5 pipelines fail alike"
    assert len(night.top()) == 3
    night.check_all_shown()


def test_a_failure_of_another_kind_has_a_card_of_its_own() -> None:
    night = a_night()
    night.minutes(11)
    night.stage_fails(deploy(7), an_action(provider="ECS", message="Rate exceeded"))
    night.minutes(1)
    assert [card.text.partition(" ")[0] for card in night.top()] == ["web-00", "web-01", "ECS", "web-07"]


def test_the_card_becomes_that_of_the_issue_aws_posts() -> None:
    night = a_night()
    night.minutes(40)
    night.issue_opens(start_at=night.now - timedelta(minutes=60))
    night.minutes(2)
    assert night.title() == "ECS in us-east-1: 3 deploys held"
    assert (incident(night).ended, night.statuses()) == (Ended.ADOPTED, {Status.BLOCKED})
    assert "AWS has posted an issue that explains it, ECS in us-east-1, 40 min after" in night.burst_card().text
    assert NOTICE not in night.burst_card().text
    assert len(night.top()) == 3
    night.check_all_shown()


def test_an_open_issue_that_explains_them_makes_none() -> None:
    night = SlackNight(infer_incidents=True)
    night.issue_opens()
    night.fail(0, 1, 2, 3)
    night.minutes(2)
    assert night.store.regions == {}


def test_it_ends_by_itself_an_hour_after_the_last_and_its_clock_rests() -> None:
    night = a_night()
    night.minutes(QUIET - 1)
    assert night.title() == ALIKE
    night.minutes(3)
    assert incident(night).ended is Ended.QUIET
    assert night.title() == "3 deploys failed within minutes"
    assert "No such failure has come for 1 h, so this is over here." in night.burst_card().text
    assert not night.due(DueKind.INFERRED) + night.due(DueKind.BURST)
    night.check_all_shown()
    edits = len(night.slack.drawn)
    night.minutes(30)
    assert len(night.slack.drawn) == edits


def test_the_notice_that_comes_after_that_is_told_all_the_same() -> None:
    night = a_night()
    night.minutes(77)
    night.issue_opens(start_at=night.now - timedelta(minutes=100))
    night.minutes(2)
    assert incident(night).ended is Ended.ADOPTED
    assert "AWS has posted an issue that explains it" in night.burst_card().text
    night.check_all_shown()


def test_teams_with_channels_of_their_own_are_each_told() -> None:
    """Nobody sees three there; each has one card more, which says that others fail alike."""
    night = SlackNight(infer_incidents=True)
    channels = ("C0TEAMA", "C0TEAMB", "C0TEAMC")
    for number, channel in enumerate(channels):
        night.pipelines.tags_of[f"web-{number:02}"] = PipelineTags(channel=channel)
        night.fail(number)
        night.deliver()
    night.minutes(2)
    for number, channel in enumerate(channels):
        card = incident_card(night, channel)
        assert card.blocks[0]["text"]["text"] == ALIKE
        assert f"• *web-{number:02}* → Deploy" in str(card.blocks)
        assert str(card.blocks).count("→ Deploy") == 1
    assert [len(night.top(channel)) for channel in channels] == [2, 2, 1]
    night.check_all_shown()
    night.minutes(QUIET)
    assert all("over here" in incident_card(night, channel).text for channel in channels)
    night.click_dismiss(deploy(0))
    night.minutes(1)
    night.issue_opens(start_at=night.now - timedelta(minutes=100))  # dismissed deploys are none of its
    night.minutes(3)
    assert all("AWS has posted an issue" in incident_card(night, channel).text for channel in channels)
    assert not night.due(DueKind.INFERRED)


def test_a_pipeline_that_wants_no_card_counts_and_gets_none() -> None:
    night = SlackNight(infer_incidents=True)
    night.pipelines.tags_of["web-00"] = PipelineTags(announce_unexplained=False)
    night.fail(0, 1, 2)
    night.minutes(2)
    assert "*web-00*, *web-01*, *web-02*" in night.burst_card().text
    assert not night.store.cards[deploy(0)].ts
    assert "• *web-00*" not in str(night.burst_card().blocks)


def test_a_burst_that_is_there_tells_of_it() -> None:
    """Failures of all kinds share a card already; no second one is made."""
    night = SlackNight(infer_incidents=True)
    for number in range(4):
        night.stage_fails(deploy(20 + number), an_action(message="Tests failed"))
    night.deliver()
    night.fail(0, 1, 2)
    night.minutes(2)
    assert night.title() == ALIKE
    assert len(night.top()) == 4
    night.check_all_shown()


def test_one_that_is_explained_while_it_is_written_down_counts_no_more() -> None:
    """Another notifier showed the issue's claim between our look and our save, and found nothing to take back."""
    night = a_night(2)
    (key,) = night.fail(2)
    night.records.clear()
    meddled = MeddledStore(night.store)
    night.notify_store = meddled  # type: ignore[assignment]

    def explained_and_shown() -> None:
        night.issue_opens()
        night.notify(key)
        night.records.clear()

    meddled.before("save_inferred", explained_and_shown)
    night.notify(key)
    assert night.status(key) is Status.BLOCKED
    assert not night.store.regions[REGION].live()
    assert night.store.cards[key].rendered_version == night.execution(key).version


def test_a_record_that_cannot_be_read_back_stops_no_card() -> None:
    night = a_night(2)
    meddled = MeddledStore(night.store)
    night.notify_store = meddled  # type: ignore[assignment]

    def unreadable() -> None:
        raise ParseError("sightings", "is not a list")

    meddled.before("load_inferred", unreadable)
    night.fail(2)
    night.deliver()
    assert night.store.cards[deploy(2)].ts
    night.stage_fails(deploy(3))
    night.minutes(1)
    assert incident(night).pipelines == ("web-00", "web-01", "web-03")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_notifier_may_die_at_any_call_while_it_begins(*, after: bool) -> None:
    def play(at: int) -> Counted:
        night = a_night(2)
        counted = Counted(at, power_fails, after=after)
        counted.between(night)
        night.fail(2, 3)
        night.minutes(4)
        assert night.title() == "ECS in us-east-1: 4 pipelines fail alike"
        assert len(night.top()) == 3
        night.check_all_shown()
        return counted

    assert at_every_call(play) > 30


def test_two_notifiers_that_meet_at_any_call_make_one_incident_and_one_card() -> None:
    def play(at: int) -> Counted:
        night = a_night(1)
        keys = night.fail(1, 2)
        night.records.clear()
        counted = Counted(at, lambda: night.notify(keys[1]), after=False)
        counted.between(night)
        night.notify(keys[0])
        night.minutes(4)
        assert len(night.store.regions[REGION].incidents) == 1
        assert night.title() == ALIKE
        assert len(night.top()) <= 3
        night.check_all_shown()
        return counted

    assert at_every_call(play) > 8


def test_an_execution_that_moves_on_is_the_one_that_is_shown() -> None:
    """More of its actions are told while it is written down, and one of those is the team's own failure."""
    night = a_night(2)
    (key,) = night.fail(2)
    meddled = MeddledStore(night.store)
    night.notify_store = meddled  # type: ignore[assignment]

    def more_is_told() -> None:
        known: Execution = night.execution(key)
        own = an_action(name="Approve", provider="Manual", category="Approval", action_execution_id="second")
        found = replace(known.attribution, verdict=Verdict.OWN, reason="Not AWS's doing.")
        apply(night.world, key, StageFailed((*known.actions, own), night.now, found, known.tags), night.now)

    meddled.after("save_inferred", more_is_told)
    night.minutes(1)
    assert not night.store.regions[REGION].live()
    night.check_all_shown()
