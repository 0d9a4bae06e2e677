"""One child process: bound to its parent's life, its output in a log file."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

# prctl(2): the signal a process gets when the thread that made it ends. Linux only.
_PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


async def start_child(command: Sequence[str], environment: Mapping[str, str], log: Path) -> asyncio.subprocess.Process:
    """Starts ``command`` in a session of its own, so that Ctrl-C reaches the parent alone, who stops it in order.

    On Linux the kernel kills the child when the parent dies, however it dies; elsewhere `end_leftover` does so at the
    next start. Output is appended to ``log``.
    """
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=_bind_to_parent(os.getpid()),
        )


def _bind_to_parent(parent: int) -> Callable[[], None] | None:
    if _LIBC is None:
        return None
    prctl = _LIBC.prctl

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died between fork and prctl: nobody is left to send the signal
            os._exit(1)

    return bind


async def stop_child(process: asyncio.subprocess.Process, within: timedelta) -> bool:
    """Asks it to end, and kills it where it has not ended ``within``. True where asking was enough."""
    if process.returncode is not None:
        return True
    send_signal(process, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), within.total_seconds())
    except TimeoutError:
        send_signal(process, signal.SIGKILL)
        await process.wait()
        return False
    return True


def send_signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Sends the signal where the process still lives."""
    with suppress(ProcessLookupError):
        process.send_signal(number)


async def end_leftover(pid: int, mark: str) -> bool:
    """Kills the process where it still runs and has ``mark`` on its command line: a pid alone may be somebody else's now."""
    asking = await asyncio.create_subprocess_exec(
        "ps", "-ww", "-o", "command=", "-p", str(pid), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    command, _ = await asking.communicate()
    if mark not in command.decode(errors="replace"):
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return True


def describe_end(code: int) -> str:
    """``killed by SIGKILL`` or ``exit code 3``."""
    if code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    return f"exit code {code}"
