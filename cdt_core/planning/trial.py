"""Try a codec's parameters on sampled blocks of a variable, and measure."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from attrs import evolve, frozen

from cdt_core.errors import PlanError
from cdt_core.hooks.descriptor import CodecOffer
from cdt_core.kernels import stats
from cdt_core.model import Bound, Candidate, VariableProfile, VariableSpec
from cdt_core.model.grid import REPLAY_EVERY, ChunkGrid
from cdt_core.planning.promise import applied_bound, codec_bound, packed_steps, reads_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.hooks.contracts import ChunkCodec, Encoded

__all__ = [
    "Form",
    "SampledValues",
    "Samples",
    "forms_of",
    "sample",
    "shared",
    "tightened",
    "trials_of",
]

_log = logging.getLogger("cdt.plugins")

_SAMPLE_VALUES = 1 << 18
#: Shares of the allowed error that are tried after the whole of it, and how much larger a chunk may get for one.
_ERROR_SHARES = (0.5, 0.25, 0.125)
_SHARE_SLACK = 1.02
#: The same where the least error that a limit allows is asked for.
_FIDELITY_SHARES = (0.5, 0.25, 0.125, 0.0625, 0.03125)


class SampledValues(Protocol):
    """What samples are read from: a dataset, or one with its processors applied."""

    def read(self, name: str, region: tuple[slice, ...]) -> NDArray[Any]:
        """Values of a region, as stored."""
        ...

    def decoded(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """Physical values of what :meth:`read` gave."""
        ...


@frozen(eq=False)
class Samples:
    """Blocks as stored and as physical values, in one order, and the share of chunks that are encoded a second time."""

    stored: tuple[NDArray[Any], ...]
    physical: tuple[NDArray[Any], ...]
    replayed: float = 0.0

    def of(self, form: Form) -> tuple[NDArray[Any], ...]:
        """The blocks in the form in which a codec gets them."""
        return self.stored if form.name == "stored" else self.physical


@frozen
class Form:
    """A way to hand a variable's numbers to a codec: ``"stored"`` or ``"decoded"``, their dtype, missing codes, and the bound
    that the codec must keep on them; for codecs that know ``rmse``, also the one for all values together, if there is one.
    """

    name: str
    dtype: str
    missing: tuple[float | int, ...]
    bound: Bound
    together: Bound | None = None


def sample(values: SampledValues, name: str, grid: ChunkGrid) -> Samples:
    """Three blocks of up to 2**18 values: from the first, a middle and a late chunk, or from few chunks in smaller pieces.

    Always the same ones; the chunks of small variables are taken whole.
    """
    stored, physical = [], []
    for region in _sampled_regions(grid):
        block = values.read(name, region)
        block = block.astype(block.dtype.newbyteorder("="), copy=False)
        stored.append(block)
        physical.append(values.decoded(name, block))
    return Samples(tuple(stored), tuple(physical), -(-len(grid) // REPLAY_EVERY) / max(1, len(grid)))


def _sampled_regions(grid: ChunkGrid) -> list[tuple[slice, ...]]:
    """Where the sampled blocks lie; none in a variable without values."""
    count = len(grid)
    if not count:
        return []
    chunks = (0, count // 2, count - 1 - count // 8)
    most = _SAMPLE_VALUES if len(set(chunks)) == len(chunks) else _SAMPLE_VALUES // len(chunks)
    regions = [grid.region(grid.index(position)) for position in chunks]
    if math.prod(grid.shape) > _SAMPLE_VALUES:
        regions = [_cropped(region, most, place) for region, place in zip(regions, (1 / 6, 1 / 2, 5 / 6), strict=True)]
    distinct = dict.fromkeys(tuple((part.start, part.stop) for part in region) for region in regions)
    return [tuple(slice(*ends) for ends in region) for region in distinct]


def _cropped(region: tuple[slice, ...], most: int, place: float) -> tuple[slice, ...]:
    """The region cut along its leading axes to at most ``most`` values, at its beginning (0) to its end (1)."""
    lengths = [part.stop - part.start for part in region]
    for axis in range(len(lengths)):
        rest = math.prod(lengths[axis + 1 :])
        lengths[axis] = min(lengths[axis], max(1, most // max(1, rest)))
    room = [part.stop - part.start - length for part, length in zip(region, lengths, strict=True)]
    starts = [part.start + round(place * free) for part, free in zip(region, room, strict=True)]
    return tuple(slice(start, start + length) for start, length in zip(starts, lengths, strict=True))


def forms_of(spec: VariableSpec, profile: VariableProfile, asked: Bound, processed: bool) -> list[Form]:
    """The forms in which the promise can be kept, cheapest for readers first.

    Raises
    ------
    BoundError
        The bound makes no sense for the variable, which is named.
    """
    packing = spec.packing
    physical_dtype = packing.dtype or spec.dtype
    applied, together = applied_bound(spec, profile, asked), None
    if asked.kind in ("rmse", "psnr") and not applied.is_lossless:
        together = codec_bound(spec, profile, asked.as_rmse(profile.minimum, profile.maximum), "decoded")
    decoded = Form("decoded", physical_dtype, (), applied, together)
    if processed:
        return [decoded]
    if not packing.is_packed:
        return [Form("stored", spec.dtype, packing.missing, applied, together)]
    if not reads_within(spec, profile, applied):
        return [decoded]
    forms = [Form("stored", spec.dtype, packing.missing, Bound("lossless"))]
    if not applied.is_lossless:
        steps = packed_steps(spec, profile, applied)
        if steps >= 1:
            forms.append(Form("stored", spec.dtype, packing.missing, Bound("abs", float(steps))))
        forms.append(decoded)
    return forms


def trials_of(
    offers: tuple[CodecOffer, ...], spec: VariableSpec, profile: VariableProfile, form: Form, data: tuple[Any, ...]
) -> list[Candidate]:
    """Every applicable codec and parameter set on the blocks ``data``, fast ones first as their codecs list them.

    ``data`` are the sampled blocks, the objective, and what was tried before, which is not tried again. A lossy promise is
    also tried lossless: on data that lies on a grid, that is often smaller. A codec that raises, or
    does not keep its promise on a sample, is logged and left out.

    Raises
    ------
    PlanError
        Every applicable codec failed.
    """
    samples, objective, *known = data
    kind = np.dtype(form.dtype).kind
    seen = [(each.codec, each.parameters, each.codec_bound, each.form) for each in (known[0] if known else ())]
    found: list[Candidate] = []
    failures: list[str] = []
    bounds = [form.bound] if form.bound.is_lossless else [form.bound, Bound("lossless")]
    bounds += [] if form.together is None else [form.together]
    for bound in bounds:
        for offer in offers:
            if kind not in offer.dtype_kinds or bound.kind not in offer.bounds:
                continue
            described = evolve(spec, dtype=form.dtype)
            try:
                sets = offer.load().candidates(described, profile, bound, objective)
                sets = [each for each in sets if (offer.name, dict(each), bound, form.name) not in seen]
                found += [_try(offer, parameters, bound, (form, samples)) for parameters in sets]
            except Exception as error:  # a plugin's codec that fails is no candidate; the others still are
                failures.append(f"{offer.name}: {type(error).__name__}: {error}")
                _log.warning("variable %r: left out codec %s", spec.name, failures[-1])
    if failures and not found:
        raise PlanError(f"variable {spec.name!r}: no codec could be tried: {'; '.join(failures)}")
    return found


def tightened(
    offers: tuple[CodecOffer, ...],
    spec: VariableSpec,
    candidate: Candidate,
    form: Form,
    data: tuple[Samples, Callable[[float], Bound]],
) -> list[Candidate]:
    """The candidate with smaller shares of the allowed error, where that costs next to nothing in size and errs less.

    ``data`` are the sampled blocks, and what gives the codec's bound for a share. Where most of a chunk's bytes do not
    depend on the bound (values on a grid, long runs), less error is free.
    """
    samples, bound_for = data
    offer = next(offer for offer in offers if offer.name == candidate.codec)
    found: list[Candidate] = []
    for share in _ERROR_SHARES:
        bound = bound_for(share)
        if bound.is_lossless:
            break
        try:
            tried = _try(offer, candidate.parameters, bound, (form, samples))
        except Exception as error:  # a codec that cannot keep less is still the choice for the whole
            _log.warning("variable %r: codec %s failed at %s: %s", spec.name, offer.name, bound, error)
            break
        if tried.sample_bytes > _SHARE_SLACK * candidate.sample_bytes:
            break
        if tried.max_error < (found[-1] if found else candidate).max_error:
            found.append(evolve(tried, error_share=share))
    return found


def shared(
    offers: tuple[CodecOffer, ...],
    spec: VariableSpec,
    candidate: Candidate,
    form: Form,
    data: tuple[Samples, Callable[[float], Bound]],
) -> list[Candidate]:
    """The candidate with ever smaller shares of the allowed error, whatever they cost; ``data`` as in :func:`tightened`."""
    samples, bound_for = data
    offer = next(offer for offer in offers if offer.name == candidate.codec)
    found: list[Candidate] = []
    for share in _FIDELITY_SHARES:
        bound = bound_for(share)
        if bound.is_lossless or bound == candidate.codec_bound:
            break
        try:
            found.append(evolve(_try(offer, candidate.parameters, bound, (form, samples)), error_share=share))
        except Exception as error:  # a codec that cannot keep less is still a choice for what it keeps
            _log.warning("variable %r: codec %s failed at %s: %s", spec.name, offer.name, bound, error)
            break
    return found


def _try(offer: CodecOffer, parameters: Mapping[str, Any], bound: Bound, on: tuple[Form, Samples]) -> Candidate:
    form, samples = on
    codec = offer.load()(parameters, bound, form.missing)
    raw = encoded = 0
    max_error = seconds = 0.0
    for number, block in enumerate(samples.of(form)):
        made, decoded, encoding, decoding = _timed(codec, block)
        seconds += (1 + samples.replayed) * encoding + decoding
        stream, max_error = made.stream, max(max_error, made.max_error)
        if number == 0:
            _check_decoded(decoded, block, bound, form.missing)
        raw += block.nbytes
        encoded += len(stream)
    return Candidate(
        codec=offer.name,
        parameters=dict(parameters),
        form=form.name,
        codec_bound=bound,
        ratio=raw / max(1, encoded),
        sample_bytes=encoded,
        max_error=max_error,
        seconds=seconds,
    )


def _timed(codec: ChunkCodec, block: NDArray[Any]) -> tuple[Encoded, NDArray[Any], float, float]:
    """The block encoded, decoded again, and the seconds of each."""
    begin = time.thread_time()
    made = codec.encode(block)
    middle = time.thread_time()
    decoded = codec.decode(made.stream, block.shape, block.dtype)
    return made, decoded, middle - begin, time.thread_time() - middle


def _check_decoded(decoded: NDArray[Any], block: NDArray[Any], bound: Bound, missing: tuple[float | int, ...]) -> None:
    """Refuse a codec that does not keep its promise on the first sampled block, before a plan relies on it.

    Every chunk is checked again when it is treated; there, a broken promise ends the treatment.
    """
    if decoded.shape != block.shape or decoded.dtype != block.dtype:
        raise PlanError(f"decodes {block.shape} {block.dtype} to {decoded.shape} {decoded.dtype}")
    if bound.is_lossless:
        if decoded.tobytes() != block.tobytes():
            raise PlanError("does not give back the values, though it was asked to be lossless")
    elif block.dtype.kind in "iuf":
        found = stats.compare(block, decoded, missing=stats.mask(block, missing), bound=bound)
        if not found.keeps(bound):
            changed = (
                f"{found.over_bound} values over {bound}, a root mean square error of {found.rms_error:g}, "
                f"{found.mismatched} missing or non-finite values changed"
            )
            raise PlanError(f"does not keep its promise: {changed}")
