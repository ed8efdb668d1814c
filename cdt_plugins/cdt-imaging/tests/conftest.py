"""What the tests of the imaging plugin share: readers as discovery offers them, and blocks for the checks."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cdt_core.hooks.contracts import Block, Subject
from cdt_core.hooks.manager import catalog
from cdt_core.hooks.source import Source
from cdt_core.kernels import stats
from cdt_core.model import Bound, Packing, VariableProfile, VariableSpec
from cdt_core.model.grid import ChunkGrid
from cdt_core.model.state import state_from_json, state_to_json
from cdt_core.readers.choose import candidates

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real files that CDT_TEST_DATA names (default: ../shared/data beside the checkout)."""
    folder = Path(os.environ.get("CDT_TEST_DATA", _ROOT.parent / "shared" / "data"))
    if not (folder / "INDEX.tsv").is_file():
        pytest.skip(f"no test data in {folder}; set CDT_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def files() -> ModuleType:
    """The maker of DICOM files beside this file."""
    spec = importlib.util.spec_from_file_location("dicom_files", Path(__file__).with_name("dicom_files.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def read() -> Callable[..., Any]:
    """What the reader that is tried first for a place returns."""

    def opened(place: Any, partial: bool = False, **options: Any) -> Any:
        source = Source(str(place), **options)
        return candidates(source, catalog().readers)[0].load()(source, partial)

    return opened


@pytest.fixture(scope="session")
def chosen() -> Callable[[Any], str]:
    """The name of the reader that is tried first."""
    return lambda place: candidates(Source(str(place)), catalog().readers)[0].name


@pytest.fixture(scope="session")
def measured() -> Callable[..., dict[str, Any]]:
    """Findings of a check of one variable, by name, from blocks whose states go through JSON."""

    def run(
        kind: Any, original: np.ndarray, dims: tuple[str, ...], chunk: tuple[int, ...] | None = None, **more: Any
    ) -> dict[str, Any]:
        treated = more.get("treated", original)
        missing = np.isnan(original) if original.dtype.kind == "f" else None
        described = stats.describe(original, missing=missing)
        spec = VariableSpec(
            "image",
            dims,
            original.shape,
            more.get("dtype", original.dtype.name),
            attributes={"image_format": "NIfTI", **more.get("attributes", {})},
            packing=more.get("packing", Packing(dtype=original.dtype.name)),
        )
        profile = VariableProfile("image", described.count, minimum=described.minimum, maximum=described.maximum)
        edges = None if described.minimum is None else (float(described.minimum), float(described.maximum))
        summary = kind(spec, profile, Bound("lossless"))
        grid = ChunkGrid(original.shape, chunk or original.shape)
        states = []
        for index in grid:
            region = grid.region(index)
            part = None if missing is None or not missing[region].any() else missing[region]
            start = tuple(piece.start for piece in region)
            block = Block(spec, start, original[region], treated[region], part, edges, Bound("lossless"))
            states.append(state_from_json(state_to_json(summary.update(summary.start(), block))))
        while len(states) > 1:
            states = [summary.merge(states[0], states[1]), *states[2:]]
        return {finding.check: finding for finding in summary.finish(states[0])}

    return run


@pytest.fixture(scope="session")
def subject() -> Callable[[Any], Subject]:
    """A dataset as checks of whole datasets see it."""

    def made(dataset: Any) -> Subject:
        variables = {str(name): variable for name, variable in dataset.variables.items()}
        specs = {
            name: VariableSpec(name, tuple(map(str, v.dims)), v.shape, v.dtype.name, attributes=dict(v.attrs))
            for name, v in variables.items()
        }
        return Subject(variables, specs, {})

    return made
