"""Quantiles and frequent values, by sketches that merge."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from cdt_core.errors import FederatedError
from cdt_federated.statistics import Quantiles, TopK, run


def test_quantiles_are_within_the_rank_error(how, split):
    values = np.random.default_rng(0).normal(size=20000)
    shares = [0.01, 0.25, 0.5, 0.9]
    found = run(Quantiles("x", shares), split({"x": values}, how))
    ranks = np.searchsorted(np.sort(values), found.values) / 20000
    assert np.abs(ranks - shares).max() <= 2 * found.rank_error
    assert 0 < found.rank_error < 0.01
    assert found.rows == 20000


def test_of_few_values_quantiles_are_exact(split):
    found = run(Quantiles("x", [0, 0.5, 1]), split({"x": np.arange(101.0)}))
    np.testing.assert_array_equal(found.values, [0, 50, 100])
    assert found.rank_error == 0


def test_frequent_values_come_first(how, split):
    counts = {"I10": 50, "E11": 30, "J45": 30, "rare": 2}
    codes = np.repeat(list(counts), list(counts.values()))
    found = run(TopK("code", 4, min_count=3), split({"code": codes}, how))
    assert [(each.value, each.rows) for each in found.values] == [("I10", 50), ("E11", 30), ("J45", 30)]


@pytest.mark.parametrize("written", [b"", b"\x01\x02", bytes(100), "text", None, bytes(1 << 25)])
def test_bytes_that_are_no_sketch_are_refused(written):
    steps = Quantiles("x").steps()
    question = next(steps)
    with pytest.raises(FederatedError, match="a sketch of column 'x'"):
        question.merge(question.start(), {"rows": 1, "left_out": 0, "sketch": written})


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasketches", None)
    with pytest.raises(FederatedError, match=r"cdt-federated\[sketches\]"):
        run(Quantiles("x"), {"a": {"x": [1.0]}})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Quantiles("x", [1.5]), "from 0 to 1"),
        (lambda: Quantiles("x", k=1), "k is 1"),
        (lambda: run(Quantiles("x"), {"a": {"x": []}}), "no site has a value"),
        (lambda: TopK("x", 0), "k is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, said):
    with pytest.raises(FederatedError, match=said):
        make()
