"""The error families of the house, and what each means to whoever runs a command."""

from __future__ import annotations

from typing import Final

from perennia.cli.exits import Exit
from perennia.installation import InstallationError, NotReachable
from perennia.providers.failures import Misconfigured
from perennia.settings import SettingsError
from perennia.store.port import StoreError, StoreUnavailable
from perennia.temporal import DevServerFailed, TemporalError, TemporalNotInstalled
from perennia.up.folder import FolderError
from perennia.up.supervisor import PartFailed

LOCAL_EXTRA: Final = ("aiosmtpd", "segment")


def explain_known(error: Exception) -> tuple[str, str | None, Exit] | None:
    """Message, remedy and exit code; None for what nobody has foreseen."""
    match error:
        case NotReachable():
            return error.message, error.remedy, Exit.UNREACHABLE
        case InstallationError():
            return error.message, error.remedy, Exit.REFUSED
        case SettingsError():
            return f"{error.source}: {error.message}", error.remedy, Exit.USAGE
        case PartFailed():
            return str(error), f"see {error.log}", Exit.UNREACHABLE
        case StoreUnavailable():
            return f"the store does not answer: {error}", "look at PERENNIA_STORE_URL, or try again", Exit.UNREACHABLE
        case TemporalNotInstalled() | Misconfigured():
            return str(error), None, Exit.USAGE
        case DevServerFailed() | TemporalError():
            return str(error), None, Exit.UNREACHABLE
        case FolderError() | StoreError():
            return str(error), None, Exit.REFUSED
        case ModuleNotFoundError() if (error.name or "").partition(".")[0] in LOCAL_EXTRA:
            return f"{error.name} is not installed", "install it with `pip install 'perennia[local]'`", Exit.USAGE
        case OSError():
            return str(error), "look at the path or address it names", Exit.REFUSED
        case _:
            return None
