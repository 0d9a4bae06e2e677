"""What `make mutation` knows of the core is still there: the breaks made by hand, and the mutants that were explained."""

from __future__ import annotations

import msgspec.toml
import pytest

from tools.core_tests import CORE, TESTS
from tools.mutants import broken, mutants
from tools.mutate import REVIEWED, Break, Reviewed

KNOWN = msgspec.toml.decode(REVIEWED.read_bytes(), type=Reviewed)


def source(module: str) -> str:
    return (CORE / f"{module}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("each", KNOWN.breaks, ids=lambda each: each.promise)
def test_a_promise_can_be_broken_and_its_test_exists(each: Break) -> None:
    broken(source(each.module), each.old, each.new)
    file, _, name = each.test.partition("::")
    assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("module", KNOWN.explained)
def test_every_mutant_that_was_explained_is_one(module: str) -> None:
    assert KNOWN.explained[module].keys() <= {each.name for each in mutants(source(module))}
