"""Every chunk of a store decoded again, and its bound read from its own header."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.errors import CorruptStreamError
from cdt_core.kernels import compress, tensor_stream
from cdt_core.model import Bound, Plan, VariableOutcome, VariablePlan
from cdt_core.model.grid import ChunkGrid
from cdt_core.verification.result import Check

if TYPE_CHECKING:
    import zarr

__all__ = ["check_chunks", "check_outcomes"]

#: The codecs whose streams say which bound they keep, and what reads it.
_BOUND_OF: Mapping[str, Callable[[bytes], Bound]] = {
    "cdt.bounded": lambda stream: compress.read_header(stream).applied,
    "cdt.tensor": lambda stream: tensor_stream.read_header(stream).bound,
}


@frozen(eq=False)
class _ChunkCheck:
    """Decodes the chunk ``(name, index)``; the result is empty, or says what is wrong."""

    store: Path
    group: zarr.Group
    plans: Mapping[str, VariablePlan]

    def __call__(self, item: tuple[str, tuple[int, ...]]) -> str:
        name, index = item
        plan = self.plans[name]
        try:
            values = np.asarray(self.group[name].get_block_selection(index))  # type: ignore[union-attr]
        except Exception as error:  # whatever a codec raises on damaged bytes
            return f"chunk {index} of variable {name!r} cannot be decoded: {error}"
        expected = tuple(part.stop - part.start for part in ChunkGrid(plan.shape, plan.chunk_shape).region(index))
        if values.shape != expected:
            return f"chunk {index} of variable {name!r} has shape {values.shape}, not {expected}"
        return self._header_problem(plan, index) if plan.codec in _BOUND_OF else ""

    def _header_problem(self, plan: VariablePlan, index: tuple[int, ...]) -> str:
        path = self.store.joinpath(plan.name, "c", *map(str, index))
        try:
            kept = _BOUND_OF[plan.codec](path.read_bytes())
        except (OSError, CorruptStreamError) as error:
            return f"chunk {index} of variable {plan.name!r}: {error}"
        planned = plan.codec_bound
        # No root mean square is above the largest error; chunks at an edge keep a smaller one.
        is_tighter = planned.kind == "rmse" and kept.kind in ("abs", "rmse") and kept.value <= planned.value
        if kept.is_lossless or kept == planned or is_tighter:
            return ""
        return f"chunk {index} of variable {plan.name!r} keeps {kept}, but the plan says {plan.codec_bound}"


def check_chunks(
    store: Path,
    plan: Plan,
    run: Callable[[Callable[[Any], str], Iterable[Any]], Iterator[str]],
    advance: Callable[[int], None],
) -> Check:
    """Decode every chunk as any reader of the store does; each stream's own bound must be the plan's, or lossless.

    ``run`` is an ordered map, ``advance`` is told of decoded bytes.
    """
    import zarr

    try:
        group = zarr.open_group(store, mode="r")
    except Exception as error:  # whatever the library raises on metadata that it cannot read
        return Check("chunks", False, f"the store cannot be opened: {type(error).__name__}: {error}")
    plans = {variable.name: variable for variable in plan.variables}
    count = 0
    items, asked = itertools.tee(
        (name, index) for name, variable in plans.items() for index in ChunkGrid(variable.shape, variable.chunk_shape)
    )
    for (name, _), problem in zip(asked, run(_ChunkCheck(store, group, plans), items), strict=True):
        if problem:
            return Check("chunks", False, problem)
        count += 1
        variable = plans[name]
        itemsize = 1 if variable.dtype == "object" else np.dtype(variable.dtype).itemsize
        advance(int(np.prod(variable.chunk_shape, dtype=np.int64)) * itemsize)
    return Check("chunks", True, f"{count} chunks decode, and their streams keep the bounds of the plan")


def check_outcomes(plan: Plan, outcomes: Iterable[VariableOutcome]) -> Check:
    """The signed outcomes against the plan: every variable is there, and its largest error is within its bound."""
    name = "bounds"
    found = {outcome.name: outcome for outcome in outcomes}
    for variable in plan.variables:
        outcome = found.get(variable.name)
        if outcome is None:
            return Check(name, False, f"variable {variable.name!r} of the plan is not in the certificate")
        most = math.inf if variable.applied.kind == "rmse" else variable.applied.value
        if not 0 <= outcome.max_error <= most or outcome.over_bound:
            problem = f"error {outcome.max_error:g}, {outcome.over_bound} values over the bound {variable.applied}"
            return Check(name, False, f"variable {variable.name!r}: {problem}")
    return Check(name, True, f"the largest errors of {len(found)} variables are within their bounds")
