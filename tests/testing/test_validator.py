"""check_validator passes good validators, the core's own included, and names what is wrong with broken ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from cdt_core.hooks import Processor, Validator
from cdt_core.model import Bound
from cdt_core.testing import ContractError, SampleVariable, check_validator, sample_variables, strategies
from cdt_core.validators.offers import VALIDATORS

HERE = "tests.testing.broken:"

BROKEN = {
    "CannotBeMade": "making it raised ValueError: no",
    "WithoutMerge": "has no merge",
    "StateOfObjects": "the state after start does not survive JSON: .*set",
    "StateOfTuples": "the state after start comes back changed from JSON",
    "ChangesTheBlock": "update changed the values of the block",
    "ChangesTheRight": "merge changed the state on its right",
    "KeepsTheLast": "merging is not commutative",
    "AveragesPairs": "merging is not associative",
    "CountsTheStart": "a start state changes what",
    "FailsOnEmpty": "zero-size array",
    "FailsOnNan": "raised AssertionError",
    "DrawsLots": "the same block gives another state",
    "Undeclared": "'x.other' is not among the declared checks",
    "AboutAnother": "is about 'another', which it was not given",
    "ValueIsNan": "value nan says nothing",
    "ValueIsNumpy": "is a float32; give an int, float, str or None",
    "EvidenceOfArrays": "is not plain JSON",
    "NoFinding": "is a dict, not a Finding",
    "FailsAtTheEnd": "raised KeyError while making findings",
}


def offer(function: str, **more: str) -> Validator:
    return Validator(name="x", function=HERE + function, checks=("x.spread", "x.names"), **more)


def test_a_good_validator_passes() -> None:
    check_validator(offer("Spread"))


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_validator_is_found(fault: str) -> None:
    with pytest.raises(ContractError, match=f"(?s)validator 'x' on .*{BROKEN[fault]}"):
        check_validator(offer(fault))


def test_order_may_be_allowed_to_matter() -> None:
    check_validator(offer("KeepsTheLast"), ordered=True)


def test_rounding_is_told_from_a_difference() -> None:
    sample = SampleVariable(np.arange(6.0), np.arange(6.0))
    with pytest.raises(ContractError, match=r"not associative|not commutative"):
        check_validator(offer("AveragesPairs"), [SampleVariable(*[np.array([[1.0, 9], [4, 2]])] * 2)])
    check_validator(offer("Spread"), [sample], tolerance=0.0)


def test_a_good_dataset_validator_passes() -> None:
    check_validator(offer("names_of", scope="dataset"))


def test_broken_dataset_validators_are_found() -> None:
    with pytest.raises(ContractError, match=r"on subject \d \(no variable\) raised StopIteration"):
        check_validator(offer("needs_a_variable", scope="dataset"))
    with pytest.raises(ContractError, match="a second run finds something else"):
        check_validator(offer("counts_calls", scope="dataset"))


def test_what_is_no_validator_is_refused() -> None:
    with pytest.raises(ContractError, match="is a Processor, not a Validator descriptor"):
        check_validator(Processor(name="x", function="a:b"))  # type: ignore[arg-type]
    with pytest.raises(ContractError, match="has no attribute 'Absent'"):
        check_validator(offer("Absent"))


@pytest.mark.parametrize("validator", VALIDATORS, ids=lambda v: v.name)
def test_the_validators_of_the_core_keep_the_contract(validator: Validator) -> None:
    check_validator(validator)


@pytest.mark.parametrize("validator", [v for v in VALIDATORS if v.scope == "variable"], ids=lambda v: v.name)
def test_the_validators_of_the_core_keep_the_contract_on_whatever_is_drawn(validator: Validator) -> None:
    @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        strategies.variables(validator.dtype_kinds, min_ndim=validator.min_ndim, max_ndim=max(3, validator.min_ndim))
    )
    def holds(sample: SampleVariable) -> None:
        check_validator(validator, [sample], tolerance=1e-6)

    holds()


def test_samples_keep_the_bound_that_they_state() -> None:
    for sample in sample_variables():
        if sample.bound == Bound("lossless"):
            assert sample.treated.tobytes() == sample.original.tobytes()
        else:
            error = np.abs(sample.treated.astype("f8") - sample.original.astype("f8"))
            assert error.max() <= sample.bound.value
