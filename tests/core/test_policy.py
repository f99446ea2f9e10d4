"""The stack's settings, as the environment brings them."""

from datetime import timedelta

import pytest

from bot.errors import ParseError
from bot.model import PipelineTags
from bot.policy import DEFAULT_IGNORED_SERVICES, Mode, Policy, WhenHealthUnreadable, parse_policy


def test_an_empty_environment_means_the_defaults() -> None:
    assert parse_policy({}) == Policy()
    assert parse_policy({"SETTLE_SECONDS": "", "HEALTH_UNAVAILABLE": " "}) == Policy()


def test_every_setting_is_read() -> None:
    policy = parse_policy(
        {
            "SETTLE_SECONDS": "0",
            "MAX_AUTOMATIC_RETRIES": "0",
            "MAX_AGE_HOURS": "2",
            "LATE_ISSUE_MINUTES": "30",
            "ISSUE_MAX_AGE_HOURS": "72",
            "IGNORED_SERVICES": " connect ,RDS*,",
            "HEALTH_UNAVAILABLE": "allow",
            "CHANGE_CALENDAR": " release-freeze",
            "MODE": "shadow",
            "INFER_INCIDENTS": "off",
            "SLACK_CHANNEL": " C0DEPLOYS ",
            "ON_CALL_MENTION": "<!subteam^S1>",
        }
    )
    assert policy == Policy(
        settle=timedelta(0),
        max_automatic_retries=0,
        max_age=timedelta(hours=2),
        late_issue=timedelta(minutes=30),
        issue_max_age=timedelta(hours=72),
        ignored_services=("CONNECT", "RDS*"),
        health_unavailable=WhenHealthUnreadable.ALLOW,
        change_calendar="release-freeze",
        mode=Mode.SHADOW,
        infer_incidents=False,
        slack_channel="C0DEPLOYS",
        on_call_mention="<!subteam^S1>",
    )


@pytest.mark.parametrize("name", ["SETTLE_SECONDS", "MAX_AUTOMATIC_RETRIES", "ISSUE_MAX_AGE_HOURS"])
@pytest.mark.parametrize("value", ["-1", "1.5", "soon", "1e3", "٣", "9999999999"])
def test_a_wrong_number_is_refused_by_the_settings_name(name: str, value: str) -> None:
    with pytest.raises(ParseError) as error:
        parse_policy({name: value})
    assert error.value.field == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_AGE_HOURS", "0"),
        ("ISSUE_MAX_AGE_HOURS", "0"),
        ("HEALTH_UNAVAILABLE", "maybe"),
        ("MODE", "on"),
        ("INFER_INCIDENTS", "maybe"),
        ("CHANGE_CALENDAR", "release freeze"),
        ("CHANGE_CALENDAR", "arn:aws:ssm:us-east-1:111122223333:parameter/release-freeze"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ParseError) as error:
        parse_policy({name: value})
    assert error.value.field == name


def test_the_stacks_calendar_and_the_pipelines_both_count() -> None:
    own = PipelineTags(calendar="team-freeze")
    assert Policy().calendars(PipelineTags()) == ()
    assert Policy().calendars(own) == ("team-freeze",)
    assert Policy(change_calendar="release-freeze").calendars(own) == ("release-freeze", "team-freeze")
    assert Policy(change_calendar="team-freeze").calendars(own) == ("team-freeze",)


@pytest.mark.parametrize(
    ("stack", "tag", "shadow"),
    [("active", "", False), ("shadow", "", True), ("active", "shadow", True), ("shadow", "active", False)],
)
def test_a_pipelines_own_mode_counts_before_the_stacks(stack: str, tag: str, shadow: bool) -> None:
    assert parse_policy({"MODE": stack}).is_shadow(PipelineTags(mode=tag)) is shadow


def test_a_star_ignores_by_prefix_and_nothing_set_ignores_nothing() -> None:
    assert [Policy().ignores(name) for name in ("BILLING", "BILLINGX", "CONNECT", "CONNECTX", "ECS")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert not parse_policy({"IGNORED_SERVICES": ""}).ignores("CONNECT")
    assert parse_policy({}).ignored_services == DEFAULT_IGNORED_SERVICES
