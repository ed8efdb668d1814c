"""Treat all chunks of all variables, in one ordered stream over the executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cdt_core.execute.chunk import ChunkWorker
from cdt_core.execute.executor import Executor
from cdt_core.execute.fold import VariableFold, VariableResult
from cdt_core.execute.journal import Journal

__all__ = ["run"]


def run(
    worker: ChunkWorker,
    executor: Executor,
    journal: Journal,
    progress: Callable[[str, int], None] = lambda name, raw_bytes: None,
) -> dict[str, VariableResult]:
    """Treat every chunk that the journal does not have, and return every variable's result.

    Chunks of different variables overlap, so that many small variables keep all workers busy; records are folded in the
    order of variables and chunks, so that the results are the same for any executor.

    Raises
    ------
    TreatmentError, ReaderError
        Of the first chunk that failed, naming variable and chunk; what was finished stays in the journal.
    """
    folds: dict[str, VariableFold] = {}
    for name, job in worker.jobs.items():
        if name not in journal.finished:
            folds[name] = VariableFold(job)
            journal.resume(folds[name])
            progress(name, folds[name].totals["raw_bytes"])
        else:
            progress(name, journal.finished[name].outcome.raw_bytes)
    for name in [name for name, fold in folds.items() if not len(fold.job.grid)]:
        journal.finish(folds.pop(name).finish())

    def items() -> Iterator[tuple[str, int]]:
        for name, fold in list(folds.items()):
            yield from ((name, position) for position in range(fold.next_position, len(fold.job.grid)))

    for name in [name for name, fold in folds.items() if fold.next_position == len(fold.job.grid)]:
        journal.finish(folds.pop(name).finish())
    for record in executor.map(worker, items()):
        fold = folds[record.name]
        fold.add(record)
        progress(record.name, record.raw_bytes)
        if fold.next_position == len(fold.job.grid):
            journal.finish(folds.pop(record.name).finish())
        else:
            journal.checkpoint(fold)
    return {name: journal.finished[name] for name in worker.jobs}
