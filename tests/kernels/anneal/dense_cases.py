"""Dense problems for tests, and what goes from them to the kernels and to the reference."""

from __future__ import annotations

import numpy as np

from cdt_core.kernels import _anneal
from cdt_core.kernels.reference.anneal_dense import DenseRead

#: Types of couplings, and the largest coupling of a test of each.
KINDS = {"int8": 1, "int8, steps": 40, "int16": 300, "float32": 0}


class Case:
    """A random problem of a kind, and states to start from."""

    def __init__(self, size: int, kind: str, reads: int = 5, seed: int = 0) -> None:
        rng = np.random.default_rng([seed, size, len(kind)])
        most = KINDS[kind]
        upper = (
            rng.integers(-most, most + 1, (size, size)) if most else rng.normal(size=(size, size)).astype(np.float32)
        )
        upper = np.triu(upper * (rng.random((size, size)) < 0.9), 1)
        own = rng.integers(-3, 4, size) if most else rng.normal(size=size)
        self.couplings = upper + upper.T if most else (upper + upper.T).astype(np.float32)
        self.own = own if most else own.astype(np.float32)
        self.spins = spins_of(self.couplings, self.own, kind.split(",")[0])
        self.first = rng.choice(np.array([-1, 1], np.int8), (reads, size))
        self.size = size

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """States and fields, ready."""
        states, fields = self.spins.rows(len(self.first))
        states[:, : self.size] = self.first
        self.spins.set_fields(states, fields)
        return states, fields

    def reads(self) -> list[DenseRead]:
        return [DenseRead(self.couplings, self.own, states) for states in self.first]

    def energies(self, states: np.ndarray) -> np.ndarray:
        s = states[:, : self.size].astype(float)
        return s @ self.own.astype(float) + 0.5 * np.einsum("ki,ij,kj->k", s, self.couplings.astype(float), s)


def spins_of(couplings: np.ndarray, own: np.ndarray, kind: str | None = None) -> _anneal.DenseSpins:
    i, j = np.nonzero(couplings)
    start = np.concatenate([[0], np.cumsum(np.bincount(i, minlength=len(own)))])
    return _anneal.DenseSpins(start, j.astype(np.int32), couplings[i, j], own, kind)
