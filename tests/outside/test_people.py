"""What people do in Slack, and what strangers try, through POST /slack/events."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from playground.slack_workspace import Message
from tests.outside.night import CHANNEL, REGION, Night

PATH = "/slack/events"


def click(night: Night, action_id: str, user: str = "carol", message: Message | None = None) -> int:
    """A person clicks; answers the HTTP status."""
    headers, body = night.slack.click(message or night.card(), action_id, user)
    return night.cloud.http("POST", PATH, headers, body)[0]


def slash(night: Night, text: str, user: str = "carol") -> dict[str, Any]:
    """The answer to a slash command."""
    headers, body = night.slack.slash(text, user, CHANNEL)
    status, _, answer = night.cloud.http("POST", PATH, headers, body)
    assert status == 200
    parsed: dict[str, Any] = json.loads(answer)
    return parsed


def state(night: Night) -> list[dict[str, Any]]:
    """Every item of the table, in an order of its own."""
    return sorted(night.cloud.items(), key=lambda item: (item["pk"], item["sk"]))


def test_a_click_on_an_unexplained_failure_retries_once_and_the_card_names_the_person(night: Night) -> None:
    """carol asks; CodePipeline is asked once."""
    night.pipeline()
    night.fail()
    night.mend()
    assert click(night, "retry") == 200
    night.wait(4)
    assert night.accepted() == night.asked() == 1
    assert night.title() == "web → Deploy: recovered"
    carol = night.slack.workspace.user("carol").user_id
    assert f"<@{carol}>" in json.dumps(night.card().blocks)


def test_a_click_does_not_wait_for_the_all_clear(night: Night) -> None:
    """The person decides, knowing that the issue is open."""
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    click(night, "retry")
    night.wait(4)
    assert night.accepted() == 1
    assert night.title() == "web → Deploy: recovered"


def test_two_people_clicking_twice_at_the_close_retry_once(night: Night) -> None:
    """Whoever comes first is carried out."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    card = night.card()
    night.cloud.health.close(issue)
    for user in ("alice", "bob", "alice"):
        assert click(night, "retry", user, card) == 200
    night.wait(20)
    assert night.accepted() == night.asked() == 1


def test_dont_resume_keeps_it_and_undo_gives_it_back(night: Night) -> None:
    """Dismissed: the close retries nothing; undone: it does."""
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    click(night, "dismiss")
    night.wait(1)
    assert night.title() == "web → Deploy: dismissed"
    assert night.card().buttons == ["undo"]
    night.cloud.health.close(issue)
    night.wait(30)
    assert night.asked() == 0
    click(night, "undo", "alice")
    night.wait(5)
    assert night.accepted() == 1


@pytest.mark.parametrize("user", ["gina", "olga"])
@pytest.mark.parametrize("action", ["retry", "dismiss"])
def test_guests_and_outsiders_are_refused_and_told_who_may(night: Night, user: str, action: str) -> None:
    """Nothing changes, and the answer is theirs alone."""
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    before = state(night)
    assert click(night, action, user) == 200
    assert state(night) == before
    night.wait(2)
    assert night.asked() == 0
    assert "full member" in night.slack.ephemerals[-1].text


def test_a_stale_button_retries_nothing_and_is_told_why(night: Night) -> None:
    """The card has moved on since it was drawn."""
    night.pipeline()
    night.fail()
    headers, body = night.slack.click(night.card(), "retry", "carol", blocks=night.card().history[0].blocks)
    click(night, "dismiss", "alice")
    night.wait(1)
    assert night.cloud.http("POST", PATH, headers, body)[0] == 200
    night.wait(3)
    assert night.asked() == 0
    assert "moved on" in night.slack.ephemerals[-1].text


def test_status_says_what_is_held(night: Night) -> None:
    """Nothing at first; then the deploy, why and since when; by name too."""
    assert "Nothing is held" in slash(night, "status")["text"]
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    for text in ("status", "status web"):
        answer = slash(night, text)["text"]
        for word in ("web", "Deploy", "CLOUDFORMATION", REGION):
            assert word in answer
    assert "status" in slash(night, "stauts")["text"]


def test_slacks_url_verification_is_answered(night: Night) -> None:
    """The challenge comes back."""
    headers, body = night.slack.url_verification("a-challenge")
    status, _, answer = night.cloud.http("POST", PATH, headers, body)
    assert (status, json.loads(answer)) == (200, {"challenge": "a-challenge"})


def _unsigned(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return {"content-type": headers["content-type"]}, body


def _changed(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    return headers, body + b"&x=1"


def _with(name: str, value: str) -> Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]:
    return lambda headers, body: ({**headers, name: value}, body)


@pytest.mark.parametrize(
    "forge",
    [
        _unsigned,
        _changed,
        _with("x-slack-signature", "v0=00"),
        _with("x-slack-signature", "v0=ünsigned"),
        _with("x-slack-signature", ""),
        _with("x-slack-request-timestamp", "soon"),
        _with("x-slack-request-timestamp", "١٢٣"),
        _with("x-slack-request-timestamp", "-1"),
        _with("x-slack-request-timestamp", "9" * 400),
    ],
)
def test_what_slack_did_not_sign_is_401_and_changes_nothing(night: Night, forge: Any) -> None:
    """Never a 5xx, and the secret is not read for what is plainly not Slack's."""
    night.pipeline()
    night.fail()
    signed_headers, body = night.slack.click(night.card(), "retry", "carol")
    headers, body = forge({name.lower(): value for name, value in signed_headers.items()}, body)
    before = state(night)
    assert night.cloud.http("POST", PATH, headers, body)[0] == 401
    assert state(night) == before


def test_a_request_older_than_five_minutes_is_401(night: Night) -> None:
    """Replayed later, it is refused; replayed at once, it acts once."""
    night.pipeline()
    night.fail()
    headers, body = night.slack.click(night.card(), "retry", "carol")
    assert night.cloud.http("POST", PATH, headers, body)[0] == 200
    assert night.cloud.http("POST", PATH, headers, body)[0] == 200
    night.wait(timedelta(minutes=6).total_seconds() / 60)
    assert night.cloud.http("POST", PATH, headers, body)[0] == 401
    assert night.asked() == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"payload=", b"payload=%7B", b"payload=[]", b"payload=%7B%22type%22%3A1%7D", b"\xff\xfe", b"a" * 70_000],
)
def test_signed_but_broken_is_a_4xx_or_ignored_and_changes_nothing(night: Night, body: bytes) -> None:
    """A good signature makes nonsense no sense."""
    before = state(night)
    headers, body = night.slack.sign(body)
    assert 200 <= night.cloud.http("POST", PATH, headers, body)[0] < 500
    assert state(night) == before


def test_no_log_holds_a_secret_a_body_or_a_response_url(night: Night) -> None:
    """Every function's whole log of a night with clicks, a gate and a broken request."""
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline(gate=True)
    night.run()
    click(night, "retry")
    click(night, "retry", "gina")
    headers, body = night.slack.sign(b"payload=%7B%22response_url%22%3A%22https://hooks.slack.com/x%22")
    night.cloud.http("POST", PATH, headers, body)
    night.wait(3)
    logs = "".join(invocation.log for invocation in night.cloud.functions.invocations)
    secrets = (night.slack.bot_token, night.slack.signing_secret, "hooks.slack.com", "/response/", "trigger_id")
    assert [secret for secret in (*secrets, "secretAccessKey", "sessionToken") if secret in logs] == []


def test_a_card_that_needs_a_person_mentions_who_is_on_call(make_night: Callable[..., Night]) -> None:
    """Only when a person is needed."""
    night = make_night(OnCallMention="S0ONCALL")
    night.pipeline()
    night.fail()
    assert "<!subteam^S0ONCALL>" in json.dumps(night.card().blocks)
    night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.wait(2)
    assert "subteam" not in json.dumps(night.card().blocks)


def test_a_card_slack_will_never_take_is_counted_for_the_alarm_and_the_deploy_is_resumed(
    make_night: Callable[..., Night],
) -> None:
    """The channel is archived: nobody sees a card, and nothing else suffers."""
    night = make_night(SlackChannel="C0ARCHIVED")
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.pipeline()
    night.fail()
    night.mend()
    night.cloud.health.close(issue)
    night.wait(20)
    assert night.accepted() == 1
    assert night.cloud.failures() == []
    logs = [call.log for call in night.cloud.functions.invocations if call.function == "NotifyFunction"]
    assert any("CardsUndeliverable" in log and "is_archived" in log for log in logs)
