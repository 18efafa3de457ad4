"""Proofs that both sides know the token, without showing it.

Token, nonces and proofs are 32 bytes each, written as 64 lowercase hex digits everywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

__all__ = ["client", "fresh", "matches", "plain_password", "service"]


def fresh() -> str:
    """A nonce or a token that was never used: 32 random bytes in hex."""
    return secrets.token_hex(32)


def service(token: str, client_nonce: str, service_nonce: str) -> str:
    """What the service shows in CHALLENGE."""
    return _mac(token, b"hybridmix service 1", client_nonce, service_nonce)


def client(token: str, service_nonce: str, client_nonce: str) -> str:
    """What the client shows in AUTH."""
    return _mac(token, b"hybridmix client 1", service_nonce, client_nonce)


def plain_password(token: str) -> str:
    """Password of the PLAIN mechanism on tcp; the user name is ``hybridmix``."""
    return _mac(token, b"hybridmix plain 1")


def matches(expected: str, given: str) -> bool:
    """Whether two proofs are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(expected.encode(), given.encode())


def _mac(token: str, purpose: bytes, *nonces: str) -> str:
    text = purpose + b"".join(bytes.fromhex(nonce) for nonce in nonces)
    return hmac.new(bytes.fromhex(token), text, hashlib.sha256).hexdigest()
