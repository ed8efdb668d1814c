"""Numbers that somebody gave: what they must be, and an error that names them."""

from __future__ import annotations

import operator

from cdt_core.errors import PrivacyError

__all__ = ["must_be_count", "must_be_number"]

#: More numbers than this no machine holds.
_MOST = 1 << 48


def must_be_number(name: str, value: float) -> float:
    """A number in double precision, whoever's it was.

    Raises
    ------
    PrivacyError
        It is none.
    """
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise PrivacyError(f"{name} is {value!r}; give a number") from error


def must_be_count(name: str, value: int, least: int = 0) -> int:
    """A whole number from ``least`` to 2^48.

    Raises
    ------
    PrivacyError
        It is none.
    """
    try:
        count = operator.index(value)
    except TypeError as error:
        raise PrivacyError(f"{name} is {value!r}; give a whole number") from error
    if not least <= count <= _MOST:
        raise PrivacyError(f"{name} is {_shortened(count)}; give {least} or more, to 2^48 at most")
    return count


def _shortened(count: int) -> str:
    """The number, or how long it is: one of thousands of digits is no text that Python makes."""
    return str(count) if count.bit_length() < 200 else f"a number of {count.bit_length()} bits"
