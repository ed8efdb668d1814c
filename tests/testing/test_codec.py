"""check_codec passes good codecs, the core's own included, and names what is wrong with broken ones."""

from __future__ import annotations

import numpy as np
import pytest

from cdt_core.builtin import cdt_codecs
from cdt_core.hooks import CodecOffer
from cdt_core.testing import ContractError, SampleVariable, check_codec

BROKEN = {
    "ProposesNothing": "proposes nothing under lossless",
    "ProposesObjects": "is not plain JSON",
    "NotLossless": "decode gives other values",
    "ChangesItsInput": "encode changed the values",
    "OtherBytesEachTime": "the same values give other bytes",
    "BytearrayStream": "the stream is a bytearray, not bytes",
    "Flat": r"decode gives \(99,\) float32, not \(9, 11\) float32",
    "LetsErrorsThrough": "a damaged stream raised error, not CorruptStreamError",
    "ZarrCannotRead": "Zarr, by .*nobody.knows.* raised",
    "ZarrReadsOther": "decode gives other values",
}

FIELD = np.linspace(-1, 1, 99, dtype="float32").reshape(9, 11)
HOLES = np.where(FIELD > 0.5, np.nan, np.where(FIELD < -0.5, -0.0, FIELD)).astype("float32")
SAMPLES = [SampleVariable(HOLES, HOLES, name="holes"), SampleVariable(FIELD, FIELD, name="field")]


def offer(function: str, *bounds: str) -> CodecOffer:
    where = f"tests.testing.broken_codecs:{function}"
    return CodecOffer(name="x", function=where, dtype_kinds="f", bounds=bounds or ("lossless",))


def test_a_good_codec_passes() -> None:
    check_codec(offer("Good"))
    check_codec(offer("Good", "lossless", "abs", "pw_rel"), SAMPLES)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_codec_is_found(fault: str) -> None:
    with pytest.raises(ContractError, match=f"codec 'x'.*{BROKEN[fault]}"):
        check_codec(offer(fault), SAMPLES)


def test_a_bound_is_compared_exactly() -> None:
    with pytest.raises(ContractError, match=r"\d+ values are over the bound"):
        check_codec(offer("JustOver", "abs"), SAMPLES)


def test_a_root_mean_square_is_compared_exactly() -> None:
    with pytest.raises(ContractError, match=r"a root mean square error of .* is over the bound"):
        check_codec(offer("JustOver", "rmse"), SAMPLES)


def test_values_that_are_not_numbers_stay_what_they_are() -> None:
    with pytest.raises(ContractError, match="missing codes, NaN or infinities are not what they were"):
        check_codec(offer("LosesNan", "abs"), SAMPLES)


@pytest.mark.parametrize("codec", cdt_codecs(), ids=lambda codec: codec.name)
def test_the_codecs_of_the_core_keep_the_contract(codec: CodecOffer) -> None:
    check_codec(codec)
