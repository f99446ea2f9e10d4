"""Every story that `make demo SCENARIO=name` tells ends as it says; what is unknown is answered with the list."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from playground import scenarios
from playground.demo import main
from playground.scenarios import SCENARIOS
from playground.storytelling import Scenario, perform


def told(name: str) -> tuple[int, str]:
    """The exit status, and what the terminal shows."""
    terminal = io.StringIO()
    return main([name], Console(file=terminal, width=100)), terminal.getvalue()


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_told_with_its_cards_and_its_checks_hold(name: str) -> None:
    status, text = told(name)
    story, _, checks = text.partition("What the demo checked")
    assert "✘" not in checks
    assert status == 0
    assert checks.count("✔") >= 5
    assert "new card:" in story
    assert len(re.findall(r"^\d\d:\d\d  ", story, re.MULTILINE)) >= 4


def test_every_file_of_a_story_is_in_the_list() -> None:
    files = {path.stem for path in Path(scenarios.__path__[0]).glob("*.py")} - {"__init__"}
    assert {name.replace("-", "_") for name in SCENARIOS} == files


@pytest.mark.parametrize(("name", "status"), [("nonsense", 2), ("help", 0)])
def test_what_is_no_scenario_is_answered_with_a_line_for_each(name: str, status: int) -> None:
    answered, text = told(name)
    assert answered == status
    assert ("There is no scenario nonsense." in text) is (name == "nonsense")
    for known, scenario in SCENARIOS.items():
        assert re.search(rf"^  make demo SCENARIO={known} +{re.escape(scenario.summary)}$", text, re.MULTILINE)


def test_a_check_that_does_not_hold_fails_the_story_and_is_named() -> None:
    terminal = io.StringIO()
    broken = Scenario("a story", "of nothing", lambda _: [("two is two", True), ("two is three", False)])
    assert perform(broken, Console(file=terminal, width=100)) == 1
    assert "✔ two is two" in terminal.getvalue()
    assert "✘ two is three" in terminal.getvalue()
