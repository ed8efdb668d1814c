"""How long a treatment takes beside encoding and decoding: sampled regions are treated, and the codec's time taken off."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from attrs import evolve

from cdt_core.execute.chunk import ChunkWorker
from cdt_core.hooks.manager import Catalog
from cdt_core.model import Profile, VariablePlan
from cdt_core.planning.request import Rehearsal
from cdt_core.planning.trial import forms_of
from cdt_core.readers.stored import StoredDataset
from cdt_core.treating import job_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdt_core.hooks.contracts import ChunkCodec, Encoded

__all__ = ["rehearsal_of"]

_Made = TypeVar("_Made")

#: What is written between two rehearsals, so that a core's own caches hold nothing of the first.
_CACHE_BYTES = 1 << 21


def rehearsal_of(dataset: StoredDataset, profile: Profile, catalog: Catalog, folder: str) -> Rehearsal:
    """What treats a region of a variable some times in a row, as a chunk of its own, and says what each time took.

    A plan without a codec gets the first that holds its numbers. Files are left in new folders under ``folder``.
    """
    places = itertools.count()

    def rehearse(plan: VariablePlan, region: tuple[slice, ...], times: int) -> list[float]:
        spec, known = dataset.specs[plan.name], profile[plan.name]
        part = tuple(cut.stop - cut.start for cut in region)
        plan = evolve(plan if plan.codec else _with_codec(plan, dataset, profile, catalog), chunk_shape=part)
        job = job_of(catalog, spec, known, plan)
        watched = _Watched(job.codec), _Watched(job.lossless_codec)
        job.__dict__.update(codec=watched[0], lossless_codec=watched[1])
        root = os.path.join(folder, str(next(places)))
        os.mkdir(root)
        worker = ChunkWorker(dataset, root, {}, digest_input=not dataset.files)
        taken = []
        for _ in range(times):
            _cool_down()
            begin = time.thread_time() - sum(codec.seconds for codec in watched)
            worker.rehearse(job, region)
            taken.append(time.thread_time() - begin - sum(codec.seconds for codec in watched))
        return taken

    return rehearse


def _with_codec(plan: VariablePlan, dataset: StoredDataset, profile: Profile, catalog: Catalog) -> VariablePlan:
    """The plan with the first codec that keeps its promise: lossless, or in the last form but physical values."""
    spec, known = dataset.specs[plan.name], profile[plan.name]
    forms = forms_of(spec, known, plan.bound, bool(plan.processors))
    is_exact = plan.codec_bound.is_lossless
    form = forms[0] if is_exact else next((form for form in forms if not form.bound.is_lossless), forms[-1])
    bound = plan.codec_bound if is_exact else form.bound
    offers = [
        offer
        for offer in catalog.codecs
        if np.dtype(form.dtype).kind in offer.dtype_kinds and bound.kind in offer.bounds
    ]
    for offer in offers:
        for parameters in offer.load().candidates(evolve(spec, dtype=form.dtype), known, bound, "speed"):
            return evolve(
                plan, codec=offer.name, parameters=dict(parameters), dtype=form.dtype, form=form.name, codec_bound=bound
            )
    return evolve(plan, codec="zstd")


def _cool_down() -> None:
    """Let something else have the processor's caches, as between two chunks of a treatment."""
    np.ones(_CACHE_BYTES, np.uint8).sum()


class _Watched:
    """A codec, and the seconds of this thread that encoding and decoding take when the caches hold what they need.

    Small blocks are coded twice, as trials do; what only the first time takes is left to the chunk. The second time is
    taken off in whole.
    """

    def __init__(self, codec: ChunkCodec) -> None:
        self.codec, self.seconds = codec, 0.0

    def encode(self, values: NDArray[Any]) -> Encoded:
        """As the codec does."""
        return self._timed(values.nbytes, lambda: self.codec.encode(values))

    def decode(self, stream: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """As the codec does."""
        return self._timed(math.prod(shape) * dtype.itemsize, lambda: self.codec.decode(stream, shape, dtype))

    def _timed(self, size: int, call: Callable[[], _Made]) -> _Made:
        begin = time.thread_time()
        made = call()
        first = time.thread_time() - begin
        if size <= _CACHE_BYTES:
            call()
            again = time.thread_time() - begin - first
            first = 2 * again
        self.seconds += first
        return made
