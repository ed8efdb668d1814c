"""check_aggregator passes good rules and names what is wrong with broken ones."""

from __future__ import annotations

import pytest

from cdt_core.hooks import Aggregator
from cdt_core.testing import ContractError, check_aggregator

BROKEN = {
    "first": "the order of the sites changes the result",
    "summed_to_one": r"shape \(\), not \(3,\)",
    "cubed": "finite updates gave a result that is not finite",
    "rounded": "dtype int64, not a floating-point one",
    "sorts_in_place": "it changed the arrays that it was given",
    "drifting": "a second call gives something else",
}


def offer(function: str, **more: float) -> Aggregator:
    return Aggregator(name="x", function=f"tests.testing.broken:{function}", **more)


def test_good_aggregators_pass() -> None:
    check_aggregator(offer("mean", additive=True))
    check_aggregator(offer("middle", breakdown=0.5))


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_aggregator_is_found(fault: str) -> None:
    with pytest.raises(ContractError, match=f"aggregator 'x' of .*{BROKEN[fault]}"):
        check_aggregator(offer(fault))


def test_a_rule_that_is_no_sum_is_not_additive() -> None:
    with pytest.raises(ContractError, match="declared additive, but it is not linear"):
        check_aggregator(offer("middle", additive=True))


def test_a_rule_that_breaks_earlier_than_it_says_is_found() -> None:
    with pytest.raises(ContractError, match=r"declares breakdown 0.5, but \d hostile updates move it by"):
        check_aggregator(offer("mean", breakdown=0.5))


def test_a_rule_may_refuse_few_sites() -> None:
    with pytest.raises(ContractError, match=r"of 1 sites.*needs 3"):
        check_aggregator(Aggregator(name="x", function=f"{__name__}:three_or_more"))
    check_aggregator(Aggregator(name="x", function=f"{__name__}:three_or_more"), min_sites=3)


def three_or_more(updates, weights):
    if len(updates) < 3:
        raise ValueError("needs 3")
    return updates.mean(axis=0)
