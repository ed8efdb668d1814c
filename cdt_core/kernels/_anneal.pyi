"""The compiled kernels of annealing; contracts are in ext/include/cdt_anneal*.h."""

import numpy as np
from numpy.typing import DTypeLike, NDArray

Fields = NDArray[np.int16] | NDArray[np.float32]

MOST_FIELD: int
GROUP: int
BLOCK: int
DENSE_BLOCK: int
DENSE_TEAM: int
DENSE_EPOCH: int

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
    def sweeps(
        self,
        up: NDArray[np.uint8],
        betas: NDArray[np.float64],
        seed: int,
        group: int,
        sweep: int,
        first: int,
        stop: int,
    ) -> None: ...
    def sweeps_apart(
        self,
        up: NDArray[np.uint8],
        betas: NDArray[np.float64],
        count: int,
        seed: int,
        group: int,
        sweep: int,
        first: int,
        stop: int,
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
        first: int,
        stop: int,
    ) -> None: ...
    def descend(self, up: NDArray[np.uint8], most: int, first: int, stop: int) -> int: ...
    def energies(self, up: NDArray[np.uint8], first: int, stop: int) -> NDArray[np.float64]: ...
    def recombine(
        self, children: NDArray[np.int8], partners: NDArray[np.int8], of: NDArray[np.intp]
    ) -> NDArray[np.float64]: ...
    def exchange(
        self, states: NDArray[np.int8], pairs: NDArray[np.intp], at: NDArray[np.intp]
    ) -> NDArray[np.float64]: ...

def to_states(up: NDArray[np.uint8]) -> NDArray[np.int8]: ...
def from_states(states: NDArray[np.int8], up: NDArray[np.uint8]) -> None: ...

class DenseGroups:
    start: NDArray[np.uint64]
    members: NDArray[np.uint32]
    group: NDArray[np.uint32]
    loose: NDArray[np.uint64]
    count: int
    def __init__(self, size: int, start: NDArray[np.int64], members: NDArray[np.int64]) -> None: ...

class DensePart:
    first: int
    stop: int
    from_member: int
    to_member: int
    def __init__(self, size: int, reads: int, groups: DenseGroups | None = None) -> None: ...

class DenseTabu:
    reads: int
    def __init__(self, spins: DenseSpins, reads: int, tenure: int, spread: int) -> None: ...

class DenseSpins:
    kind: np.dtype[np.generic]
    field_type: np.dtype[np.generic]
    def __init__(
        self,
        start: NDArray[np.int64],
        neighbours: NDArray[np.int32],
        weights: NDArray[np.int64] | NDArray[np.float64],
        fields: NDArray[np.int64] | NDArray[np.float64],
        dtype: DTypeLike | None = None,
        unit: float = 1,
    ) -> None: ...
    @property
    def size(self) -> int: ...
    @property
    def stride(self) -> int: ...
    def rows(self, reads: int) -> tuple[NDArray[np.int8], Fields]: ...
    def set_fields(self, states: NDArray[np.int8], fields: Fields, part: DensePart | None = None) -> None: ...
    def energies(self, states: NDArray[np.int8], fields: Fields) -> NDArray[np.float64]: ...
    def sweeps(
        self,
        states: NDArray[np.int8],
        fields: Fields,
        betas: NDArray[np.float64],
        seed: int,
        read: int,
        sweep: int,
        groups: DenseGroups | None = None,
        part: DensePart | None = None,
    ) -> None: ...
    def descend(
        self,
        states: NDArray[np.int8],
        fields: Fields,
        most: int,
        groups: DenseGroups | None = None,
        part: DensePart | None = None,
    ) -> NDArray[np.int64]: ...
    def tabu(
        self,
        states: NDArray[np.int8],
        fields: Fields,
        best: NDArray[np.int8],
        steps: int,
        search: DenseTabu,
        seed: int,
        read: int,
        sweep: int,
    ) -> NDArray[np.float64]: ...

def energies(
    start: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    weights: NDArray[np.int64] | NDArray[np.float64],
    fields: NDArray[np.int64] | NDArray[np.float64],
    states: NDArray[np.int8],
) -> NDArray[np.int64] | NDArray[np.float64]: ...

class Rest:
    kept: NDArray[np.int64]
    start: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    weights: NDArray[np.int64] | NDArray[np.float64]
    fields: NDArray[np.int64] | NDArray[np.float64]
    choices: NDArray[np.uint32]
    def __init__(
        self,
        start: NDArray[np.int64],
        neighbours: NDArray[np.int32],
        weights: NDArray[np.int64] | NDArray[np.float64],
        fields: NDArray[np.int64] | NDArray[np.float64],
        keep: NDArray[np.uint8],
    ) -> None: ...
    @property
    def constant(self) -> int | float: ...
    def restore(self, states: NDArray[np.int8]) -> NDArray[np.int8]: ...
