"""A tensor as a small core and one matrix for each axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from cdt_core.errors import TensorError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import DTypeLike, NDArray

__all__ = ["Tucker"]


def _as_array(core: Any) -> NDArray[Any]:
    return np.asarray(core)


def _as_tuple(factors: Iterable[Any]) -> tuple[NDArray[Any], ...]:
    return tuple(np.asarray(factor) for factor in factors)


@attrs.frozen(eq=False, repr=False)
class Tucker:
    """Tucker decomposition: ``x[i, j, ...] = sum over a, b, ... of core[a, b, ...] factors[0][i, a] factors[1][j, b] ...``.

    Parameters
    ----------
    core
        (r_0, r_1, ...) array of float32, float64, complex64 or complex128.
    factors
        One (n_k, r_k) matrix for each axis, of the core's dtype; those that this package makes have orthonormal columns.
    error
        Certified relative Frobenius error ``||x - full()|| / ||x||`` against the tensor it was made from; ``None``: unknown.

    Raises
    ------
    TensorError
        The core and the factors do not fit together, or an axis has the length 0.

    Examples
    --------
    >>> import numpy as np
    >>> t = Tucker(np.array([[2.0]]), (np.array([[0.6], [0.8]]), np.array([[1.0], [0.0]])))
    >>> t
    Tucker(shape=(2, 2), dtype=float64, ranks=(1, 1), ratio=0.8)
    >>> t.full()
    array([[1.2, 0. ],
           [1.6, 0. ]])
    """

    core: NDArray[Any] = attrs.field(converter=_as_array)
    factors: tuple[NDArray[Any], ...] = attrs.field(converter=_as_tuple)
    error: float | None = None

    def __attrs_post_init__(self) -> None:
        fits = [f.ndim == 2 and f.shape[1] == r for f, r in zip(self.factors, self.core.shape, strict=False)]
        if len(self.factors) != self.core.ndim or not all(fits):
            shapes = [f.shape for f in self.factors]
            raise TensorError(
                f"factors of shapes {shapes} do not fit a core of shape {self.core.shape}; give one (n, r) for each axis"
            )
        if not self.size or not self.core.size:
            raise TensorError(
                f"a decomposition of shape {self.shape} with ranks {self.ranks} is of nothing; no 0 is allowed"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes of the whole tensor."""
        return tuple(f.shape[0] for f in self.factors)

    @property
    def ranks(self) -> tuple[int, ...]:
        """Lengths of the axes of the core."""
        return self.core.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.core.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return self.core.dtype

    @property
    def size(self) -> int:
        """Numbers in the whole tensor."""
        return math.prod(self.shape)

    @property
    def parameters(self) -> int:
        """Numbers in the core and the factors."""
        return self.core.size + sum(f.size for f in self.factors)

    @property
    def ratio(self) -> float:
        """How many times fewer numbers than the whole tensor has."""
        return self.size / self.parameters

    @property
    def nbytes(self) -> int:
        """Bytes of the core and the factors."""
        return self.parameters * self.dtype.itemsize

    def full(self) -> NDArray[Any]:
        """The whole tensor, one matrix product for each axis; those that grow it least come first."""
        whole = self.core
        for axis in sorted(range(self.ndim), key=lambda k: self.factors[k].shape[0] / self.core.shape[k]):
            factor = self.factors[axis]
            a, b = math.prod(whole.shape[:axis]), math.prod(whole.shape[axis + 1 :])
            rows = whole.reshape(a, whole.shape[axis]) @ factor.T if b == 1 else factor @ whole.reshape(a, -1, b)
            whole = rows.reshape(*whole.shape[:axis], factor.shape[0], *whole.shape[axis + 1 :])
        return whole

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("the whole tensor has to be computed; ask for it without copy=False")
        return self.full().astype(self.dtype if dtype is None else dtype, copy=False)

    def to_tensorly(self) -> Any:
        """The same core and factors as a TensorLy ``TuckerTensor``."""
        from tensorly.tucker_tensor import TuckerTensor

        return TuckerTensor((self.core, list(self.factors)))

    @classmethod
    def from_tensorly(cls, tensor: Any) -> Tucker:
        """From a TensorLy ``TuckerTensor`` with NumPy arrays, or any pair of a core and factors; the error is unknown."""
        try:
            core, factors = tensor
        except (TypeError, ValueError) as error:
            raise TensorError(f"{type(tensor).__name__} is no pair of a core and factors: {error}") from error
        return cls(core, factors)

    def __repr__(self) -> str:
        error = "" if self.error is None else f", error={self.error:.3g}"
        ratio = f"{self.ratio:.3g}"
        return f"Tucker(shape={self.shape}, dtype={self.dtype}, ranks={self.ranks}, ratio={ratio}{error})"
