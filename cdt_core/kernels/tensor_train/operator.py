"""Matrices on spaces of many axes, as tensor trains (matrix-product operators)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import index
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train.cores import TrainOfCores, arrays_of
from cdt_core.kernels.tensor_train.parts import Scalar, checked_cores, checked_error, is_scalar
from cdt_core.kernels.tensor_train.sources import tensor_of
from cdt_core.kernels.tensor_train.train import TensorTrain

__all__ = ["TensorTrainOperator"]

Array = NDArray[Any]


def _operator_cores(cores: Sequence[ArrayLike]) -> tuple[Array, ...]:
    arrays, _ = arrays_of(cores)
    for k, array in enumerate(arrays):
        if array.ndim != 4 or 0 in array.shape:
            raise TensorError(
                f"core {k} of an operator has shape {array.shape}; it must be (r, n_out, n_in, r'), all at least 1"
            )
    merged = checked_cores([array.reshape(array.shape[0], -1, array.shape[3]) for array in arrays])
    return tuple(core.reshape(array.shape) for core, array in zip(merged, arrays, strict=True))


@attrs.frozen(eq=False, repr=False)
class TensorTrainOperator(TrainOfCores):
    """A matrix with rows ``(i_1 .. i_d)`` and columns ``(j_1 .. j_d)``, as d cores.

    ``A[i, j] = W_1[:, i_1, j_1, :] @ ... @ W_d[:, i_d, j_d, :]``.

    Parameters
    ----------
    cores
        Arrays ``(r_k, n_out, n_in, r_{k+1})``, ``r_0 = r_d = 1``, of one dtype: float32, float64, complex64 or
        complex128.
    error
        Certified relative Frobenius error of what the operator stands for; ``None``: unknown.

    Raises
    ------
    TensorError
        Cores that do not fit each other, have empty axes, or hold something else than floats or complex numbers.

    Notes
    -----
    Oseledets, Tensor-Train Decomposition, SIAM J. Sci. Comput. 33 (2011), section 4.3; Schollwoeck, Annals of Physics
    326 (2011), section 5.

    Examples
    --------
    >>> import numpy as np
    >>> x = TensorTrain([np.arange(2.0).reshape(1, 2, 1), np.ones((1, 3, 1))])
    >>> eye = TensorTrainOperator.identity((2, 3))
    >>> (2 * eye @ x)[1, 2], eye.expectation(x)
    (np.float64(2.0), 3.0)
    """

    cores: tuple[Array, ...] = attrs.field(converter=_operator_cores)
    error: float | None = attrs.field(default=None, converter=checked_error)

    @classmethod
    def identity(cls, shape: Sequence[int], dtype: DTypeLike = np.float64) -> Self:
        """The identity on arrays of a shape; all ranks are 1."""
        return cls([np.eye(n, dtype=dtype)[None, :, :, None] for n in _lengths(shape)], 0.0)

    @classmethod
    def diagonal(cls, train: TensorTrain) -> Self:
        """The matrix with a train's elements on its diagonal: ``diagonal(a) @ x`` is ``a * x``; the ranks are the train's."""
        _must_be_train(train)
        return cls(
            [core[:, :, None, :] * np.eye(core.shape[1], dtype=core.dtype)[:, :, None] for core in train.cores],
            train.error,
        )

    @classmethod
    def from_matrix(cls, matrix: ArrayLike, shape_out: Sequence[int], shape_in: Sequence[int], rtol: float) -> Self:
        """A dense matrix (prod(shape_out), prod(shape_in)), decomposed by ``tt_svd`` with axes ``(i_k, j_k)`` joined in pairs.

        The relative Frobenius error is at most ``rtol``, certified.

        Raises
        ------
        TensorError
            Shapes that do not fit the matrix or each other, and all that ``tt_svd`` refuses.
        """
        from cdt_core.kernels.tensor_train.svd import tt_svd

        array = np.asarray(tensor_of(matrix).source)
        shape_out, shape_in = _lengths(shape_out), _lengths(shape_in)
        d = len(shape_out)
        if d != len(shape_in) or not d or array.shape != (math.prod(shape_out), math.prod(shape_in)):
            raise TensorError(
                f"a matrix of shape {array.shape} for shape_out {shape_out} and shape_in {shape_in}: "
                "both must have the same number of axes, at least one, and their products must be the matrix's rows and columns"
            )
        pairs = array.reshape(*shape_out, *shape_in).transpose([axis for k in range(d) for axis in (k, d + k)])
        train = tt_svd(
            np.ascontiguousarray(pairs).reshape([o * i for o, i in zip(shape_out, shape_in, strict=True)]), rtol
        )
        return cls._of(train, shape_out, shape_in)

    @classmethod
    def _of(cls, train: TensorTrain, shape_out: Sequence[int], shape_in: Sequence[int]) -> Self:
        """From a train whose axes are pairs (i_k, j_k)."""
        axes = zip(train.cores, shape_out, shape_in, strict=True)
        return cls([core.reshape(core.shape[0], o, i, core.shape[2]) for core, o, i in axes], train.error)

    @property
    def train(self) -> TensorTrain:
        """The same numbers as a tensor train whose axis k is the pair (i_k, j_k); the cores are views."""
        return TensorTrain([core.reshape(core.shape[0], -1, core.shape[3]) for core in self.cores], self.error)

    @property
    def shape_out(self) -> tuple[int, ...]:
        """Lengths of the axes of ``operator @ x``."""
        return tuple(core.shape[1] for core in self.cores)

    @property
    def shape_in(self) -> tuple[int, ...]:
        """Lengths of the axes of what it is applied to."""
        return tuple(core.shape[2] for core in self.cores)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the matrix."""
        return math.prod(self.shape_out), math.prod(self.shape_in)

    def __repr__(self) -> str:
        return self._described(f"shape_out={self.shape_out}, shape_in={self.shape_in}")

    def full(self) -> Array:
        """The matrix (prod(shape_out), prod(shape_in)), at the cost of :meth:`TensorTrain.full` and a copy."""
        if self.size * self.dtype.itemsize > np.iinfo(np.intp).max:
            raise TensorError(
                f"the matrix of {self!r} is larger than any memory; apply the operator, or take expectations"
            )
        d = self.ndim
        pairs = self.train.full().reshape([n for core in self.cores for n in core.shape[1:3]])
        return pairs.transpose([*range(0, 2 * d, 2), *range(1, 2 * d, 2)]).reshape(self.shape)

    def __matmul__(self, other: TensorTrain | TensorTrainOperator) -> Any:
        """Applied to a train, or to what another operator makes; ranks multiply.

        Cost: ``2 * d * n^2 * (r * s)^2`` flops, s the other's ranks; n times that for another operator.
        """
        if not isinstance(other, TensorTrain | TensorTrainOperator):
            return NotImplemented
        taken = other.shape if isinstance(other, TensorTrain) else other.shape_out
        if self.shape_in != taken:
            raise TensorError(f"an operator on arrays of shape {self.shape_in} cannot be applied to shape {taken}")
        if isinstance(other, TensorTrain):
            return TensorTrain(
                [_applied(w, core[:, :, None, :])[:, :, 0, :] for w, core in zip(self.cores, other.cores, strict=True)]
            )
        return TensorTrainOperator([_applied(w, v) for w, v in zip(self.cores, other.cores, strict=True)])

    def __add__(self, other: TensorTrainOperator) -> TensorTrainOperator:
        if not isinstance(other, TensorTrainOperator):
            return NotImplemented
        if (self.shape_out, self.shape_in) != (other.shape_out, other.shape_in):
            raise TensorError(f"{self!r} and {other!r}: operators can be added only where they have the same shapes")
        return self._of(self.train + other.train, self.shape_out, self.shape_in)

    def __sub__(self, other: TensorTrainOperator) -> TensorTrainOperator:
        return self + (-other) if isinstance(other, TensorTrainOperator) else NotImplemented

    def __neg__(self) -> TensorTrainOperator:
        return self * -1

    def __mul__(self, other: Scalar) -> TensorTrainOperator:
        return self._of(self.train * other, self.shape_out, self.shape_in) if is_scalar(other) else NotImplemented

    __rmul__ = __mul__

    def round(
        self,
        rtol: float | None = None,
        max_rank: int | None = None,
        *,
        progress: Callable[[float], None] | None = None,
    ) -> TensorTrainOperator:
        """The operator of smallest ranks within a relative Frobenius error; as :meth:`TensorTrain.round`."""
        return self._of(self.train.round(rtol, max_rank, progress=progress), self.shape_out, self.shape_in)

    def norm(self) -> float:
        """Frobenius norm."""
        return self.train.norm()

    def transpose(self) -> TensorTrainOperator:
        """Rows and columns exchanged."""
        return TensorTrainOperator([core.transpose(0, 2, 1, 3) for core in self.cores], self.error)

    def adjoint(self) -> TensorTrainOperator:
        """Rows and columns exchanged, complex conjugate."""
        return TensorTrainOperator([core.transpose(0, 2, 1, 3).conj() for core in self.cores], self.error)

    def expectation(self, x: TensorTrain) -> Any:
        """``sum(conj(x) * (self @ x))`` without making ``self @ x``, in double precision.

        Cost: ``2 * d * n * r * s^2 * (2 * s + n * r)`` flops, s the ranks of x.
        """
        _must_be_train(x)
        if not self.shape_in == self.shape_out == x.shape:
            raise TensorError(
                f"{self!r} has no expectation in a train of shape {x.shape}; all three shapes must be the same"
            )
        bond = np.ones((1, 1, 1), dtype=np.result_type(self.dtype, x.dtype, np.float64))
        for w, core in zip(self.cores, x.cores, strict=True):
            right = np.tensordot(bond, core, 1)  # bra, operator, j, ket'
            middle = np.tensordot(right, w, ([1, 2], [0, 2]))  # bra, ket', i, operator'
            bond = np.tensordot(core.conj(), middle, ([0, 1], [0, 2])).transpose(0, 2, 1)
        return bond[0, 0, 0].item()


def _lengths(shape: Any) -> tuple[int, ...]:
    try:
        lengths = tuple(index(length) for length in shape)
    except TypeError as error:
        raise TensorError(f"{shape!r} is no shape: give the lengths of the axes, such as (4, 3)") from error
    if any(length < 1 for length in lengths):
        raise TensorError(f"axes of lengths {lengths}: all must be at least 1")
    return lengths


def _must_be_train(x: Any) -> None:
    if not isinstance(x, TensorTrain):
        raise TensorError(f"{type(x).__name__} is no tensor train: tt_svd makes one of an array")


def _applied(w: Array, v: Array) -> Array:
    """The product of two operators' cores: (r, i, j, r') and (s, j, k, s') to (r s, i, k, r' s')."""
    product = np.tensordot(w, v, ([2], [1])).transpose(0, 3, 1, 4, 2, 5)
    r, s, i, k, p, q = product.shape
    return product.reshape(r * s, i, k, p * q)
