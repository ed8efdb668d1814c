/* Exact reduction of Ising problems: spins that a few others decide are taken out, before anything is annealed.
 *
 * The energy is sum_i h_i s_i + sum_{i<j} J_ij s_i s_j with s in {-1, +1}; h_i counts as a coupling to a ghost, a spin that is always
 * +1. Two rules, until neither applies:
 *   - A spin that one neighbour binds at least as strongly as all others together follows that neighbour, whatever the others do.
 *     (So does a spin of at most two neighbours; one of none may be anything. One of more than 16 only follows its field.)
 *   - A spin of three neighbours takes the side of two of them: the minimum, -|J1 a + J2 b + J3 c|, has four values, and is a
 *     constant plus a coupling of each pair: with A, B, C = |J1|, |J2|, |J3|, that of the first two is -sgn(J1 J2) (A + B - C) / 2.
 *     Of integers only where A + B + C is even.
 * Neither makes more couplings than it takes out, nor a larger |h_i| + sum_j |J_ij| of any spin, nor a larger sum of the absolute
 * values of all weights and the constant: nothing overflows that did not before.
 */
#ifndef CDT_ANNEAL_REDUCE_H
#define CDT_ANNEAL_REDUCE_H
#include <stddef.h>
#include <stdint.h>

/* A spin that was taken out: the majority of three literals, of spins that were there then. A literal is twice the number of a spin
 * (the number of spins: the ghost), plus 1 if the spin is meant flipped. */
typedef struct {
    uint32_t spin, literals[3];
} cdt_anneal_choice;

/* CSR of the couplings, both directions of each, rows sorted, no loops; fewer than 2^31 spins and couplings. */
typedef struct {
    size_t spins;
    const int64_t *start;      /* spins + 1 */
    const int32_t *neighbours; /* weights are beside them */
    const uint8_t *keep;       /* of each spin, whether it must stay */
} cdt_anneal_graph;

/* What is left, for arrays of the sizes of the whole problem that the caller gives. At least one spin is left. */
typedef struct {
    size_t spins;
    int64_t *kept;       /* numbers that the spins have in the whole problem; they rise */
    int64_t *start;      /* CSR as above */
    int32_t *neighbours;
    size_t taken;        /* spins taken out, in this order: */
    cdt_anneal_choice *choices;
} cdt_anneal_rest;

/* For integers; sums of absolute values of all weights are below 2^62. `constant` is what the minima over the spins taken out have in
 * common. Time and memory: O(spins + couplings) or little more. CDT_BAD_ARGUMENT if not
 * half of the neighbours are above their rows, CDT_NO_MEMORY if a work buffer could not be allocated. */
int cdt_anneal_reduce_whole(const cdt_anneal_graph *graph, const int64_t *weights, const int64_t *fields, cdt_anneal_rest *rest,
                            int64_t *rest_weights, int64_t *rest_fields, int64_t *constant);
/* For floats: exact but for rounding; what is left of two couplings that cancel each other to rounding is none. */
int cdt_anneal_reduce_real(const cdt_anneal_graph *graph, const double *weights, const double *fields, cdt_anneal_rest *rest,
                           double *rest_weights, double *rest_fields, double *constant);

/* From `count` states of the rest (count x rest->spins, of -1 and +1) those of the whole problem (count x spins): of the same energies,
 * and of all states with the rest so, of the lowest. `words` is a work buffer of spins + 1. */
void cdt_anneal_restore(const cdt_anneal_rest *rest, size_t spins, const int8_t *small, size_t count, int8_t *states, uint64_t *words);

#endif
