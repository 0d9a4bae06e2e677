"""Salesforce's tokens, by OAuth 2.0: client credentials, or the JWT bearer flow (RFC 7523) with a key of one's own."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from perennia.providers.failures import Misconfigured
from perennia.providers.web_api import WebApi
from perennia.providers.web_urls import WebUrl

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
VALID_SECONDS: Final = 180  # Salesforce takes at most five minutes


class Login:
    """A token is asked for once, and again when it was forgotten. Raises `Misconfigured` where the URL cannot be one."""

    def __init__(self, api: WebApi, url: WebUrl) -> None:
        self._api = api
        self._client, _, self._secret = url.key.partition(":")
        self._user = url.options.get("user")
        self._audience = url.options.get("audience", "https://login.salesforce.com")
        self._key = _private_key(url.options.get("key_file")) if self._user else None
        if not self._secret and self._key is None:
            raise Misconfigured("the URL of salesforce has a CLIENT_SECRET, or user= and key_file=")
        self._token: str | None = None

    async def token(self) -> str:
        """Raises `ProviderFailure`."""
        if self._token is None:
            fields = self._by_secret() if self._key is None else self._by_key(self._key)
            answer = await self._api.call("POST", "/services/oauth2/token", fields=fields)
            if answer.status in (400, 401):
                said = answer.read(_Refusal) or _Refusal()
                raise Misconfigured(f"Salesforce does not let us in ({said.error})", reply=answer.text)
            if not answer.accepted:
                raise answer.failure()
            self._token = answer.accepted_as(_Granted).access_token
        return self._token

    def forget(self) -> None:
        self._token = None

    def _by_secret(self) -> dict[str, str]:
        return {"grant_type": "client_credentials", "client_id": self._client, "client_secret": self._secret}

    def _by_key(self, key: rsa.RSAPrivateKey) -> dict[str, str]:
        claims: dict[str, object] = {
            "iss": self._client,
            "sub": self._user,
            "aud": self._audience,
            "exp": int(time.time()) + VALID_SECONDS,
        }
        signed = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
        signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {"grant_type": JWT_BEARER, "assertion": f"{signed}.{_text(signature)}"}


class _Granted(msgspec.Struct):
    access_token: str


class _Refusal(msgspec.Struct):
    error: str = "unknown"


def _private_key(path: str | None) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(Path(path or "").read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise Misconfigured("key_file= of salesforce is no RSA private key in PEM without a password") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Misconfigured("key_file= of salesforce is no RSA private key")
    return key


def _part(what: dict[str, object]) -> str:
    return _text(msgspec.json.encode(what))


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
