"""Where a card goes: a message of its own, or a burst's thread. The decision alone, in every order."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bursts import (
    CARDS_KEPT,
    ISSUE_KEPT,
    ISSUES_KEPT,
    OWN_CARDS,
    UNREADABLE_KEPT,
    WINDOW,
    ChannelRecord,
    IssueCards,
    OwnCard,
    Place,
    line_of,
    note,
    place,
)
from bot.model import HEALTH_UNREADABLE, ExecutionKey, Status
from tests.builders import NOW, a_blocker, a_key, an_attribution, an_execution

EMPTY = ChannelRecord("C0DEPLOYS")
X, Y = "issue-x", "issue-y"
SECOND = timedelta(seconds=1)
JUST_OUTSIDE = WINDOW + SECOND


def key(number: int) -> ExecutionKey:
    return a_key(pipeline=f"web-{number}")


def own(*numbers: int, at: datetime = NOW) -> tuple[OwnCard, ...]:
    return tuple(OwnCard(str(key(number)), at) for number in numbers)


def names(*numbers: int) -> tuple[str, ...]:
    return tuple(str(key(number)) for number in numbers)


IN_THE_TABLE = [
    # what the channel shows                                       held by   the place
    (EMPTY, (), Place()),
    (EMPTY, (X,), Place()),
    (replace(EMPTY, recent=own(1, 2)), (), Place()),
    (replace(EMPTY, recent=own(1, 2, 3)), (), Place("new", opens=True, adopts=names(1, 2, 3))),
    (replace(EMPTY, recent=own(1, 2, 3, at=NOW - WINDOW)), (), Place("new", opens=True, adopts=names(1, 2, 3))),
    (replace(EMPTY, recent=own(1, 2, 3, at=NOW - JUST_OUTSIDE)), (), Place()),
    (replace(EMPTY, issues=(IssueCards(X, NOW, names(1, 2)),)), (X,), Place()),
    (replace(EMPTY, issues=(IssueCards(X, NOW, names(1, 2, 3)),)), (Y,), Place()),
    (
        replace(EMPTY, issues=(IssueCards(X, NOW - JUST_OUTSIDE, names(1, 2, 3)),)),
        (X,),
        Place("new", opens=True, adopts=names(1, 2, 3)),
    ),
    (
        replace(EMPTY, recent=own(4), issues=(IssueCards(X, NOW, names(1, 2, 3)),)),
        (Y, X),
        Place("new", opens=True, adopts=names(1, 2, 3, 4)),
    ),
    (replace(EMPTY, issues=(IssueCards(X, NOW - JUST_OUTSIDE, burst="old"),)), (X,), Place("old")),
    (replace(EMPTY, issues=(IssueCards(X, NOW, burst="old"),)), (), Place()),
    (replace(EMPTY, burst="last", joined_at=NOW - WINDOW), (), Place("last")),
    (replace(EMPTY, burst="last", joined_at=NOW - JUST_OUTSIDE), (), Place()),
    (
        replace(EMPTY, burst="last", joined_at=NOW, issues=(IssueCards(X, NOW, burst="old"),)),
        (X,),
        Place("old"),  # the incident's card comes before the newest burst
    ),
    (
        replace(EMPTY, burst="last", joined_at=NOW, issues=(IssueCards(X, NOW, names(1, 2, 3)),)),
        (X,),
        Place("last"),  # no second burst within minutes
    ),
    (replace(EMPTY, recent=own(1, 2, 3, 9)), (), Place()),  # it was given its place before
    (replace(EMPTY, issues=(IssueCards(X, NOW, names(1, 2, 9)),)), (X,), Place()),  # it is no crowd to itself
    (replace(EMPTY, issues=(IssueCards(X, NOW - ISSUE_KEPT - SECOND, burst="old"),)), (X,), Place()),
    (
        replace(EMPTY, issues=(IssueCards(HEALTH_UNREADABLE, NOW - UNREADABLE_KEPT - SECOND, burst="old"),)),
        (HEALTH_UNREADABLE,),
        Place(),
    ),
]


@pytest.mark.parametrize(("record", "issues", "expected"), IN_THE_TABLE)
def test_the_place_follows_from_what_the_channel_shows(
    record: ChannelRecord, issues: tuple[str, ...], expected: Place
) -> None:
    assert place(record, key(9), issues, NOW, "new")[0] == expected


@pytest.mark.parametrize(("record", "issues", "expected"), IN_THE_TABLE)
def test_a_place_given_twice_is_one_place(record: ChannelRecord, issues: tuple[str, ...], expected: Place) -> None:
    """Whoever died before the card was saved is followed by somebody who reads the record."""
    after = place(record, key(9), issues, NOW, "new")[1]
    again, and_after = place(after, key(9), issues, NOW, "newer")
    assert (again.burst, again.opens) == (expected.burst, False)
    assert and_after.recent == after.recent


def play(steps: list[tuple[int, str]]) -> tuple[set[str], list[str]]:
    """(minutes later, "fail" or "held" or "explain"): cards of their own and the bursts that came of it."""
    record, now, cards, bursts = EMPTY, NOW, set[str](), list[str]()
    burst_of: dict[str, str] = {}
    for number, (minutes, what) in enumerate(steps):
        now += timedelta(minutes=minutes)
        if what == "explain":  # all that failed so far, in the order in which notify comes to them
            for name in sorted([*cards, *burst_of]):
                listed, record = note(record, ExecutionKey.parse(name), (X,), burst_of.get(name, ""), now)
                if listed:
                    burst_of[name] = listed
            continue
        held = (X,) if what == "held" else ()
        decided, record = place(record, key(number), held, now, f"burst-{number}")
        if decided.burst:
            burst_of[str(key(number))] = decided.burst
            bursts.append(decided.burst)
            for name in decided.adopts:
                burst_of[name] = decided.burst
        else:
            cards.add(str(key(number)))
    return cards, list(dict.fromkeys(bursts))


@pytest.mark.parametrize("order", sorted(set(permutations(["fail", "fail", "fail", "held", "held", "explain"]))))
def test_failures_and_the_notice_in_any_order_within_minutes(order: tuple[str, ...]) -> None:
    """Then ten more that are held, slowly."""
    cards, bursts = play([*[(1, what) for what in order], *[(25, "held")] * 10])
    assert len(cards) + len(bursts) <= OWN_CARDS + 1


@given(st.lists(st.integers(0, 120), min_size=1, max_size=40))
def test_one_issue_is_at_most_four_messages_however_its_failures_come(gaps: list[int]) -> None:
    cards, bursts = play([(gap, "held") for gap in gaps])
    assert len(cards) <= OWN_CARDS
    assert len(bursts) <= 1


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10_000), st.integers(1, 60), st.lists(st.sampled_from([f"i-{n}" for n in range(60)]))
        ),
        max_size=120,
    )
)
def test_a_channels_record_stays_small(failures: list[tuple[int, int, list[str]]]) -> None:
    record, now = EMPTY, NOW
    for number, minutes, issues in failures:
        now += timedelta(minutes=minutes)
        _, record = place(record, key(number), issues, now, f"b-{number}")
        _, record = note(record, key(number + 1), issues, "", now)
    assert len(record.issues) <= ISSUES_KEPT
    assert len(record.recent) <= OWN_CARDS
    assert all(len(entry.cards) <= CARDS_KEPT for entry in record.issues)


def test_a_card_of_its_own_that_an_issue_explains_later_is_listed_by_the_issues_burst() -> None:
    record = replace(EMPTY, issues=(IssueCards(X, NOW, burst="old"),))
    assert note(record, key(1), (Y, X), "", NOW)[0] == "old"
    assert note(record, key(1), (Y, X), "", NOW)[1].of_issue(Y) == IssueCards(Y, NOW, burst="old")


def test_a_bursts_card_that_an_issue_explains_makes_it_the_issues() -> None:
    burst, record = note(EMPTY, key(1), (X,), "its-own", NOW)
    assert burst == "its-own"
    assert record.of_issue(X) == IssueCards(X, NOW, burst="its-own")


def test_what_is_known_is_not_saved_again_for_an_hour() -> None:
    """Every drawing of a held card asks."""
    _, record = note(EMPTY, key(1), (X,), "", NOW)
    assert note(record, key(1), (X,), "", NOW + timedelta(minutes=59))[1] is record
    assert note(record, key(1), (X,), "", NOW + timedelta(minutes=60))[1] is not record


def test_an_issue_with_more_cards_than_are_kept_is_not_saved_each_time_either() -> None:
    full = replace(EMPTY, issues=(IssueCards(X, NOW, names(*range(CARDS_KEPT))),))
    assert note(full, key(99), (X,), "", NOW) == ("", full)


def test_a_line_has_what_the_burst_card_says_of_a_member() -> None:
    blockers = tuple(a_blocker(issue=f"issue-{number}") for number in range(9))
    execution = an_execution(blockers=blockers, attribution=an_attribution(blockers=blockers), version=3)
    line = line_of(execution)
    assert (line.key, line.version, line.status) == (str(execution.key), 3, Status.BLOCKED)
    assert line.blockers == line.explained_by == blockers[:5]
