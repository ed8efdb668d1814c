"""The error promise for a variable, and the rules that give each variable its promise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from attrs import frozen

from cdt_core.errors import BoundError

__all__ = ["BOUND_KINDS", "Bound", "BoundRules"]

#: What each kind promises for every value x that decodes to y; ``psnr`` and ``rmse`` for all of them together. Missing and
#: non-finite values stay bit-exact under all.
BOUND_KINDS: Mapping[str, str] = {
    "abs": "|x - y| <= value, in the units of the variable",
    "rel": "|x - y| <= value * (largest - smallest finite value of the variable)",
    "pw_rel": "|x - y| <= value * |x| for each x by itself",
    "psnr": "20 log10((largest - smallest finite value) / root mean square of x - y) >= value, in dB over finite values",
    "rmse": "root mean square of x - y <= value, in the units of the variable, over finite values",
    "lossless": "y is x, bit for bit",
}

#: What the rounding of a power and of a sum of squares may take, at most.
_BELOW_ONE = 1 - 2.0**-40


@frozen(repr=False)
class Bound:
    """One promise: a kind of :data:`BOUND_KINDS` and its number (0 for ``lossless``).

    >>> Bound.parse("rel:1e-3")
    Bound('rel:0.001')
    >>> Bound.parse("abs:-1")
    Traceback (most recent call last):
    cdt_core.errors.BoundError: bound 'abs:-1': the number must be finite and above 0, not -1.0
    """

    kind: str
    value: float = 0.0

    @classmethod
    def parse(cls, text: str | Bound) -> Bound:
        """Read ``"abs:0.05"``, ``"rel:1e-3"``, ``"pw_rel:1e-4"``, ``"psnr:60"``, ``"rmse:0.01"`` or ``"lossless"``.

        Raises
        ------
        BoundError
            Unknown kind, or a number that is missing, not finite, or not above zero.
        """
        if isinstance(text, Bound):
            return text
        if not isinstance(text, str):
            raise BoundError(f"a bound is text such as 'rel:1e-3', not {type(text).__name__} {text!r}")
        kind, _, number = text.strip().partition(":")
        if kind not in BOUND_KINDS:
            raise BoundError(f"bound {text!r}: unknown kind {kind!r}; use one of {', '.join(BOUND_KINDS)}")
        if kind == "lossless":
            if number:
                raise BoundError(f"bound {text!r}: 'lossless' takes no number")
            return cls("lossless")
        return cls._with_number(kind, number, text)

    @classmethod
    def _with_number(cls, kind: str, number: str, text: str) -> Bound:
        try:
            value = float(number)
        except ValueError:
            raise BoundError(f"bound {text!r}: {kind!r} needs a number, as in '{kind}:1e-3'") from None
        if not math.isfinite(value) or value <= 0:
            raise BoundError(f"bound {text!r}: the number must be finite and above 0, not {value}")
        return cls(kind, value)

    @property
    def is_lossless(self) -> bool:
        """True when nothing may change."""
        return self.kind == "lossless"

    def applied(self, minimum: float | None, maximum: float | None) -> Bound:
        """The promise in the form that a codec keeps: ``rel`` and ``psnr`` become ``abs`` by the variable's finite value range,
        ``rmse`` without it.

        No root mean square of errors is above the largest: with every error within the target, or within
        ``range * 10**(-psnr / 20)``, the target is met, whatever the errors.

        Raises
        ------
        BoundError
            ``rel`` or ``psnr`` on a variable without a single finite value, or whose range overflows float64.
        """
        if self.kind == "rmse":
            return Bound("abs", _BELOW_ONE * self.value)
        if self.kind not in ("rel", "psnr"):
            return self
        if minimum is None or maximum is None:
            raise BoundError(f"bound '{self}' needs a value range, but there is no finite value; use abs or lossless")
        share = self.value if self.kind == "rel" else _BELOW_ONE * 10 ** (-self.value / 20)
        absolute = share * (float(maximum) - float(minimum))
        if not math.isfinite(absolute):
            raise BoundError(f"bound '{self}': the value range {minimum} .. {maximum} overflows; use pw_rel or abs")
        return Bound("abs", absolute) if absolute > 0 else Bound("lossless")

    def as_rmse(self, minimum: float | None, maximum: float | None) -> Bound:
        """A promise for all values together in the form that codecs keep which know ``rmse``: ``psnr`` by the range.

        Raises
        ------
        BoundError
            As :meth:`applied`; and for a promise for each value.
        """
        if self.kind not in ("rmse", "psnr"):
            raise BoundError(f"bound '{self}' is for each value, and no root mean square keeps it")
        applied = self.applied(minimum, maximum)
        return applied if applied.is_lossless else Bound("rmse", self.value if self.kind == "rmse" else applied.value)

    def __str__(self) -> str:
        return self.kind if self.is_lossless else f"{self.kind}:{self.value!r}"

    def __repr__(self) -> str:
        return f"Bound({str(self)!r})"


@frozen
class BoundRules:
    """Ordered ``(pattern, bound)`` rules; the first pattern (shell style) that matches a variable's name decides.

    >>> rules = BoundRules.parse({"u": "abs:0.05", "*": "rel:1e-3"})
    >>> rules.bound_for("u"), rules.bound_for("v")
    (Bound('abs:0.05'), Bound('rel:0.001'))
    """

    rules: tuple[tuple[str, Bound], ...]

    @classmethod
    def parse(cls, bound: str | Bound | Mapping[str, str | Bound] | BoundRules | None) -> BoundRules:
        """From one bound for all, or a mapping from name pattern to bound; ``None`` is lossless for all."""
        if isinstance(bound, BoundRules):
            return bound
        if bound is None:
            bound = "lossless"
        if isinstance(bound, Mapping):
            return cls(tuple((str(pattern), Bound.parse(value)) for pattern, value in bound.items()))
        return cls((("*", Bound.parse(bound)),))

    def bound_for(self, name: str) -> Bound:
        """The bound of the variable ``name``; lossless when no pattern matches it."""
        for pattern, bound in self.rules:
            if fnmatchcase(name, pattern):
                return bound
        return Bound("lossless")

    def check_used(self, names: Iterable[str]) -> None:
        """Refuse a pattern other than ``*`` that matches none of ``names``: it is a typing error, not a wish."""
        names = list(names)
        for pattern, bound in self.rules:
            if pattern != "*" and not any(fnmatchcase(name, pattern) for name in names):
                known = ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
                raise BoundError(f"bound '{pattern}={bound}' matches no variable; the variables are: {known}")
