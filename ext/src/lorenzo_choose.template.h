/* The choice of orders, once per width: U, S (signed), NAME. Plain loops, which compilers make vectors of. */

/* A residual's cost: log2(2 |r| + 1) in 2^-8 bits, with straight lines between powers of two. */
static inline uint32_t NAME(cost)(S r)
{
    uint32_t bits, more = 0;
    int32_t part = (int32_t)r;
#if WIDE
    const uint64_t size = r < 0 ? 0 - (uint64_t)r : (uint64_t)r;
    more = size >> 31 ? 32u << 8 : 0;
    part = (int32_t)(uint32_t)(size >> 31 ? size >> 32 : size);
#endif
    float f = (float)part;
    f = (f < 0 ? -f : f) + 0.5f;
    memcpy(&bits, &f, sizeof bits);
    return ((bits - 0x3f000000u) >> 15) + more;
}

/* The cost of n codes after `order` more differences along x; codes[-2] and codes[-1] are there. */
static inline __attribute__((always_inline)) uint64_t NAME(cost_of)(const U *codes, size_t n, unsigned order)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const U v = codes[i], w = order > 0 ? codes[(ptrdiff_t)i - 1] : 0, u = order > 1 ? codes[(ptrdiff_t)i - 2] : 0;
        sum += NAME(cost)((S)(order == 0 ? v : order == 1 ? v - w : v - w - w + u));
    }
    return sum;
}

/* The codes of a strip, and LORENZO_LEAD before it, after differences along batch, z and y. */
static void NAME(strip)(const U *codes, const size_t dim[4], size_t at, const uint8_t orders[4], U *restrict out)
{
    static const U zeros[LORENZO_LEAD + LORENZO_STRIP];
    const size_t steps[3] = {dim[1] * dim[2] * dim[3], dim[2] * dim[3], dim[3]};
    const size_t index[3] = {at / steps[0], at / steps[1] % dim[1], at / steps[2] % dim[2]};
    const U *from[1 << LORENZO_MOST];
    size_t lags[1 << LORENZO_MOST] = {0};
    unsigned count = 1;
    for (unsigned a = 0; a < 3; a++) {
        uint8_t times[1 << LORENZO_MOST] = {0};
        for (unsigned turn = 0; turn < orders[a]; turn++, count *= 2)
            for (unsigned k = 0; k < count; k++) {
                times[count + k] = (uint8_t)(times[k] + 1);
                lags[count + k] = times[k] < index[a] ? lags[k] + steps[a] : SIZE_MAX / 2;
            }
    }
    for (unsigned k = 0; k < count; k++) from[k] = lags[k] + LORENZO_LEAD <= at ? codes + at - lags[k] - LORENZO_LEAD : zeros;
    for (size_t i = 0; i < LORENZO_LEAD + LORENZO_STRIP; i++) out[i] = from[0][i];
    for (unsigned k = 1; k < count; k++) {
        const U *restrict row = from[k];
        if (__builtin_parity(k))
            for (size_t i = 0; i < LORENZO_LEAD + LORENZO_STRIP; i++) out[i] -= row[i];
        else
            for (size_t i = 0; i < LORENZO_LEAD + LORENZO_STRIP; i++) out[i] += row[i];
    }
}

/* Costs under `orders` with each order along x that is marked in `along`, over strips that are spread over the block. */
static void NAME(sample)(const U *codes, const size_t dim[4], size_t strips, const uint8_t orders[4], unsigned along, uint64_t costs[3])
{
    _Alignas(64) U strip[LORENZO_LEAD + LORENZO_STRIP];
    const size_t share = dim[0] * dim[1] * dim[2] * dim[3] / strips;
    for (size_t k = 0; k < strips; k++) {
        const uint32_t turn = (uint32_t)k * 2654435769u; /* 2^32 over the golden ratio: the strips meet every part of rows and planes */
        const size_t at = k * share + ((uint64_t)turn * (share - LORENZO_STRIP) >> 32);
        NAME(strip)(codes, dim, at < LORENZO_LEAD ? LORENZO_LEAD : at, orders, strip);
        if (along & 1) costs[0] += NAME(cost_of)(strip + LORENZO_LEAD, LORENZO_STRIP, 0);
        if (along & 2) costs[1] += NAME(cost_of)(strip + LORENZO_LEAD, LORENZO_STRIP, 1);
        if (along & 4) costs[2] += NAME(cost_of)(strip + LORENZO_LEAD, LORENZO_STRIP, 2);
    }
}

/* The same over all of a small block. */
static void NAME(try)(const U *codes, const size_t dim[4], const uint8_t orders[4], unsigned along, uint64_t costs[3])
{
    U residuals[LORENZO_SMALL];
    uint8_t trial[4] = {orders[0], orders[1], orders[2], 0};
    for (; trial[3] < 3; trial[3]++) {
        if (!(along >> trial[3] & 1)) continue;
        NAME(difference)(codes, dim, trial, residuals);
        costs[trial[3]] += NAME(cost_of)(residuals, dim[0] * dim[1] * dim[2] * dim[3], 0);
    }
}

static void NAME(choose)(const U *codes, const size_t dim[4], int thorough, uint8_t orders[4])
{
    const size_t n = dim[0] * dim[1] * dim[2] * dim[3], most = thorough ? 128 : 32;
    const size_t strips = n / 1024 < 8 ? 8 : n / 1024 < most ? n / 1024 : most;
    uint64_t best = UINT64_MAX;
    for (unsigned outer = 0; outer < 27; outer++) {
        const uint8_t trial[4] = {(uint8_t)(outer / 9), (uint8_t)(outer / 3 % 3), (uint8_t)(outer % 3), 0};
        const unsigned along = LEVEL(lorenzo_tried)(dim, trial, thorough);
        uint64_t costs[3] = {0};
        if (!along) continue;
        if (n < LORENZO_SMALL) NAME(try)(codes, dim, trial, along, costs);
        else NAME(sample)(codes, dim, strips, trial, along, costs);
        for (unsigned x = 0; x < 3; x++) {
            /* Each difference must pay for itself by 1 in 256, so that ties stay with the simpler choice. */
            const uint64_t cost = costs[x] + costs[x] / 256 * (trial[0] + trial[1] + trial[2] + x);
            if (!(along >> x & 1) || cost >= best) continue;
            best = cost;
            memcpy(orders, trial, 3);
            orders[3] = (uint8_t)x;
        }
    }
}
