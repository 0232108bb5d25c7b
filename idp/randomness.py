"""Random bytes for what every request makes anew: identifiers, nonces, salts.

From OpenSSL's generator (NIST SP 800-90A), which the kernel seeds and a fork seeds again. The
kernel's own is as good, but asking it gives up the interpreter, and under load getting that back
costs ten times what the bytes do. Secrets that are made once come from `secrets` as ever.
"""

from __future__ import annotations

from ssl import RAND_bytes as random_bytes

__all__ = ["random_bytes"]
