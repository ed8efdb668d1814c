/* Fields that are floats: the base plus twice the couplings to neighbours that are up, one after the other. */
#define TYPED(name) LEVEL(name##_floats)

/* Minus the spin times its field: half of what a flip costs. */
INLINE void TYPED(costs)(const cdt_anneal_problem *problem, const uint8_t *up, size_t i, vf4 out[QUARTERS])
{
    const float *const couplings = problem->couplings, base = ((const float *)problem->base)[i];
    vf4 sum[QUARTERS];
    EACH_QUARTER sum[q] = (vf4){0} + base;
    for (uint64_t e = problem->start[i]; e < problem->start[i + 1]; e++) {
        const uint8_t *const row = up + problem->neighbours[e] * (size_t)64;
        const vf4 coupling = (vf4){0} + 2.0f * couplings[e];
        EACH_QUARTER sum[q] += (vf4)(WIDENED(row, q) & (vi4)coupling);
    }
    EACH_QUARTER out[q] = (vf4)((vi4)sum[q] ^ (WIDENED(up + i * 64, q) & INT32_MIN));
}

/* own ^= where cost <= limit; limits of 64 replicas. */
INLINE void TYPED(take)(uint8_t *own, const vf4 cost[QUARTERS], const vf4 limits[QUARTERS], const vi1 where[PARTS])
{
    vi1 taken[PARTS];
    EACH_QUARTER ((vi1_quarter *)taken)[q] = NARROWED((vi4)(cost[q] <= limits[q]));
    EACH_PART ((vi1 *)own)[p] ^= taken[p] & where[p];
}

/* own ^= where cost < 0; `flipped` |= where that is. */
INLINE void TYPED(take_gain)(uint8_t *own, const vf4 cost[QUARTERS], vi1 flipped[PARTS])
{
    vi1 gain[PARTS];
    EACH_QUARTER ((vi1_quarter *)gain)[q] = NARROWED((vi4)(cost[q] < 0.0f));
    EACH_PART
    {
        ((vi1 *)own)[p] ^= gain[p];
        flipped[p] |= gain[p];
    }
}

#define COSTS vf4
#define COUNT QUARTERS
#include "anneal_sweeps.template.h"

static void TYPED(sweeps)(const cdt_anneal_problem *problem, uint8_t *up, const double *betas, size_t count, cdt_anneal_stream stream)
{
    double apart[64];
    for (size_t t = 0; t < count; t++, stream.sweep++) {
        for (int k = 0; k < 64; k++) apart[k] = betas[t];
        TYPED(sweeps_apart)(problem, up, apart, 1, stream);
    }
}
static void TYPED(energies)(const cdt_anneal_problem *problem, const uint8_t *up, double *energies)
{
    double sums[64] = {0};
    for (size_t i = problem->first; i < problem->stop; i++) {
        const uint8_t *const own = up + i * 64;
        const float h = ((const float *)problem->fields)[i];
        vf4 cost[QUARTERS];
        TYPED(costs)(problem, up, i, cost);
        for (int k = 0; k < 64; k++) sums[k] += (double)(own[k] ? h : -h) - (double)((const float *)cost)[k];
    }
    for (int k = 0; k < 64; k++) energies[k] = 0.5 * sums[k];
}

#undef COSTS
#undef COUNT
#undef TYPED
