"""One chunk, from reading to its summaries, in one task while the block is in cache."""

from __future__ import annotations

import hashlib
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import define, evolve, frozen

from cdt_core.errors import CdtError, OutputError, TreatmentError
from cdt_core.execute.job import ChunkRecord, VariableJob
from cdt_core.execute.processing import processed
from cdt_core.hooks.contracts import Block, Encoded
from cdt_core.kernels import stats
from cdt_core.kernels.parts import parts_of, parts_of_mask
from cdt_core.model import Bound
from cdt_core.model.grid import REPLAY_EVERY
from cdt_core.readers.stored import StoredDataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ChunkWorker", "block_of"]


@frozen(eq=False)
class _Attempt:
    """A block encoded and decoded again, with the comparison of physical values.

    ``kept_bound`` is what the codec was asked for. ``distance`` is the largest error of whole complex numbers, of which
    ``block`` has the two parts; else 0.
    """

    encoded: Encoded
    block: Block
    kept_bound: Bound
    distance: float

    @property
    def kept(self) -> bool:
        """True when the values keep the promise and no missing or non-finite value moved."""
        bound = self.block.bound
        is_near = bound is None or bound.kind != "abs" or self.distance <= bound.value
        return is_near and self.block.comparison.keeps(bound)

    @property
    def max_error(self) -> float:
        """The largest error in the terms of the bound."""
        bound, found = self.block.bound, self.block.comparison
        is_relative = bound is not None and bound.kind == "pw_rel"
        return found.max_relative_error if is_relative else max(found.max_error, self.distance)


@define(slots=False, eq=False)
class ChunkWorker:
    """Treats the chunk ``(name, position)`` and writes it under ``root`` (the path of ``data.zarr``).

    With ``digest_input`` the stored values are hashed as they are read (SHA-256), for inputs that are not local files.
    """

    dataset: StoredDataset
    root: str
    jobs: dict[str, VariableJob]
    digest_input: bool = False

    def __call__(self, item: tuple[str, int]) -> ChunkRecord:
        """Treat one chunk; every error names the variable and the chunk."""
        name, position = item
        job = self.jobs[name]
        try:
            return self._treat(job, position)
        except TreatmentError:
            raise
        except CdtError as error:
            index = job.grid.index(position)
            raise type(error)(f"variable {name!r}, chunk {index}: {error}") from error
        except Exception as error:
            index = job.grid.index(position)
            raise TreatmentError(f"variable {name!r}, chunk {index}: {type(error).__name__}: {error}") from error

    def _treat(self, job: VariableJob, position: int) -> ChunkRecord:
        begin = time.thread_time()
        index = job.grid.index(position)
        key = "/".join(("c", *map(str, index)))
        record = self._record(job, (position, job.grid.region(index), key), position % REPLAY_EVERY == 0)
        return evolve(record, seconds=time.thread_time() - begin)

    def rehearse(self, job: VariableJob, region: tuple[slice, ...]) -> None:
        """Treat ``region`` as a chunk of its own, so that a plan can tell how long that takes.

        The chunk's file is left under ``root``.
        """
        self._record(job, (0, region, "c/0"), replay=False)

    def _record(self, job: VariableJob, chunk: tuple[int, tuple[slice, ...], str], replay: bool) -> ChunkRecord:
        """All of a chunk's treatment: its position, its region, and where its file goes are given."""
        position, region, key = chunk
        stored = self.dataset.read(job.spec.name, region)
        stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
        start = tuple(part.start for part in region)
        values, physical, missing = self._prepare(job, stored, start)
        attempt, fallback = _encode(self.dataset, job, values, (start, physical, missing))
        _write(Path(self.root, job.spec.name, key), attempt.encoded.stream)
        replayed = None
        if replay:
            replayed = job.codec_for(attempt.kept_bound).encode(_padded(values, job)).stream == attempt.encoded.stream
        states, errors = _summarise(job, attempt.block)
        return ChunkRecord(
            name=job.spec.name,
            position=position,
            raw_bytes=stored.nbytes,
            stored_bytes=len(attempt.encoded.stream),
            digests={f"{job.spec.name}/{key}": hashlib.sha256(attempt.encoded.stream).hexdigest()},
            input_digest=hashlib.sha256(np.ascontiguousarray(stored).reshape(-1).view(np.uint8).data).hexdigest()
            if self.digest_input
            else "",
            max_error=attempt.max_error,
            exact_values=attempt.encoded.exact_values,
            fallback=fallback,
            replayed=replayed,
            states=states,
            errors=errors,
        )

    def _prepare(
        self, job: VariableJob, stored: NDArray[Any], start: tuple[int, ...]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_] | None]:
        name = job.spec.name
        missing = self.dataset.missing_mask(name, stored)
        if job.plan.form == "stored" and not job.plan.processors:
            return stored, self.dataset.decoded(name, stored), missing
        values = self.dataset.decoded(name, stored)
        values = processed(values, job.spec, start, job.processor_functions)
        if job.plan.processors and values.dtype.kind == "f":
            missing = np.isnan(values)
        return values, values, missing


def _padded(values: NDArray[Any], job: VariableJob) -> NDArray[Any]:
    """The block at the full chunk shape, as Zarr stores chunks at the edge; the padding repeats the last values."""
    short = [(0, chunk - length) for chunk, length in zip(job.plan.chunk_shape, values.shape, strict=True)]
    return np.pad(values, short, mode="edge") if any(after for _, after in short) else values


def _encode(
    dataset: StoredDataset,
    job: VariableJob,
    values: NDArray[Any],
    physical: tuple[tuple[int, ...], NDArray[Any], NDArray[np.bool_] | None],
) -> tuple[_Attempt, bool]:
    """The smallest encoding that keeps the promise, and whether the planned one did not."""
    planned = job.plan.codec_bound
    lossless_plan = planned.is_lossless
    attempt = _attempt(dataset, job, values, physical, planned)
    if not attempt.kept and planned.kind == "rmse" and (share := _share_of_chunk(job, attempt.block)):
        attempt = _attempt(dataset, job, values, physical, Bound("rmse", share * planned.value))
    if attempt.kept:
        if not lossless_plan and 2 * len(attempt.encoded.stream) > values.nbytes:
            exact = _attempt(dataset, job, values, physical, Bound("lossless"))
            if exact.kept and len(exact.encoded.stream) <= len(attempt.encoded.stream):
                return exact, False
        return attempt, False
    if not lossless_plan:
        exact = _attempt(dataset, job, values, physical, Bound("lossless"))
        if exact.kept:
            return exact, True
    comparison = attempt.block.comparison
    raise TreatmentError(
        f"variable {job.spec.name!r}, block at {physical[0]}: codec {job.plan.codec!r} gave {comparison.over_bound} values "
        f"over the bound and {comparison.mismatched} changed missing or non-finite values, even without loss"
    )


def _share_of_chunk(job: VariableJob, block: Block) -> float:
    """The root of the share of a chunk that the block's values are: what its root mean square error must be multiplied by,
    so that theirs is no larger than it was, wherever the errors are. 0 where they are all of it.
    """
    whole = math.prod(job.plan.chunk_shape)
    return math.sqrt(block.comparison.finite / whole) if block.comparison.finite < whole else 0.0


def _attempt(
    dataset: StoredDataset,
    job: VariableJob,
    values: NDArray[Any],
    physical: tuple[tuple[int, ...], NDArray[Any], NDArray[np.bool_] | None],
    bound: Bound,
) -> _Attempt:
    codec = job.codec_for(bound)
    padded = _padded(values, job)
    encoded = codec.encode(padded)
    decoded = codec.decode(encoded.stream, padded.shape, padded.dtype)
    decoded = decoded[tuple(slice(0, length) for length in values.shape)]
    start, original, missing = physical
    if _same_bits(values, decoded):
        treated = original
    elif bound.is_lossless:
        raise TreatmentError(
            f"variable {job.spec.name!r}, block at {start}: codec {job.plan.codec!r} changed values, though asked not to"
        )
    else:
        treated = decoded if job.plan.form == "decoded" else dataset.decoded(job.spec.name, decoded)
    is_complex = original.dtype.kind == "c" and treated is not original
    distance = stats.largest_distance(original, treated) if is_complex else 0.0
    return _Attempt(encoded, block_of(job, start, original, treated, missing), bound, distance)


def block_of(
    job: VariableJob,
    start: tuple[int, ...],
    original: NDArray[Any],
    treated: NDArray[Any],
    missing: NDArray[np.bool_] | None,
) -> Block:
    """The block as validators see it: complex values as their two parts along a last axis."""
    bound = job.plan.applied
    if original.dtype.kind != "c":
        return Block(job.physical_spec, start, original, treated, missing, job.edges, bound)
    parts = parts_of(original)
    others = parts if treated is original else parts_of(treated)
    return Block(job.physical_spec, (*start, 0), parts, others, parts_of_mask(missing), job.edges, bound)


def _same_bits(values: NDArray[Any], decoded: NDArray[Any]) -> bool:
    if values.dtype != decoded.dtype:
        return False
    left, right = (np.ascontiguousarray(side).reshape(-1).view(np.uint8) for side in (values, decoded))
    head = 1 << 16  # what a bound has changed shows at once
    if not np.array_equal(left[:head], right[:head]):
        return False
    words = np.uint64 if left.size % 8 == 0 else np.uint8
    return bool(np.array_equal(left.view(words), right.view(words)))


def _summarise(job: VariableJob, block: Block) -> tuple[dict[str, Any], dict[str, str]]:
    states: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for validator, summary in job.summaries:
        try:
            if isinstance(summary, Exception):
                raise summary
            states[validator.name] = summary.update(summary.start(), block)
        except Exception as error:  # a validator's failure is a finding, never the end of a treatment
            errors[validator.name] = f"{type(error).__name__}: {error}"
    return states, errors


def _write(path: Path, stream: bytes) -> None:
    try:
        try:
            path.write_bytes(stream)
        except FileNotFoundError:  # the folder's first chunk
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stream)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
