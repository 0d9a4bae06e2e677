"""AWS Signature Version 4, for requests with all of their body at hand.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit


@dataclass(frozen=True)
class Credentials:
    """``token``: of temporary ones."""

    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Service:
    name: str
    region: str


def signed_headers(
    credentials: Credentials, service: Service, method: str, url: str, body: bytes, at: datetime
) -> dict[str, str]:
    """The headers to send with the request, which has no query. ``at``: aware; AWS takes what is off by five minutes at most."""
    headers = {"host": urlsplit(url).netloc, "x-amz-date": f"{at:%Y%m%dT%H%M%SZ}"}
    if credentials.token is not None:
        headers["x-amz-security-token"] = credentials.token
    return {**headers, "authorization": authorization(credentials, service, method, url, body, headers)}


def authorization(
    credentials: Credentials, service: Service, method: str, url: str, body: bytes, headers: Mapping[str, str]
) -> str:
    """The value of the header Authorization that covers these headers (names in lower case, x-amz-date among them)."""
    instant = headers["x-amz-date"]
    scope = f"{instant[:8]}/{service.region}/{service.name}/aws4_request"
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        [
            method,
            quote(urlsplit(url).path or "/", safe="/-_.~%"),
            "",
            *(f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    to_sign = "\n".join(["AWS4-HMAC-SHA256", instant, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credentials.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
