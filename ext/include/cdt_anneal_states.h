/* States as rows, one replica after the other: n bytes, +1 or -1 each. Contracts of what works on replicas one by one. */
#ifndef CDT_ANNEAL_STATES_H
#define CDT_ANNEAL_STATES_H
#include "cdt_anneal.h"

/* The 64 replicas of a group as rows of states (64 x n), and back. */
void cdt_anneal_to_states(const uint8_t *up, size_t spins, int8_t *states);
void cdt_anneal_from_states(const int8_t *states, size_t spins, uint8_t *up);

/* Work space of the functions below: a place for each spin. */
typedef struct {
    uint32_t *queue;
    uint8_t *mark;
} cdt_anneal_work;

/* Partition crossover: the spins in which child and partner differ fall into components, sets that no coupling connects; each is
 * flipped in the child if that does not raise the energy. So the child becomes at least as good as the better of both. With `mirror`
 * (no fields), the partner is taken flipped as a whole where that differs less. Returns the change of the child's energy. */
double cdt_anneal_recombine_bytes(const cdt_anneal_problem *problem, int8_t *child, const int8_t *partner, int mirror, cdt_anneal_work work);
double cdt_anneal_recombine_floats(const cdt_anneal_problem *problem, int8_t *child, const int8_t *partner, int mirror, cdt_anneal_work work);

/* Isoenergetic cluster move: of the spins in which both states differ, the component of spin `at` is exchanged. With `mirror`, spins in
 * which they agree count as different where most differ. Returns the change of the first one's energy, the negative of the second's. */
double cdt_anneal_exchange_bytes(const cdt_anneal_problem *problem, int8_t *first, int8_t *second, size_t at, int mirror, cdt_anneal_work work);
double cdt_anneal_exchange_floats(const cdt_anneal_problem *problem, int8_t *first, int8_t *second, size_t at, int mirror, cdt_anneal_work work);

#endif
