"""Analyses through real secure sums are those in one process, or refused: no sum is clipped or rounded away in silence."""

from __future__ import annotations

import analyses
import attrs
import numpy as np
import pytest
from analyses import ANALYSES, asking, study_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from federation import key_of

from cdt_core.errors import FederatedError
from cdt_federated.rounds import Faults, Member, Roster
from cdt_federated.statistics import (
    Histogram,
    Moments,
    TTest,
    answering,
    run,
)
from cdt_federated.training import Secure, Verified

pytest.importorskip("cdt_privacy.secure")


def table():
    """Values far from zero, and smaller than what a lattice tells apart."""
    columns = analyses.table(origin=140.0)
    return {**columns, "gram": columns["x"] * 1e-9}


def federation(tables, clip=1e6, bits=64, weight=1.0, faults=None, **how):
    way = Secure(roster=study_of(tables, weight), clip=clip, bits=bits, adversary="semi-honest")
    answers = {name: answering(own, attrs.evolve(way, key=key_of(name))) for name, own in tables.items()}
    return asking(way.roster, answers, faults, carrier=way, **how)


def numbers(found):
    """All numbers of what was found."""
    if isinstance(found, tuple):
        return np.concatenate([numbers(each) for each in found])
    fields = attrs.asdict(found, recurse=False)
    kept = [np.ravel(value) for name, value in fields.items() if name != "questions" and value is not None]
    return np.concatenate([each.astype(np.float64) for each in kept if each.dtype.kind in "iufb"])


@pytest.mark.parametrize("analysis", ANALYSES.values(), ids=ANALYSES)
def test_secure_sums_find_what_one_process_does(analysis, split):
    tables = split(table())
    ask, _ = federation(tables)
    found, plain = run(analysis, ask), run(analysis, tables)
    np.testing.assert_allclose(numbers(found), numbers(plain), rtol=1e-8, atol=1e-10)


def test_a_site_that_drops_out_of_secure_sums_is_not_in_the_analysis():
    tables = {f"site {at}": {name: column[at::5] for name, column in table().items()} for at in range(5)}
    ask, _ = federation(tables, minimum=4, faults=Faults(dropped=frozenset({("site 1", "masked")})))
    tables.pop("site 1")
    found, plain = run(Moments(["x"]), ask), run(Moments(["x"]), tables)
    np.testing.assert_allclose(numbers(found), numbers(plain), rtol=1e-8)


def test_sums_above_the_clip_are_not_sent(split):
    ask, deliver = federation(split(table()), clip=50.0)
    with pytest.raises(FederatedError, match="failed"):
        run(Moments(["y"]), ask)
    assert "exceed the clip of secure/64/clip=50.0" in str(deliver.failures["site 0"])


def test_a_ring_of_32_bits_carries_counts_alone(split):
    tables = split(table())
    ask, _ = federation(tables, clip=1e4, bits=32)
    counts = Histogram("x", [-1, 0, 1])
    np.testing.assert_array_equal(run(counts, ask).counts, run(counts, tables).counts)
    with pytest.raises(FederatedError, match="too coarsely for anything but counts; use bits=64"):
        run(Moments(["x"]), ask)


def test_counts_that_rounding_would_change_are_refused(split):
    """At a clip of 1e9 in a ring of 32 bits each site's counts are rounded to whole steps of 1."""
    ask, _ = federation(split(table()), clip=1e9, bits=32)
    with pytest.raises(FederatedError, match=r"rounds sums by up to .*, too coarsely for counts; use bits=64"):
        run(Histogram("x", [-1, 0, 1]), ask)


def test_verified_sums_say_their_own_rounding_which_is_far_coarser():
    key = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    members = tuple(Member.of(f"site {n}", Ed25519PrivateKey.from_private_bytes(bytes([n + 2]) * 32)) for n in range(3))
    way = {"roster": Roster("study", Member.of("hub", key), members), "clip": 1024.0, "bits": 64}
    assert Secure(**way).limits(3).rounding < 1e-14
    assert Verified(**way, steps=16).limits(3).rounding == 3 * 1024 / 2**16


@pytest.mark.parametrize(
    "analysis", [Moments(["y", "gram"]), TTest("gram", "arm", ("p", "q"))], ids=["moments", "t-test"]
)
def test_a_column_that_rounding_would_spoil_is_named(analysis, split):
    """Its squares are far below those of the other column, and below the lattice's step."""
    ask, _ = federation(split(table()))
    with pytest.raises(FederatedError, match="'gram' varies too little to be told from the carrier's rounding"):
        run(analysis, ask)


def test_weights_of_the_roster_are_refused(split):
    with pytest.raises(FederatedError, match="give all the weight 1"):
        federation(split(table()), weight=2.0)
