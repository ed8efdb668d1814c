/* Moves that keep the number of up spins of groups: one up and one down spin are exchanged. */

/* Orders the members of every group: first those that are up, then the others. */
static void TYPED(part)(const cdt_dense_groups *groups, const int8_t *states)
{
    for (size_t g = 0; g < groups->count; g++) {
        uint64_t up = groups->start[g], down = groups->start[g + 1];
        for (uint64_t k = groups->start[g]; k < groups->start[g + 1]; k++) up += states[groups->members[k]] > 0;
        groups->ups[g] = up - groups->start[g];
        for (uint64_t k = groups->start[g + 1]; k-- > groups->start[g];) {
            const uint32_t i = groups->members[k];
            groups->order[states[i] > 0 ? --up : --down] = i;
        }
    }
}

/* Half of what it costs to exchange an up and a down spin. */
INLINE COST TYPED(exchange_cost)(const cdt_dense_problem *problem, const FIELD *fields, uint32_t up, uint32_t down)
{
    const COUPLING coupling = ((const COUPLING *)problem->couplings)[up * problem->pitch + down];
    return (COST)fields[down] - (COST)fields[up] - 2 * (COST)coupling;
}

/* Exchanges the spins in slots of a group's order. */
static void TYPED(exchange)(const cdt_dense_problem *problem, cdt_dense_read read, uint32_t *up, uint32_t *down)
{
    const COUPLING *const couplings = problem->couplings;
    const uint32_t spin = *up;
    TYPED(sum) sum;
    TYPED(clear)(&sum);
    TYPED(append)(&sum, couplings + spin * problem->pitch, -1);
    TYPED(append)(&sum, couplings + *down * problem->pitch, 1);
    TYPED(add)(problem, &read, &sum, 1, 2);
    read.states[spin] = -1;
    read.states[*down] = 1;
    *up = *down;
    *down = spin;
}

/* Tries to exchange two spins of a group, which a word of 64 bits chooses. */
INLINE void TYPED(try_exchange)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_read read, uint32_t group,
                                uint64_t word, float limit)
{
    uint32_t *const order = groups->order + groups->start[group];
    const uint64_t ups = groups->ups[group], downs = groups->start[group + 1] - groups->start[group] - ups;
    if (!ups || !downs) return;
    uint32_t *const up = order + ((word >> 32) * ups >> 32), *const down = order + ups + ((word & 0xffffffffu) * downs >> 32);
    if ((float)TYPED(exchange_cost)(problem, read.fields, *up, *down) <= limit) TYPED(exchange)(problem, read, up, down);
}

/* Visits a block, some of whose spins are in groups: spin k has exponential draw k, and word k of what is drawn after them. */
static void TYPED(swap_block)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_read read, size_t at,
                              LEVEL(draws) *draws, float reach)
{
    vf4 limits[QUARTERS];
    vu8 drawn[8][PARTS];
    const size_t count = problem->spins - at < 64 ? problem->spins - at : 64;
    LEVEL(draw_exponential)(draws, limits);
    for (int k = 0; k < 8; k++) LEVEL(draw)(draws, drawn[k]);
    EACH_QUARTER limits[q] *= reach;
    for (size_t k = 0; k < count; k++) {
        const uint32_t group = groups->group[at + k];
        const float limit = ((const float *)limits)[k];
        if (group < groups->count)
            TYPED(try_exchange)(problem, groups, read, group, ((const uint64_t *)drawn)[k], limit);
        else if ((float)-(read.states[at + k] * ((const FIELD *)read.fields)[at + k]) <= limit)
            TYPED(flip)(problem, &read, at, &(const uint64_t){(uint64_t)1 << k}, 1);
    }
}

static void TYPED(swap_sweeps)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_read read,
                               const double *betas, size_t count, cdt_anneal_stream stream)
{
    LEVEL(draws) draws;
    for (size_t t = 0; t < count; t++) {
        const float reach = LEVEL(reach)(betas[t]);
        LEVEL(start_draws)(&draws, stream, t);
        TYPED(part)(groups, read.states);
        for (size_t at = 0; at < problem->spins; at += 64) {
            if (LEVEL(loose_of)(problem, groups, at) == LEVEL(spins_of)(problem, at))
                TYPED(anneal_block)(problem, read, at, &draws, reach);
            else
                TYPED(swap_block)(problem, groups, read, at, &draws, reach);
        }
    }
}

INLINE FIELD TYPED(lowest)(const FIELD *fields, const uint32_t *spins, size_t count)
{
    FIELD lowest = LARGEST;
    for (size_t k = 0; k < count; k++) lowest = fields[spins[k]] < lowest ? fields[spins[k]] : lowest;
    return lowest;
}

/* Exchanges each up spin of a group with its best partner, the first of equals, where that lowers the energy; returns the exchanges. */
static size_t TYPED(descend_group)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_read read, size_t group)
{
    const FIELD *const fields = read.fields;
    const size_t ups = groups->ups[group], downs = groups->start[group + 1] - groups->start[group] - ups;
    uint32_t *const up = groups->order + groups->start[group], *const down = up + ups;
    FIELD lowest = TYPED(lowest)(fields, down, downs);
    size_t exchanges = 0;
    for (size_t u = 0; u < ups; u++) {
        size_t best = downs;
        COST least = 0;
        if ((COST)fields[up[u]] + (COST)(2 * problem->strongest) <= (COST)lowest) continue; /* no partner gains */
        for (size_t d = 0; d < downs; d++) {
            const COST cost = TYPED(exchange_cost)(problem, fields, up[u], down[d]);
            if (cost >= least) continue;
            least = cost;
            best = d;
        }
        if (best == downs) continue;
        TYPED(exchange)(problem, read, up + u, down + best);
        lowest = TYPED(lowest)(fields, down, downs);
        exchanges++;
    }
    return exchanges;
}

static size_t TYPED(swap_descend)(const cdt_dense_problem *problem, const cdt_dense_groups *groups, cdt_dense_read read, size_t most)
{
    for (size_t t = 0; t < most; t++) {
        size_t moves = 0;
        for (size_t at = 0; at < problem->spins; at += 64) {
            moves += TYPED(descend_block)(problem, read, at, LEVEL(loose_of)(problem, groups, at));
        }
        TYPED(part)(groups, read.states);
        for (size_t g = 0; g < groups->count; g++) moves += TYPED(descend_group)(problem, groups, read, g);
        if (!moves) return t;
    }
    return most;
}
