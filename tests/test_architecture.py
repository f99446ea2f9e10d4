"""The rules of style and layering that a machine can hold, so that they cannot rot. Files are read, not run."""

import ast
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "handlers", "playground", "tests")
SDKS = {"boto3", "botocore", "slack_sdk"}
SHIPPED = {*SDKS, "aws_lambda_powertools"}
LONGEST = 320  # lines: one sitting
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
# What may be called while a module is imported: it makes constants, and costs next to nothing.
AT_IMPORT = {
    "TypeVar",
    "frozenset",
    "tuple",
    "len",
    "timedelta",
    "datetime",
    "re.compile",
    "logging.getLogger",
    "Logger",
}
CLOCKS_AND_CHANCE = re.compile(
    r"(datetime|date)\.(now|utcnow|today)|time\.(time|monotonic|sleep)\w*|uuid\.\w+|secrets\.\w+|os\.(environ|getenv)"
)  # fmt: skip
IMPURE_MODULES = {
    "random",
    "secrets",
    "uuid",
    "time",
    "os",
    "socket",
    "subprocess",
    "urllib.request",
    "http.client",
    "asyncio",
}


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(node: ast.AST) -> Iterator[str]:
    """Every module a file imports, anywhere in it, except for type checking alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute here"
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not is_type_checking(child):
            yield from imports(child)


def imports_from(path: Path, *packages: str) -> list[str]:
    """What the file imports of these packages (or modules), or of anything below them."""
    return [
        name for name in imports(tree(path)) if any(f"{name}.".startswith(f"{package}.") for package in packages)
    ]


def is_core(path: Path) -> bool:
    """The functional core: bot/ without its adapters and the workflows that drive them."""
    return path.relative_to(ROOT).parts[0] == "bot" and not {"adapters", "workflows"} & set(path.parts)


CORE = [path for path in modules("bot") if is_core(path)]
OUTSIDE_ADAPTERS = [path for path in modules("bot") if "adapters" not in path.parts]


def test_the_walk_finds_what_it_is_about() -> None:
    """Rules about nothing always hold."""
    assert "bot/lifecycle/table.py" in names(CORE)
    assert "bot/workflows/resume.py" in names(OUTSIDE_ADAPTERS)
    assert imports_from(ROOT / "bot/adapters/aws.py", "boto3", "botocore")
    assert imports_from(ROOT / "bot/workflows/resume.py", "bot.errors")


@pytest.mark.parametrize("module", names(modules("bot")))
def test_the_bot_knows_nothing_of_what_runs_it(module: str) -> None:
    """Imports point inward: handlers and playground know the bot, never the other way round."""
    assert not imports_from(ROOT / module, "handlers", "playground", "tests")


@pytest.mark.parametrize("module", names(modules("handlers")))
def test_what_ships_knows_nothing_of_what_does_not(module: str) -> None:
    """playground/ and tests/ are not in the package that is uploaded."""
    assert not imports_from(ROOT / module, "playground", "tests")


@pytest.mark.parametrize("module", names(modules("playground")))
def test_the_playground_knows_the_bot_only_as_aws_would(module: str) -> None:
    """It runs the handlers the template names; what it knew of their insides it could not help to prove."""
    assert not imports_from(ROOT / module, "bot", "handlers", "tests")


@pytest.mark.parametrize("module", names(OUTSIDE_ADAPTERS))
def test_sdks_live_in_the_adapters(module: str) -> None:
    """The domain is typed in its own words and tested without AWS or Slack."""
    assert not imports_from(ROOT / module, *SHIPPED)


@pytest.mark.parametrize("module", names(modules("handlers")))
def test_handlers_leave_the_sdks_to_the_adapters(module: str) -> None:
    """Clients are made in one place; of what ships, handlers use Powertools alone."""
    assert not imports_from(ROOT / module, *SDKS)


@pytest.mark.parametrize("module", names(modules("handlers")))
def test_only_the_composition_root_knows_the_adapters(module: str) -> None:
    """One place decides what stands behind each port."""
    assert (module == "handlers/composition.py") == bool(imports_from(ROOT / module, "bot.adapters"))


def test_the_port_to_the_ci_cd_tool_is_one_file() -> None:
    """And few words: what another tool's adapter implements can be read in one sitting (docs/architecture.md)."""
    adapters = [path for path in modules("bot/adapters") if path.name.startswith("codepipeline")]
    assert adapters
    known = {name.rpartition(".")[0] for path in adapters for name in imports_from(path, "bot")}
    words = {"bot.model", "bot.errors", "bot.running", "bot.gate"}
    assert {name for name in known if not name.startswith("bot.adapters")} == {"bot.pipelines", *words}


@pytest.mark.parametrize("module", names(OUTSIDE_ADAPTERS))
def test_the_domain_knows_ports_and_not_adapters(module: str) -> None:
    """What runs on memory in tests runs on AWS unchanged."""
    assert not imports_from(ROOT / module, "bot.adapters")


@pytest.mark.parametrize("module", names(CORE))
def test_the_core_knows_no_workflow(module: str) -> None:
    """Decisions do not know who loads and saves them."""
    assert not imports_from(ROOT / module, "bot.workflows")


@pytest.mark.parametrize("module", names(OUTSIDE_ADAPTERS))
def test_decisions_read_no_clock_no_chance_and_no_environment(module: str) -> None:
    """`now` and new ids are arguments, so that a decision can be repeated in a test."""
    assert not imports_from(ROOT / module, *IMPURE_MODULES)
    used = [ast.unparse(node) for node in ast.walk(tree(ROOT / module)) if isinstance(node, ast.Attribute)]
    assert not [expression for expression in used if CLOCKS_AND_CHANCE.fullmatch(expression)]


@pytest.mark.parametrize("module", names(modules("bot", "handlers")))
def test_importing_does_no_work(module: str) -> None:
    """A cold start pays for every import, and a test must be able to import anything."""
    for node in tree(ROOT / module).body:
        if is_type_checking(node) or isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        where = f"{module}:{node.lineno}"
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert is_docstring or isinstance(node, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign), where
        calls = {ast.unparse(inner.func) for inner in calls_now(node)}
        # A method of a constant, such as a string's title(), is no work either.
        calls = {call for call in calls if call.rpartition(".")[2] not in ("title", "join", "split")}
        assert calls <= AT_IMPORT, where


def calls_now(node: ast.AST) -> Iterator[ast.Call]:
    """The calls made when the statement runs, which those inside a lambda are not."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.Lambda):
            if isinstance(child, ast.Call):
                yield child
            yield from calls_now(child)


@pytest.mark.parametrize("module", names(modules("bot")))
def test_nothing_is_found_with_a_scan(module: str) -> None:
    """A scan reads everything ever written, every minute."""
    used = {node.attr for node in ast.walk(tree(ROOT / module)) if isinstance(node, ast.Attribute)}
    texts = {node.value for node in ast.walk(tree(ROOT / module)) if isinstance(node, ast.Constant)}
    assert not {"scan", "Scan", "execute_statement"} & (used | {text for text in texts if isinstance(text, str)})


@pytest.mark.parametrize("module", names(modules(*PACKAGES)))
def test_a_file_can_be_read_in_one_sitting(module: str) -> None:
    """Longer ones hold two things."""
    assert len((ROOT / module).read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_no_module_is_named_for_being_left_over() -> None:
    """A name that says nothing gathers everything."""
    assert not [name for name in names(modules(*PACKAGES)) if VAGUE & set(Path(name).with_suffix("").parts)]


@pytest.mark.parametrize("module", names(modules("bot", "handlers", "playground")))
def test_what_others_use_is_described(module: str) -> None:
    """Every module says what it is for."""
    assert ast.get_docstring(tree(ROOT / module)) or not tree(ROOT / module).body


@pytest.mark.parametrize("module", names(modules("tests")))
def test_tests_are_named_as_sentences_that_are_unique(module: str) -> None:
    """A second test of the same name silently replaces the first."""
    tests = [node.name for node in tree(ROOT / module).body
             if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]  # fmt: skip
    assert len(tests) == len(set(tests))
    assert not [name for name in tests if name.count("_") < 3]


def test_everything_that_ships_is_pinned() -> None:
    """What the pinned packages need is pinned too: pip installs the list and nothing besides (--no-deps)."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    pins = {canonical(line.partition("==")[0]) for line in lines if line}
    assert pins >= {canonical(name) for name in SHIPPED}
    for name in pins:
        for requirement in map(Requirement, requires(name) or []):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonical(requirement.name) in pins, f"{name} needs {requirement}"


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_one_version(file: str) -> None:
    """Two installations of one commit are the same."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / file).read_text().splitlines()]
    assert not [line for line in lines if line and not re.fullmatch(r"[\w.\-]+==[\w.]+", line)]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_project_stands_alone() -> None:
    """No tracked file names somebody's home."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: what is tracked cannot be told")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)  # noqa: S607
    elsewhere = re.compile(rb"/(root|home/\w+|Users/\w+)/")
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and name != "tests/test_architecture.py":
            assert not elsewhere.search(path.read_bytes()), name
