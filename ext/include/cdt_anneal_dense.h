/* Annealing of Ising problems in which most spins are coupled: one read at a time, its spins beside each other in vector registers.
 *
 * The energy is sum_i h_i s_i + sum_{i<j} J_ij s_i s_j with s in {-1, +1}. The field of a spin, h_i + sum_j J_ij s_j, is kept beside the
 * states, so that to try a flip costs no look at the couplings; a flip adds one row of them to all fields. The half cost of a flip is
 * minus the spin times its field.
 *
 * A block is 64 spins; every row, of couplings, states or fields, starts at a multiple of 64 bytes and has at least `stride` numbers, the
 * spins rounded up to whole blocks. The padding of rows of couplings is zero; that of states is -1 and that of fields the largest number
 * (set_fields writes both, no kernel changes them), so that no padding seems worth a flip. Rows of couplings are best an odd number of
 * cache lines apart, so that a column of theirs fits into the sets of the cache.
 *
 * Random numbers are those of a stream (cdt_anneal.h) whose group is the number of the read. All levels make the same states, and one
 * call makes what many calls for some of its sweeps, or for parts of the spins, make. With integers all fields are exact; floats are
 * added in the order of flips, and drift with their rounding: set_fields makes them anew. No kernel allocates; none fails.
 */
#ifndef CDT_ANNEAL_DENSE_H
#define CDT_ANNEAL_DENSE_H
#include <stddef.h>
#include <stdint.h>

enum {
    CDT_DENSE_BLOCK = 64,
    CDT_DENSE_FIELD = 32767, /* the largest |h_i| + sum_j |J_ij| of fields that are int16 */
    CDT_DENSE_BYTE = 63,     /* the largest |J_ij| of couplings that are int8 */
    CDT_DENSE_EPOCH = 64     /* steps of tabu search with one tenure */
};

/* Couplings are symmetric, their diagonal zero. Three types: couplings int8, int16 or float; h and the reads' fields int16, int16, float. */
typedef struct {
    size_t spins, stride;
    size_t pitch;          /* numbers from one row of couplings to the next, at least stride */
    const void *couplings; /* J (spins x pitch) */
    const void *fields;    /* h (spins) */
    float strongest;       /* the largest |J_ij| */
    size_t first, stop;    /* the spins that a call visits; first is a multiple of CDT_DENSE_BLOCK, stop too, unless it is `spins` */
} cdt_dense_problem;

/* A read: its states and fields. */
typedef struct {
    int8_t *states;
    void *fields;
} cdt_dense_read;

/* Reads one after the other: read k has row k of all. A sweep in parts is one sweep a call; `draws` are then as the call before left them. */
typedef struct {
    int8_t *states;
    void *fields;
    size_t count;
    uint64_t *draws; /* work space (count x 16) of sweeps */
} cdt_dense_rows;

/* Inverse temperatures of `count` sweeps: those of read k begin at numbers[k * step]. */
typedef struct {
    const double *numbers;
    size_t step, count;
} cdt_dense_betas;

/* Disjoint groups of spins, in each of which the number of spins that are +1 stays as it is. */
typedef struct {
    size_t count;
    const uint64_t *start;   /* group g: members[start[g]] .. members[start[g + 1] - 1] */
    const uint32_t *members; /* the spins of the groups, each at most once */
    const uint32_t *group;   /* of each spin; `count` for those in none */
    const uint64_t *loose;   /* of each block, bits of the spins in no group */
    size_t first, stop;      /* the places of `members` that descents visit */
    uint32_t *order;         /* work space, as long as members: between parts of a sweep, of one read */
    uint64_t *ups;           /* work space (count), likewise */
} cdt_dense_groups;

/* Where a tabu search is. All zero before the first step. */
typedef struct {
    uint64_t step;
    double energy, lowest;           /* half of them, from the start on */
    uint64_t oldest, queued, tenure; /* spins that rest are queued from `oldest` on */
    uint64_t draws[16];
    int unsaved; /* the state is the best one, and not in `best` yet */
} cdt_dense_walk;

/* Tabu search: how far one call goes, and what is kept for the next one. */
typedef struct {
    size_t steps;            /* but in the last call, a multiple of CDT_DENSE_EPOCH */
    uint32_t tenure, spread; /* a flipped spin rests for `tenure` to `tenure + spread` steps; together fewer than spins */
    int8_t *best;            /* out (stride): the best states so far, the first ones among equals */
    cdt_dense_walk *walk;
    void *bars;      /* a row of fields, kept: the largest number where a spin may flip, minus that where it rests */
    uint32_t *queue; /* (tenure + spread + 1), kept */
    void *gains;     /* work space: 64 bytes for each block, at a multiple of 64 */
} cdt_dense_tabu;

/* For one type. `stream` is that of the read. */
typedef struct {
    /* Fields, and all padding, of reads whose states are given: what the spins visited add to all fields. The first part begins anew. */
    void (*set_fields)(const cdt_dense_problem *problem, cdt_dense_rows rows);
    /* Energy of a read, by its fields. */
    double (*energy)(const cdt_dense_problem *problem, cdt_dense_read read);
    /* A Metropolis sweep for each beta: spins are visited in order, each sees the others as they are then. Read k draws from the
     * stream's group + k. */
    void (*sweeps)(const cdt_dense_problem *problem, cdt_dense_rows rows, cdt_dense_betas betas, cdt_anneal_stream stream);
    /* Flips what lowers the energy, sweep after sweep, until no flip does, or `most` sweeps were made; returns those made. Of a part,
     * `most` is 1. */
    size_t (*descend)(const cdt_dense_problem *problem, cdt_dense_read read, size_t most);
    /* As sweeps, but the visit of a spin in a group is a try to exchange one up and one down spin of that group, both drawn. */
    void (*swap_sweeps)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_rows rows, cdt_dense_betas betas,
                        cdt_anneal_stream stream);
    /* Flips spins in no group and exchanges pairs in groups where that lowers the energy, until nothing does, or `most` rounds. The parts
     * of a round are those of the spins, with no places of members, and then those of the members, with no spins. */
    size_t (*swap_descend)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_read read, size_t most);
    /* Flips, step by step, the best spin that does not rest (or any one, where that makes the best state of all); returns the energy of
     * the best state so far minus that of the first. The read goes on from its last state. */
    double (*tabu)(const cdt_dense_problem *problem, const cdt_dense_tabu *search, cdt_dense_read read, cdt_anneal_stream stream);
} cdt_dense_kernels;

#endif
