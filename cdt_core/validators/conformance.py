"""Whether the file keeps its own format's and the CF conventions' rules."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from cdt_core.hooks.contracts import Subject
from cdt_core.model import Finding, VariableSpec
from cdt_core.model.finding import Dimension
from cdt_core.validators.units import problem_of

__all__ = ["conformance"]

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")
_KINDS = "biufcSUOMm"


def conformance(subject: Subject) -> Iterable[Finding]:
    """Findings on units, packing, names and data types of each variable, and on the dataset as a whole."""
    with_units = any("units" in spec.attributes for spec in subject.specs.values())
    for spec in subject.specs.values():
        if with_units and spec.role == "data" and _is_number(spec) and "flag_values" not in spec.attributes:
            yield _units_present(spec)
        if "units" in spec.attributes:
            yield _units_parseable(spec)
        if _is_number(spec):
            yield _packing_valid(spec)
            yield from _fill_value_valid(spec)
        yield _yes(
            "core.dtype_supported",
            "format",
            [] if np.dtype(spec.dtype).kind in _KINDS else [f"no codec holds {spec.dtype}"],
            spec.name,
            "the data type is one that a codec can hold",
        )
        leaf = spec.name.rsplit("/", 1)[-1]
        yield _yes(
            "core.names_valid",
            "consistency",
            [] if _NAME.match(leaf) else [f"{leaf!r} has other characters than letters, digits and underscores"],
            spec.name,
            "names begin with a letter and have letters, digits and underscores (CF-1.12 section 2.3)",
        )
    yield _dimensions(subject)
    yield _readable(subject)


def _is_number(spec: VariableSpec) -> bool:
    return np.dtype(spec.dtype).kind in "iuf"


def _yes(check: str, dimension: Dimension, problems: list[str], variable: str | None, method: str) -> Finding:
    """A yes/no finding: 1 without problems."""
    return Finding(
        check=check,
        dimension=dimension,
        value=int(not problems),
        unit="bool",
        variable=variable,
        method=method,
        message="; ".join(problems[:5]),
        evidence={"problems": problems[:100]} if problems else {},
    )


def _units_present(spec: VariableSpec) -> Finding:
    # A grid mapping's variable carries attributes only (CF-1.12 section 5.6).
    exempt = "units" in spec.attributes or "grid_mapping_name" in spec.attributes or not spec.dims
    problems = [] if exempt else ["no units attribute, though other variables have one"]
    return _yes("core.units_present", "consistency", problems, spec.name, "a units attribute (CF-1.12 section 3.1)")


def _units_parseable(spec: VariableSpec) -> Finding:
    problem = problem_of(spec.units)
    method = "units are read by pint with the CF registry; time by 'UNIT since DATE' (CF-1.12 sections 3.1, 4.4)"
    problems = [f"units {spec.units!r}: {problem}"] if problem else []
    return _yes("core.units_parseable", "consistency", problems, spec.name, method)


def _packing_valid(spec: VariableSpec) -> Finding:
    method = "scale_factor finite and not 0, add_offset finite (CF-1.12 section 8.1)"
    return _yes("core.packing_valid", "format", list(_packing_problems(spec)), spec.name, method)


def _packing_problems(spec: VariableSpec) -> Iterator[str]:
    for key in ("scale_factor", "add_offset"):
        given = spec.attributes.get(key, getattr(spec.packing, key))
        if given is None:
            continue
        number = _number(given)
        if number is None or not math.isfinite(number):
            yield f"{key} is {np.asarray(given).tolist()!r}, not a finite number"
        elif key == "scale_factor" and number == 0:
            yield "scale_factor is 0: every value decodes to the offset"


def _fill_value_valid(spec: VariableSpec) -> Iterator[Finding]:
    """Only asked of variables that declare a code for no value."""
    if not {"_FillValue", "missing_value"} & set(spec.attributes):
        return
    method = "the stored type holds every code of _FillValue and missing_value (CF-1.12 section 2.5.1)"
    yield _yes("core.fill_value_valid", "consistency", list(_fill_problems(spec)), spec.name, method)


def _fill_problems(spec: VariableSpec) -> Iterator[str]:
    dtype = np.dtype(spec.dtype)
    for key in ("_FillValue", "missing_value"):
        for code in np.ravel(np.asarray(spec.attributes.get(key, []))):
            problem = _code_problem(code, dtype)
            if problem:
                yield f"{key} {np.asarray(code).item()!r} {problem}"


def _number(value: Any) -> float | None:
    array = np.asarray(value)
    return float(array.ravel()[0]) if array.size == 1 and array.dtype.kind in "iuf" else None


def _code_problem(code: Any, dtype: np.dtype[Any]) -> str:
    kind = np.asarray(code).dtype.kind
    if kind not in "iuf":
        return f"is not a number, but the stored type is {dtype}"
    if dtype.kind in "iu":
        number = float(code)
        limits = np.iinfo(dtype)
        # An unsigned view of a signed code, or the reverse, is what the _Unsigned attribute declares.
        if not number.is_integer() or not -(2 ** (8 * dtype.itemsize - 1)) <= number <= max(
            limits.max, 2 ** (8 * dtype.itemsize) - 1
        ):
            return f"is outside {dtype}"
    return ""


def _dimensions(subject: Subject) -> Finding:
    lengths: dict[tuple[str, str], dict[int, str]] = {}
    problems = []
    for name, spec in subject.specs.items():
        group = name.rpartition("/")[0]
        if len(spec.dims) != len(spec.shape):
            problems.append(f"{name}: {len(spec.dims)} dimensions, but shape {list(spec.shape)}")
        for dim, length in zip(spec.dims, spec.shape, strict=False):
            seen = lengths.setdefault((group, dim), {})
            seen.setdefault(length, name)
    for (group, dim), seen in lengths.items():
        if len(seen) > 1:
            sizes = ", ".join(f"{length} in {name}" for length, name in seen.items())
            problems.append(f"dimension {dim!r} of group {group or '/'!r} has several lengths: {sizes}")
    method = "each dimension has one length within its group"
    return _yes("core.dimensions_consistent", "format", problems, None, method)


def _readable(subject: Subject) -> Finding:
    failed = [note for note in subject.notes if note.verdict == "fail" or note.value in (0, False)]
    problems = [note.message or f"{note.check}: {note.value}" for note in failed]
    return _yes("core.readable", "format", problems, None, "the reader read the whole file and left no failed note")
