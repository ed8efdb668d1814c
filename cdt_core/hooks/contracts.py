"""What the functions behind descriptors take and return. Imported where they are used, never at discovery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from attrs import define, field, frozen

from cdt_core.kernels import stats
from cdt_core.model import Bound, Finding, VariableProfile, VariableSpec

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["Block", "ChunkCodec", "Encoded", "State", "Subject", "VariableSummary"]

#: A summary's state: a JSON-like tree of dict, list, str, int, float, bool, None, bytes and NumPy arrays.
State = dict[str, Any]


@define(slots=False, eq=False)
class Block:
    """An n-d piece of a variable, before and after treatment, as physical (decoded) values.

    Parameters
    ----------
    spec, start
        The variable, and the index of the block's first value in it.
    original, treated
        Arrays of one shape and dtype: the values that were read, and what a reader of the output will get.
    missing
        Boolean mask of declared missing values (fill codes; NaN), or ``None`` when there are none.
    edges
        ``(lowest, highest)`` finite value of the whole variable, the range of the histograms; ``None`` without one.
    bound
        The promise in physical units (``rel`` resolved to ``abs``).
    """

    spec: VariableSpec
    start: tuple[int, ...]
    original: NDArray[Any]
    treated: NDArray[Any]
    missing: NDArray[np.bool_] | None = None
    edges: tuple[float, float] | None = None
    bound: Bound | None = None

    @cached_property
    def comparison(self) -> stats.Comparison:
        """Counts, moments, histograms and error sums of both sides, from one compiled pass; made once per block."""
        return stats.compare(self.original, self.treated, missing=self.missing, edges=self.edges, bound=self.bound)

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """True where a value is finite and not missing."""
        valid = np.isfinite(self.original) if self.original.dtype.kind == "f" else np.ones(self.original.shape, bool)
        if self.missing is not None:
            valid &= ~self.missing
        return valid


class VariableSummary(Protocol):
    """A mergeable check of one variable (DESIGN: start, update, merge, finish).

    ``update`` may change and return the state that it was given; ``merge(a, b)`` likewise for ``a``. States merge in the
    order of the chunks, so that the result is the same for any number of workers. States must survive a JSON round trip
    (:mod:`cdt_core.model.state`).
    """

    def __init__(self, spec: VariableSpec, profile: VariableProfile, bound: Bound) -> None: ...

    def start(self) -> State:
        """The state of nothing seen yet."""
        ...

    def update(self, state: State, block: Block) -> State:
        """The state after one more block."""
        ...

    def merge(self, left: State, right: State) -> State:
        """The state of both; ``left`` covers the earlier chunks."""
        ...

    def finish(self, state: State) -> Iterable[Finding]:
        """What was measured."""
        ...


@frozen(eq=False)
class Subject:
    """What a dataset-scope validator looks at: the dataset as stored (packed values, attributes untouched, lazy).

    ``variables`` maps each path (``"u"``, ``"group/u"``) to its lazy :class:`xarray.Variable`; ``specs`` and ``profiles``
    to what is known of it; ``attributes`` maps each group's path (``""`` is the root) to its attributes; ``source`` is the
    input's path or URL, empty for a dataset in memory. ``notes`` are the reader's own findings (partial files and the like).
    """

    variables: Mapping[str, xr.Variable]
    specs: Mapping[str, VariableSpec]
    profiles: Mapping[str, VariableProfile]
    attributes: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    source: str = ""
    notes: Sequence[Finding] = ()

    def __iter__(self) -> Iterator[str]:
        return iter(self.specs)


@frozen(eq=False)
class Encoded:
    """An encoded chunk, with what encoding measured: the largest error (of the kind that the bound bounds) and the number
    of finite values that had to be kept bit-exact beside the lattice.
    """

    stream: bytes
    max_error: float = 0.0
    exact_values: int = 0


class ChunkCodec(Protocol):
    """A codec as the engine drives it: one instance per variable, used from several threads.

    ``metadata`` is the list of Zarr v3 codec objects (``{"name": ..., "configuration": {...}}``) with which any Zarr reader
    decodes the chunks. ``candidates`` lists the parameter sets worth trying for a variable.
    """

    def __init__(self, parameters: Mapping[str, Any], bound: Bound, missing: Sequence[float | int]) -> None: ...

    @classmethod
    def candidates(
        cls, spec: VariableSpec, profile: VariableProfile, bound: Bound, objective: str
    ) -> Sequence[Mapping[str, Any]]:
        """Parameter sets worth trying, fast ones first."""
        ...

    def encode(self, values: NDArray[Any]) -> Encoded:
        """The encoded chunk; every value keeps the bound, missing codes and non-finite values stay bit-exact."""
        ...

    def decode(self, stream: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The values; raises ``CorruptStreamError`` when the stream does not hold such an array."""
        ...

    def metadata(self, dtype: np.dtype[Any]) -> list[dict[str, Any]]:
        """The chain of Zarr v3 codec objects."""
        ...
