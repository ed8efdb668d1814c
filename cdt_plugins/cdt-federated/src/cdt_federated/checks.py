"""Validators of settings: what cannot be used is refused by its name, with what can be."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, TypeAlias

import attrs

from cdt_core.errors import FederatedError

__all__ = ["above_zero", "agreed", "below_one", "count", "share", "whole"]

Check: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def _check(holds: Callable[[Any], bool], wanted: str, kinds: tuple[type, ...]) -> Check:
    def check(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, kinds) or not holds(value):
            raise FederatedError(f"{attribute.name} of {type(instance).__name__} is {value!r}; give {wanted}")

    return check


#: NumPy's numbers are among them.
_NUMBER = (Real,)

above_zero = _check(lambda value: 0 < value < math.inf, "a finite number above 0", _NUMBER)
below_one = _check(lambda value: 0 <= value < 1, "a number from 0 to below 1", _NUMBER)
share = _check(lambda value: 0 < value <= 1, "a share above 0, at most 1", _NUMBER)
count = _check(lambda value: value >= 1, "a whole number from 1", (Integral,))
whole = _check(lambda value: True, "a whole number", (Integral,))


def agreed(settings: Any) -> str:
    """Settings as a text that is the same at all sites: equal numbers read alike, of whichever type they are.

    Examples
    --------
    >>> from cdt_federated.strategies import FedAvg
    >>> agreed(FedAvg(steps=2, rate=1))
    'FedAvg(steps=2, rate=1, server_rate=1)'
    """
    if not attrs.has(type(settings)):
        return repr(settings)
    fields = ((field, getattr(settings, field.name)) for field in attrs.fields(type(settings)) if field.repr)
    return f"{type(settings).__name__}({', '.join(f'{field.name}={_number(value)}' for field, value in fields)})"


def _number(value: Any) -> str:
    counts = isinstance(value, Real) and not isinstance(value, bool)
    return repr(float(value)).removesuffix(".0") if counts else repr(value)
