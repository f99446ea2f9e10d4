"""What a failure means: its facts, its tags, and which issues explain it."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot import attribution
from bot.issues import all_clear
from bot.lifecycle import Explained, Released, StageFailed
from bot.model import Attribution, Execution, FailedAction, Issue, IssuePhase, PipelineTags, Status, Verdict
from bot.names import issue_at
from bot.ports import StageTruth
from bot.workflows.evidence import with_evidence
from bot.workflows.ledger import IssueReader, Known, open_unreadable
from bot.workflows.world import World, apply

logger = logging.getLogger(__name__)


def regions_of(pipeline_region: str, actions: Iterable[FailedAction], tags: PipelineTags) -> set[str]:
    """Where an issue could explain this failure."""
    return {pipeline_region, *tags.regions, *(action.region for action in actions)}


def failure(world: World, reader: IssueReader, truth: StageTruth, now: datetime) -> StageFailed:
    """Everything a new failed attempt brings: its actions, the pipeline's tags, and its attribution.

    Raises TryLater.
    """
    key = truth.key
    tags = world.pipelines.tags(key.account, key.region, key.pipeline)
    known = reader.read(regions_of(key.region, truth.failed, tags), now)
    failed_at = truth.failed_at or now
    failed, unseen = with_evidence(world, key.account, truth.failed)
    found = attribution.explain(
        failed,
        failed_at,
        key.account,
        tags,
        known.issues,
        now,
        world.policy,
        unreadable=known.unreadable,
        caveat=" ".join(filter(None, (known.caveat, unseen))),
        pipeline_region=key.region,
    )
    if found.verdict is Verdict.UNREADABLE:
        pseudo = open_unreadable(world, now)
        found = replace(found, blockers=(attribution.blocker(pseudo),))
    return StageFailed(failed, failed_at, found, tags, truth.revision, truth.condition)


def explained_by(
    world: World, execution: Execution, issues: Iterable[Issue], now: datetime, caveat: str = ""
) -> Explained | None:
    """The known failure of this execution held against some issues; None when none of them explains it.

    Where a retry is coming, what began since the failure counts too: the retry would run into it.
    """
    retry_at = now if execution.status in (Status.BLOCKED, Status.RESUMING) else None
    found = attribution.explain(
        execution.actions, execution.failed_at, execution.key.account, execution.tags, issues, now, world.policy,
        caveat=caveat, retry_at=retry_at, pipeline_region=execution.key.region,
    )  # fmt: skip
    explains = found.verdict is Verdict.EXPLAINED and found.blockers
    return Explained(found) if explains else None


def look_again(world: World, reader: IssueReader, execution: Execution, now: datetime) -> Explained | None:
    """Attribution once more, for a failure that is known and still stands."""
    known = reader.read(regions_of(execution.key.region, execution.actions, execution.tags), now)
    candidates = known.issues if execution.status is Status.NEEDS_HUMAN else known.open
    return explained_by(world, execution, candidates, now, known.caveat)


def open_explanations(
    world: World, reader: IssueReader, execution: Execution, now: datetime
) -> tuple[Known, Attribution | None]:
    """Before an automatic retry: what is known, and the open issues that explain the failure, if any."""
    known = reader.read(regions_of(execution.key.region, execution.actions, execution.tags), now)
    explained = explained_by(world, execution, known.open, now, known.caveat)
    return known, explained.attribution if explained else None


def release_what_is_clear(world: World, execution: Execution, now: datetime) -> Execution:
    """Write, then read: an issue that was let go before our edge to it was visible releases nobody else.

    Called after every save that holds an execution, and by its own slow clock.
    """
    for blocker in execution.blockers if execution.status in (Status.BLOCKED, Status.NEEDS_HUMAN) else ():
        issue = world.store.load_issue(blocker.issue)
        if issue is None or issue.phase in (IssuePhase.DRAINING, IssuePhase.DONE):
            why = (
                all_clear(issue, world.policy) if issue else f"{issue_at(blocker.service, blocker.region)} is over"
            )
            released = Released(blocker.issue, why, issue.closed_at if issue else None)
            execution = apply(world, execution.key, released, now) or execution
    return execution
