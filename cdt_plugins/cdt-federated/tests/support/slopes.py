"""A training with a known end: sites of unequal weights and quadratic losses, whose common optimum has a formula."""

from __future__ import annotations

import numpy as np
from federation import key_of, roster_of

from cdt_federated.rounds import Site
from cdt_federated.training import Learner

LENGTH, SITES = 6, 5
ROSTER = roster_of(SITES)
RNG = np.random.default_rng(2)
SLOPES = RNG.uniform(0.5, 2, (SITES, LENGTH))
OPTIMA = RNG.normal(size=(SITES, LENGTH))
WEIGHTS = np.array([site.weight for site in ROSTER.sites])
OPTIMUM = WEIGHTS @ (SLOPES * OPTIMA) / (WEIGHTS @ SLOPES)
START = np.zeros(LENGTH)


def gradient_of(name, bad=()):
    at = ROSTER.names.index(name)
    return lambda model, step: (-20 if name in bad else 1) * SLOPES[at] * (model - OPTIMA[at])


def trainees(strategy, carrier=None, bad=()):
    return [
        Site(name, key_of(name), ROSTER, Learner(strategy, gradient_of(name, bad), LENGTH, carrier))
        for name in ROSTER.names
    ]


def distance_of(trained):
    return np.linalg.norm(trained.model - OPTIMUM) / np.linalg.norm(OPTIMUM)
