"""Public incidents, played: nothing retried into an open issue, nobody wrongly blamed. `make replay` plays all."""

from dataclasses import replace
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from rich.console import Console

from bot import attribution
from bot.model import Status
from bot.workflows import ledger
from tests.replay.__main__ import play, verdict
from tests.replay.fleet import Why, fleet_of
from tests.replay.judge import Judge, Score
from tests.replay.record import Episode, public_events, timelines
from tests.replay.replay import Installation, Replay
from tests.test_architecture import ROOT, imports_from

SHARE = 20  # of the feed's episodes, every twentieth
TIMELINES = {episode.name: episode for episode in timelines()}
QUICK = Installation(cards=False)


def scored(episode: Episode, installation: Installation = QUICK) -> Score:
    replay = Replay(episode, installation)
    replay.run()
    return Judge(replay).score()


NEVER_CLOSED = "2026-03-01-mec1-physical"


@pytest.mark.parametrize("name", [name for name in TIMELINES if name != NEVER_CLOSED])
def test_an_incident_that_was(name: str) -> None:
    score = scored(TIMELINES[name])
    assert score.faults == []
    assert score.claimed >= score.broken * 0.9
    harmless = all(trouble.harmless for trouble in TIMELINES[name].troubles)
    assert (score.claimed == 0) == harmless


@pytest.mark.parametrize("number", range(0, len(public_events()), SHARE))
def test_events_of_the_status_feed(number: int) -> None:
    score = play(number, public_events()[number], QUICK)
    assert score.faults == []


def test_what_was_held_went_on_by_itself() -> None:
    """With its cards, a canary, a gate that fails and one that waits."""
    score = scored(TIMELINES["2026-07-06-use1-launch-template"], Installation())
    assert (score.faults, score.broken, score.claimed, score.resumed) == ([], 10, 10, 10)
    assert score.early == score.claimed_early == 3
    assert 5 <= min(score.delays).total_seconds() / 60 <= max(score.delays).total_seconds() / 60 < 15


def test_one_that_never_closed_is_let_go_for_its_age() -> None:
    """After 48 hours it holds nothing more. What waited for a day by then asks a person; all is still down."""
    replay = Replay(TIMELINES[NEVER_CLOSED], QUICK)
    replay.run()
    score = Judge(replay).score()
    assert (score.faults, score.resumed) == ([], 0)
    assert score.claimed == score.broken > 0
    assert len(replay.retried) == score.retries_failed > 0
    statuses = {execution.status for execution in replay.store.executions.values()}
    assert statuses == {Status.NEEDS_HUMAN, Status.SUPERSEDED}


def test_the_same_episode_is_the_same_play() -> None:
    """What broke on one machine can be looked at on another."""
    first, again = (Replay(TIMELINES["2023-06-13-use1-lambda"], QUICK) for _ in range(2))
    first.run()
    again.run()
    assert first.retried == again.retried != []
    assert [saved.execution for saved in first.saved] == [saved.execution for saved in again.saved]


def test_a_bot_that_believes_hopeful_words_is_found_out() -> None:
    """At 10:35 on 20 October 2025 the cause was said to be fixed; the second wave came at 14:14."""
    record = ledger.record

    def believing(world: Any, report: Any, now: Any) -> Any:
        hopeful = "most work normal" in report.description
        return record(world, replace(report, closed=report.closed or hopeful), now)

    with patch.object(ledger, "record", believing):
        score = scored(TIMELINES["2025-10-20-use1-dynamodb-dns"])
    assert any("retried at 2025-10-20 10:4" in fault and "which was open" in fault for fault in score.into_open)
    assert score.retries_failed > 0


@pytest.mark.parametrize(
    ("name", "broken", "blamed"),
    [
        ("why_own", lambda _action: "", Why.CONFIGURATION),
        ("_matches_place", lambda *_arguments: True, Why.ANOTHER_PLACE),
        ("in_window", lambda *_arguments: True, Why.AFTER),
        ("in_window", lambda *_arguments: True, Why.BEFORE),
        ("explaining_services", lambda *_arguments: {"LAMBDA"}, Why.ANOTHER_SERVICE),
    ],
)
def test_a_bot_that_blames_aws_wrongly_is_found_out(name: str, broken: Any, blamed: Why) -> None:
    """The judge knows from the script why each deploy failed, whatever the bot makes of it."""
    with patch.object(attribution, name, broken):
        score = scored(TIMELINES["2023-06-13-use1-lambda"])
    assert any(f"({blamed})" in fault for fault in score.wrongly_blamed), score.wrongly_blamed


def test_a_fault_is_named_and_fails_the_command() -> None:
    heard = StringIO()
    score = Score(wrongly_blamed=["2023-06-13-use1-lambda: 13-elsewhere (another Region) held at …"])
    assert verdict(Console(file=heard, width=200), score) == 1
    assert "2023-06-13-use1-lambda: 13-elsewhere" in heard.getvalue()
    assert verdict(Console(file=StringIO()), Score()) == 0


def test_the_record_is_whole() -> None:
    """Fourteen timelines; 351 events, each opened before it was closed and harmful before that."""
    assert len(timelines()) == 14
    troubles = [trouble for episode in public_events() for trouble in episode.troubles]
    assert len(troubles) == len({trouble.arn for trouble in troubles}) == 351
    for trouble in (*troubles, *(each for episode in timelines() for each in episode.troubles)):
        assert [post.at for post in trouble.posts] == sorted(post.at for post in trouble.posts)
        assert trouble.posts[0].at == trouble.opened_at
        assert trouble.closed_at is None or trouble.opened_at <= trouble.closed_at
        assert all(until is None or since < until for since, until in trouble.impact), trouble


def test_the_fleets_are_mixed() -> None:
    """A replay in which all deploys fail alike would prove little."""
    deploys = [deploy for episode in (*timelines(), *public_events()) for deploy in fleet_of(episode)]
    assert {deploy.why for deploy in deploys} == set(Why)
    assert {deploy.gate for deploy in deploys} == {"", "fail", "wait"}
    assert len({deploy.way.provider for deploy in deploys}) >= 8
    assert len({deploy.region for deploy in deploys}) >= 10


def test_the_judge_knows_nothing_of_how_the_bot_judges() -> None:
    """Ground truth comes from the record and the script; of the bot, words and deeds only."""
    for module in ("record", "fleet", "judge"):
        known = set(imports_from(ROOT / f"tests/replay/{module}.py", "bot"))
        assert {name.rpartition(".")[0] for name in known} <= {"bot.model", "bot.ports"}, known
