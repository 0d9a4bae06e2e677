"""A local inbox: an SMTP server that delivers nothing, and pages that show what it took."""

from perennia.inbox.receiving import InboxUnavailable
from perennia.inbox.running import InboxAddresses, run_inbox, running_inbox

__all__ = ["InboxAddresses", "InboxUnavailable", "run_inbox", "running_inbox"]
