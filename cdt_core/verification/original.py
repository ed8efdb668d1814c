"""Every value of a treatment against the original, decoded and compared again."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.errors import BoundError
from cdt_core.kernels import stats
from cdt_core.kernels.parts import parts_of, parts_of_mask
from cdt_core.model import Plan, VariablePlan, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.verification.result import Check

if TYPE_CHECKING:
    import zarr
    from numpy.typing import NDArray

    from cdt_core.readers.stored import StoredDataset

__all__ = ["check_values"]

#: A processor and its parameters, ready to be called.
Processing = Sequence[tuple[Callable[..., Any], Mapping[str, Any]]]


@frozen
class _Compared:
    """A chunk's finite range in the original, and the squares of its errors, where a bound depends on them; ``problem`` is
    empty, or says what does not hold.
    """

    problem: str = ""
    lowest: float | int | None = None
    highest: float | int | None = None
    squares: float = 0.0
    finite: int = 0

    def joined(self, other: _Compared) -> _Compared:
        """The range and the squares of both."""
        ends = [e for e in (self.lowest, self.highest, other.lowest, other.highest) if e is not None]
        squares, finite = self.squares + other.squares, self.finite + other.finite
        return _Compared("", min(ends, default=None), max(ends, default=None), squares, finite)


@frozen(eq=False)
class _ValueCheck:
    """Compares the chunk ``(name, index)``."""

    dataset: StoredDataset
    group: zarr.Group
    plans: Mapping[str, VariablePlan]
    processing: Mapping[str, Processing]

    def __call__(self, item: tuple[str, tuple[int, ...]]) -> _Compared:
        name, index = item
        plan = self.plans[name]
        region = ChunkGrid(plan.shape, plan.chunk_shape).region(index)
        try:
            before = self.dataset.read(name, region)
            after = np.asarray(self.group[name][region])  # type: ignore[index]
            if plan.dtype != "object":
                return self._numbers(plan, index, (before, after), tuple(part.start for part in region))
        except Exception as error:  # of the original's reader, a processor, or a codec on damaged bytes
            return _Compared(f"chunk {index} of variable {name!r}: {error}")
        same = [_text(value) for value in before.reshape(-1)] == [str(value) for value in after.reshape(-1)]
        return _Compared("" if same else f"chunk {index} of variable {name!r}: the text is not the original's")

    def _numbers(
        self,
        plan: VariablePlan,
        index: tuple[int, ...],
        values: tuple[NDArray[Any], NDArray[Any]],
        start: tuple[int, ...],
    ) -> _Compared:
        name, (before, after) = plan.name, values
        where = f"chunk {index} of variable {name!r}:"
        as_read = plan.form == "stored" and not plan.processors and self.dataset.specs[name].dtype == plan.dtype
        if as_read and plan.applied.is_lossless:  # also where different numbers stand for one physical value
            same = before.tobytes() == after.tobytes()
            return _Compared("" if same else f"{where} numbers are not what they were, bit for bit")
        missing = self.dataset.missing_mask(name, before)
        original = self.dataset.decoded(name, before)
        for function, parameters in self.processing.get(name, ()):
            original = np.asarray(function(original, self.dataset.specs[name], start, **parameters))
            missing = np.isnan(original) if original.dtype.kind == "f" else missing
        treated = self.dataset.decoded(name, after) if as_read else after
        if original.dtype.kind == "c":
            distance = stats.largest_distance(original, treated)
            if plan.applied.kind == "abs" and distance > plan.applied.value:
                return _Compared(f"{where} an error of {distance:g} is over the bound {plan.applied}")
            original, treated, missing = parts_of(original), parts_of(treated), parts_of_mask(missing)
        found = stats.compare(original, treated, missing=missing, bound=plan.applied)
        if found.over_bound or found.mismatched:
            return _Compared(
                f"{where} {found.over_bound} values are over the bound {plan.applied} (largest error "
                f"{found.max_error:g}), {found.mismatched} missing or non-finite values are not what they were"
            )
        ends = found.original.minimum, found.original.maximum
        return _Compared("", *ends, found.sum_squared_error, found.finite)


def _differences(specs: Mapping[str, VariableSpec], plans: Mapping[str, VariablePlan]) -> Iterator[str]:
    """What keeps variables from being compared; numbers of another type would pass for equal once they are cast."""
    for name, plan in plans.items():
        spec = specs.get(name)
        if spec is None:
            yield f"variable {name!r} is not the original's: it has none"
            continue
        decoded = spec.packing.dtype or spec.dtype
        is_known = plan.dtype == decoded or (plan.form == "stored" and plan.dtype == spec.dtype)
        if not is_known or tuple(spec.shape) != tuple(plan.shape):
            yield (
                f"variable {name!r} is not the original's: there it is {spec.dtype} of shape {spec.shape}, "
                f"and not {plan.dtype} of shape {plan.shape}"
            )
    for name in specs:
        if name not in plans:
            yield f"variable {name!r} of the original is not in the treatment"


def _wrong_ranges(plans: Mapping[str, VariablePlan], ranges: Mapping[str, _Compared]) -> Iterator[str]:
    for name, plan in plans.items():
        if plan.bound.kind not in ("rel", "psnr", "rmse") or plan.applied.is_lossless:
            continue
        try:
            resolved = plan.bound.as_rmse if plan.applied.kind == "rmse" else plan.bound.applied
            applied = resolved(ranges[name].lowest, ranges[name].highest)
        except BoundError as error:
            yield f"variable {name!r}: {error}"
            continue
        if plan.applied != applied:
            yield f"variable {name!r}: {plan.bound} is {applied} by the original's range, and not {plan.applied}"


def _large_errors(plans: Mapping[str, VariablePlan], found: Mapping[str, _Compared]) -> Iterator[str]:
    for name, plan in plans.items():
        if plan.applied.kind == "rmse" and found[name].finite:
            rmse = math.sqrt(found[name].squares / found[name].finite)
            if not rmse <= plan.applied.value:
                yield f"variable {name!r}: the root mean square error {rmse:g} is over the bound {plan.applied}"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def check_values(
    dataset: StoredDataset,
    group: zarr.Group,
    plan: Plan,
    processing: Mapping[str, Processing],
    run: Callable[[Callable[[Any], _Compared], Iterable[Any]], Iterator[_Compared]],
) -> Check:
    """Compare every value with the original's, and bounds relative to the range with the original's range.

    ``processing`` has the processors that the plan applies, by variable.
    """
    name = "values against the original"
    plans = {variable.name: variable for variable in plan.variables}
    if problem := next(_differences(dataset.specs, plans), ""):
        return Check(name, False, problem)
    ranges = dict.fromkeys(plans, _Compared())
    items, asked = itertools.tee(
        (name, index) for name, variable in plans.items() for index in ChunkGrid(variable.shape, variable.chunk_shape)
    )
    for (variable_name, _), found in zip(
        asked, run(_ValueCheck(dataset, group, plans, processing), items), strict=True
    ):
        if found.problem:
            return Check(name, False, found.problem)
        ranges[variable_name] = ranges[variable_name].joined(found)
    if problem := next(itertools.chain(_wrong_ranges(plans, ranges), _large_errors(plans, ranges)), ""):
        return Check(name, False, problem)
    count = sum(int(np.prod(variable.shape, dtype=np.int64)) for variable in plan.variables)
    return Check(name, True, f"{count} values compared, none over its bound")
