"""From an array to the smallest tensor stream that keeps its promise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve, frozen

from cdt_core.errors import BoundError
from cdt_core.kernels import compress, stats
from cdt_core.kernels.blas import on_one_blas_thread
from cdt_core.kernels.compress import EncodedStream
from cdt_core.kernels.missing import held_codes
from cdt_core.kernels.tensor_stream.choice import smallest
from cdt_core.kernels.tensor_stream.decoding import residual_type, rounded, with_residual
from cdt_core.kernels.tensor_stream.layout import CORE, TRAIN, TYPES, TensorHeader, folded, pack, pack_plain
from cdt_core.kernels.tensor_stream.search import Progress
from cdt_core.model import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["encode"]

#: Fewer values are not worth a decomposition.
_FEWEST = 64
#: Squares of larger numbers, or of errors below, leave the range of float64.
_LARGEST, _LEAST_ERROR = 1e140, 1e-140
#: Root mean square errors that are tried under an absolute bound: most residuals are then zero steps.
_SHARES = (0.35, 0.7)
#: What sums and their rounding may add to the residual's error, in units of the last place of the largest value.
_ROUNDINGS = 2.0


@frozen(eq=False)
class _Field:
    """The values, where they are exact from the start, and with the mean there as float64 about that mean."""

    values: NDArray[Any]
    exact: NDArray[np.bool_] | None
    centred: NDArray[np.float64]
    centre: float
    codes: NDArray[Any]

    def rmse(self, decoded: NDArray[Any]) -> float:
        """Of the values that are not exact."""
        found = stats.compare(self.values, decoded, missing=self.exact)
        return math.sqrt(found.sum_squared_error / found.finite)

    def decoded(self, made: NDArray[np.float64]) -> NDArray[Any]:
        """What a decoder makes of the decomposition's array."""
        return rounded(made.reshape(self.values.shape) + self.centre, self.values.dtype)


@on_one_blas_thread
def encode(
    values: NDArray[Any],
    bound: Bound,
    *,
    missing: Sequence[float | int] = (),
    progress: Callable[[float], None] | None = None,
) -> EncodedStream:
    """Encode an array so that it keeps ``bound``.

    Parameters
    ----------
    values
        Any shape and strides. Floats and integers of up to 4 bytes are decomposed; everything else, and what no decomposition
        makes smaller, is a stream of the bounded codec within.
    bound
        ``rmse`` (the root mean square error of finite values that are not missing, used up to at least 0.97 where coefficients
        are many), ``abs`` (every value; by a residual), or ``pw_rel`` or ``lossless`` (never decomposed).
    missing
        Codes that stay bit-exact, and that no other value becomes.
    progress
        Called several times a second with the share that is done, 0 to 1; what it raises ends the work.

    Returns
    -------
    EncodedStream
        The stream and its largest error. Cost: 1 to 7 s for 10^6 values on one core, twice that under ``abs``, and up to
        180 bytes of memory for each value. Decoding takes 0.02 to 0.6 s.

    Raises
    ------
    BoundError
        A ``rel`` or ``psnr`` bound, which needs the whole variable.
    UnsupportedDtypeError
        Text, objects, structures, long double.
    """
    if bound.kind in ("rel", "psnr"):
        raise BoundError(
            f"a stream cannot hold a {bound.kind!r} bound; resolve it by the variable's values (Bound.applied)"
        )
    values = np.asarray(values)
    strict = bound
    if bound.kind == "rmse":  # errors of integers are exact; whole steps are not to be lost
        strict = Bound("abs", bound.value) if values.dtype.kind in "iu" else bound.applied(None, None)
    field = _field(values, missing) if bound.kind in ("rmse", "abs") else None
    told, made = Progress(progress), None
    told(0.0)
    if field is not None and bound.value >= _LEAST_ERROR:
        kind = _rmse_stream if bound.kind == "rmse" else _bounded_stream
        made = kind(field, bound, told.part(0, 0.9))
    told(0.9)
    plain = compress.encode(values, strict, missing=missing, profile="dense")
    plain = evolve(plain, stream=pack_plain(plain.stream))
    told(1.0)
    return plain if made is None or len(plain.stream) <= len(made.stream) else made


def _field(values: NDArray[Any], missing: Sequence[float | int]) -> _Field | None:
    """None when there is nothing to decompose."""
    dtype = values.dtype.newbyteorder("=")
    if dtype not in TYPES or values.size < _FEWEST:
        return None
    values = np.ascontiguousarray(values, dtype)
    exact = stats.mask(values, missing)
    if dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            exact = ~finite if exact is None else exact | ~finite
    wide = values.astype(np.float64)
    known = wide if exact is None else wide[~exact]
    if not known.size or max(-float(known.min()), float(known.max())) > _LARGEST:
        return None
    centre = float(known.mean())
    wide -= centre
    if exact is not None:
        wide[exact] = 0.0
    return _Field(values, exact, wide, centre, held_codes(missing, dtype))


def _fit(field: _Field, target: float, progress: Progress) -> tuple[TensorHeader, bytes, NDArray[Any]] | None:
    """The smallest decomposition with a root mean square error of at most ``target``."""
    folded_values = np.ascontiguousarray(field.centred.reshape(folded(field.values.shape)))
    fitted = smallest(folded_values, target, lambda made: field.rmse(field.decoded(made)), progress)
    if fitted is None:
        return None
    method = TRAIN if fitted.is_train else CORE
    head = TensorHeader(
        method,
        field.values.dtype,
        field.values.shape,
        Bound("rmse", target),
        0.0,
        fitted.error,
        field.centre,
        fitted.step,
    )
    return head, fitted.body, field.decoded(fitted.array)


def _closed(field: _Field, head: TensorHeader, parts: tuple[bytes, bytes], decoded: NDArray[Any]) -> EncodedStream:
    """The stream with what must be exact: missing and non-finite values, those that would become codes or break the bound."""
    exact = np.zeros(field.values.shape, bool) if field.exact is None else field.exact.copy()
    for code in field.codes:
        exact |= decoded == code
    found = stats.compare(field.values, decoded, missing=exact, bound=head.bound if head.bound.kind == "abs" else None)
    if head.bound.kind == "abs" and found.over_bound:
        error = np.abs(field.values.astype(np.float64) - decoded)
        exact |= error >= head.bound.value * (1 - 2.0**-50)
    mask, values = b"", b""
    if exact.any():
        decoded = np.where(exact, field.values, decoded)
        found = stats.compare(field.values, decoded, missing=field.exact)
        mask = compress.encode(exact, Bound("lossless"), profile="dense").stream
        values = compress.encode(field.values[exact], Bound("lossless"), profile="dense").stream
    rmse = math.sqrt(found.sum_squared_error / max(1, found.finite))
    head = evolve(head, max_error=found.max_error, rmse=rmse)
    return EncodedStream(pack(head, (parts[0], mask, values, parts[1])), found.max_error, int(exact.sum()))


def _rmse_stream(field: _Field, bound: Bound, progress: Progress) -> EncodedStream | None:
    fitted = _fit(field, bound.value, progress)
    if fitted is None:
        return None
    head, body, decoded = fitted
    return _closed(field, head, (body, b""), decoded)


def _bounded_stream(field: _Field, bound: Bound, progress: Progress) -> EncodedStream | None:
    """The smallest stream of a decomposition and the residual that it leaves under an absolute bound."""
    room = bound.value
    if field.values.dtype.kind == "f":
        largest = float(np.abs(field.centred).max()) + abs(field.centre)
        room -= _ROUNDINGS * float(np.finfo(field.values.dtype).eps) * largest
    else:
        room = math.floor(room)
    if not room > bound.value / 2:
        return None
    parts = (progress.part(k / len(_SHARES), (k + 1) / len(_SHARES)) for k in range(len(_SHARES)))
    made = [_with_residual(field, bound, float(room), *pair) for pair in zip(_SHARES, parts, strict=True)]
    return min((one for one in made if one is not None), key=lambda one: len(one.stream), default=None)


def _with_residual(field: _Field, bound: Bound, room: float, share: float, progress: Progress) -> EncodedStream | None:
    fitted = _fit(field, share * bound.value, progress)
    if fitted is None:
        return None
    head, body, decoded = fitted
    kind = residual_type(decoded.dtype)
    wide = np.float64 if decoded.dtype.kind == "f" else np.int64
    with np.errstate(invalid="ignore"):
        difference = field.values.astype(wide) - decoded.astype(wide)
    if field.exact is not None:
        difference[field.exact] = 0
    stream = compress.encode(difference.astype(kind), Bound("abs", room), profile="dense").stream
    whole = with_residual(decoded, compress.decode(stream, max_bytes=max(1, difference.nbytes)))
    return _closed(field, evolve(head, bound=bound), (body, stream), whole)
