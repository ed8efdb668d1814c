/* What a sweep is, whatever the type of fields. COSTS x[COUNT]: half costs of 64 replicas. */

static void TYPED(sweeps_apart)(const cdt_anneal_problem *problem, uint8_t *up, const double *betas, size_t count,
                                cdt_anneal_stream stream)
{
    vf4 reach[QUARTERS], limits[QUARTERS];
    vi1 everywhere[PARTS];
    LEVEL(draws) draws;
    for (int k = 0; k < 64; k++) ((float *)reach)[k] = LEVEL(reach)(betas[k]);
    memset(everywhere, 0xff, 64);
    for (size_t t = 0; t < count; t++) {
        EACH_BLOCK(problem)
        {
            to = LEVEL(block_end)(problem, from);
            LEVEL(start_draws)(&draws, stream, t + LEVEL(block_ahead)(from));
            for (size_t i = from; i < to; i++) {
                COSTS cost[COUNT];
                LEVEL(draw_exponential)(&draws, limits);
                EACH_QUARTER limits[q] *= reach[q];
                TYPED(costs)(problem, up, i, cost);
                TYPED(take)(up + i * 64, cost, limits, everywhere);
            }
        }
    }
}

/* The slice before and the slice after each, in rings of 4, 8 or 16 bytes. */
INLINE void TYPED(beside)(const vu8 own, vu8 *before, vu8 *after, const int slices)
{
    if (slices == 4) {
        *before = (vu8)((vu4)own << 8 | (vu4)own >> 24);
        *after = (vu8)((vu4)own >> 8 | (vu4)own << 24);
    } else {
        const vu8 other = slices == 8 ? own : (vu8)SWAPPED(own);
        *before = own << 8 | other >> 56;
        *after = own >> 8 | other << 56;
    }
}

/* Visits the slices of a spin where `where` is set; the half cost is to be at most (draw - 2 K c) reach, where c = s (s before + s after). */
INLINE void TYPED(visit_slices)(uint8_t *own, const COSTS cost[COUNT], const vf4 draws[QUARTERS], float reach, float link, const int slices,
                                const vi1 where[PARTS])
{
    vi1 unlike[PARTS]; /* minus the number of unlike slices beside each; c = 2 + 2 unlike */
    vf4 limits[QUARTERS];
    EACH_PART
    {
        const vu8 row = ((const vu8 *)own)[p];
        vu8 before, after;
        TYPED(beside)(row, &before, &after, slices);
        unlike[p] = (vi1)(row ^ before) + (vi1)(row ^ after);
    }
    EACH_QUARTER limits[q] = (draws[q] - 4.0f * link * (1.0f + __builtin_convertvector(WIDENED(unlike, q), vf4))) * reach;
    TYPED(take)(own, cost, limits, where);
}

INLINE void TYPED(sweep_linked)(const cdt_anneal_problem *problem, uint8_t *up, cdt_anneal_stream stream, float reach, float link,
                                const int slices)
{
    vi1 even[PARTS], odd[PARTS];
    EACH_PART
    {
        even[p] = (vi1)((vu4){0} + 0x00ff00ffu);
        odd[p] = ~even[p];
    }
    EACH_BLOCK(problem)
    {
        LEVEL(draws) draws;
        to = LEVEL(block_end)(problem, from);
        LEVEL(start_draws)(&draws, stream, LEVEL(block_ahead)(from));
        for (size_t i = from; i < to; i++) {
            COSTS cost[COUNT];
            vf4 drawn[QUARTERS];
            LEVEL(draw_exponential)(&draws, drawn);
            TYPED(costs)(problem, up, i, cost);
            TYPED(visit_slices)(up + i * 64, cost, drawn, reach, link, slices, even);
            TYPED(visit_slices)(up + i * 64, cost, drawn, reach, link, slices, odd);
        }
    }
}

static void TYPED(sweeps_linked)(const cdt_anneal_problem *problem, uint8_t *up, const double *betas, const double *links, int slices,
                                 size_t count, cdt_anneal_stream stream)
{
    for (size_t t = 0; t < count; t++, stream.sweep++) {
        const float reach = LEVEL(reach)(betas[t] / slices), link = (float)links[t];
        if (slices == 4)
            TYPED(sweep_linked)(problem, up, stream, reach, link, 4);
        else if (slices == 8)
            TYPED(sweep_linked)(problem, up, stream, reach, link, 8);
        else
            TYPED(sweep_linked)(problem, up, stream, reach, link, 16);
    }
}

static size_t TYPED(descend)(const cdt_anneal_problem *problem, uint8_t *up, size_t most)
{
    for (size_t t = 0; t < most; t++) {
        vi1 flipped[PARTS] = {{0}};
        for (size_t i = problem->first; i < problem->stop; i++) {
            COSTS cost[COUNT];
            TYPED(costs)(problem, up, i, cost);
            TYPED(take_gain)(up + i * 64, cost, flipped);
        }
        uint64_t any = 0;
        for (int k = 0; k < 8; k++) any |= ((const uint64_t *)flipped)[k];
        if (!any) return t;
    }
    return most;
}
