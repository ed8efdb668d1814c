/* What is done to one read of a dense problem, whatever the type. FIELDS x[COUNT]: the fields of a block. */
#define EACH_OF_BLOCK UNROLL for (int p = 0; p < COUNT; p++)

static void TYPED(set_fields)(const cdt_dense_problem *problem, cdt_dense_read read)
{
    FIELD *const fields = read.fields;
    memcpy(fields, problem->fields, problem->spins * sizeof *fields);
    for (size_t i = problem->spins; i < problem->stride; i++) {
        fields[i] = LARGEST;
        read.states[i] = -1;
    }
    for (size_t at = 0; at < problem->spins; at += 64) {
        TYPED(sum) sum;
        TYPED(clear)(&sum);
        for (size_t i = at; i < at + 64 && i < problem->spins; i++) {
            TYPED(append)(&sum, (const COUPLING *)problem->couplings + i * problem->stride, read.states[i]);
        }
        TYPED(add)(problem, fields, &sum, 1);
    }
}

static double TYPED(energy)(const cdt_dense_problem *problem, cdt_dense_read read)
{
    const FIELD *const fields = read.fields, *const own = problem->fields;
    SUM twice = 0;
    for (size_t i = 0; i < problem->spins; i++) twice += read.states[i] * ((SUM)fields[i] + (SUM)own[i]);
    return 0.5 * (double)twice;
}

/* A block of a read: minus its spins, and the half costs of their flips. */
typedef struct {
    FIELDS minus[COUNT], costs[COUNT];
} TYPED(block);

INLINE void TYPED(open)(TYPED(block) *block, cdt_dense_read read, size_t at)
{
    EACH_OF_BLOCK
    {
        block->minus[p] = -WIDENED_TO_FIELDS(read.states + at, p);
        block->costs[p] = block->minus[p] * ((const FIELDS *)((const FIELD *)read.fields + at))[p];
    }
}

/* Bit k: whether the half cost of spin k is at most its limit. */
INLINE uint64_t TYPED(within)(const FIELDS costs[COUNT], const FIELDS limits[COUNT])
{
    return AT_MOST(costs, limits) | (uint64_t)AT_MOST(costs + COUNT / 2, limits + COUNT / 2) << 32;
}

/* What a flip in a block is worth to the others': their costs change by their coupling times doubled[whether it was down]. */
typedef struct {
    FIELDS doubled[2][COUNT];
    uint64_t down;
    const COUPLING *rows; /* of the block's first spin, from there on */
} TYPED(turns);

INLINE void TYPED(set_turns)(TYPED(turns) *turns, const cdt_dense_problem *problem, cdt_dense_read read, size_t at, const TYPED(block) *block)
{
    EACH_OF_BLOCK
    {
        turns->doubled[1][p] = block->minus[p] + block->minus[p];
        turns->doubled[0][p] = -turns->doubled[1][p];
    }
    turns->down = LEVEL(negative)(read.states + at);
    turns->rows = (const COUPLING *)problem->couplings + at * (problem->stride + 1);
}

/* Visits spins `among` of half a block in order; returns those whose half cost is at most its limit then. */
INLINE uint32_t TYPED(visit_half)(const TYPED(turns) *turns, size_t stride, FIELDS costs[COUNT], const FIELDS limits[COUNT], uint32_t among,
                                  const int half)
{
    const int first = half * COUNT / 2;
    const COUPLING *const rows = turns->rows + 32 * half * stride;
    const uint32_t down = (uint32_t)(turns->down >> 32 * half);
    uint32_t flips = 0, taken = AT_MOST(costs + first, limits + first) & among;
    while (taken) {
        const uint32_t k = (uint32_t)__builtin_ctz(taken);
        const COUPLING *const row = rows + k * stride;
        const FIELDS *const doubled = turns->doubled[down >> k & 1];
        UNROLL for (int p = first; p < COUNT; p++) costs[p] += ROW_AT(row, p) * doubled[p];
        flips |= taken & -taken;
        taken = AT_MOST(costs + first, limits + first) & among & ~(uint32_t)1 << k;
    }
    return flips;
}

/* Flips spins of a block: states and fields. */
INLINE size_t TYPED(flip)(const cdt_dense_problem *problem, cdt_dense_read read, size_t at, uint64_t flips)
{
    TYPED(sum) sum;
    TYPED(clear)(&sum);
    for (; flips; flips &= flips - 1) {
        const size_t spin = at + (size_t)__builtin_ctzll(flips);
        read.states[spin] = -read.states[spin];
        TYPED(append)(&sum, (const COUPLING *)problem->couplings + spin * problem->stride, read.states[spin]);
    }
    return TYPED(add)(problem, read.fields, &sum, 2);
}

/* Visits the spins `among` of a block in order, flips those whose half cost is at most its limit then; returns their number. */
INLINE size_t TYPED(visit)(const cdt_dense_problem *problem, cdt_dense_read read, size_t at, TYPED(block) *block,
                           const FIELDS limits[COUNT], uint64_t among)
{
    TYPED(turns) turns;
    TYPED(set_turns)(&turns, problem, read, at, block);
    uint64_t flips = TYPED(visit_half)(&turns, problem->stride, block->costs, limits, (uint32_t)among, 0);
    flips |= (uint64_t)TYPED(visit_half)(&turns, problem->stride, block->costs, limits, (uint32_t)(among >> 32), 1) << 32;
    return TYPED(flip)(problem, read, at, flips);
}

INLINE void TYPED(fill)(FIELDS numbers[COUNT], FIELD number)
{
    EACH_OF_BLOCK numbers[p] = (FIELDS){0} + number;
}

/* The largest limit that can be drawn. */
static FIELD TYPED(furthest)(float reach)
{
    const float limit = LARGEST_DRAW * reach;
    return limit < (float)LARGEST ? (FIELD)limit : LARGEST;
}

/* Visits a block, unless no draw could flip any of its spins: then none is drawn. */
INLINE void TYPED(anneal_block)(const cdt_dense_problem *problem, cdt_dense_read read, size_t at, LEVEL(draws) *draws, float reach)
{
    const uint64_t among = LEVEL(spins_of)(problem, at);
    TYPED(block) block;
    FIELDS limits[COUNT];
    TYPED(open)(&block, read, at);
    TYPED(fill)(limits, TYPED(furthest)(reach));
    if (!(TYPED(within)(block.costs, limits) & among)) return;
    DRAW(draws, reach, limits);
    TYPED(visit)(problem, read, at, &block, limits, among);
}

static void TYPED(sweeps)(const cdt_dense_problem *problem, cdt_dense_read read, const double *betas, size_t count,
                          cdt_anneal_stream stream)
{
    LEVEL(draws) draws;
    for (size_t t = 0; t < count; t++) {
        const float reach = LEVEL(reach)(betas[t]);
        LEVEL(start_draws)(&draws, stream, t);
        for (size_t at = 0; at < problem->spins; at += 64) TYPED(anneal_block)(problem, read, at, &draws, reach);
    }
}

/* Flips spins `among` of a block whose flip lowers the energy; returns their number. */
INLINE size_t TYPED(descend_block)(const cdt_dense_problem *problem, cdt_dense_read read, size_t at, uint64_t among)
{
    TYPED(block) block;
    FIELDS limits[COUNT];
    TYPED(open)(&block, read, at);
    TYPED(fill)(limits, LEAST_GAIN);
    return TYPED(visit)(problem, read, at, &block, limits, among);
}

static size_t TYPED(descend)(const cdt_dense_problem *problem, cdt_dense_read read, size_t most)
{
    for (size_t t = 0; t < most; t++) {
        size_t flips = 0;
        for (size_t at = 0; at < problem->spins; at += 64) {
            flips += TYPED(descend_block)(problem, read, at, LEVEL(spins_of)(problem, at));
        }
        if (!flips) return t;
    }
    return most;
}

#include "anneal_dense_swaps.template.h"
#include "anneal_dense_tabu.template.h"
#undef EACH_OF_BLOCK
