"""Assignment of samples to plates or batches that are alike."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import SelectError
from cdt_core.select.assignment import Assignment, Imbalance
from cdt_core.select.covariates import Covariate, columns_of, read_covariates
from cdt_core.select.places import Places, read_batches
from cdt_core.select.swapping import annealed, energies, greedy

__all__ = ["balance_batches"]

Array = NDArray[Any]
#: Assignments that are annealed at once, and random ones to compare with: fewer where groups have to be dealt.
_READS, _RANDOM, _RANDOM_GROUPS = 16, 1000, 100


def balance_batches(  # noqa: PLR0913 - what a caller may choose, by name
    metadata: Any,
    batches: int | Sequence[int] | Mapping[Hashable, int],
    balance: Sequence[str] | Mapping[str, float] = (),
    *,
    treatment: str | None = None,
    pairs: bool = False,
    categorical: Iterable[str] = (),
    together: str | None = None,
    apart: str | None = None,
    steps: int = 4000,
    seed: int = 0,
) -> Assignment:
    """Assign samples to batches so that covariates are alike in all, and batch effects do not pass for effects of the
    treatment.

    Parameters
    ----------
    metadata
        A frame of pandas (its index is kept), or a mapping of names to arrays (n,), a row for each sample.
    batches
        How many, of equal size; or the capacity of each, also by name. Where there are more places than samples, each
        batch is filled to the same share.
    balance
        Names of covariates, or a mapping of them to weights. Numbers and dates are balanced in mean and spread; text,
        booleans and categories in counts. Missing values are balanced, too.
    treatment
        A covariate that weighs as much as all others together.
    pairs
        Whether to balance all pairs of covariates, too, the treatment's among them, with half the weight of covariates.
    categorical
        Covariates that are written as numbers but are categories.
    together
        A column: samples with the same value (of one patient, say) share a batch.
    apart
        A column: samples with the same value are in batches of their own (replicates).
    steps
        Exchanges of each of 16 assignments that are annealed at once.
    seed
        The same seed gives the same assignment.

    Raises
    ------
    SelectError
        Names that are not there, columns of several lengths, infinite numbers, too few places, or groups that fit in no
        way.

    Notes
    -----
    Minimises ``sum_b |S_b|^2 / n_b``, where S_b has the sums of standardised covariates in batch b: for a category this is
    chi squared of its table with the batches, for a number the sum of squares between batches.

    Examples
    --------
    >>> samples = {"age": [30, 31, 50, 51, 70, 71, 40, 41], "arm": list("aabbabab")}
    >>> found = balance_batches(samples, 2, ["age"], treatment="arm")
    >>> found.sizes.tolist(), found.imbalances[1].assigned
    ([4, 4], 0.0)
    """
    covariates = read_covariates(metadata, balance, treatment, categorical)
    samples = _samples(covariates)
    names, capacities = read_batches(batches, samples)
    places = Places.of(capacities, samples, *(_column(metadata, name, samples) for name in (together, apart)))
    columns = columns_of(covariates, pairs)
    rng = np.random.default_rng(_whole("seed", seed, 0))
    tries = _RANDOM if places.fixed and places.apart is None else _RANDOM_GROUPS
    dealt = np.array([places.deal(rng) for _ in range(tries)])
    units = annealed(columns, places, list(dealt[:_READS]), _whole("steps", steps, 1), rng)
    ways = {"assigned": units, "random": dealt, "greedy": greedy(columns, places, rng)}
    found = {way: batch[:, places.unit] for way, batch in ways.items()}
    scores = {way: energies(columns, batch, places.shares) / (len(names) - 1) for way, batch in found.items()}
    best = {way: found[way][int(np.argmin(score))] for way, score in scores.items() if score.size}
    return Assignment(
        batch=_named(best["assigned"], names, metadata),
        batches=tuple(names),
        sizes=np.bincount(best["assigned"], minlength=len(names)),
        imbalances=tuple(_imbalance(covariate, best, found["random"], len(names)) for covariate in covariates),
        score=float(scores["assigned"].min()),
        greedy_score=float(scores["greedy"].min()) if scores["greedy"].size else None,
        best_random_score=float(scores["random"].min()),
        mean_random_score=float(scores["random"].mean()),
        random_tries=tries,
        seed=seed,
    )


def _samples(covariates: Sequence[Covariate]) -> int:
    samples = len(covariates[0].values)
    for covariate in covariates:
        if len(covariate.values) != samples:
            raise SelectError(
                f"{covariate.name!r} has {len(covariate.values)} values, {covariates[0].name!r} {samples}"
            )
    if samples < 2:
        raise SelectError(f"{samples} sample; there is nothing to assign")
    return samples


def _column(metadata: Any, name: str | None, samples: int) -> Any:
    """The column that says what stays together or apart."""
    if name is None:
        return None
    if name not in metadata:
        raise SelectError(f"metadata has no {name!r}; it has {', '.join(map(str, metadata))}")
    return metadata[name]


def _imbalance(covariate: Covariate, best: Mapping[str, Array], random: Array, count: int) -> Imbalance:
    one = {way: covariate.imbalance(batch, count) for way, batch in best.items()}
    return Imbalance(
        name=covariate.name,
        measure="Cramer's V" if covariate.kind == "categories" else "largest standardised mean difference",
        assigned=one["assigned"],
        greedy=one.get("greedy"),
        best_random=one["random"],
        mean_random=float(np.mean([covariate.imbalance(batch, count) for batch in random[:100]])),
    )


def _named(batch: Array, names: Sequence[Hashable], metadata: Any) -> Any:
    plain = all(isinstance(name, int) for name in names)
    each = np.array(names) if plain else np.empty(len(names), object)
    each[:] = names
    named = each[batch]
    if not hasattr(metadata, "index"):
        return named
    import pandas as pd

    return pd.Series(named, index=metadata.index, name="batch")


def _whole(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise SelectError(f"{name} is {value!r}; it must be an integer of {least} or more")
    return int(value)
