"""Does a reader keep its contract: chosen for its files, right values, by block, from any thread, and no silent damage?"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.errors import CdtError
from cdt_core.hooks.descriptor import Reader
from cdt_core.hooks.source import Source
from cdt_core.model.grid import ChunkGrid
from cdt_core.testing.contract import ContractError, called, loaded, require

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from cdt_core.readers.stored import StoredDataset

__all__ = ["check_reader"]

#: How many lengths a file is cut to.
_CUTS = 16


def check_reader(
    offer: Reader,
    path: str | os.PathLike[str],
    expected: Mapping[str, ArrayLike],
    *,
    lazy: bool = True,
    truncation: bool = True,
    others: Sequence[Reader] = (),
) -> None:
    """Open a file (or folder) with a reader as the engine does, and hold it to the values that it should have.

    The reader is chosen for the file beside the core's own and ``others``; all values of ``expected`` are read exactly, whole
    and by block, from several threads, and after pickling; the file is left as it was. A file that is cut short is an error or
    gives the same values, never other ones.

    Parameters
    ----------
    offer
        The descriptor, as the plugin's hook returns it.
    path
        A small local file or folder of the format.
    expected
        Path of each variable (``"u"``, ``"group/u"``) -> the physical values that a user sees; NaN equals NaN.
    lazy
        Require that values (of all but index coordinates) are read when they are used, not when the file is opened.
    truncation
        Cut the file short; ``False`` for formats in which a part is a whole, such as lines of text.
    others
        Readers of other plugins that may claim the file.

    Raises
    ------
    ContractError
        Which promise was broken.
    """
    function = loaded(offer, Reader)
    trial = _Trial(offer, Path(path), {name: np.asarray(values) for name, values in expected.items()})
    before = _digest(trial.path)
    trial.check_chosen(others)
    if lazy:
        trial.check_lazy(function)
    stored = trial.opened(trial.path)
    trial.check_values(stored, "")
    trial.check_values(pickle.loads(called(f"{trial.where}: pickling", pickle.dumps, stored)), " after pickling")
    trial.check_blocks(stored)
    trial.check_values(trial.opened(trial.path), " when opened again")
    if truncation and trial.path.is_file():
        trial.check_cut_short()
    require(_digest(trial.path) == before, f"{trial.where}: reading changed the file")


@frozen(eq=False)
class _Trial:
    offer: Reader
    path: Path
    expected: Mapping[str, NDArray[Any]]

    @property
    def where(self) -> str:
        return f"reader {self.offer.name!r} on {self.path.name}"

    def check_chosen(self, others: Sequence[Reader]) -> None:
        """The first of all readers for this file is this one."""
        from cdt_core.readers.choose import candidates
        from cdt_core.readers.offers import READERS

        known = [*(reader for reader in READERS if reader.name != self.offer.name), *others, self.offer]
        try:
            chosen = candidates(Source(str(self.path)), known)[0]
        except CdtError as error:
            raise ContractError(f"{self.where}: neither patterns nor magic nor markers match: {error}") from error
        hint = "give it magic bytes, or a higher priority"
        require(chosen == self.offer, f"{self.where}: {chosen.name!r} is tried first; {hint}")

    def check_lazy(self, function: Any) -> None:
        """Nothing but index coordinates is in memory after opening."""
        from cdt_core.readers.flatten import flatten

        stored = flatten(called(f"{self.where}: opening", function, Source(str(self.path)), False), str(self.path))
        held = [
            name
            for name, variable in stored.variables.items()
            if variable._in_memory and variable.dims != (name.rpartition("/")[2],)
        ]
        require(not held, f"{self.where}: opening it read all of {', '.join(held)} (pass lazy=False if it has to)")

    def opened(self, path: Path) -> StoredDataset:
        """The dataset as the engine opens it with this reader alone."""
        from cdt_core.readers.choose import open_stored

        try:
            return open_stored(path, [self.offer])
        except CdtError as error:
            raise ContractError(f"{self.where}: {error}") from error

    def check_values(self, stored: StoredDataset, when: str) -> None:
        """Every expected variable is there and equal."""
        absent = ", ".join(set(self.expected) - set(stored.specs))
        require(not absent, f"{self.where}: has no variable {absent}; it has {', '.join(stored.specs)}{when}")
        for name, values in self.expected.items():
            spec = stored.specs[name]
            require(
                spec.shape == values.shape, f"{self.where}: {name!r} has shape {spec.shape}, not {values.shape}{when}"
            )
            found = _region(stored, name, tuple(slice(0, length) for length in spec.shape))
            require(_equal(found, values), f"{self.where}: {name!r} has other values than expected{when}")

    def check_blocks(self, stored: StoredDataset) -> None:
        """Blocks, read at once from four threads, are the parts of the whole."""
        for name, values in self.expected.items():
            grid = ChunkGrid(values.shape, tuple(max(1, -(-length // 3)) for length in values.shape))
            regions = [grid.region(index) for index in grid]
            with ThreadPoolExecutor(4) as threads:
                blocks = list(threads.map(lambda region, name=name: _tried(stored, name, region), regions))
            for region, block in zip(regions, blocks, strict=True):
                if isinstance(block, CdtError):
                    raise ContractError(f"{self.where}: {block}") from block
                require(
                    _equal(block, values[region]), f"{self.where}: block {region} of {name!r} is not that of the whole"
                )

    def check_cut_short(self) -> None:
        """Of a file cut to some length, nothing is read as other values."""
        from cdt_core.readers.choose import open_stored

        whole = self.path.read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder, self.path.name)
            for length in sorted({len(whole) * cut // _CUTS for cut in range(_CUTS)} | {max(0, len(whole) - 1)}):
                part.write_bytes(whole[:length])
                try:
                    stored = open_stored(part, [self.offer])
                    self.check_values(stored, f" (cut to {length} of {len(whole)} bytes, and no error)")
                except CdtError:
                    continue


def _tried(stored: StoredDataset, name: str, region: tuple[slice, ...]) -> NDArray[Any] | CdtError:
    try:
        return _region(stored, name, region)
    except CdtError as error:
        return error


def _region(stored: StoredDataset, name: str, region: tuple[slice, ...]) -> NDArray[Any]:
    """Physical values: decoded, and NaN where a floating-point value is declared missing."""
    raw = stored.read(name, region)
    values = stored.decoded(name, raw)
    mask = stored.missing_mask(name, raw)
    if mask is not None and values.dtype.kind == "f":
        values = np.where(mask, np.array(np.nan, values.dtype), values)
    return values


def _equal(found: NDArray[Any], expected: NDArray[Any]) -> bool:
    if found.dtype.kind == "f" and expected.dtype.kind in "iuf":
        return bool(np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f"))
    return bool(np.array_equal(found, expected))


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
