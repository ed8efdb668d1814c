"""check_processor passes good processors, the core's own included, and names what is wrong with broken ones."""

from __future__ import annotations

import pytest

from cdt_core.builtin import cdt_processors
from cdt_core.hooks import Processor
from cdt_core.testing import ContractError, check_processor

BROKEN = {
    "widened": "dtype float32 became float64",
    "flattened": r"shape \(\) became \(1,\)",
    "in_place": "raised (ValueError|UFuncTypeError)",
    "writes_if_it_can": "it changed the array that it was given",
    "noisy": "a second call gives something else",
}


def offer(function: str) -> Processor:
    return Processor(name="x", function=f"tests.testing.broken:{function}", dtype_kinds="f")


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_good_processor_passes() -> None:
    check_processor(offer("doubled"), pointwise=True)
    check_processor(offer("doubled"), factor=3)


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_processor_is_found(fault: str) -> None:
    with pytest.raises(ContractError, match=f"processor 'x' on .*{BROKEN[fault]}"):
        check_processor(offer(fault))


def test_a_processor_that_sees_the_chunk_grid_is_found_on_request() -> None:
    check_processor(offer("centred"))
    with pytest.raises(ContractError, match="by itself gives something else, so it is not pointwise"):
        check_processor(offer("centred"), pointwise=True)


def test_the_processors_of_the_core_keep_the_contract() -> None:
    (mask_values,) = cdt_processors()
    check_processor(mask_values, pointwise=True, codes=[-9999.0, 1.5])
