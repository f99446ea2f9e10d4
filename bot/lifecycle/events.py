"""What can happen to a failed stage, in the past tense where it has happened."""

from dataclasses import dataclass
from datetime import datetime

from bot.model import Attribution, FailedAction, PipelineTags


@dataclass(frozen=True, slots=True)
class StageFailed:
    """CodePipeline shows the stage failed. A failure already known (the same action execution ids) is no news."""

    actions: tuple[FailedAction, ...]
    failed_at: datetime
    attribution: Attribution
    tags: PipelineTags
    revision: str = ""
    condition: str = ""  # BEFORE_ENTRY or ON_SUCCESS: `actions` are the failed rules of this stage condition


@dataclass(frozen=True, slots=True)
class StageRunning:
    """CodePipeline shows the stage running again. `by_itself`: its own onFailure retries it."""

    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class StagePassed:
    """CodePipeline shows the stage succeeded."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Another execution is now the stage's latest, or this one was superseded. `by` is its id, "" if unknown.

    `rolled_back`: that other execution is a rollback of the stage.
    """

    by: str = ""
    rolled_back: bool = False


@dataclass(frozen=True, slots=True)
class StageStopped:
    """Somebody stopped the execution."""


@dataclass(frozen=True, slots=True)
class StageGone:
    """The pipeline, or this stage of it, no longer exists."""

    what: str


@dataclass(frozen=True, slots=True)
class Explained:
    """Attribution found open (or just closed) issues that explain the known failure."""

    attribution: Attribution
    by_gate: bool = False  # the gate, asked again, would stop it: a person's retry would too


@dataclass(frozen=True, slots=True)
class Released:
    """The all-clear of one issue has reached this execution."""

    issue: str
    why: str
    cleared_at: datetime | None = None  # when the close reached us; None: now
    not_before_at: datetime | None = None  # when the retry may be made, where many are released; None: at once


@dataclass(frozen=True, slots=True)
class TooOld:
    """Held for longer than MaxAgeHours: a person is asked, once."""


@dataclass(frozen=True, slots=True)
class RetryLost:
    """CodePipeline accepted a retry long ago, or showed the stage running, and still shows the same failure."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The right to call RetryStageExecution, until the lease ends."""

    claim_id: str
    lease_until_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """CodePipeline accepted the claimed retry."""

    claim_id: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """Not now: CodePipeline is busy (the claim is given back), or the check before the claim could not be made."""

    why: str
    until_at: datetime
    claim_id: str = ""  # "" when nothing was claimed
    not_retryable: bool = False  # CodePipeline called the stage not retryable, which may be its own lag
    calendar: str = ""  # a change calendar is closed, or counts as closed
    opens_at: datetime | None = None  # when it opens


@dataclass(frozen=True, slots=True)
class Refused:
    """CodePipeline refused the claimed retry for good."""

    why: str
    claim_id: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """A person closed the way in: the stage's inbound transition is disabled."""

    why: str


@dataclass(frozen=True, slots=True)
class Lapsed:
    """A stage condition cannot be passed as was wished: an override ran out, or the gate cannot be asked again."""

    why: str


@dataclass(frozen=True, slots=True)
class RetryRequested:
    """A person asked for a retry (`by` is a Slack user id)."""

    by: str


@dataclass(frozen=True, slots=True)
class Overridden:
    """Somebody who may has overridden the gate, or the stage condition, that stopped the stage."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dismissed:
    """A person said: don't resume."""

    by: str


@dataclass(frozen=True, slots=True)
class Undone:
    """A person took the dismissal back."""

    by: str


@dataclass(frozen=True, slots=True)
class GateWaits:
    """A gate keeps its job, and with it the deploy: the stage runs, and nothing has failed."""

    since_at: datetime
    until_at: datetime  # the longest it waits
    attribution: Attribution
    tags: PipelineTags
    revision: str = ""


@dataclass(frozen=True, slots=True)
class StageHangs:
    """Actions of the stage run longer than usual, the oldest since `since_at`; `attribution` says what is open."""

    since_at: datetime
    attribution: Attribution
    tags: PipelineTags
    revision: str = ""


@dataclass(frozen=True, slots=True)
class GatePassed:
    """The gate let the deploy through. `by`: the Slack user whose override did it, "" for the all-clear."""

    by: str = ""


@dataclass(frozen=True, slots=True)
class GateLost:
    """The gate keeps its job no more, and CodePipeline shows the stage running all the same."""

    seen_at: datetime


Event = (
    GateWaits
    | GatePassed
    | GateLost
    | StageHangs
    | StageFailed
    | StageRunning
    | StagePassed
    | Overtaken
    | StageStopped
    | StageGone
    | Explained
    | Released
    | TooOld
    | RetryLost
    | Claimed
    | Accepted
    | Postponed
    | Refused
    | Frozen
    | Lapsed
    | RetryRequested
    | Overridden
    | Dismissed
    | Undone
)
