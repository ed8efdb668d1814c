/* Components of the spins in which two states differ, for one type of couplings. */

/* Puts the component of `root` into the queue; returns its size, and to `change` what flipping it does to the state's energy. */
static size_t TYPED(component)(const cdt_anneal_problem *problem, const int8_t *state, size_t root, cdt_anneal_work work, SUM *change)
{
    const COUPLING *const couplings = problem->couplings, *const fields = problem->fields;
    size_t size = 1;
    SUM sum = 0;
    work.queue[0] = (uint32_t)root;
    work.mark[root] = SEEN;
    for (size_t at = 0; at < size; at++) {
        const size_t i = work.queue[at];
        SUM outside = fields[i]; /* the part of the field that does not flip along */
        for (uint64_t e = problem->start[i]; e < problem->start[i + 1]; e++) {
            const uint32_t j = problem->neighbours[e];
            if (work.mark[j] == ALIKE) {
                outside += couplings[e] * (SUM)state[j];
            } else if (work.mark[j] == DIFFERENT) {
                work.mark[j] = SEEN;
                work.queue[size++] = j;
            }
        }
        sum -= 2 * state[i] * outside;
    }
    *change = sum;
    return size;
}

double TYPED(cdt_anneal_recombine)(const cdt_anneal_problem *problem, int8_t *child, const int8_t *partner, int mirror, cdt_anneal_work work)
{
    SUM total = 0, change;
    mark_differences(child, partner, problem->spins, mirror, work.mark);
    for (size_t root = 0; root < problem->spins; root++) {
        if (work.mark[root] != DIFFERENT) continue;
        const size_t size = TYPED(component)(problem, child, root, work, &change);
        if (change > 0) continue;
        for (size_t at = 0; at < size; at++) child[work.queue[at]] = (int8_t)-child[work.queue[at]];
        total += change;
    }
    return (double)total;
}

double TYPED(cdt_anneal_exchange)(const cdt_anneal_problem *problem, int8_t *first, int8_t *second, size_t at, int mirror, cdt_anneal_work work)
{
    SUM change;
    mark_differences(first, second, problem->spins, mirror, work.mark);
    if (work.mark[at] != DIFFERENT) return 0;
    const size_t size = TYPED(component)(problem, first, at, work, &change);
    for (size_t k = 0; k < size; k++) {
        const size_t i = work.queue[k];
        first[i] = (int8_t)-first[i];
        second[i] = (int8_t)-second[i];
    }
    return (double)change;
}
