"""From a verified request's bytes to what it asks. Pure. Raises ParseError naming the field, and nothing else."""

from collections.abc import Mapping
from typing import Any

from bot.cards.burst_card import RETRY_ALL
from bot.cards.card import DISMISS, OVERRIDE, RETRY, UNDO
from bot.errors import ParseError
from bot.slack.answers import IGNORE, UNIGNORE
from bot.slack.fields import (
    read_any_text,
    read_deploy,
    read_form,
    read_id,
    read_issue_key,
    read_json,
    read_object,
    read_text,
    read_ts,
)
from bot.slack.modals import IGNORE_VIEW, OVERRIDE_VIEW, REASON
from bot.slack.requests import (
    BurstClick,
    Challenge,
    Click,
    Command,
    HomeOpened,
    Ignored,
    IssueClick,
    Mention,
    Request,
    Submission,
)
from bot.slack.signature import header

LARGEST_BODY = 512 * 1024  # bytes; a click carries its whole message, some ten kilobytes
OF_A_DEPLOY = (RETRY, OVERRIDE, DISMISS, UNDO)
OF_AN_ISSUE = (IGNORE, UNIGNORE)
OUR_BUTTONS = (*OF_A_DEPLOY, *OF_AN_ISSUE, RETRY_ALL)


def parse_request(headers: Mapping[str, str], body: bytes) -> Request:
    """What a verified request asks."""
    if len(body) > LARGEST_BODY:
        raise ParseError("body", f"is larger than {LARGEST_BODY} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ParseError("body", "is not UTF-8") from None
    content_type = header(headers, "content-type").split(";")[0].strip().lower()
    if content_type == "application/json":
        return _parse_json(read_json("body", text))
    if content_type == "application/x-www-form-urlencoded":
        return _parse_form(read_form(text))
    raise ParseError("content-type", "must be application/json or application/x-www-form-urlencoded")


def _parse_json(body: dict[str, Any]) -> Request:
    kind = read_text(body, "type")
    if kind == "url_verification":
        return Challenge(read_text(body, "challenge"))
    return _parse_event(body) if kind == "event_callback" else Ignored(kind)


def _parse_event(body: dict[str, Any]) -> Request:
    event = read_object(body, "event", "event")
    kind = read_text(event, "type", "event.type")
    if event.get("bot_id"):  # two bots that answer each other never end
        return Ignored(kind)
    if kind == "app_mention":
        team_id = read_id(body, "team_id")
        return Mention(
            team_id=team_id,
            user_id=read_id(event, "user", "event.user"),
            # Of a shared channel Slack tells the writer's own workspace, in either field.
            user_team_id=_text_of(event, "user_team") or _text_of(event, "team") or team_id,
            channel_id=read_id(event, "channel", "event.channel"),
            ts=read_ts(event, "ts", "event.ts"),
            thread_ts=read_ts(event, "thread_ts", "event.thread_ts") if event.get("thread_ts") else "",
            text=_text_of(event, "text"),
            event_id=read_id(body, "event_id"),
        )
    if kind == "app_home_opened" and event.get("tab") == "home":
        return HomeOpened(read_id(body, "team_id"), read_id(event, "user", "event.user"))
    return Ignored(kind)


def _text_of(event: dict[str, Any], name: str) -> str:
    return read_any_text(event, name, f"event.{name}")


def _parse_form(form: dict[str, str]) -> Request:
    if "payload" in form:
        payload = read_json("payload", form["payload"])
        kind = read_text(payload, "type", "payload.type")
        if kind == "block_actions":
            return _parse_click(payload)
        return _parse_submission(payload) if kind == "view_submission" else Ignored(kind)
    if "command" in form:
        return Command(
            team_id=read_id(form, "team_id"),
            user_id=read_id(form, "user_id"),
            channel_id=read_id(form, "channel_id"),
            text=form.get("text", "").strip(),
            trigger_id=read_text(form, "trigger_id"),
            response_url=form.get("response_url", ""),
        )
    if "ssl_check" in form:
        return Ignored("ssl_check")
    raise ParseError("body", "has neither a payload nor a command")


def _parse_click(payload: dict[str, Any]) -> Request:
    actions = payload.get("actions")
    if not isinstance(actions, list) or not all(isinstance(action, dict) for action in actions):
        raise ParseError("payload.actions", "must be a list of objects")
    action = next((action for action in actions if action.get("action_id") in OUR_BUTTONS), None)
    if action is None:
        return Ignored("block_actions")
    action_id, field = action["action_id"], "payload.actions.value"
    pressed = {
        **_person(payload),
        **_where(payload),
        "action_id": action_id,
        "action_ts": read_ts(action, "action_ts", "payload.actions.action_ts"),
        "response_url": read_any_text(payload, "response_url", "payload.response_url"),
        "trigger_id": read_any_text(payload, "trigger_id", "payload.trigger_id"),
    }
    value = read_json(field, read_text(action, "value", field))
    if action_id == RETRY_ALL:
        return BurstClick(**pressed, burst=read_text(value, "burst", f"{field}.burst"))
    reason = read_any_text(value, "reason", f"{field}.reason")
    if action_id in OF_AN_ISSUE:
        return IssueClick(**pressed, issue=read_issue_key(value, field), reason=reason)
    key, version = read_deploy(value, field)
    return Click(**pressed, key=key, version=version, reason=reason)


def _person(payload: dict[str, Any]) -> dict[str, str]:
    user = read_object(payload, "user", "payload.user")
    return {
        "team_id": read_id(read_object(payload, "team", "payload.team"), "id", "payload.team.id"),
        "user_id": read_id(user, "id", "payload.user.id"),
        "user_team_id": read_id(user, "team_id", "payload.user.team_id"),
    }


def _where(payload: dict[str, Any]) -> dict[str, Any]:
    """What was clicked: a view or a message. Slack tells a message twice; the container comes first."""
    if "container" not in payload:
        channel = read_object(payload, "channel", "payload.channel")
        message = read_object(payload, "message", "payload.message")
        where = {"channel_id": channel.get("id"), "message_ts": message.get("ts")}
    else:
        where = read_object(payload, "container", "payload.container")
        if where.get("type") == "view":
            return {"shown_to_one": True}
    field = "payload.container"
    return {
        "channel_id": read_id(where, "channel_id", f"{field}.channel_id"),
        "message_ts": read_ts(where, "message_ts", f"{field}.message_ts"),
        "thread_ts": read_ts(where, "thread_ts", f"{field}.thread_ts") if where.get("thread_ts") else "",
        "shown_to_one": where.get("is_ephemeral") is True,
    }


def _parse_submission(payload: dict[str, Any]) -> Request:
    view = read_object(payload, "view", "payload.view")
    if view.get("callback_id") not in (OVERRIDE_VIEW, IGNORE_VIEW):
        return Ignored("view_submission")
    field = "payload.view.private_metadata"
    about = read_json(field, read_text(view, "private_metadata", field))
    state = read_object(view, "state", "payload.view.state")
    entered: Any = read_object(state, "values", "payload.view.state.values")
    for step in (REASON, REASON):  # the block's name and the input's
        entered = read_object(entered, step, f"payload.view.state.values.{REASON}")
    reason = read_any_text(entered, "value", f"payload.view.state.values.{REASON}.value")
    view_id = read_id(view, "id", "payload.view.id")
    if view["callback_id"] == IGNORE_VIEW:
        issue = read_issue_key(about, field)
        return Submission(**_person(payload), view_id=view_id, subject=issue, version=None, reason=reason)
    key, version = read_deploy(about, field)
    return Submission(**_person(payload), view_id=view_id, subject=key, version=version, reason=reason)
