/* Fields that are bytes: twice the sum of the couplings to neighbours that are up, plus the base, modulo 256. */
#define TYPED(name) LEVEL(name##_bytes)

INLINE void TYPED(fields)(const cdt_anneal_problem *problem, const uint8_t *up, size_t i, vi1 out[PARTS])
{
    const int8_t *const couplings = problem->couplings, base = ((const int8_t *)problem->base)[i];
    vi1 sum[PARTS] = {{0}};
    for (uint64_t e = problem->start[i]; e < problem->start[i + 1]; e++) {
        const vi1 *const row = (const vi1 *)(up + problem->neighbours[e] * (size_t)64);
        EACH_PART sum[p] += row[p] & couplings[e];
    }
    EACH_PART out[p] = sum[p] + sum[p] + base;
}

/* Minus the spin times its field: half of what a flip costs. */
INLINE void TYPED(costs)(const cdt_anneal_problem *problem, const uint8_t *up, size_t i, vi1 out[PARTS])
{
    const vi1 *const own = (const vi1 *)(up + i * 64);
    TYPED(fields)(problem, up, i, out);
    EACH_PART out[p] = (out[p] ^ own[p]) - own[p];
}

/* Chances that a flip which costs 2 k is taken, for k = 0 .. 127, in units of 2^-16: the high bytes, minus 128, and the low ones. Those
 * from 16 * segments on are zero. */
typedef struct {
    uint8_t high[128], low[128];
    int segments;
} LEVEL(chances);

/* exp(x) for x <= 0 by sums and products: the same on every machine. */
static double LEVEL(exponential)(double x)
{
    int halved = 0;
    double sum = 1, term = 1;
    if (!(x > -700)) return 0;
    for (; x < -0.125; x *= 0.5) halved++;
    for (int k = 1; k < 14; k++) sum += term *= x / k;
    while (halved--) sum *= sum;
    return sum;
}

static void LEVEL(set_chances)(LEVEL(chances) *chances, double beta)
{
    const double factor = LEVEL(exponential)(-2 * beta);
    double chance = 65535; /* k = 0 is not looked up */
    int k = 0;
    memset(chances, 0, sizeof *chances);
    for (; k < 128 && chance >= 1; k++) {
        chances->high[k] = (uint8_t)((uint32_t)chance >> 8);
        chances->low[k] = (uint8_t)(uint32_t)chance;
        chance = k ? chance * factor : fmin(65535, 65536 * factor);
    }
    chances->segments = (k + 15) / 16;
}

#if CDT_SIMD == 512
#define LOOKUP(table, at) ((vu1)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(table))), (__m512i)(at)))
#define ADD_AT_MOST_255(a, b) ((vu1)_mm512_adds_epu8((__m512i)(a), (__m512i)(b)))
#elif CDT_SIMD == 2
#define LOOKUP(table, at) ((vu1)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(table))), (__m256i)(at)))
#define ADD_AT_MOST_255(a, b) ((vu1)_mm256_adds_epu8((__m256i)(a), (__m256i)(b)))
#else
/* table[at & 15], or 0 where the highest bit of at is set. */
static inline vu1 LEVEL(lookup)(const uint8_t *table, vu1 at)
{
    vu1 out;
    for (int i = 0; i < VECTOR_BYTES; i++) out[i] = at[i] & 0x80 ? 0 : table[at[i] & 15];
    return out;
}
#define LOOKUP(table, at) LEVEL(lookup)(table, at)
#define ADD_AT_MOST_255(a, b) (((a) + (b)) | (vu1)(((a) + (b)) < (a)))
#endif

/* All bits set where a flip of that half cost is taken by a draw of 16 bits. */
INLINE vi1 LEVEL(taken)(vi1 cost, vu8 high_draw, vu8 low_draw, const LEVEL(chances) *chances, const int segments)
{
    vu1 high = {0}, low = {0}, at = (vu1)cost;
    for (int s = 0; s < segments; s++) {
        const vu1 inside = ADD_AT_MOST_255(at, (vu1){0} + 0x70); /* 0x70 .. 0x7f for 0 .. 15; for all others the highest bit is set */
        high |= LOOKUP(chances->high + 16 * s, inside);
        low |= LOOKUP(chances->low + 16 * s, inside);
        at -= 16;
    }
    const vi1 chance = (vi1)(high ^ 0x80), rest = (vi1)(low ^ 0x80), drawn = (vi1)high_draw;
    return (cost <= 0) | (drawn < chance) | ((drawn == chance) & ((vi1)low_draw < rest));
}

INLINE void LEVEL(sweep_by_chances)(const cdt_anneal_problem *problem, uint8_t *up, size_t from, size_t to, LEVEL(draws) *draws,
                                    const LEVEL(chances) *chances, const int segments)
{
    for (size_t i = from; i < to; i++) {
        vi1 cost[PARTS], *const own = (vi1 *)(up + i * 64);
        vu8 high[PARTS], low[PARTS];
        LEVEL(draw)(draws, high);
        LEVEL(draw)(draws, low);
        TYPED(costs)(problem, up, i, cost);
        EACH_PART own[p] ^= LEVEL(taken)(cost[p], high[p], low[p], chances, segments);
    }
}

/* own ^= where cost <= limit; limits of 64 replicas as floats. */
INLINE void TYPED(take)(uint8_t *own, const vi1 cost[PARTS], const vf4 limits[QUARTERS], const vi1 where[PARTS])
{
    vi1 limit[PARTS];
    EACH_QUARTER
    {
        const vf4 shifted = limits[q] + 128.0f; /* when it is cut to an integer, it is rounded down */
        const vi4 high = shifted > 255.0f, low = shifted < 0.0f;
        const vf4 within = (vf4)(((vi4)shifted & ~(high | low)) | ((vi4)((vf4){0} + 255.0f) & high));
        ((vi1_quarter *)limit)[q] = NARROWED(__builtin_convertvector(within, vi4) - 128);
    }
    EACH_PART ((vi1 *)own)[p] ^= (cost[p] <= limit[p]) & where[p];
}

/* own ^= where cost < 0; `flipped` |= where that is. */
INLINE void TYPED(take_gain)(uint8_t *own, const vi1 cost[PARTS], vi1 flipped[PARTS])
{
    EACH_PART
    {
        const vi1 gain = cost[p] < 0;
        ((vi1 *)own)[p] ^= gain;
        flipped[p] |= gain;
    }
}

#undef LOOKUP
#undef ADD_AT_MOST_255
#define COSTS vi1
#define COUNT PARTS
#include "anneal_sweeps.template.h"

/* Spins whose fields and costs are summed in 32 bits. */
#define SUMMED ((size_t)1 << 22)

static void TYPED(energies)(const cdt_anneal_problem *problem, const uint8_t *up, double *energies)
{
    const int8_t *const fields = problem->fields;
    for (int k = 0; k < 64; k++) energies[k] = 0;
    for (size_t from = problem->first, to; from < problem->stop; from = to) {
        vi4 sums[QUARTERS] = {{0}}; /* of the fields of spins that are up */
        vi4 costs[QUARTERS] = {{0}};
        int64_t all = 0; /* fields */
        to = problem->stop - from > SUMMED ? from + SUMMED : problem->stop;
        for (size_t i = from; i < to; i++) {
            vi1 cost[PARTS];
            TYPED(costs)(problem, up, i, cost);
            EACH_QUARTER costs[q] += WIDENED(cost, q);
            if (!fields[i]) continue;
            all += fields[i];
            EACH_QUARTER sums[q] += WIDENED(up + i * 64, q) & fields[i];
        }
        for (int k = 0; k < 64; k++)
            energies[k] += (double)((const int32_t *)sums)[k] - 0.5 * (double)(all + ((const int32_t *)costs)[k]);
    }
}

static void TYPED(sweeps)(const cdt_anneal_problem *problem, uint8_t *up, const double *betas, size_t count, cdt_anneal_stream stream)
{
    LEVEL(chances) chances;
    LEVEL(draws) draws;
    for (size_t t = 0; t < count; t++) {
        LEVEL(set_chances)(&chances, betas[t]);
        EACH_BLOCK(problem)
        {
            to = LEVEL(block_end)(problem, from);
            LEVEL(start_draws)(&draws, stream, t + LEVEL(block_ahead)(from));
            if (chances.segments == 1)
                LEVEL(sweep_by_chances)(problem, up, from, to, &draws, &chances, 1);
            else
                LEVEL(sweep_by_chances)(problem, up, from, to, &draws, &chances, chances.segments);
        }
    }
}
#undef COSTS
#undef COUNT
#undef TYPED
