"""The card equals the state, once: whatever Slack answers, and whoever else saves meanwhile."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.card_ref import CardRef
from bot.cards.card import render
from bot.errors import OutcomeUnknown, SlackRefused, TryLater, VersionConflict
from bot.model import Execution, PipelineTags, Status, Verdict
from bot.policy import Policy
from bot.workflows.living_message import ATTEMPTS, POSTING_LEASE, UNKNOWN_AGAIN_AFTER
from bot.workflows.notify import show
from tests.builders import KEY, NOW, an_attribution, an_entry, an_execution
from tests.fakes.chat import FakeChat
from tests.fakes.store import MemoryStore

CHANNEL = "C0DEPLOYS"
POLICY = Policy(slack_channel=CHANNEL)
NO_TIME = timedelta(0)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.save_execution(an_execution())
    return store


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat(now=NOW)


def go_on(store: MemoryStore, status: Status = Status.RESUMING, **changes: object) -> Execution:
    """Save the next version of the state."""
    before = store.executions[KEY]
    version = before.version + 1
    trail = (*before.trail, an_entry(version=version, status=status))
    after = replace(before, version=version, status=status, trail=trail, **changes)
    store.save_execution(after)
    return after


def notify(store: MemoryStore, chat: FakeChat, after: timedelta = NO_TIME, policy: Policy = POLICY) -> CardRef:
    chat.now = NOW + after
    show(KEY, store, chat, policy, NOW + after)
    return store.cards[KEY]


def shown(store: MemoryStore, chat: FakeChat) -> bool:
    """Whether there is exactly one message, it is the one on record, and it shows the present state."""
    card = store.cards[KEY]
    expected = {(card.channel, card.ts): render(store.executions[KEY], POLICY)}
    return chat.messages == expected and card.rendered_version == store.executions[KEY].version


def test_the_first_time_a_message_is_posted_and_recorded(store: MemoryStore, chat: FakeChat) -> None:
    card = notify(store, chat)
    assert shown(store, chat)
    assert (card.channel, card.due_at, card.posting_at) == (CHANNEL, None, None)


def test_a_card_that_shows_the_state_is_left_alone(store: MemoryStore, chat: FakeChat) -> None:
    """Streams deliver at least once."""
    card = notify(store, chat)
    assert notify(store, chat) == card
    assert len(chat.calls) == 1


def test_a_later_state_edits_the_same_message(store: MemoryStore, chat: FakeChat) -> None:
    ts = notify(store, chat).ts
    go_on(store)
    assert notify(store, chat).ts == ts
    assert shown(store, chat)
    assert chat.calls[-1] == ("update", CHANNEL, ts)


def test_a_clock_left_on_a_current_card_is_stopped(store: MemoryStore, chat: FakeChat) -> None:
    store.cards[KEY] = replace(notify(store, chat), due_at=NOW)
    assert notify(store, chat).due_at is None


def test_the_pipelines_own_channel_comes_before_the_stacks(chat: FakeChat) -> None:
    store = MemoryStore()
    store.save_execution(an_execution(tags=PipelineTags(channel="C0TEAM")))
    assert notify(store, chat).channel == "C0TEAM"


def test_a_card_keeps_its_channel_when_the_settings_change(store: MemoryStore, chat: FakeChat) -> None:
    """A message cannot move, and two would be one too many."""
    notify(store, chat)
    go_on(store, tags=PipelineTags(channel="C0TEAM"))
    assert notify(store, chat, policy=Policy(slack_channel="C0OTHER")).channel == CHANNEL
    assert [method for method, *_ in chat.calls] == ["post", "update"]


def a_silent_failure(verdict: Verdict) -> MemoryStore:
    store = MemoryStore()
    silent, attribution = PipelineTags(announce_unexplained=False), an_attribution(verdict=verdict, blockers=())
    store.save_execution(an_execution(status=Status.NEEDS_HUMAN, tags=silent, attribution=attribution))
    return store


@pytest.mark.parametrize("verdict", [Verdict.UNEXPLAINED, Verdict.OWN])
def test_an_unexplained_failure_is_silent_where_its_pipeline_wishes_so(chat: FakeChat, verdict: Verdict) -> None:
    store = a_silent_failure(verdict)
    card = notify(store, chat)
    assert not chat.calls
    assert (card.rendered_version, card.due_at) == (1, None)


def test_a_silent_failure_gets_its_card_once_an_issue_explains_it(chat: FakeChat) -> None:
    store = a_silent_failure(Verdict.UNEXPLAINED)
    notify(store, chat)
    go_on(store, Status.BLOCKED, attribution=an_attribution())
    notify(store, chat)
    assert shown(store, chat)


def test_being_told_to_wait_sets_the_clock_slack_asked_for(store: MemoryStore, chat: FakeChat) -> None:
    chat.fail("post", TryLater("ratelimited", after=timedelta(seconds=37)))
    card = notify(store, chat)
    assert (card.due_at, card.posting_at) == (NOW + timedelta(seconds=37), None)
    assert not chat.messages
    notify(store, chat, timedelta(seconds=37))
    assert shown(store, chat)


@pytest.mark.parametrize("method", ["post", "update"])
def test_without_a_wish_the_waits_double_up_to_ten_minutes(
    store: MemoryStore, chat: FakeChat, method: str
) -> None:
    if method == "update":
        notify(store, chat)
        go_on(store)
    waits = []
    for _ in range(8):
        chat.fail(method, TryLater("unreachable"))
        due_at = notify(store, chat).due_at
        assert due_at is not None
        waits.append((due_at - NOW).total_seconds())
    assert waits == [15, 30, 60, 120, 240, 480, 600, 600]
    assert notify(store, chat).failures == 0


def test_a_post_whose_answer_was_lost_is_found_again(store: MemoryStore, chat: FakeChat) -> None:
    chat.fail("post", OutcomeUnknown("dropped"), after_effect=True)
    card = notify(store, chat)
    assert (card.ts, card.posting_at, card.due_at) == ("", NOW, NOW + UNKNOWN_AGAIN_AFTER)
    notify(store, chat, timedelta(seconds=15))
    assert shown(store, chat)
    assert store.cards[KEY].due_at is None


def test_a_post_found_again_is_edited_to_the_newest_state(store: MemoryStore, chat: FakeChat) -> None:
    chat.fail("post", OutcomeUnknown("dropped"), after_effect=True)
    notify(store, chat)
    go_on(store)
    notify(store, chat, timedelta(seconds=1))
    assert shown(store, chat)


def test_a_post_that_got_lost_is_repeated_only_after_the_lease(store: MemoryStore, chat: FakeChat) -> None:
    """Until then another notifier may still be posting."""
    chat.fail("post", OutcomeUnknown("timed out"))
    notify(store, chat)
    assert notify(store, chat, timedelta(seconds=15)).due_at == NOW + POSTING_LEASE
    assert len(chat.calls) == 1
    notify(store, chat, POSTING_LEASE)
    assert shown(store, chat)


def test_a_notifier_that_died_while_posting_is_followed_by_another(store: MemoryStore, chat: FakeChat) -> None:
    chat.fail("post", RuntimeError("the function timed out"), after_effect=True)
    with pytest.raises(RuntimeError):
        notify(store, chat)
    assert store.cards[KEY].due_at == NOW + POSTING_LEASE
    notify(store, chat, POSTING_LEASE)
    assert shown(store, chat)


def test_two_notifiers_at_once_post_one_message(store: MemoryStore, chat: FakeChat) -> None:
    chat.before["post"] = lambda: show(KEY, store, chat, POLICY, NOW)
    notify(store, chat)
    assert shown(store, chat)
    assert [method for method, *_ in chat.calls].count("post") == 1


def test_two_notifiers_that_load_the_same_card_post_one_message(store: MemoryStore, chat: FakeChat) -> None:
    """The second one's save of posting_at conflicts."""
    raced = False

    class Racing(MemoryStore):
        def save_card(self, card: CardRef) -> None:
            nonlocal raced
            if not raced:
                raced = True
                show(KEY, store, chat, POLICY, NOW)
            store.save_card(card)

    racing = Racing(executions=store.executions, cards=store.cards)
    show(KEY, racing, chat, POLICY, NOW)
    assert shown(store, chat)
    assert len(chat.calls) == 1


def test_a_state_saved_during_the_post_keeps_the_clock_running(store: MemoryStore, chat: FakeChat) -> None:
    chat.before["post"] = lambda: go_on(store) and None
    card = notify(store, chat)
    assert (card.rendered_version, card.wanted_version, card.due_at) == (1, 2, NOW)
    assert card.ts
    notify(store, chat)
    assert shown(store, chat)


def test_a_state_saved_during_an_edit_keeps_the_clock_running(store: MemoryStore, chat: FakeChat) -> None:
    notify(store, chat)
    go_on(store)
    chat.before["update"] = lambda: go_on(store, Status.RETRYING) and None
    card = notify(store, chat)
    assert (card.rendered_version, card.wanted_version, card.due_at) == (2, 3, NOW)


def test_two_edits_that_cross_end_with_the_newest_state(store: MemoryStore, chat: FakeChat) -> None:
    """The slower one may have drawn over the newer: nobody can know, so it is drawn once more."""
    notify(store, chat)
    go_on(store)

    def another_notifier() -> None:
        go_on(store, Status.RETRYING)
        show(KEY, store, chat, POLICY, NOW)

    chat.before["update"] = another_notifier
    notify(store, chat)
    assert shown(store, chat)
    assert store.cards[KEY].due_at is None


def test_an_older_edit_recorded_meanwhile_may_have_come_last(store: MemoryStore, chat: FakeChat) -> None:
    """Even if ours drew the newest state: the other one's may have reached Slack after it."""
    notify(store, chat)
    go_on(store)
    go_on(store, Status.RETRYING)

    slower = replace(store.cards[KEY], revision=store.cards[KEY].revision + 1, rendered_version=2)
    chat.before["update"] = lambda: store.save_card(slower)
    notify(store, chat)
    assert [method for method, *_ in chat.calls] == ["post", "update", "update"]
    assert shown(store, chat)


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived", "not_in_channel", "invalid_auth"])
def test_a_card_slack_will_never_take_is_marked_and_left(store: MemoryStore, chat: FakeChat, code: str) -> None:
    chat.fail("post", SlackRefused(code))
    card = notify(store, chat)
    assert (card.undeliverable, card.due_at, card.posting_at) == (code, None, None)
    assert notify(store, chat) == card
    assert len(chat.calls) == 1


def test_a_later_state_tries_an_undeliverable_card_again(store: MemoryStore, chat: FakeChat) -> None:
    chat.fail("post", SlackRefused("not_in_channel"))
    notify(store, chat)
    go_on(store)
    assert notify(store, chat).undeliverable == ""
    assert shown(store, chat)


def test_a_refusal_does_not_stop_the_clock_of_a_newer_state(store: MemoryStore, chat: FakeChat) -> None:
    def refused_meanwhile() -> None:
        go_on(store)
        raise SlackRefused("is_archived")

    chat.before["post"] = refused_meanwhile
    assert notify(store, chat).due_at is not None


def test_a_message_somebody_deleted_is_posted_anew(store: MemoryStore, chat: FakeChat) -> None:
    notify(store, chat)
    chat.messages.clear()
    go_on(store)
    notify(store, chat)
    assert shown(store, chat)


def test_not_being_allowed_to_look_is_said_and_nothing_is_posted_twice(store: MemoryStore, chat: FakeChat) -> None:
    chat.fail("post", OutcomeUnknown("dropped"), after_effect=True)
    notify(store, chat)
    chat.fail("find", SlackRefused("missing_scope"))
    assert notify(store, chat, timedelta(minutes=2)).undeliverable == "missing_scope"
    assert len(chat.messages) == 1


def test_a_search_that_must_wait_posts_nothing(store: MemoryStore, chat: FakeChat) -> None:
    chat.fail("post", OutcomeUnknown("dropped"), after_effect=True)
    notify(store, chat)
    chat.fail("find", TryLater("ratelimited", after=timedelta(seconds=5)))
    later = timedelta(minutes=2)
    card = notify(store, chat, later)
    assert (card.due_at, card.posting_at) == (NOW + later + timedelta(seconds=5), NOW)
    notify(store, chat, later)
    assert shown(store, chat)


def test_endless_conflicts_are_given_back_to_the_stream(store: MemoryStore, chat: FakeChat) -> None:
    class Contended(MemoryStore):
        def save_card(self, card: CardRef) -> None:
            raise VersionConflict(str(card.key))

    contended = Contended(executions=store.executions, cards=store.cards)
    with pytest.raises(VersionConflict, match=f"{ATTEMPTS} times"):
        show(KEY, contended, chat, POLICY, NOW)
    assert not chat.calls


def test_what_is_not_on_record_is_not_shown(chat: FakeChat) -> None:
    show(KEY, MemoryStore(), chat, POLICY, NOW)
    assert not chat.calls
