"""The dataset as stored: the engine's common currency. Raw numbers, attributes untouched, read by blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from cdt_core.errors import ReaderError
from cdt_core.model import Finding, VariableSpec
from cdt_core.readers.lazy import load_block
from cdt_core.readers.meaning import is_text, missing_in, unpacked

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["StoredBlock", "StoredDataset"]


@frozen(eq=False)
class StoredDataset:
    """Variables as the file holds them, before any CF decoding, so that fill values stay bit-exact and packed integers packed.

    Parameters
    ----------
    variables
        Path (``"u"``, ``"group/u"``) -> lazy variable. ``encoding`` has ``preferred_chunks`` and ``chunksizes`` where the
        source is chunked.
    specs
        Path -> layout, role and packing, in the order of the source. Text has dtype ``"object"``.
    attributes
        Group path (``""`` is the root) -> attributes.
    source
        Where it came from: path, URL or glob; empty for an object in memory.
    notes
        The reader's own findings: parts that could not be read, choices that it made.
    files
        Local files that were read.
    coordinates
        Paths of the variables that the source itself has as coordinates, beyond what attributes say. Roles are wider: bounds
        and quality flags have the role ``"coordinate"``, but are no coordinates of a field.
    """

    variables: Mapping[str, xr.Variable]
    specs: Mapping[str, VariableSpec]
    attributes: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    source: str = ""
    notes: tuple[Finding, ...] = ()
    files: tuple[str, ...] = ()
    coordinates: frozenset[str] = frozenset()

    @property
    def dims(self) -> dict[str, int]:
        """Length of each dimension; those of a group that differ from the root's are keyed by their path."""
        lengths: dict[str, int] = {}
        for name, spec in self.specs.items():
            group = name.rpartition("/")[0]
            for dim, length in zip(spec.dims, spec.shape, strict=True):
                if lengths.setdefault(dim, length) != length:
                    lengths[f"{group}/{dim}"] = length
        return lengths

    def read(self, name: str, slices: tuple[slice, ...] = ()) -> NDArray[Any]:
        """The stored values of a block, in native byte order; text as an object array of ``str`` (``None`` is missing).

        Raises
        ------
        ReaderError
            The block cannot be read; names source, variable and slices.
        """
        variable = self.variables[name]
        try:
            values = load_block(variable, slices)
            expected = tuple(
                len(range(*part.indices(length))) for part, length in zip(slices, variable.shape, strict=False)
            )
            if values.shape != (*expected, *variable.shape[len(expected) :]):
                raise ReaderError(f"the source gave values of shape {values.shape}; it may be damaged or cut off")
            if is_text(variable.dtype):
                return _as_text(values, str(variable.attrs.get("_Encoding", "utf-8")))
            return np.asarray(values, np.dtype(self.specs[name].dtype))
        except ReaderError as error:
            raise ReaderError(f"{self._where(name, slices)}: {error}") from error
        except MemoryError as error:
            raise ReaderError(f"{self._where(name, slices)}: there is not enough memory to read it") from error
        except Exception as error:  # whatever a format's library raises on damaged data
            reason = f"{type(error).__name__}: {error}"
            raise ReaderError(
                f"{self._where(name, slices)}: cannot be read, the file may be damaged: {reason}"
            ) from error

    def _where(self, name: str, slices: tuple[slice, ...]) -> str:
        region = ", ".join(f"{part.start}:{part.stop}" for part in slices)
        return f"{self.source or 'dataset in memory'}: variable {name!r}[{region}]"

    def decoded(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """Physical values of stored ``values``: bit for bit what ``xarray.decode_cf`` gives, but times stay numbers."""
        spec = self.specs[name]
        if spec.dtype == "object":
            return values
        unsigned = spec.attributes.get("_Unsigned")
        return unpacked(values, spec.packing, None if unsigned is None else str(unsigned))

    def missing_mask(self, name: str, values: NDArray[Any]) -> NDArray[np.bool_] | None:
        """True where stored ``values`` are declared missing or NaN; ``None`` when none of them is."""
        spec = self.specs[name]
        mask = None if spec.dtype == "object" else missing_in(values, spec.packing)
        return mask if mask is not None and mask.any() else None


@frozen
class StoredBlock:
    """Reads blocks of one variable with the errors of :meth:`StoredDataset.read`."""

    dataset: StoredDataset
    name: str

    def __call__(self, region: tuple[slice, ...]) -> NDArray[Any]:
        """The stored values in ``region``."""
        return self.dataset.read(self.name, region)


def _as_text(values: NDArray[Any], encoding: str) -> NDArray[Any]:
    result = np.empty(values.shape, dtype=object)
    flat = result.reshape(-1)
    for position, value in enumerate(values.reshape(-1).tolist()):
        flat[position] = _text(value, encoding)
    return result


def _text(value: Any, encoding: str) -> str | None:
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, bytes):
        try:
            return value.decode(encoding)
        except (UnicodeDecodeError, LookupError) as error:
            raise ReaderError(f"bytes {value[:20]!r} are not {encoding} text: {error}") from error
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    raise ReaderError(
        f"holds a Python {type(value).__name__} ({str(value)[:40]!r}); only numbers and text can be stored"
    )
