"""Messages as bytes, as SMTP carries them.

Written out here instead of by `email.message`: the library decodes encoded words in a value that is assigned to a header
and, before Python 3.11.10, writes the line breaks it finds in them back raw (CVE-2024-6923), so a first name like
``=?utf-8?q?=0ABcc:_x?=`` in a subject would add headers. The same message always gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from email.utils import format_datetime
from quopri import encodestring

from perennia.providers.addresses import Mailbox
from perennia.providers.email import OutgoingEmail

MAX_LINE_CHARS = 998  # RFC 5322, 2.1.1
# base64 of 39 bytes is 52 characters; with "=?utf-8?b?" and "?=", and "Reply-To: " before them, a line has the 76 of RFC 2047.
_ENCODED_WORD_BYTES = 39
_PHRASE = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*")


def compose(message: OutgoingEmail) -> bytes:
    """The whole message with CRLF line ends. Non-ASCII only in addresses whose local part is not ASCII."""
    headers = [
        ("From", mailbox(message.sender)),
        ("To", mailbox(message.recipient)),
        *([("Reply-To", mailbox(message.reply_to))] if message.reply_to else []),
        ("Subject", _unstructured(message.subject, taken=len("Subject: "))),
        ("Date", format_datetime(message.date)),
        ("Message-ID", message.message_id),
        *message.headers,
        ("MIME-Version", "1.0"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return head.encode() + _body(message)


def mailbox(whose: Mailbox, between: str = "\r\n ") -> str:
    """As RFC 5322 writes it, all ASCII but for the address. ``between``: what folds a long name."""
    if whose.name is None:
        return whose.address
    if _PHRASE.fullmatch(whose.name) and "=?" not in whose.name and len(whose.name) < MAX_LINE_CHARS // 2:
        return f"{whose.name} <{whose.address}>"
    return f"{encoded_words(whose.name, between)}{between}<{whose.address}>"


def _body(message: OutgoingEmail) -> bytes:
    if message.html is None:
        return _part("plain", message.text)
    digest = hashlib.sha256(f"{message.message_id}\0{message.text}\0{message.html}".encode(errors="replace"))
    boundary = f"=_{digest.hexdigest()[:32]}".encode()  # "=_" never occurs in quoted-printable
    return b"\r\n".join(
        [
            b'Content-Type: multipart/alternative; boundary="%s"' % boundary,
            b"",
            b"--%s" % boundary,
            _part("plain", message.text),
            b"--%s" % boundary,
            _part("html", message.html),
            b"--%s--" % boundary,
            b"",
        ]
    )


def _part(subtype: str, text: str) -> bytes:
    lines = text.encode("utf-8", "replace").splitlines()
    encoded = b"\r\n".join(encodestring(line).replace(b"\n", b"\r\n") for line in lines)
    return (
        f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
        + encoded
        + b"\r\n"
    )


def _unstructured(text: str, *, taken: int) -> str:
    plain = text.isascii() and "=?" not in text and text == text.strip()
    return text if plain and len(text) + taken <= 78 else encoded_words(text)


def encoded_words(text: str, between: str = "\r\n ") -> str:
    """RFC 2047 words, on lines of their own unless ``between`` says otherwise; no character is split between two of them."""
    chunks: list[bytes] = [b""]
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(chunks[-1]) + len(encoded) > _ENCODED_WORD_BYTES:
            chunks.append(b"")
        chunks[-1] += encoded
    return between.join(f"=?utf-8?b?{b64encode(chunk).decode()}?=" for chunk in chunks)
