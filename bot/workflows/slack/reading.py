"""The words that only read: status, why, history, issues. Raises TryLater."""

from datetime import datetime

from bot.cards import inferred_text
from bot.slack.answers import Answer, deploy_line
from bot.slack.explanation import explain_verdict
from bot.slack.history import history_lines, past_line
from bot.slack.issue_answers import concerning, issue_line
from bot.slack.mrkdwn import bold
from bot.workflows.slack.desk import PAGE, Desk, of_pipeline, suggestion, unfinished

SHOWN_AT_MOST = 50
ISSUES_SHOWN = 20
INFERRED_SHOWN = 5
EXPLAINED_AT_MOST = 3
ENDED_SHOWN = 20


def status(desk: Desk) -> Answer:
    """Everything that is not finished."""
    found = unfinished(desk)
    shown = found.executions[:SHOWN_AT_MOST]
    lines = [*_inferred(desk), *(f"• {deploy_line(each, desk.policy, shown)}" for each in shown)]
    more = len(found.executions) - len(shown)
    if more > 0:
        lines.append(f"and {'' if found.counted_all else 'at least '}{more} more; name a pipeline to see its own.")
    return Answer("\n".join(lines) or "Nothing is held.")


def status_of(desk: Desk, pipeline: str) -> Answer:
    executions = of_pipeline(desk, pipeline)
    held = [each for each in executions if not each.status.finished]
    if held:
        return Answer("\n".join(f"• {deploy_line(each, desk.policy, held)}" for each in held))
    if executions:
        last = deploy_line(executions[0], desk.policy)
        return Answer(f"Nothing of {bold(pipeline)} is held. Last: {last}")
    return unknown_pipeline(desk, pipeline, f"Nothing of {bold(pipeline)} is held, and no failure of it is known.")


def unknown_pipeline(desk: Desk, pipeline: str, what: str) -> Answer:
    return Answer(f"{what} Names are case-sensitive.{suggestion(desk, pipeline)}")


def why(desk: Desk, pipeline: str) -> Answer:
    """How its newest failures were judged: those that are not finished, else the last."""
    executions = of_pipeline(desk, pipeline)
    if not executions:
        return unknown_pipeline(desk, pipeline, f"No failure of {bold(pipeline)} is known.")
    newest = [each for each in executions if not each.status.finished][:EXPLAINED_AT_MOST] or executions[:1]
    issues, regions = desk.store.ledger(), desk.store.inferred()
    lines = [explain_verdict(each, issues, desk.policy) for each in newest]
    alike = [incident for each in newest for record in regions if (incident := record.of(each.key)) is not None]
    return Answer("\n".join([*lines, *dict.fromkeys(map(inferred_text.line, alike))]))


def history_of(desk: Desk, pipeline: str, now: datetime) -> Answer:
    """Its deploys, the newest first, and every line about the newest."""
    executions = of_pipeline(desk, pipeline)
    if not executions:
        return unknown_pipeline(desk, pipeline, f"No failure of {bold(pipeline)} is known.")
    newest, *older = executions
    lines = [f"• {past_line(newest, now)}", *history_lines(desk.store.history(newest.key))]
    return Answer("\n".join([*lines, *(f"• {past_line(each, now)}" for each in older)]))


def history(desk: Desk, now: datetime) -> Answer:
    """What ended last, in every pipeline."""
    ended = desk.store.finished(ENDED_SHOWN)
    open_now = unfinished(desk, PAGE)
    count = f"{'' if open_now.counted_all else 'at least '}{len(open_now.executions)}"
    first = f"{count} not finished; `status` lists them." if open_now.executions else "Nothing is held."
    lines = [f"• {past_line(each, now)}" for each in ended]
    return Answer("\n".join([first, *lines] if lines else [first, "Nothing has ended yet."]))


def issues(desk: Desk) -> Answer:
    """What is open at AWS, as far as Allclear has met it, and what it holds."""
    shown, alike = concerning(desk.store.ledger()), _inferred(desk)
    if not shown:
        return Answer("\n".join(["No AWS issue is open that Allclear has heard of.", *alike]))
    found = unfinished(desk)
    lines = [
        f"• {issue_line(issue, found.executions, counted_all=found.counted_all)}" for issue in shown[:ISSUES_SHOWN]
    ]
    if len(shown) > ISSUES_SHOWN:
        lines.append(f"and {len(shown) - ISSUES_SHOWN} more.")
    return Answer("\n".join([*lines, *alike]))


def _inferred(desk: Desk) -> list[str]:
    """What fails alike, and no AWS issue explains."""
    live = [incident for record in desk.store.inferred() for incident in record.live()]
    return [f"• {inferred_text.line(incident)}" for incident in live[:INFERRED_SHOWN]]
