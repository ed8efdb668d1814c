"""The sampler does what Ocean asks of samplers, with the problems and the units of dimod."""

from __future__ import annotations

import importlib
import sys
import unittest

import dimod
import dimod.testing
import numpy as np
import pytest
from dimod.exceptions import SamplerUnknownArgWarning
from hypothesis import given, settings
from hypothesis import strategies as st

from cdt_core.errors import AnnealError
from cdt_core.interop.dimod import CdtSampler
from cdt_core.kernels.anneal import METHODS, Problem, default_range
from tests.kernels.anneal.problems import REAL, WHOLE, isings


def model(vartype="SPIN", size=9, seed=0):
    rng = np.random.default_rng(seed)
    names = [f"q{k}" for k in range(size)]
    pairs = {(names[i], names[j]): int(rng.integers(-3, 4)) for i in range(size) for j in range(i)}
    return dimod.BQM({name: int(rng.integers(-3, 4)) for name in names}, pairs, 2, vartype)


@dimod.testing.load_sampler_bqm_tests(lambda: CdtSampler(), max_num_variables=20)
class TestModelsOfDimod(unittest.TestCase):
    """What dimod tests each sampler with."""


def test_it_is_a_sampler():
    dimod.testing.assert_sampler_api(CdtSampler())
    with CdtSampler() as sampler:
        assert sampler.properties["methods"] == tuple(METHODS)
        assert set(sampler.parameters["beta_schedule_type"]) <= set(sampler.properties)


@pytest.mark.parametrize("numbers", [WHOLE, REAL])
@settings(max_examples=30)
@given(data=st.data())
def test_energies_are_those_of_the_model(numbers, data):
    h, pairs, offset = data.draw(isings(numbers))
    vartype = data.draw(st.sampled_from(["SPIN", "BINARY"]))
    bqm = dimod.BQM(dict(enumerate(h)), pairs, offset, vartype)
    found = CdtSampler().sample(bqm, num_reads=5, num_sweeps=3, seed=1)
    assert found.vartype is bqm.vartype
    assert found.record.num_occurrences.sum() == 5
    dimod.testing.assert_response_energies(found, bqm, precision=6)


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
@pytest.mark.parametrize("method", METHODS)
def test_it_finds_the_lowest_energy(vartype, method):
    bqm = model(vartype)
    exact = dimod.ExactSolver().sample(bqm).first.energy
    assert CdtSampler().sample(bqm, seed=1, num_sweeps=200, method=method).first.energy == exact


def test_isings_and_qubos_need_no_model():
    sampler = CdtSampler()
    assert sampler.sample_ising({"a": 1}, {("a", "b"): 3}, seed=1).first.sample == {"a": -1, "b": 1}
    assert sampler.sample_ising([1, 1], {}, seed=1).first.energy == -2
    assert sampler.sample_qubo({("a", "a"): -1, ("a", "b"): 3, ("b", "b"): -2}, seed=1).first.sample == {"a": 0, "b": 1}


def test_composed_samplers_take_it():
    composed = dimod.StructureComposite(CdtSampler(), ["q0", "q1"], [("q0", "q1")])
    dimod.testing.assert_composite_api(composed)
    assert composed.sample_ising({"q0": 1}, {("q0", "q1"): -1}, seed=1).first.energy == -2


def test_a_seed_is_enough_to_repeat_a_run():
    bqm, options = model(size=12), {"num_reads": 20, "num_sweeps": 1}
    one, two = (CdtSampler().sample(bqm, seed=5, **options) for _ in range(2))
    assert np.array_equal(one.record.sample, two.record.sample)
    drawn = CdtSampler().sample(bqm, **options)
    again = CdtSampler().sample(bqm, seed=drawn.info["seed"], **options)
    assert np.array_equal(drawn.record.sample, again.record.sample)
    assert drawn.info["seed"] != CdtSampler().sample(bqm, **options).info["seed"]


def test_reads_of_one_seed_differ():
    signs = np.random.default_rng(4).choice([-1, 1], (60, 60))
    glass = dimod.BQM({}, {(i, j): signs[i, j] for i in range(60) for j in range(i)}, 0, "SPIN")
    assert len(CdtSampler().sample(glass, num_reads=64, num_sweeps=1, seed=3)) > 32


def test_default_betas_are_told():
    bqm = model()
    found = CdtSampler().sample(bqm)
    hot, cold = default_range(Problem.from_bqm(bqm))
    assert found.info["beta_range"] == pytest.approx([hot, cold])
    assert found.info["num_sweeps"] == 1000
    assert found.info["beta_schedule_type"] == "geometric"
    assert set(found.info["timing"]) == {"preprocessing_ns", "sampling_ns", "postprocessing_ns"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"beta_range": (0.25, 4), "num_sweeps": 5}, [0.25, 0.5, 1, 2, 4]),
        (
            {"beta_range": [1, 3], "num_sweeps": 6, "num_sweeps_per_beta": 2, "beta_schedule_type": "linear"},
            [1, 1, 2, 2, 3, 3],
        ),
        ({"beta_range": [0, 2], "num_sweeps": 2, "beta_schedule_type": "linear"}, [0, 2]),
        ({"beta_range": (0.1, 3), "num_sweeps": 1}, [3]),
        ({"beta_range": (0.1, 3), "num_sweeps": 4, "num_sweeps_per_beta": 4}, [3, 3, 3, 3]),
        ({"beta_schedule_type": "custom", "beta_schedule": [0.5, 0.1, 2]}, [0.5, 0.1, 2]),
        ({"beta_schedule_type": "custom", "beta_schedule": (1, 2), "num_sweeps_per_beta": 2}, [1, 1, 2, 2]),
        ({"beta_schedule_type": "custom", "beta_schedule": [1, 2], "num_sweeps": 2}, [1, 2]),
    ],
)
def test_schedules_are_what_was_asked_for(options, expected, monkeypatch):
    used = []
    monkeypatch.setattr("cdt_core.interop.dimod.anneal", recording(used))
    CdtSampler().sample(model(), **options)
    assert used[0]["schedule"] == pytest.approx(expected, rel=1e-12)


def recording(used):
    """The real thing, which tells what it was asked for."""
    from cdt_core.kernels.anneal import anneal

    def watched(problem, reads, sweeps, method, **options):
        used.append(options)
        return anneal(problem, reads, sweeps, method, **options)

    return watched


def test_a_run_that_is_interrupted_returns_what_it_has():
    asked = []
    found = CdtSampler().sample(model(), num_sweeps=10**6, interrupt_function=lambda: asked.append(1) or True)
    assert found.info["interrupted"]
    assert found.info["num_sweeps"] < 10**6
    assert len(asked) == 1
    assert not CdtSampler().sample(model(), num_sweeps=5, interrupt_function=lambda: False).info["interrupted"]


def test_a_model_of_nothing_has_its_offset():
    found = CdtSampler().sample(dimod.BQM({}, {}, 4.5, "SPIN"), num_reads=3)
    assert found.record.energy.tolist() == [4.5]
    assert found.record.num_occurrences.tolist() == [3]
    assert list(found.variables) == []
    assert set(found.info) == set(CdtSampler().sample(model(), num_sweeps=5).info)


def test_what_it_does_not_know_is_ignored_with_a_warning():
    with pytest.warns(SamplerUnknownArgWarning, match="randomize_order"):
        found = CdtSampler().sample(model(), num_sweeps=5, randomize_order=True)
    assert len(found)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"num_reads": 0}, "reads"),
        ({"num_sweeps": 0}, "num_sweeps is 0"),
        ({"num_sweeps": 2.5}, "num_sweeps is 2.5"),
        ({"num_sweeps": 7, "num_sweeps_per_beta": 2}, "positive multiple of num_sweeps_per_beta, 2"),
        ({"num_sweeps_per_beta": 0}, "num_sweeps_per_beta is 0"),
        ({"beta_range": (1, 2, 3)}, "two betas"),
        ({"beta_range": (-1, 2)}, "beta"),
        ({"beta_range": (0, 2)}, "beta"),
        ({"beta_range": ("a", "b")}, "beta_range is .*; betas are real numbers"),
        ({"beta_range": (None, 1)}, "beta_range is"),
        ({"beta_range": (1, 10**400)}, "beta_range is"),
        ({"beta_range": ((1, 2), (3,))}, "beta_range is no array"),
        ({"beta_range": (np.nan, 1), "num_sweeps": 1}, "beta_range is"),
        ({"beta_range": (-1e308, 1.7e308), "beta_schedule_type": "linear"}, "beta_range is"),
        ({"beta_schedule_type": "custom", "beta_schedule": "abc"}, "beta_schedule is 'abc'"),
        ({"beta_schedule_type": "custom", "beta_schedule": [1, [2]]}, "beta_schedule is no array"),
        ({"num_sweeps": 10**12}, "num_sweeps is 1000000000000; a run has at most"),
        ({"interrupt_function": 3}, "interrupt_function is 3"),
        ({"beta_range": (1, np.inf)}, "beta"),
        ({"beta_schedule_type": "exponential"}, "one of geometric, linear, custom"),
        ({"beta_schedule_type": "custom"}, "beta_schedule is None"),
        ({"beta_schedule": [1, 2]}, "not 'geometric'"),
        ({"beta_schedule_type": "custom", "beta_schedule": [1, 2], "num_sweeps": 3}, "each of 3 steps"),
        ({"beta_schedule_type": "custom", "beta_schedule": [1, 2], "beta_range": (1, 2)}, "without beta_range"),
        ({"beta_schedule_type": "custom", "beta_schedule": [1, np.nan]}, "beta"),
        ({"beta_schedule_type": "custom", "beta_schedule": []}, "num_sweeps is 0"),
        ({"seed": -1}, "seed"),
        ({"method": "magic"}, "magic"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(options, what):
    for bqm in (model(), dimod.BQM("SPIN")):
        with pytest.raises(AnnealError, match=what):
            CdtSampler().sample(bqm, **options)


def test_what_is_no_model_is_refused():
    with pytest.raises(AnnealError, match="int is no binary quadratic model"):
        CdtSampler().sample(3)


def test_biases_that_are_not_finite_are_named():
    with pytest.raises(AnnealError, match=r"linear\['a'\] is nan"):
        CdtSampler().sample_ising({"a": np.nan}, {})


def test_without_dimod_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dimod", None)
    monkeypatch.delitem(sys.modules, "cdt_core.interop.dimod")
    with pytest.raises(ImportError, match=r"pip install 'cdt\[dimod\]'"):
        importlib.import_module("cdt_core.interop.dimod")
