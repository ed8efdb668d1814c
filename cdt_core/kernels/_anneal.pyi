"""The compiled kernels of annealing; contracts are in ext/include/cdt_anneal.h and cdt_anneal_states.h."""

import numpy as np
from numpy.typing import NDArray

MOST_FIELD: int
GROUP: int

def kernels_name() -> str: ...
def use_kernels(name: str | None) -> None: ...

class Spins:
    def __init__(
        self,
        start: NDArray[np.uint64],
        neighbours: NDArray[np.uint32],
        couplings: NDArray[np.int8] | NDArray[np.float32],
        fields: NDArray[np.int8] | NDArray[np.float32],
        base: NDArray[np.int8] | NDArray[np.float32],
    ) -> None: ...
    def sweeps(self, up: NDArray[np.uint8], betas: NDArray[np.float64], seed: int, group: int, sweep: int) -> None: ...
    def sweeps_apart(
        self, up: NDArray[np.uint8], betas: NDArray[np.float64], count: int, seed: int, group: int, sweep: int
    ) -> None: ...
    def sweeps_linked(
        self,
        up: NDArray[np.uint8],
        betas: NDArray[np.float64],
        links: NDArray[np.float64],
        slices: int,
        seed: int,
        group: int,
        sweep: int,
    ) -> None: ...
    def descend(self, up: NDArray[np.uint8], most: int) -> int: ...
    def energies(self, up: NDArray[np.uint8]) -> NDArray[np.float64]: ...
    def recombine(
        self, children: NDArray[np.int8], partners: NDArray[np.int8], of: NDArray[np.intp]
    ) -> NDArray[np.float64]: ...
    def exchange(
        self, states: NDArray[np.int8], pairs: NDArray[np.intp], at: NDArray[np.intp]
    ) -> NDArray[np.float64]: ...

def to_states(up: NDArray[np.uint8]) -> NDArray[np.int8]: ...
def from_states(states: NDArray[np.int8], up: NDArray[np.uint8]) -> None: ...
