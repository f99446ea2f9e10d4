"""Show a person their App Home."""

import logging
from datetime import datetime

from bot.errors import SlackRefused, TryLater
from bot.model import Status
from bot.slack.home import RECOVERIES_SHOWN, home
from bot.slack.issue_answers import concerning
from bot.slack.requests import HomeOpened
from bot.workflows.slack.desk import Desk, unfinished

logger = logging.getLogger(__name__)

ENDED_READ = 50  # of the ones that ended last, so many are looked through for those that recovered


def open_home(desk: Desk, opened: HomeOpened, now: datetime) -> None:
    """Publish it for somebody of this workspace; for anybody else nothing is shown."""
    try:
        user = desk.chat.user(opened.user_id)
        if opened.team_id == desk.chat.team() and (user.full_member or user.team_id == opened.team_id):
            publish_home(desk, opened.user_id, now)
    except (TryLater, SlackRefused) as problem:
        logger.warning("an App Home cannot be shown: %s", problem)


def publish_home(desk: Desk, user_id: str, now: datetime, notice: str = "") -> None:
    """What it shows is in the table: failing to show it loses nothing. Raises TryLater, SlackRefused."""
    held = unfinished(desk)
    ended = desk.store.finished(ENDED_READ)
    recovered = [each for each in ended if each.status is Status.RECOVERED][:RECOVERIES_SHOWN]
    issues = concerning(desk.store.ledger())
    alike = [incident for record in desk.store.inferred() for incident in record.live()]
    view = home(
        held.executions, issues, recovered, desk.policy, now,
        notice=notice, counted_all=held.counted_all, inferred=alike,
    )  # fmt: skip
    desk.chat.publish_home(user_id, view)
