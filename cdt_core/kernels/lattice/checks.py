"""Numbers that somebody gave: what they must be, and an error that names them."""

from __future__ import annotations

import operator

from cdt_core.errors import PrivacyError

__all__ = ["must_be_count", "must_be_number"]


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
    """A whole number from ``least`` on.

    Raises
    ------
    PrivacyError
        It is none.
    """
    try:
        count = operator.index(value)
    except TypeError as error:
        raise PrivacyError(f"{name} is {value!r}; give a whole number") from error
    if count < least:
        raise PrivacyError(f"{name} is {value!r}; give {least} or more")
    return count
