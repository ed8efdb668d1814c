"""Settings that cannot win are not tried, slow ones only on a part, and of many alike variables few are measured in full."""

from __future__ import annotations

import numpy as np
import pytest

import cdt_core as cdt
from cdt_core.hooks.contracts import Encoded
from cdt_core.hooks.descriptor import CodecOffer
from cdt_core.model import Bound, VariableProfile, VariableSpec
from cdt_core.planning import trial
from cdt_core.planning.grids import bytes_of
from cdt_core.planning.settings import Scope, trials_of
from cdt_core.planning.trial import Form, Samples
from tests.planning.test_make import dataset

EXACT, HALF = Bound("lossless"), Bound("abs", 0.5)
VALUES = 1000


class Sized:
    """Streams take 100 bytes less per setting, lossless ones ``times`` as many bytes; each block that is encoded is noted."""

    times, calls = 1, []

    def __init__(self, parameters, bound, missing):
        self.setting, self.bound = parameters["setting"], bound

    @classmethod
    def candidates(cls, spec, profile, bound, objective):
        return [{"setting": number} for number in range(3)]

    def encode(self, values):
        Sized.calls.append((self.setting, self.bound.kind, values.size))
        more = (values.nbytes - 100 * self.setting * values.size // VALUES) * (
            Sized.times if self.bound.is_lossless else 1
        )
        return Encoded(values.tobytes() + bytes(more), 0.0, 0)

    def decode(self, stream, shape, dtype):
        return np.frombuffer(stream, dtype, int(np.prod(shape))).reshape(shape)


@pytest.fixture
def tried(monkeypatch):
    monkeypatch.setattr(CodecOffer, "load", lambda self: Sized)
    Sized.times, Sized.calls = 1, []
    offer = CodecOffer(name="sized", function="x:y", dtype_kinds="f", bounds=("abs", "lossless"))
    blocks = (np.arange(float(VALUES)),)
    form, spec = Form("stored", "float64", (), HALF), VariableSpec("v", ("x",), (VALUES,), "float64")
    profile = VariableProfile("v", VALUES)

    def of(**scope):
        samples = Samples(blocks, blocks, ((0,),), 1, VALUES)
        return [each for each, _ in trials_of((offer,), spec, profile, form, Scope(samples, "size", **scope))]

    return of


def test_later_settings_are_left_out_where_the_first_is_far_from_the_smallest(tried):
    assert [each.codec_bound for each in tried()] == [HALF] * 3 + [EXACT] * 3
    Sized.times = 4
    assert [each.codec_bound for each in tried()] == [HALF] * 3 + [EXACT]
    assert [each.codec_bound for each in tried(is_exact_apart=True)] == [HALF] * 3 + [EXACT] * 3


def test_slow_settings_are_tried_on_a_part_that_stands_for_all(tried):
    whole, Sized.calls = tried(), []
    part = tried(slow_values=100)
    assert {size for setting, _, size in Sized.calls if setting == 2} == {100, 1}
    assert [each.parameters for each in part] == [each.parameters for each in whole]
    assert [each.sample_bytes for each in part] == pytest.approx([each.sample_bytes for each in whole], rel=0.01)


def test_of_many_alike_variables_few_compare_grids_in_vain(monkeypatch):
    compared = []
    monkeypatch.setattr("cdt_core.planning.options.bytes_of", lambda *args: compared.append(1) or bytes_of(*args))
    noise = np.random.default_rng(0).normal(size=(40, 256, 256)).astype("f4")

    def count(variables):
        compared.clear()
        cdt.plan(dataset(**{f"v{n}": noise[n] for n in range(variables)}), bound="rel:1e-3")
        return len(compared)

    assert count(40) == count(7) > 0


def test_of_many_alike_small_variables_few_are_decoded(monkeypatch):
    decoded, decode = [], trial._decoded
    monkeypatch.setattr(trial, "_decoded", lambda *args: decoded.append(1) or decode(*args))
    values = np.random.default_rng(0).normal(size=100)

    def count(variables):
        decoded.clear()
        plan = cdt.plan(dataset(**{f"v{n}": values for n in range(variables)}), bound="rel:1e-3")
        assert all(option.seconds for each in plan.variables for option in each.candidates)
        return len(decoded)

    assert count(40) == count(7) > 0
