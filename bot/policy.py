"""The stack's settings as one typed value. Parsed once from the environment; the names are the template's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot.errors import ParseError
from bot.model import PipelineTags

# The reasons are figures about public incidents: these services' issues never broke a deploy of another's.
DEFAULT_IGNORED_SERVICES = ("DIRECTCONNECT", "BILLING*", "CONNECT", "INTERNETCONNECTIVITY", "SUPPORTCENTER")


CALENDAR = re.compile(
    r"[A-Za-z0-9_.-]{3,128}|arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:document/[A-Za-z0-9_.-]{3,128}", re.ASCII
)  # an SSM document's name or ARN, as template.yaml takes it


class WhenHealthUnreadable(StrEnum):
    """What a transient failure to read AWS Health means for a deploy."""

    BLOCK = "block"
    ALLOW = "allow"


class Mode(StrEnum):
    """Whether Allclear acts by itself."""

    ACTIVE = "active"
    SHADOW = "shadow"  # everything is tracked, explained and shown, and nothing is retried unasked


@dataclass(frozen=True, slots=True)
class Policy:
    """What the installer decided. Durations are timedeltas; ids are Slack's."""

    settle: timedelta = timedelta(seconds=300)
    max_automatic_retries: int = 3
    max_age: timedelta = timedelta(hours=24)
    late_issue: timedelta = timedelta(minutes=240)
    issue_max_age: timedelta = timedelta(hours=48)
    ignored_services: tuple[str, ...] = DEFAULT_IGNORED_SERVICES
    health_unavailable: WhenHealthUnreadable = WhenHealthUnreadable.BLOCK
    mode: Mode = Mode.ACTIVE
    infer_incidents: bool = True  # say so where several pipelines fail alike and AWS has posted nothing
    change_calendar: str = ""  # an SSM change calendar's name or ARN
    slack_channel: str = ""
    on_call_mention: str = ""
    override_user_group: str = ""  # a Slack user group's id
    provider_services: tuple[tuple[str, frozenset[str]], ...] = ()  # in place of bot.providers' own
    override_users: tuple[str, ...] = ()  # Slack user ids; this and the group empty: nobody may override

    def ignores(self, service: str) -> bool:
        """True when the stack's IgnoredServices name `service` (a trailing * is a prefix)."""
        return any(
            service.startswith(name[:-1]) if name.endswith("*") else service == name
            for name in self.ignored_services
        )

    def is_shadow(self, tags: PipelineTags) -> bool:
        """True where Allclear only says what it would do. The pipeline's own tag decides, where it has one."""
        return (tags.mode or self.mode) == Mode.SHADOW

    def calendars(self, tags: PipelineTags) -> tuple[str, ...]:
        """The change calendars that must all be open for an automatic retry: the stack's, the pipeline's own."""
        return tuple(dict.fromkeys(name for name in (self.change_calendar, tags.calendar) if name))


_PROVIDER = re.compile(r"[A-Za-z0-9_@.\-]{1,100}")
_SERVICES = re.compile(r"[A-Z0-9_]{1,64}(?:\+[A-Z0-9_]{1,64})*")


def _provider_services(text: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """`CodeBuild=CODEBUILD+ECR, MyDeployer=ECS`: each provider once. Raises ParseError."""
    found: dict[str, frozenset[str]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        provider, _, services = part.partition("=")
        if not _PROVIDER.fullmatch(provider) or not _SERVICES.fullmatch(services) or provider in found:
            raise ParseError(
                "PROVIDER_SERVICES", f"must name each provider once, such as CodeBuild=CODEBUILD+ECR, not {part!r}"
            )
        found[provider] = frozenset(services.split("+"))
    return tuple(found.items())


def parse_policy(environment: Mapping[str, str]) -> Policy:
    """Read the settings from environment variables. Raises ParseError naming the variable."""

    def whole(name: str, default: int, least: int) -> int:
        text = environment.get(name, "").strip()
        if not text:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
            raise ParseError(name, f"must be a whole number of at least {least}, not {text!r}")
        return int(text)

    health = environment.get("HEALTH_UNAVAILABLE", "").strip() or WhenHealthUnreadable.BLOCK
    if health not in tuple(WhenHealthUnreadable):
        raise ParseError("HEALTH_UNAVAILABLE", f"must be block or allow, not {health!r}")
    calendar = environment.get("CHANGE_CALENDAR", "").strip()
    if calendar and not CALENDAR.fullmatch(calendar):
        raise ParseError("CHANGE_CALENDAR", f"must be a change calendar's name or ARN, not {calendar!r}")
    mode = environment.get("MODE", "").strip() or Mode.ACTIVE
    if mode not in tuple(Mode):
        raise ParseError("MODE", f"must be active or shadow, not {mode!r}")
    infer = environment.get("INFER_INCIDENTS", "").strip() or "on"
    if infer not in ("on", "off"):
        raise ParseError("INFER_INCIDENTS", f"must be on or off, not {infer!r}")
    ignored = environment.get("IGNORED_SERVICES")
    return Policy(
        settle=timedelta(seconds=whole("SETTLE_SECONDS", 300, 0)),
        max_automatic_retries=whole("MAX_AUTOMATIC_RETRIES", 3, 0),
        max_age=timedelta(hours=whole("MAX_AGE_HOURS", 24, 1)),
        late_issue=timedelta(minutes=whole("LATE_ISSUE_MINUTES", 240, 0)),
        issue_max_age=timedelta(hours=whole("ISSUE_MAX_AGE_HOURS", 48, 1)),
        ignored_services=(
            DEFAULT_IGNORED_SERVICES
            if ignored is None
            else tuple(name.strip().upper() for name in ignored.split(",") if name.strip())
        ),
        health_unavailable=WhenHealthUnreadable(health),
        mode=Mode(mode),
        infer_incidents=infer == "on",
        change_calendar=calendar,
        provider_services=_provider_services(environment.get("PROVIDER_SERVICES", "")),
        slack_channel=environment.get("SLACK_CHANNEL", "").strip(),
        on_call_mention=environment.get("ON_CALL_MENTION", "").strip(),
        override_user_group=environment.get("OVERRIDE_USER_GROUP", "").strip(),
        override_users=tuple(
            user.strip() for user in environment.get("OVERRIDE_USERS", "").split(",") if user.strip()
        ),
    )
