"""What arrives as a vector of a model: checked once, in float64."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import FederatedError

__all__ = ["Vector", "frozen_vector", "vector_of"]

#: One model, gradient or update: float64, shape (length,).
Vector: TypeAlias = NDArray[np.float64]


def vector_of(values: ArrayLike, what: str, length: int | None = None) -> Vector:
    """``values`` as a float64 vector (no copy when they are one).

    Parameters
    ----------
    values
        Numbers of shape (length,).
    what
        What they are and whose; an error begins with it.
    length
        How many there must be; any number above 0 when None.

    Raises
    ------
    FederatedError
        They are no such vector, or one of them is NaN or infinite; names its index.
    """
    try:
        given: NDArray[Any] = np.asarray(values)
    except ValueError as error:
        raise FederatedError(
            f"{what} has rows of different lengths; give real numbers, flattened to one vector"
        ) from error
    if given.dtype.kind not in "iuf" or given.ndim != 1 or not given.size:
        raise FederatedError(
            f"{what} has dtype {given.dtype} and shape {given.shape}; give real numbers, flattened to one vector"
        )
    if length is not None and given.size != length:
        raise FederatedError(f"{what} has {given.size} values, {length} are expected; all sites train one model")
    vector = given.astype(np.float64, copy=False)
    # The dot product is finite when all values are (and not huge): one pass over memory instead of two.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(vector @ vector)
    if suspicious and not (finite := np.isfinite(vector)).all():
        index = int(np.flatnonzero(~finite)[0])
        raise FederatedError(
            f"{what} is {vector[index]} at index {index}; look for a division by zero, or lower the rate"
        )
    return vector


def frozen_vector(values: ArrayLike) -> Vector:
    """A float64 copy that nobody can write to, for values that are kept."""
    kept = np.array(values, dtype=np.float64)
    kept.setflags(write=False)
    return kept
