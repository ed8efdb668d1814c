/* Moves that keep the number of up spins of groups: one up and one down spin are exchanged. */

/* Orders the members of every group: first those that are up, then the others. */
static void TYPED(part)(const cdt_dense_groups *groups, const int8_t *states)
{
    for (size_t g = 0; g < groups->count; g++) {
        uint64_t up = groups->start[g], down = up;
        for (uint64_t k = groups->start[g]; k < groups->start[g + 1]; k++) down += states[groups->members[k]] > 0;
        groups->ups[g] = down - up;
        for (uint64_t k = groups->start[g]; k < groups->start[g + 1]; k++) {
            const uint32_t i = groups->members[k];
            const uint64_t is_up = states[i] > 0; /* no branch: it would be a guess */
            groups->order[down ^ ((up ^ down) & -is_up)] = i;
            up += is_up;
            down += !is_up;
        }
    }
}

/* Half of what it costs to exchange an up and a down spin, were they not coupled. */
INLINE COST TYPED(apart_cost)(const FIELD *fields, uint32_t up, uint32_t down)
{
    return (COST)fields[down] - (COST)fields[up];
}

/* Half of what it costs to exchange them. */
INLINE COST TYPED(exchange_cost)(const cdt_dense_problem *problem, const FIELD *fields, uint32_t up, uint32_t down)
{
    const COUPLING coupling = ((const COUPLING *)problem->couplings)[up * problem->pitch + down];
    return TYPED(apart_cost)(fields, up, down) - 2 * (COST)coupling;
}

/* Exchanges the spins in slots of a group's order. */
APART void TYPED(exchange)(const cdt_dense_problem *problem, cdt_dense_read read, uint32_t *up, uint32_t *down)
{
    const COUPLING *const taken = (const COUPLING *)problem->couplings + *up * problem->pitch;
    const COUPLING *const added = (const COUPLING *)problem->couplings + *down * problem->pitch;
    const uint32_t spin = *up;
    for (size_t at = 0; at < problem->stride; at += 64) {
        FIELDS *const fields = (FIELDS *)((FIELD *)read.fields + at);
        EACH_OF_BLOCK fields[p] = fields[p] - ROW_AT(taken + at, p) * (FIELD)2 + ROW_AT(added + at, p) * (FIELD)2;
    }
    read.states[spin] = -1;
    read.states[*down] = 1;
    *up = *down;
    *down = spin;
}

/* The members of a group, those that are up first. */
typedef struct {
    uint32_t *up, *down;
    uint64_t ups, downs;
} TYPED(pool);

INLINE TYPED(pool) TYPED(pool_of)(const cdt_dense_groups *groups, size_t group)
{
    const uint64_t size = groups->start[group + 1] - groups->start[group], ups = groups->ups[group];
    uint32_t *const up = groups->order + groups->start[group];
    return (TYPED(pool)){up, up + ups, ups, size - ups};
}

/* Tries to exchange two spins of a group, `count` times, chosen by words of 64 bits. Most tries are in vain, and found to be so without
 * a look at the coupling: it is at most the strongest. */
APART void TYPED(try_exchanges)(const cdt_dense_problem *problem, const TYPED(pool) *pool, cdt_dense_read read, const COST *limits,
                                const uint64_t *words, size_t count)
{
    const uint64_t ups = pool->ups, downs = pool->downs;
    const COST most = (COST)(2 * problem->strongest);
    for (size_t k = 0; k < count; k++) {
        uint32_t *const up = pool->up + ((words[k] >> 32) * ups >> 32), *const down = pool->down + ((words[k] & 0xffffffffu) * downs >> 32);
        if (TYPED(apart_cost)(read.fields, *up, *down) - most > limits[k]) continue;
        if (TYPED(exchange_cost)(problem, read.fields, *up, *down) <= limits[k]) TYPED(exchange)(problem, read, up, down);
    }
}

/* Visits a block, some of whose spins are in groups: spin k has limit and word k. */
static void TYPED(visit_swapping)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_read read, size_t at,
                                  const COST *limits, const uint64_t *words)
{
    const size_t count = problem->spins - at < 64 ? problem->spins - at : 64;
    for (size_t k = 0, stop; k < count; k = stop) {
        const uint32_t group = groups->group[at + k];
        for (stop = k + 1; stop < count && groups->group[at + stop] == group;) stop++;
        if (group < groups->count) {
            const TYPED(pool) pool = TYPED(pool_of)(groups, group);
            if (pool.ups && pool.downs) TYPED(try_exchanges)(problem, &pool, read, limits + k, words + k, stop - k);
            continue;
        }
        for (; k < stop; k++) {
            if (-(read.states[at + k] * (COST)((const FIELD *)read.fields)[at + k]) > limits[k]) continue;
            TYPED(flip)(problem, &read, at, &(const uint64_t){(uint64_t)1 << k}, 1);
        }
    }
}

/* Spin k has exponential draw k, and word k of what is drawn after them. */
static void TYPED(swap_block)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_read read, size_t at,
                              LEVEL(draws) *draws, float reach)
{
    vf4 drawn[QUARTERS];
    COSTS limits[QUARTERS];
    vu8 words[8][PARTS];
    LEVEL(draw_exponential)(draws, drawn);
    for (int k = 0; k < 8; k++) LEVEL(draw)(draws, words[k]);
    EACH_QUARTER limits[q] = LIMITS(drawn[q] * reach);
    TYPED(visit_swapping)(problem, groups, read, at, (const COST *)limits, (const uint64_t *)words);
}

static void TYPED(swap_sweeps)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_rows rows,
                               cdt_dense_betas betas, cdt_anneal_stream stream)
{
    LEVEL(draws) draws;
    for (size_t k = 0; k < rows.count; k++) {
        const cdt_dense_read read = TYPED(read_at)(problem, rows, k);
        const cdt_anneal_stream own = {stream.seed, stream.group + k, stream.sweep};
        for (size_t t = 0; t < betas.count; t++) {
            const float reach = LEVEL(reach)(betas.numbers[k * betas.step + t]);
            LEVEL(draws_of_part)(problem, &draws, rows.draws + 16 * k, own, t);
            if (problem->first == 0) TYPED(part)(groups, read.states);
            for (size_t at = problem->first; at < problem->stop; at += 64) {
                if (groups->loose[at / 64] == LEVEL(spins_of)(problem, at))
                    TYPED(anneal_block)(problem, read, at, &draws, reach);
                else
                    TYPED(swap_block)(problem, groups, read, at, &draws, reach);
            }
            LEVEL(keep_draws)(&draws, rows.draws + 16 * k);
        }
    }
}

INLINE FIELD TYPED(lowest)(const FIELD *fields, const uint32_t *spins, size_t count)
{
    FIELD lowest = LARGEST;
    for (size_t k = 0; k < count; k++) lowest = fields[spins[k]] < lowest ? fields[spins[k]] : lowest;
    return lowest;
}

/* Exchanges each up spin of a group, of those in slots from `first` to before `stop`, with its best partner, the first of equals, where
 * that lowers the energy; returns the exchanges. */
static size_t TYPED(descend_group)(const cdt_dense_problem *problem, const TYPED(pool) *pool, cdt_dense_read read, size_t first, size_t stop)
{
    const FIELD *const fields = read.fields;
    FIELD lowest = TYPED(lowest)(fields, pool->down, pool->downs);
    size_t exchanges = 0;
    for (uint32_t *up = pool->up + first; up < pool->up + stop; up++) {
        uint32_t *best = NULL;
        COST least = 0;
        if ((COST)fields[*up] + (COST)(2 * problem->strongest) <= (COST)lowest) continue; /* no partner gains */
        for (uint32_t *down = pool->down; down < pool->down + pool->downs; down++) {
            const COST cost = TYPED(exchange_cost)(problem, fields, *up, *down);
            if (cost >= least) continue;
            least = cost;
            best = down;
        }
        if (!best) continue;
        TYPED(exchange)(problem, read, up, best);
        lowest = TYPED(lowest)(fields, pool->down, pool->downs);
        exchanges++;
    }
    return exchanges;
}

/* Those of all groups, of the slots that are to be visited. */
static size_t TYPED(descend_groups)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_read read)
{
    size_t exchanges = 0;
    for (size_t g = 0; g < groups->count; g++) {
        const uint64_t start = groups->start[g], end = start + groups->ups[g];
        const uint64_t first = groups->first > start ? groups->first : start, stop = groups->stop < end ? groups->stop : end;
        const TYPED(pool) pool = TYPED(pool_of)(groups, g);
        if (first >= stop || !pool.downs) continue;
        exchanges += TYPED(descend_group)(problem, &pool, read, first - start, stop - start);
    }
    return exchanges;
}

static size_t TYPED(swap_descend)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_read read, size_t most)
{
    for (size_t t = 0; t < most; t++) {
        size_t moves = 0;
        for (size_t at = problem->first; at < problem->stop; at += 64) {
            moves += TYPED(descend_block)(problem, read, at, groups->loose[at / 64]);
        }
        if (groups->first == 0) TYPED(part)(groups, read.states);
        moves += TYPED(descend_groups)(problem, groups, read);
        if (!moves) return t;
    }
    return most;
}
