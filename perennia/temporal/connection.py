"""One way to connect: the SDK's own client configuration, with what the caller knows better laid over it."""

from __future__ import annotations

from typing import Final

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

DEFAULT_ADDRESS: Final = "localhost:7233"


class TemporalError(Exception):
    """What can be wrong with Temporal before any workflow runs.

    TemporalError
    +-- TemporalUnreachable      nobody answers there; may pass
    +-- TemporalMisconfigured    the client configuration cannot be read
    +-- TemporalNotInstalled     no `temporal` program for the embedded server
    +-- DevServerFailed          the embedded server ended or did not become ready
    """


class TemporalUnreachable(TemporalError):
    """Nobody answers at ``address``, or not as a Temporal server that lets us in. May pass."""

    def __init__(self, address: str, namespace: str, cause: str) -> None:
        super().__init__(
            f"cannot reach Temporal at {address}, namespace {namespace}: {cause}; "
            "start it (`perennia up` runs one of its own), or set TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY"
        )
        self.address = address
        self.namespace = namespace


class TemporalMisconfigured(TemporalError):
    """The SDK's client configuration (environment or file) cannot be read."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"Temporal's client configuration cannot be read: {cause}; "
            "look at the TEMPORAL_* variables and at the file that TEMPORAL_CONFIG_FILE names"
        )


async def connect(
    address: str | None = None, namespace: str | None = None, *, profile: str | None = None, lazy: bool = False
) -> Client:
    """A client for Temporal as the environment configures it (``TEMPORAL_*``, profiles, TLS, API key).

    ``address`` and ``namespace`` win over the environment. ``lazy``: connects at the first call, so that a process can
    start while Temporal is away (a worker cannot). Raises `TemporalUnreachable` and `TemporalMisconfigured`.
    """
    try:
        configured = ClientConfig.load_client_connect_config(profile)
    except (RuntimeError, OSError, ValueError) as error:
        raise TemporalMisconfigured(str(error)) from error
    target = address or configured.get("target_host") or DEFAULT_ADDRESS
    inside = namespace or configured.get("namespace") or "default"
    try:
        return await Client.connect(
            target,
            namespace=inside,
            api_key=configured.get("api_key"),
            tls=configured.get("tls"),
            rpc_metadata=configured.get("rpc_metadata", {}),
            lazy=lazy,
        )
    except (RuntimeError, RPCError, ValueError) as error:
        raise TemporalUnreachable(target, inside, str(error)) from error
