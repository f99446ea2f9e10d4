"""Where an execution's one Slack message is. Values only, no I/O."""

from dataclasses import dataclass
from datetime import datetime

from bot.model import ExecutionKey


@dataclass(frozen=True, slots=True)
class CardRef:
    """Where an execution's one Slack message is, and which version of the state it shows."""

    key: ExecutionKey
    revision: int  # optimistic lock of this item alone
    wanted_version: int  # the newest saved state
    rendered_version: int = 0
    channel: str = ""  # the id chat.postMessage answered with
    ts: str = ""
    posting_at: datetime | None = None  # a post was begun and its outcome is not known
    undeliverable: str = ""  # Slack's error code when it will never take the card
    failures: int = 0
    due_at: datetime | None = None
    thread_ts: str = ""  # its message is a reply in this thread
    burst: str = ""  # the burst that lists it
    joined: bool = False  # placed in the burst's thread; False with a burst: its own message was there before
    asked_version: int = 0  # the entered_version of the NEEDS_HUMAN people have been told of
    asking_at: datetime | None = None  # the reply that tells them was begun and its outcome is not known
