"""`make mutants` takes minutes; that each mutant still fits the code is seen at once."""

import pytest

from tests.mutants.__main__ import ROOT, Misplaced, main, mutated, verdict
from tests.mutants.catalogue import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_code_and_is_code_itself(mutant: Mutant) -> None:
    """Its text stands there exactly once; what replaces it compiles; its tests exist."""
    compile(mutated(mutant), mutant.file, "exec")
    assert mutant.old != mutant.new
    assert all((ROOT / "tests" / name).is_file() for name in mutant.tests.split())


def test_the_catalogue_names_each_mutant_once() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 30


def test_a_mutant_whose_text_is_gone_is_refused() -> None:
    """A mutant that changes nothing would survive for ever."""
    with pytest.raises(Misplaced, match="0 times"):
        mutated(Mutant("gone", "bot/errors.py", "no such text", "", "test_errors.py"))


def test_a_survivor_is_told() -> None:
    """Words in a docstring are no behaviour: no test can notice."""
    harmless = Mutant(
        "harmless", "bot/overrides.py", "Who may override, what", "Who overrides, what", "core/test_clocks.py"
    )
    assert "SURVIVED" in verdict(harmless)


def test_help_and_a_list_break_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "usage: python -m tests.mutants" in capsys.readouterr().out
    assert main(["--list", "live lease", "shadow mode"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "a live lease is claimed over  (bot/lifecycle/retrying.py)",
        "a live lease is no reason to wait  (bot/workflows/resume.py)",
        "shadow mode retries  (bot/lifecycle/state.py)",
    ]


def test_a_name_that_no_mutant_has_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing run would otherwise read as nothing survived."""
    assert main(["leese"]) == 2
    assert "leese" in capsys.readouterr().out
