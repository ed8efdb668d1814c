/* Tabu search by single flips (Glover 1989; for such problems Palubeckis 2004): the best flip is made, even if it costs, but a spin that
 * was flipped rests. */

/* What a flip gains: the least half costs, with the sign changed. Of all spins, and of those that do not rest. */
typedef struct {
    FIELD of_all, of_free;
} TYPED(gains);

/* Adds a row, times a factor, to all fields, and finds the largest gains in the same pass; search->gains gets those of the free spins of
 * each block, a vector for each. */
INLINE TYPED(gains) TYPED(add_row)(const cdt_dense_problem *problem, const cdt_dense_tabu *search, cdt_dense_read read,
                                   const COUPLING *row, FIELD factor)
{
    const FIELDS factors = (FIELDS){0} + factor;
    const FIELD *const all_bars = search->bars;
    FIELDS *const gains = search->gains;
    const size_t stride = problem->stride;
    FIELDS all = (FIELDS){0} - LARGEST, free = all;
    for (size_t at = 0; at < stride; at += 64) {
        FIELDS *const fields = (FIELDS *)((FIELD *)read.fields + at);
        const FIELDS *const bars = (const FIELDS *)(all_bars + at);
        FIELDS of_block = (FIELDS){0} - LARGEST;
        EACH_OF_BLOCK
        {
            const FIELDS field = fields[p] + ROW_AT(row + at, p) * factors, gain = WIDENED_TO_FIELDS(read.states + at, p) * field;
            fields[p] = field;
            all = HIGHER(all, gain);
            of_block = HIGHER(of_block, LOWER(gain, bars[p]));
        }
        gains[at / 64] = of_block;
        free = HIGHER(free, of_block);
    }
    return (TYPED(gains)){HIGHEST_OF(all), HIGHEST_OF(free)};
}

/* The first spin of that gain from a block on: of all spins, or of the free ones. */
INLINE uint32_t TYPED(find)(const cdt_dense_problem *problem, const cdt_dense_tabu *search, cdt_dense_read read, FIELD gain, int among_all,
                            size_t first)
{
    const FIELDS least = (FIELDS){0} + gain;
    FIELDS limits[COUNT];
    TYPED(fill)(limits, (FIELD)-gain);
    size_t at = 64 * first;
    for (size_t b = 0; b < problem->stride / 64; b++, at = at + 64 < problem->stride ? at + 64 : 0) {
        if (!among_all && !ANY_AT_LEAST(((const FIELDS *)search->gains)[at / 64], least)) continue;
        const FIELDS *const bars = (const FIELDS *)((const FIELD *)search->bars + at);
        TYPED(block) block;
        TYPED(open)(&block, read, at);
        if (!among_all) EACH_OF_BLOCK block.costs[p] = HIGHER(block.costs[p], -bars[p]);
        const uint64_t found = TYPED(within)(block.costs, limits) & LEVEL(spins_of)(problem, at);
        if (found) return (uint32_t)(at + (size_t)__builtin_ctzll(found));
    }
    return 0;
}

/* Lets go who has rested long enough; a new tenure begins with an epoch. */
INLINE void TYPED(wake)(const cdt_dense_tabu *search, uint64_t word)
{
    cdt_dense_walk *const walk = search->walk;
    if (walk->step % CDT_DENSE_EPOCH == 0) walk->tenure = search->tenure + ((word >> 32) * ((uint64_t)search->spread + 1) >> 32);
    for (; walk->queued > walk->tenure; walk->queued--) {
        ((FIELD *)search->bars)[search->queue[walk->oldest]] = LARGEST;
        walk->oldest = walk->oldest == (uint64_t)search->tenure + search->spread ? 0 : walk->oldest + 1;
    }
}

INLINE void TYPED(rest)(const cdt_dense_tabu *search, uint32_t spin)
{
    cdt_dense_walk *const walk = search->walk;
    FIELD *const bars = search->bars;
    const uint64_t places = (uint64_t)search->tenure + search->spread + 1, place = walk->oldest + walk->queued;
    if (bars[spin] < 0) return;
    bars[spin] = -LARGEST;
    search->queue[place < places ? place : place - places] = spin;
    walk->queued++;
}

/* Chooses the best spin, by the gains, and flips its state; returns it. */
INLINE uint32_t TYPED(choose)(const cdt_dense_problem *problem, const cdt_dense_tabu *search, cdt_dense_read read, TYPED(gains) gains,
                              uint64_t word)
{
    cdt_dense_walk *const walk = search->walk;
    const int best = walk->energy - (double)gains.of_all < walk->lowest; /* aspiration */
    const FIELD gain = best ? gains.of_all : gains.of_free;
    if (!best && walk->unsaved) {
        memcpy(search->best, read.states, problem->stride);
        walk->unsaved = 0;
    }
    const size_t first = (word & 0xffffffffu) * (uint64_t)(problem->stride / 64) >> 32;
    const uint32_t spin = TYPED(find)(problem, search, read, gain, best, first);
    read.states[spin] = (int8_t)-read.states[spin];
    TYPED(rest)(search, spin);
    walk->energy -= (double)gain;
    if (best) walk->lowest = walk->energy;
    if (best) walk->unsaved = 1;
    return spin;
}

static double TYPED(tabu)(const cdt_dense_problem *problem, const cdt_dense_tabu *search, cdt_dense_read read, cdt_anneal_stream stream)
{
    cdt_dense_walk *const walk = search->walk;
    const COUPLING *row = problem->couplings;
    FIELD factor = 0; /* of the row of the spin that was flipped last: fields get it when the next one is looked for */
    LEVEL(words) words = {.next = 8};
    if (walk->step == 0) {
        *walk = (cdt_dense_walk){.unsaved = 1};
        LEVEL(start_draws)(&words.draws, stream, 0);
        for (size_t i = 0; i < problem->stride; i++) ((FIELD *)search->bars)[i] = LARGEST;
    } else
        LEVEL(resume_draws)(&words.draws, walk->draws);
    for (size_t step = 0; step < search->steps; step++, walk->step++) {
        const uint64_t word = LEVEL(next_word)(&words);
        TYPED(wake)(search, word);
        const uint32_t spin = TYPED(choose)(problem, search, read, TYPED(add_row)(problem, search, read, row, factor), word);
        row = (const COUPLING *)problem->couplings + spin * problem->pitch;
        factor = (FIELD)(2 * read.states[spin]);
    }
    TYPED(add_row)(problem, search, read, row, factor);
    LEVEL(keep_draws)(&words.draws, walk->draws);
    if (walk->unsaved) memcpy(search->best, read.states, problem->stride);
    walk->unsaved = 0;
    return 2 * walk->lowest;
}
