"""Tables of features that depend on each other and on a target in known ways."""

from __future__ import annotations

import numpy as np


def table(rows: int = 120, features: int = 8, seed: int = 0):
    """Features in near copies of two, numbers and classes that two of the pairs tell of."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(rows, -(-features // 2)))
    values = np.repeat(hidden, 2, axis=1)[:, :features] + 0.2 * rng.normal(size=(rows, features))
    numbers = hidden[:, 0] + 0.5 * hidden[:, 1]
    return values, numbers, np.digitize(numbers, [-0.5, 0.5])
