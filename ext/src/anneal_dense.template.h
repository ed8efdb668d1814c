/* What is done to one read of a dense problem, whatever the type. FIELDS x[COUNT]: the fields of a block. */
#define LANES (VECTOR_BYTES / (int)sizeof(FIELD))
#define EACH_OF_BLOCK UNROLL for (int p = 0; p < COUNT; p++)

/* Rows of couplings that are to be added to the fields, each times a factor. */
typedef struct {
    const COUPLING *rows[64];
    FIELD factors[64];
    size_t count;
} TYPED(sum);

INLINE void TYPED(append)(TYPED(sum) *sum, const cdt_dense_problem *problem, size_t spin, FIELD factor)
{
    sum->rows[sum->count] = (const COUPLING *)problem->couplings + spin * problem->stride;
    sum->factors[sum->count++] = factor;
}

/* Adds to `wide` vectors of fields, from vector v on, row after row. */
INLINE void TYPED(add_to_some)(FIELDS *fields, size_t v, const TYPED(sum) *sum, const int wide)
{
    FIELDS totals[8];
    UNROLL for (int i = 0; i < wide; i++) totals[i] = fields[v + i];
    for (size_t k = 0; k < sum->count; k++) {
        const COUPLING *const row = sum->rows[k] + v * LANES;
        const FIELDS factor = (FIELDS){0} + sum->factors[k];
        UNROLL for (int i = 0; i < wide; i++) totals[i] += ROW_AT(row, i) * factor;
    }
    UNROLL for (int i = 0; i < wide; i++) fields[v + i] = totals[i];
}

static void TYPED(add)(const cdt_dense_problem *problem, FIELD *fields, const TYPED(sum) *sum)
{
    const size_t vectors = problem->stride / LANES;
    size_t v = 0;
    for (; v + 8 <= vectors; v += 8) TYPED(add_to_some)((FIELDS *)fields, v, sum, 8);
    for (; v < vectors; v++) TYPED(add_to_some)((FIELDS *)fields, v, sum, 1);
}

static void TYPED(set_fields)(const cdt_dense_problem *problem, cdt_dense_read read)
{
    FIELD *const fields = read.fields;
    memcpy(fields, problem->fields, problem->spins * sizeof *fields);
    for (size_t i = problem->spins; i < problem->stride; i++) {
        fields[i] = LARGEST;
        read.states[i] = -1;
    }
    for (size_t at = 0; at < problem->spins; at += 64) {
        TYPED(sum) sum = {.count = 0};
        for (size_t i = at; i < at + 64 && i < problem->spins; i++) TYPED(append)(&sum, problem, i, read.states[i]);
        TYPED(add)(problem, fields, &sum);
    }
}

static double TYPED(energy)(const cdt_dense_problem *problem, cdt_dense_read read)
{
    const FIELD *const fields = read.fields, *const own = problem->fields;
    SUM twice = 0;
    for (size_t i = 0; i < problem->spins; i++) twice += read.states[i] * ((SUM)fields[i] + (SUM)own[i]);
    return 0.5 * (double)twice;
}

/* A block of a read: minus its spins, and its fields; their products are the half costs. */
typedef struct {
    FIELDS minus[COUNT], fields[COUNT];
} TYPED(block);

INLINE void TYPED(open)(TYPED(block) *block, cdt_dense_read read, size_t at)
{
    EACH_OF_BLOCK
    {
        block->minus[p] = -WIDENED_TO_FIELDS(read.states + at, p);
        block->fields[p] = ((const FIELDS *)((const FIELD *)read.fields + at))[p];
    }
}

/* Bit k: whether the half cost of spin k is at most its limit. */
INLINE uint64_t TYPED(within)(const TYPED(block) *block, const FIELDS limits[COUNT])
{
    FIELDS costs[COUNT];
    EACH_OF_BLOCK costs[p] = block->minus[p] * block->fields[p];
    return AT_MOST(costs, limits);
}

/* Visits the spins `among` of a block in order, flips those whose half cost is at most its limit then; returns their number. Fields
 * outside of the block get all flips at the end, together. */
INLINE size_t TYPED(visit)(const cdt_dense_problem *problem, cdt_dense_read read, size_t at, TYPED(block) *block,
                           const FIELDS limits[COUNT], uint64_t among)
{
    TYPED(sum) sum;
    uint64_t taken = TYPED(within)(block, limits) & among;
    sum.count = 0;
    while (taken) {
        const int k = __builtin_ctzll(taken);
        const FIELD factor = (FIELD)(-2 * read.states[at + k]);
        read.states[at + k] = -read.states[at + k];
        TYPED(append)(&sum, problem, at + k, factor);
        EACH_OF_BLOCK block->fields[p] += ROW_AT(sum.rows[sum.count - 1] + at, p) * ((FIELDS){0} + factor);
        taken = TYPED(within)(block, limits) & among & ~(uint64_t)1 << k;
    }
    if (sum.count) TYPED(add)(problem, read.fields, &sum);
    return sum.count;
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
    if (!(TYPED(within)(&block, limits) & among)) return;
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
#undef LANES
#undef EACH_OF_BLOCK
