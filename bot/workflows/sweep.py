"""Every minute: ask what is due, look at the truth, go on. The alarm clock behind everything else."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.errors import AllclearError, HealthUnreadable, NoSupportPlan, TryLater, VersionConflict
from bot.issues import WATCH_EVERY
from bot.model import HEALTH_UNREADABLE, ExecutionKey, Issue, IssuePhase, IssueReport, Status
from bot.ports import Due, DueKind
from bot.workflows import holds, inferring, issue_work, ledger, running
from bot.workflows.bursts import wake
from bot.workflows.ledger import IssueReader
from bot.workflows.observe import Run, observe, run_of
from bot.workflows.retry_all import carry_on
from bot.workflows.world import World

logger = logging.getLogger(__name__)

BATCH = 200  # due items one sweep takes on; the next minute brings the rest
SOON = timedelta(minutes=1)
AFTER_AN_ERROR = timedelta(minutes=5)
WOKEN_AT_LEAST_EVERY = timedelta(minutes=10)
HINT_KEPT = timedelta(days=3)  # longer than any outage of CodePipeline's API yet


def sweep(world: World, now: datetime, out_of_time: Callable[[], bool] = lambda: False) -> int:
    """Work through what is due. Answers how many items failed in a way nobody expected (0 is the norm).

    One bad item never starves the others: its error is logged and its clock pushed. Once `out_of_time`, what is
    left stays due for the next minute.
    """
    dues = world.store.due(now, BATCH)
    if not dues:
        return 0
    reader = IssueReader(world)
    failed = 0
    try:
        _ask_about(world, [due.key for due in dues if due.kind is DueKind.ISSUE], now)
    except Exception:  # what is due is worked through all the same
        logger.exception("the issues that are due could not be asked about")
        failed += 1
    for done, due in enumerate(dues):
        if out_of_time():
            logger.warning(
                "out of time; %d of %d due items are left to the next minute", len(dues) - done, len(dues)
            )
            break
        try:
            _handle(world, reader, due, now)
        except (TryLater, VersionConflict) as busy:
            logger.info("%s %s: later (%s)", due.kind, due.key, busy)
            world.store.postpone(due, now + SOON)
        except Exception:  # a bug met by one item must not stop the sweep for all others
            logger.exception("%s %s failed; its clock is pushed", due.kind, due.key)
            world.store.postpone(due, now + AFTER_AN_ERROR)
            failed += 1
    # An open issue is due every minute, and is one of these unless there are more than one sweep takes on.
    if len(dues) == BATCH or any(due.kind is DueKind.ISSUE for due in dues):
        failed += _what_runs(world, reader, now, out_of_time)
    return failed


def _what_runs(world: World, reader: IssueReader, now: datetime, out_of_time: Callable[[], bool]) -> int:
    try:
        return running.look(world, reader, now, out_of_time)
    except TryLater as busy:
        logger.info("what runs is looked at in the next minute (%s)", busy)
        return 0


def _handle(world: World, reader: IssueReader, due: Due, now: datetime) -> None:
    match due.kind:
        case DueKind.EXECUTION:
            _execution(world, reader, due, now)
        case DueKind.CARD:
            _card(world, due, now)
        case DueKind.HINT:
            _hint(world, reader, due.key, now)
        case DueKind.HOLD:
            holds.look(world, reader, due, now)
        case DueKind.ISSUE:
            _issue(world, reader, due, now)
        case DueKind.BURST:
            _burst(world, due, now)
        case DueKind.INFERRED:
            inferring.go_on(world.store, due.key, now)


def _card(world: World, due: Due, now: datetime) -> None:
    """notify reads the stream; this makes the stream say it again.

    What cannot be read back fails here, and is not sent to hold up a shard of the stream every minute.
    """
    key = ExecutionKey.parse(due.key)
    card, execution = world.store.load_card(key), world.store.load_execution(key)
    if card is None or execution is None:
        return
    world.store.postpone(due, now + patience(execution.trail[-1].at, now))
    world.store.wake_execution(key, now)


def patience(since: datetime, now: datetime) -> timedelta:
    """When to wake a stream reader again that has not acted since then: after a minute, in the end ten.

    It sets a clock of its own whenever it acts, so only one that fails or is away is waited for like this.
    """
    return min(WOKEN_AT_LEAST_EVERY, max(SOON, (now - since) / 8))


def _burst(world: World, due: Due, now: datetime) -> None:
    """Go on with a "Retry all", and have the card drawn by notify, which hears of executions only."""
    world.store.postpone(due, now + SOON)
    carry_on(world.store, due.key, world.policy, now)
    wake(world.store, due.key, now)


def _execution(world: World, reader: IssueReader, due: Due, now: datetime) -> None:
    key = ExecutionKey.parse(due.key)
    execution = world.store.load_execution(key)
    if execution is None:
        return
    if execution.status is Status.RESUMING:  # resume reads the stream; this makes the stream say it again
        owed_at = execution.retry.not_before_at if execution.retry else execution.entered_at
        world.store.postpone(due, now + patience(owed_at, now))
        world.store.wake_execution(key, now)
    else:
        observe(world, reader, run_of(key), {key.stage}, now)


def _hint(world: World, reader: IssueReader, key: str, now: datetime) -> None:
    hint = world.store.load_hint(key)
    if hint is None:
        return
    later = replace(hint, tries=hint.tries + 1, due_at=now + SOON * min(15, 1 << min(hint.tries, 4)))
    try:
        done = observe(world, reader, Run(hint.account, hint.region, hint.pipeline, hint.execution_id), set(), now)
    except (TryLater, VersionConflict):
        world.store.save_hint(later)
        return
    if done or now - hint.seen_at > HINT_KEPT:
        world.store.drop_hint(hint)
    else:
        world.store.save_hint(later)


def _issue(world: World, reader: IssueReader, due: Due, now: datetime) -> None:
    if due.key == HEALTH_UNREADABLE:
        reader.read((), now)  # a good read closes the pseudo-issue
    issue_work.work(world, due.key, now)
    issue = world.store.load_issue(due.key)
    waits = issue is not None and issue.phase in (IssuePhase.OPEN, IssuePhase.CANARY)
    if issue is not None and waits and issue.due_at is not None and issue.due_at <= now:
        world.store.postpone(Due(DueKind.ISSUE, due.key, issue.due_at), now + WATCH_EVERY)


def _ask_about(world: World, keys: Iterable[str], now: datetime) -> None:
    """Re-read the truth about every issue that is due, in as few calls as possible, before acting on any."""
    due = set(keys)
    watched = [issue for issue in world.store.ledger() if issue.key in due and _is_watched(issue)] if due else []
    if not watched:
        return
    try:
        reports = world.health.describe(sorted({issue.report.arn for issue in watched}))
    except (HealthUnreadable, NoSupportPlan) as problem:
        logger.info("%d issues could not be confirmed: %s", len(watched), problem)
        return
    for report in reports:
        for known in _as_known(report, watched):
            try:
                ledger.record(world, known, now)
            except AllclearError:
                logger.exception("the report of %s could not be kept", known.key)


def _is_watched(issue: Issue) -> bool:
    """Until it is done: news that re-opens it stops the release, wherever that has come to."""
    return issue.phase is not IssuePhase.DONE and issue.report.arn != HEALTH_UNREADABLE


def _as_known(report: IssueReport, watched: Iterable[Issue]) -> Iterable[IssueReport]:
    """An account's own issue keeps the account its event named; one event may concern several accounts."""
    return [replace(report, account=issue.report.account) for issue in watched if issue.report.arn == report.arn]
