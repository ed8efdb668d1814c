"""Allele frequencies of variants, and whether genotypes are in Hardy-Weinberg proportions."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from cdt_core.errors import FederatedError
from cdt_federated.statistics.rows import Rows
from cdt_federated.statistics.small import checked_count, few
from cdt_federated.statistics.summary import Steps, Sums

__all__ = ["AlleleFrequencies", "AllelesFound", "genotypes", "parts_of"]


#: Variants that are looked at together: so many that products are fast, so few that they stay in memory.
_TOGETHER = 512
#: With fewer numbers of heterozygotes all are looked at; e to the negated second one is 0 in float64.
_FEW, _NO_CHANCE = 2048, 746.0


def parts_of(variants: int) -> Iterator[slice]:
    """Which variants are looked at together."""
    return (slice(first, min(variants, first + _TOGETHER)) for first in range(0, variants, _TOGETHER))


def genotypes(rows: Rows, name: str, variants: int, part: slice) -> NDArray[np.float32]:
    """Counts 0, 1, 2 of the alternate allele, NaN where none was called; shape (rows, variants of the part).

    Raises
    ------
    FederatedError
        Another number of variants, or another value.
    """
    column = rows.columns[name]
    if column.ndim != 2 or column.shape[1] != variants or column.dtype.kind not in "iuf":
        raise FederatedError(
            f"column {name!r} has shape {column.shape} of {column.dtype}; {variants} counts of alleles are wanted in each row"
        )
    found = column[:, part].astype(np.float32)
    if column.dtype.kind == "i":
        found[found < 0] = np.nan
    right = (found == 0) | (found == 1) | (found == 2) | np.isnan(found)
    if not right.all():
        row, variant = (int(place) for place in np.argwhere(~right)[0])
        variant += part.start
        raise FederatedError(
            f"column {name!r} has {column[row, variant]} in row {row}, variant {variant}; counts are 0 to 2"
        )
    return found


@attrs.frozen(eq=False, kw_only=True)
class CallCounts(Sums):
    """Samples with 0, 1 and 2 alternate alleles of each variant."""

    name: str
    variants: int

    whole: ClassVar[frozenset[str]] = frozenset({"calls"})

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read."""
        return (self.name,)

    @property
    def may_miss(self) -> tuple[str, ...]:
        """The genotypes, of which some may not have been called."""
        return (self.name,)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Name -> shape of each array of sums."""
        return {"calls": (3, self.variants)}

    def of(self, rows: Rows) -> Mapping[str, NDArray[np.float64]]:
        """The sums over some rows."""
        calls = np.empty((3, self.variants))
        for part in parts_of(self.variants):
            found = genotypes(rows, self.name, self.variants, part)
            calls[:, part] = [(found == count).sum(axis=0) for count in range(3)]
        return {"calls": calls}


@attrs.frozen(eq=False)
class AllelesFound:
    """Frequencies of all sites.

    Parameters
    ----------
    calls
        Shape (3, variants): samples with 0, 1 and 2 alternate alleles; NaN where a count of few is held back.
    frequencies
        Of the alternate allele, shape (variants,); NaN where nobody was called.
    p_values
        Of Hardy-Weinberg proportions, by the exact test; shape (variants,).
    rows
        Samples of all sites.
    """

    calls: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    p_values: NDArray[np.float64]
    rows: int

    @property
    def minor_frequencies(self) -> NDArray[np.float64]:
        """Of the rarer allele, shape (variants,)."""
        return np.minimum(self.frequencies, 1 - self.frequencies)

    def __str__(self) -> str:
        lines = [f"{'variant':>8s}{'frequency':>12s}{'HWE p':>12s}"]
        rows = enumerate(zip(self.frequencies, self.p_values, strict=True))
        lines += [f"{variant:8d}{frequency:12.4f}{p:12.3g}" for variant, (frequency, p) in rows]
        return "\n".join([*lines, f"{self.rows} samples"])


@attrs.frozen(eq=False)
class AlleleFrequencies:
    """How often each variant has its alternate allele, and the exact test of Hardy-Weinberg proportions.

    Parameters
    ----------
    genotypes
        Column of shape (rows, variants): 0, 1, 2; negative integers or NaN where none was called.
    variants
        How many there are; all sites have the same ones in one order.
    min_count
        Counts of fewer samples are held back, and with them the frequency and the test of the variant.

    Examples
    --------
    >>> from cdt_federated.statistics import AlleleFrequencies, run
    >>> sites = {"a": {"g": [[0, 1], [1, 2]]}, "b": {"g": [[0, -1]]}}
    >>> run(AlleleFrequencies("g", 2), sites).frequencies.round(3)
    array([0.167, 0.75 ])
    """

    genotypes: str
    variants: int = attrs.field(validator=checked_count)
    min_count: int = attrs.field(default=1, kw_only=True, validator=checked_count)

    def steps(self) -> Steps[AllelesFound]:
        """One question."""
        state = yield CallCounts(name=self.genotypes, variants=self.variants)
        calls = few(state["calls"], self.min_count)
        called = calls.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            frequencies = (calls[1] + 2 * calls[2]) / (2 * called)
        p_values = np.array([hardy_weinberg(*map(float, each)) for each in calls.T])
        return AllelesFound(calls, frequencies, p_values, state["rows"])


def hardy_weinberg(first: float, both: float, second: float) -> float:
    """The exact test's p value from numbers of homozygotes, heterozygotes, homozygotes; NaN of none or of unknown ones.

    The chance, given the alleles, of a number of heterozygotes that is no more likely (Wigginton, Cutler, Abecasis 2005, Am.
    J. Hum. Genet. 76:887, equation 2).
    """
    from scipy.special import gammaln

    total = first + both + second
    if not total > 0:
        return float("nan")
    rare = 2 * min(first, second) + both
    mixed = _likely(rare, total)
    alike, others = (rare - mixed) / 2, total - (rare + mixed) / 2
    logs = mixed * np.log(2) - gammaln(mixed + 1) - gammaln(alike + 1) - gammaln(others + 1)
    chances = np.exp(logs - logs.max())
    place = int(both - mixed[0]) // 2
    here = chances[place] if 0 <= place < len(chances) else 0.0
    return float(min(1.0, chances[chances <= here * (1 + 1e-9)].sum() / chances.sum()))


def _likely(rare: float, total: float) -> NDArray[np.float64]:
    """Numbers of heterozygotes, without those whose chance beside the likeliest one is 0 in float64: some sqrt(total)."""
    odd, last = int(rare) % 2, int(rare) // 2

    def log_chance(at: int) -> float:
        mixed = odd + 2 * at
        alike, others = (rare - mixed) / 2, total - (rare + mixed) / 2
        return mixed * math.log(2) - math.lgamma(mixed + 1) - math.lgamma(alike + 1) - math.lgamma(others + 1)

    first, stop = 0, last + 1
    if last > _FEW:
        top = min(last, int(rare * (1 - rare / (2 * total)) / 2))
        least = log_chance(top) - _NO_CHANCE
        first = bisect_left(range(top), least, key=log_chance)
        stop = top + bisect_left(range(top, last + 1), -least, key=lambda at: -log_chance(at))
    return np.arange(odd + 2 * first, odd + 2 * stop, 2, dtype=np.float64)
