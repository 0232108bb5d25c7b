"""Raw signing in this process: the limit that no server can pass (CPU microseconds each)."""

from __future__ import annotations

import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

PAYLOAD = b"x" * 400
BATCH = 20


def microseconds(sign: Callable[[], object], *, seconds: float) -> float:
    """CPU microseconds of one call, over at least so many CPU seconds."""
    started = time.process_time()
    count = 0
    while (spent := time.process_time() - started) < seconds:
        for _ in range(BATCH):
            sign()
        count += BATCH
    return spent / count * 1e6


def measure(*, seconds: float = 0.5) -> dict[str, float]:
    """CPU microseconds of one raw signature per algorithm."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    algorithm = hashes.SHA256()
    return {
        "RS256": microseconds(
            lambda: rsa_key.sign(PAYLOAD, padding.PKCS1v15(), algorithm), seconds=seconds
        ),
        "ES256": microseconds(lambda: ec_key.sign(PAYLOAD, ec.ECDSA(algorithm)), seconds=seconds),
    }
