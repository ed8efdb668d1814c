"""Examples of docstrings do what they say."""

from __future__ import annotations

import pytest

import cdt_federated
from cdt_core.testing import check_examples, modules_with_examples


@pytest.mark.parametrize("name", modules_with_examples(cdt_federated))
def test_examples_run(name):
    check_examples(name)
