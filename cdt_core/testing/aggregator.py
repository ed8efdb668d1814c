"""Does an aggregator keep its contract: one vector, whatever the order of the sites, within its declared breakdown?"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import frozen

from cdt_core.hooks.descriptor import Aggregator
from cdt_core.testing.contract import called, loaded, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["check_aggregator"]

#: (sites, length) of the updates that are tried.
_SIZES = ((2, 1), (2, 17), (3, 5), (5, 8), (10, 33), (31, 4))

#: Arbitrary updates that stay within the breakdown may move the result this many honest spreads, no more.
_MOST_SPREADS = 100.0


def check_aggregator(offer: Aggregator, *, min_sites: int = 1, tolerance: float = 1e-9, **parameters: Any) -> None:
    """Run an aggregator on seeded updates of several sizes, in float32 and float64.

    The result is a finite vector of the updates' length, in floating point; it is the same at every call, and for every order
    of the sites up to rounding; the inputs are not changed. With ``additive``, it is linear in the updates. With
    ``breakdown`` above 0, arbitrary updates of fewer than that share of equally weighted sites leave it near the honest ones.

    Parameters
    ----------
    offer
        The descriptor, as the plugin's hook returns it.
    min_sites
        Fewest sites that the rule takes; it may refuse fewer.
    tolerance
        Relative rounding that is accepted (for float32 updates, at least 1e-5).
    parameters
        What a federation would pass.

    Raises
    ------
    ContractError
        Which promise was broken, for how many sites.
    """
    function = partial(loaded(offer, Aggregator), **parameters)
    for sites, length in [(min_sites, 3), *(size for size in _SIZES if size[0] > min_sites)]:
        for dtype in ("float32", "float64"):
            rng = np.random.default_rng([sites, length])
            updates = rng.normal(3, 2, (sites, length)).astype(dtype)
            weights = rng.uniform(1, 5, sites)
            accepted = max(tolerance, 1e-5) if dtype == "float32" else tolerance
            trial = _Trial(offer, function, updates, weights, accepted)
            trial.check_result(rng)
            if offer.additive:
                trial.check_additive(rng)
            if offer.breakdown > 0:
                trial.check_breakdown()


@frozen(eq=False)
class _Trial:
    offer: Aggregator
    function: Callable[..., Any]
    updates: NDArray[Any]
    weights: NDArray[np.float64]
    tolerance: float

    @property
    def where(self) -> str:
        sites, length = self.updates.shape
        return f"aggregator {self.offer.name!r} of {sites} sites, {length} numbers, {self.updates.dtype}"

    def result(self, updates: NDArray[Any], weights: NDArray[np.float64]) -> NDArray[Any]:
        """The aggregate: one finite floating-point number for each position."""
        given = (updates.copy(), weights.copy())
        result = np.array(called(self.where, self.function, *given))
        kept = given[0].tobytes() == updates.tobytes() and given[1].tobytes() == weights.tobytes()
        require(kept, f"{self.where}: it changed the arrays that it was given")
        require(result.shape == updates.shape[1:], f"{self.where}: shape {result.shape}, not {updates.shape[1:]}")
        require(result.dtype.kind == "f", f"{self.where}: dtype {result.dtype}, not a floating-point one")
        require(bool(np.isfinite(result).all()), f"{self.where}: finite updates gave a result that is not finite")
        return result

    def check_result(self, rng: np.random.Generator) -> None:
        """Shape, repeatability, and the order of the sites."""
        result = self.result(self.updates, self.weights)
        again = self.result(self.updates, self.weights)
        require(result.tobytes() == again.tobytes(), f"{self.where}: a second call gives something else")
        order = rng.permutation(len(self.weights))
        moved = self.result(self.updates[order], self.weights[order])
        require(self.close(result, moved), f"{self.where}: the order of the sites changes the result")
        large = self.updates * self.updates.dtype.type(1e20)
        self.result(large, self.weights)
        self.result(np.zeros_like(self.updates), self.weights)

    def check_additive(self, rng: np.random.Generator) -> None:
        """f(a + b) is f(a) + f(b), as for every weighted sum."""
        more = rng.normal(-1, 1, self.updates.shape).astype(self.updates.dtype)
        parts = self.result(self.updates, self.weights) + self.result(more, self.weights)
        both = self.result(self.updates + more, self.weights)
        require(self.close(parts, both), f"{self.where}: declared additive, but it is not linear in the updates")

    def check_breakdown(self) -> None:
        """As many hostile sites as are declared harmless push all one way, then each its own."""
        sites = len(self.weights)
        hostile = math.ceil(self.offer.breakdown * sites) - 1
        if hostile < 1:
            return
        equal = np.ones(sites)
        honest = self.updates[hostile:].astype(np.float64)
        middle, spread = honest.mean(axis=0), max(1.0, float(np.abs(honest - honest.mean(axis=0)).max()))
        for push in (np.full(hostile, 1e9), np.where(np.arange(hostile) % 2, 1e9, -1e12)):
            attacked = self.updates.copy()
            attacked[:hostile] = push[:, None]
            moved = float(np.abs(self.result(attacked, equal) - middle).max())
            require(
                moved <= _MOST_SPREADS * spread,
                f"{self.where}: declares breakdown {self.offer.breakdown}, but {hostile} hostile updates move it by {moved:g}",
            )

    def close(self, left: NDArray[Any], right: NDArray[Any]) -> bool:
        """Equal but for rounding, measured on the scale of the updates."""
        scale = float(np.abs(self.updates).sum(axis=0).max()) * float(np.abs(self.weights).max())
        return bool(np.all(np.abs(left - right) <= self.tolerance * scale))
