"""Foreign text stays text."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.mrkdwn import (
    WORD_JOINER,
    bold,
    duration_text,
    escape,
    literal,
    mention,
    on_call,
    on_call_sentence,
    slack_date,
    unlinked,
)

WJ = WORD_JOINER


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a & b", "a &amp; b"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;"),
        ("my_app", "my_app"),
        ("_it_", "ˍitˍ"),
        ("*b* ~s~ `c`", "∗b∗ ∼s∼ ˋcˋ"),
        ("two\nlines\tand\x00more", "two lines and more"),
        ("\u202eevil", "evil"),
        ("", ""),
        ("see https://evil.example", f"see https:{WJ}//evil.example"),
        ("WWW.evil.example", f"WWW{WJ}.evil.example"),
        ("mail a.b@evil.example", f"mail a.b{WJ}@evil.example"),
        ("arn:aws:ecs:us-east-1:1", f"arn:{WJ}aws:{WJ}ecs:{WJ}us-east-1:1"),
        ("@here, @Channel", f"@{WJ}here, @{WJ}Channel"),
        ("at 2:20, ratio 1:2", "at 2:20, ratio 1:2"),
    ],
)
def test_foreign_text_is_shown_as_it_is_written(text: str, safe: str) -> None:
    assert escape(text) == safe


def test_where_slack_looks_for_links_it_finds_none_but_ours() -> None:
    date = slack_date(datetime(2026, 11, 23, 2, 20, tzinfo=UTC))
    text = f"{escape('main.py at web.dev, 10.5 s, @here, #general.')} {date} {mention('U0ALICE')}"
    assert unlinked(text) == (
        f"main{WJ}.py at web{WJ}.dev, 10.5 s, @{WJ}here, #{WJ}general. {date} {mention('U0ALICE')}"
    )


@given(st.text(), st.integers(1, 50))
def test_escaped_text_keeps_to_its_limit_and_its_entities_whole(text: str, limit: int) -> None:
    escaped = escape(text, limit)
    assert len(escaped) <= limit
    unescaped = escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not set(unescaped) & set("&<>`*~")


@given(st.text(), st.integers(1, 50))
def test_literal_text_is_never_empty_nor_too_long(text: str, limit: int) -> None:
    assert 1 <= len(literal(text, limit)) <= limit
    assert 1 <= len(literal(text, limit, lines=True)) <= limit


def test_preformatted_text_keeps_its_lines_and_indentation() -> None:
    assert literal("Error:\n  at line 3\r\n\x07", 100, lines=True) == "Error:\n  at line 3"


def test_a_date_is_local_for_each_reader_with_utc_to_fall_back_on() -> None:
    at = datetime(2026, 11, 23, 2, 20, tzinfo=UTC)
    assert slack_date(at) == "<!date^1795400400^{date_short_pretty} at {time}|23 Nov 2026 02:20 UTC>"


def test_only_a_user_id_is_a_mention() -> None:
    assert mention("U0ALICE") == "<@U0ALICE>"
    assert mention("U1> <!channel") == "U1&gt; &lt;!channel"


def test_bold_of_nothing_is_nothing() -> None:
    assert (bold("web"), bold("")) == ("*web*", "")


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=40), "40 s"),
        (timedelta(minutes=5, seconds=59), "5 min"),
        (timedelta(hours=3, minutes=12), "3 h 12 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=1, hours=4), "1 d 4 h"),
    ],
)
def test_durations_are_told_in_two_units_at_most(span: timedelta, text: str) -> None:
    assert duration_text(span) == text


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ("U012AB3CD", "<@U012AB3CD>"),
        ("<@W012AB3CD>", "<@W012AB3CD>"),
        ("S0614TZR7", "<!subteam^S0614TZR7>"),
        ("<!subteam^S0614TZR7>", "<!subteam^S0614TZR7>"),
        ("<!channel>", ""),
        ("", ""),
    ],
)
def test_the_on_call_setting_mentions_a_person_or_a_group_and_nothing_else(setting: str, written: str) -> None:
    assert on_call(setting) == written


def test_who_is_on_call_is_a_sentence_or_nothing() -> None:
    assert on_call_sentence("S0ONCALL") == "On call: <!subteam^S0ONCALL>."
    assert on_call_sentence("") == on_call_sentence("nobody") == ""
