/* Sums of weights with the signs of 64 states, for one type of weights: WEIGHT, and SIGNED, the bits of one or of its negative. */

typedef WEIGHT TYPED(four) __attribute__((vector_size(8 * FOUR)));

/* Adds a weight to the sums of the states; taken away where a bit of `down` is set. */
static inline __attribute__((always_inline)) void TYPED(add)(TYPED(four) *sums, WEIGHT weight, uint64_t down, size_t fours)
{
    const TYPED(four) all = {weight, weight, weight, weight};
    for (size_t k = 0; k < fours; k++) sums[k] += (TYPED(four))SIGNED((signs)all, MASKS[down >> FOUR * k & 15]);
}

static inline __attribute__((always_inline)) void TYPED(flush)(TYPED(four) *sums, TYPED(four) *totals, size_t fours)
{
    for (size_t k = 0; k < fours; k++) {
        totals[k] += sums[k];
        sums[k] -= sums[k];
    }
}

static inline __attribute__((always_inline)) void TYPED(sum)(const cdt_anneal_graph *graph, const WEIGHT *weights, const WEIGHT *fields,
                                                             const uint64_t *words, TYPED(four) *totals, size_t fours)
{
    TYPED(four) sums[16] = {0};
    size_t terms = 0;
    for (size_t i = 0; i < graph->spins; i++) {
        TYPED(add)(sums, fields[i], words[i], fours);
        for (int64_t at = graph->start[i]; at < graph->start[i + 1] && (size_t)graph->neighbours[at] < i; at++) {
            TYPED(add)(sums, weights[at], words[i] ^ words[graph->neighbours[at]], fours);
            if (++terms % TERMS == 0) TYPED(flush)(sums, totals, fours);
        }
        if (++terms % TERMS == 0) TYPED(flush)(sums, totals, fours);
    }
    TYPED(flush)(sums, totals, fours);
}

void TYPED(cdt_anneal_energies)(const cdt_anneal_graph *graph, const WEIGHT *weights, const WEIGHT *fields, const int8_t *states,
                                size_t count, uint64_t *words, WEIGHT *energies)
{
    for (size_t first = 0; first < count; first += 64) {
        const size_t some = count - first < 64 ? count - first : 64;
        TYPED(four) totals[16] = {0};
        pack(states + first * graph->spins, graph->spins, some, words);
        if (some == 64) TYPED(sum)(graph, weights, fields, words, totals, 16);
        else TYPED(sum)(graph, weights, fields, words, totals, (some + FOUR - 1) / FOUR);
        for (size_t k = 0; k < some; k++) energies[first + k] = totals[k / FOUR][k % FOUR];
    }
}
