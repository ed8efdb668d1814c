"""AES-256 in counter mode, by whichever of two ways to the same bytes is faster on this machine."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

__all__ = ["BLOCK_BYTES", "MOST_GCM_BYTES", "by_gcm", "counter_mode", "gcm_is_faster"]

BLOCK_BYTES = 16
#: With one key and nonce GCM encrypts no more (NIST SP 800-38D, section 5.2.1.1): its counter has 32 bits.
MOST_GCM_BYTES = (1 << 36) - 32
_TRIAL_BYTES, _TRIALS = 1 << 18, 3


def counter_mode(key: bytes, block: bytes) -> CipherContext:
    """The encryption of counter mode, whose first counter block is given."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(key), modes.CTR(block)).encryptor()


def by_gcm(key: bytes, nonce: bytes) -> CipherContext:
    """The same from the block ``nonce`` (12 bytes) and the number 2 on: that is how GCM encrypts (SP 800-38D, section 7.1).

    Some libraries have the vector instructions of newer processors (VAES) for GCM alone. Its tag, which nobody asks for,
    costs less than they save.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()


@cache
def gcm_is_faster() -> bool:
    """Measured once, on 256 KiB; what is drawn does not depend on it."""
    zeros, out = bytes(_TRIAL_BYTES), bytearray(_TRIAL_BYTES)

    def seconds(cipher: CipherContext) -> float:
        taken = []
        for _ in range(_TRIALS):
            start = time.perf_counter()
            cipher.update_into(zeros, out)
            taken.append(time.perf_counter() - start)
        return min(taken)

    return seconds(by_gcm(bytes(32), bytes(12))) < seconds(counter_mode(bytes(32), bytes(16)))
