# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The compiled kernels of annealing. Shapes and types are checked here, everything else is C."""

from cdt_status cimport check
from libc.stdint cimport int8_t, uint8_t, uint32_t, uint64_t

import os

import numpy as np

from cdt_core.errors import CdtError

include "levels.pxi"
include "anneal_reduce.pxi"
include "anneal_energies.pxi"

cdef extern from "cdt_anneal.h" nogil:
    int CDT_ANNEAL_FIELD, CDT_ANNEAL_BLOCK
    ctypedef struct cdt_anneal_problem:
        size_t spins
        const uint64_t *start
        const uint32_t *neighbours
        const void *couplings
        const void *fields
        const void *base
        size_t first, stop
    ctypedef struct cdt_anneal_stream:
        uint64_t seed, group, sweep
    ctypedef struct cdt_anneal_kernels:
        void (*sweeps)(const cdt_anneal_problem *, uint8_t *, const double *, size_t, cdt_anneal_stream) noexcept nogil
        void (*sweeps_apart)(const cdt_anneal_problem *, uint8_t *, const double *, size_t, cdt_anneal_stream) noexcept nogil
        void (*sweeps_linked)(const cdt_anneal_problem *, uint8_t *, const double *, const double *, int, size_t, cdt_anneal_stream) noexcept nogil
        size_t (*descend)(const cdt_anneal_problem *, uint8_t *, size_t) noexcept nogil
        void (*energies)(const cdt_anneal_problem *, const uint8_t *, double *) noexcept nogil
    ctypedef struct cdt_kernels:
        cdt_anneal_kernels bytes
        cdt_anneal_kernels floats
    const cdt_kernels *cdt_active_kernels()

cdef extern from "cdt_anneal_states.h" nogil:
    ctypedef struct cdt_anneal_work:
        uint32_t *queue
        uint8_t *mark
    void cdt_anneal_to_states(const uint8_t *, size_t, int8_t *)
    void cdt_anneal_from_states(const int8_t *, size_t, uint8_t *)
    double cdt_anneal_recombine_bytes(const cdt_anneal_problem *, int8_t *, const int8_t *, int, cdt_anneal_work)
    double cdt_anneal_recombine_floats(const cdt_anneal_problem *, int8_t *, const int8_t *, int, cdt_anneal_work)
    double cdt_anneal_exchange_bytes(const cdt_anneal_problem *, int8_t *, int8_t *, size_t, int, cdt_anneal_work)
    double cdt_anneal_exchange_floats(const cdt_anneal_problem *, int8_t *, int8_t *, size_t, int, cdt_anneal_work)

#: Spins whose |h_i| + sum_j |J_ij| is at most this may have fields that are bytes.
MOST_FIELD = CDT_ANNEAL_FIELD
#: Replicas of a group.
GROUP = 64
#: Spins of a block: a call that visits a part of the spins begins at a multiple of it.
BLOCK = CDT_ANNEAL_BLOCK

cdef class Spins:
    """Spins with their couplings, as the kernels want them; keeps the arrays alive.

    ``start`` (n + 1,) and ``neighbours`` are the CSR of the symmetric couplings; ``couplings`` (beside neighbours), ``fields`` and
    ``base`` (n,) are all int8 or all float32; the contract is in cdt_anneal.h. Methods with ``first`` and ``stop`` visit the spins
    from first to before stop.
    """

    cdef cdt_anneal_problem problem
    cdef object arrays
    cdef bint bytes_
    cdef bint mirror

    def __init__(self, const uint64_t[::1] start not None, const uint32_t[::1] neighbours not None, couplings, fields, base):
        cdef Py_ssize_t n = fields.shape[0], i, edges = neighbours.shape[0]
        if n == 0 or start.shape[0] != n + 1 or start[0] != 0 or start[n] != <uint64_t> edges:
            raise ValueError("start must have one number more than fields, from zero to the number of neighbours")
        for i in range(n):
            if start[i] > start[i + 1]:
                raise ValueError("start must not fall")
        for i in range(edges):
            if neighbours[i] >= <uint32_t> n:
                raise ValueError("a neighbour is no spin")
        self.bytes_ = fields.dtype == np.int8
        for numbers, length in ((couplings, edges), (fields, n), (base, n)):
            if numbers.shape != (length,) or numbers.dtype != (np.int8 if self.bytes_ else np.float32) or not numbers.flags.c_contiguous:
                raise ValueError("couplings, fields and base must be all int8 or all float32, one for each neighbour or spin")
        self.arrays = (start, neighbours, couplings, fields, base)
        self.problem.spins = n
        self.problem.start = &start[0]
        self.problem.neighbours = &neighbours[0] if edges else NULL
        self.problem.couplings = <const void *> <size_t> couplings.ctypes.data
        self.problem.fields = <const void *> <size_t> fields.ctypes.data
        self.problem.base = <const void *> <size_t> base.ctypes.data
        self.mirror = not fields.any()

    cdef const cdt_anneal_kernels *kernels(self) noexcept nogil:
        return &cdt_active_kernels().bytes if self.bytes_ else &cdt_active_kernels().floats

    cdef cdt_anneal_problem _part(self, const uint8_t[:, ::1] up, size_t first, size_t stop) except *:
        cdef cdt_anneal_problem part = self.problem
        if not first <= stop <= part.spins or first % CDT_ANNEAL_BLOCK:
            raise ValueError("first must be a multiple of BLOCK, and at most stop; stop at most the number of spins")
        if up.shape[0] != <Py_ssize_t> part.spins or up.shape[1] != GROUP or <size_t> &up[0, 0] % 64:
            raise ValueError("up must have 64 bytes for each spin, at a multiple of 64 bytes")
        part.first, part.stop = first, stop
        return part

    def sweeps(self, uint8_t[:, ::1] up not None, const double[::1] betas not None, uint64_t seed, uint64_t group, uint64_t sweep,
               size_t first, size_t stop):
        """One Metropolis sweep for each of ``betas``; the first draws as sweep number ``sweep`` of the group."""
        cdef cdt_anneal_problem part = self._part(up, first, stop)
        cdef cdt_anneal_stream stream
        stream.seed, stream.group, stream.sweep = seed, group, sweep
        if betas.shape[0]:
            with nogil:
                self.kernels().sweeps(&part, &up[0, 0], &betas[0], betas.shape[0], stream)

    def sweeps_apart(self, uint8_t[:, ::1] up not None, const double[::1] betas not None, size_t count, uint64_t seed, uint64_t group, uint64_t sweep,
                     size_t first, size_t stop):
        """``count`` Metropolis sweeps, replica k at ``betas[k]``."""
        cdef cdt_anneal_problem part = self._part(up, first, stop)
        cdef cdt_anneal_stream stream
        stream.seed, stream.group, stream.sweep = seed, group, sweep
        if betas.shape[0] != GROUP:
            raise ValueError("betas must have a number for each replica")
        with nogil:
            self.kernels().sweeps_apart(&part, &up[0, 0], &betas[0], count, stream)

    def sweeps_linked(self, uint8_t[:, ::1] up not None, const double[::1] betas not None, const double[::1] links not None, int slices,
                      uint64_t seed, uint64_t group, uint64_t sweep, size_t first, size_t stop):
        """One path-integral sweep for each of ``betas`` and ``links``; ``slices`` replicas in a row are a read."""
        cdef cdt_anneal_problem part = self._part(up, first, stop)
        cdef cdt_anneal_stream stream
        stream.seed, stream.group, stream.sweep = seed, group, sweep
        if slices not in (4, 8, 16) or betas.shape[0] != links.shape[0]:
            raise ValueError("slices must be 4, 8 or 16, and there must be a link for each beta")
        if betas.shape[0]:
            with nogil:
                self.kernels().sweeps_linked(&part, &up[0, 0], &betas[0], &links[0], slices, betas.shape[0], stream)

    def descend(self, uint8_t[:, ::1] up not None, size_t most, size_t first, size_t stop) -> int:
        """Flip what lowers the energy, at most ``most`` sweeps; returns the sweeps made."""
        cdef cdt_anneal_problem part = self._part(up, first, stop)
        cdef size_t made
        with nogil:
            made = self.kernels().descend(&part, &up[0, 0], most)
        return made

    def energies(self, const uint8_t[:, ::1] up not None, size_t first, size_t stop):
        """Energies of the 64 replicas, or what these spins add to them."""
        cdef cdt_anneal_problem part = self._part(up, first, stop)
        cdef double[::1] energies = np.empty(GROUP)
        with nogil:
            self.kernels().energies(&part, &up[0, 0], &energies[0])
        return np.asarray(energies)

    def recombine(self, int8_t[:, ::1] children not None, const int8_t[:, ::1] partners not None, const Py_ssize_t[::1] of not None):
        """Cross child k with ``partners[of[k]]``, in order; returns the changes of energy. The contract is in cdt_anneal_states.h."""
        cdef Py_ssize_t k, n = self.problem.spins
        cdef double[::1] changes = np.zeros(children.shape[0])
        cdef uint32_t[::1] queue = np.empty(n, np.uint32)
        cdef uint8_t[::1] mark = np.empty(n, np.uint8)
        cdef cdt_anneal_work work
        work.queue, work.mark = &queue[0], &mark[0]
        if children.shape[1] != n or partners.shape[1] != n or of.shape[0] != children.shape[0]:
            raise ValueError("states must have a number for each spin, and each child one partner")
        for k in range(of.shape[0]):
            if of[k] < 0 or of[k] >= partners.shape[0]:
                raise ValueError("a partner is no row")
        with nogil:
            for k in range(children.shape[0]):
                if self.bytes_:
                    changes[k] = cdt_anneal_recombine_bytes(&self.problem, &children[k, 0], &partners[of[k], 0], self.mirror, work)
                else:
                    changes[k] = cdt_anneal_recombine_floats(&self.problem, &children[k, 0], &partners[of[k], 0], self.mirror, work)
        return np.asarray(changes)

    def exchange(self, int8_t[:, ::1] states not None, const Py_ssize_t[:, ::1] pairs not None, const Py_ssize_t[::1] at not None):
        """Isoenergetic cluster moves between the rows of each pair, from spin ``at``; returns the changes of the first rows' energies."""
        cdef Py_ssize_t k, n = self.problem.spins, rows = states.shape[0]
        cdef double[::1] changes = np.zeros(pairs.shape[0])
        cdef uint32_t[::1] queue = np.empty(n, np.uint32)
        cdef uint8_t[::1] mark = np.empty(n, np.uint8)
        cdef cdt_anneal_work work
        work.queue, work.mark = &queue[0], &mark[0]
        if states.shape[1] != n or pairs.shape[1] != 2 or at.shape[0] != pairs.shape[0]:
            raise ValueError("states must have a number for each spin, and each pair two rows and one spin")
        for k in range(pairs.shape[0]):
            if not (0 <= pairs[k, 0] < rows and 0 <= pairs[k, 1] < rows and 0 <= at[k] < n) or pairs[k, 0] == pairs[k, 1]:
                raise ValueError("a pair must be two different rows, and its spin a spin")
        with nogil:
            for k in range(pairs.shape[0]):
                if self.bytes_:
                    changes[k] = cdt_anneal_exchange_bytes(&self.problem, &states[pairs[k, 0], 0], &states[pairs[k, 1], 0], at[k], self.mirror, work)
                else:
                    changes[k] = cdt_anneal_exchange_floats(&self.problem, &states[pairs[k, 0], 0], &states[pairs[k, 1], 0], at[k], self.mirror, work)
        return np.asarray(changes)


def to_states(const uint8_t[:, ::1] up not None):
    """States (64, n) of a group, int8 of -1 and +1."""
    cdef int8_t[:, ::1] states = np.empty((GROUP, up.shape[0]), np.int8)
    if up.shape[1] != GROUP:
        raise ValueError("up must have 64 bytes for each spin")
    with nogil:
        cdt_anneal_to_states(&up[0, 0], up.shape[0], &states[0, 0])
    return np.asarray(states)


def from_states(const int8_t[:, ::1] states not None, uint8_t[:, ::1] up not None):
    """The opposite of :func:`to_states`, into ``up``."""
    if states.shape[0] != GROUP or up.shape[1] != GROUP or up.shape[0] != states.shape[1]:
        raise ValueError("states must be (64, n) and up (n, 64)")
    with nogil:
        cdt_anneal_from_states(&states[0, 0], up.shape[0], &up[0, 0])


include "anneal_dense.pxi"
