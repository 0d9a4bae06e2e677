"""`perennia serve`: the API and the dispatcher in one process, until it is told to stop."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from perennia.opening import opened_store
from perennia.settings import Settings, SettingsError
from perennia.wiring import build_app, connect_temporal, running_dispatcher

DRAIN_SECONDS = 5  # for requests under way when told to stop


async def serve(settings: Settings, tell: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM. ``tell`` gets the address once it listens. Temporal may be away meanwhile.

    Raises `SettingsError` for an address that cannot be listened on.
    """
    listening = _listen(settings.http)
    host, port = listening.getsockname()[:2]
    url = f"http://{host}:{port}"
    client = await connect_temporal(lazy=True)
    async with (
        opened_store(settings) as store,
        running_dispatcher(settings, store, client, sweeping=True) as dispatcher,
    ):
        app = build_app(settings, store, dispatcher, url)
        server = _Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=DRAIN_SECONDS))
        tell(url)
        await server.serve(sockets=[listening])


class _Server(uvicorn.Server):
    """uvicorn raises the signal that stopped it once more when it is done, which would end the process in mid-drain."""

    @contextlib.contextmanager
    def capture_signals(self):
        former = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.should_exit = True


def _listen(http: str) -> socket.socket:
    host, _, port = http.rpartition(":")
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), int(port)))
    except OSError as error:
        listening.close()
        raise SettingsError(
            "PERENNIA_HTTP", f"cannot listen on {http}: {error.strerror}", "choose another port"
        ) from error
    return listening
