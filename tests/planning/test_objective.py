"""What an objective makes of options: each variable's own choice is the one of least cost, and sums compare as tiers do."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cdt_core.model import Bound, Candidate, VariableSpec
from cdt_core.planning.objective import Rated, combined, ratings

SPEC = VariableSpec("v", ("x",), (1000,), "float32")
LOSSY = Bound("abs", 0.5)


def option(
    size: int, position: int, *, share: float = 1.0, whole: int | None = None, bound=LOSSY, extra=False
) -> Rated:
    candidate = Candidate("c", {}, "stored", bound, 1.0, size, error_share=share)
    return Rated(candidate, size, position, size if whole is None else whole, extra)


def best(options: list[Rated], objective: str) -> int:
    tiers = ratings(SPEC, 4000, options, objective)
    return min((value, at) for at, value in enumerate(tiers) if value is not None)[1]


def test_the_first_listed_option_that_is_small_enough_is_best():
    sizes = [option(1400, 0), option(1040, 1), option(1000, 2)]
    assert [best(sizes, objective) for objective in ("speed", "balanced", "size")] == [0, 1, 2]


def test_of_equals_the_first_listed_is_best():
    assert best([option(1000, 0), option(1000, 1)], "size") == 0


def test_less_error_is_best_where_the_setting_is_the_same():
    assert best([option(1000, 0), option(1010, 0, share=0.5, whole=1000)], "balanced") == 1


def test_lossy_is_no_option_where_lossless_is_as_small():
    exact = option(900, 1, bound=Bound("lossless"))
    assert ratings(SPEC, 4000, [option(900, 0), exact], "balanced")[0] is None


def test_fidelity_is_least_error_first_and_lossless_before_all():
    exact = option(3000, 2, bound=Bound("lossless"))
    assert best([option(1000, 0), option(1500, 1, share=0.5), exact], "fidelity") == 2
    assert best([option(1000, 0), option(1500, 1, share=0.5)], "fidelity") == 1


def test_settings_of_another_objective_do_not_say_what_is_small():
    assert best([option(1000, 0), option(100, 1, extra=True)], "balanced") == 0


TIERS = st.tuples(st.integers(0, 2**45), st.integers(0, 2**50), st.integers(0, 2**50))


@given(st.lists(st.lists(TIERS, min_size=1, max_size=3), min_size=1, max_size=4))
def test_costs_of_any_size_fit_and_nothing_above_zero_becomes_free(tiers):
    costs = combined(tiers)
    assert sum(max(row) for row in costs) < 2**61
    for row, options in zip(costs, tiers, strict=True):
        assert [cost > 0 for cost in row] == [any(option) for option in options]


SMALL = st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))


@given(st.lists(st.lists(SMALL, min_size=1, max_size=3), min_size=1, max_size=4))
def test_sums_compare_as_the_sums_of_the_tiers_do_first_to_last(tiers):
    costs = combined(tiers)
    whole = list(itertools.product(*(range(len(options)) for options in tiers)))

    def by_tiers(choice):
        return tuple(sum(options[at][tier] for options, at in zip(tiers, choice, strict=True)) for tier in range(3))

    def by_cost(choice):
        return sum(row[at] for row, at in zip(costs, choice, strict=True))

    assert sorted(whole, key=by_tiers) == sorted(whole, key=by_cost)


def test_thousands_of_large_variables_are_counted_in_coarse_units_that_end_somewhere():
    """A sum over so many cannot have as few bits as a tier may keep."""
    tiers = [[(10**6 + i, 3 * 10**7, 4 * 10**9), (0, 10**7, 4 * 10**6)] for i in range(3000)]
    costs = combined(tiers)
    assert sum(max(row) for row in costs) < 2**58
    assert all(dear > cheap > 0 for dear, cheap in costs)


def test_no_variable_has_no_cost():
    assert combined([]) == []
