"""What was done to the data, as frozen values: enough to know what it costs, and nothing of the data.

Every sensitivity is that of one contribution (the norm to which it is clipped); the neighbouring relation is stated where
mechanisms are accounted (:class:`~cdt_privacy.accounting.neighbours.Neighbours`).
"""

from __future__ import annotations

import math
from typing import Any

import attrs
from attrs import Attribute, field, frozen

from cdt_core.errors import PrivacyError

__all__ = [
    "Composed",
    "Declared",
    "DiscreteGaussian",
    "DiscreteLaplace",
    "DistributedDiscreteGaussian",
    "Gaussian",
    "Laplace",
    "Mechanism",
    "PoissonSampled",
    "from_json",
    "to_json",
]

#: Composition nested deeper than this is refused, in files of others too.
MOST_NESTED = 16


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PrivacyError(f"{value!r} is not a number; a mechanism's figures are plain numbers")
    return float(value)


def _refuse(self: Any, attribute: Attribute[Any], value: Any, wanted: str) -> None:
    raise PrivacyError(f"{type(self).__name__}: {attribute.name} is {value!r}; it must be {wanted}")


def _positive(self: Any, attribute: Attribute[float], value: float) -> None:
    if not 0 < value < math.inf:
        _refuse(self, attribute, value, "above 0 and finite")


def _not_negative(self: Any, attribute: Attribute[float], value: float) -> None:
    if not 0 <= value < math.inf:
        _refuse(self, attribute, value, "0 or more and finite")


def _probability(self: Any, attribute: Attribute[float], value: float) -> None:
    if not 0 < value <= 1:
        _refuse(self, attribute, value, "above 0 and at most 1")


def _share(self: Any, attribute: Attribute[float], value: float) -> None:
    if not 0 <= value < 1:
        _refuse(self, attribute, value, "at least 0 and below 1")


def _count(self: Any, attribute: Attribute[int], value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**53:
        _refuse(self, attribute, value, "a whole number of at least 1")


@frozen
class Mechanism:
    """What all mechanisms are."""


def _mechanism(self: Any, attribute: Attribute[Any], value: Any) -> None:
    if not isinstance(value, Mechanism):
        _refuse(self, attribute, value, "a mechanism")


@frozen
class Gaussian(Mechanism):
    """Continuous Gaussian noise of ``noise_multiplier`` times the L2 norm of one contribution."""

    noise_multiplier: float = field(converter=_real, validator=_positive)


@frozen
class Laplace(Mechanism):
    """Continuous Laplace noise whose scale is ``noise_multiplier`` times the L1 norm of one contribution."""

    noise_multiplier: float = field(converter=_real, validator=_positive)


@frozen
class DiscreteGaussian(Mechanism):
    """Noise of the law exp(-x^2 / (2 ``deviation``^2)) on the integers, at each of ``length`` coordinates.

    ``deviation`` and ``sensitivity`` (L2, rounding counted) are in units of the lattice.
    """

    deviation: float = field(converter=_real, validator=_positive)
    sensitivity: float = field(converter=_real, validator=_positive)
    length: int = field(default=1, validator=_count)


@frozen
class DistributedDiscreteGaussian(Mechanism):
    """The sum of ``shares`` discrete Gaussians of ``share_deviation`` at each of ``length`` coordinates.

    ``shares`` counts those that the adversary does not know: sites that arrived and are honest.
    """

    share_deviation: float = field(converter=_real, validator=_positive)
    shares: int = field(validator=_count)
    sensitivity: float = field(converter=_real, validator=_positive)
    length: int = field(default=1, validator=_count)


@frozen
class DiscreteLaplace(Mechanism):
    """Noise of the law exp(-abs(x) / ``scale``) on the integers, at each coordinate; ``sensitivity`` is L1, in units of the
    lattice.
    """

    scale: float = field(converter=_real, validator=_positive)
    sensitivity: float = field(converter=_real, validator=_positive)


@frozen
class Declared(Mechanism):
    """Something else that is (``epsilon``, ``delta``)-private in the relation that it is accounted in."""

    epsilon: float = field(converter=_real, validator=_not_negative)
    delta: float = field(default=0.0, converter=_real, validator=_share)


@frozen
class PoissonSampled(Mechanism):
    """``mechanism`` on a sample that holds each contribution independently with ``probability``; who is in it stays hidden."""

    probability: float = field(converter=_real, validator=_probability)
    mechanism: Mechanism = field()

    @mechanism.validator
    def _single(self, attribute: Attribute[Mechanism], value: Mechanism) -> None:
        if not isinstance(
            value, Gaussian | Laplace | DiscreteGaussian | DistributedDiscreteGaussian | DiscreteLaplace | Declared
        ):
            _refuse(self, attribute, value, "one mechanism, neither sampled nor composed (compose the samples instead)")


@frozen
class Composed(Mechanism):
    """``mechanism`` ``count`` times, on fresh noise and a fresh sample each; later ones may depend on earlier results."""

    mechanism: Mechanism = field(validator=_mechanism)
    count: int = field(validator=_count)


_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        Gaussian, Laplace, DiscreteGaussian, DistributedDiscreteGaussian, DiscreteLaplace, Declared, PoissonSampled, Composed,
    )
}  # fmt: skip


def to_json(mechanism: Mechanism) -> dict[str, Any]:
    """Plain values that JSON can hold; :func:`from_json` gives an equal mechanism back.

    Examples
    --------
    >>> to_json(Composed(Gaussian(4.0), 2))
    {'kind': 'Composed', 'mechanism': {'kind': 'Gaussian', 'noise_multiplier': 4.0}, 'count': 2}
    """
    plain: dict[str, Any] = {"kind": type(mechanism).__name__}
    for one in attrs.fields(type(mechanism)):
        value = getattr(mechanism, one.name)
        plain[one.name] = to_json(value) if isinstance(value, Mechanism) else value
    return plain


def from_json(plain: Any, *, depth: int = 0) -> Mechanism:
    """The mechanism that :func:`to_json` wrote.

    Raises
    ------
    PrivacyError
        Not what :func:`to_json` writes, or figures that no mechanism can have.
    """
    if not isinstance(plain, dict) or str(plain.get("kind")) not in _KINDS or depth > MOST_NESTED:
        raise PrivacyError(f"{str(plain)[:200]} is no mechanism; kinds are {', '.join(_KINDS)}")
    kind = _KINDS[str(plain["kind"])]
    names = {one.name for one in attrs.fields(kind)}
    if set(plain) - {"kind"} != names:
        raise PrivacyError(f"{kind.__name__} has the fields {sorted(names)}, here are {sorted(set(plain) - {'kind'})}")
    values = {name: from_json(plain[name], depth=depth + 1) if name == "mechanism" else plain[name] for name in names}
    made: Mechanism = kind(**values)
    return made
