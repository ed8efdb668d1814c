"""The public functions: one per stage of the main job. All errors are :class:`~cdt_core.errors.CdtError`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import evolve

from cdt_core import __version__
from cdt_core.codecs.array import compress, decompress
from cdt_core.errors import OutputError, PlanError, ReaderError
from cdt_core.execute.executor import executor_for
from cdt_core.execute.processing import ProcessedValues, Processing
from cdt_core.hooks.manager import Catalog, catalog
from cdt_core.inspecting import Inspection, inspection_of
from cdt_core.keeping import metrics_of
from cdt_core.model import Bound, BoundRules, Plan, ProcessorUse, Profile, Treatment
from cdt_core.model.serial import from_tree
from cdt_core.planning.chunks import grids_of
from cdt_core.planning.make import check_request, make_plan
from cdt_core.planning.replay import aligned, fitted
from cdt_core.planning.request import PlanRequest
from cdt_core.policies import DEFAULT_POLICY, policy_in_force
from cdt_core.profiling import scan
from cdt_core.progress import Progress, Silent
from cdt_core.provenance.inputs import FileDigests
from cdt_core.provenance.keys import load_or_create
from cdt_core.readers.choose import open_stored
from cdt_core.readers.stored import StoredDataset, as_xarray, from_xarray
from cdt_core.rehearsing import rehearsal_of
from cdt_core.store.export import export_store
from cdt_core.store.output import PartialOutput
from cdt_core.treating import TreatRequest, treat_dataset

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray

    from cdt_core.certify.policy import Policy
    from cdt_core.verification.result import VerifyResult

    Input = (
        str
        | os.PathLike[str]
        | Sequence[str | os.PathLike[str]]
        | xr.Dataset
        | xr.DataTree
        | xr.DataArray
        | NDArray[Any]
    )
    BoundLike = str | Bound | Mapping[str, str | Bound] | BoundRules | None
    Processors = Mapping[str, Sequence[str | ProcessorUse]] | None

__all__ = ["compress", "decompress", "export", "inspect", "open", "plan", "profile", "treat", "verify"]


def open(source: Input, *, allow_partial: bool = False) -> xr.Dataset | xr.DataTree:
    """Open any supported file, folder, glob, list of files or fsspec URL as a lazy, CF-decoded xarray object.

    Parameters
    ----------
    source
        ``"x.nc"``, ``"runs/*.nc"``, ``["a.csv", "b.csv"]``, ``"s3://bucket/x.zarr"``.
    allow_partial
        Take what can be read of a damaged file, and note the rest as a finding; otherwise it is an error.

    Raises
    ------
    ReaderError
        With every candidate reader's reason.
    """
    return as_xarray(_stored(source, allow_partial=allow_partial))


def profile(
    source: Input, *, workers: int | None = None, client: Any = None, progress: Progress | None = None
) -> Profile:
    """Read every value once and summarise each variable: range, moments, missing and non-finite values, roughness, noise."""
    return _profile(ProcessedValues(_stored(source), {}), workers, client, progress or Silent())


def plan(
    source: Input,
    *,
    bound: BoundLike = None,
    objective: str = "balanced",
    max_size: int | None = None,
    max_seconds: float | None = None,
    processors: Processors = None,
    keep_metrics: bool = False,
    policy: str = DEFAULT_POLICY,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Plan:
    """How each variable would be stored, after a profiling pass and trials on sampled blocks; see :func:`treat`.

    ``policy`` has the thresholds of the metrics that are to be kept, and is not looked at otherwise.
    """
    dataset, progress = _stored(source), progress or Silent()
    rules = policy_in_force(catalog(), policy) if keep_metrics else None
    limits = _Limits(max_size, max_seconds, executor_for(workers, None).workers, rules.name if rules else None)
    request = _plan_request(catalog(), bound, objective, limits, processors)
    check_request(dataset.specs, request)
    values = ProcessedValues(dataset, _processing(_uses(dataset, request)))
    return _plan(values, _profile(values, workers, None, progress), request, workers, rules)


def treat(
    source: Input,
    output: str | os.PathLike[str],
    *,
    bound: BoundLike = None,
    plan: Plan | str | os.PathLike[str] | None = None,
    objective: str = "balanced",
    max_size: int | None = None,
    max_seconds: float | None = None,
    processors: Processors = None,
    keep_metrics: bool = False,
    workers: int | None = None,
    client: Any = None,
    key: str | os.PathLike[str] | None = None,
    policy: str = DEFAULT_POLICY,
    overwrite: bool = False,
    allow_partial: bool = False,
    progress: Progress | None = None,
) -> Treatment:
    """Plan, compress, check and certify a dataset into the folder ``output``.

    Parameters
    ----------
    source
        A path, glob, list of files, URL, xarray object or NumPy array.
    output
        The folder to make: ``data.zarr``, ``plan.json``, ``certificate.json``, ``report.html``, ``ro-crate-metadata.json``.
    bound
        One bound for all data variables (``"rel:1e-3"``, ``"abs:0.05"``, ``"pw_rel:1e-4"``, ``"psnr:60"``, ``"rmse:0.1"``,
        ``"lossless"``), or a mapping from name pattern to bound, first match wins. Default: lossless. Coordinates are always
        lossless.
    plan
        A plan (or the path of a ``plan.json``) to replay, instead of ``bound``, ``objective``, ``max_size``, ``max_seconds``,
        ``processors`` and ``keep_metrics``.
    objective
        ``"size"``, ``"balanced"``, ``"speed"``, or ``"fidelity"``: the least error that a limit allows.
    max_size
        Most bytes that the encoded chunks may take; a plan that cannot keep it is refused.
    max_seconds
        The longest that reading, encoding and checking the chunks may take, in processor seconds over the workers (what
        :mod:`cdt_core.model.plan` says of seconds), as predicted from samples; a plan that cannot keep it is refused. The
        plan then depends on measured speeds, and says so.
    processors
        Name pattern -> processors to apply before encoding; the bound then holds on the processed values.
    keep_metrics
        Store no variable in a way that loses one of its metrics on the sampled blocks: each check of the validators, those
        of plugins too, that passes under ``policy`` there must still pass once they are decoded. Less of the allowed error is
        then made where that keeps them, and else none. The findings are of all values, as always, and may still differ.
    workers, client
        Number of threads (default: all that the process may use), or a Dask ``Client`` to run on instead.
    key
        Ed25519 private key (PEM) to sign with; default: the user's own, made at first use.
    policy
        Thresholds and levels: the name of an installed policy, or the path of a ``.json`` file.
    overwrite
        Replace an earlier treatment at ``output``, once the new one is complete.
    allow_partial
        Take what can be read of a damaged file; the rest is a failed finding.
    progress
        Told of each stage (:class:`cdt_core.progress.Progress`).

    Returns
    -------
    Treatment
        The same for any number of workers, but for ``seconds``.

    Raises
    ------
    ReaderError, BoundError, PlanError, TreatmentError, OutputError
        Nothing is left behind, and an existing ``output`` is untouched.
    """
    begin, started, place = time.perf_counter(), datetime.now(UTC), PartialOutput(output, overwrite=overwrite)
    plugins, progress = catalog(), progress or Silent()
    rules, signer = policy_in_force(plugins, policy), load_or_create(None if key is None else Path(key))
    executor, dataset = executor_for(workers, client), _stored(source, allow_partial=allow_partial)
    _refuse_inside(dataset, place)
    limits = _Limits(max_size, max_seconds, executor.workers, rules.name if keep_metrics else None)
    request = _plan_request(plugins, bound, objective, limits, processors)
    if plan is None:
        check_request(dataset.specs, request)
        given, uses = None, _uses(dataset, request)
    else:
        given = aligned(_read_plan(plan, bound, max_size, max_seconds, processors, keep_metrics), dataset.specs)
        uses = {variable.name: variable.processors for variable in given.variables}
    values = ProcessedValues(dataset, _processing(uses))
    with FileDigests(dataset.files) as digests:
        found = _profile(values, workers, client, progress)
        plan = _plan(values, found, request, workers, rules) if given is None else fitted(given, dataset.specs, found)
        todo = TreatRequest(
            dataset, found, plan, plugins, executor, progress, digests, signer, rules, begin=begin, started=started
        )
        return treat_dataset(todo, place)


def verify(
    folder: str | os.PathLike[str],
    *,
    original: Input | None = None,
    public_key: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> VerifyResult:
    """Re-check a treatment: every digest, the signature, every chunk, and every bound that can be re-checked.

    Parameters
    ----------
    folder
        What :func:`treat` made.
    original
        The input; when given, every decoded value is compared with it again.
    public_key
        The PEM file of the key that must have signed; without it the key inside is used, and named.
    progress
        Told of each stage (:class:`cdt_core.progress.Progress`).

    Raises
    ------
    CertificateError
        ``folder`` is no treatment. What does not hold is in the result: ``ok``, ``first_failure``.
    """
    from cdt_core.execute.executor import ThreadExecutor
    from cdt_core.verifying import VerifyRequest, verify_treatment

    request = VerifyRequest(
        folder=Path(folder),
        catalog=catalog(),
        progress=progress or Silent(),
        executor=ThreadExecutor(),
        original=None if original is None else _stored(original),
        public_key=None if public_key is None else Path(public_key),
    )
    return verify_treatment(request)


def export(folder: str | os.PathLike[str], target: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a treatment's values as plain NetCDF-4 (``.nc``) or plain Zarr (``.zarr``), for people without cdt."""
    store = Path(folder) / "data.zarr"
    if not store.is_dir():
        raise OutputError(f"{folder}: no treatment here (it has no data.zarr)")
    export_store(store, Path(target), overwrite=overwrite)
    return Path(target)


def inspect(source: Input) -> Inspection:
    """What a file holds, without reading its values: variables, shapes, types, chunks, packing, attributes."""
    return inspection_of(_stored(source))


def _stored(source: Any, *, allow_partial: bool = False) -> StoredDataset:
    places = [source] if isinstance(source, str | os.PathLike) else source
    if isinstance(places, list | tuple) and all(isinstance(place, str | os.PathLike) for place in places):
        return open_stored(source, catalog().readers, allow_partial=allow_partial)
    if hasattr(source, "data_vars") or hasattr(source, "coords") or hasattr(source, "subtree"):
        return from_xarray(source)
    if hasattr(source, "__array__"):
        return from_xarray(_as_dataset(source))
    raise ReaderError(f"cannot open {type(source).__name__}: give paths, a URL, an xarray object or an array")


def _as_dataset(array: Any) -> xr.Dataset:
    import numpy as np
    import xarray as xr

    if hasattr(array, "to_xarray"):
        raise ReaderError(f"a {type(array).__name__} has names and types of its own; give what its to_xarray() makes")
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise ReaderError("the mask of a masked array would be lost; give array.filled(...) with NaN or a code")
    values: NDArray[np.generic] = np.asarray(array)
    return xr.Dataset({"array": (tuple(f"axis_{axis}" for axis in range(values.ndim)), values)})


def _uses(dataset: StoredDataset, request: PlanRequest) -> dict[str, tuple[ProcessorUse, ...]]:
    return {name: request.processors_for(spec) for name, spec in dataset.specs.items()}


def _processing(uses: Mapping[str, Sequence[ProcessorUse]]) -> dict[str, Processing]:
    offers = catalog()
    return {
        name: [(offers.processor(use.name).load(), use.parameters) for use in wanted]
        for name, wanted in uses.items()
        if wanted
    }


def _profile(values: ProcessedValues, workers: int | None, client: Any, progress: Progress) -> Profile:
    import numpy as np

    dataset = values.dataset
    chunk_bytes = PlanRequest(BoundRules.parse(None), ()).chunk_bytes
    grids = grids_of(dataset, chunk_bytes)
    itemsizes = {name: np.dtype(dataset.specs[name].dtype).itemsize for name in grids}
    progress.stage("profile", sum(itemsizes[name] * dataset.specs[name].size for name in grids))
    executor = executor_for(workers, client)
    return scan(values, grids, executor.map, lambda name, count: progress.advance(count * itemsizes[name]))


class _Limits(NamedTuple):
    max_size: int | None
    max_seconds: float | None
    workers: int
    metrics_policy: str | None


def _plan_request(
    plugins: Catalog, bound: BoundLike, objective: str, limits: _Limits, processors: Processors
) -> PlanRequest:
    uses = {
        pattern: tuple(use if isinstance(use, ProcessorUse) else ProcessorUse(use) for use in wanted)
        for pattern, wanted in (processors or {}).items()
    }
    return PlanRequest(
        bounds=BoundRules.parse(bound),
        codecs=plugins.codecs,
        objective=objective,
        max_size=limits.max_size,
        max_seconds=limits.max_seconds,
        workers=limits.workers,
        metrics_policy=limits.metrics_policy,
        processors=uses,
        processor_offers={offer.name: offer for offer in plugins.processors},
        engine_version=__version__,
    )


def _plan(
    values: ProcessedValues, measured: Profile, request: PlanRequest, workers: int | None, rules: Policy | None
) -> Plan:
    """The plan; ``rules`` are what metrics are judged by, where those are to be kept."""
    executor, plugins = executor_for(workers, None), catalog()
    with TemporaryDirectory(prefix="cdt-plan-") as folder:
        request = evolve(request, rehearsal=rehearsal_of(values.dataset, measured, plugins, folder))
        if rules is not None and request.metrics_policy is not None:
            request = evolve(request, metrics=metrics_of(values, measured, plugins, rules))
        return make_plan(values.dataset, measured, request, executor.map, values)


def _read_plan(plan: Plan | str | os.PathLike[str], *beside: object) -> Plan:
    """A plan, or that of a file; what is asked for ``beside`` it would not be heard."""
    if any(given is not None and given is not False for given in beside):
        raise PlanError("a plan has its own bounds, limits, metrics and processors; give the plan, or give those")
    if isinstance(plan, Plan):
        return plan
    import json

    try:
        tree = json.loads(Path(plan).read_bytes())
    except OSError as error:
        raise PlanError(f"{plan}: the plan cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise PlanError(f"{plan}: cannot be read as a plan: {error}") from error
    return from_tree(tree, Plan, str(plan), PlanError)


def _refuse_inside(dataset: StoredDataset, place: PartialOutput) -> None:
    """Refuse an output that is, holds, or lies in what is read: a folder that is the source, or a store of its files."""
    target = Path(os.path.realpath(place.target))
    files = {Path(os.path.realpath(name)) for name in dataset.files}
    for name in files:
        if target == name or target in name.parents:
            raise OutputError(f"{place.target} is, or holds, the input {name}; choose another place")
    source = Path(os.path.realpath(dataset.source)) if dataset.files else None
    for folder in target.parents:
        if folder == source or any(folder / marker in files for marker in (".zgroup", ".zarray", "zarr.json")):
            raise OutputError(f"{place.target} is inside the input {folder}; choose another place")
