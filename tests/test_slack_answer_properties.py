"""Whatever people type and whatever foreign text the table holds: nothing pings, links or breaks a limit."""

import json
import re
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.issue_events import Ignored
from bot.issues import advance_issue
from bot.model import Entry, Status
from bot.slack.port import Message
from bot.slack.requests import HomeOpened
from bot.workflows.slack.clicks import handle_click
from bot.workflows.slack.desk import Desk
from bot.workflows.slack.home import open_home
from bot.workflows.slack.mentions import handle_mention
from bot.workflows.slack.modals import handle_submission
from playground.slack_limits import check_view
from tests.builders import KEY, NOW, a_gate_action, a_report, an_action, an_attribution, an_execution, an_issue
from tests.fakes.chat import ALICE, TEAM
from tests.slack_desk import LATER, POLICY, a_desk, chat_of, keep, mentioned, pressed, pressed_issue, say

from tests.slack_desk import store_of, submitted  # isort: skip

# What our own builders write: dates, and people and the group by ids of their own shape.
OWN = re.compile(
    r"<!date\^\d+\^\{date_short_pretty\} at \{time\}\|[^<>|]+>|<@[UW][A-Z0-9]{1,20}>|<!subteam\^S[A-Z0-9]+>"
)
MEAN = (
    "<!channel>", "<!here|x>", "<@U0EVIL>", "<#C0EVIL>", "<https://evil.example|click>", "`", "*",
    "&lt;!channel&gt;", "\u202e", "\n", "\u2028<!everyone>", "<", ">", "|", "<mailto:a@b.c|x>",
)  # fmt: skip
foreign = st.lists(st.one_of(st.sampled_from(MEAN), st.text(max_size=12)), max_size=6).map("".join)
words = st.sampled_from(["status", "why", "history", "issues", "retry", "override", "ignore", "help", ""])


def texts(part: object) -> list[str]:
    """Every text a person sees, and every value a button or a modal carries aside."""
    if isinstance(part, dict):
        return [each for name, inner in part.items() if name not in ("value", "private_metadata", "initial_value")
                for each in texts(inner)]  # fmt: skip
    if isinstance(part, list | tuple):
        return [each for inner in part for each in texts(inner)]
    return [part] if isinstance(part, str) else []


def check_harmless(shown: object) -> None:
    """In no kind of text is there a `<!`, `<@` or `<#` that our builders did not write."""
    for text in texts(shown):
        assert not re.search(r"<[!@#]", OWN.sub("", text)), text


def check_mrkdwn(part: object) -> None:
    """In mrkdwn no `<` is left at all that our builders did not write, and nothing is looked through for links."""
    if isinstance(part, dict):
        if part.get("type") == "mrkdwn":
            assert part["verbatim"] is True
            assert "<" not in OWN.sub("", part["text"])
        for inner in part.values():
            check_mrkdwn(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            check_mrkdwn(inner)


def a_hostile_desk(text: str) -> Desk:
    """A held deploy, one that ended and an issue, with `text` wherever foreign text may stand."""
    desk = a_desk()
    trail = (Entry(1, NOW, Status.BLOCKED, text, text or "x"),)
    held: dict[str, Any] = {
        "actions": (a_gate_action(text), an_action(name=text, provider=text, region=text, message=text)),
        "attribution": an_attribution(reason=text, caveat=text),
        "note": text,
        "revision": text,
        "trail": trail,
    }
    key = replace(KEY, region=text.replace("#", "") or "r", stage=text.replace("#", "") or "s")
    keep(desk, an_execution(key=key, **held), an_execution(status=Status.NEEDS_HUMAN, **held))
    keep(desk, an_execution(key=replace(key, pipeline="shop"), status=Status.RECOVERED, held_at=NOW, **held))
    report = a_report(service=text, region=text, type_code=text, arn=f"arn:{text}", description=text)
    issue = an_issue(report=report)
    store_of(desk).save_issue(replace(advance_issue(issue, Ignored(ALICE, text), NOW, POLICY), version=1))
    store_of(desk).save_issue(an_issue(report=replace(report, arn=f"arn:open:{text}")))
    return desk


@given(words, foreign, foreign)
@settings(max_examples=150, deadline=None)
def test_no_words_make_an_answer_that_pings_links_or_breaks_out(word: str, subject: str, rest: str) -> None:
    desk = a_hostile_desk(rest)
    for text in (f"{word} {subject} {rest}", f"{word} web {rest}", f"{subject} {word}"):
        answer = say(desk, text, request=text)
        assert "<" not in OWN.sub("", answer.text)
        check_harmless(answer.blocks)
        check_mrkdwn(answer.blocks)


@given(words, foreign)
@settings(max_examples=80, deadline=None)
def test_no_mention_makes_a_message_that_does(word: str, text: str) -> None:
    desk = a_hostile_desk(text)
    assert handle_mention(desk, mentioned(f"{word} {text}"), LATER)
    chat = chat_of(desk)
    said: list[Message | Any] = [*chat.messages.values(), *chat.whispers]
    for message in said:
        assert "<" not in OWN.sub("", message.text)
        check_harmless(message.blocks)
        check_mrkdwn(message.blocks)


@given(foreign)
@settings(max_examples=80, deadline=None)
def test_no_reason_or_name_makes_a_modal_or_a_home_that_does(text: str) -> None:
    desk = a_hostile_desk(text)
    open_home(desk, HomeOpened(TEAM, ALICE), LATER)
    execution = an_execution(actions=(a_gate_action(text),))
    store_of(desk).executions[KEY] = execution
    card = store_of(desk).cards[KEY]
    store_of(desk).cards[KEY] = replace(card, channel="C0DEPLOYS", ts="1795400400.000000")
    handle_click(desk, pressed(action_id="override", reason=text), LATER)
    handle_click(desk, pressed_issue(issue=f"arn:open:{text}", trigger_id="2"), LATER)
    shown: list[Any] = [*chat_of(desk).homes.values(), *(view for _, view in chat_of(desk).views)]
    assert len(shown) >= 3
    outcome = handle_submission(desk, submitted(reason=text), LATER)
    if outcome["response_action"] == "update":
        check_view(outcome["view"], "views.open")
        shown.append(outcome["view"])
    for view in shown:
        check_harmless(view["blocks"])
        check_mrkdwn(view["blocks"])
        assert json.dumps(view)
