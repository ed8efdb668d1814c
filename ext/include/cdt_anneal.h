/* Annealing of Ising problems: 64 replicas of all spins at once, each in its own lanes of the vector registers.
 *
 * The energy is sum_i h_i s_i + sum_{i<j} J_ij s_i s_j with s in {-1, +1}. A group is 64 replicas: `up` has a row of 64 bytes for
 * each spin, 0xff where that spin of that replica is +1, else 0. Rows start at multiples of 64 bytes.
 *
 * The field of a spin is h_i + sum_j J_ij s_j; to flip it costs -2 s_i times its field. Every kernel visits the spins in order, and is
 * sequential: a spin sees its neighbours as they are then. A call may visit a part of the spins only: those from `first` to before
 * `stop`, so that whoever waits can look up between parts; parts one after the other are the whole.
 *
 * All levels make the same states (cdt_levels.h): integers, or floats in one order of operations. No kernel allocates; none fails.
 */
#ifndef CDT_ANNEAL_H
#define CDT_ANNEAL_H
#include "cdt_levels.h"
#include <stddef.h>
#include <stdint.h>

enum {
    CDT_ANNEAL_GROUP = 64,  /* replicas of a group */
    CDT_ANNEAL_FIELD = 127, /* the largest |h_i| + sum_j |J_ij| of spins whose fields are bytes */
    CDT_ANNEAL_BLOCK = 1024 /* spins that draw from one stream, in a row; `first` is a multiple of it */
};

/* The neighbours of spin i are neighbours[start[i]] .. neighbours[start[i + 1] - 1], both directions of each coupling listed. For
 * bytes: h, J and base are int8; base[i] = h_i - sum_j J_ij modulo 256. For floats: float, and base rounded from double. */
typedef struct {
    size_t spins;
    const uint64_t *start;
    const uint32_t *neighbours;
    const void *couplings; /* J, beside neighbours */
    const void *fields;    /* h */
    const void *base;
    size_t first, stop; /* the spins of a call; not for cdt_anneal_states.h */
} cdt_anneal_problem;

/* Where random numbers come from: in sweep t of a call, block b of the spins draws from (seed, group, sweep + t + b 2^40). */
typedef struct {
    uint64_t seed, group, sweep;
} cdt_anneal_stream;

/* For one type of fields. */
typedef struct {
    /* Metropolis sweeps, one for each beta, the same for all replicas. */
    void (*sweeps)(const cdt_anneal_problem *problem, uint8_t *up, const double *betas, size_t count, cdt_anneal_stream stream);
    /* `count` Metropolis sweeps with a beta for each of the 64 replicas. */
    void (*sweeps_apart)(const cdt_anneal_problem *problem, uint8_t *up, const double *betas, size_t count, cdt_anneal_stream stream);
    /* Path-integral sweeps: each `slices` (4, 8 or 16) replicas in a row are a ring, the Trotter slices of one read. A slice has the
     * inverse temperature betas[t] / slices; links[t] is the coupling K between the same spin of slices beside each other: the weight
     * of a state is exp(K sum s_k s_{k+1}). Even slices of a spin are visited first, then odd ones. */
    void (*sweeps_linked)(const cdt_anneal_problem *problem, uint8_t *up, const double *betas, const double *links, int slices,
                          size_t count, cdt_anneal_stream stream);
    /* Flips what lowers the energy, sweep after sweep, until no flip does, or `most` sweeps were made; returns those made. */
    size_t (*descend)(const cdt_anneal_problem *problem, uint8_t *up, size_t most);
    /* Energies of the 64 replicas: fields, and half of each coupling of a spin that is visited; of floats: to their rounding. */
    void (*energies)(const cdt_anneal_problem *problem, const uint8_t *up, double *energies);
} cdt_anneal_kernels;

#include "cdt_anneal_dense.h"

struct cdt_kernels {
    cdt_anneal_kernels bytes, floats;
    cdt_dense_kernels dense_bytes, dense_shorts, dense_floats;
};

#endif
