"""The door to dp-accounting: imported when something is accounted, and its absence named."""

from __future__ import annotations

import importlib
from typing import Any

from cdt_core.errors import PrivacyError

__all__ = ["dp_accounting"]


def dp_accounting(module: str = "") -> Any:
    """The library, or one of its modules (``"pld.privacy_loss_distribution"``).

    Raises
    ------
    PrivacyError
        It is not installed: without it nothing is accounted, and nothing may be released.
    """
    try:
        return importlib.import_module(f"dp_accounting.{module}" if module else "dp_accounting")
    except ImportError as error:
        raise PrivacyError(
            "privacy cannot be accounted without dp-accounting, so nothing is released; "
            "install it: pip install 'dp-accounting>=0.6,<0.7'"
        ) from error
