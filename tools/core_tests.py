"""The tests of the core, collected once: any of them can be run in a process of its own, with something done before."""

from __future__ import annotations

import contextlib
import cProfile
import gc
import os
import resource
import time
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings

ROOT: Final = Path(__file__).parent.parent
CORE: Final = ROOT / "perennia" / "core"
TESTS: Final = ROOT / "tests" / "core"
# What the core refuses in definitions, and how it says so, is tried there.
CHECKS: Final = ROOT / "tests" / "catalog"

# What takes all memory has failed.
MEMORY_BYTES: Final = 3 << 30
# Nobody reads what is printed: that one failed is enough.
QUIET: Final = ["-x", "-s", "-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore"]
OURS: Final = ["-o", "addopts=", "--import-mode=importlib", "-o", "timeout=0", "-m", "not slow"]

PASSED: Final = 0
FAILED: Final = 1
NOT_RUN: Final = 99


class CannotRun(Exception):
    """The tests cannot be collected, or what was to be done before them failed."""


class TestReached(msgspec.Struct, frozen=True):
    """``seconds`` that a test took, of the processor; ``calls``: ``module:function`` of the core."""

    name: str
    seconds: float
    calls: tuple[str, ...]


def with_tests(examples: int, use: Callable[[CoreTests], None]) -> None:
    """Hands the tests over, whose properties are tried with so many examples. Once in a process: the number stays."""
    _take_examples(examples)
    session = _Session(use)
    status = pytest.main([*QUIET, *OURS, str(TESTS), str(CHECKS)], plugins=[session])
    if session.failure is not None:
        raise session.failure
    if not session.used:
        raise CannotRun(f"pytest could not collect the tests: {status!r}")


def _take_examples(most: int) -> None:
    """`tests/conftest.py` loads the profile of this name. Nobody reads the example that fails: it is not made smaller."""
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


class _Session:
    """A plugin in whose session nothing runs but what ``use`` has run."""

    def __init__(self, use: Callable[[CoreTests], None]) -> None:
        self.use = use
        self.used = False
        self.failure: Exception | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            return False
        self.used = True
        try:
            self.use(CoreTests(session))
        except Exception as failure:  # noqa: BLE001 (pytest would only say that a plugin failed: it is raised again)
            self.failure = failure
        return True


class CoreTests:
    """Those that are not slow, by name: ``tests/core/test_x.py::test_y`` without parameters."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self.items: dict[str, list[pytest.Item]] = {}
        for item in session.items:
            self.items.setdefault(item.nodeid.partition("[")[0], []).append(item)
        gc.collect()
        gc.freeze()  # else every process would copy what the others share as soon as it collects

    @property
    def files(self) -> list[str]:
        return sorted({name.partition("::")[0] for name in self.items})

    def begin(self, names: Iterable[str], before: Callable[[], None], *, seconds: int) -> int:
        """The id of a process that does ``before`` and runs the tests up to the first that fails; `has_failed` of its code.

        What takes more ``seconds`` has failed, too: of the processor, so that it is the same however busy the machine is.
        """
        child = os.fork()
        if child:
            return child
        status = NOT_RUN
        with contextlib.suppress(BaseException):
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            _be_quiet()
            before()
            status = FAILED
            status = PASSED if self._run(names) else FAILED
        os._exit(status)

    def _run(self, names: Iterable[str]) -> bool:
        chosen = [item for name in names for item in self.items[name]]
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._session.testsfailed:
                return False
        return True

    def reached(self, file: str) -> list[TestReached]:
        """What each test of a file calls. Raises `CannotRun` where one fails."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _be_quiet()
            found = [_watched(name, items) for name, items in self.items.items() if name.partition("::")[0] == file]
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(msgspec.json.encode(found))
            os._exit(FAILED if self._session.testsfailed else PASSED)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read()
        if os.waitpid(child, 0)[1] != 0:
            raise CannotRun(f"{file} fails as things are")
        return msgspec.json.decode(told, type=list[TestReached])


def has_failed(status: int) -> bool:
    """Whether a test failed in a process that has ended so (`os.wait`). Raises `CannotRun` where it did not come to that."""
    code = os.waitstatus_to_exitcode(status)
    if code == NOT_RUN:
        raise CannotRun("what was to be done before the tests failed")
    return code != PASSED


def _watched(name: str, items: list[pytest.Item]) -> TestReached:
    profile = cProfile.Profile(builtins=False)
    begin = time.process_time()
    for item in items:
        profile.enable()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        profile.disable()
    codes = (entry.code for entry in profile.getstats())
    calls = {_function_of(code) for code in codes if not isinstance(code, str)}
    return TestReached(name, time.process_time() - begin, tuple(sorted(each for each in calls if each)))


def _function_of(code: types.CodeType) -> str:
    """``module:function`` of the core; what is defined inside a function is a part of it. Empty: not of the core."""
    path = Path(code.co_filename)
    return f"{path.stem}:{code.co_qualname.partition('.<locals>')[0]}" if path.parent == CORE else ""


def _be_quiet() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
