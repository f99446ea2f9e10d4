"""Look at what `sam build` made: each function's folder, and whether its entry point imports from there alone.

python3 .ci/check_package.py .aws-sam/build
"""

import csv
import re
import subprocess
import sys
from pathlib import Path

# Run by a Python that knows nothing but its own library and the folder (-I -S).
IMPORT_ALONE = """
import importlib, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
module, _, name = sys.argv[2].rpartition(".")
sys.exit(not callable(getattr(importlib.import_module(module), name)))
"""
FUNCTIONS = 7
LAMBDA_LIMIT = 250 * 1024 * 1024  # bytes, unzipped


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(requirements: Path) -> dict[str, str]:
    lines = (line.partition("#")[0].strip() for line in requirements.read_text().splitlines())
    return {canonical(name): version for name, _, version in (line.partition("==") for line in lines if line)}


def shipped(folder: Path) -> tuple[dict[str, str], set[str]]:
    """The distributions a folder holds, with their versions, and every top-level name that belongs to them."""
    versions, names = {}, set()
    for metadata in folder.glob("*.dist-info"):
        name, _, version = metadata.name.removesuffix(".dist-info").rpartition("-")
        versions[canonical(name)] = version
        with (metadata / "RECORD").open(newline="") as record:
            names |= {Path(path).parts[0] for path, *_ in csv.reader(record)}
    return versions, names


def problems(folder: Path, handler: str, pins: dict[str, str]) -> list[str]:
    versions, owned = shipped(folder)
    found = []
    if versions != pins:
        found.append(f"ships {sorted(versions.items() ^ pins.items())} other than requirements.txt says")
    strangers = sorted(entry.name for entry in folder.iterdir() if entry.name not in owned | {"bot", "handlers"})
    if strangers:
        found.append(f"has what belongs to nobody: {', '.join(strangers)}")
    found += [
        f"has {path.relative_to(folder)}" for path in folder.rglob("*") if path.name in ("tests", "__pycache__")
    ]
    found += [
        f"has {path.relative_to(folder)}, not for Lambda"
        for path in folder.rglob("*.so")
        if "aarch64" not in path.name
    ]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > LAMBDA_LIMIT:
        found.append(f"is {size} bytes, more than Lambda takes")
    command = [sys.executable, "-I", "-S", "-c", IMPORT_ALONE, str(folder), handler]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if run.returncode:
        found.append(f"cannot import {handler}: {run.stderr.strip()[-300:] or 'it is not callable'}")
    if not found:
        print(f"  {folder.name}: {handler}, {len(versions)} pinned packages, {size / 1e6:.0f} MB")
    return found


def handlers(template: Path) -> dict[str, str]:
    """Each function's handler. Read line by line: the system's Python has no YAML."""
    found, logical_id = {}, ""
    for line in template.read_text().splitlines():
        if match := re.fullmatch(r"  (\w+):.*", line):
            logical_id = match[1]
        if match := re.fullmatch(r"      Handler: (\S+)", line):
            found[logical_id] = match[1]
    return found


def main(build: Path) -> int:
    pins, entry_points = pinned(Path("requirements.txt")), handlers(build / "template.yaml")
    if len(entry_points) != FUNCTIONS:
        print(f"expected {FUNCTIONS} functions in {build / 'template.yaml'}, found {entry_points}")
        return 1
    print(f"Looking at {build}:")
    wrong = {name: problems((build / name).resolve(), handler, pins) for name, handler in entry_points.items()}
    for name, found in wrong.items():
        for problem in found:
            print(f"  {name} {problem}")
    return int(any(wrong.values()))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
