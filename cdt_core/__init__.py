"""cdt treats a scientific dataset once, so that it is smaller, certified and shareable.

>>> import cdt_core as cdt
>>> out = cdt.treat("eraint_uvz.nc", "era/", bound="rel:1e-3")  # doctest: +SKIP
>>> out.ratio, out.certificate.level  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdt_core.arrival import register_accessor as _register_accessor

if TYPE_CHECKING:
    from cdt_core.api import compress, decompress, export, inspect, open, plan, profile, treat, verify
    from cdt_core.errors import CdtError
    from cdt_core.model import Bound, Certificate, Finding, Plan, ProcessorUse, Treatment

__version__ = "0.1.0"

__all__ = [
    "Bound",
    "CdtError",
    "Certificate",
    "Finding",
    "Plan",
    "ProcessorUse",
    "Treatment",
    "__version__",
    "compress",
    "decompress",
    "export",
    "inspect",
    "open",
    "plan",
    "profile",
    "treat",
    "verify",
]

_HOMES = {
    "Bound": "cdt_core.model",
    "CdtError": "cdt_core.errors",
    "Certificate": "cdt_core.model",
    "Finding": "cdt_core.model",
    "Plan": "cdt_core.model",
    "ProcessorUse": "cdt_core.model",
    "Treatment": "cdt_core.model",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that ``import cdt_core`` stays instant."""
    if name not in __all__:
        raise AttributeError(f"module 'cdt_core' has no attribute {name!r}")
    import importlib

    home = importlib.import_module(_HOMES.get(name, "cdt_core.api"))
    value = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


_register_accessor()
