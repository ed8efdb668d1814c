/* What is done to one read of a dense problem, whatever the type. FIELDS x[COUNT]: the fields of a block. */
#define EACH_OF_BLOCK UNROLL for (int p = 0; p < COUNT; p++)

static const FIELDS TYPED(none)[COUNT];

static cdt_dense_read TYPED(read_at)(const cdt_dense_problem *problem, cdt_dense_rows rows, size_t k)
{
    const cdt_dense_read read = {rows.states + k * problem->stride, (FIELD *)rows.fields + k * problem->stride};
    return read;
}

static void TYPED(clear_fields)(const cdt_dense_problem *problem, cdt_dense_read read)
{
    FIELD *const fields = read.fields;
    memcpy(fields, problem->fields, problem->spins * sizeof *fields);
    for (size_t i = problem->spins; i < problem->stride; i++) {
        fields[i] = LARGEST;
        read.states[i] = -1;
    }
}

static void TYPED(set_fields)(const cdt_dense_problem *problem, cdt_dense_rows rows)
{
    TYPED(sum) sums[TEAM];
    cdt_dense_read reads[TEAM];
    for (size_t first = 0; first < rows.count; first += TEAM) {
        const size_t count = rows.count - first < TEAM ? rows.count - first : TEAM;
        for (size_t w = 0; w < count; w++) {
            reads[w] = TYPED(read_at)(problem, rows, first + w);
            if (problem->first == 0) TYPED(clear_fields)(problem, reads[w]);
        }
        for (size_t at = problem->first; at < problem->stop; at += 64) {
            for (size_t w = 0; w < count; w++) {
                TYPED(gather)(&sums[w], problem, at, LEVEL(spins_of)(problem, at), ~LEVEL(negative)(reads[w].states + at));
            }
            TYPED(add)(problem, reads, sums, count, 1);
        }
    }
}

static double TYPED(energy)(const cdt_dense_problem *problem, cdt_dense_read read)
{
    const FIELD *const fields = read.fields, *const own = problem->fields;
    SUM twice = 0;
    for (size_t i = 0; i < problem->spins; i++) twice += read.states[i] * ((SUM)fields[i] + (SUM)own[i]);
    return 0.5 * (double)twice;
}

/* A block of a read: half costs of flips and their limits; the spins to be visited, and those that are down. A flip changes the costs by
 * the coupling times doubled[whether it was down]. */
typedef struct {
    FIELDS costs[COUNT], limits[COUNT], doubled[2][COUNT];
    uint64_t among, down;
} TYPED(block);

INLINE void TYPED(open)(TYPED(block) *block, cdt_dense_read read, size_t at)
{
    EACH_OF_BLOCK
    {
        const FIELDS states = WIDENED_TO_FIELDS(read.states + at, p);
        block->doubled[0][p] = states + states;
        block->doubled[1][p] = -states - states;
        block->costs[p] = -states * ((const FIELDS *)((const FIELD *)read.fields + at))[p];
    }
    block->down = LEVEL(negative)(read.states + at);
}

/* Bit k: whether the half cost of spin k is at most its limit. */
INLINE uint64_t TYPED(within)(const FIELDS costs[COUNT], const FIELDS limits[COUNT])
{
    return AT_MOST(costs, limits) | (uint64_t)AT_MOST(costs + COUNT / 2, limits + COUNT / 2) << 32;
}

INLINE uint32_t TYPED(within_half)(const TYPED(block) *block, const int half)
{
    return AT_MOST(block->costs + half * COUNT / 2, block->limits + half * COUNT / 2);
}

/* Visits half of the block of several reads; `rows` are those of its first spin, from there on. A read that has no spin left in reach
 * stays as it is: the bits up to the lowest of none are all. */
INLINE void TYPED(visit_half)(TYPED(block) *blocks, const COUPLING *rows, size_t pitch, uint64_t *flips, const int ways, const int half)
{
    uint32_t taken[WAYS], left[WAYS], made[WAYS] = {0}, any = 0;
    UNROLL for (int w = 0; w < ways; w++)
    {
        left[w] = (uint32_t)(blocks[w].among >> 32 * half);
        any |= taken[w] = TYPED(within_half)(&blocks[w], half) & left[w];
    }
    while (any) {
        any = 0;
        UNROLL for (int w = 0; w < ways; w++)
        {
            const uint32_t k = (uint32_t)__builtin_ctz(taken[w] ? taken[w] : 1);
            const COUPLING *const row = rows + (32 * half + k) * pitch;
            const FIELDS *const doubled = taken[w] ? blocks[w].doubled[blocks[w].down >> (32 * half + k) & 1] : TYPED(none);
            UNROLL for (int p = half * COUNT / 2; p < COUNT; p++) blocks[w].costs[p] += ROW_AT(row, p) * doubled[p];
            made[w] |= taken[w] & -taken[w];
            left[w] &= ~(taken[w] ^ (taken[w] - 1));
            any |= taken[w] = TYPED(within_half)(&blocks[w], half) & left[w];
        }
    }
    UNROLL for (int w = 0; w < ways; w++) flips[w] |= (uint64_t)made[w] << 32 * half;
}

/* Visits the spins `among` of a block of several reads in order; `flips` gets those whose half cost is at most its limit then. */
INLINE void TYPED(visit)(const cdt_dense_problem *problem, size_t at, TYPED(block) *blocks, uint64_t *flips, const int ways)
{
    const COUPLING *const rows = (const COUPLING *)problem->couplings + at * (problem->pitch + 1);
    for (int w = 0; w < ways; w++) flips[w] = 0;
    TYPED(visit_half)(blocks, rows, problem->pitch, flips, ways, 0);
    if (problem->spins - at > 32) TYPED(visit_half)(blocks, rows, problem->pitch, flips, ways, 1);
}

/* Flips spins of a block of several reads, states and fields; returns their number. */
APART size_t TYPED(flip)(const cdt_dense_problem *problem, const cdt_dense_read *reads, size_t at, const uint64_t *flips, size_t count)
{
    TYPED(sum) sums[TEAM];
    size_t made = 0;
    for (size_t w = 0; w < count; w++) {
        int8_t *const states = reads[w].states + at;
        const uint64_t down = LEVEL(negative)(states);
        TYPED(gather)(&sums[w], problem, at, flips[w], down);
        for (uint64_t left = flips[w]; left; left &= left - 1, made++) {
            const int k = __builtin_ctzll(left);
            states[k] = (int8_t)(2 * (int)(down >> k & 1) - 1);
        }
    }
    if (made) TYPED(add)(problem, reads, sums, count, 2);
    return made;
}

/* Visits a block of one read, and flips; returns the number of flips. */
INLINE size_t TYPED(pass)(const cdt_dense_problem *problem, cdt_dense_read read, size_t at, TYPED(block) *block)
{
    uint64_t flips;
    if (!(TYPED(within)(block->costs, block->limits) & block->among)) return 0;
    TYPED(visit)(problem, at, block, &flips, 1);
    return TYPED(flip)(problem, &read, at, &flips, 1);
}

/* Of WAYS reads. */
APART void TYPED(visit_ways)(const cdt_dense_problem *problem, size_t at, TYPED(block) *blocks, uint64_t *flips)
{
    TYPED(visit)(problem, at, blocks, flips, WAYS);
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

/* Draws the limits of a block, unless no draw could flip any of its spins: then none is drawn, and none visited. */
APART void TYPED(draw_block)(const cdt_dense_problem *problem, cdt_dense_read read, size_t at, LEVEL(draws) *draws, float reach,
                              TYPED(block) *block)
{
    TYPED(open)(block, read, at);
    block->among = LEVEL(spins_of)(problem, at);
    TYPED(fill)(block->limits, TYPED(furthest)(reach));
    if (TYPED(within)(block->costs, block->limits) & block->among)
        DRAW(draws, reach, block->limits);
    else
        block->among = 0;
}

/* Visits a block of one read. */
INLINE void TYPED(anneal_block)(const cdt_dense_problem *problem, cdt_dense_read read, size_t at, LEVEL(draws) *draws, float reach)
{
    TYPED(block) block;
    TYPED(draw_block)(problem, read, at, draws, reach, &block);
    TYPED(pass)(problem, read, at, &block);
}

/* Reads that go through their spins side by side. */
typedef struct {
    size_t count;
    cdt_dense_read reads[TEAM];
    LEVEL(draws) draws[TEAM];
    float reach[TEAM];
    TYPED(block) blocks[TEAM];
} TYPED(team);

static void TYPED(sweep)(const cdt_dense_problem *problem, TYPED(team) *team)
{
    for (size_t at = problem->first; at < problem->stop; at += 64) {
        uint64_t flips[TEAM], any[TEAM] = {0};
        for (size_t w = 0; w < team->count; w++) {
            TYPED(draw_block)(problem, team->reads[w], at, &team->draws[w], team->reach[w], &team->blocks[w]);
            any[w / WAYS] |= team->blocks[w].among;
        }
        for (size_t w = 0; w < team->count; w += WAYS) {
            if (!any[w / WAYS])
                memset(flips + w, 0, WAYS * sizeof *flips);
            else if (w + 1 == team->count)
                TYPED(visit)(problem, at, team->blocks + w, flips + w, 1);
            else
                TYPED(visit_ways)(problem, at, team->blocks + w, flips + w);
        }
        TYPED(flip)(problem, team->reads, at, flips, team->count);
    }
}

static void TYPED(sweeps)(const cdt_dense_problem *problem, cdt_dense_rows rows, cdt_dense_betas betas, cdt_anneal_stream stream)
{
    TYPED(team) team;
    for (size_t first = 0; first < rows.count; first += TEAM) {
        team.count = rows.count - first < TEAM ? rows.count - first : TEAM;
        memset(team.blocks, 0, sizeof team.blocks);
        for (size_t w = 0; w < team.count; w++) team.reads[w] = TYPED(read_at)(problem, rows, first + w);
        for (size_t t = 0; t < betas.count; t++) {
            for (size_t w = 0; w < team.count; w++) {
                const cdt_anneal_stream own = {stream.seed, stream.group + first + w, stream.sweep};
                LEVEL(draws_of_part)(problem, &team.draws[w], rows.draws + 16 * (first + w), own, t);
                team.reach[w] = LEVEL(reach)(betas.numbers[(first + w) * betas.step + t]);
            }
            TYPED(sweep)(problem, &team);
            for (size_t w = 0; w < team.count; w++) LEVEL(keep_draws)(&team.draws[w], rows.draws + 16 * (first + w));
        }
    }
}

/* Flips spins `among` of a block whose flip lowers the energy; returns their number. */
INLINE size_t TYPED(descend_block)(const cdt_dense_problem *problem, cdt_dense_read read, size_t at, uint64_t among)
{
    TYPED(block) block;
    TYPED(open)(&block, read, at);
    TYPED(fill)(block.limits, LEAST_GAIN);
    block.among = among;
    return TYPED(pass)(problem, read, at, &block);
}

static size_t TYPED(descend)(const cdt_dense_problem *problem, cdt_dense_read read, size_t most)
{
    for (size_t t = 0; t < most; t++) {
        size_t flips = 0;
        for (size_t at = problem->first; at < problem->stop; at += 64) {
            flips += TYPED(descend_block)(problem, read, at, LEVEL(spins_of)(problem, at));
        }
        if (!flips) return t;
    }
    return most;
}

#include "anneal_dense_swaps.template.h"
#include "anneal_dense_tabu.template.h"
#undef EACH_OF_BLOCK
#undef TYPED
#undef COUPLING
#undef ROW_AT
