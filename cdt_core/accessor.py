"""``ds.cdt`` and ``da.cdt``: the main job from an xarray object."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import xarray as xr

from cdt_core.model import Bound, Plan, Profile, Treatment

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ArrayAccessor", "DatasetAccessor", "TreeAccessor"]

T = TypeVar("T")


class _Accessor(Generic[T]):
    """The stages of the main job on the object itself."""

    def __init__(self, held: T) -> None:
        self._held: Any = held

    def treat(self, output: str | os.PathLike[str], **options: Any) -> Treatment:
        """Plan, compress, check and certify into the folder ``output``; options of :func:`cdt_core.treat`."""
        from cdt_core import api

        return api.treat(self._held, output, **options)

    def plan(self, **options: Any) -> Plan:
        """How each variable would be stored; options of :func:`cdt_core.plan`."""
        from cdt_core import api

        return api.plan(self._held, **options)

    def profile(self, **options: Any) -> Profile:
        """What one pass learns of each variable; options of :func:`cdt_core.profile`."""
        from cdt_core import api

        return api.profile(self._held, **options)


@xr.register_dataset_accessor("cdt")
class DatasetAccessor(_Accessor[xr.Dataset]):
    """``ds.cdt.treat("out/", bound="rel:1e-3")``."""


@xr.register_datatree_accessor("cdt")
class TreeAccessor(_Accessor[xr.DataTree]):
    """``tree.cdt.treat("out/", bound="rel:1e-3")``."""


@xr.register_dataarray_accessor("cdt")
class ArrayAccessor(_Accessor[xr.DataArray]):
    """``da.cdt.treat("out/", bound=...)`` and ``da.cdt.compress(bound=...)``."""

    def compress(self, bound: str | Bound = "lossless", **options: Any) -> bytes:
        """The values as one stream, of which :func:`cdt_core.decompress` makes a NumPy array; options of
        :func:`cdt_core.compress`. Names, coordinates and attributes are not in it: :meth:`treat` keeps those.
        """
        from cdt_core import api

        values: np.ndarray[Any, Any] = self._held.values
        return api.compress(values, bound, **options)
