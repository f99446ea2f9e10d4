"""Write down which failures are alike, as their cards are drawn; and let what was inferred end by itself.

Whoever shows a failure sees it, and nobody else reads this but whoever answers people: nothing is held for it.
"""

import logging
from collections.abc import Iterable
from datetime import datetime

from bot.errors import ParseError, VersionConflict
from bot.inferred import (
    Inferred,
    RegionRecord,
    counts,
    error_of,
    explained_by,
    look,
    pass_time,
    region_of,
    untold,
)
from bot.model import Execution, ExecutionKey, Verdict
from bot.policy import Policy
from bot.ports import Store

logger = logging.getLogger(__name__)

ATTEMPTS = 8  # each one after the first means that another failure was written down in between


def seen(store: Store, execution: Execution, policy: Policy, now: datetime) -> str:
    """Write down what this state tells; answers the id of the live incident that lists the failure, "" if none.

    Raises VersionConflict, also when the execution has moved on: whoever showed that it is explained by now found
    nothing to take back.
    """
    error = error_of(execution, policy) if policy.infer_incidents else None
    if error is None or not _tells(execution):
        return ""
    for _ in range(ATTEMPTS):
        try:
            stored = store.load_inferred(error.region) or RegionRecord(error.region)
        except ParseError:  # a card says what it says without it
            logger.exception("what fails alike in %s cannot be read back", error.region)
            return ""
        record = look(stored, execution, error, now)
        if record is not stored:
            try:
                store.save_inferred(record)
            except VersionConflict:
                continue
            _log(stored, record)
            fresh = store.load_execution(execution.key)
            if fresh is None or fresh.version != execution.version:
                raise VersionConflict(f"{execution.key} has moved on")
        incident = record.of(execution.key) if counts(execution) else None
        return incident.incident_id if incident is not None else ""
    raise VersionConflict(f"{ATTEMPTS} other failures were written down for {error.region} in a row")


def _tells(execution: Execution) -> bool:
    """A state that neither counts nor takes back what an earlier one said has no business there."""
    takes_back = explained_by(execution) is not None or execution.attribution.verdict is Verdict.OWN
    return counts(execution) or (takes_back and execution.version > 1)


def _log(before: RegionRecord, after: RegionRecord) -> None:
    known = {each.incident_id: each.ended for each in before.incidents}
    for each in after.incidents:
        if each.incident_id not in known or known[each.incident_id] is not each.ended:
            logger.info("inferred incident %s: %s", each.incident_id, each.ended or f"{', '.join(each.pipelines)}")


def go_on(store: Store, region: str, now: datetime) -> None:
    """Its clock: have the cards that were there before looked at again, and end what is quiet.

    Raises VersionConflict.
    """
    stored = store.load_inferred(region)
    if stored is None:
        return
    record = pass_time(stored, now)
    if record is stored:
        return
    for key in untold(stored):
        store.wake_execution(ExecutionKey.parse(key), now)
    store.save_inferred(record)
    _log(stored, record)


def incidents(store: Store, incident_ids: Iterable[str]) -> list[Inferred]:
    """Those that are still known, in this order; what cannot be read back is not spoken of."""
    found = []
    for incident_id in incident_ids:
        try:
            record = store.load_inferred(region_of(incident_id))
        except ParseError:
            logger.exception("%s cannot be read back and is passed over", incident_id)
            continue
        incident = record.incident(incident_id) if record is not None else None
        found += [incident] if incident is not None else []
    return found
