"""How items look to TTL, the stream and the next version of Allclear."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from bot.adapters import dynamodb_table
from bot.adapters.dynamodb import DynamoStore
from bot.errors import ParseError
from bot.model import Status
from bot.ports import DueKind
from tests.builders import ISSUE_ARN, KEY, NOW, a_card, an_entry, an_execution, an_issue, an_override
from tests.contract.conftest import TABLE, spoil
from tests.contract.faulty_client import FaultyClient, stored

NINETY_DAYS = timedelta(days=90)


@pytest.fixture
def client(dynamodb: Any) -> FaultyClient:
    return FaultyClient(dynamodb)


@pytest.fixture
def store(client: FaultyClient) -> DynamoStore:
    return DynamoStore(client, TABLE)


def epoch(at: datetime) -> dict[str, str]:
    return {"N": str(int(at.timestamp()))}


class TestItems:
    def test_the_stream_can_tell_what_an_execution_item_is(self, store: DynamoStore, client: FaultyClient) -> None:
        store.save_execution(an_execution(status=Status.RESUMING))
        item = stored(client, f"EXEC#{KEY}", "STATE")
        assert (item["status"], item["version"]) == ({"S": "RESUMING"}, {"N": "1"})

    def test_instants_are_written_in_utc_whatever_their_zone(
        self, store: DynamoStore, client: FaultyClient
    ) -> None:
        store.save_execution(an_execution(due_at=NOW.astimezone(timezone(timedelta(hours=9)))))
        assert stored(client, f"EXEC#{KEY}", "STATE")["due_at"] == {"S": "2026-11-23T02:20:00.000000Z"}

    def test_waking_writes_the_item_so_that_the_stream_delivers_it(
        self, store: DynamoStore, client: FaultyClient
    ) -> None:
        store.save_execution(an_execution())
        before = stored(client, f"EXEC#{KEY}", "STATE")
        store.wake_execution(KEY, NOW)
        after = stored(client, f"EXEC#{KEY}", "STATE")
        assert after == {**before, "woken_at": {"S": "2026-11-23T02:20:00.000000Z"}}

    def test_a_finished_execution_goes_after_90_days_with_its_card_and_last_line(
        self, store: DynamoStore, client: FaultyClient
    ) -> None:
        store.save_execution(an_execution(status=Status.RECOVERED, finished_at=NOW))
        store.save_card(a_card(revision=2, channel="C1", ts="1.2", due_at=None))
        for sk in ("STATE", "HISTORY#00000001", "CARD"):
            assert stored(client, f"EXEC#{KEY}", sk)["expires_at"] == epoch(NOW + NINETY_DAYS), sk

    def test_an_undone_dismissal_stays(self, store: DynamoStore, client: FaultyClient) -> None:
        store.save_execution(an_execution(status=Status.DISMISSED, finished_at=NOW))
        store.save_execution(an_execution(version=2))
        for sk in ("STATE", "CARD"):
            assert "expires_at" not in stored(client, f"EXEC#{KEY}", sk), sk

    def test_lines_edges_and_clicks_do_not_stay_for_ever(self, store: DynamoStore, client: FaultyClient) -> None:
        line = an_entry(at=NOW + timedelta(hours=1))
        until = NOW + timedelta(minutes=10)
        store.save_execution(an_execution(trail=(line,)), holding=[ISSUE_ARN], click="c1", click_expires_at=until)
        assert stored(client, f"EXEC#{KEY}", "HISTORY#00000001")["expires_at"] == epoch(line.at + NINETY_DAYS)
        assert stored(client, f"HELD#{ISSUE_ARN}", str(KEY))["expires_at"] == epoch(line.at + NINETY_DAYS)
        assert stored(client, "CLICK#c1", "CLICK")["expires_at"] == epoch(until)

    def test_an_override_goes_when_it_has_run_out_and_says_to_the_instant_when_that_is(
        self, store: DynamoStore, client: FaultyClient
    ) -> None:
        """TTL is lazy and counts whole seconds; whoever reads it looks at the instant."""
        until = NOW + timedelta(hours=1, milliseconds=700)
        store.save_execution(an_execution(), override=an_override(expires_at=until))
        item = stored(client, f"OVERRIDE#{KEY.account}#us-east-1#web#{KEY.execution_id}", "Deploy")
        assert item["expires_at"] == epoch(until)
        assert item["lapses_at"] == {"S": "2026-11-23T03:20:00.700000Z"}
        assert (item["by"], item["reason"]) == ({"S": "U0CAROL"}, {"S": "the fix is in this deploy"})

    def test_an_override_that_cannot_be_read_lets_nothing_pass(
        self, store: DynamoStore, client: FaultyClient
    ) -> None:
        store.save_execution(an_execution(), override=an_override())
        run = (KEY.account, KEY.region, KEY.pipeline, KEY.execution_id)
        client.update_item(
            TableName=TABLE,
            Key={"pk": {"S": "#".join(("OVERRIDE", *run))}, "sk": {"S": KEY.stage}},
            UpdateExpression="REMOVE lapses_at",
        )
        assert store.overrides(*run) == ()

    def test_an_issue_goes_when_it_says(self, store: DynamoStore, client: FaultyClient) -> None:
        store.save_issue(an_issue(expires_at=NOW + NINETY_DAYS))
        assert stored(client, "ISSUE", ISSUE_ARN)["expires_at"] == epoch(NOW + NINETY_DAYS)

    def test_an_item_from_before_a_field_existed_still_loads(
        self, store: DynamoStore, client: FaultyClient
    ) -> None:
        """A field with a default may be missing; one without may not."""
        store.save_execution(an_execution(note="Held."))
        self.remove(client, "note")
        assert store.load_execution(KEY) == an_execution(note="")
        self.remove(client, "failed_at")
        with pytest.raises(ParseError, match=r"^failed_at: is missing"):
            store.load_execution(KEY)

    def test_a_status_of_a_later_version_is_not_guessed_at(self, store: DynamoStore, client: FaultyClient) -> None:
        store.save_execution(an_execution())
        item = stored(client, f"EXEC#{KEY}", "STATE")
        client.client.put_item(TableName=TABLE, Item={**item, "status": {"S": "PONDERING"}})
        with pytest.raises(ParseError, match=r"^status: is not a known Status"):
            store.load_execution(KEY)

    def remove(self, client: FaultyClient, name: str) -> None:
        client.client.update_item(
            TableName=TABLE,
            Key={"pk": {"S": f"EXEC#{KEY}"}, "sk": {"S": "STATE"}},
            UpdateExpression="REMOVE #name",
            ExpressionAttributeNames={"#name": name},
        )

    def test_an_item_left_out_is_logged_without_what_is_in_it(
        self, store: DynamoStore, client: FaultyClient
    ) -> None:
        store.save_execution(an_execution(note="a secret of the team's"))
        spoil(client.client, DueKind.EXECUTION, str(KEY))
        with logged() as lines:
            assert store.unfinished("", 10).items == ()
        (line,) = lines
        assert (line.levelname, line.pk, line.field) == ("WARNING", f"EXEC#{KEY}", "status")
        assert "secret" not in str(vars(line))


@contextmanager
def logged() -> Iterator[list[logging.LogRecord]]:
    """What the store logs, whatever another test has done to the handlers."""
    lines: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = lines.append
    target = logging.getLogger(dynamodb_table.logger.name)
    target.addHandler(handler)
    yield lines
    target.removeHandler(handler)
