/* Lorenzo prediction at one level: what is tried when orders are chosen, and what residuals cost. */

/* Orders along batch, z and y, and those along x, as bits, that are tried together with them. The strip's difference takes the rows
 * at `lags` that are odd, and adds the others; `back`: how far they are along each axis. */
typedef struct {
    uint8_t orders[3], along, rows, back[1 << LORENZO_MOST][3];
    uint32_t odd;
    size_t lags[1 << LORENZO_MOST];
    uint64_t costs[3];
} LEVEL(lorenzo_trial);

static unsigned LEVEL(lorenzo_along)(const size_t dim[4], const uint8_t orders[3], int thorough)
{
    const unsigned possible = dim[3] > 2 ? 7 : dim[3] > 1 ? 3 : 1, sum = (unsigned)orders[0] + orders[1] + orders[2];
    for (unsigned a = 0; a < 3; a++)
        if (orders[a] && orders[a] >= dim[a]) return 0;
    if (thorough) return sum > LORENZO_MOST ? 0 : sum > 2 ? possible & 3 : possible;
    if (orders[0] == 2 || orders[1] == 2 || orders[2] == 2) return sum > 2 ? 0 : possible & (orders[2] == 2 ? 5 : 1);
    return sum ? possible & 3 : possible;
}

static void LEVEL(lorenzo_lags)(const size_t dim[4], LEVEL(lorenzo_trial) *trial)
{
    const size_t steps[3] = {dim[1] * dim[2] * dim[3], dim[2] * dim[3], dim[3]};
    trial->rows = 1;
    trial->odd = 0;
    trial->lags[0] = trial->back[0][0] = trial->back[0][1] = trial->back[0][2] = 0;
    for (unsigned a = 0; a < 3; a++)
        for (unsigned turn = 0; turn < trial->orders[a]; turn++) {
            trial->odd |= (~trial->odd & ((1u << trial->rows) - 1)) << trial->rows;
            for (unsigned k = 0; k < trial->rows; k++) {
                const unsigned other = trial->rows + k;
                trial->lags[other] = trial->lags[k] + steps[a];
                memcpy(trial->back[other], trial->back[k], 3);
                trial->back[other][a]++;
            }
            trial->rows *= 2;
        }
}

/* Returns how many. */
static unsigned LEVEL(lorenzo_trials)(const size_t dim[4], int thorough, LEVEL(lorenzo_trial) *trials)
{
    unsigned count = 0;
    for (unsigned outer = 0; outer < LORENZO_TRIALS; outer++) {
        LEVEL(lorenzo_trial) *t = &trials[count];
        t->orders[0] = (uint8_t)(outer / 9);
        t->orders[1] = (uint8_t)(outer / 3 % 3);
        t->orders[2] = (uint8_t)(outer % 3);
        t->along = (uint8_t)LEVEL(lorenzo_along)(dim, t->orders, thorough);
        if (!t->along) continue;
        t->costs[0] = t->costs[1] = t->costs[2] = 0;
        LEVEL(lorenzo_lags)(dim, t);
        count++;
    }
    return count;
}

/* The bits of a strip, in 2^-8, from the sum of its logs: the entropy of Laplacian residuals with that mean. */
static inline uint64_t LEVEL(lorenzo_bits)(uint32_t logs)
{
    /* At sums of 2^10, 2^11 ..., which are means of 1/16, 1/8 ... bits. */
    static const uint32_t table[] = {4768, 8159, 13926, 23298, 38207, 61637, 100630, 168985};
    if (logs < 1u << 10) return (uint64_t)logs * table[0] >> 10;
    if (logs >= 1u << 17) return (uint64_t)logs - (1u << 17) + table[7];
    const unsigned k = 31u - (unsigned)__builtin_clz(logs);
    return table[k - 10] + ((uint64_t)(logs - (1u << k)) * (table[k - 9] - table[k - 10]) >> k);
}

/* The least cost of a trial along x. */
static uint64_t LEVEL(lorenzo_least)(const LEVEL(lorenzo_trial) *trial)
{
    uint64_t least = UINT64_MAX;
    for (unsigned x = 0; x < 3; x++)
        if ((trial->along >> x & 1) && trial->costs[x] < least) least = trial->costs[x];
    return least;
}

/* Keep trials whose cost is at most a quarter above the best one's. Returns how many. */
static unsigned LEVEL(lorenzo_leading)(LEVEL(lorenzo_trial) *trials, unsigned count)
{
    uint64_t best = UINT64_MAX;
    unsigned kept = 0;
    for (unsigned t = 0; t < count; t++) {
        const uint64_t least = LEVEL(lorenzo_least)(&trials[t]);
        best = least < best ? least : best;
    }
    for (unsigned t = 0; t < count; t++) {
        if (LEVEL(lorenzo_least)(&trials[t]) > best + best / 4) continue;
        if (kept < t) trials[kept] = trials[t];
        kept++;
    }
    return kept;
}

/* Each difference must pay for itself by 1 in 512, so that ties stay with the simpler choice. */
static void LEVEL(lorenzo_best)(const LEVEL(lorenzo_trial) *trials, unsigned count, uint8_t orders[4])
{
    uint64_t best = UINT64_MAX;
    for (const LEVEL(lorenzo_trial) *t = trials; t < trials + count; t++)
        for (unsigned x = 0; x < 3; x++) {
            const uint64_t cost = t->costs[x] + t->costs[x] / 512 * (t->orders[0] + t->orders[1] + t->orders[2] + x);
            if (!(t->along >> x & 1) || cost >= best) continue;
            best = cost;
            memcpy(orders, t->orders, 3);
            orders[3] = (uint8_t)x;
        }
}
