"""The door to TenSEAL: imported when something is encrypted, and its absence named."""

from __future__ import annotations

import importlib
from typing import Any

from cdt_core.errors import PrivacyError

__all__ = ["tenseal"]


def tenseal() -> Any:
    """The library.

    Raises
    ------
    PrivacyError
        It is not installed: nothing is sent, and nothing takes the place of encryption.
    """
    try:
        importlib.import_module("tenseal.sealapi")  # the types with which TenSEAL states its moduli
        return importlib.import_module("tenseal")
    except ImportError as error:
        raise PrivacyError("encrypted sums need TenSEAL; install it: pip install 'cdt-privacy[ckks]'") from error
