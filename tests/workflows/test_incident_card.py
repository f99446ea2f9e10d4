"""The incident's card follows the issue, not its members alone: open, settling, canary, ignored."""

import json
from datetime import timedelta
from typing import Any

from bot.errors import ParseError
from bot.issue_events import Ignored, Unignored
from bot.issues import advance_issue
from bot.model import Issue, IssuePhase, Status
from bot.ports import DueKind
from bot.slack.mrkdwn import slack_date
from tests.builders import ISSUE_ARN, an_action
from tests.workflows.meddling import MeddledStore
from tests.workflows.slack_night import SlackNight, deploy

EACH_BY_ITSELF = "Each held deploy is retried by itself"


def a_night(deploys: int = 12, **settings: Any) -> SlackNight:
    night = SlackNight(**settings)
    night.issue_opens()
    night.fail(*range(deploys))
    night.minutes(1)
    return night


def close(night: SlackNight) -> None:
    night.issue_closes(night.store.issues[ISSUE_ARN].report)


def issue_button(night: SlackNight) -> dict[str, Any] | None:
    found = [block["accessory"] for block in night.burst_card().blocks if "accessory" in block]
    return found[0] if found else None


def test_it_says_since_when_the_issue_is_open_and_offers_to_ignore_it() -> None:
    night = a_night()
    began = slack_date(night.store.issues[ISSUE_ARN].report.start_at)
    assert f"*ECS* in us-east-1, since {began}: open." in night.burst_card().text
    assert EACH_BY_ITSELF in night.burst_card().text
    button = issue_button(night)
    assert button is not None
    assert (button["action_id"], json.loads(button["value"])) == ("ignore", {"issue": ISSUE_ARN})
    assert "confirm" in str(night.burst_card().blocks[-1])


def test_it_says_that_the_issue_is_closed_although_no_member_has_changed() -> None:
    """Nothing is open, so nobody is asked to wait for that, warned of it, or offered to ignore it."""
    night = a_night()
    close(night)
    night.minutes(2)
    assert night.statuses() == {Status.BLOCKED}
    card, issue = night.burst_card(), night.store.issues[ISSUE_ARN]
    assert issue.closed_at is not None
    assert issue.settled_at is not None
    assert f"AWS closed it at {slack_date(issue.closed_at)}" in card.text
    assert f"The all-clear follows at {slack_date(issue.settled_at)}, if it stays closed." in card.text
    assert EACH_BY_ITSELF not in card.text
    assert issue_button(night) is None
    assert "confirm" not in str(card.blocks[-1])


def test_it_shows_which_one_goes_first_and_that_its_failure_holds_the_rest() -> None:
    night = a_night()
    close(night)
    night.minutes(7)
    first = deploy(0)
    assert night.status(first) is Status.RETRYING
    assert "web-00 → Deploy goes first, as the canary; the rest waits" in night.burst_card().text
    night.issue_opens(arn=ISSUE_ARN + "-2", service="LAMBDA", start_at=night.now)
    night.stage_fails(first, an_action(name="Hook", provider="Lambda", category="Invoke"))
    night.minutes(3)
    assert night.status(first) is Status.BLOCKED
    assert "The canary, web-00 → Deploy, failed, and an open issue explains it" in night.burst_card().text
    night.check_no_two_edits_within_a_second()


def test_an_issue_that_opens_again_is_open_again_on_the_card() -> None:
    night = a_night()
    close(night)
    night.minutes(2)
    night.issue_opens(start_at=night.store.issues[ISSUE_ARN].report.start_at)
    night.minutes(2)
    assert ": open." in night.burst_card().text
    assert EACH_BY_ITSELF in night.burst_card().text


def test_its_clock_rests_when_no_issue_holds_anybody() -> None:
    """Then its members' changes say all there is."""
    night = a_night()
    close(night)
    night.minutes(8)
    night.stage_passes(deploy(0))
    night.minutes(4)
    assert Status.BLOCKED not in night.statuses()
    assert not night.due(DueKind.BURST)
    assert night.burst().issues == ()
    night.check_all_shown()


def test_an_unchanged_issue_costs_no_edit() -> None:
    night = a_night()
    edits = len(night.slack.drawn)
    night.minutes(10)
    assert len(night.slack.drawn) == edits


def decide(night: SlackNight, event: Ignored | Unignored) -> Issue:
    after = advance_issue(night.store.issues[ISSUE_ARN], event, night.now, night.world.policy)
    night.store.save_issue(after)
    return after


def test_what_a_person_ignored_is_said_with_the_reason_and_can_be_taken_back() -> None:
    night = a_night()
    decide(night, Ignored("U0CAROL", "not our <!channel> cells"))
    night.minutes(2)
    card = night.burst_card()
    assert night.store.issues[ISSUE_ARN].phase is IssuePhase.CANARY
    assert "ignored by <@U0CAROL>: not our" in card.text
    assert "<!channel>" not in str(card)
    button = issue_button(night)
    assert button is not None
    assert button["action_id"] == "unignore"


def test_one_let_go_for_its_age_is_not_said_to_be_closed() -> None:
    night = a_night(issue_max_age=timedelta(hours=2))
    night.minutes(101, until=lambda: not night.store.issues[ISSUE_ARN].open)
    night.minutes(2)
    assert "open for more than 2 h, so it holds nothing more." in night.burst_card().text


def test_an_issue_that_cannot_be_read_back_stops_no_card() -> None:
    night = a_night()
    meddled = MeddledStore(night.store)
    night.notify_store = meddled

    def unreadable() -> None:
        raise ParseError("report", "is missing")

    for _ in range(10):
        meddled.before("load_issue", unreadable)
    night.stage_passes(deploy(3))
    night.deliver()
    assert "*1* recovered" in night.burst_card().text
    assert ": open." not in night.burst_card().text


def test_a_flood_that_an_issue_explains_in_small_part_is_not_that_incidents() -> None:
    """Four that nothing explains are no news of ECS."""
    night = SlackNight()
    for number in range(4):
        night.stage_fails(deploy(number), an_action(provider="CodeDeploy"))
    night.deliver()
    report = night.issue_opens()
    night.fail(4)
    night.minutes(2)
    assert night.title() == "ECS in us-east-1: 1 of 5 deploys held"
    night.issue_closes(report)
    night.minutes(8)
    night.stage_passes(deploy(4))
    night.minutes(2)
    assert night.title() == "5 deploys failed within minutes"


def test_what_waits_for_a_change_calendar_is_not_said_to_be_retried_now() -> None:
    night = a_night(5, change_calendar="release-freeze")
    night.calendar.closed["release-freeze"] = night.now + timedelta(hours=3)
    close(night)
    night.minutes(8)
    assert night.statuses() == {Status.RESUMING}
    assert night.title() == "ECS in us-east-1: 5 deploys waiting for a change calendar"
    assert "is retried as that opens" in night.burst_card().text
    assert "followed to its end" not in night.burst_card().text
    assert "web-03* → Deploy (us-east-1): waiting for a change calendar" in night.burst_card().text
    night.calendar.closed.clear()
    night.minutes(185)
    assert night.statuses() == {Status.RETRYING}
    assert night.title() == "ECS in us-east-1: 5 deploys being retried"
    assert "calendar" not in night.burst_card().text
