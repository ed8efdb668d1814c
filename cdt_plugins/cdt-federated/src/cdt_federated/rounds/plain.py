"""Plain updates: one stage, each site sends its vector, the coordinator sees them all and applies a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from cdt_core.errors import FederatedError, ProtocolError
from cdt_core.hooks import Aggregator
from cdt_core.model.fields import FieldReader, FieldWriter
from cdt_federated.vectors import vector_of

__all__ = ["PlainExchange", "PlainParty", "Rule", "mean", "rule_of"]

#: ``rule(updates (sites, length), weights (sites,)) -> (length,)``, as the hook ``cdt_aggregators`` has it.
Rule: TypeAlias = Callable[[NDArray[Any], NDArray[np.float64]], ArrayLike]

STAGE = "update"
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


def mean(updates: NDArray[Any], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weighted mean, in float64: what to use when every site is trusted.

    Examples
    --------
    >>> mean(np.array([[0.0, 1.0], [4.0, 5.0]]), np.array([3.0, 1.0]))
    array([1., 2.])
    """
    total = weights.sum()
    if not 0 < total < np.inf:
        raise FederatedError(f"the weights add up to {total}; give some that are above 0 and finite")
    shares = weights / total
    result: NDArray[np.float64] = shares @ updates
    return result


def rule_of(offer: Aggregator | Rule, **parameters: Any) -> Rule:
    """A rule from a descriptor of the hook ``cdt_aggregators``, or from a function, with its parameters set."""
    function = callable_rule(offer.load() if isinstance(offer, Aggregator) else offer)
    return partial(function, **parameters) if parameters else function


def callable_rule(rule: Any) -> Rule:
    """The rule, which must be a function."""
    if not callable(rule):
        raise FederatedError(f"{rule!r} is no rule; give a function, or rule_of() an Aggregator of cdt_aggregators")
    return rule  # type: ignore[no-any-return]


def _dtype(dtype: DTypeLike) -> np.dtype[Any]:
    for known in _DTYPES:
        if dtype in (known, known.name, known.type):
            return known
    raise FederatedError(f"updates cannot be sent as {dtype!r}; send float32 or float64")


class PlainExchange:
    """The coordinator's side.

    Parameters
    ----------
    sites
        Who is asked.
    length
        Values of one update.
    weights
        What each site's update counts; 1 each when None.
    rule
        Makes one vector of the updates.
    dtype
        float32 or float64: how the values travel.

    Notes
    -----
    The updates are kept in one array of shape (sites, length), in the sites' order whatever the order of arrival, so that
    the result has the same bits. An update with NaN or infinite values is refused: the round goes on without it.
    """

    stages = (STAGE,)

    def __init__(
        self,
        sites: Sequence[str],
        length: int,
        weights: Mapping[str, float] | None = None,
        rule: Rule = mean,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.sites = tuple(sites)
        if len(set(self.sites)) < len(self.sites) or not self.sites:
            raise FederatedError(f"a round of {list(self.sites)[:8]}; give each of its sites once")
        if not isinstance(length, int) or length < 1:
            raise FederatedError(f"an update of {length!r} values; give a whole number from 1")
        self._rule = callable_rule(rule)
        self._weights = dict.fromkeys(self.sites, 1.0) if weights is None else dict(weights)
        lacking = set(self.sites) - set(self._weights)
        if lacking:
            raise FederatedError(f"{min(lacking)!r} has no weight; give one for each site of the round")
        wrong = [site for site in self.sites if not 0 <= self._weights[site] < np.inf]
        if wrong:
            raise FederatedError(f"the weight of {wrong[0]!r} is {self._weights[wrong[0]]}; give a finite number >= 0")
        self._values = np.zeros((len(self.sites), length), _dtype(dtype))
        self._row = {site: row for row, site in enumerate(self.sites)}
        self._here = np.zeros(len(self.sites), np.bool_)
        self._closed = False

    def begin(self) -> Mapping[str, bytes]:
        """Nothing is asked beyond the task."""
        return dict.fromkeys(self.sites, b"")

    def receive(self, stage: str, site: str, payload: bytes) -> None:
        """Take an update."""
        row = self._row.get(site)
        if stage != STAGE or self._closed or row is None or self._here[row]:
            raise ProtocolError(f"{site!r} answers stage {stage!r} unasked, late or twice; one update a round is taken")
        reader = FieldReader(payload, f"update of {site!r}")
        values = reader.array(self._values.dtype, self._values.shape[1])
        reader.end()
        finite = np.isfinite(values)
        if not finite.all():
            index = int(np.argmin(finite))
            raise reader.error(f"it is {values[index]} at index {index}")
        self._values[row] = values
        self._here[row] = True

    def close(self, stage: str) -> Mapping[str, bytes]:
        """End the only stage."""
        if not self._here.any():
            raise ProtocolError("no site sent an update; there is nothing to aggregate")
        self._closed = True
        return {}

    @property
    def present(self) -> tuple[str, ...]:
        """Sites whose update came."""
        return tuple(site for site, here in zip(self.sites, self._here, strict=True) if here)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Sites whose update did not come."""
        return tuple(site for site, here in zip(self.sites, self._here, strict=True) if not here)

    @property
    def updates(self) -> NDArray[Any]:
        """The updates that came, shape (len(present), length)."""
        return self._values if self._here.all() else self._values[self._here]

    def result(self) -> NDArray[np.float64]:
        """The rule's vector, as float64."""
        weights = np.array([self._weights[site] for site in self.present])
        return vector_of(self._rule(self.updates, weights), "the rule's result", self._values.shape[1])


class PlainParty:
    """The site's side.

    Parameters
    ----------
    compute
        Gives the site's update, shape (length,); called when the coordinator asks for it.
    length
        Values that the update must have.
    dtype
        As of the exchange.
    """

    def __init__(self, compute: Callable[[], ArrayLike], length: int, dtype: DTypeLike = np.float64) -> None:
        self._compute = compute
        self._length = length
        self._dtype = _dtype(dtype)

    def answer(self, stage: str, payload: bytes) -> bytes:
        """The update."""
        if stage != STAGE or payload:
            raise ProtocolError(f"stage {stage!r} is none of a plain exchange; use the same carrier at both sides")
        values: NDArray[Any] = vector_of(self._compute(), "the site's update", self._length)
        if values.dtype != self._dtype:
            with np.errstate(over="ignore"):
                values = values.astype(self._dtype)
            vector_of(values, f"the site's update as {self._dtype}")
        return FieldWriter().array(values, self._dtype).end()
