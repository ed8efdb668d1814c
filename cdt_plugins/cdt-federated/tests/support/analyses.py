"""One analysis of each kind, a table for all of them, and a federation that answers them over rounds."""

from __future__ import annotations

import numpy as np
from federation import key_of

from cdt_federated.rounds import Coordinator, InProcess, Member, Roster, Site
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
)

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


def table(rows=120, origin=0.0):
    """Columns of all analyses; ``y`` lies around ``origin``."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=rows)
    return {
        "x": x,
        "y": origin + rng.normal(size=rows) + x,
        "ill": rng.random(rows) < 1 / (1 + np.exp(-x)),
        "arm": rng.choice(["p", "q"], rows),
        "visits": rng.poisson(np.exp(0.2 * x)),
        "days": rng.exponential(6, rows),
        "g": rng.binomial(2, 0.4, (rows, 3)),
    }


def study_of(names, weight=1.0):
    """A roster of these sites."""
    members = tuple(Member.of(name, key_of(name), weight) for name in names)
    return Roster("study", Member.of("hub", key_of("hub")), members)


def asking(roster, answers, faults=None, **how):
    """What asks sites over rounds, each answering in its own way, and the sites' carrier of messages."""
    deliver = InProcess([Site(name, key_of(name), roster, answer) for name, answer in answers.items()], faults)
    return Asking(Coordinator(roster, key_of("hub")), deliver, **how), deliver
