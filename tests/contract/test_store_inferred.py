"""What the store promises of what fails alike: one record a Region, never saved over a newer one. Both stores."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given

from bot.adapters.dynamodb import DynamoStore
from bot.adapters.table_items import RETENTION
from bot.errors import ParseError, VersionConflict
from bot.inferred import ENDED_KEPT, MEMBERS_KEPT, RegionRecord
from bot.ports import Due, DueKind, Store
from tests.builders import NOW, REGION, a_key, a_sighting, an_inferred
from tests.contract import strategies
from tests.contract.conftest import TABLE, Bench
from tests.contract.test_store import any_values

LATER = NOW + timedelta(hours=1)
fresh = count()


def a_record(**changes: Any) -> RegionRecord:
    record = RegionRecord(REGION, 1, NOW, (a_sighting(),), (an_inferred(),), LATER)
    return replace(record, **changes)


@any_values
@given(record=strategies.first_regions)
def test_any_record_comes_back_as_it_was_saved(store: Store, record: RegionRecord) -> None:
    record = replace(record, region=f"region-{next(fresh)}")
    store.save_inferred(record)
    assert store.load_inferred(record.region) == record
    assert record in store.inferred()


def test_what_was_never_saved_is_not_there(store: Store) -> None:
    assert store.load_inferred(REGION) is None
    assert store.inferred() == ()


@pytest.mark.parametrize("revision", [1, 3])
def test_a_record_saved_over_a_newer_one_conflicts(store: Store, revision: int) -> None:
    store.save_inferred(a_record())
    with pytest.raises(VersionConflict):
        store.save_inferred(a_record(revision=revision, sightings=()))
    assert store.load_inferred(REGION) == a_record()
    store.save_inferred(a_record(revision=2, sightings=(), due_at=None))
    assert store.load_inferred(REGION) == a_record(revision=2, sightings=(), due_at=None)
    assert store.due(LATER, 10) == ()


def test_every_region_is_listed_and_has_its_own_clock(store: Store) -> None:
    other = a_record(region="eu-west-1", due_at=NOW)
    store.save_inferred(a_record())
    store.save_inferred(other)
    assert store.inferred() == (other, a_record())
    assert store.due(NOW, 10) == (Due(DueKind.INFERRED, "eu-west-1", NOW),)


def test_one_that_cannot_be_read_hides_no_other(bench: Bench) -> None:
    bench.store.save_inferred(a_record())
    bench.store.save_inferred(a_record(region="eu-west-1"))
    bench.spoil(DueKind.INFERRED, "eu-west-1")
    assert bench.store.inferred() == (a_record(),)
    with pytest.raises(ParseError):
        bench.store.load_inferred("eu-west-1")


def test_it_is_kept_ninety_days_and_a_flood_fits_in_an_item(dynamodb: Any) -> None:
    """DynamoDB takes 400 KB an item."""
    keys = [a_key(pipeline=f"{number:03}".ljust(100, "x"), stage="s" * 100) for number in range(100)]
    seen = tuple(a_sighting(key, services=("CLOUDFORMATION",) * 5) for key in keys)
    known = range(ENDED_KEPT + 5)
    live = tuple(an_inferred(incident_id=f"i-{number}", members=seen[:MEMBERS_KEPT]) for number in known)
    DynamoStore(dynamodb, TABLE).save_inferred(a_record(sightings=seen, incidents=live))
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert item["expires_at"]["N"] == str(int((NOW + RETENTION).timestamp()))
    assert len(str(item)) < 400_000
