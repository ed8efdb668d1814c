"""Offers that are fine to look at and fail when they are used: what each kind of failure costs, and what it does not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from attrs import evolve

import cdt_core as cdt
from cdt_core.errors import ReaderError, TreatmentError
from cdt_core.planning.settings import Scope, trials_of
from cdt_core.planning.trial import Form, Samples
from cdt_core.testing import SampleVariable
from tests.hooks.conftest import Shelf

READER = """
    @hookimpl
    def cdt_readers():
        return [Reader(name="eager", function="HERE:read", patterns=("*.npy",), magic=(Magic(0, b"\\x93"),), priority=9)]

    def read(source, allow_partial):
        raise UnicodeError("of all things")
"""


def test_when_one_reader_fails_the_next_is_tried(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("eager", READER)
    np.save(tmp_path / "a.npy", np.arange(5.0))
    np.testing.assert_array_equal(cdt.open(tmp_path / "a.npy")["array"], np.arange(5.0))
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY and no more")
    with pytest.raises(ReaderError, match=r"(?s)as eager: .*UnicodeError: of all things.*as npy: .*version"):
        cdt.open(tmp_path / "b.npy")


VALIDATOR = """
    @hookimpl
    def cdt_validators():
        return [Validator(name="bad.check", function="HERE:Bad", checks=("bad.one", "bad.two"))]

    class Bad:
        def __init__(self, spec, profile, bound):
            self.made = True
        def start(self):
            return {}
        def update(self, state, block):
            return state
        def merge(self, left, right):
            return left
        def finish(self, state):
            return []
"""

BAD_VALIDATORS = {
    "cannot-be-loaded": ("class Bad", "class Worse"),
    "cannot-be-made": ("self.made = True", "raise KeyError('spec')"),
    "cannot-update": ("return state", "raise KeyError('block')"),
    "cannot-finish": ("return []", "raise KeyError('state')"),
    "cannot-finish-late": ("return []", "yield from [1 / 0]"),
}


@pytest.mark.parametrize("fault", BAD_VALIDATORS)
def test_a_validator_that_crashes_is_a_failed_finding(
    shelf: Shelf, data: xr.Dataset, tmp_path: Path, fault: str
) -> None:
    before, after = BAD_VALIDATORS[fault]
    shelf.put("bad", VALIDATOR.replace(before, after))
    treated = cdt.treat(data, tmp_path / "out", bound="rel:1e-3")
    (crashed,) = [finding for finding in treated.findings if finding.check == "core.validator_crashed"]
    assert (crashed.variable, crashed.verdict) == ("u", "fail")
    assert crashed.evidence["checks"] == ["bad.one", "bad.two"]
    assert "bad.check" in crashed.message
    assert treated.certificate.level == "NONE"
    assert {"core.max_error", "core.missing_share"} <= {f.check for f in treated.findings if f.verdict == "pass"}


def test_a_validator_of_the_dataset_that_crashes_is_a_failed_finding(
    shelf: Shelf, data: xr.Dataset, tmp_path: Path
) -> None:
    offer = 'Validator(name="bad.all", function="HERE:look", scope="dataset", checks=("bad.all",))'
    hook = f"\n@hookimpl\ndef cdt_validators():\n    return [{offer}]\n\n"
    shelf.put("bad", f"{hook}def look(subject):\n    return subject.nothing")
    treated = cdt.treat(data, tmp_path / "out")
    (crashed,) = [finding for finding in treated.findings if finding.check == "core.validator_crashed"]
    assert (crashed.verdict, crashed.evidence["checks"]) == ("fail", ["bad.all"])
    assert treated.certificate.level == "NONE"


BAD_PROCESSORS = {
    "raise ValueError('out of order')": "ValueError: out of order",
    "return values[1:]": "changed shape or dtype",
    "return values.astype('f8')": "changed shape or dtype",
    "return None": "changed shape or dtype",
}


@pytest.mark.parametrize("body", BAD_PROCESSORS)
def test_a_processor_that_fails_ends_the_treatment_that_asked_for_it(
    shelf: Shelf, data: xr.Dataset, tmp_path: Path, body: str
) -> None:
    hook = (
        "\n@hookimpl\ndef cdt_processors():\n    return [Processor(name='bad', function='HERE:f', dtype_kinds='f')]\n\n"
    )
    shelf.put("bad", f"{hook}def f(values, spec, start):\n    {body}")
    with pytest.raises(cdt.CdtError, match=f"variable 'u'.*{BAD_PROCESSORS[body]}"):
        cdt.treat(data, tmp_path / "out", processors={"u": ["bad"]})
    assert not (tmp_path / "out").exists()
    cdt.treat(data, tmp_path / "out")


#: Gives back something else than it was given: as everything 0, by a little more than the bound, or missing its last value.
WRONG = {
    "np.zeros(shape, dtype)": "does not give back the values",
    "np.frombuffer(stream, dtype).reshape(shape) + dtype.type(0.011 * self.lossy)": "does not keep its promise: 2000 values",
    "np.zeros(3, dtype)": "decodes .* to \\(3,\\)",
}


@pytest.mark.parametrize("decoded", WRONG)
def test_a_codec_that_decodes_other_values_is_no_candidate(
    shelf: Shelf, data: xr.Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture, decoded: str
) -> None:
    """A plan never relies on it, however small its chunks are."""
    forgetful = CODEC.replace("pass", "self.lossy = not bound.is_lossless").replace(
        'raise ValueError("no room")',
        f"""from cdt_core.hooks.contracts import Encoded

            return Encoded(values.tobytes())

        def decode(self, stream, shape, dtype):
            import numpy as np

            return {decoded}
""",
    )
    shelf.put("bad", forgetful)
    treated = cdt.treat(data, tmp_path / "out", bound="abs:0.01", objective="size")
    assert treated.plan["u"].codec != "bad"
    assert re.search(f"left out codec bad: PlanError: {WRONG[decoded]}", caplog.text)


def test_a_codec_that_is_wrong_all_the_same_is_caught_before_anything_is_kept(
    shelf: Shelf, data: xr.Dataset, tmp_path: Path
) -> None:
    """A plan by hand names it, so nothing was tried: every chunk is decoded and compared."""
    zeros = """from cdt_core.hooks.contracts import Encoded

            return Encoded(b"")

        def decode(self, stream, shape, dtype):
            import numpy as np

            return np.zeros(shape, dtype)
"""
    shelf.put("bad", CODEC.replace('raise ValueError("no room")', zeros))
    planned = cdt.plan(data)
    by_hand = evolve(planned, variables=(evolve(planned["u"], codec="bad", parameters={}),))
    with pytest.raises(TreatmentError, match=r"variable 'u', block at \(0, 0\): codec 'bad'"):
        cdt.treat(data, tmp_path / "out", plan=by_hand)
    assert not (tmp_path / "out").exists()


BAD_POLICIES = {
    "raises": "raise OSError('no thresholds today')",
    "is-no-json": "return 'at most 3'",
    "has-unknown-fields": 'return \'{"name": "x", "rules": {}, "mood": 1}\'',
    "returns-nothing": "return None",
}


@pytest.mark.parametrize("fault", BAD_POLICIES)
def test_a_policy_that_cannot_be_read_leaves_the_policy_in_force_alone(
    shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    """Only its own rules are lost, so what they would have judged stays unassessed; naming it is an error."""
    source = (
        "\n@hookimpl\ndef cdt_policies():\n    return [Policy(name='bad', function='HERE:text')]\n\ndef text():\n    "
    )
    shelf.put("bad", source + BAD_POLICIES[fault])
    treated = cdt.treat(np.arange(12.0), tmp_path / "out")
    assert treated.certificate.level
    assert "policy 'bad'" in caplog.text
    with pytest.raises(cdt.CdtError, match="policy 'bad'"):
        cdt.treat(np.arange(12.0), tmp_path / "other", policy="bad")
    assert not (tmp_path / "other").exists()


CODEC = """
    @hookimpl
    def cdt_codecs():
        return [CodecOffer(name="bad", function="HERE:Bad", dtype_kinds="iuf", bounds=("lossless", "abs"))]

    class Bad:
        def __init__(self, parameters, bound, missing):
            pass

        @classmethod
        def candidates(cls, spec, profile, bound, objective):
            return [{}]

        def encode(self, values):
            raise ValueError("no room")
"""

BAD_CODECS = {
    "cannot-be-loaded": (CODEC.replace("class Bad", "class Worse"), "has no attribute 'Bad'"),
    "cannot-be-made": (CODEC.replace("pass", "raise KeyError('level')"), "KeyError: 'level'"),
    "cannot-list-candidates": (CODEC.replace("return [{}]", "return 1 / 0"), "ZeroDivisionError"),
    "cannot-encode": (CODEC, "ValueError: no room"),
}


@pytest.mark.parametrize("fault", BAD_CODECS)
def test_a_codec_that_fails_is_no_candidate_and_the_others_are(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    source, reason = BAD_CODECS[fault]
    shelf.put("bad", source)
    (planned,) = cdt.plan(np.linspace(0, 1, 300), bound="abs:1e-3").variables
    assert "bad" not in {candidate.codec for candidate in planned.candidates}
    assert len(planned.candidates) > 1
    assert re.search(f"variable 'array': left out codec bad: .*{reason}", caplog.text)


def test_when_every_codec_fails_the_plan_says_why(shelf: Shelf) -> None:
    shelf.put("bad", CODEC)
    sample = SampleVariable(np.arange(5.0), np.arange(5.0))
    form = Form("stored", "float64", (), cdt.Bound("lossless"))
    blocks = Samples((sample.original,), (sample.original,), ((0,),), chunks=1, chunk_values=5)
    with pytest.raises(cdt.CdtError, match="no codec could be tried: bad: ValueError: no room"):
        trials_of((shelf.catalog.codec("bad"),), sample.spec, sample.profile, form, Scope(blocks, "balanced"))
