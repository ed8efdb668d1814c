"""Try a codec's parameters on sampled blocks of a variable, and measure."""

from __future__ import annotations

import logging
import math
import statistics
import time
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from attrs import evolve, field, frozen

from cdt_core.errors import PlanError
from cdt_core.hooks.descriptor import CodecOffer
from cdt_core.kernels import stats
from cdt_core.model import Bound, Candidate, VariableProfile, VariableSpec
from cdt_core.model.grid import REPLAY_EVERY, ChunkGrid
from cdt_core.planning.likeness import SMALL_VALUES
from cdt_core.planning.promise import applied_bound, codec_bound, packed_steps, reads_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.hooks.contracts import ChunkCodec, Encoded

__all__ = [
    "Form",
    "SampledValues",
    "Samples",
    "cropped",
    "forms_of",
    "sample",
    "sampled_regions",
    "sampled_values",
    "shared",
    "slow_values",
    "tried",
]

#: A codec's name, and what makes one for parameters, a bound and missing codes.
_Codec = tuple[str, Callable[..., Any]]

_log = logging.getLogger("cdt.plugins")

#: Values that are sampled of a variable, at most and at least where it has more, and of all variables, as a number or a share.
_MOST_VALUES, _LEAST_VALUES = 3 << 18, 1 << 12
_TOTAL_VALUES, _TOTAL_SHARE = 1 << 21, 128
#: The same for settings that take microseconds for a value.
_SLOW_VALUES, _SLOW_SHARE = 1 << 17, 2048
#: Below this many values, they are of one place, since each call and each read takes a time of its own.
_SCATTERED_VALUES = 1 << 15
#: Values of a chunk that is read whole where its sampled blocks alone would be enough.
_READ_VALUES = 1 << 21
#: Shares of the allowed error that are tried after the whole of it; the first ones where less error is taken if it is free,
#: and how much larger a chunk may get for it.
_ERROR_SHARES = (0.5, 0.25, 0.125, 0.0625, 0.03125)
_FREE_SHARES, _SHARE_SLACK = _ERROR_SHARES[:3], 1.02


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
    """Blocks as stored and as physical values, and where they begin, in one order, of a variable of so many chunks of so
    many values each.

    What is encoded of a part of the blocks counts ``scale`` times, as if it were of all. What a call takes, or
    decoding blocks of few values, is not measured where it is ``known``, and else kept in ``timed``.
    """

    stored: tuple[NDArray[Any], ...]
    physical: tuple[NDArray[Any], ...]
    starts: tuple[tuple[int, ...], ...]
    chunks: int
    chunk_values: int
    scale: float = 1.0
    known: Mapping[Hashable, float] = field(factory=dict)
    timed: dict[Hashable, float] = field(factory=dict)

    @property
    def replayed(self) -> float:
        """The share of chunks that are encoded a second time."""
        return -(-self.chunks // REPLAY_EVERY) / max(1, self.chunks)

    @property
    def size(self) -> int:
        """Values in all blocks."""
        return sum(block.size for block in self.stored)

    @property
    def growth(self) -> float:
        """How many values are encoded for each sampled one; chunks at the edge are filled up."""
        return self.chunks * self.chunk_values / max(1, self.size)

    @property
    def are_parts(self) -> bool:
        """Whether the blocks are smaller than chunks, so that there are fewer calls for as many values."""
        return any(block.size < self.chunk_values for block in self.stored) and self.growth > 1

    def part(self, most: int) -> Samples:
        """At most so many values from the middle of the middle block; all blocks where they hold no more."""
        if self.size <= most:
            return self
        at = len(self.stored) // 2
        cut = cropped(tuple(slice(0, length) for length in self.stored[at].shape), most, 1 / 2)
        start = tuple(begin + axis.start for begin, axis in zip(self.starts[at], cut, strict=True))
        stored, physical = (np.ascontiguousarray(blocks[at][cut]) for blocks in (self.stored, self.physical))
        return evolve(self, stored=(stored,), physical=(physical,), starts=(start,))

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


def sampled_values(sizes: Sequence[int]) -> int:
    """How many values of a variable are sampled at most, so that those of all variables of these sizes stay few."""
    left, most = max(_TOTAL_VALUES, sum(sizes) // _TOTAL_SHARE), _MOST_VALUES
    for others, size in zip(range(len(sizes), 0, -1), sorted(sizes), strict=True):
        if size > left // others:
            most = left // others
            break
        left -= size
    return min(_MOST_VALUES, max(_LEAST_VALUES, most))


def slow_values(sizes: Sequence[int]) -> int:
    """How many values of a variable slow settings are tried on at most, so that those of all of these sizes stay few."""
    large = [size for size in sizes if size >= _LEAST_VALUES]
    total = max(_SLOW_VALUES, sum(sizes) // _SLOW_SHARE)
    return max(_LEAST_VALUES, total // max(1, len(large)))


def sample(values: SampledValues, name: str, grid: ChunkGrid, most: int = _MOST_VALUES) -> Samples:
    """Blocks of up to ``most`` values together: from the first, a middle and a late chunk, in pieces where those have more
    values, or from the middle one alone where few are wanted.

    Always the same ones; the chunks of small variables are taken whole.
    """
    stored, physical, starts = [], [], []
    for region, block in _blocks(values, name, grid, most):
        starts.append(tuple(part.start for part in region))
        stored.append(np.ascontiguousarray(block, block.dtype.newbyteorder("=")).reshape(block.shape))
        physical.append(values.decoded(name, stored[-1]))
    return Samples(tuple(stored), tuple(physical), tuple(starts), len(grid), math.prod(grid.chunk_shape))


def _blocks(
    values: SampledValues, name: str, grid: ChunkGrid, most: int
) -> Iterator[tuple[tuple[slice, ...], NDArray[Any]]]:
    """The sampled regions and their blocks; those of one chunk by one read, since a read may take longer than all else."""
    regions = sampled_regions(grid, most)
    if len(grid) != 1 or len(regions) < 2 or math.prod(grid.shape) > _READ_VALUES:
        yield from ((region, values.read(name, region)) for region in regions)
        return
    chunk = values.read(name, grid.region(grid.index(0)))
    yield from ((region, chunk[region]) for region in regions)


def sampled_regions(grid: ChunkGrid, most: int) -> list[tuple[slice, ...]]:
    """Where the sampled blocks lie; none in a variable without values."""
    count = len(grid)
    if not count:
        return []
    regions = [grid.region(grid.index(position)) for position in (0, count // 2, count - 1 - count // 8)]
    if math.prod(grid.shape) > most and most < _SCATTERED_VALUES:
        return [cropped(regions[1], most, 1 / 2)]
    if math.prod(grid.shape) > most:
        regions = [
            cropped(region, most // 3, place) for region, place in zip(regions, (1 / 6, 1 / 2, 5 / 6), strict=True)
        ]
    distinct = dict.fromkeys(tuple((part.start, part.stop) for part in region) for region in regions)
    return [tuple(slice(*ends) for ends in region) for region in distinct]


def cropped(region: tuple[slice, ...], most: int, place: float = 0.0) -> tuple[slice, ...]:
    """A part of at most ``most`` values (or one) at the region's beginning (0) to its end (1), with the longest axes cut to one
    length: what looks at neighbours needs all axes.
    """
    whole = [part.stop - part.start for part in region]
    sides = range(1, max(whole, default=1) + 1)
    fitting = bisect_right(sides, most, key=lambda side: math.prod(min(length, side) for length in whole))
    lengths = [min(length, max(1, fitting)) for length in whole]
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


def shared(
    offers: tuple[CodecOffer, ...],
    spec: VariableSpec,
    candidate: Candidate,
    form: Form,
    data: tuple[Samples, Callable[[float], Bound]],
    only_free: bool = False,
) -> list[Candidate]:
    """The candidate with ever smaller shares of the allowed error.

    ``data`` are the sampled blocks, and what gives the codec's bound for a share. With ``only_free``, as long as that costs
    next to nothing in size, and those only that err less: where most of a chunk's bytes do not depend on the bound (values
    on a grid, long runs), less error is free. Else whatever they cost.
    """
    samples, bound_for = data
    offer = next(offer for offer in offers if offer.name == candidate.codec)
    most = _SHARE_SLACK * candidate.sample_bytes if only_free else math.inf
    found: list[Candidate] = []
    for share in _FREE_SHARES if only_free else _ERROR_SHARES:
        bound = bound_for(share)
        if bound.is_lossless or bound == candidate.codec_bound:
            break
        try:
            tighter = tried((offer.name, offer.load()), candidate.parameters, bound, (form, samples), most)
        except Exception as error:  # a codec that cannot keep less is still a choice for what it keeps
            _log.warning("variable %r: codec %s failed at %s: %s", spec.name, offer.name, bound, error)
            break
        if tighter is None:
            break
        if not only_free or tighter.max_error < (found[-1] if found else candidate).max_error:
            found.append(evolve(tighter, error_share=share))
    return found


def tried(
    codec_of: _Codec,
    parameters: Mapping[str, Any],
    bound: Bound,
    on: tuple[Form, Samples],
    most_bytes: float = math.inf,
) -> Candidate | None:
    """What comes of one setting, ``None`` where that takes more bytes; its seconds are of encoding and decoding all chunks."""
    form, samples = on
    name, make = codec_of
    codec, blocks = make(parameters, bound, form.missing), samples.of(form)
    coded = [_encoded(codec, block) for block in blocks]  # none of a variable without values
    made, seconds = [each for each, _ in coded], [spent for _, spent in coded]
    encoded = sum(len(each.stream) for each in made)
    if encoded * samples.scale > most_bytes:
        return None
    key, call = (name, tuple(parameters.items()), bound.kind, form.name), 0.0
    if samples.are_parts:
        call = samples.known.get((key, 1)) or _of_a_call(codec, blocks[0], samples.replayed)
        samples.timed[key, 1] = call
    known = None if samples.growth * samples.size > SMALL_VALUES else samples.known.get(key)
    if known is None:
        found = [_decoded(codec, each.stream, block) for each, block in zip(made, blocks, strict=True)]
        for (decoded, _), block in zip(found[:1], blocks, strict=False):
            _check_decoded(decoded, block, bound, form.missing)
        reading = [taken for _, taken in found]
        samples.timed[key] = sum(reading)
    else:
        reading = [known / max(1, len(blocks))] * len(blocks)
    taken = [(1 + samples.replayed) * first + second for first, second in zip(seconds, reading, strict=True)]
    return Candidate(
        codec=name,
        parameters=dict(parameters),
        form=form.name,
        codec_bound=bound,
        ratio=sum(block.nbytes for block in blocks) / max(1, encoded),
        sample_bytes=round(encoded * samples.scale),
        max_error=max((0.0, *(each.max_error for each in made))),
        seconds=_of_all_chunks(call, samples, taken),
    )


def _of_all_chunks(call: float, samples: Samples, seconds: list[float]) -> float:
    """The seconds of all chunks from those of the blocks, where each call takes ``call`` however short its block."""
    if not samples.are_parts:
        return sum(seconds) * samples.growth
    middle = statistics.median(seconds)
    call = min(middle, call)
    return (middle - call) * len(seconds) * samples.growth + call * samples.chunks


def _of_a_call(codec: ChunkCodec, block: NDArray[Any], replayed: float) -> float:
    """Seconds of encoding and decoding one value, once the codec has what it makes at its first call."""
    short = block[(slice(0, 1),) * block.ndim]
    for _ in range(2):
        made, first = _encoded(codec, short)
        second = _decoded(codec, made.stream, short)[1]
    return (1 + replayed) * first + second


def _encoded(codec: ChunkCodec, block: NDArray[Any]) -> tuple[Encoded, float]:
    """The block encoded, and the seconds that this takes."""
    begin = time.thread_time()
    made = codec.encode(block)
    return made, time.thread_time() - begin


def _decoded(codec: ChunkCodec, stream: bytes, block: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """What the stream of a block holds, and the seconds that decoding it takes."""
    begin = time.thread_time()
    decoded = codec.decode(stream, block.shape, block.dtype)
    return decoded, time.thread_time() - begin


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
