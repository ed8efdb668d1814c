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

_CF_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")
_KINDS = "biufcSUOMm"


def conformance(subject: Subject) -> Iterable[Finding]:
    """Findings on units, packing, names and data types of each variable, and on the dataset as a whole.

    The rules of CF-1.12 on names and on units of every variable are asked of files that declare CF in ``Conventions``;
    of others only readable names, and units where some of their data have them.
    """
    is_cf = any("CF-" in str(attributes.get("Conventions", "")) for attributes in subject.attributes.values())
    needs_units = is_cf or any("units" in spec.attributes and _is_quantity(spec) for spec in subject.specs.values())
    for spec in subject.specs.values():
        if needs_units and _is_quantity(spec):
            yield _units_present(spec)
        if "units" in spec.attributes:
            yield _units_parseable(spec)
        if _is_number(spec):
            yield _packing_valid(spec)
            yield from _fill_value_valid(spec)
        yield _dtype_supported(spec)
        yield _name_valid(spec, is_cf)
    yield _dimensions(subject)
    yield _readable(subject)


def _dtype_supported(spec: VariableSpec) -> Finding:
    problems = [] if _kind(spec) in _KINDS else [f"no codec holds {spec.dtype}"]
    return _yes("core.dtype_supported", "format", problems, spec.name, "the data type is one that a codec can hold")


def _name_valid(spec: VariableSpec, is_cf: bool) -> Finding:
    leaf, problems = spec.name.rsplit("/", 1)[-1], []
    if is_cf:
        method = "names begin with a letter and have letters, digits and underscores (CF-1.12 section 2.3)"
        if not _CF_NAME.match(leaf):
            problems = [f"{leaf!r} has other characters than letters, digits and underscores"]
    else:
        method = "names are printable, without space at their ends (NetCDF Users Guide, permitted characters)"
        if not leaf or not leaf.isprintable() or leaf != leaf.strip():
            problems = [f"{leaf!r} is empty, has control characters, or begins or ends with a space"]
    return _yes("core.names_valid", "consistency", problems, spec.name, method)


def _is_quantity(spec: VariableSpec) -> bool:
    """Data that may have a unit: no scalar (parameters, grid mappings), no codes, nothing without numbers."""
    exempt = {"grid_mapping_name", "flag_values", "flag_masks", "flag_meanings"} & set(spec.attributes)
    return spec.role == "data" and _is_number(spec) and bool(spec.dims) and not exempt


def _is_number(spec: VariableSpec) -> bool:
    return _kind(spec) in "iuf"


def _kind(spec: VariableSpec) -> str:
    """NumPy's letter; ``V`` for types of structures and raw bytes, whose names NumPy does not read back."""
    try:
        return np.dtype(spec.dtype).kind
    except TypeError:
        return "V"


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
    problems = [] if "units" in spec.attributes else ["no units attribute"]
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
    if np.asarray(code).dtype.kind not in "iuf":
        return f"is not a number, but the stored type is {dtype}"
    number = np.asarray(code).item()
    if dtype.kind == "f":
        return f"is outside {dtype}" if math.isfinite(number) and abs(number) > float(np.finfo(dtype).max) else ""
    # An unsigned view of a signed code, or the reverse, is what the _Unsigned attribute declares.
    bits = 8 * dtype.itemsize
    holds = math.isfinite(number) and number == int(number) and -(2 ** (bits - 1)) <= number < 2**bits
    return "" if holds else f"is outside {dtype}"


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
    failed = [note for note in subject.notes if note.verdict == "fail"]
    problems = [note.message or f"{note.check}: {note.value}" for note in failed]
    return _yes("core.readable", "format", problems, None, "the reader read the whole file and left no failed note")
