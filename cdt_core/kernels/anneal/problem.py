"""The problem that annealing solves: an Ising model, with exact energies where its weights are whole numbers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import attrs
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import AnnealError
from cdt_core.kernels.anneal.cardinality import Cardinality, check_groups, read_groups, read_only
from cdt_core.kernels.anneal.constructing import bqm_parts, cut_parts, ising_parts, qubo_parts
from cdt_core.kernels.anneal.couplings import check_couplings, row_sums
from cdt_core.kernels.anneal.states import energies, read_states
from cdt_core.kernels.anneal.terms import LARGEST_EDGES
from cdt_core.kernels.anneal.weights import LARGEST_TOTAL, check_total, magnitude

__all__ = ["Problem"]

Array = NDArray[Any]


@attrs.frozen(eq=False, repr=False)
class Problem:
    """``E(s) = (offset + sum_i h_i s_i + sum_{i<j} J_ij s_i s_j) / scale`` for n variables s of -1 or +1.

    :meth:`from_ising`, :meth:`from_qubo`, :meth:`max_cut` and :meth:`from_bqm` make problems of what users have.

    Parameters
    ----------
    fields
        h, (n,) int64 or float64.
    start, neighbours, weights
        J as CSR arrays, (n + 1,) int64, (2 m,) int32 and (2 m,) of the fields' dtype: both directions of each of the m
        edges, rows sorted, no diagonal, no zeros.
    offset
        An integer where the weights are.
    scale
        All energies of an integer problem are whole multiples of it before the division. 2 for cuts, 4 for QUBOs, less
        where their weights have a common factor; 1 for floats.
    labels
        Names of the variables, where they are not 0 .. n - 1.
    binary
        Whether users think of 0 and 1 instead of -1 and +1.
    cardinalities
        Groups of variables, no variable in two, with a fixed number of +1 each.

    Raises
    ------
    AnnealError
        Arrays that do not fit each other, weights whose absolute sum reaches 2**62, or that are not finite.

    Notes
    -----
    The arrays cannot be written through the problem. Memory: 12 bytes for each direction of an edge and 16 for each
    variable.

    Examples
    --------
    >>> triangle = Problem.max_cut(np.ones((3, 3)) - np.eye(3))
    >>> triangle, triangle.energy([[1, 1, 1], [1, -1, 1]])
    (Problem(size=3, edges=3, integer), array([ 0, -2]))
    """

    fields: Array = attrs.field(converter=read_only)
    start: Array = attrs.field(converter=read_only)
    neighbours: Array = attrs.field(converter=read_only)
    weights: Array = attrs.field(converter=read_only)
    offset: int | float = 0
    scale: int = 1
    labels: tuple[Hashable, ...] | None = None
    binary: bool = False
    cardinalities: tuple[Cardinality, ...] = ()

    def __attrs_post_init__(self) -> None:
        self._check_dtypes()
        check_couplings(self.size, self.start, self.neighbours, self.weights)
        if abs(self.offset) >= 2.0**1023:  # of any size as an integer
            raise AnnealError("offset is too large for energies; it must be below 2**62, or as a float below 2**1020")
        twice = 2 * magnitude(self.fields) + magnitude(self.weights) + 2 * abs(self.offset)
        check_total(twice, "offset, fields and weights", times=2)
        self._check_scale()
        self._check_labels()
        check_groups(self.cardinalities, self.size)

    @property
    def size(self) -> int:
        """Number of variables n."""
        return int(self.fields.size)

    @property
    def edges(self) -> int:
        """Number of pairs m with a coupling."""
        return int(self.neighbours.size) // 2

    @property
    def is_integer(self) -> bool:
        """Whether weights and energies are int64, and exact."""
        return bool(self.fields.dtype.kind == "i")

    def __repr__(self) -> str:
        groups = f", cardinalities={len(self.cardinalities)}" if self.cardinalities else ""
        kind = "integer" if self.is_integer else "float"
        return f"Problem(size={self.size}, edges={self.edges}, {kind}{', binary' if self.binary else ''}{groups})"

    def energy(self, states: ArrayLike) -> Array:
        """Energies of states.

        Parameters
        ----------
        states
            (k, n), or (n,) for one, in {-1, +1}; of a binary problem in {0, 1}, too.

        Returns
        -------
        NDArray
            (k,): int64 and exact for an integer problem, else float64. A state has the same energy whatever states come
            with it.

        Raises
        ------
        AnnealError
            Another shape or value; names its index.
        """
        numerators = energies(self.read_states(states), self.fields, self._couplings, self.offset)
        return numerators // self.scale if self.is_integer else numerators / self.scale

    def read_states(self, states: ArrayLike) -> Array:
        """States as :meth:`energy` takes them, as int8 (k, n) in {-1, +1}; the same array where they are that."""
        return read_states(states, self.size, self.binary)

    def feasible(self, states: ArrayLike) -> Array:
        """Whether each state has the fixed numbers of +1 of all groups: (k,) bool."""
        up = self.read_states(states) > 0
        kept = np.ones(len(up), bool)
        for group in self.cardinalities:
            kept &= up[:, group.indices].sum(axis=1) == group.count
        return kept

    def with_cardinality(self, indices: ArrayLike, count: int) -> Self:
        """The problem with one more group, or more, of which ``count`` variables are +1.

        Parameters
        ----------
        indices
            (g,) integers; or (r, g), a group in each row.
        count
            0 .. g, the same for all these groups.

        Raises
        ------
        AnnealError
            An index out of range, twice in a group or in two groups, or a count above g.

        Examples
        --------
        >>> pair = Problem.from_qubo([[1, -3], [0, 1]]).with_cardinality([0, 1], 1)
        >>> pair.feasible([[0, 1], [1, 1]])
        array([ True, False])
        """
        rows = read_groups(indices)
        groups = rows if rows.ndim == 2 else [rows]
        return attrs.evolve(self, cardinalities=(*self.cardinalities, *(Cardinality(group, count) for group in groups)))

    @classmethod
    def from_ising(cls, h: Any, J: Any, offset: int | float = 0) -> Self:  # noqa: N803 - the field's names
        """The problem ``offset + sum_i h_i s_i + sum_{i<j} J_ij s_i s_j``.

        Parameters
        ----------
        h
            (n,) numbers, a mapping of variables to numbers, or ``None`` for zeros.
        J
            A matrix (n, n), symmetric or triangular: dense, of scipy.sparse, or as a tuple of its CSR arrays ``(start,
            neighbours, weights)``. Or terms, of which those of the same pair are summed: a mapping ``{(i, j): J_ij}``,
            or a tuple ``(n, i, j, J_ij)`` of arrays.
        offset
            Energy of nothing.

        Raises
        ------
        AnnealError
            Weights that are not finite, a J that is neither symmetric nor triangular, self loops, no variables, more
            than 2**31 - 1 edges, or sums that int64 cannot hold; names the index.

        Notes
        -----
        Whole numbers are exact: floats below 2**53 that are all whole become int64. The two halves of a symmetric
        matrix of floats may differ by rounding (3.6e-15 of the largest element); their mean is taken.

        Examples
        --------
        >>> Problem.from_ising({"a": 1}, {("a", "b"): -1}).energy([1, 1])
        array([0])
        """
        return cls(**ising_parts(h, J, offset))

    @classmethod
    def from_qubo(cls, Q: Any, offset: int | float = 0) -> Self:  # noqa: N803
        """The problem ``offset + sum_ij Q_ij x_i x_j`` for x of 0 or 1.

        Parameters
        ----------
        Q
            As J of :meth:`from_ising`, but any square matrix: its diagonal has the linear terms, and Q_ij + Q_ji is what
            a pair weighs.
        offset
            Energy of all zeros.

        Raises
        ------
        AnnealError
            As :meth:`from_ising`.

        Examples
        --------
        >>> Problem.from_qubo([[-1, 2], [0, -1]]).energy([[0, 0], [0, 1], [1, 1]])
        array([ 0, -1,  0])
        """
        return cls(**qubo_parts(Q, offset))

    @classmethod
    def max_cut(cls, graph: Any) -> Self:
        """The problem whose energy is minus the weight of the edges between the -1 and the +1, exactly.

        Parameters
        ----------
        graph
            A graph of networkx (the edges' attribute ``weight``, default 1), or what :meth:`from_ising` takes as J.

        Raises
        ------
        AnnealError
            A directed graph, or as :meth:`from_ising`.
        """
        return cls(**cut_parts(graph))

    @classmethod
    def from_bqm(cls, bqm: Any) -> Self:
        """The problem of a ``dimod.BinaryQuadraticModel``, with its labels; binary where its ``vartype`` is."""
        return cls(**bqm_parts(bqm))

    @property
    def _couplings(self) -> tuple[Array, Array, Array]:
        return self.start, self.neighbours, self.weights

    def _check_dtypes(self) -> None:
        if self.fields.ndim != 1 or not 1 <= self.size <= LARGEST_EDGES:
            raise AnnealError(f"fields have shape {self.fields.shape}; a problem has 1 .. {LARGEST_EDGES} variables")
        for name, dtypes in (
            ("fields", ("int64", "float64")),
            ("weights", (self.fields.dtype.name,)),
            ("start", ("int64",)),
            ("neighbours", ("int32",)),
        ):
            if (found := getattr(self, name).dtype) not in [np.dtype(dtype) for dtype in dtypes]:
                raise AnnealError(f"{name} have dtype {found}; they must be {' or '.join(dtypes)}")
        for name in ("fields", "weights"):
            numbers = getattr(self, name)
            if not np.isfinite(numbers).all():
                k = int(np.argmin(np.isfinite(numbers)))
                raise AnnealError(f"{name}[{k}] is {numbers[k]}; it must be a finite number")
        if isinstance(self.offset, bool) or not isinstance(self.offset, int | float):
            raise AnnealError(f"offset is {self.offset!r}; it must be a number of Python")
        if self.is_integer and not isinstance(self.offset, int):
            raise AnnealError(f"offset is {self.offset!r}; beside integer weights it must be an integer")

    def _check_labels(self) -> None:
        try:
            fits = self.labels is None or len(self.labels) == len(set(self.labels)) == self.size
        except TypeError as error:
            raise AnnealError(f"labels are no names of variables: {error}") from error
        if not fits:
            raise AnnealError(f"{len(self.labels or ())} labels for {self.size} variables; each has one of its own")

    def _check_scale(self) -> None:
        """Energies divide exactly where that of all +1 does, and all that flips can change: 2 f_i, and f_i by 2 J_ij."""
        if isinstance(self.scale, bool) or not isinstance(self.scale, int) or not 1 <= self.scale < LARGEST_TOTAL:
            raise AnnealError(f"scale is {self.scale!r}; it must be an integer from 1 to {LARGEST_TOTAL - 1}")
        if not self.is_integer or self.scale == 1:
            return
        coupled = row_sums(self.start, self.weights)
        first = self.offset + int(self.fields.sum()) + int(coupled.sum()) // 2
        rest = (2 * (self.fields % self.scale + coupled % self.scale)) % self.scale
        pairs = (4 * (self.weights % self.scale)) % self.scale if 4 % self.scale else np.zeros(1)
        if first % self.scale or rest.any() or pairs.any():
            raise AnnealError(f"not all energies divide by the scale {self.scale}; integer energies must be exact")
