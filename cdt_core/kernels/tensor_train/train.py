"""The tensor train: an array of many axes as a chain of small cores."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import TensorError
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.tensor_train import arithmetic, permuting, rounding, slicing, stored
from cdt_core.kernels.tensor_train.arguments import tolerance
from cdt_core.kernels.tensor_train.cores import TrainOfCores
from cdt_core.kernels.tensor_train.parts import Scalar, checked_cores, checked_error, is_scalar

if TYPE_CHECKING:
    from tensorly.tt_tensor import TTTensor

__all__ = ["TensorTrain"]

Array = NDArray[Any]

#: What an array of NumPy may have.
_MOST_AXES = 64


@attrs.frozen(eq=False, repr=False)
class TensorTrain(TrainOfCores):
    """An array of d axes as d cores: ``x[i_1, ..., i_d] = G_1[:, i_1, :] @ ... @ G_d[:, i_d, :]``.

    Parameters
    ----------
    cores
        Arrays ``(r_k, n_k, r_{k+1})``, ``r_0 = r_d = 1``, of one dtype: float32, float64, complex64 or complex128.
    error
        Certified relative Frobenius error ``||x - train|| / ||x||`` of what the train stands for; ``None`` where nobody
        knows (sums, products).

    Raises
    ------
    TensorError
        Cores that do not fit each other, have empty axes, or hold something else than floats or complex numbers; an error
        below 0.

    Notes
    -----
    Memory is ``sum(r_k * n_k * r_{k+1})`` numbers. Sums add ranks and elementwise products multiply them: :meth:`round`
    afterwards. Cost is given below for all n and r equal. Oseledets, Tensor-Train Decomposition, SIAM J. Sci. Comput.
    33 (2011) 2295-2317.

    Examples
    --------
    >>> import numpy as np
    >>> x = TensorTrain([np.ones((1, 3, 1)), np.arange(4.0).reshape(1, 4, 1), np.ones((1, 5, 1))])
    >>> x.shape, float(x[0, 3, 0]), (x + x).ranks, (x + x).round(1e-10).ranks
    ((3, 4, 5), 3.0, (1, 2, 2, 1), (1, 1, 1, 1))
    """

    cores: tuple[Array, ...] = attrs.field(converter=checked_cores)
    error: float | None = attrs.field(default=None, converter=checked_error)

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(core.shape[1] for core in self.cores)

    def __repr__(self) -> str:
        return self._described(f"shape={self.shape}")

    def __len__(self) -> int:
        return self.shape[0]

    def full(self) -> Array:
        """The array itself.

        Cost: ``2 * size * r`` flops in one product, at the cheapest bond. Memory: the array, and two halves near its
        root.
        """
        if self.ndim > _MOST_AXES:
            raise TensorError(f"an array has at most {_MOST_AXES} axes, not {self.ndim}; take slices, or entries()")
        too_large = f"the full array of shape {self.shape} does not fit into memory; take slices, or entries()"
        if self.size * self.dtype.itemsize > np.iinfo(np.intp).max:
            raise TensorError(too_large)
        try:
            return arithmetic.full(self.cores)
        except MemoryError as error:
            raise TensorError(too_large) from error

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("a tensor train cannot become an array without making one; leave out copy=False")
        return self.full() if dtype is None else self.full().astype(dtype, copy=False)

    def __getitem__(self, key: Any) -> Any:
        """An element (all integers), or the train of what integers, slices and ``...`` leave. Cost: ``d * n * r^2`` at most.

        The error stays known only where all elements stay.
        """
        found = slicing.take(self.cores, slicing.selectors(key, self.shape))
        if not isinstance(found, list):
            return found
        left = TensorTrain(found)
        return attrs.evolve(left, error=self.error) if left.size == self.size else left

    def entries(self, indices: ArrayLike) -> Array:
        """The elements at (m, d) integer indices: (m,).

        Cost: ``2 * m * d * r^2`` flops. Memory: two rows of r numbers for each.
        """
        return arithmetic.entries(self.cores, slicing.positions(indices, self.shape))

    def __add__(self, other: TensorTrain | Scalar) -> TensorTrain:
        if isinstance(other, TensorTrain):
            self._check_shape(other, "added")
            return TensorTrain(arithmetic.add(self.cores, other.cores))
        return self + self._constant(other) if is_scalar(other) else NotImplemented

    __radd__ = __add__

    def __neg__(self) -> TensorTrain:
        return self._scaled(-1)

    def __sub__(self, other: TensorTrain | Scalar) -> TensorTrain:
        return self + (-other) if isinstance(other, TensorTrain) or is_scalar(other) else NotImplemented

    def __rsub__(self, other: Scalar) -> TensorTrain:
        return (-self) + other

    def __mul__(self, other: TensorTrain | Scalar) -> TensorTrain:
        if isinstance(other, TensorTrain):
            self._check_shape(other, "multiplied")
            return TensorTrain(arithmetic.hadamard(self.cores, other.cores))
        return self._scaled(other) if is_scalar(other) else NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, other: Scalar) -> TensorTrain:
        if not is_scalar(other):
            return NotImplemented
        if other == 0:
            raise TensorError("a tensor train cannot be divided by zero")
        return self._with_first(self.cores[0] / other, other)

    def __matmul__(self, other: TensorTrain) -> Any:
        """``np.tensordot(self, other, 1)``: the last axis contracted with the other's first.

        A number where both have one axis.
        """
        if not isinstance(other, TensorTrain):
            return NotImplemented
        if self.shape[-1] != other.shape[0]:
            raise TensorError(
                f"shapes {self.shape} and {other.shape}: the last axis and the other's first must be equally long"
            )
        found = arithmetic.contract(self.cores, other.cores)
        return found[0][0, 0, 0] if self.ndim == other.ndim == 1 else TensorTrain(found)

    def conj(self) -> Self:
        """Complex conjugate."""
        return attrs.evolve(self, cores=tuple(core.conj() for core in self.cores))

    def dot(self, other: TensorTrain) -> Any:
        """``sum(conj(self) * other)``, summed in double precision. Cost: ``4 * d * n * r^3`` flops."""
        if not isinstance(other, TensorTrain):
            raise TensorError(f"a {type(other).__name__} is no tensor train; decompose it first (tt_svd)")
        self._check_shape(other, "multiplied")
        return arithmetic.dot(self.cores, other.cores)

    def norm(self) -> float:
        """Frobenius norm, by QR: of a difference too it is right to rounding of the parts. Cost: ``4 * d * n * r^3`` flops."""
        return arithmetic.norm(self.cores)

    def sum(self) -> Any:
        """Sum of all elements, in double precision. Cost: ``d * n * r^2``."""
        return arithmetic.total(self.cores)

    @on_one_blas_thread
    def round(
        self,
        rtol: float | None = None,
        max_rank: int | None = None,
        *,
        progress: Callable[[float], None] | None = None,
    ) -> TensorTrain:
        """The train of smallest ranks within a tolerance.

        Parameters
        ----------
        rtol
            Relative Frobenius error that this may add; each of the d - 1 bonds gets ``rtol / sqrt(d - 1)`` of it.
            ``None``: only what rounding itself made is cut.
        max_rank
            No rank is larger; the tolerance is then not promised, the error tells what came of it.
        progress
            Called with the share done, 0..1, before each core of the two sweeps.

        Returns
        -------
        TensorTrain
            All cores but the last are orthonormal. Its error is certified: against what this train stands for where
            this train's own error is known (by the triangle inequality), else against this train. It is above ``rtol``
            only where the cores cancel each other, as in ``(a + b) - a`` with a small b: what rounding errors in double
            precision are then, relative to what is left, is in it (``None`` where nothing is left); and where the dtype
            does not hold numbers as small as these.

        Raises
        ------
        TensorError
            NaN or infinity in the cores, a rank below 1, or a tolerance that the dtype cannot hold.

        Notes
        -----
        Cost: about ``6 * d * n * r^3`` flops, in double precision; extra memory: one core and its factors.
        :mod:`.rounding` has the method.

        Examples
        --------
        >>> x = TensorTrain([np.ones((1, 50, 1)), np.arange(50.0).reshape(1, 50, 1)])
        >>> y = (x + 1e-6 * x * x).round(1e-3)
        >>> y.ranks, y.error <= 1e-3
        ((1, 1, 1), True)
        """
        found = rounding.rounded(self.cores, rtol, max_rank, progress=progress)
        return TensorTrain(found.cores, self._with(found.error))

    def permute(
        self, axes: Sequence[int], rtol: float = 1e-12, *, progress: Callable[[float], None] | None = None
    ) -> TensorTrain:
        """The train of ``np.transpose(full, axes)``.

        Parameters
        ----------
        axes
            Axis ``axes[k]`` of this train becomes axis k; negative ones count from the end.
        rtol
            Relative Frobenius error that this may add, from 0 on; where the dtype cannot hold that, what it can.
        progress
            Called with the share done, 0..1, before each exchange of neighbours.

        Returns
        -------
        TensorTrain
            Rounded, with a certified error as :meth:`round`. Ranks may be much larger: axes that are strongly coupled
            belong together.

        Notes
        -----
        Each exchange of neighbours costs an SVD of ``(r * n, n * r)``, about ``20 * (n * r)^3`` flops; there are at
        most d (d - 1) / 4. The reversed order costs nothing.
        """
        share = tolerance(rtol)
        order = permuting.checked_axes(axes, self.ndim)
        if order == list(range(self.ndim)):
            return self
        cores, error = permuting.permuted(self.cores, order, share, progress)
        return TensorTrain(cores, self._with(error) if error else self.error)

    def to_tensorly(self) -> TTTensor:
        """TensorLy's ``TTTensor`` of the same cores (not copied). TensorLy's backend must be NumPy."""
        from tensorly.tt_tensor import TTTensor

        return TTTensor(list(self.cores))

    @classmethod
    def from_tensorly(cls, train: TTTensor | Sequence[ArrayLike]) -> Self:
        """From TensorLy's ``TTTensor``, or its list of factors; what is an array of NumPy is not copied."""
        return cls([np.asarray(factor) for factor in train])

    def to_bytes(self) -> bytes:
        """The stream of FORMAT.md, section "Tensor trains"."""
        return stored.pack(self.cores, self.error)

    @classmethod
    def from_bytes(cls, stream: bytes | bytearray | memoryview) -> Self:
        """The train of a stream; ``CorruptStreamError`` where it is truncated, mutated or of something else."""
        return cls(*stored.unpack(stream))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the stream to a file, which has its name only once it is complete; ``OutputError`` where that fails."""
        stored.write(path, self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote; ``ReaderError`` where there is no file, ``CorruptStreamError`` where it is damaged."""
        return cls.from_bytes(stored.read(path))

    def _with(self, added: float) -> float | None:
        """The own error and that of one more step, relative to what this train is; None where nothing is known of it."""
        own = 0.0 if self.error is None else self.error
        found = own + added * (1.0 + own)
        return found if math.isfinite(found) else None

    def _scaled(self, factor: Any) -> TensorTrain:
        return self._with_first(self.cores[0] * factor, factor)

    def _with_first(self, first: Array, factor: Any) -> TensorTrain:
        """The train times or divided by a factor; ``first`` is its first core then. Rounding of that counts.

        Where the other cores are orthonormal from one side, it is at most a unit of rounding times the root of the rank.
        """
        changed = attrs.evolve(self, cores=(first, *self.cores[1:]))
        if self.error is None:
            return changed
        sizes, limits = np.abs(changed.cores[0]), np.finfo(changed.dtype)
        held = (limits.tiny <= sizes) & (sizes <= limits.max) | (self.cores[0] == 0)
        if factor and not held.all():
            return attrs.evolve(changed, error=None)
        exact = np.isrealobj(factor) and abs(math.frexp(factor)[0]) in (0.0, 0.5)
        rounding = 0.0 if exact else float(limits.eps) * math.sqrt(self.ranks[1])
        return attrs.evolve(changed, error=self._with(rounding))

    def _constant(self, value: Any) -> TensorTrain:
        first, *others = (np.ones((1, n, 1), dtype=self.dtype) for n in self.shape)
        return TensorTrain([first * value, *others])

    def _check_shape(self, other: TensorTrain, what: str) -> None:
        if self.shape != other.shape:
            raise TensorError(
                f"shapes {self.shape} and {other.shape}: trains can be {what} only where they have the same shape"
            )
