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

    Called before the card is saved with this state: if the state is no longer the newest, that conflicts or leaves
    the card's clock running, and the newer one takes back what it must. Raises VersionConflict.
    """
    error = error_of(execution, policy) if policy.infer_incidents else None
    if error is None or not (counts(execution) or _takes_back(execution)):
        return ""
    for _ in range(ATTEMPTS):
        stored = _load(store, error.region)
        if stored is None:
            return ""
        record = look(stored, execution, error, now)
        if record is not stored:
            try:
                store.save_inferred(record)
            except VersionConflict:
                continue
            _log(stored, record)
        return _live_one(record, execution)
    raise VersionConflict(f"{ATTEMPTS} other failures were written down for {error.region} in a row")


def seen_again(store: Store, execution: Execution, policy: Policy, now: datetime) -> str:
    """The same for a state that its card shows: nothing is added, because no save of the card follows."""
    if _takes_back(execution):
        return seen(store, execution, policy, now)
    error = error_of(execution, policy) if policy.infer_incidents and counts(execution) else None
    record = _load(store, error.region) if error is not None else None
    return _live_one(record, execution) if record is not None else ""


def _load(store: Store, region: str) -> RegionRecord | None:
    """The Region's record, an empty one if there is none; None for one that cannot be read back."""
    try:
        return store.load_inferred(region) or RegionRecord(region)
    except ParseError:  # a card says what it says without it
        logger.exception("what fails alike in %s cannot be read back", region)
        return None


def _live_one(record: RegionRecord, execution: Execution) -> str:
    incident = record.of(execution.key) if counts(execution) else None
    return incident.incident_id if incident is not None else ""


def _takes_back(execution: Execution) -> bool:
    """Whether it may undo what an earlier state of it said."""
    explained_or_own = explained_by(execution) is not None or execution.attribution.verdict is Verdict.OWN
    return explained_or_own and execution.version > 1


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
    known = ((incident_id, _load(store, region_of(incident_id))) for incident_id in incident_ids)
    found = (record.incident(incident_id) for incident_id, record in known if record is not None)
    return [incident for incident in found if incident is not None]
