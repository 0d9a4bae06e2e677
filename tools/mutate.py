"""``make mutation``: breaks the core in one place after another, and says which breaks no test notices.

Each mutant is one small change to the body of one function (`tools.mutants`). A process of its own takes it on and runs the
tests that reach the function, the quickest first. What changes nothing that anybody could see is listed in
`tools/mutation.toml` with the reason; what else survives is printed, and the exit code is 1. What was found is kept
(`build/mutation-found.jsonl`): a run that was stopped goes on where it was, and later ones try only what has changed since.

Beside them there are breaks that were made by hand, one or more for each promise that a property test keeps: that test must
notice it.

    make mutation ARGS="--promises"               # those alone
    make mutation ARGS="keys caps"                # these modules; without names all of them
    make mutation ARGS="--every 10 facts"         # every tenth mutant of it, from the first; with --offset 1 from the second
    make mutation ARGS="--at-once 1 --seconds 8"  # one process, and for each mutant at most 8 seconds of tests
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import os
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import ceil
from typing import Final, TypeAlias, TypeVar, cast

import msgspec
import msgspec.toml

from tools.core_tests import CORE, ROOT, CannotRun, CoreTests, TestReached, has_failed, with_tests
from tools.mutants import Mutant, broken, mutants
from tools.mutants import functions as functions_of

SUPPORT: Final = ROOT / "tests" / "support"
REVIEWED: Final = ROOT / "tools" / "mutation.toml"
REACHED: Final = ROOT / "build" / "mutation-reached.json"
FOUND: Final = ROOT / "build" / "mutation-found.jsonl"

# Examples of each property that a mutant is tried with. A break that only more of them notice deserves a quicker test.
EXAMPLES: Final = 8
EXAMPLES_OF_A_PROMISE: Final = 40  # as in `make test`
SECONDS_OF_A_PROMISE: Final = 90
# So many times as long as they usually take may tests take: what is longer runs for ever.
PATIENCE: Final = 3

Named = TypeVar("Named")
# What is to be done before which tests, and for how many seconds they may run.
Asked: TypeAlias = tuple[Callable[[], None], Sequence[str], int]


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


class Options(argparse.Namespace):
    """What is asked for; ``seconds``: of tests, at most, for each mutant."""

    modules: list[str]
    promises: bool
    every: int
    offset: int
    at_once: int
    seconds: float


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    os.chdir(ROOT)
    reviewed = msgspec.toml.decode(REVIEWED.read_bytes(), type=Reviewed)
    left: list[str] = []

    def try_promises(tests: CoreTests) -> None:
        left.extend(_try_promises(tests, reviewed.breaks, options.at_once))

    def try_modules(tests: CoreTests) -> None:
        reached, found = Reached(tests, options.seconds), Findings()
        for name in options.modules or sorted(path.stem for path in CORE.glob("*.py")):
            left.extend(_try_module(name, tests, reached, found, reviewed.explained.get(name, {}), options))

    if options.promises:
        with_tests(EXAMPLES_OF_A_PROMISE, try_promises)
    else:
        with_tests(EXAMPLES, try_modules)
    return 1 if left else 0


def _options(arguments: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(prog="make mutation")
    parser.add_argument("modules", nargs="*", help="of perennia/core; all where none is named")
    parser.add_argument("--promises", action="store_true", help="only the breaks made by hand")
    parser.add_argument("--every", type=int, default=1, help="only every Nth mutant of each module")
    parser.add_argument("--offset", type=int, default=0, help="how many mutants of each module are passed over before")
    parser.add_argument("--at-once", type=int, default=2, help="how many processes")
    parser.add_argument("--seconds", type=float, default=20.0, help="of tests that a mutant is tried with at most")
    return parser.parse_args(arguments, namespace=Options())


# --- what is known from before --------------------------------------------------------------------------------------


class FileReached(msgspec.Struct):
    """What is known of a file of tests, as long as its ``state`` is the same."""

    state: str
    tests: list[TestReached]


class Reached:
    """Which tests reach which function: `build/mutation-reached.json` keeps it."""

    def __init__(self, tests: CoreTests, seconds: float) -> None:
        self._seconds = seconds
        self._states = _states(tests.files)
        self._by_function: dict[str, list[TestReached]] = {}
        for file in _known(tests, self._states).values():
            for test in file.tests:
                for call in test.calls:
                    self._by_function.setdefault(call, []).append(test)

    def tests_of(self, function: str) -> list[str]:
        """Those that call ``module:function``, the quickest first, as many as there is time for and at least one."""
        chosen: list[str] = []
        spent = 0.0
        for test in sorted(self._by_function.get(function, ()), key=lambda each: (each.seconds, each.name)):
            spent += test.seconds
            if spent > self._seconds and chosen:
                break
            chosen.append(test.name)
        return chosen

    def state_of(self, tests: Iterable[str]) -> str:
        """Another as soon as there are other tests, or one of their files is changed."""
        return _hash(each + self._states[each.partition("::")[0]] for each in tests)


def _hash(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:20]


def _states(files: Iterable[str]) -> dict[str, str]:
    """By file of tests, what is another as soon as the file is changed, or what it may reach."""
    sources = {path.stem: ast.parse(path.read_text("utf-8")) for path in CORE.glob("*.py")}
    functions = sorted(f"{module}:{name}" for module, tree in sources.items() for name, _ in functions_of(tree))
    shared = [*functions, *(path.read_text("utf-8") for path in sorted(SUPPORT.glob("*.py")))]
    return {file: _hash([*shared, (ROOT / file).read_text("utf-8")]) for file in files}


def _known(tests: CoreTests, states: Mapping[str, str]) -> dict[str, FileReached]:
    """What is known of each file in its state; what is not, is found out by running it."""
    known: dict[str, FileReached] = {}
    if REACHED.exists():
        known = msgspec.json.decode(REACHED.read_bytes(), type=dict[str, FileReached])
    for name, state in states.items():
        if name not in known or known[name].state != state:
            print(f"which functions do the tests of {name} reach?", flush=True)
            known[name] = FileReached(state, tests.reached(name))
            REACHED.parent.mkdir(exist_ok=True)
            REACHED.write_bytes(msgspec.json.encode(known))
    return {name: known[name] for name in states}


class Finding(msgspec.Struct, frozen=True):
    """What came of a mutant. ``text``: of the function as it broke it; ``tests``: those that it was tried with."""

    module: str
    mutant: str
    text: str
    tests: str
    noticed: bool


class Findings:
    """Those of all runs. What was noticed stays so while the function is the same; what was not, while its tests are, too."""

    def __init__(self) -> None:
        lines = FOUND.read_bytes().splitlines() if FOUND.exists() else []
        found = (msgspec.json.decode(line, type=Finding) for line in lines)
        self._last = {(each.module, each.text): each for each in found}

    def noticed(self, module: str, mutant: Mutant, tests: str) -> bool | None:
        """What is known of it; None: nothing."""
        found = self._last.get((module, _hash([mutant.text])))
        return found.noticed if found is not None and (found.noticed or found.tests == tests) else None

    def keep(self, module: str, mutant: Mutant, tests: str, *, noticed: bool) -> None:
        found = Finding(module, mutant.name, _hash([mutant.text]), tests, noticed)
        self._last[module, found.text] = found
        with FOUND.open("ab") as file:
            file.write(msgspec.json.encode(found) + b"\n")


# --- trying -----------------------------------------------------------------------------------------------------------


def _try_promises(tests: CoreTests, breaks: Sequence[Break], at_once: int) -> list[str]:
    """Prints and returns the breaks made by hand that their property does not notice.

    Raises `CannotRun` where a property fails as things are: it would fail whatever is broken.
    """
    names = sorted({f"tests/core/{each.test}" for each in breaks})
    whole = [(name, (_leave_whole, [name], SECONDS_OF_A_PROMISE)) for name in names]
    for name, failed in _tried(tests, whole, at_once):
        if failed:
            raise CannotRun(f"{name} fails as things are")
    asked = [(each, (partial(_break, each), [f"tests/core/{each.test}"], SECONDS_OF_A_PROMISE)) for each in breaks]
    left = [
        f"{each.promise}: {each.test} does not notice" for each, failed in _tried(tests, asked, at_once) if not failed
    ]
    print("\n".join([*left, f"{len(breaks)} broken promises, {len(left)} not noticed"]), flush=True)
    return left


def _leave_whole() -> None:
    """Breaks nothing."""


def _break(each: Break) -> None:
    source = (CORE / f"{each.module}.py").read_text(encoding="utf-8")
    _take_on(each.module, broken(source, each.old, each.new))


def _try_module(
    name: str, tests: CoreTests, reached: Reached, found: Findings, explained: Mapping[str, str], options: Options
) -> list[str]:
    """Prints and returns the mutants of ``perennia.core.NAME`` that nobody notices and nobody has explained."""
    every = list(mutants((CORE / f"{name}.py").read_text(encoding="utf-8")))
    for stale in sorted(explained.keys() - {each.name for each in every}):
        print(f"{REVIEWED.relative_to(ROOT)}: {name} has no mutant {stale!r} any more", flush=True)
    queue = [each for each in every[options.offset :: options.every] if each.name not in explained]
    survivors: list[str] = []
    new: list[tuple[Mutant, Asked]] = []
    for mutant in queue:
        chosen = reached.tests_of(f"{name}:{mutant.function}")
        noticed = found.noticed(name, mutant, reached.state_of(chosen))
        if noticed is None:
            new.append((mutant, (partial(_take_on, name, mutant), chosen, PATIENCE * ceil(options.seconds))))
        elif not noticed:
            survivors.append(_told(name, mutant))
    for mutant, failed in _tried(tests, new, options.at_once):
        state = reached.state_of(reached.tests_of(f"{name}:{mutant.function}"))
        found.keep(name, mutant, state, noticed=failed)
        if not failed:
            survivors.append(_told(name, mutant))
    counts = f"{len(queue)} tried, {len(new)} of them now; {len(survivors)} survive"
    print(f"{name}: {len(every)} mutants, {len(explained)} explained, {counts}", flush=True)
    return survivors


def _told(module: str, mutant: Mutant) -> str:
    place = f"perennia/core/{module}.py:{mutant.line}: {mutant.name}"
    print(place, flush=True)
    return place


def _tried(tests: CoreTests, all_: Iterable[tuple[Named, Asked]], at_once: int) -> Iterator[tuple[Named, bool]]:
    """Each with whether a test failed, as soon as that is known. Raises `CannotRun`."""
    running: dict[int, Named] = {}
    for name, (before, chosen, seconds) in all_:
        if len(running) >= at_once:
            yield _await_one(running)
        running[tests.begin(chosen, before, seconds=seconds)] = name
    while running:
        yield _await_one(running)


def _await_one(running: dict[int, Named]) -> tuple[Named, bool]:
    child, status = os.wait()
    return running.pop(child), has_failed(status)


def _take_on(module: str, mutant: Mutant) -> None:
    """Gives the function the mutant's body, wherever it is already known by name, and has nothing remembered from before."""
    owner: object = importlib.import_module(f"perennia.core.{module}")
    file = str(CORE / f"{module}.py")
    *outer, name = mutant.function.split(".")
    for each in outer:
        owner = getattr(owner, each)
    found: object = vars(owner)[name]
    while not isinstance(found, types.FunctionType):
        wrapped = [getattr(found, attribute, None) for attribute in ("fget", "__wrapped__", "__func__")]
        found = next(inner for inner in wrapped if inner is not None)
    code = compile(mutant.tree, file, "exec", dont_inherit=True)
    found.__code__ = next(each for each in _codes(code) if each.co_qualname == mutant.function)
    for module_ in [each for name_, each in sys.modules.items() if name_.startswith("perennia.")]:
        for remembered in vars(module_).values():
            if hasattr(remembered, "cache_clear"):
                remembered.cache_clear()


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in cast("tuple[object, ...]", code.co_consts):
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
