"""Processors applied to blocks of values, before they are profiled and before they are encoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.errors import CdtError, TreatmentError
from cdt_core.model import VariableSpec
from cdt_core.readers.stored import StoredDataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ProcessedValues", "Processing", "processed"]

#: Processors in the order of their use, imported, each with its parameters.
Processing = Sequence[tuple[Callable[..., Any], Mapping[str, Any]]]


def processed(values: NDArray[Any], spec: VariableSpec, start: tuple[int, ...], processing: Processing) -> NDArray[Any]:
    """The block ``values`` at ``start`` after all of ``processing``; shape and dtype are as they were.

    Raises
    ------
    TreatmentError
        A processor failed, or changed shape or dtype; names variable and block.
    """
    for function, parameters in processing:
        where = f"variable {spec.name!r}, block at {start}: a processor"
        try:
            found = np.asarray(function(values, spec, start, **parameters))
        except CdtError:
            raise
        except Exception as error:  # whatever a plugin's function raises
            raise TreatmentError(f"{where} failed: {type(error).__name__}: {error}") from error
        if found.shape != values.shape or found.dtype != values.dtype:
            raise TreatmentError(
                f"{where} changed shape or dtype from {values.shape} {values.dtype} to {found.shape} {found.dtype}; "
                "processors must keep both"
            )
        values = found
    return values


@frozen(eq=False)
class ProcessedValues:
    """A dataset for the profiling pass, with the variables in ``processing`` as they are once processed.

    A bound relative to the range is one of the values that are promised, not of the sentinels that a processor takes away.
    """

    dataset: StoredDataset
    processing: Mapping[str, Processing]

    @property
    def specs(self) -> Mapping[str, VariableSpec]:
        """What is known of each variable, in order."""
        return self.dataset.specs

    def read(self, name: str, region: tuple[slice, ...]) -> NDArray[Any]:
        """Stored values of a region; physical and processed ones of a processed variable."""
        stored = self.dataset.read(name, region)
        if name not in self.processing:
            return stored
        values = self.dataset.decoded(name, stored.astype(stored.dtype.newbyteorder("="), copy=False))
        return processed(values, self.specs[name], tuple(part.start for part in region), self.processing[name])

    def decoded(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """Physical values of what :meth:`read` gave."""
        return values if name in self.processing else self.dataset.decoded(name, values)

    def missing_mask(self, name: str, values: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Where what :meth:`read` gave stands for no value."""
        if name in self.processing and values.dtype.kind == "f":
            missing: NDArray[np.bool_] = np.isnan(values)
            return missing
        return self.dataset.missing_mask(name, values)
