"""What is said of an inferred incident: by its burst's card, `issues` and `status`. Pure.

It tells what fails alike, and never that AWS has an incident. Safe mrkdwn, except `headline`, which is plain.
"""

from bot.bursts import InferredShown
from bot.inferred import MEMBERS_KEPT, PIPELINES, QUIET_AFTER, Ended, Inferred
from bot.names import issue_at, place
from bot.service_errors import Fault
from bot.slack.mrkdwn import bold, clean, cut, duration_text, escape, slack_date

NAMED = 10  # pipelines

_HOW = {
    Fault.SERVER: "the service answers with errors of its own (5xx, internal)",
    Fault.THROTTLING: "the service refuses them for too many calls, which may be this account's own doing",
}
# 418 incidents with a stated impact window in an archive of AWS's public posts, May 2018 to April 2023.
_NOTICE = (
    "AWS has posted nothing yet, as far as Allclear has heard, that explains this; in our figures the first post"
    " comes a median of 77 minutes after impact starts."
)
_HOLDS_NOTHING = "Nothing is held back or retried for it."


def shown(incident: Inferred) -> InferredShown:
    return InferredShown(incident.incident_id, stands(incident), incident.live)


def headline(incident: Inferred) -> str:
    """ "ECS in us-east-1: 4 pipelines fail alike"."""
    return f"{cut(clean(issue_at(incident.service, incident.region)), 75)}: {_count(incident)} fail alike"


def stands(incident: Inferred) -> str:
    """What fails alike, or how that ended."""
    if incident.live:
        quiet = f"It ends {duration_text(QUIET_AFTER)} after the last such failure."
        return f"{_fails_alike(incident, 'fail')}: {_HOW[incident.fault]}. {_NOTICE} {_HOLDS_NOTHING} {quiet}"
    failed = _fails_alike(incident, "failed")
    if incident.ended is Ended.ADOPTED and incident.issue is not None and incident.ended_at is not None:
        issue = escape(issue_at(incident.issue.service, incident.issue.region), 75)
        later = duration_text(incident.ended_at - incident.seen_at)
        return (
            f"{failed}. AWS has posted an issue that explains it, {issue}, {later} after Allclear had seen this."
        )
    if incident.ended is Ended.QUIET:
        return (
            f"{failed}. No such failure has come for {duration_text(QUIET_AFTER)}, so this is over here. AWS has"
            " posted nothing, as far as Allclear has heard, that explains it."
        )
    return f"{failed}. Fewer than {PIPELINES} of them are left that may be AWS's, so nothing is inferred any more."


def line(incident: Inferred) -> str:
    """A live one in short, for a list."""
    alike = _fails_alike(incident, "fail")
    return f"Inferred, not AWS's word: {alike} · AWS has posted nothing that explains it · holds nothing"


def _fails_alike(incident: Inferred, verb: str) -> str:
    """ "*ECS* in us-east-1: 4 pipelines fail alike since …, the last at …: *api*, *web*"."""
    names = incident.pipelines
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    named = ", ".join(bold(name, 40) for name in names[:NAMED])
    where = f"{bold(incident.service, 40)} {escape(place(incident.region), 33)}"
    times = f"since {slack_date(incident.since_at)}, the last at {slack_date(incident.last_at)}"
    return f"{where}: {_count(incident)} {verb} alike {times} ({named}{more})"


def _count(incident: Inferred) -> str:
    """At least so many: not more than MEMBERS_KEPT failures are kept."""
    at_least = "at least " if len(incident.members) >= MEMBERS_KEPT else ""
    return f"{at_least}{len(incident.pipelines)} pipelines"
