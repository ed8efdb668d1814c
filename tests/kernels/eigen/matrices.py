"""Data matrices of a known spectrum."""

from __future__ import annotations

import numpy as np

__all__ = ["with_spectrum"]


def with_spectrum(m: int, singular: np.ndarray, n: int, dtype: str = "f8", seed: int = 0) -> np.ndarray:
    """An (m, n) matrix with these singular values."""
    random = np.random.default_rng(seed)

    def basis(size: int) -> np.ndarray:
        numbers = random.standard_normal((size, len(singular)))
        return np.linalg.qr(numbers + 1j * random.standard_normal(numbers.shape) if "c" in dtype else numbers)[0]

    return ((basis(m) * singular) @ basis(n).conj().T).astype(dtype)
