"""Random bytes for what every request makes anew: identifiers, nonces, salts.

From OpenSSL's generator (NIST SP 800-90A), which the kernel seeds and a fork seeds again. The
kernel's own is as good, but asking it gives up the interpreter, and under load getting that back
costs ten times what the bytes do. Secrets that are made once come from `secrets` as ever.
"""

from __future__ import annotations

import os
from io import BytesIO
from ssl import RAND_bytes

POOL_BYTES = 1024

_pool = BytesIO()


def random_bytes(length: int) -> bytes:
    """So many bytes that nobody can foretell, never given before.

    Taken from a pool, because most of what a call of the generator costs is not for its bytes.
    `read` cannot be interrupted, neither by another thread nor by a signal.
    """
    given = _pool.read(length)
    return given if len(given) == length else _refill(length)


def _refill(length: int) -> bytes:
    global _pool
    fresh = RAND_bytes(max(POOL_BYTES, length))
    _pool = BytesIO(fresh[length:])
    return fresh[:length]


def _forget() -> None:
    """A forked process must not give what its parent gives."""
    global _pool
    _pool = BytesIO()


os.register_at_fork(after_in_child=_forget)
