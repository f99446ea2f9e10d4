"""`make mutants`: each mutant in a copy of the tree of its own; its tests must fail there.

python -m tests.mutants                        all of them
python -m tests.mutants gate "live lease"      those whose names say "gate" or "live lease"
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tests.mutants.catalogue import MUTANTS, Mutant

ROOT = Path(__file__).parent.parent.parent
COPIED = ("bot", "handlers", "playground", "tests", "template.yaml", "pyproject.toml", "requirements.txt")
FAILED, PASSED = 1, 0  # pytest's exit codes; any other means that the tests did not run
TIMEOUT = 300  # seconds


class Misplaced(Exception):
    """The text is not there, or not once: code has moved, and the catalogue has to follow."""


class Unnamed(Exception):
    """No mutant is called that."""


def mutated(mutant: Mutant) -> str:
    """The file's text with the mutant in it. Raises Misplaced."""
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    found = text.count(mutant.old)
    if found != 1:
        raise Misplaced(f"{mutant.name}: {mutant.file} has its text {found} times instead of once")
    return text.replace(mutant.old, mutant.new)


def copy_tree(place: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place / name)


def run_tests(place: Path, tests: str, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", "--tb=line"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_DATABASE_FILE": ""}
    return subprocess.run(  # noqa: S603 - our own interpreter on our own tests
        [*command, *(f"tests/{name}" for name in tests.split())],
        cwd=place, env=environment, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def verdict(mutant: Mutant) -> str:
    """What became of it, "" if a test noticed."""
    with tempfile.TemporaryDirectory(prefix="allclear-mutant-") as directory:
        place = Path(directory)
        copy_tree(place)
        (place / mutant.file).write_text(mutated(mutant), encoding="utf-8")
        try:
            ran = run_tests(place, mutant.tests, TIMEOUT)
        except subprocess.TimeoutExpired:
            return ""  # it goes round in a circle, which nobody overlooks
    if ran.returncode == FAILED:
        return ""
    if ran.returncode == PASSED:
        return "SURVIVED: no test noticed"
    return f"its tests did not run (exit code {ran.returncode}):\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}"


def sound(tests: set[str]) -> str:
    """Nothing is shown by tests that fail anyway: what they say of the code as it is, "" if all is well."""
    ran = run_tests(ROOT, " ".join(sorted(tests)))
    return "" if ran.returncode == PASSED else ran.stdout[-3000:]


def named(names: list[str]) -> list[Mutant]:
    """The mutants whose names contain one of these; all of them where none is given. Raises Unnamed."""
    for name in names:
        if not any(name in mutant.name for mutant in MUTANTS):
            raise Unnamed(f'No mutant\'s name says "{name}".')
    return [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 1 for a survivor, 2 for a catalogue or tests that are not in order."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Break the code on purpose; the tests must notice."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutant's name, or a part of it; none: all")
    parser.add_argument("--list", action="store_true", help="say which there are, and break nothing")
    asked = parser.parse_args(arguments)
    console, began = Console(soft_wrap=True), time.monotonic()
    try:
        chosen = named(asked.names)
        for mutant in chosen:
            mutated(mutant)
    except (Misplaced, Unnamed) as problem:
        console.print(f"{problem}", style="red", markup=False)
        return 2
    if asked.list:
        for mutant in chosen:
            console.print(f"{mutant.name}  ({mutant.file})", markup=False, highlight=False)
        return 0
    if problem := sound({name for mutant in chosen for name in mutant.tests.split()}):
        console.print(f"The tests fail without any mutant:\n{problem}", style="red", markup=False)
        return 2
    survivors = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = pool.map(verdict, chosen)
        for mutant, said in track(zip(chosen, verdicts, strict=True), "mutants", len(chosen), console=console):
            if said:
                survivors += 1
                console.print(f"{mutant.name} ({mutant.file}; {mutant.tests}): {said}", style="red", markup=False)
    took = time.monotonic() - began
    console.print(f"{len(chosen)} mutants in {took:.0f} s: {len(chosen) - survivors} caught, {survivors} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
