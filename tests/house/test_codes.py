"""Every code that `check` can say is explained."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from perennia.catalog.codes import CODES

ROOT = Path(__file__).resolve().parents[2]
CODE = r"[a-z]+(-[a-z]+)+|empty"


def codes_in(path: Path) -> set[str]:
    """Texts that look like a finding's code, and what references that lead nowhere are called (`Inspection.unknown`)."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(CODE, node.value):
            found.add(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "unknown":
            found |= {f"unknown-{noun.value}" for noun in node.args[1:2] if isinstance(noun, ast.Constant)}
    return found | ({"unknown-event", "unknown-trait"} if path.stem == "check_installation" else set())


def test_every_code_of_a_finding_is_explained_and_no_other() -> None:
    silent = {"codes", "scaffolding"}  # the page's own source, and what `new` writes
    modules = [path for path in (ROOT / "perennia/catalog").glob("*.py") if path.stem not in silent]
    modules.append(ROOT / "perennia/rendering/observations.py")
    found = {code for path in modules for code in codes_in(path)}
    assert found == set(CODES), "say in perennia/catalog/codes.py what the code means, then: make docs"
