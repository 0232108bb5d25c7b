"""Raw signing in this process: the limit that no server can pass (CPU microseconds each)."""

from __future__ import annotations

import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

PAYLOAD = b"x" * 400


def _microseconds(sign: Callable[[], object], *, seconds: float) -> float:
    started = time.process_time()
    count = 0
    while (spent := time.process_time() - started) < seconds:
        for _ in range(50):
            sign()
        count += 50
    return spent / count * 1e6


def measure(*, seconds: float = 0.5) -> dict[str, float]:
    """CPU microseconds of one raw signature per algorithm."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    algorithm = hashes.SHA256()
    return {
        "RS256": _microseconds(
            lambda: rsa_key.sign(PAYLOAD, padding.PKCS1v15(), algorithm), seconds=seconds
        ),
        "ES256": _microseconds(lambda: ec_key.sign(PAYLOAD, ec.ECDSA(algorithm)), seconds=seconds),
    }
