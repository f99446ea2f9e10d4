"""What can happen to an issue, in the past tense."""

from dataclasses import dataclass
from datetime import datetime

from bot.model import Canary, IssueReport


@dataclass(frozen=True, slots=True)
class Reported:
    """AWS Health says this about the issue; at least once, in any order."""

    report: IssueReport


@dataclass(frozen=True, slots=True)
class ClaimedPage:
    """One page of unexplained failures was looked through. `cursor` is None after the last."""

    cursor: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """The settle time is over and the issue is still closed."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Open for longer than IssueMaxAgeHours: it holds nothing any more."""


@dataclass(frozen=True, slots=True)
class SkippedPage:
    """Some of those it held were looked through, and none was chosen to go first. `held` of them still wait."""

    cursor: str
    held: int


@dataclass(frozen=True, slots=True)
class CanaryChosen:
    """One goes first. Saved before it is released, so that nobody can release a second one."""

    canary: Canary


@dataclass(frozen=True, slots=True)
class CanaryFailed:
    """It was retried and failed, and an open issue explains that: the rest waits."""

    held_by: str  # the issue's key
    until_at: datetime


@dataclass(frozen=True, slots=True)
class AnotherCanary:
    """The canary's turn told nothing, or the wait after its failure is over: another is looked for."""

    why: str


@dataclass(frozen=True, slots=True)
class DrainBegun:
    """The rest may follow: the canary's turn is over, or none is needed."""

    why: str


@dataclass(frozen=True, slots=True)
class DrainedPage:
    """One page of held executions was released. `cursor` is None after the last."""

    cursor: str | None
    released: int = 0  # how many retries it set off


@dataclass(frozen=True, slots=True)
class Ignored:
    """A person said that it holds nothing, and why (`by` is a Slack user id)."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unignored:
    """A person took that back."""


IssueEvent = (
    Reported
    | ClaimedPage
    | Settled
    | Expired
    | SkippedPage
    | CanaryChosen
    | CanaryFailed
    | AnotherCanary
    | DrainBegun
    | DrainedPage
    | Ignored
    | Unignored
)
