"""What an SMTP reply means for the message: RFC 5321 codes and RFC 3463 enhanced codes -> provider failures."""

from __future__ import annotations

import re

from aiosmtplib import SMTPResponse

from perennia.providers.failures import Misconfigured, ProviderFailure, Refused, Unavailable

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# "Ok: queued as 4F2B3C1A", "OK id=1rX2Yz-0003", "2.0.0 Ok 0100018f...-000000": Postfix, Exim, Amazon SES.
_QUEUE_ID = re.compile(r"(?:\bqueued as |\bid=|\bOk )([A-Za-z0-9._-]{6,128})\b(?! as)", re.IGNORECASE)

# The recipient does not exist or cannot be addressed: RFC 3463, 3.2; 5.1.10 (null MX) RFC 7505. Not 5.1.7 and 5.1.8:
# those are about the sender's address.
_BAD_RECIPIENT = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10"})
# Who we are, not whom we write to: login wanted (530, 5.7.0), wrong credentials (535, 5.7.8), encryption wanted (538).
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_SENDER_CODES = frozenset({"5.1.7", "5.1.8"})
_SIZE_CODES = frozenset({552, 523})


def failure_of_server(reply: SMTPResponse) -> ProviderFailure:
    """At the greeting, the hello or STARTTLS, before any message."""
    if _may_pass(reply):
        return _unavailable(reply)
    return Misconfigured(f"the SMTP server does not serve us ({codes(reply)})", reply=reply.message)


def failure_of_login(reply: SMTPResponse) -> ProviderFailure:
    if _may_pass(reply):
        return _unavailable(reply)
    return Misconfigured(f"the SMTP server refused user or password ({codes(reply)})", reply=reply.message)


def failure_of_sender(reply: SMTPResponse) -> ProviderFailure:
    """At MAIL FROM: no recipient was named yet, so every message of this sender would fail alike."""
    if _may_pass(reply):
        return _unavailable(reply)
    if reply.code in _SIZE_CODES:
        return Refused(f"the message is too large for the SMTP server ({codes(reply)})", reply=reply.message)
    return Misconfigured(f"the SMTP server refused the sender ({codes(reply)})", reply=reply.message)


def failure_of_recipient(reply: SMTPResponse) -> ProviderFailure:
    if _may_pass(reply):
        return _unavailable(reply)
    if _is_about_us(reply):
        return Misconfigured(f"the SMTP server refused us, not the recipient ({codes(reply)})", reply=reply.message)
    if _enhanced(reply) in _BAD_RECIPIENT:
        return Refused(f"no such recipient ({codes(reply)})", reason="invalid_address", reply=reply.message)
    return Refused(f"the SMTP server refused the recipient ({codes(reply)})", reply=reply.message)


def failure_of_content(reply: SMTPResponse) -> ProviderFailure:
    """At DATA or after the message: an answer, so nothing is uncertain."""
    if _may_pass(reply):
        return _unavailable(reply)
    if _is_about_us(reply):
        return Misconfigured(f"the SMTP server refused us, not the message ({codes(reply)})", reply=reply.message)
    return Refused(f"the SMTP server refused the message ({codes(reply)})", reply=reply.message)


def queue_id(reply: SMTPResponse) -> str | None:
    """The server's own name for an accepted message, where its reply holds one in a known way."""
    found = _QUEUE_ID.search(reply.message)
    return found.group(1) if found else None


def codes(reply: SMTPResponse) -> str:
    """Code and enhanced code: all of a reply that holds no personal data."""
    enhanced = _enhanced(reply)
    return f"{reply.code} {enhanced}" if enhanced else str(reply.code)


def _unavailable(reply: SMTPResponse) -> Unavailable:
    return Unavailable(f"the SMTP server cannot take the message now ({codes(reply)})", reply=reply.message)


def _may_pass(reply: SMTPResponse) -> bool:
    return not 500 <= reply.code <= 599


def _is_about_us(reply: SMTPResponse) -> bool:
    return reply.code in _LOGIN_CODES or _enhanced(reply) in _SENDER_CODES


def _enhanced(reply: SMTPResponse) -> str | None:
    found = _ENHANCED.match(reply.message.lstrip())
    return found.group(0) if found else None
