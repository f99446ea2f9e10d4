"""What AWS said and when, read from the data files: the ground truth that every replay is judged by.

Nothing here knows Allclear. The feed's own service keys are put in AWS Health's codes: the key in capitals where
the code is not known to be another.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
MINUTE = timedelta(minutes=1)
NOTICE_AFTER = 77 * MINUTE  # the medians of the archive's events that state a window: used where one states none
CLOSED_AFTER = 22 * MINUTE
NEXT_WITHIN = timedelta(hours=1)  # an event this soon after another's close is played together with it
HOME = "us-east-1"  # where those run that a global service broke
EVERYWHERE = ("MULTIPLE_SERVICES", "MANAGEMENTCONSOLE")  # such a headline stands for the Region
HARMLESS = ("BILLINGCONSOLE", "CONNECT", "DIRECTCONNECT", "INTERNETCONNECTIVITY", "SUPPORTCENTER")
"""Issues of these break no deploy inside a Region."""
HEALTH_CODES = {
    "awsiot": "IOT",
    "awswaf": "WAF",
    "certificatemanager": "ACM",
    "ec2systemsmanager": "SSM",
    "elasticsearch": "ES",
    "elb": "ELASTICLOADBALANCING",
    "management-console": "MANAGEMENTCONSOLE",
    "s3-us-standard": "S3",
}


@dataclass(frozen=True, slots=True)
class Post:
    """One post: AWS Health's report changes. `text` is what it says, in our own words."""

    at: datetime
    text: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One public issue, and in which windows deploys really failed for it. `until` None: it never ends."""

    number: int
    service: str
    region: str
    impact: tuple[tuple[datetime, datetime | None], ...]
    opened_at: datetime
    closed_at: datetime | None
    posts: tuple[Post, ...]

    @property
    def arn(self) -> str:
        code = f"AWS_{self.service}_OPERATIONAL_ISSUE"
        return f"arn:aws:health:{self.region}::event/{self.service}/{code}/{code}_{self.number:04d}"

    @property
    def began_at(self) -> datetime:
        return self.impact[0][0]

    @property
    def harmless(self) -> bool:
        return self.service in HARMLESS

    def hurts_at(self, at: datetime) -> bool:
        return any(since <= at and (until is None or at < until) for since, until in self.impact)

    def open_at(self, at: datetime) -> bool:
        """It is on the dashboard and not closed."""
        return self.opened_at <= at and (self.closed_at is None or at < self.closed_at)

    def concerns(self, region: str, services: Iterable[str]) -> bool:
        """Whether it can break what runs in this Region on these services."""
        here = self.region in ("global", region)
        return here and (self.service in EVERYWHERE or self.service in services)


@dataclass(frozen=True, slots=True)
class Episode:
    """What is played together: one timeline, or public events that overlapped."""

    name: str
    title: str
    troubles: tuple[Trouble, ...]
    deliveries_off: tuple[datetime, datetime] | None = None  # EventBridge delivered nothing then, and all later

    @property
    def began_at(self) -> datetime:
        return min(min(trouble.began_at, trouble.opened_at) for trouble in self.troubles)

    @property
    def home(self) -> str:
        """The Region Allclear is installed in: where most of it happens."""
        regions = Counter(trouble.region for trouble in self.troubles if trouble.region != "global")
        return regions.most_common(1)[0][0] if regions else HOME


def _at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


@cache
def timelines() -> tuple[Episode, ...]:
    """The fourteen."""
    told = json.loads((DATA / "timelines.json").read_text(encoding="utf-8"))
    return tuple(_timeline(incident) for incident in told["incidents"])


def _timeline(incident: dict[str, Any]) -> Episode:
    off = incident.get("deliveries_off")
    troubles = []
    for number, issue in enumerate(incident["issues"], 1):
        opened_at, closed_at = _at(issue["opened"]), _at(issue["closed"]) if issue["closed"] else None
        told = {_at(at): Post(_at(at), text) for at, _status, text, _quality in issue["posts"]}
        told = {opened_at: Post(opened_at), **({closed_at: Post(closed_at)} if closed_at else {}), **told}
        windows = tuple((_at(since), _at(until) if until else None) for since, until in issue["impact"])
        posts = tuple(told[at] for at in sorted(told))
        troubles.append(Trouble(number, issue["service"], issue["region"], windows, opened_at, closed_at, posts))
    return Episode(incident["id"], incident["title"], tuple(troubles), (_at(off[0]), _at(off[1])) if off else None)


@cache
def public_events() -> tuple[Episode, ...]:
    """The feed's events, those that overlapped or followed each other within an hour together."""
    lines = (DATA / "public-events-2018-2020.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    troubles = sorted((_trouble(number, row) for number, row in enumerate(rows, 1)), key=lambda t: t.began_at)
    chains: list[list[Trouble]] = []
    until = troubles[0].began_at
    for trouble in troubles:
        if not chains or trouble.began_at > until + NEXT_WITHIN:
            chains.append([])
        chains[-1].append(trouble)
        until = max(until, trouble.closed_at or until)
    return tuple(_episode(chain) for chain in chains)


def _trouble(number: int, row: dict[str, str]) -> Trouble:
    """An event that states no window is given one by the medians."""
    first, last = _at(row["first"]), _at(row["last"])
    since = _at(row["impact_from"]) if row["impact_from"] else first - NOTICE_AFTER
    until = _at(row["impact_until"]) if row["impact_until"] else last - CLOSED_AFTER
    between = [first + (last - first) * part / max(1, int(row["posts"]) - 1) for part in range(int(row["posts"]))]
    code = HEALTH_CODES.get(row["service"], row["service"].upper().replace("-", ""))
    posts = tuple(Post(at.replace(second=0, microsecond=0)) for at in between)
    return Trouble(number, code, row["region"], ((since, until),), first, last, posts)


def _episode(chain: list[Trouble]) -> Episode:
    places = groupby(sorted(chain, key=lambda t: t.region), key=lambda t: t.region)
    where = [f"{region}: {', '.join(sorted({trouble.service for trouble in group}))}" for region, group in places]
    return Episode(f"{chain[0].began_at:%Y-%m-%dT%H:%M}", "; ".join(where), tuple(chain))


def hurting_on(episode: Episode, longer: timedelta) -> Episode:
    """As if each trouble hurt so long after its close: made up, to see what a false all-clear would do."""
    troubles = []
    for trouble in episode.troubles:
        if trouble.closed_at is not None:
            *before, (since, _until) = trouble.impact
            trouble = replace(trouble, impact=(*before, (since, trouble.closed_at + longer)))
        troubles.append(trouble)
    return replace(episode, troubles=tuple(troubles))
