"""What the store promises of channels and bursts. Both stores."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from bot.adapters.dynamodb import DynamoStore
from bot.adapters.table_items import RETENTION
from bot.bursts import Burst, BurstLine, ChannelRecord, OwnCard
from bot.errors import VersionConflict
from bot.model import Status
from bot.ports import Due, DueKind, Store
from tests.builders import NOW, a_key
from tests.contract import strategies
from tests.contract.conftest import TABLE
from tests.contract.faulty_client import Fault, FaultyClient, garbled, lost, sent_twice

any_values = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
fresh = count()
SOON = NOW + timedelta(minutes=1)


def a_channel(**changes: Any) -> ChannelRecord:
    record = ChannelRecord("C0DEPLOYS", revision=1, at=NOW, recent=(OwnCard(str(a_key()), NOW),))
    return replace(record, **changes)


def a_burst(**changes: Any) -> Burst:
    return replace(Burst("b1", 1, "C0DEPLOYS", NOW), **changes)


def a_line(number: int = 1, **changes: Any) -> BurstLine:
    line = BurstLine(str(a_key(pipeline=f"web-{number}")), version=1, status=Status.BLOCKED, at=NOW)
    return replace(line, **changes)


@any_values
@given(record=strategies.first_channels)
def test_any_channel_comes_back_as_it_was_saved(store: Store, record: ChannelRecord) -> None:
    record = replace(record, channel=f"C{next(fresh)}")
    store.save_channel(record)
    assert store.load_channel(record.channel) == record


@any_values
@given(burst=strategies.first_bursts)
def test_any_burst_comes_back_as_it_was_saved(store: Store, burst: Burst) -> None:
    burst = replace(burst, burst_id=f"b-{next(fresh)}")
    store.save_burst(burst)
    assert store.load_burst(burst.burst_id) == burst


@any_values
@given(line=strategies.lines)
def test_any_line_comes_back_as_it_was_saved(store: Store, line: BurstLine) -> None:
    burst = a_burst(burst_id=f"b-{next(fresh)}")
    store.save_burst(burst)
    store.save_line(burst.burst_id, line, NOW)
    assert store.burst_lines(burst.burst_id) == (line,)


def test_what_was_never_saved_is_not_there(store: Store) -> None:
    assert store.load_channel("C0DEPLOYS") is None
    assert store.load_burst("b1") is None
    assert store.burst_lines("b1") == ()


@pytest.mark.parametrize("revision", [1, 3])
def test_a_channel_saved_over_a_newer_revision_conflicts(store: Store, revision: int) -> None:
    store.save_channel(a_channel())
    with pytest.raises(VersionConflict):
        store.save_channel(a_channel(revision=revision, recent=()))
    assert store.load_channel("C0DEPLOYS") == a_channel()
    store.save_channel(a_channel(revision=2, recent=()))
    assert store.load_channel("C0DEPLOYS") == a_channel(revision=2, recent=())


@pytest.mark.parametrize("revision", [1, 3])
def test_a_burst_saved_over_a_newer_revision_conflicts(store: Store, revision: int) -> None:
    store.save_burst(a_burst(ts="1.1", due_at=NOW))
    with pytest.raises(VersionConflict):
        store.save_burst(a_burst(revision=revision))
    store.save_burst(a_burst(revision=2))  # what is None by now is gone
    assert store.load_burst("b1") == a_burst(revision=2)
    assert store.due(NOW, 10) == ()


def test_a_line_wants_the_burst_drawn_in_the_same_step(store: Store) -> None:
    store.save_burst(a_burst(ts="1.1"))
    store.save_line("b1", a_line(), SOON)
    assert store.load_burst("b1") == a_burst(ts="1.1", revision=2, wanted_version=1, due_at=SOON)
    assert store.due(SOON, 10) == (Due(DueKind.BURST, "b1", SOON),)


def test_a_burst_saved_over_a_new_line_conflicts(store: Store) -> None:
    """Whoever drew it without that line must not stop its clock."""
    store.save_burst(a_burst())
    store.save_line("b1", a_line(), NOW)
    with pytest.raises(VersionConflict):
        store.save_burst(a_burst(revision=2, due_at=None))


@pytest.mark.parametrize("version", [1, 2])
def test_a_line_that_is_no_newer_changes_nothing(store: Store, version: int) -> None:
    store.save_burst(a_burst())
    store.save_line("b1", a_line(version=2, status=Status.RESUMING), NOW)
    store.save_line("b1", a_line(version=version), SOON)
    assert store.burst_lines("b1") == (a_line(version=2, status=Status.RESUMING),)
    assert store.load_burst("b1") == a_burst(revision=2, wanted_version=1, due_at=NOW)


def test_a_newer_line_takes_the_place_of_the_older(store: Store) -> None:
    store.save_burst(a_burst())
    store.save_line("b1", a_line(held_at=NOW), NOW)
    newer = a_line(version=2, status=Status.RECOVERED, finished_at=SOON)
    store.save_line("b1", newer, SOON)
    assert store.burst_lines("b1") == (newer,)
    assert store.load_burst("b1") == a_burst(revision=3, wanted_version=2, due_at=SOON)


def test_a_line_of_no_burst_conflicts_and_leaves_nothing(store: Store) -> None:
    with pytest.raises(VersionConflict):
        store.save_line("b1", a_line(), NOW)
    assert store.burst_lines("b1") == ()
    assert store.load_burst("b1") is None


def test_lines_come_in_key_order_each_bursts_own(store: Store) -> None:
    store.save_burst(a_burst())
    store.save_burst(a_burst(burst_id="b2"))
    for number in (3, 1, 2):
        store.save_line("b1", a_line(number), NOW)
    store.save_line("b2", a_line(4), NOW)
    assert store.burst_lines("b1") == (a_line(1), a_line(2), a_line(3))


def test_a_bursts_clock_can_be_pushed(store: Store) -> None:
    store.save_burst(a_burst(due_at=NOW))
    store.postpone(Due(DueKind.BURST, "b1", NOW), SOON)
    assert store.due(NOW, 10) == ()
    assert store.due(SOON, 10) == (Due(DueKind.BURST, "b1", SOON),)


class TestOnDynamoDB:
    """What only the table knows: when items go, and saves whose answer was lost."""

    def test_every_item_goes_ninety_days_after_it_was_last_heard_of(self, dynamodb: Any) -> None:
        store = DynamoStore(dynamodb, TABLE)
        store.save_channel(a_channel(at=SOON))
        store.save_burst(a_burst(drawn_at=SOON))
        store.save_burst(a_burst(burst_id="b2"))
        store.save_line("b2", a_line(), NOW)
        items = dynamodb.scan(TableName=TABLE)["Items"]
        lapses = {(item["pk"]["S"], item["sk"]["S"]): item["expires_at"]["N"] for item in items}
        late, early = (str(int((at + RETENTION).timestamp())) for at in (SOON, NOW))
        assert lapses == {
            ("CHANNEL#C0DEPLOYS", "CHANNEL"): late,
            ("BURST#b1", "BURST"): late,
            ("BURST#b2", "BURST"): early,
            ("BURST#b2", f"LINE#{a_line().key}"): early,
        }

    @pytest.mark.parametrize("fault", [lost, garbled, sent_twice])
    def test_what_was_saved_by_an_unheard_call_is_saved(self, dynamodb: Any, fault: Fault) -> None:
        client = FaultyClient(dynamodb)
        store = DynamoStore(client, TABLE)  # type: ignore[arg-type]
        client.faults = {"put_item": [fault, fault], "transact_write_items": [fault]}
        store.save_channel(a_channel())
        store.save_burst(a_burst())
        store.save_line("b1", a_line(), NOW)
        assert store.load_channel("C0DEPLOYS") == a_channel()
        assert store.burst_lines("b1") == (a_line(),)
        assert store.load_burst("b1") == a_burst(revision=2, wanted_version=1, due_at=NOW)
