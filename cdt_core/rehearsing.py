"""How long a treatment takes beside encoding and decoding: its other steps, done on sampled regions."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable

from attrs import evolve

from cdt_core.execute.chunk import ChunkWorker
from cdt_core.hooks.manager import Catalog
from cdt_core.model import Profile, VariablePlan
from cdt_core.readers.stored import StoredDataset
from cdt_core.treating import job_of

__all__ = ["rehearsal_of"]


def rehearsal_of(
    dataset: StoredDataset, profile: Profile, catalog: Catalog, folder: str
) -> Callable[[VariablePlan, tuple[slice, ...]], None]:
    """What reads, checks and summarises a region as a treatment does, by a plan whose codec may not be chosen yet.

    Empty files are left in new folders under ``folder``, since making those is a part of the time.
    """
    places = itertools.count()

    def rehearse(plan: VariablePlan, region: tuple[slice, ...]) -> None:
        plan = plan if plan.codec else evolve(plan, codec="zstd")
        worker = ChunkWorker(dataset, os.path.join(folder, str(next(places))), {})
        worker.rehearse(job_of(catalog, dataset.specs[plan.name], profile[plan.name], plan), region)

    return rehearse
