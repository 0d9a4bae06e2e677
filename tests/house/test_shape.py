"""Code stays readable because its tail is cut off: no long function, no long module, no module without a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("perennia", "workflows", "activities", "tests", "bench", "tools", "deploy")

# Measured over two dozen codebases of the field: 90th percentiles of function length are 11-37 lines in the ones that read
# well and 42-75 in the ones that sprawl.
LONGEST_FUNCTION = 60
LONGEST_MODULE = 500
NAMELESS = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers"}

pytestmark = pytest.mark.filterwarnings("default")


def modules() -> Iterator[Path]:
    yield from ROOT.glob("*.py")
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def place(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_no_function_is_longer_than_sixty_lines() -> None:
    too_long = [
        f"{place(path, node.lineno)}: {node.name} has {length} lines"
        for path in modules()
        for node in functions(path)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not too_long, "\n".join(
        [
            *too_long,
            "A reader holds one screen in the head. Name the parts, and let the function be the list of their names.",
        ]
    )


def test_no_module_is_longer_than_five_hundred_lines() -> None:
    too_long = [
        f"{place(path)}: {length} lines"
        for path in modules()
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    ]
    assert not too_long, "\n".join(
        [*too_long, "One noun or one act a module: find the second noun in it, and give it a file of its own."]
    )


def test_every_module_is_named_for_what_it_holds() -> None:
    nameless = [place(path) for path in modules() if path.stem in NAMELESS or path.parent.name in NAMELESS]
    assert not nameless, "\n".join(
        [*nameless, "Name the thing (cadence.py, send_log.py). What has no name belongs to its only caller."]
    )


def test_packages_that_temporal_imports_again_and_again_hold_a_docstring_and_nothing_else() -> None:
    for package in ("workflows", "activities"):
        body = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")).body
        assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body), (
            f"{package}/__init__.py runs again in every workflow sandbox: a docstring and nothing else"
        )


def test_no_test_folder_shadows_a_package() -> None:
    shadows = [place(path) for name in ("workflows", "activities") for path in [ROOT / "tests" / name] if path.exists()]
    assert not shadows, (
        f"{shadows}: a test folder of this name hides the package of the same name; tests/engine is free"
    )


def test_test_files_have_names_of_their_own() -> None:
    seen: dict[str, Path] = {}
    twins: list[str] = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path.name in seen:
            twins.append(f"{place(path)} and {place(seen[path.name])}")
        seen[path.name] = path
    assert not twins, f"{twins}: pytest imports test files by their bare names; name them after what they test"
