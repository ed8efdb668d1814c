/* Tabu search by single flips (Glover 1989; for such problems Palubeckis 2004): the best flip is made, even if it costs, but a spin that
 * was flipped rests. */

/* The costs of spins that rest become the largest. */
INLINE void TYPED(bar)(const int8_t *resting, FIELDS costs[COUNT])
{
    const MASK largest = (MASK)((FIELDS){0} + LARGEST);
    EACH_OF_BLOCK
    {
        const MASK rests = WIDENED_TO_MASK(resting, p);
        costs[p] = (FIELDS)(((MASK)costs[p] & ~rests) | (largest & rests));
    }
}

INLINE FIELD TYPED(least_of)(FIELDS numbers)
{
    FIELD least = numbers[0];
    for (size_t k = 1; k < VECTOR_BYTES / sizeof(FIELD); k++) least = ((const FIELD *)&numbers)[k] < least ? ((const FIELD *)&numbers)[k] : least;
    return least;
}

/* The least half cost of all spins, and of those that do not rest. */
INLINE void TYPED(least_costs)(const cdt_dense_problem *problem, cdt_dense_read read, const int8_t *resting, FIELD *of_all, FIELD *of_free)
{
    FIELDS all = (FIELDS){0} + LARGEST, free = all;
    for (size_t at = 0; at < problem->stride; at += 64) {
        TYPED(block) block;
        TYPED(open)(&block, read, at);
        EACH_OF_BLOCK all = LOWER(all, block.costs[p]);
        TYPED(bar)(resting + at, block.costs);
        EACH_OF_BLOCK free = LOWER(free, block.costs[p]);
    }
    *of_all = TYPED(least_of)(all);
    *of_free = TYPED(least_of)(free);
}

/* The first spin of that half cost, or less, from a block on; with `resting`, that does not rest. */
INLINE uint32_t TYPED(find)(const cdt_dense_problem *problem, cdt_dense_read read, const int8_t *resting, FIELD cost, size_t first)
{
    FIELDS limits[COUNT];
    TYPED(fill)(limits, cost);
    size_t at = 64 * first;
    for (size_t b = 0; b < problem->stride / 64; b++) {
        TYPED(block) block;
        TYPED(open)(&block, read, at);
        if (resting) TYPED(bar)(resting + at, block.costs);
        const uint64_t found = TYPED(within)(block.costs, limits) & LEVEL(spins_of)(problem, at);
        if (found) return (uint32_t)(at + (size_t)__builtin_ctzll(found));
        at = at + 64 < problem->stride ? at + 64 : 0;
    }
    return 0;
}

/* Where a search is: the spins that rest are queued from `oldest` on, `queued` of them. */
typedef struct {
    SUM energy, lowest; /* half of them, from the start on */
    uint64_t oldest, queued, tenure;
    int unsaved; /* the state is the best one, and not in search->best yet */
} TYPED(walk);

/* Lets go who has rested long enough; a new tenure begins with an epoch. */
INLINE void TYPED(wake)(const cdt_dense_tabu *search, TYPED(walk) *walk, size_t step, uint64_t word)
{
    if (step % CDT_DENSE_EPOCH == 0) walk->tenure = search->tenure + ((word >> 32) * ((uint64_t)search->spread + 1) >> 32);
    for (; walk->queued > walk->tenure; walk->queued--) {
        search->resting[search->queue[walk->oldest]] = 0;
        walk->oldest = walk->oldest == (uint64_t)search->tenure + search->spread ? 0 : walk->oldest + 1;
    }
}

INLINE void TYPED(rest)(const cdt_dense_tabu *search, TYPED(walk) *walk, uint32_t spin)
{
    const uint64_t places = (uint64_t)search->tenure + search->spread + 1, place = walk->oldest + walk->queued;
    if (search->resting[spin]) return;
    search->resting[spin] = -1;
    search->queue[place < places ? place : place - places] = spin;
    walk->queued++;
}

INLINE void TYPED(step)(const cdt_dense_problem *problem, const cdt_dense_tabu *search, cdt_dense_read read, TYPED(walk) *walk,
                        uint64_t word)
{
    FIELD of_all, cost;
    TYPED(least_costs)(problem, read, search->resting, &of_all, &cost);
    const int best = walk->energy + (SUM)of_all < walk->lowest; /* aspiration */
    if (best) cost = of_all;
    if (!best && walk->unsaved) {
        memcpy(search->best, read.states, problem->stride);
        walk->unsaved = 0;
    }
    const size_t first = (word & 0xffffffffu) * (uint64_t)(problem->stride / 64) >> 32;
    const uint32_t spin = TYPED(find)(problem, read, best ? NULL : search->resting, cost, first);
    TYPED(flip)(problem, &read, spin / 64 * 64, &(const uint64_t){(uint64_t)1 << spin % 64}, 1);
    TYPED(rest)(search, walk, spin);
    walk->energy += (SUM)cost;
    if (!best) return;
    walk->lowest = walk->energy;
    walk->unsaved = 1;
}

static double TYPED(tabu)(const cdt_dense_problem *problem, const cdt_dense_tabu *search, cdt_dense_read read, cdt_anneal_stream stream)
{
    LEVEL(words) words;
    TYPED(walk) walk = {.unsaved = 1};
    LEVEL(start_words)(&words, stream);
    memset(search->resting, 0, problem->stride);
    for (size_t step = 0; step < search->steps; step++) {
        const uint64_t word = LEVEL(next_word)(&words);
        TYPED(wake)(search, &walk, step, word);
        TYPED(step)(problem, search, read, &walk, word);
    }
    if (walk.unsaved) memcpy(search->best, read.states, problem->stride);
    return 2 * (double)walk.lowest;
}
