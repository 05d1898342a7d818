"""Secrets: made at random, kept as hashes only, compared in constant time."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

BITS = 256


def fresh() -> str:
    """256 random bits in 43 letters that may stand in an address."""
    return secrets.token_urlsafe(BITS // 8)


def kept(secret: str) -> str:
    """The hash that is stored: of 256 random bits nothing can be tried, so that no salt or slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def derived(secret: str, purpose: str) -> str:
    """Another secret that follows from one and tells nothing of it (HMAC, RFC 2104)."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, told in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def key_of(path: Path) -> bytes:
    """The 32 random bytes kept in a file that its owner alone may read, made when there is none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(BITS // 8))
        file.flush()
        os.fsync(file.fileno())
    return path.read_bytes()
