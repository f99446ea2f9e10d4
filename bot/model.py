"""The words of the domain: executions, issues, and what is written down about them. Values only, no I/O.

Instants are aware UTC and end in `_at`. Every value here is immutable; a change is a new value.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """Where an execution's stage stands."""

    BLOCKED = "BLOCKED"  # open issues (or a gate, or unreadable Health) explain the failure
    RESUMING = "RESUMING"  # a retry is owed to CodePipeline
    RETRYING = "RETRYING"  # CodePipeline accepted a retry; the outcome is awaited
    NEEDS_HUMAN = "NEEDS_HUMAN"  # unexplained, budget spent, too old, frozen, or refused
    RECOVERED = "RECOVERED"  # the stage passed
    SUPERSEDED = "SUPERSEDED"  # a newer execution took the stage
    STOPPED = "STOPPED"  # a person stopped the execution
    DISMISSED = "DISMISSED"  # a person said: don't resume

    @property
    def finished(self) -> bool:
        """True where nothing is awaited any more. A DISMISSED execution can still be undone."""
        return self in (Status.RECOVERED, Status.SUPERSEDED, Status.STOPPED, Status.DISMISSED)


@dataclass(frozen=True, slots=True, order=True)
class ExecutionKey:
    """One stage of one pipeline execution: one item, one card, one history.

    None of the five parts can contain '#' (CodePipeline allows letters, digits and .@-_ in names).
    """

    account: str
    region: str
    pipeline: str
    execution_id: str
    stage: str

    def __str__(self) -> str:
        return "#".join((self.account, self.region, self.pipeline, self.execution_id, self.stage))

    @classmethod
    def parse(cls, text: str) -> "ExecutionKey":
        """Read what str() wrote. Raises ValueError on anything else."""
        account, region, pipeline, execution_id, stage = text.split("#")
        if not all((account, region, pipeline, execution_id, stage)):
            raise ValueError("an execution key has five parts, none of them empty")
        return cls(account, region, pipeline, execution_id, stage)


@dataclass(frozen=True, slots=True)
class FailedAction:
    """One failed action of the stage, as ListActionExecutions and GetPipelineState tell it."""

    name: str
    action_execution_id: str
    region: str
    category: str = ""  # Source Build Test Deploy Approval Invoke Compute; RULE: a stage condition's rule
    owner: str = ""  # AWS ThirdParty Custom
    provider: str = ""  # CloudFormation, ECS, Lambda, …
    error_code: str = ""  # JobFailed, ConfigurationError, PermissionError, SystemUnavailable, …
    message: str = ""  # cut at MESSAGE_LIMIT
    external_execution_id: str = ""
    external_execution_url: str = ""
    gate_issues: tuple[str, ...] | None = None
    """None: not Allclear's gate. Else the last ARN segments of the issues the gate named."""
    target: str = ""  # what it works on, as its configuration names it: a stack, or an ECS cluster/service
    services: tuple[str, ...] = ()  # Health services that the failure itself names (bot.evidence)
    build_phase: str = ""  # the CodeBuild phase that failed, where CodeBuild told
    build_fault: bool = False  # that phase broke in CodeBuild itself, not in the team's commands
    beside: tuple[str, ...] = ()  # of a rule: the rules of its condition that did not fail
    reason: str = ""  # the service error that the service behind told, cut at MESSAGE_LIMIT


RULE = "Rule"  # CodePipeline's own category of a stage condition's rule
MESSAGE_LIMIT = 2_000  # characters of an error kept; CodePipeline's own may reach 5,000


@dataclass(frozen=True, slots=True)
class Blocker:
    """An issue that holds an execution, with what the card says about it."""

    issue: str  # the issue's key
    service: str
    region: str
    type_code: str
    start_at: datetime


class Verdict(StrEnum):
    """What attribution concluded about a failure."""

    EXPLAINED = "EXPLAINED"  # an issue explains it
    UNEXPLAINED = "UNEXPLAINED"  # could be AWS's, but no issue says so
    OWN = "OWN"  # the team's own: an approval rejected, configuration, permissions, a build's commands
    UNREADABLE = "UNREADABLE"  # AWS Health could not be read and HealthUnavailable is block


@dataclass(frozen=True, slots=True)
class Attribution:
    """Which issues explain a failure, and the one sentence that says why (or why not)."""

    verdict: Verdict
    reason: str
    blockers: tuple[Blocker, ...] = ()
    caveat: str = ""  # what cannot be confirmed, and why; shown beside the reason


@dataclass(frozen=True, slots=True)
class PipelineTags:
    """The pipeline's own wishes, from its `allclear:*` tags."""

    channel: str = ""
    auto_retry: bool = True
    announce_unexplained: bool = True
    services: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    calendar: str = ""  # an SSM change calendar (name or ARN) that counts beside the stack's
    mode: str = ""  # active or shadow, where the pipeline's is not the stack's
    tier: str = ""  # production goes last: other pipelines are preferred as the canary
    overriders: tuple[str, ...] = ()  # Slack user ids; narrows who the stack lets override, never widens it


@dataclass(frozen=True, slots=True)
class Override:
    """A person's leave for one stage of one execution to pass what stops it, until it expires."""

    key: ExecutionKey
    by: str  # a Slack user id
    reason: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """A retry that is owed: who asked, and not before when."""

    requested_by: str  # ALLCLEAR, or a Slack user id
    requested_at: datetime
    not_before_at: datetime
    postponed: int = 0  # how often CodePipeline or Health said "not now"
    not_retryable: int = 0  # how often of these CodePipeline called the stage not retryable
    override: bool = False  # asked for as an override: what stopped the stage is passed, not checked again
    calendar: str = ""  # the change calendar whose opening it waits for
    opens_at: datetime | None = None  # when that opens, as far as it tells


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to call RetryStageExecution for exactly these failed actions until the lease ends."""

    claim_id: str
    lease_until_at: datetime
    action_execution_ids: tuple[str, ...]  # sorted
    spent_budget: bool


ALLCLEAR = "allclear"  # the actor in history lines that no person caused
TRAIL_LENGTH = 6  # history entries an execution carries for its card; the table keeps them all


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of history: what changed, who caused it, and on what evidence."""

    version: int
    at: datetime
    status: Status
    what: str
    by: str = ALLCLEAR
    evidence: str = ""  # sentences: on what that was decided, and what would have changed it

    @property
    def in_full(self) -> str:
        return f"{self.what.rstrip('.')}. {self.evidence}" if self.evidence else self.what


@dataclass(frozen=True, slots=True)
class Execution:
    """One stage of one pipeline execution that failed, from the failure to its end."""

    key: ExecutionKey
    version: int
    status: Status
    entered_version: int  # the version at which this status (or this failure) began: older buttons are stale
    entered_at: datetime
    first_failed_at: datetime
    failed_at: datetime  # this attempt's failure
    actions: tuple[FailedAction, ...]
    attribution: Attribution
    condition: str = ""  # BEFORE_ENTRY or ON_SUCCESS: the stage condition that failed the stage
    tags: PipelineTags = field(default_factory=PipelineTags)
    revision: str = ""  # the commit's summary and author, as CodePipeline tells them
    note: str = ""  # one sentence: why this status, where the attribution alone does not say it
    blockers: tuple[Blocker, ...] = ()  # what still holds it; shrinks as issues close
    automatic_retries: int = 0
    retries: int = 0  # all accepted retries, clicked ones too
    gate_stops: int = 0  # times the gate stopped a retry again, in a row
    retry: RetryPlan | None = None
    claim: Claim | None = None
    held_at: datetime | None = None  # when the present hold began
    released_at: datetime | None = None  # the all-clear that released it
    finished_at: datetime | None = None
    due_at: datetime | None = None
    waits_until: datetime | None = None  # a gate waits in the running stage, at most until then
    hangs_since: datetime | None = None  # an action has run since then, longer than usual, with an issue open
    trail: tuple[Entry, ...] = ()

    @property
    def waiting(self) -> bool:
        """A gate (mode wait) holds its job and with it the deploy: there is nothing to retry."""
        return self.waits_until is not None

    @property
    def unfailed(self) -> bool:
        """Nothing has failed, and nothing is retried: a gate waits, or an action runs longer than usual."""
        return self.waiting or self.hangs_since is not None

    @property
    def action_execution_ids(self) -> tuple[str, ...]:
        """The failed attempts' ids, sorted: the fence a retry is claimed against."""
        return tuple(sorted(action.action_execution_id for action in self.actions))

    @property
    def stopped_by_gate(self) -> bool:
        return any(action.gate_issues is not None for action in self.actions)

    @property
    def frozen(self) -> bool:
        """The retry that is owed waits for a change calendar to open; nobody is making it."""
        waits = self.status is Status.RESUMING and self.claim is None
        return waits and self.retry is not None and bool(self.retry.calendar)

    @property
    def passes_condition(self) -> bool:
        """What is owed is OverrideStageCondition: a condition failed the stage, so nothing can be retried."""
        return bool(self.condition) and self.retry is not None


class IssuePhase(StrEnum):
    """An issue's own way from open to done."""

    OPEN = "OPEN"
    SETTLING = "SETTLING"  # closed; waiting out the settle time
    CANARY = "CANARY"  # one of those it held goes first, and the rest waits to see how that ends
    DRAINING = "DRAINING"  # releasing what it held, page by page
    DONE = "DONE"


HEALTH_UNREADABLE = "allclear:health-unreadable"  # the pseudo-issue's key and ARN


@dataclass(frozen=True, slots=True)
class IssueReport:
    """What one AWS Health event (or one DescribeEvents row) says about an issue."""

    arn: str
    service: str
    region: str  # a Region, or "global"
    type_code: str
    scope: str  # PUBLIC | ACCOUNT_SPECIFIC
    account: str  # the affected account; "" for PUBLIC
    start_at: datetime
    updated_at: datetime
    closed: bool
    end_at: datetime | None = None
    description: str = ""

    @property
    def key(self) -> str:
        """PUBLIC issues are one everywhere; an account's own is one per affected account."""
        return f"{self.arn}|{self.account}" if self.account else self.arn


@dataclass(frozen=True, slots=True)
class Canary:
    """The deploy that goes first at an issue's all-clear."""

    key: ExecutionKey
    retries: int  # of its retries CodePipeline had accepted so many when it was chosen: one more tells something
    until_at: datetime  # the end of its turn, or of the wait after its failure
    held_by: str = ""  # the key of the open issue that explains its failure: the rest waits


@dataclass(frozen=True, slots=True)
class Issue:
    """An AWS Health issue in the ledger, with where its all-clear stands."""

    report: IssueReport  # the newest one; once closed, the one that closed it
    version: int
    phase: IssuePhase
    first_seen_at: datetime  # its arrival, or the time its oldest known report states, if that is earlier
    newest_at: datetime | None = None  # the newest remark on a closed issue, where it is newer than `report`
    closed_at: datetime | None = None  # when the close reached us
    settled_at: datetime | None = None  # when the settle time ends
    claim_cursor: str | None = None  # None: no unexplained failures left to look through
    canary: Canary | None = None  # the one whose turn it is, or who went first
    canaries: int = 0  # turns that ended without telling anything
    waiting: int = 0  # how many were seen still held while a canary was looked for
    drain_cursor: str = ""  # how far the look for a canary, then the release, has come
    released: int = 0  # retries this all-clear has set off, the canary's apart
    note: str = ""  # one sentence: where its all-clear stands, and why
    due_at: datetime | None = None
    expires_at: datetime | None = None
    ignored_by: str = ""  # a Slack user id: a person said that it holds nothing, whatever AWS says of it
    ignored_reason: str = ""
    ignored_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.report.key

    @property
    def open(self) -> bool:
        return self.phase is IssuePhase.OPEN
