"""Have ``ds.cdt`` ready whichever of xarray and cdt is imported first, without importing xarray."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["register_accessor"]

_LIBRARY = "xarray"


class _Loader:
    """xarray's own loader; once the module is there, the accessor is registered."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        importlib.import_module("cdt_core.accessor")


class _Finder:
    """Stands in ``sys.meta_path`` until xarray is first imported, and then leaves."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != _LIBRARY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec


def register_accessor() -> None:
    """Register ``ds.cdt`` and ``da.cdt`` now when xarray is imported already, and else as soon as it is."""
    if _LIBRARY in sys.modules:
        importlib.import_module("cdt_core.accessor")
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
