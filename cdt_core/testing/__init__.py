"""What plugin authors test their plugins with: contract checks and hypothesis strategies.

>>> from cdt_core.testing import check_validator
>>> from cdt_core.validators.offers import VALIDATORS
>>> check_validator(VALIDATORS[3])
"""

from __future__ import annotations

from cdt_core.testing import strategies
from cdt_core.testing.aggregator import check_aggregator
from cdt_core.testing.codec import check_codec
from cdt_core.testing.contract import ContractError
from cdt_core.testing.examples import check_examples, modules_with_examples
from cdt_core.testing.processor import check_processor
from cdt_core.testing.reader import check_reader
from cdt_core.testing.sample import SampleVariable, sample_variables
from cdt_core.testing.subject import sample_subjects, subject_of
from cdt_core.testing.validator import check_validator

__all__ = [
    "ContractError",
    "SampleVariable",
    "check_aggregator",
    "check_codec",
    "check_examples",
    "check_processor",
    "check_reader",
    "check_validator",
    "modules_with_examples",
    "sample_subjects",
    "sample_variables",
    "strategies",
    "subject_of",
]
