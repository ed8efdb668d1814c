"""Analyses through real secure sums are those in one process, or refused: no sum is clipped or rounded away in silence."""

from __future__ import annotations

import hashlib

import attrs
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdt_core.errors import FederatedError
from cdt_federated.rounds import Coordinator, Faults, InProcess, Member, Roster, Site
from cdt_federated.statistics import (
    AlleleFrequencies,
    Asking,
    Association,
    ChiSquare,
    Cox,
    Histogram,
    KaplanMeier,
    LinearRegression,
    LogisticRegression,
    LogRank,
    Moments,
    PoissonRegression,
    TTest,
    answering,
    run,
)
from cdt_federated.training import Secure, Verified

pytest.importorskip("cdt_privacy.secure")

GRID = [2.0, 4, 8, 16]
ANALYSES = {
    "moments": Moments(["x", "y"]),
    "histogram": Histogram("x", [-1, 0, 1]),
    "t-test": TTest("x", "arm", ("p", "q")),
    "chi-square": ChiSquare("arm", ("p", "q"), "ill", (False, True)),
    "alleles": AlleleFrequencies("g", 3),
    "association": Association("y", "g", 3, ["x"]),
    "case-control": Association("ill", "g", 3, ["x"], model="logistic"),
    "linear": LinearRegression("y", ["x"]),
    "logistic": LogisticRegression("ill", ["x", "y"]),
    "Poisson": PoissonRegression("visits", ["x"]),
    "Kaplan-Meier": KaplanMeier("days", "ill", times=GRID),
    "log-rank": LogRank("days", "ill", "arm", ("p", "q"), times=GRID),
    "Cox": Cox("days", "ill", ["x"], times=GRID),
    "Cox by site": Cox("days", "ill", ["x"], strata="sites"),
}


def table(rows=120):
    rng = np.random.default_rng(6)
    x = rng.normal(size=rows)
    return {
        "x": x,
        "y": 140 + rng.normal(size=rows) + x,
        "ill": rng.random(rows) < 1 / (1 + np.exp(-x)),
        "arm": rng.choice(["p", "q"], rows),
        "visits": rng.poisson(np.exp(0.2 * x)),
        "days": rng.exponential(6, rows),
        "g": rng.binomial(2, 0.4, (rows, 3)),
        "gram": x * 1e-9,
    }


def federation(tables, clip=1e6, bits=64, weight=1.0, **how):
    keys = {
        name: Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()) for name in ("hub", *tables)
    }
    members = tuple(Member.of(name, keys[name], weight) for name in tables)
    way = Secure(
        roster=Roster("study", Member.of("hub", keys["hub"]), members), clip=clip, bits=bits, adversary="semi-honest"
    )
    sites = [
        Site(name, keys[name], way.roster, answering(own, attrs.evolve(way, key=keys[name])))
        for name, own in tables.items()
    ]
    deliver = InProcess(sites, how.pop("faults", None))
    return Asking(Coordinator(way.roster, keys["hub"]), deliver, way, **how), deliver


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
