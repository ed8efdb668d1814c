"""Exact reduction of Ising problems; the contract is in cdt_anneal_reduce.h."""

from libc.stdint cimport int32_t, int64_t

cdef extern from "cdt_anneal_reduce.h" nogil:
    ctypedef struct cdt_anneal_choice:
        uint32_t spin
        uint32_t literals[3]
    ctypedef struct cdt_anneal_graph:
        size_t spins
        const int64_t *start
        const int32_t *neighbours
        const uint8_t *keep
    ctypedef struct cdt_anneal_rest:
        size_t spins
        int64_t *kept
        int64_t *start
        int32_t *neighbours
        size_t taken
        cdt_anneal_choice *choices
    int cdt_anneal_reduce_whole(const cdt_anneal_graph *, const int64_t *, const int64_t *, cdt_anneal_rest *, int64_t *, int64_t *, int64_t *)
    int cdt_anneal_reduce_real(const cdt_anneal_graph *, const double *, const double *, cdt_anneal_rest *, double *, double *, double *)
    void cdt_anneal_restore(const cdt_anneal_rest *, size_t, const int8_t *, size_t, int8_t *, uint64_t *)


cdef int check_graph(const int64_t[::1] start, const int32_t[::1] neighbours, Py_ssize_t n) except -1:
    """Refuse what is no CSR of couplings among n spins."""
    cdef Py_ssize_t i, ends = neighbours.shape[0]
    if n == 0 or n >= 1 << 31 or ends >= <Py_ssize_t> 1 << 32 or ends % 2 or start.shape[0] != n + 1 or start[0] != 0 or start[n] != ends:
        raise ValueError("start must have one number more than there are spins, from zero to the even number of neighbours")
    for i in range(n):
        if start[i] > start[i + 1]:
            raise ValueError("start must not fall")
    for i in range(ends):
        if neighbours[i] < 0 or neighbours[i] >= n:
            raise ValueError("a neighbour is no spin")
    return 0


cdef class Rest:
    """What exact reduction leaves of a problem, as CSR arrays of both directions; and the way back.

    ``fields`` (n,) and ``weights`` (beside neighbours) are int64 or float64; spins with a 1 in ``keep`` stay.
    """

    cdef cdt_anneal_rest rest
    cdef size_t spins
    cdef int64_t whole_constant
    cdef double real_constant
    cdef readonly object kept, start, neighbours, weights, fields, choices

    def __init__(self, const int64_t[::1] start not None, const int32_t[::1] neighbours not None, weights, fields, const uint8_t[::1] keep not None):
        cdef cdt_anneal_graph graph
        cdef Py_ssize_t n = keep.shape[0], ends = neighbours.shape[0]
        check_graph(start, neighbours, n)
        graph.spins, graph.start, graph.keep = n, &start[0], &keep[0]
        graph.neighbours = &neighbours[0] if ends else NULL
        self.spins = n
        self._make_room(n, ends)
        if fields.dtype == np.int64:
            self._whole(&graph, weights, fields)
        else:
            self._real(&graph, weights, fields)
        n, ends = self.rest.spins, self.start[self.rest.spins]
        self.kept, self.start, self.fields = self.kept[:n].copy(), self.start[: n + 1].copy(), self.fields[:n].copy()
        self.neighbours, self.weights = self.neighbours[:ends].copy(), self.weights[:ends].copy()
        self.choices = self.choices[: self.rest.taken].copy()
        cdef int64_t[::1] kept = self.kept
        cdef uint32_t[:, ::1] choices = self.choices
        self.rest.kept = &kept[0]
        self.rest.choices = <cdt_anneal_choice *> &choices[0, 0] if self.rest.taken else NULL

    cdef _make_room(self, Py_ssize_t n, Py_ssize_t ends):
        cdef int64_t[::1] kept = np.empty(n, np.int64), start = np.empty(n + 1, np.int64)
        cdef int32_t[::1] neighbours = np.empty(max(ends, 1), np.int32)
        cdef uint32_t[:, ::1] choices = np.empty((n, 4), np.uint32)
        self.kept, self.start = np.asarray(kept), np.asarray(start)
        self.neighbours, self.choices = np.asarray(neighbours), np.asarray(choices)
        self.rest.kept, self.rest.start, self.rest.neighbours = &kept[0], &start[0], &neighbours[0]
        self.rest.choices = <cdt_anneal_choice *> &choices[0, 0]

    cdef _whole(self, const cdt_anneal_graph *graph, const int64_t[::1] weights, const int64_t[::1] fields):
        cdef int64_t[::1] rest_weights = np.empty(max(weights.shape[0], 1), np.int64), rest_fields = np.empty(graph.spins, np.int64)
        cdef const int64_t *at = &weights[0] if weights.shape[0] else NULL
        cdef int status
        if weights.shape[0] != graph.start[graph.spins] or fields.shape[0] != <Py_ssize_t> graph.spins:
            raise ValueError("there must be a weight for each neighbour and a field for each spin")
        with nogil:
            status = cdt_anneal_reduce_whole(graph, at, &fields[0], &self.rest, &rest_weights[0], &rest_fields[0], &self.whole_constant)
        check(status)
        self.weights, self.fields = np.asarray(rest_weights), np.asarray(rest_fields)

    cdef _real(self, const cdt_anneal_graph *graph, const double[::1] weights, const double[::1] fields):
        cdef double[::1] rest_weights = np.empty(max(weights.shape[0], 1)), rest_fields = np.empty(graph.spins)
        cdef const double *at = &weights[0] if weights.shape[0] else NULL
        cdef int status
        if weights.shape[0] != graph.start[graph.spins] or fields.shape[0] != <Py_ssize_t> graph.spins:
            raise ValueError("there must be a weight for each neighbour and a field for each spin")
        with nogil:
            status = cdt_anneal_reduce_real(graph, at, &fields[0], &self.rest, &rest_weights[0], &rest_fields[0], &self.real_constant)
        check(status)
        self.weights, self.fields = np.asarray(rest_weights), np.asarray(rest_fields)

    @property
    def constant(self):
        """What the minima over the spins that were taken out have in common."""
        return self.whole_constant if self.fields.dtype == np.int64 else self.real_constant

    def restore(self, const int8_t[:, ::1] states not None):
        """States (k, n) of the whole problem, of states (k, len(kept)) of the rest."""
        cdef int8_t[:, ::1] whole = np.empty((states.shape[0], self.spins), np.int8)
        cdef uint64_t[::1] words = np.empty(self.spins + 1, np.uint64)
        if states.shape[1] != <Py_ssize_t> self.rest.spins:
            raise ValueError("states must have a number for each spin that is left")
        if states.shape[0]:
            with nogil:
                cdt_anneal_restore(&self.rest, self.spins, &states[0, 0], states.shape[0], &whole[0, 0], &words[0])
        return np.asarray(whole)
