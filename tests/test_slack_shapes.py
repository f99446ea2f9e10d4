"""The rest of what Slack sends, read or refused by field: views, ephemerals, modals, mentions, the App Home."""

import json
from typing import Any

import pytest

from bot.errors import ParseError
from bot.slack.parsing import parse_request
from bot.slack.requests import BurstClick, Click, HomeOpened, Ignored, IssueClick, Mention, Request, Submission
from tests.builders import ISSUE_ARN, KEY
from tests.test_slack_requests import FORM, JSON, REMOVED, a_click, form, parsed_or_field, paths

EPHEMERAL = {**a_click()["container"], "is_ephemeral": True, "thread_ts": "0.9"}
VIEW = {"type": "view", "view_id": "V1"}


def pressing(action_id: str, value: object, **changes: Any) -> dict[str, Any]:
    action = {**a_click()["actions"][0], "action_id": action_id, "value": json.dumps(value)}
    return a_click(actions=[action], **changes)


def a_submission(
    callback_id: str = "override", about: object = None, reason: object = "because"
) -> dict[str, Any]:
    return {
        "type": "view_submission",
        "team": {"id": "T0ALLCLEAR", "domain": "workspace"},
        "user": {"id": "U0ALICE", "team_id": "T0ALLCLEAR"},
        "trigger_id": "111.222.valid",
        "view": {
            "id": "V1",
            "callback_id": callback_id,
            "private_metadata": json.dumps(about or {"key": str(KEY), "version": 3}),
            "state": {"values": {"reason": {"reason": {"type": "plain_text_input", "value": reason}}}},
        },
    }


def an_event(**changes: Any) -> dict[str, Any]:
    event = {
        "type": "app_mention",
        "user": "U0ALICE",
        "team": "T0ALLCLEAR",
        "text": "<@U0ALLCLEAR> status",
        "ts": "1515449522.000016",
        "channel": "C111",
        "event_ts": "1515449522.000016",
    }
    return {
        "type": "event_callback",
        "team_id": "T0ALLCLEAR",
        "api_app_id": "A111",
        "event": {**event, **changes},
        "event_id": "Ev0PV52K21",
        "event_time": 1515449522,
    }


def parsed(payload: dict[str, Any]) -> Request:
    if payload["type"] == "event_callback":
        return parse_request(JSON, json.dumps(payload).encode())
    return parse_request(FORM, form(payload))


def test_a_click_in_what_one_person_saw_is_told_from_one_on_the_card() -> None:
    click = parsed(a_click(container=EPHEMERAL))
    assert isinstance(click, Click)
    assert (click.shown_to_one, click.channel_id, click.thread_ts) == (True, "C111", "0.9")
    on_the_card = parsed(a_click())
    assert isinstance(on_the_card, Click)
    assert not on_the_card.shown_to_one


def test_a_click_in_the_app_home_has_no_channel_and_no_response_url() -> None:
    payload = a_click(container=VIEW)
    for name in ("channel", "response_url"):
        del payload[name]
    click = parsed(payload)
    assert isinstance(click, Click)
    assert (click.shown_to_one, click.channel_id, click.message_ts, click.response_url) == (True, "", "", "")


@pytest.mark.parametrize("action_id", ["retry", "override", "dismiss", "undo"])
def test_each_button_of_a_deploy_is_known(action_id: str) -> None:
    click = parsed(pressing(action_id, {"key": str(KEY), "version": 3, "reason": "because"}))
    assert isinstance(click, Click)
    assert (click.action_id, click.key, click.version, click.reason) == (action_id, KEY, 3, "because")


def test_retry_all_names_its_burst() -> None:
    click = parsed(pressing("retry_all", {"burst": "b-1"}))
    assert isinstance(click, BurstClick)
    assert (click.burst, click.channel_id, click.message_ts) == ("b-1", "C111", "111.222")


@pytest.mark.parametrize("action_id", ["ignore", "unignore"])
def test_an_issues_buttons_name_the_issue(action_id: str) -> None:
    click = parsed(pressing(action_id, {"issue": ISSUE_ARN}, container=VIEW))
    assert isinstance(click, IssueClick)
    assert (click.action_id, click.issue, click.reason) == (action_id, ISSUE_ARN, "")


@pytest.mark.parametrize(
    ("action_id", "value"),
    [
        ("retry_all", {}), ("retry_all", {"burst": 3}), ("ignore", {}), ("ignore", {"issue": ""}),
        ("ignore", {"issue": "a b"}), ("ignore", {"issue": "a" * 1_701}), ("ignore", {"issue": "\n"}),
        ("retry", {"key": str(KEY), "reason": 7}), ("override", {"issue": ISSUE_ARN}),
    ],
)  # fmt: skip
def test_a_value_that_is_not_the_buttons_own_is_refused(action_id: str, value: object) -> None:
    with pytest.raises(ParseError, match=r"payload\.actions\.value"):
        parsed(pressing(action_id, value))


def test_a_submitted_modal_is_read() -> None:
    assert parsed(a_submission()) == Submission(
        "T0ALLCLEAR", "U0ALICE", "T0ALLCLEAR", view_id="V1", subject=KEY, version=3, reason="because"
    )
    of_an_issue = parsed(a_submission("ignore", {"issue": ISSUE_ARN}))
    assert isinstance(of_an_issue, Submission)
    assert of_an_issue.subject == ISSUE_ARN


def test_nothing_entered_is_an_empty_reason() -> None:
    submission = parsed(a_submission(reason=None))
    assert isinstance(submission, Submission)
    assert submission.reason == ""


def test_another_modal_is_nothing_to_do() -> None:
    assert parsed(a_submission("another")) == Ignored("view_submission")


def test_a_mention_is_read() -> None:
    assert parsed(an_event()) == Mention(
        team_id="T0ALLCLEAR",
        user_id="U0ALICE",
        user_team_id="T0ALLCLEAR",
        channel_id="C111",
        ts="1515449522.000016",
        thread_ts="",
        text="<@U0ALLCLEAR> status",
        event_id="Ev0PV52K21",
    )
    in_a_thread = parsed(an_event(thread_ts="1515449000.000001"))
    assert isinstance(in_a_thread, Mention)
    assert in_a_thread.thread_ts == "1515449000.000001"


@pytest.mark.parametrize("changes", [{"user_team": "T0OTHER"}, {"team": "T0OTHER"}])
def test_who_mentions_it_from_outside_is_told_by_their_own_workspace(changes: dict[str, Any]) -> None:
    mention = parsed(an_event(**changes))
    assert isinstance(mention, Mention)
    assert (mention.team_id, mention.user_team_id) == ("T0ALLCLEAR", "T0OTHER")


@pytest.mark.parametrize("changes", [{"bot_id": "B1"}, {"bot_id": "B1", "type": "app_home_opened"}])
def test_what_a_bot_writes_is_not_answered(changes: dict[str, Any]) -> None:
    assert isinstance(parsed(an_event(**changes)), Ignored)


def test_an_opened_home_is_read_and_its_messages_tab_is_not() -> None:
    assert parsed(an_event(type="app_home_opened", tab="home")) == HomeOpened("T0ALLCLEAR", "U0ALICE")
    assert parsed(an_event(type="app_home_opened", tab="messages")) == Ignored("app_home_opened")


def test_other_events_are_nothing_to_do() -> None:
    assert parsed(an_event(type="reaction_added")) == Ignored("reaction_added")


WHOLE = {
    "a view": a_click(container=VIEW),
    "an ephemeral": a_click(container=EPHEMERAL),
    "an issue": pressing("ignore", {"issue": ISSUE_ARN}),
    "a burst": pressing("retry_all", {"burst": "b-1"}),
    "a submission": a_submission(),
    "a mention": an_event(thread_ts="1.2", user_team="T0ALLCLEAR"),
    "a home": an_event(type="app_home_opened", tab="home"),
}
DAMAGED = [(name, path) for name, payload in WHOLE.items() for path in paths(payload)]


@pytest.mark.parametrize("junk", [None, "", [], {}, 7, True, "\ud800 <!channel>", REMOVED], ids=repr)
@pytest.mark.parametrize(("name", "path"), DAMAGED, ids=repr)
def test_no_damage_raises_anything_but_the_fields_name(name: str, path: tuple[Any, ...], junk: object) -> None:
    payload: Any = json.loads(json.dumps(WHOLE[name]))
    target = payload
    for step in path[:-1]:
        target = target[step]
    if junk is REMOVED:
        del target[path[-1]]
    else:
        target[path[-1]] = junk
    headers = JSON if name in ("a mention", "a home") else FORM
    body = json.dumps(payload).encode() if headers is JSON else form(payload)
    request = parsed_or_field(headers, body)
    assert request
    assert "<!channel>" not in f"{getattr(request, 'user_id', '')}{getattr(request, 'channel_id', '')}"


def test_what_opens_a_modal_or_answers_a_person_is_not_shown_by_a_request() -> None:
    """A request that finds its way into a log takes no capability along."""
    shown = repr(parsed(a_click())) + repr(parse_request(FORM, b"command=%2Fx&team_id=T&user_id=U&channel_id=C"
        b"&trigger_id=111.222.valid&response_url=https%3A%2F%2Fhooks.slack.com%2Fx"))  # fmt: skip
    assert "valid" not in shown
    assert "hooks.slack.com" not in shown
