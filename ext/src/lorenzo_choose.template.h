/* The choice of orders, once per width: U, S (signed), WIDE, NAME. */

/* log2(2 |r| + 1) in 2^-8 bits, with straight lines between powers of two, and LORENZO_ZERO more. Of wide residuals that do not fit
 * 32 bits it is that of the high half, and 32 bits more. */
static inline uint32_t NAME(log)(S r)
{
    uint32_t bits, more = 0;
    int32_t part = (int32_t)r;
#if WIDE
    const int32_t high = (int32_t)(r >> 32);
    more = high != part >> 31 ? 32u << 8 : 0;
    part = high != part >> 31 ? high : part;
#endif
    const float f = __builtin_fabsf((float)part) + 0.5f;
    memcpy(&bits, &f, sizeof bits);
    return (bits >> 15) + more;
}

/* The sum of the logs of n residuals. */
static inline uint32_t NAME(logs)(const U *residuals, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += NAME(log)((S)residuals[i]);
    return sum - (uint32_t)n * LORENZO_ZERO;
}

/* Row k of a trial at a strip, or zeros where it would be before the block. */
static inline const U *NAME(row)(const U *codes, const LEVEL(lorenzo_trial) *trial, unsigned k, const size_t index[3], size_t at)
{
    static const U zeros[LORENZO_LEAD + LORENZO_STRIP];
    const uint8_t *back = trial->back[k];
    const int there = (back[0] <= index[0]) & (back[1] <= index[1]) & (back[2] <= index[2]) & (trial->lags[k] + LORENZO_LEAD <= at);
    return there ? codes + at - trial->lags[k] : zeros + LORENZO_LEAD;
}

/* Add to a trial's costs those of a strip. inner[i]: 0 where a row of the block begins, else all bits. */
#if CDT_SIMD
static void NAME(strip)(const U *codes, const U *inner, const size_t index[3], size_t at, LEVEL(lorenzo_trial) *trial)
{
    enum { LANES = LORENZO_BYTES / sizeof(U), COUNT = LORENZO_STRIP / LANES };
    LEVEL(lorenzo_vector) all[COUNT + 1], sum, *v = all + 1;
    for (int i = -1; i < COUNT; i++) v[i] = NAME(load)(codes + at + i * LANES);
    for (unsigned k = 1; k < trial->rows; k++) {
        const U *row = NAME(row)(codes, trial, k, index, at);
        if (trial->odd >> k & 1)
            for (int i = -1; i < COUNT; i++) v[i] = NAME(sub)(v[i], NAME(load)(row + i * LANES));
        else
            for (int i = -1; i < COUNT; i++) v[i] = NAME(add)(v[i], NAME(load)(row + i * LANES));
    }
    for (unsigned x = 0; x < 3; x++) {
        if (trial->along >> x & 1) {
            sum = NAME(pair_logs)(v[0], v[1]);
            for (int i = 2; i < COUNT; i += 2) sum = LEVEL(lorenzo_add_4)(sum, NAME(pair_logs)(v[i], v[i + 1]));
            trial->costs[x] += LEVEL(lorenzo_bits)(LEVEL(lorenzo_total)(sum) - LORENZO_STRIP * LORENZO_ZERO);
        }
        if (!(trial->along >> x >> 1)) break;
        for (int i = COUNT - 1; i >= -1; i--) {
            const LEVEL(lorenzo_vector) left = NAME(left)(v[i], v[i < 0 ? i : i - 1]);
            v[i] = NAME(sub)(v[i], left & NAME(load)(inner + i * LANES));
        }
    }
}
#else
static void NAME(strip)(const U *codes, const U *inner, const size_t index[3], size_t at, LEVEL(lorenzo_trial) *trial)
{
    _Alignas(64) U all[LORENZO_LEAD + LORENZO_STRIP], *const strip = all + LORENZO_LEAD;
    memcpy(all, codes + at - LORENZO_LEAD, sizeof all);
    for (unsigned k = 1; k < trial->rows; k++) {
        const U *restrict row = NAME(row)(codes, trial, k, index, at);
        if (trial->odd >> k & 1)
            for (int i = -LORENZO_LEAD; i < LORENZO_STRIP; i++) strip[i] -= row[i];
        else
            for (int i = -LORENZO_LEAD; i < LORENZO_STRIP; i++) strip[i] += row[i];
    }
    for (unsigned x = 0; x < 3; x++) {
        if (trial->along >> x & 1) trial->costs[x] += LEVEL(lorenzo_bits)(NAME(logs)(strip, LORENZO_STRIP));
        if (!(trial->along >> x >> 1)) break;
        for (int i = LORENZO_STRIP - 1; i >= -1; i--) strip[i] -= strip[i - 1] & inner[i];
    }
}
#endif

/* Add to the trials' costs those of strip k of so many that are spread over the block. */
static void NAME(look_at)(const U *codes, const size_t dim[4], size_t k, size_t strips, LEVEL(lorenzo_trial) *trials, unsigned count)
{
    _Alignas(64) U inner[LORENZO_LEAD + LORENZO_STRIP];
    const size_t share = dim[0] * dim[1] * dim[2] * dim[3] / strips;
    /* 2^32 over the golden ratio, so that strips meet every part of rows and planes. None begins with the block, where what is before
     * it cannot be read. */
    const uint32_t turn = (uint32_t)(k + 1) * 2654435769u;
    const size_t somewhere = k * share + ((uint64_t)turn * (share - LORENZO_STRIP) >> 32);
    const size_t at = somewhere < LORENZO_LEAD ? LORENZO_LEAD : somewhere, row = at / dim[3], plane = row / dim[2];
    const size_t index[3] = {plane / dim[1], plane % dim[1], row % dim[2]};
    LEVEL(fill_words)(inner, ~(uint64_t)0, sizeof inner);
    for (size_t i = row * dim[3] < at - LORENZO_LEAD ? (row + 1) * dim[3] : row * dim[3]; i < at + LORENZO_STRIP; i += dim[3])
        inner[i + LORENZO_LEAD - at] = 0;
    for (unsigned t = 0; t < count; t++) NAME(strip)(codes, inner + LORENZO_LEAD, index, at, &trials[t]);
}

/* All strips, in rounds that are spread over the block; after the first, trials that are far behind are left out. Returns how many
 * stay. */
static unsigned NAME(sample)(const U *codes, const size_t dim[4], size_t strips, LEVEL(lorenzo_trial) *trials, unsigned count)
{
    enum { ROUNDS = 4 };
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t k = round; k < strips; k += ROUNDS) NAME(look_at)(codes, dim, k, strips, trials, count);
        if (round == 0) count = LEVEL(lorenzo_leading)(trials, count);
    }
    return count;
}

/* The costs of a trial on all of a small block. */
static void NAME(try)(const U *codes, const size_t dim[4], LEVEL(lorenzo_trial) *trial)
{
    U residuals[LORENZO_SMALL];
    const size_t n = dim[0] * dim[1] * dim[2] * dim[3];
    uint8_t orders[4] = {trial->orders[0], trial->orders[1], trial->orders[2], 0};
    for (; orders[3] < 3; orders[3]++) {
        if (!(trial->along >> orders[3] & 1)) continue;
        NAME(difference)(codes, dim, orders, residuals);
        for (size_t i = 0; i < n; i += LORENZO_STRIP) {
            const size_t m = n - i < LORENZO_STRIP ? n - i : LORENZO_STRIP;
            const uint64_t logs = NAME(logs)(residuals + i, m);
            trial->costs[orders[3]] += LEVEL(lorenzo_bits)((uint32_t)(logs * LORENZO_STRIP / m)) * m / LORENZO_STRIP;
        }
    }
}

static void NAME(choose)(const U *codes, const size_t dim[4], int thorough, uint8_t orders[4])
{
    const size_t n = dim[0] * dim[1] * dim[2] * dim[3], most = thorough ? 256 : 32, some = n / (thorough ? 256 : 512);
    LEVEL(lorenzo_trial) trials[LORENZO_TRIALS];
    unsigned count = LEVEL(lorenzo_trials)(dim, thorough, trials);
    if (n >= LORENZO_SMALL) count = NAME(sample)(codes, dim, some < 16 ? 16 : some < most ? some : most, trials, count);
    else
        for (unsigned t = 0; t < count; t++) NAME(try)(codes, dim, &trials[t]);
    LEVEL(lorenzo_best)(trials, count, orders);
}
