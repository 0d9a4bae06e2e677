"""``make mutation``: breaks the core in one place after another, and says which breaks no test notices.

Each mutant is one small change to the body of one function (`tools.mutants`). A process of its own takes it on and runs the
tests that reach the function, the quickest first. What changes nothing that anybody could see is listed in
`tools/mutation.toml` with the reason; what else survives is printed, and the exit code is 1.

First come breaks that were made by hand, one or more for each promise that a property test keeps: that test must notice it.

    make mutation ARGS="--promises"           # those alone
    make mutation ARGS="keys caps"            # these modules; without names the promises and all modules
    make mutation ARGS="--every 10 facts"     # every tenth mutant of it
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import cProfile
import hashlib
import importlib
import os
import resource
import sys
import time
import types
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, cast

import msgspec
import msgspec.toml
import pytest
from hypothesis import HealthCheck, Phase, settings

from tools.mutants import Mutant, broken, mutants
from tools.mutants import functions as functions_of

ROOT: Final = Path(__file__).parent.parent
CORE: Final = ROOT / "perennia" / "core"
TESTS: Final = ROOT / "tests" / "core"
SUPPORT: Final = ROOT / "tests" / "support"
REVIEWED: Final = ROOT / "tools" / "mutation.toml"
REACHED: Final = ROOT / "build" / "mutation-reached.json"

AT_ONCE: Final = 2
# Examples of each property, and seconds of tests, that a mutant is tried with. A break that only more of them notice deserves
# a quicker test.
EXAMPLES: Final = 8
EXAMPLES_OF_A_PROMISE: Final = 40  # as in `make test`
MOST_SECONDS: Final = 20.0
# What runs for ever, or takes all memory, is noticed, too.
CPU_SECONDS: Final = 90
MEMORY_BYTES: Final = 3 << 30
FIRST: Final = 25  # tests: collecting all of them takes longer than running the ones that notice
QUIET: Final = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0", "-W", "ignore"]

SURVIVED: Final = 0
NOTICED: Final = 1
FAILED_TO_MUTATE: Final = 99


class CannotMutate(Exception):
    """The function of a mutant was not found where its module says, or the tests fail without any mutant."""


class Break(msgspec.Struct):
    """A break made by hand (`tools.mutants.broken`), and the test of `tests/core` that keeps the promise which it breaks."""

    promise: str
    module: str
    old: str
    new: str
    test: str


class Reviewed(msgspec.Struct):
    """`tools/mutation.toml`. ``explained``: by module, the mutants that nobody can notice, with the reason."""

    breaks: list[Break] = msgspec.field(name="break")
    explained: dict[str, dict[str, str]] = {}


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    os.chdir(ROOT)
    reviewed = msgspec.toml.decode(REVIEWED.read_bytes(), type=Reviewed)
    # Everything is imported before the first fork: a mutant costs what its tests cost.
    for name in ("tests.support.lives", "tests.support.random_lives"):
        importlib.import_module(name)
    _take_examples(EXAMPLES_OF_A_PROMISE)
    left = 0 if options.modules else _try_promises(reviewed.breaks)
    if options.promises:
        return 1 if left else 0
    _take_examples(EXAMPLES)
    reached = _tests_by_function()
    for name in options.modules or sorted(path.stem for path in CORE.glob("*.py")):
        left += _try_module(name, reached, reviewed.explained.get(name, {}), options.every)
    return 1 if left else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutation")
    parser.add_argument("modules", nargs="*", help="of perennia/core; all where none is named")
    parser.add_argument("--promises", action="store_true", help="only the breaks made by hand")
    parser.add_argument("--every", type=int, default=1, help="only every Nth mutant of each module")
    return parser.parse_args(arguments)


def _take_examples(most: int) -> None:
    """For every property that is tried from here on: `tests/conftest.py` loads the profile of this name.

    Nobody reads the example that fails: it is not made smaller.
    """
    settings.register_profile(
        "mutation",
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    os.environ["PERENNIA_TEST_PROFILE"] = "mutation"


# --- which tests reach what ------------------------------------------------------------------------------------------


class Recorder:
    """A plugin that keeps, by test, the functions of the core that it calls, and how long it takes."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, set[str]] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        name = item.nodeid.partition("[")[0]
        profile = cProfile.Profile(builtins=False)
        begin = time.process_time()
        profile.enable()
        yield
        profile.disable()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - begin
        codes = (entry.code for entry in profile.getstats())
        calls = {_function_of(code) for code in codes if not isinstance(code, str)}
        self.calls.setdefault(name, set()).update(call for call in calls if call)


def _function_of(code: types.CodeType) -> str:
    """``module:function`` of the core; what is defined inside a function is a part of it. Empty: not of the core."""
    path = Path(code.co_filename)
    return f"{path.stem}:{code.co_qualname.partition('.<locals>')[0]}" if path.parent == CORE else ""


class TestFile(msgspec.Struct):
    """What is known of a file of tests, as long as its ``state`` is the same: by test its seconds, and what it calls."""

    state: str
    tests: dict[str, tuple[float, list[str]]]


def _tests_by_function() -> dict[str, list[tuple[float, str]]]:
    """By ``module:function`` the tests that call it, with their seconds, the quickest first."""
    known: dict[str, TestFile] = {}
    if REACHED.exists():
        known = msgspec.json.decode(REACHED.read_bytes(), type=dict[str, TestFile])
    functions = {
        (path.stem, name) for path in CORE.glob("*.py") for name, _ in functions_of(ast.parse(path.read_text("utf-8")))
    }
    shared = [repr(sorted(functions)).encode(), *(path.read_bytes() for path in sorted(SUPPORT.glob("*.py")))]
    states = {
        str(path.relative_to(ROOT)): hashlib.sha256(b"".join([*shared, path.read_bytes()])).hexdigest()
        for path in sorted(TESTS.glob("test_*.py"))
    }
    for name, state in states.items():
        if name not in known or known[name].state != state:
            print(f"which functions do the tests of {name} reach?", flush=True)
            known[name] = TestFile(state, _watched(name))
            REACHED.parent.mkdir(exist_ok=True)
            REACHED.write_bytes(msgspec.json.encode({each: known[each] for each in states if each in known}))
    reached: dict[str, list[tuple[float, str]]] = {}
    for name in states:
        for test, (seconds, calls) in known[name].tests.items():
            for call in calls:
                reached.setdefault(call, []).append((seconds, test))
    return {call: sorted(tests) for call, tests in reached.items()}


def _watched(file: str) -> dict[str, tuple[float, list[str]]]:
    """Runs the tests of a file in a process of its own. Raises `CannotMutate` where they fail as things are."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        recorder = Recorder()
        _be_quiet()
        status = int(pytest.main([*QUIET, "-m", "not slow", file], plugins=[recorder]))
        tests = {name: (recorder.seconds[name], sorted(calls)) for name, calls in recorder.calls.items()}
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(msgspec.json.encode(tests))
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    if os.waitpid(child, 0)[1] != 0:
        raise CannotMutate(f"{file} fails without any mutant")
    return msgspec.json.decode(told, type=dict[str, tuple[float, list[str]]])


def _be_quiet() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)


def _tests_of(function: str, reached: dict[str, list[tuple[float, str]]]) -> list[str]:
    chosen: list[str] = []
    spent = 0.0
    for seconds, name in reached.get(function, ()):
        spent += seconds
        if spent > MOST_SECONDS and chosen:
            break
        chosen.append(name)
    return chosen


# --- trying -----------------------------------------------------------------------------------------------------------


def _try_promises(breaks: Sequence[Break]) -> int:
    """Prints the breaks made by hand that their property does not notice; returns how many."""
    running: dict[int, str] = {}
    unnoticed: list[str] = []
    for each in breaks:
        module = importlib.import_module(f"perennia.core.{each.module}")
        mutant = broken((CORE / f"{each.module}.py").read_text(encoding="utf-8"), each.old, each.new)
        if len(running) >= AT_ONCE:
            unnoticed += _await_one(running)
        running[_fork(module, mutant, [f"tests/core/{each.test}"])] = f"{each.promise}: {each.test} does not notice"
    while running:
        unnoticed += _await_one(running)
    print(f"{len(breaks)} broken promises, {len(unnoticed)} not noticed", flush=True)
    return len(unnoticed)


def _try_module(name: str, reached: dict[str, list[tuple[float, str]]], equivalent: dict[str, str], every: int) -> int:
    """Prints the mutants of ``perennia.core.NAME`` that nobody notices and nobody has explained; returns how many."""
    module = importlib.import_module(f"perennia.core.{name}")
    found = list(mutants((CORE / f"{name}.py").read_text(encoding="utf-8")))
    for stale in equivalent.keys() - {each.name for each in found}:
        print(f"{REVIEWED.relative_to(ROOT)}: {name} has no mutant {stale!r} any more", flush=True)
    queue = [each for each in found if each.name not in equivalent][::every]
    running: dict[int, str] = {}
    survivors: list[str] = []
    for mutant in queue:
        if len(running) >= AT_ONCE:
            survivors += _await_one(running)
        place = f"perennia/core/{name}.py:{mutant.line}: {mutant.name}"
        running[_fork(module, mutant, _tests_of(f"{name}:{mutant.function}", reached))] = place
    while running:
        survivors += _await_one(running)
    explained = len(equivalent.keys() & {each.name for each in found})
    counts = f"{explained} explained, {len(queue)} tried, {len(survivors)} survive"
    print(f"{name}: {len(found)} mutants, {counts}", flush=True)
    return len(survivors)


def _await_one(running: dict[int, str]) -> list[str]:
    """Waits for one of the processes. Prints and returns what it stands for, where no test noticed anything."""
    child, status = os.wait()
    place = running.pop(child)
    code = os.waitstatus_to_exitcode(status)
    if code == FAILED_TO_MUTATE:
        raise CannotMutate(place)
    if code == SURVIVED:
        print(place, flush=True)
    return [place] if code == SURVIVED else []


def _fork(module: types.ModuleType, mutant: Mutant, tests: list[str]) -> int:
    """The id of a process that takes the mutant on and runs the tests."""
    child = os.fork()
    if child:
        return child
    status = FAILED_TO_MUTATE
    with contextlib.suppress(BaseException):
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        _be_quiet()
        _take_on(module, mutant)
        status = NOTICED
        bounds = [0, min(FIRST, len(tests)), len(tests)]
        batches = [tests[start:end] for start, end in pairwise(bounds) if start < end]
        status = SURVIVED if all(pytest.main([*QUIET, *batch]) == 0 for batch in batches) else NOTICED
    os._exit(status)


def _take_on(module: types.ModuleType, mutant: Mutant) -> None:
    """Gives the function the mutant's body, wherever it is already known by name."""
    owner: object = module
    *outer, name = mutant.function.split(".")
    for each in outer:
        owner = getattr(owner, each)
    found: object = vars(owner)[name]
    while not isinstance(found, types.FunctionType):
        wrapped = [getattr(found, attribute, None) for attribute in ("fget", "__wrapped__", "__func__")]
        found = next(inner for inner in wrapped if inner is not None)
    code = compile(mutant.tree, str(module.__file__), "exec", dont_inherit=True)
    found.__code__ = next(each for each in _codes(code) if each.co_qualname == mutant.function)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in cast("tuple[object, ...]", code.co_consts):
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
