"""What Slack can ask of us, as values. What they carry is a hint: who asks is Slack's word, the record decides."""

from dataclasses import dataclass, field

from bot.model import ExecutionKey


@dataclass(frozen=True, slots=True)
class Challenge:
    """Slack asks whether this address is ours (url_verification); the answer is the text itself."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One of our buttons was clicked: by whom, and where it was shown."""

    team_id: str
    user_id: str
    user_team_id: str  # another one than team_id: someone from outside, by Slack Connect
    action_id: str
    action_ts: str
    channel_id: str = ""  # "" in App Home, which is in no channel
    message_ts: str = ""
    thread_ts: str = ""
    shown_to_one: bool = False  # an ephemeral message or a view: there is no card to compare it with
    response_url: str = field(default="", repr=False)
    trigger_id: str = field(default="", repr=False)  # opens one modal, within three seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Click(Press):
    """A button about one deploy."""

    key: ExecutionKey
    version: int | None = None  # the state the button was drawn from
    reason: str = ""  # one that was given before the question came up which deploy was meant


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstClick(Press):
    """A button about every deploy of a burst."""

    burst: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueClick(Press):
    """A button about an AWS issue."""

    issue: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """A modal of ours was sent off. Who may is asked again: the modal was drawn for somebody who might by then."""

    team_id: str
    user_id: str
    user_team_id: str
    view_id: str
    subject: ExecutionKey | str  # the deploy to override, or the issue to ignore
    version: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command, its text stripped."""

    team_id: str
    user_id: str
    channel_id: str
    text: str
    trigger_id: str = field(repr=False)
    response_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody wrote the app's name. Slack sends it again, at once, after one minute and after five, until 200."""

    team_id: str
    user_id: str
    user_team_id: str
    channel_id: str
    ts: str
    thread_ts: str  # "": it stands in the channel itself
    text: str
    event_id: str


@dataclass(frozen=True, slots=True)
class HomeOpened:
    """Somebody looks at the app's Home."""

    team_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Well formed, and nothing that we act on."""

    what: str


Request = Challenge | Click | BurstClick | IssueClick | Submission | Command | Mention | HomeOpened | Ignored
