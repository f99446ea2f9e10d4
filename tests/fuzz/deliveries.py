"""What comes in: for each entry point a strategy of whole, damaged and senseless deliveries."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st

from bot.errors import HealthUnreadable, OutcomeUnknown, SlackRefused, TryLater
from tests.builders import ISSUE_ARN, NOW
from tests.fuzz import story
from tests.fuzz.damage import damaged, damaged_bytes, junk
from tests.fuzz.installation import SIGNING_SECRET

TABLE = "table"  # not an entry point of AWS's: somebody's edit, or what a release with a bug left there
SHOWN = 3_000  # characters of an event that a report shows


@dataclass(frozen=True)
class Fault:
    """Something that does not answer while the delivery is handled."""

    port: str  # table, chat, health, pipelines, secret
    what: str = ""  # the method
    error: Exception | None = None
    after: int = 0  # table: so many calls go through
    calls: int = 0


@dataclass
class Delivery:
    """One invocation. `signed` is None where that is nothing Slack has to do with, or nobody can tell."""

    handler: str
    event: Any
    done: list[str] = field(default_factory=list)
    signed: bool | None = None
    fault: Fault | None = None
    words: str = ""  # Slack: the body before it was encoded for the HTTP API

    def __repr__(self) -> str:
        event = json.dumps(self.event)
        shown = event if len(event) <= SHOWN else f"{event[:SHOWN]}… ({len(event)} characters)"
        done = "; ".join(self.done) or "whole"
        return f"\n  {self.handler} {self.fault or ''} {done} signed={self.signed}\n    {shown}\n"


def _files(folder: str) -> list[Any]:
    return [json.loads(file.read_text()) for file in sorted((story.FIXTURES / folder).glob("*.json"))]


PIPELINE = [
    *_files("codepipeline"),
    *(
        story.stage_event(key, state, file)
        for key in (story.WEB, story.API, story.SHOP, story.GATED, story.PATIENT)
        for state, file in (
            ("FAILED", "stage_failed"), ("STARTED", "stage_failed"), ("RESUMED", "stage_failed"),
            ("SUCCEEDED", "stage_failed"), ("FAILED", "pipeline_failed"), ("SUPERSEDED", "pipeline_failed"),
            ("FAILED", "action_failed_in_another_region"),
        )
    ),
]  # fmt: skip
NOTIFICATIONS = [story.notification(key) for key in (story.WEB, story.API)]
NOTIFICATIONS += [
    {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(each)}}]}
    for each in _files("notifications")
]
HEALTH = [
    *_files("health"),
    story.issue_event(),
    story.issue_event(statusCode="closed", lastUpdatedTime="Mon, 23 Nov 2026 05:00:00 GMT"),
    story.issue_event(eventArn=f"{ISSUE_ARN}_2", lastUpdatedTime=None),
    story.issue_event(eventScopeCode="ACCOUNT_SPECIFIC", eventArn=f"{ISSUE_ARN}_3"),
]
JOBS = [
    story.job(story.GATED, 2),
    story.job(story.WEB, 3, services="auto"),
    story.job(story.WEB, 4, services=["RDS"], mode="fail"),
    story.job(story.PATIENT, 5, mode="wait"),
    story.job(story.PATIENT, 6, f"since-{int(NOW.timestamp())}", mode="wait"),
]


@st.composite
def _of(draw: st.DrawFn, handler: str, samples: list[Any]) -> Delivery:
    """A sample, damaged or not; one in ten is no sample at all."""
    if draw(st.integers(0, 9)) == 9:
        return Delivery(handler, draw(junk), ["senseless"])
    return Delivery(handler, *draw(damaged(draw(st.sampled_from(samples)))))


@cache
def _slack_samples() -> list[story.Sample]:
    evening = story.evening()
    words = [text.replace("ISSUE", ISSUE_ARN.rpartition("/")[2]) for text in story.WORDS]
    return [
        *story.clicks(evening).values(),
        *story.submissions(evening).values(),
        story.Sample("slack_request", story.opened_home()),
        story.Sample("slack_request", {"type": "url_verification", "challenge": "3eZbrw1a", "token": "t"}),
        *(story.Sample("slack_request", story.mention(text, f"Ev{number}")) for number, text in enumerate(words)),
        *(story.Sample("slack_request", story.command(text), is_command=True) for text in words),
    ]


CONTENT_TYPES = (
    "application/json", "application/x-www-form-urlencoded", "application/json; charset=utf-8", "text/plain", "",
    "multipart/form-data; boundary=x", "APPLICATION/JSON", "application/x-www-form-urlencoded;", "\ud800",
)  # fmt: skip


@st.composite
def _slack(draw: st.DrawFn) -> Delivery:
    """A request as Slack sends it, damaged in its fields, its encoding, its bytes, its headers, its signature."""
    sample = draw(st.sampled_from(_slack_samples()))
    fields, done = draw(damaged(sample.event))
    body, kind = _encoded(sample, fields)
    body, more = draw(damaged_bytes(body))
    done += more
    if draw(st.integers(0, 29)) == 29:
        kind = draw(st.sampled_from(CONTENT_TYPES))
        done.append(f"content-type {kind!r}")
    now = story.evening().now
    how = draw(
        st.sampled_from(["Slack's"] * 30 + ["none", "another's", "old", "of the future", "of another body"])
    )
    seconds = int(now.timestamp()) + {"old": -301, "of the future": 301}.get(how, 0)
    secret = "somebody-elses" if how == "another's" else SIGNING_SECRET
    signed_body = b"another" if how == "of another body" else body
    digest = hmac.new(secret.encode(), f"v0:{seconds}:".encode() + signed_body, hashlib.sha256).hexdigest()
    headers: dict[str, Any] = {"content-type": kind, "user-agent": "Slackbot 1.0"}
    if how != "none":
        headers |= {"x-slack-request-timestamp": str(seconds), "x-slack-signature": f"v0={digest}"}
    event: dict[str, Any] = {"version": "2.0", "routeKey": "POST /slack/events", "headers": headers}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    as_base64 = not text or draw(st.booleans())
    event |= {"body": base64.b64encode(body).decode() if as_base64 else text, "isBase64Encoded": as_base64}
    signed: bool | None = how in ("Slack's",) or (how == "of another body" and body == b"another")
    if draw(st.integers(0, 19)) == 19:
        event, more = draw(damaged(event))
        done, signed = done + [f"event {each}" for each in more], None if more else signed
    return Delivery("slack_request", event, [f"signature {how}", *done], signed, words=text)


def _encoded(sample: story.Sample, fields: Any) -> tuple[bytes, str]:
    if sample.is_command:
        pairs = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in fields.items()]
        return urlencode(pairs, errors="surrogatepass").encode(), CONTENT_TYPES[1]
    if sample.form:
        return urlencode({"payload": json.dumps(fields)}).encode(), CONTENT_TYPES[1]
    return json.dumps(fields).encode(), CONTENT_TYPES[0]


_NOT_OURS = (("EXEC#1#us-east-1#gone#e#Deploy", "STATE"), ("EXEC#nonsense", "STATE"), ("ISSUE", "x"))


@st.composite
def _stream(draw: st.DrawFn) -> Delivery:
    """A batch of records of items that are there, or were, or never should have been."""
    evening = story.evening()
    places = [place for place in evening.table.items if place[1] == "STATE"]
    found = draw(st.lists(st.sampled_from([*places, *_NOT_OURS]), max_size=4))
    event, done = draw(damaged({"Records": [evening.record(place) for place in found]}))
    done += ["a key that is none"] if _NOT_OURS[1] in found else []
    return Delivery(draw(st.sampled_from(("notify", "resume"))), event, done)


_WRONG: tuple[dict[str, Any] | None, ...] = (
    None, {"NULL": True}, {"BOOL": True}, {"S": "yesterday"}, {"S": "x" * 3_000}, {"S": "#"}, {"N": "-1"},
    {"N": "0"}, {"N": "0.5"}, {"N": "1E+30"}, {"L": []}, {"L": [{"M": {}}]}, {"M": {}}, {"M": {"x": {"S": "x"}}},
    {"S": "9999-12-31T23:59:59.999999Z"}, {"S": "0001-01-01T00:00:00.000000Z"}, {"S": "RESUMING"},
)  # fmt: skip


@st.composite
def _edits(draw: st.DrawFn) -> Delivery:
    """Somebody edits an item of another deploy than web's, or of what they share, in a way the table takes."""
    items = story.evening().table.items
    others = [place for place in items if f"#{story.WEB.pipeline}#" not in "".join(place) and place[0] != "ISSUE"]
    place = draw(st.sampled_from(others))
    names = [name for name in items[place] if name not in ("pk", "sk")]
    wrong = {name: draw(st.sampled_from(_WRONG)) for name in draw(st.lists(st.sampled_from(names), min_size=1))}
    return Delivery(TABLE, {"pk": place[0], "sk": place[1], "wrong": wrong}, ["edited"])


_IN_PEOPLES_WAY = ("post", "update", "find", "user", "team", "open_view", "publish_home", "whisper")
_IN_DEPLOYS_WAY = ("stages", "tags", "planned_actions", "fail_job", "pass_job", "keep_job")
FAULTS = st.one_of(
    st.builds(lambda after, calls: Fault("table", "", None, after, calls), st.integers(0, 12), st.integers(1, 12)),
    st.builds(
        lambda what, error: Fault("chat", what, error),
        st.sampled_from(_IN_PEOPLES_WAY),
        st.sampled_from((TryLater("slow"), SlackRefused("account_inactive"))),
    ),
    st.just(Fault("chat", "post", OutcomeUnknown("time-out"))),
    st.just(Fault("health", error=HealthUnreadable("throttled"))),
    st.just(Fault("secret", error=TryLater("Secrets Manager does not answer"))),
    st.builds(lambda what: Fault("pipelines", what, TryLater("throttled")), st.sampled_from(_IN_DEPLOYS_WAY)),
)

ENTRY_POINTS: dict[str, st.SearchStrategy[Delivery]] = {
    "pipeline_event": _of("pipeline_event", PIPELINE),
    "notification": _of("pipeline_event", NOTIFICATIONS),
    "health_event": _of("health_event", HEALTH),
    "gate": _of("gate", JOBS),
    "slack_request": _slack(),
    "stream": _stream(),
    "sweep": st.one_of(junk, junk.map(lambda what: {"make_due": what}), st.just({"make_due": "all"})).map(
        lambda event: Delivery("sweep", event)
    ),
    TABLE: _edits(),
}


@st.composite
def nights(draw: st.DrawFn, entry_point: str) -> list[Delivery]:
    """A few deliveries to one entry point, or ("everything") to all of them, some while something is down.

    Any of them may come a second time.
    """
    each = st.one_of(*ENTRY_POINTS.values()) if entry_point == "everything" else ENTRY_POINTS[entry_point]
    found = draw(st.lists(each, min_size=1, max_size=4 if entry_point == "everything" else 2))
    for delivery in found:
        if draw(st.integers(0, 3)) == 3:
            delivery.fault = draw(FAULTS)
    if draw(st.booleans()):
        again = draw(st.sampled_from(found))
        found.append(Delivery(again.handler, again.event, [*again.done, "again"], again.signed, words=again.words))
    return found
