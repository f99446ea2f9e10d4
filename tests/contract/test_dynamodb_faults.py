"""What is DynamoDB's alone: lost answers, contention, trouble, pages that end early."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bot.adapters.dynamodb import DynamoStore
from bot.adapters.plain_values import to_plain
from bot.errors import DuplicateClick, TryLater, VersionConflict
from tests.builders import ISSUE_ARN, KEY, NOW, a_card, a_hint, a_key, a_report, an_execution, an_issue
from tests.contract.conftest import TABLE
from tests.contract.faulty_client import Fault, FaultyClient, garbled, lost, refused, sent_twice, unreachable

BUSY = refused("TransactionCanceledException", reasons=("TransactionConflict", "None", "None"))


@pytest.fixture
def client(dynamodb: Any) -> FaultyClient:
    return FaultyClient(dynamodb)


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def store(client: FaultyClient, pauses: list[float]) -> DynamoStore:
    return DynamoStore(client, TABLE, sleep=pauses.append)


class TestLostAnswers:
    @pytest.mark.parametrize("fault", [sent_twice, lost, garbled, BUSY, refused("TransactionInProgressException")])
    def test_an_execution_saved_by_an_unheard_transaction_is_saved(
        self, store: DynamoStore, client: FaultyClient, fault: Fault
    ) -> None:
        client.faults["transact_write_items"] = [fault]
        store.save_execution(an_execution(), holding=[ISSUE_ARN], click="c1", click_expires_at=NOW)
        assert store.load_execution(KEY) == an_execution()
        assert len(store.history(KEY)) == 1
        card = store.load_card(KEY)
        assert card is not None
        assert card.revision == 1

    def test_it_is_saved_even_if_somebody_has_saved_since(self, store: DynamoStore, client: FaultyClient) -> None:
        """The state is the other's by then; the history line still tells."""

        def overtaken(perform: Callable[[], Any]) -> Any:
            perform()
            DynamoStore(client.client, TABLE).save_execution(an_execution(version=2))
            return perform()

        client.faults["transact_write_items"] = [overtaken]
        store.save_execution(an_execution())
        assert [line.version for line in store.history(KEY)] == [1, 2]

    def test_another_writers_equal_save_is_a_conflict_all_the_same(
        self, store: DynamoStore, client: FaultyClient
    ) -> None:
        def beaten(perform: Callable[[], Any]) -> Any:
            DynamoStore(client.client, TABLE).save_execution(an_execution())
            return perform()

        client.faults["transact_write_items"] = [beaten]
        with pytest.raises(VersionConflict):
            store.save_execution(an_execution())

    @pytest.mark.parametrize("fault", [sent_twice, lost])
    def test_cards_and_issues_saved_by_unheard_calls_are_saved(
        self, store: DynamoStore, client: FaultyClient, fault: Fault
    ) -> None:
        client.faults.update(update_item=[fault], put_item=[fault])
        store.save_card(a_card())
        store.save_issue(an_issue())
        assert store.load_card(KEY) == a_card()
        assert store.load_issue(ISSUE_ARN) == an_issue()

    def test_what_never_arrived_is_to_be_tried_later(self, store: DynamoStore, client: FaultyClient) -> None:
        client.faults.update(
            transact_write_items=[unreachable], put_item=[unreachable, refused("InternalServerError", 500)]
        )
        with pytest.raises(TryLater):
            store.save_execution(an_execution())
        with pytest.raises(TryLater):
            store.save_issue(an_issue())
        with pytest.raises(TryLater):
            store.save_hint(a_hint())
        assert store.load_execution(KEY) is None
        assert store.load_issue(ISSUE_ARN) is None


class TestTrouble:
    def test_writes_in_the_way_are_waited_for_a_little(
        self, store: DynamoStore, client: FaultyClient, pauses: list[float]
    ) -> None:
        client.faults["transact_write_items"] = [BUSY, BUSY]
        client.faults["update_item"] = [refused("TransactionConflictException")]
        store.save_execution(an_execution())
        store.save_card(a_card(revision=2))
        assert len(pauses) == 3
        assert 0 <= sum(pauses) < 1

    def test_writes_that_stay_in_the_way_are_left_for_later(
        self, store: DynamoStore, client: FaultyClient, pauses: list[float]
    ) -> None:
        client.faults["transact_write_items"] = [BUSY] * 50
        with pytest.raises(TryLater):
            store.save_execution(an_execution())
        assert [operation for operation, _ in client.sent] == ["transact_write_items"] * (len(pauses) + 1)
        assert 2 < len(pauses) < 10

    def test_a_used_click_counts_though_another_write_is_in_the_way(
        self, store: DynamoStore, client: FaultyClient
    ) -> None:
        reasons = ("TransactionConflict", "None", "None", "ConditionalCheckFailed")
        client.faults["transact_write_items"] = [refused("TransactionCanceledException", reasons=reasons)]
        with pytest.raises(DuplicateClick):
            store.save_execution(an_execution(), click="c1", click_expires_at=NOW)

    @pytest.mark.parametrize(
        "fault",
        [
            refused("ThrottlingException"),
            refused("ProvisionedThroughputExceededException"),
            refused("RequestLimitExceeded"),
            refused("InternalServerError", 500),
            refused("ServiceUnavailable", 503),
            unreachable,
        ],
    )
    def test_a_busy_table_is_to_be_tried_later(
        self, store: DynamoStore, client: FaultyClient, fault: Fault
    ) -> None:
        client.faults.update(get_item=[fault], query=[fault], update_item=[fault])
        with pytest.raises(TryLater):
            store.load_execution(KEY)
        with pytest.raises(TryLater):
            store.due(NOW, 10)
        with pytest.raises(TryLater):
            store.wake_execution(KEY, NOW)

    @pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"])
    def test_what_waiting_does_not_mend_goes_to_the_alarm(
        self, store: DynamoStore, client: FaultyClient, code: str
    ) -> None:
        client.faults.update(get_item=[refused(code)], transact_write_items=[refused(code)])
        with pytest.raises(ClientError, match=code):
            store.load_execution(KEY)
        with pytest.raises(ClientError, match=code):
            store.save_execution(an_execution())

    def test_a_float_is_refused(self, store: DynamoStore) -> None:
        with pytest.raises(TypeError, match="float"):
            store.save_execution(an_execution(retries=1.0))
        with pytest.raises(TypeError, match="float"):
            to_plain(6.0)


class TestPages:
    @pytest.fixture
    def store(self, client: FaultyClient) -> DynamoStore:
        """DynamoDB ends a page at 1 MB, wherever that is; here it is a single item."""

        class OneAPage(FaultyClient):
            def query(self, **parameters: Any) -> Any:
                return self.client.query(**{**parameters, "Limit": 1})

        return DynamoStore(OneAPage(client.client), TABLE)

    def test_a_full_answer_is_made_of_every_page(self, store: DynamoStore) -> None:
        for version in range(1, 5):
            store.save_execution(an_execution(version=version, due_at=NOW))
            store.save_issue(an_issue(report=a_report(arn=f"{ISSUE_ARN}-{version}"), due_at=None))
        store.save_execution(an_execution(key=a_key(stage="Other")))
        assert len(store.history(KEY)) == 4
        assert len(store.ledger()) == 4
        assert len(store.due(NOW, 10)) == 3
        assert len(store.due(NOW, 2)) == 2
        assert len(store.of_pipeline("web", 10)) == 2

    def test_a_page_cut_short_still_has_its_cursor(self, store: DynamoStore) -> None:
        for stage in ("A", "B"):
            store.save_execution(an_execution(key=a_key(stage=stage)), holding=[ISSUE_ARN])
        first = store.held_by(ISSUE_ARN, "", 10)
        assert first.cursor is not None
        assert store.held_by(ISSUE_ARN, first.cursor, 10).items == (a_key(stage="B"),)


def test_reads_are_consistent_except_from_an_index_and_nothing_is_scanned(
    store: DynamoStore, client: FaultyClient
) -> None:
    store.load_execution(KEY)
    store.load_card(KEY)
    store.load_hint(a_hint().key)
    store.load_issue(ISSUE_ARN)
    store.history(KEY)
    store.ledger()
    store.held_by(ISSUE_ARN, "", 10)
    store.overrides(KEY.account, KEY.region, KEY.pipeline, KEY.execution_id)
    assert all(asked["ConsistentRead"] for _, asked in client.sent)
    store.due(NOW, 10)
    store.unfinished("", 10)
    store.of_pipeline("web", 10)
    assert [asked.get("IndexName") for _, asked in client.sent[8:]] == ["due", "unfinished", "pipeline"]
    assert {operation for operation, _ in client.sent} == {"get_item", "query"}
