"""Rows clipped to a norm that holds for real numbers, whatever double precision made of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import PrivacyError

__all__ = ["clipped_rows"]


def clipped_rows(rows: NDArray[np.float64], clip_norm: float, order: int) -> NDArray[np.float64]:
    """Each row scaled down to an L1 (``order`` 1) or L2 norm of ``clip_norm`` where it is above.

    Sums of n terms are off by less than (n + 16) 2^-52 of themselves in whatever order, so the norm is taken that much larger;
    the factor and its products by less than 2^-50.

    Raises
    ------
    PrivacyError
        A value that is not finite; names row and column.

    Examples
    --------
    >>> clipped_rows(np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0, 2).round(6).tolist()
    [[0.6, 0.8], [0.3, 0.4]]
    """
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0].tolist()
        raise PrivacyError(
            f"row {row}, column {column} is {rows[row, column]}, which cannot be clipped; replace it first"
        )
    largest = np.abs(rows).max(axis=1, initial=0.0)
    scale = np.exp2(np.clip(np.frexp(largest)[1], -1000, 1000))[:, None]  # exact, and keeps squares from overflowing
    scaled = rows / scale
    norms = np.abs(scaled).sum(axis=1) if order == 1 else np.sqrt(np.square(scaled).sum(axis=1))
    above = norms * (1 + (rows.shape[1] + 16) * 2.0**-52)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        limit = clip_norm / scale[:, 0]
        factors = clip_norm / above * (1 - 2.0**-50)
        return np.where((above > limit)[:, None], scaled * factors[:, None], rows)
