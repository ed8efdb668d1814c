/* Energies of states in the problem's own weights: exact for integers, for floats to rounding.
 *
 * The energy is sum_i h_i s_i + sum_{i<j} J_ij s_i s_j with s in {-1, +1}; the couplings are a graph of cdt_anneal_reduce.h, whose
 * `keep` is not used.
 */
#ifndef CDT_ANNEAL_ENERGIES_H
#define CDT_ANNEAL_ENERGIES_H
#include "cdt_anneal_reduce.h"

/* `energies` of `count` states (count x spins, of -1 and +1). Of a state they are the same to the last bit, whatever states come
 * with it. Sums of absolute values of all weights are below 2^63 (floats: finite). `words` is a work buffer of spins. */
void cdt_anneal_energies_whole(const cdt_anneal_graph *graph, const int64_t *weights, const int64_t *fields, const int8_t *states,
                               size_t count, uint64_t *words, int64_t *energies);
void cdt_anneal_energies_real(const cdt_anneal_graph *graph, const double *weights, const double *fields, const int8_t *states,
                              size_t count, uint64_t *words, double *energies);

#endif
