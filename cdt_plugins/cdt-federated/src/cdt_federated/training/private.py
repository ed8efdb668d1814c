"""Gradients that are differentially private for each record of a site: clipped, summed and noised before anything leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike, NDArray

from cdt_core.errors import FederatedError
from cdt_core.hooks import Aggregator
from cdt_federated.checks import above_zero, count
from cdt_federated.vectors import Vector, frozen_vector

if TYPE_CHECKING:
    from cdt_privacy.accounting import Mechanism
    from cdt_privacy.chain import PrivateSum
    from cdt_privacy.chain.noise import LatticeNoise
    from cdt_privacy.ledger import Ledger

__all__ = ["MEAN", "PrivateGradient", "finite_rows", "privacy_library"]

#: The rule of private sums.
MEAN = Aggregator(name="mean", function="cdt_federated.rounds.plain:mean", additive=True)


def privacy_library() -> Any:
    """``cdt_privacy``'s chain and accounting; ``FederatedError`` where it is not installed."""
    try:
        from cdt_privacy import accounting, chain
    except ImportError as error:
        raise FederatedError(
            f"private gradients need cdt-privacy, which cannot be used ({error}): pip install 'cdt-federated[secure]'"
        ) from error
    return chain, accounting


def _planned(gradient: PrivateGradient) -> PrivateSum:
    chain, _ = privacy_library()
    budget, given = gradient.ledger.budget, gradient.epsilon
    rows, length = int(gradient.rows), int(gradient.length)
    planned: PrivateSum = chain.PrivateSum.plan(
        chain.Combination(rule=MEAN, carrier="plain", noise="local", sites=1),
        chain.Contribution(length=length, clip_norm=float(gradient.clip), rows=rows, neighbours=budget.neighbours),
        chain.Target(epsilon=budget.epsilon if given is None else given, delta=budget.delta, rounds=int(gradient.uses)),
    )
    return planned


@frozen(kw_only=True, eq=False)
class PrivateGradient:
    """A ``gradient(model, step)`` for a :class:`~cdt_federated.training.Learner` that tells little of any one record.

    At a model, each record's gradient is clipped to an L2 norm, their sum is rounded to a lattice and given exact discrete
    Gaussian noise by the site itself, and divided by the public number of records ([1]_, DP-SCAFFOLD; [2]_, Algorithm 1 without
    sampling). All that a strategy makes of these gradients (local steps, updates, SCAFFOLD's controls, models, however often
    they are sent) is post-processing of them and costs nothing more, whoever sees it.

    Each gradient is one event in the site's ledger: reserved before a record is looked at, committed before the gradient is
    given. The same model asked again of this object (a round that failed and is run once more) gets the same gradient, and
    costs nothing; another process of the site has to pay for it again.

    Parameters
    ----------
    records
        ``records(model) -> (rows, length)``: the gradient of each record's loss. What depends on no record, a penalty on
        the model, is added to the private gradient afterwards. It has to give all models numbers: an error that it raises is
        seen by others, as the site stays out. What is not finite (a coordinator may send a model on which some records
        overflow, and others do not) counts as zeros.
    ledger
        The site's own (:class:`cdt_privacy.ledger.Ledger`). Its budget says epsilon, delta and the neighbours. With
        ``REPLACE_ONE`` the number of records is no secret, and what ``records`` gives must have exactly ``rows`` rows.
    rows
        Number of records, which everybody may know: what the sum is divided by. Where neighbours add or remove a record it is
        the most that there may ever be, since to have more is refused, which is seen.
    length
        Values of the model.
    clip
        L2 norm above which a record's gradient is scaled down.
    uses
        Gradients that the noise is planned for: local steps of a round times rounds.
    epsilon
        What all of them together may cost; the ledger's whole budget when None.
    purpose
        What the ledger says that it was for.

    Raises
    ------
    FederatedError
        A count or the clip has no meaning, or cdt-privacy is not installed.
    PrivacyError
        No lattice or noise for this target.

    Notes
    -----
    Noise grows with the root of ``uses``. A clip below most norms costs a bias, one above them noise: choose both, and the
    rates, on data of others, since a choice by looking at these records is not accounted.

    References
    ----------
    .. [1] Noble, Bellet, Dieuleveut, "Differentially Private Federated Learning on Heterogeneous Data", AISTATS 2022.
    .. [2] Abadi et al., "Deep Learning with Differential Privacy", CCS 2016.

    Examples
    --------
    The mean of a thousand numbers by three steps of descent, at epsilon 0.9:

    >>> import tempfile
    >>> from pathlib import Path
    >>> from cdt_privacy.accounting import Neighbours
    >>> from cdt_privacy.ledger import Budget, Ledger
    >>> numbers = np.random.default_rng(0).normal(0.5, 0.1, (1000, 1))
    >>> budget = Budget(0.9, 1e-5, Neighbours.REPLACE_ONE)
    >>> with Ledger.create(Path(tempfile.mkdtemp()) / "site.ledger", "numbers", budget) as ledger:
    ...     gradient = PrivateGradient(
    ...         records=lambda model: model - numbers, ledger=ledger, rows=1000, length=1, clip=1.0, uses=3
    ...     )
    ...     model = np.zeros(1)
    ...     for step in range(3):
    ...         model = model - 0.5 * gradient(model, step)
    ...     print(abs(model[0] - 0.4375) < 0.2, round(ledger.epsilon_spent, 3))
    True 0.9
    """

    records: Callable[[Vector], ArrayLike]
    ledger: Ledger
    rows: int = field(validator=count)
    length: int = field(validator=count)
    clip: float = field(validator=above_zero)
    uses: int = field(validator=count)
    epsilon: float | None = None
    purpose: str = "gradient"
    _sum: PrivateSum = field(init=False, repr=False)
    _given: dict[bytes, Vector] = field(init=False, repr=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_sum", _planned(self))  # once the settings are known to have a meaning

    @property
    def mechanism(self) -> Mechanism:
        """What one gradient is accounted as."""
        return cast("Mechanism", self._sum.mechanism)

    @property
    def deviation(self) -> float:
        """Standard deviation of the noise in each number of a gradient."""
        noise = cast("LatticeNoise", self._sum.noise)
        return float(self._sum.lattice.step * noise.variance**0.5 / self.rows)

    def cost(self, gradients: int = 1) -> float:
        """Epsilon that so many more gradients would add to what the ledger has spent; at 0.05 s, nothing is reserved."""
        _, accounting = privacy_library()
        budget, spent = self.ledger.budget, self.ledger.mechanisms
        more = accounting.Composed(self.mechanism, gradients)
        return float(accounting.epsilon([*spent, more], budget.delta, budget.neighbours) - self.ledger.epsilon_spent)

    def __call__(self, model: Vector, step: int) -> Vector:
        """The private gradient at a model, float64, (length,); read-only.

        Raises
        ------
        BudgetError
            It would exceed the ledger's budget; no record was looked at.
        FederatedError, PrivacyError
            ``records`` gave another shape or another number of rows. Its cost stays spent.
        """
        asked = np.ascontiguousarray(model, np.float64).tobytes()
        if asked not in self._given:
            self._given[asked] = self._new(model)
        return self._given[asked]

    def _new(self, model: Vector) -> Vector:
        reservation = self.ledger.reserve(self.mechanism, self.purpose)
        rows = np.asarray(self.records(model))
        public = self.ledger.budget.neighbours.reach == 2
        if rows.ndim != 2 or rows.shape[1] != self.length or (public and len(rows) != self.rows):
            raise FederatedError(
                f"{self.ledger.dataset}: the records' gradients have shape {rows.shape}; give one row for each record, "
                f"({self.rows}, {self.length})"
            )
        release = self._sum.result(self._sum.site(finite_rows(rows)), sites_in=1, reservation=reservation)
        return frozen_vector(release.value / self.rows)


def finite_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """Zeros in place of each row that is not finite: to refuse the whole sum would tell that there is one."""
    if rows.dtype.kind not in "iufb":
        return rows
    wide = rows.astype(np.float64)
    wide[~np.isfinite(wide).all(axis=1)] = 0.0
    return wide
