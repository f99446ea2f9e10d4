"""Incidents that AWS has not posted: several pipelines fail alike within minutes, and no issue explains it. Pure.

Alike is: in one Region, on one service, by one kind of service error. What follows is words on a card alone: no
gate, no retry and no attribution looks here (docs/decisions/0020-inferred-incidents.md has the reasons, and those
for the figures).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model import HEALTH_UNREADABLE, Blocker, Execution, ExecutionKey, Status, Verdict
from bot.policy import Policy
from bot.providers import SERVICES_OF_EVERY_ACTION
from bot.service_errors import Fault, ServiceError, service_error

PIPELINES = 3  # so many different ones; several failures of one pipeline count once
WITHIN = timedelta(minutes=15)  # from the first to the last of them
QUIET_AFTER = timedelta(hours=1)  # without a new like failure it is over
# What keeps a Region's item far below the table's 400 KB.
SIGHTINGS_KEPT = 100
MEMBERS_KEPT = 30
ENDED_KEPT = 10
KEPT_AFTER_END = timedelta(hours=24)


class Ended(StrEnum):
    """Why an inferred incident is over."""

    QUIET = "QUIET"  # no new like failure for QUIET_AFTER
    ADOPTED = "ADOPTED"  # AWS posted an issue that explains it
    DISPROVED = "DISPROVED"  # too few of its failures turned out to be service errors that nothing explains


@dataclass(frozen=True, slots=True)
class Sighting:
    """One failure by a service error that no issue explains."""

    key: str  # str(ExecutionKey)
    failed_at: datetime
    services: tuple[str, ...]  # sorted
    fault: Fault

    @property
    def pipeline(self) -> tuple[str, str, str]:
        key = ExecutionKey.parse(self.key)
        return key.account, key.region, key.pipeline


@dataclass(frozen=True, slots=True)
class Inferred:
    """Pipelines that fail alike. Provisional: AWS has said nothing."""

    incident_id: str  # begins with its Region and a '#'
    region: str
    service: str
    fault: Fault
    since_at: datetime  # the first failure
    last_at: datetime  # the newest
    seen_at: datetime  # when it was inferred
    members: tuple[Sighting, ...]  # the newest failure of each execution, MEMBERS_KEPT at most
    told: bool = False  # the cards of its members have been looked at again since it began, or was adopted
    ended_at: datetime | None = None
    ended: Ended | None = None
    issue: Blocker | None = None  # what AWS posted

    @property
    def live(self) -> bool:
        return self.ended_at is None

    @property
    def pipelines(self) -> tuple[str, ...]:
        """Their names, each pipeline once, in the order of their names."""
        return tuple(
            name for _, _, name in sorted({each.pipeline for each in self.members}, key=lambda p: p[::-1])
        )

    def lists(self, key: str) -> bool:
        return any(each.key == key for each in self.members)

    def is_like(self, sighting: Sighting) -> bool:
        near = self.since_at - QUIET_AFTER <= sighting.failed_at <= self.last_at + QUIET_AFTER
        return near and sighting.fault is self.fault and self.service in sighting.services


@dataclass(frozen=True, slots=True)
class RegionRecord:
    """What was seen in one Region lately. One small item, saved under its revision."""

    region: str
    revision: int = 0
    at: datetime | None = None  # of the last change
    sightings: tuple[Sighting, ...] = ()  # of no incident yet
    incidents: tuple[Inferred, ...] = ()  # live ones, and for a day those that ended
    due_at: datetime | None = None

    def live(self) -> tuple[Inferred, ...]:
        return tuple(each for each in self.incidents if each.live)

    def incident(self, incident_id: str) -> Inferred | None:
        return next((each for each in self.incidents if each.incident_id == incident_id), None)

    def of(self, key: ExecutionKey) -> Inferred | None:
        """The live incident that lists this execution."""
        return next((each for each in self.live() if each.lists(str(key))), None)


def region_of(incident_id: str) -> str:
    return incident_id.partition("#")[0]


def error_of(execution: Execution, policy: Policy) -> ServiceError | None:
    """The service error of the execution's failure (the first action's, by name); None if there is none."""
    met = (service_error(action, policy) for action in sorted(execution.actions, key=lambda each: each.name))
    return next((error for error in met if error is not None), None)


def counts(execution: Execution) -> bool:
    """Whether nothing explains the failure, and it waits for a person for that reason."""
    unexplained = execution.attribution.verdict is Verdict.UNEXPLAINED and not execution.blockers
    return execution.status is Status.NEEDS_HUMAN and unexplained and not execution.condition


def explained_by(execution: Execution) -> Blocker | None:
    """The AWS issue that was found to explain the failure."""
    if execution.attribution.verdict is not Verdict.EXPLAINED:
        return None
    return next((each for each in execution.attribution.blockers if each.issue != HEALTH_UNREADABLE), None)


def look(record: RegionRecord, execution: Execution, error: ServiceError, now: datetime) -> RegionRecord:
    """What the execution, as it stands, adds to the record or takes from it. The same object: nothing.

    `error` is its `error_of`. Looking twice, at older states, in any order is harmless.
    """
    seen = Sighting(str(execution.key), execution.failed_at, tuple(sorted(error.services)), error.fault)
    after = _after_time(record, now)
    issue = explained_by(execution)
    if counts(execution):
        after = _sighted(after, seen, now)
    elif issue is not None:
        after = _without(after, seen, Ended.ADOPTED, issue, now)
    elif execution.attribution.verdict is Verdict.OWN:
        after = _without(after, seen, Ended.DISPROVED, None, now)
    return _saved(after, record, now)


def pass_time(record: RegionRecord, now: datetime) -> RegionRecord:
    """The record as its clock leaves it: what is quiet has ended, and all has been told of.

    The same object: nothing changed. Whoever saves it has the cards of `untold` looked at again before.
    """
    after = _after_time(record, now)
    incidents = tuple(each if each.told else replace(each, told=True) for each in after.incidents)
    return _saved(replace(after, incidents=incidents), record, now)


def untold(record: RegionRecord) -> tuple[str, ...]:
    """The executions whose cards, or the burst cards that list them, may say what was so before."""
    return tuple(each.key for incident in record.incidents if not incident.told for each in incident.members)


def _sighted(record: RegionRecord, seen: Sighting, now: datetime) -> RegionRecord:
    known = [each for incident in record.incidents for each in incident.members if each.key == seen.key]
    known += [each for each in record.sightings if each.key == seen.key]
    if any(each.failed_at >= seen.failed_at for each in known) or now - seen.failed_at >= QUIET_AFTER:
        return record
    others = [each for each in record.sightings if each.key != seen.key]
    sightings = sorted([*others, seen], key=lambda each: (each.failed_at, each.key))[-SIGHTINGS_KEPT:]
    return _settled(replace(record, sightings=tuple(sightings)), now)


def _settled(record: RegionRecord, now: datetime) -> RegionRecord:
    """Every sighting that belongs to a live incident is a member of it; what is a crowd by itself is a new one."""
    while True:
        for incident in record.live():
            alike = [each for each in record.sightings if incident.is_like(each)]
            if alike:
                record = _joined(record, incident, alike)
                break
        else:
            crowd = _crowd(record.sightings)
            if crowd is None:
                return record
            record = _begun(record, *crowd, now)


def _joined(record: RegionRecord, incident: Inferred, alike: list[Sighting]) -> RegionRecord:
    newest = {each.key: each for each in (*incident.members, *alike)}
    members = tuple(sorted(newest.values(), key=lambda each: (each.failed_at, each.key)))
    grown = replace(
        incident,
        members=members[:MEMBERS_KEPT],
        since_at=min(incident.since_at, *(each.failed_at for each in alike)),
        last_at=max(incident.last_at, *(each.failed_at for each in alike)),
        told=incident.told and len(alike) == 1,  # else an older one is among them
    )
    left = tuple(each for each in record.sightings if each not in alike)
    return _with(replace(record, sightings=left), grown)


def _crowd(sightings: tuple[Sighting, ...]) -> tuple[str, list[Sighting]] | None:
    """The service that most different pipelines failed on alike within WITHIN; None: of none there are enough."""
    best: tuple[int, str, list[Sighting]] | None = None
    for service, fault in sorted({(name, each.fault) for each in sightings for name in each.services}):
        alike = [each for each in sightings if service in each.services and each.fault is fault]
        for first in alike:
            near = [each for each in alike if timedelta(0) <= each.failed_at - first.failed_at <= WITHIN]
            number = len({each.pipeline for each in near})
            if number >= PIPELINES and (best is None or number > best[0]):
                best = (number, service, near)
    return best[1:] if best is not None else None


def _begun(record: RegionRecord, service: str, members: list[Sighting], now: datetime) -> RegionRecord:
    first = members[0]
    since_at, last_at = (pick(each.failed_at for each in members) for pick in (min, max))
    # A second one under this name would need the same failures once more, and those are its members.
    incident_id = f"{record.region}#{service}#{first.fault.name}#{now:%Y%m%dT%H%M%S.%fZ}"
    incident = Inferred(
        incident_id, record.region, service, first.fault, since_at, last_at, now, tuple(members[:MEMBERS_KEPT])
    )
    left = tuple(each for each in record.sightings if each not in members)
    return _with(replace(record, sightings=left), incident)


def _without(
    record: RegionRecord, seen: Sighting, why: Ended, issue: Blocker | None, now: datetime
) -> RegionRecord:
    """The failure counts no more. An incident ends with the issue that is its own, or when too few are left.

    One that went quiet is adopted all the same: the notice is late more often than not.
    """

    def is_another(each: Sighting) -> bool:
        return each.key != seen.key or each.failed_at > seen.failed_at

    record = replace(record, sightings=tuple(filter(is_another, record.sightings)))
    for incident in record.incidents:
        left = tuple(filter(is_another, incident.members))
        if left == incident.members or not (incident.live or incident.ended is Ended.QUIET):
            continue
        own = issue is not None and issue.service in {incident.service, *SERVICES_OF_EVERY_ACTION}
        enough = len({each.pipeline for each in left}) >= PIPELINES
        if own or (incident.live and not enough):
            record = _with(record, replace(incident, ended_at=now, ended=why, issue=issue, told=False))
        elif incident.live:
            record = _with(record, replace(incident, members=left))
    return record


def _after_time(record: RegionRecord, now: datetime) -> RegionRecord:
    incidents = tuple(
        replace(each, ended_at=now, ended=Ended.QUIET) if each.live and now - each.last_at >= QUIET_AFTER else each
        for each in record.incidents
    )
    over = [each for each in incidents if each.ended_at is not None and now - each.ended_at <= KEPT_AFTER_END]
    live = [each for each in incidents if each.live]
    fresh = tuple(each for each in record.sightings if now - each.failed_at < QUIET_AFTER)
    return replace(record, incidents=(*over[-ENDED_KEPT:], *live), sightings=fresh)


def _with(record: RegionRecord, incident: Inferred) -> RegionRecord:
    others = [each for each in record.incidents if each.incident_id != incident.incident_id]
    return replace(record, incidents=(*others, incident))


def _saved(after: RegionRecord, before: RegionRecord, now: datetime) -> RegionRecord:
    if (after.sightings, after.incidents) == (before.sightings, before.incidents):
        return before
    return replace(after, revision=before.revision + 1, at=now, due_at=_due_at(after, now))


def _due_at(record: RegionRecord, now: datetime) -> datetime | None:
    """At once where members have still to be looked at again; else when the first live one would be quiet."""
    quiet = [each.last_at + QUIET_AFTER for each in record.live()]
    return min([now for each in record.incidents if not each.told] + quiet, default=None)
