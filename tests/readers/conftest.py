"""What the readers' tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cdt_core.readers.choose import open_stored
from cdt_core.readers.offers import READERS


@pytest.fixture
def opened() -> Callable[..., Any]:
    """Opens a location with the readers of the core."""
    return lambda location, **options: open_stored(location, READERS, **options)


@pytest.fixture
def whole() -> Callable[..., Any]:
    """All values of a stored variable."""
    return lambda stored, name: stored.read(name, tuple(slice(0, length) for length in stored.specs[name].shape))
