"""How the domain's things are called in sentences. Pure; plain text, which Slack's side has still to escape."""

from collections.abc import Iterable

from bot.model import HEALTH_UNREADABLE, Blocker

NO_PLAN = (
    "AWS Health's API needs a paid support plan, so only the events that reached Allclear count; "
    "this cannot be confirmed."
)


def place(region: str) -> str:
    """ "in us-east-1", or "everywhere": what AWS Health calls global has no Region to name."""
    return "everywhere" if region == "global" else f"in {region}"


def issue_at(service: str, region: str) -> str:
    """ "ECS in us-east-1", "IAM everywhere"."""
    return f"{service} {place(region)}"


def unreadable_health(blockers: Iterable[Blocker]) -> bool:
    """Whether what holds it is, among others, that AWS Health cannot be read."""
    return any(blocker.issue == HEALTH_UNREADABLE for blocker in blockers)
