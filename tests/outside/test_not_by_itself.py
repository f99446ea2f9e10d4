"""Seen through template.yaml and the handlers only: freezes and shadow mode hold automatic retries alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.outside.night import REGION, START, Night
from tests.outside.test_people import click

MakeNight = Callable[..., Night]
FREEZE_ENDS_AT = START + timedelta(hours=3)


def released_into_a_freeze(make_night: MakeNight, tags: dict[str, str] | None = None, **more: str) -> Night:
    """The deploy was held, AWS is well again, and the calendar is closed."""
    night = make_night(SettleSeconds="0", **more)
    night.cloud.calendars.close("release-freeze", START, FREEZE_ENDS_AT)
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline(tags=tags)
    night.fail()
    night.mend()
    night.cloud.health.close(issue)
    night.wait(5)
    return night


def test_a_closed_calendar_is_shown_and_the_deploy_is_resumed_when_it_opens(make_night: MakeNight) -> None:
    night = released_into_a_freeze(make_night, ChangeCalendar="release-freeze")
    assert night.title() == "web → Deploy: resuming"
    assert "release-freeze" in night.card().text
    assert str(int(FREEZE_ENDS_AT.timestamp())) in night.card().text, "when it opens, in each reader's own time"
    night.wait(170)
    assert night.asked() == 0
    night.wait(15)
    assert (night.asked(), night.accepted()) == (1, 1)
    assert night.title() == "web → Deploy: recovered"


def test_a_pipelines_own_calendar_counts_and_a_click_passes_it(make_night: MakeNight) -> None:
    """The button asks for a confirmation that names the calendar."""
    night = released_into_a_freeze(make_night, {"allclear:calendar": "release-freeze"})
    assert night.asked() == 0
    assert "release-freeze" in str(_confirm(night))
    click(night, "retry")
    night.wait(4)
    assert (night.asked(), night.accepted()) == (1, 1)
    assert night.title() == "web → Deploy: recovered"


def test_an_unreadable_calendar_counts_as_closed_until_it_can_be_read(make_night: MakeNight) -> None:
    night = released_into_a_freeze(make_night, ChangeCalendar="no-such-calendar")
    assert night.asked() == 0
    assert "InvalidDocument" in night.card().text
    night.cloud.calendars.create("no-such-calendar")
    night.wait(15)
    assert night.accepted() == 1


def _confirm(night: Night) -> Any:
    elements = [each for block in night.card().blocks for each in block.get("elements", ()) if "action_id" in each]
    (retry,) = [each for each in elements if each["action_id"] == "retry"]
    return retry["confirm"]


def test_shadow_mode_shows_what_it_would_have_done_and_a_click_works(make_night: MakeNight) -> None:
    """Everything but the retry; whoever clicks gets theirs."""
    night = make_night(SettleSeconds="0", Mode="shadow")
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    assert night.title() == "web → Deploy: held"
    night.mend()
    night.cloud.health.close(issue)
    night.wait(30)
    assert night.asked() == 0
    assert night.title() == "web → Deploy: needs a person"
    assert "would have retried now" in night.card().text
    click(night, "retry")
    night.wait(4)
    assert (night.asked(), night.accepted()) == (1, 1)
    assert night.title() == "web → Deploy: recovered"
