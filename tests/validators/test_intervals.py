from __future__ import annotations

import pytest

from cdt_core.validators.intervals import student, wilson


@pytest.mark.parametrize(
    ("freedom", "point"),
    [(2, 4.3027), (3, 3.1824), (5, 2.5706), (7, 2.3646), (10, 2.2281), (30, 2.0423), (1000, 1.9623)],
)
def test_student_is_near_the_tables(freedom, point):
    assert student(freedom) == pytest.approx(point, rel=8e-3 if freedom < 3 else 2e-3)


def test_wilson_is_wide_for_few_and_stays_within_shares():
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
