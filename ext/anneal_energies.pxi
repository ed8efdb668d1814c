"""Energies of states; the contract is in cdt_anneal_energies.h."""

cdef extern from "cdt_anneal_energies.h" nogil:
    void cdt_anneal_energies_whole(const cdt_anneal_graph *, const int64_t *, const int64_t *, const int8_t *, size_t, uint64_t *, int64_t *)
    void cdt_anneal_energies_real(const cdt_anneal_graph *, const double *, const double *, const int8_t *, size_t, uint64_t *, double *)


def energies(const int64_t[::1] start not None, const int32_t[::1] neighbours not None, weights not None, fields not None, const int8_t[:, ::1] states not None):
    """Energies (k,) of states (k, n), of the type of ``fields`` (n,) and ``weights`` (beside neighbours), int64 or float64."""
    cdef cdt_anneal_graph graph
    cdef uint64_t[::1] words = np.empty(max(states.shape[1], 1), np.uint64)
    cdef const int64_t[::1] whole_weights, whole_fields
    cdef const double[::1] real_weights, real_fields
    cdef int64_t[::1] whole
    cdef double[::1] real
    cdef size_t count = states.shape[0]
    check_graph(start, neighbours, states.shape[1])
    found = np.empty(count, fields.dtype)
    if weights.shape != (neighbours.shape[0],) or fields.shape != (states.shape[1],):
        raise ValueError("there must be a weight for each neighbour and a field for each spin")
    if not count:
        return found
    graph.spins, graph.start, graph.keep = states.shape[1], &start[0], NULL
    graph.neighbours = &neighbours[0] if neighbours.shape[0] else NULL
    if fields.dtype == np.int64:
        whole_weights, whole_fields, whole = weights, fields, found
        with nogil:
            cdt_anneal_energies_whole(&graph, &whole_weights[0] if graph.neighbours else NULL, &whole_fields[0], &states[0, 0], count, &words[0], &whole[0])
    else:
        real_weights, real_fields, real = weights, fields, found
        with nogil:
            cdt_anneal_energies_real(&graph, &real_weights[0] if graph.neighbours else NULL, &real_fields[0], &states[0, 0], count, &words[0], &real[0])
    return found
