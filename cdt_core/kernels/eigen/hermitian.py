"""What a search for eigenpairs takes: square, finite and Hermitian operators, in a unit in which no square overflows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cdt_core.errors import TensorError
from cdt_core.kernels.tensor_train import TensorTrain, TensorTrainOperator

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["hermitian_cores"]

Cores = Sequence["NDArray[Any]"]

#: Share of its squared norm that an operator may differ from its adjoint by: rounding of long trains.
_DIFFERENT = 1e-11

#: Power of 2 of the mean squared eigenvalue from which on products of cores may leave the range of float64.
_LARGEST = 1000


def hermitian_cores(operator: Any) -> tuple[list[NDArray[Any]], int]:
    """Cores in double precision whose largest numbers are from 1 to 2, and the power of 2 that was taken out of them.

    Raises
    ------
    TensorError
        No operator, one that is not square or not Hermitian or holds NaN or infinity, or a product of cores that float64 cannot
        hold.
    """
    if not isinstance(operator, TensorTrainOperator):
        raise TensorError(
            f"{type(operator).__name__} is no TensorTrainOperator: TensorTrainOperator.from_matrix makes one"
        )
    if operator.shape_out != operator.shape_in:
        raise TensorError(f"{operator!r} is not square: eigenpairs are those of operators from a space to itself")
    if not all(np.isfinite(core).all() for core in operator.cores):
        raise TensorError("the operator's cores hold NaN or infinity; nothing can be found before that is gone")
    cores, exponent = [], 0
    for core in operator.cores:
        wide = core.astype(np.result_type(core.dtype, np.float64))
        taken = max(int(np.frexp(np.abs(wide).max())[1]) - 1, -1000)
        cores.append(wide * 2.0**-taken)
        exponent += taken
    if not (_equals_adjoint(cores) and _expects_real_numbers(TensorTrainOperator(cores))):
        raise TensorError("the operator is not Hermitian: take (a + a.adjoint()) * 0.5")
    return cores, exponent


def _equals_adjoint(cores: Cores) -> bool:
    """By ``||A - A^H||^2 = 2 ||A||^2 - 2 Re <A^H, A>``: parts that products of vectors hardly see are as large as others."""
    square, own = _overlap(cores, cores)
    if own - sum(np.log2(core.shape[1]) for core in cores) > _LARGEST:
        raise TensorError(
            "the operator's eigenvalues are too large for float64: divide its cores by large numbers first"
        )
    overlap, other = _overlap([core.conj().transpose(0, 2, 1, 3) for core in cores], cores)
    return bool(overlap * 2.0 ** (other - own) >= (1 - _DIFFERENT) * square)


def _overlap(one: Cores, other: Cores) -> tuple[float, int]:
    """The real part of ``sum(conj(one) other)`` as a number and a power of 2: float64 does not hold norms of long chains."""
    bond, exponent = np.ones((1, 1)), 0
    for a, b in zip(one, other, strict=True):
        bond = np.tensordot(a.conj(), np.tensordot(bond, b, 1), ([0, 1, 2], [0, 1, 2]))
        taken = int(np.frexp(np.abs(bond).max())[1])
        bond, exponent = bond * 2.0**-taken, exponent + taken
    return float(bond[0, 0].real), exponent


def _expects_real_numbers(operator: TensorTrainOperator) -> bool:
    """Finer than the norm's rounding, where an operator is not Hermitian in a part that random products do see."""
    random = np.random.default_rng(0)
    probes = [_probe(operator.shape_in, random) for _ in range(3)]
    found = np.array([complex(operator.expectation(probe)) for probe in probes])
    return bool(np.abs(found.imag).max() <= 1e-8 * np.abs(found).max())


def _probe(shape: tuple[int, ...], random: np.random.Generator) -> TensorTrain:
    """A random product of complex vectors of norm 1."""
    cores = [random.standard_normal((1, n, 1)) + 1j * random.standard_normal((1, n, 1)) for n in shape]
    return TensorTrain([core / np.linalg.norm(core) for core in cores])
