"""An evening on which there is some of everything, and each kind of thing that AWS and Slack could send about it.

Events are the published samples of tests/fixtures, about these deploys; Slack's requests are what the local Slack
(playground) would send for the messages and views that are really shown.
"""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from bot.model import ExecutionKey, FailedAction
from bot.ports import PlannedAction, StageStatus, StageTruth
from playground import slack_requests as requests
from playground.slack_workspace import Channel, Message, Workspace, buttons
from tests.builders import ACCOUNT, ISSUE_ARN, NOW, REGION, a_gate_action, a_key, an_action
from tests.fuzz.installation import CHANNEL, MINUTE, SIGNING_SECRET, Installation

FIXTURES = Path(__file__).parent.parent / "fixtures"
DEPLOYS = Channel(CHANNEL, "deploys")
CREDENTIALS = {
    "secretAccessKey": "secret-access-key-5f2b9d",
    "sessionToken": "session-token-c41a07",
    "accessKeyId": "access-key-id-77e0b1",
}
RESPONSE_URL = "https://hooks.slack.com/actions/T0PLAYGRND/secret-response-url-19d3"
TRIGGER = "13345224609.738474920.secret-trigger-8088"
SECRETS = (SIGNING_SECRET, RESPONSE_URL, TRIGGER, requests.OLD_TOKEN, *CREDENTIALS.values())
"""None of these may be in any log."""

WEB, API, SHOP = a_key(), a_key(pipeline="api"), a_key(pipeline="shop")
GATED = a_key(pipeline="gated", stage="HealthGate")
PATIENT = a_key(pipeline="patient", stage="HealthGate")
WORDS = (
    "status", "status web", "issues", "history", "history web", "why web", "why api", "retry web", "retry shop",
    "override gated it spares us", "ignore ISSUE it spares us", "ignore ISSUE undo", "help", "wyh web", "",
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """Something that may come in. For Slack: the headers and the body's fields, before they are encoded."""

    handler: str
    event: Any
    form: bool = False  # Slack: a form whose field `payload` is JSON, or a command's plain form
    is_command: bool = False


def issue_event(**detail: Any) -> dict[str, Any]:
    event = json.loads((FIXTURES / "health" / "public_issue_open_though_called_resolved.json").read_text())
    event["detail"] |= {"eventArn": ISSUE_ARN, "eventRegion": REGION, "service": "ECS", **detail}
    return event


def stage_event(key: ExecutionKey, state: str = "FAILED", file: str = "stage_failed") -> dict[str, Any]:
    event = json.loads((FIXTURES / "codepipeline" / f"{file}.json").read_text())
    event |= {"account": ACCOUNT, "region": REGION}
    event["detail"] |= {"pipeline": key.pipeline, "execution-id": key.execution_id, "state": state}
    if "stage" in event["detail"]:
        event["detail"]["stage"] = key.stage
    return event


def notification(key: ExecutionKey) -> dict[str, Any]:
    event = stage_event(key)
    message = {"detailType" if name == "detail-type" else name: value for name, value in event.items()}
    envelope = {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": json.dumps(message)}
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": envelope}]}


def job(key: ExecutionKey, number: int, token: str = "", **parameters: Any) -> dict[str, Any]:
    """A gate job as CodePipeline sends it (AWS Lambda invoke action, "Example JSON event")."""
    asked = {"pipeline": key.pipeline, "execution": key.execution_id, "regions": [REGION], **parameters}
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": {"FunctionName": "gate", "UserParameters": json.dumps(asked)}},
        "inputArtifacts": [],
        "outputArtifacts": [],
        "artifactCredentials": CREDENTIALS,
    }
    if token:
        data["continuationToken"] = token
    return {
        "CodePipeline.job": {
            "id": f"11111111-abcd-1111-abcd-{number:012d}",
            "accountId": ACCOUNT,
            "data": data,
        }
    }


def _fails(installation: Installation, key: ExecutionKey, action: FailedAction) -> None:
    installation.now += MINUTE
    installation.pipelines.show_failed(key, action, at=installation.now)
    installation.invoke("pipeline_event", stage_event(key))
    installation.deliver()


@cache
def _evening() -> Installation:
    """An ECS issue holds web and, by its gate, gated; api failed by itself; shop is being retried; patient waits.

    That many failures share a burst's card.
    """
    evening = Installation()
    evening.pipelines.planned["web"] = (PlannedAction("Deploy", "Deploy", "AWS", "ECS", REGION),)
    with evening.playing():
        evening.invoke("health_event", issue_event())
        for number, (key, action) in enumerate(
            (
                (WEB, an_action(provider="ECS")),
                (API, an_action(error_code="ConfigurationError")),
                (GATED, a_gate_action()),
                (SHOP, an_action(provider="ECS")),
            )
        ):
            _fails(evening, key, _numbered(action, number))
        evening.pipelines.show(StageTruth(PATIENT, StageStatus.IN_PROGRESS, execution_status="InProgress"))
        evening.invoke("gate", job(PATIENT, 1, mode="wait"))
        evening.now += MINUTE
        evening.invoke("sweep", {})
        evening.deliver()
        evening.invoke("slack_request", request(clicks(evening)["retry shop"], evening))
        evening.deliver()
        evening.invoke("slack_request", request(Sample("slack_request", opened_home()), evening))
        evening.invoke("slack_request", request(clicks(evening)["override gated"], evening))
    problems = [text for outcome in evening.outcomes for text in (*outcome.errors(), outcome.error) if text]
    assert not problems, problems
    assert len(evening.chat.views) == 1, evening.chat.answers
    assert evening.chat.homes
    assert evening.pipelines.accepted == [SHOP]
    assert {key.pipeline for key in _cards(evening)} == {"web", "api", "gated", "shop", "patient"}
    return evening


def evening() -> Installation:
    """A copy of it, a little later."""
    copy = _evening().copy()
    copy.now += timedelta(seconds=30)
    return copy


def _numbered(action: FailedAction, number: int) -> FailedAction:
    return replace(action, action_execution_id=f"aaaaaaaa-0000-0000-0000-{number:012d}")


def _cards(installation: Installation) -> list[ExecutionKey]:
    return [
        ExecutionKey.parse(place[0].removeprefix("EXEC#"))
        for place in installation.table.items
        if place[1] == "CARD"
    ]


def clicks(installation: Installation) -> dict[str, Sample]:
    """A click on every button that is shown, by "action pipeline"."""
    found: dict[str, Sample] = {}
    workspace = Workspace()
    alice = workspace.user("alice")
    for (channel, ts), message in installation.chat.messages.items():
        thread_ts = installation.chat.threads.get((channel, ts), "")
        shown = Message(channel, ts, message.text, list(message.blocks), message.metadata, thread_ts=thread_ts)
        for _, button in buttons(shown.blocks):
            if "value" not in button:
                continue
            place = requests.message_place(workspace, shown, DEPLOYS, RESPONSE_URL, None)
            clicked_at = f"{1795400500 + len(found)}.000100"
            payload = requests.click_payload(
                place, button["action_id"], alice, action_ts=clicked_at, trigger_id=TRIGGER
            )
            value = json.loads(button["value"])
            name = value["key"].split("#")[2] if "key" in value else "burst"
            found[f"{button['action_id']} {name}"] = Sample("slack_request", payload, form=True)
    for user, view in installation.chat.homes.items():
        for _, button in buttons(view["blocks"]):
            if "value" in button:
                shown_view = {**view, "id": "V0HOME", "user_id": user}
                payload = requests.click_payload(
                    requests.view_place(shown_view, None),
                    button["action_id"],
                    workspace.user(user),
                    action_ts=f"{1795400500 + len(found)}.000100",
                    trigger_id=TRIGGER,
                )
                found[f"home {button['action_id']} {len(found)}"] = Sample("slack_request", payload, form=True)
    return found


def opened_home() -> dict[str, Any]:
    alice = Workspace().user("alice")
    event = requests.app_home_opened(alice, "home", None, "1795400400.000100")
    return requests.event_callback(event, "Ev0HOME", NOW, shared=False)


def mention(text: str, event_id: str) -> dict[str, Any]:
    alice = Workspace().user("alice")
    message = Message(CHANNEL, "1795400400.000200", f"<@U0ALLCLEAR> {text}", [], {}, user=alice.user_id)
    event = requests.app_mention(message.wire(), DEPLOYS, alice)
    return requests.event_callback(event, event_id, NOW, shared=False)


def command(text: str) -> dict[str, str]:
    alice = Workspace().user("alice")
    more = {"command": "/allclear", "trigger_id": TRIGGER, "response_url": RESPONSE_URL}
    body = requests.command_body(text, alice, DEPLOYS, **more)
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def submissions(installation: Installation) -> dict[str, Sample]:
    alice = Workspace().user("alice")
    made = {}
    for number, (_, view) in enumerate(installation.chat.views):
        shown = {**view, "id": f"V0MODAL{number}", "user_id": alice.user_id}
        payload = requests.submission_payload(shown, alice, {"reason": "it spares us"}, trigger_id=TRIGGER)
        made[f"submission {number}"] = Sample("slack_request", payload, form=True)
    return made


def request(sample: Sample, installation: Installation) -> dict[str, Any]:
    """The sample undamaged, signed, as the HTTP API hands it on."""
    if sample.is_command:
        body, kind = urlencode(sample.event).encode(), requests.FORM
    elif sample.form:
        body, kind = requests.encode_payload(sample.event), requests.FORM
    else:
        body, kind = json.dumps(sample.event).encode(), requests.JSON
    headers, body = requests.sign(body, kind, SIGNING_SECRET, installation.now)
    return {
        "version": "2.0",
        "routeKey": "POST /slack/events",
        "rawPath": "/slack/events",
        "headers": {name.lower(): value for name, value in headers.items()},
        "body": body.decode(),
        "isBase64Encoded": False,
    }
