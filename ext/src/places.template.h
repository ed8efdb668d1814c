/* Places of numbers of W bytes, read as WORD; with vectors V: LANES numbers at once, their
 * MASK and a word of two of these, PAIR. */

static void NAME(places_fill)(const uint8_t *bits, size_t n, const uint8_t *pattern, uint8_t *values)
{
    size_t i = 0;
    WORD number;
    memcpy(&number, pattern, W);
#ifdef LANES
    for (; i + LANES <= n; i += LANES) {
        MASK mask;
        memcpy(&mask, bits + i / 8, sizeof mask);
        STORE(values + W * i, mask, SET(number));
    }
#endif
    for (; i < n; i += 8)
        BITS_OF(bits, i, byte) memcpy(values + W * (i + (size_t)__builtin_ctz(byte)), &number, W);
}

static void NAME(places_like)(const uint8_t *values, size_t n, const uint8_t *pattern, uint8_t *bits)
{
    size_t i = 0;
    WORD number, other;
    memcpy(&number, pattern, W);
#ifdef LANES
    for (; i + LANES <= n; i += LANES) {
        const MASK mask = SAME(LOAD(values + W * i), SET(number));
        memcpy(bits + i / 8, &mask, sizeof mask);
    }
#endif
    for (; i < n; i += 8) {
        unsigned byte = 0;
        for (unsigned j = 0; j < 8 && i + j < n; j++) {
            memcpy(&other, values + W * (i + j), W);
            byte |= (unsigned)(other == number) << j;
        }
        bits[i / 8] = (uint8_t)byte;
    }
}

/* One by one, from `from` on. */
static void NAME(places_carry_on)(const uint8_t *bits, size_t from, size_t to, WORD before, uint8_t *values)
{
    for (size_t i = from; i < to; i += 8)
        BITS_OF(bits, i, byte)
        {
            const size_t place = i + (size_t)__builtin_ctz(byte);
            if (place) memcpy(&before, values + W * (place - 1), W);
            memcpy(values + W * place, &before, W);
        }
}

static void NAME(places_carry)(const uint8_t *bits, size_t n, const uint8_t *pattern, uint8_t *values)
{
    WORD before;
    memcpy(&before, pattern, W);
#ifdef LANES
    const size_t whole = n / LANES * LANES;
    MASK left = 0;
    /* From the end, so that what is one and two places before is not yet filled itself. */
    for (size_t i = whole; i > LANES;) {
        PAIR pair;
        i -= LANES;
        memcpy(&pair, bits + (i - LANES) / 8, sizeof pair);
        const MASK here = (MASK)(pair >> LANES), one = (MASK)(pair >> (LANES - 1)), two = (MASK)(pair >> (LANES - 2)) & one;
        const V first = LOAD(values + W * (i - 1)), second = LOAD(values + W * (i - 2));
        left |= here & two;
        STORE(values + W * i, here & (MASK)~two, BLEND(one, first, second));
    }
    NAME(places_carry_on)(bits, 0, whole < LANES ? whole : LANES, before, values);
    for (size_t i = LANES; left && i < whole; i += LANES) {
        PAIR pair;
        memcpy(&pair, bits + (i - LANES) / 8, sizeof pair);
        MASK rest = (MASK)(pair >> LANES & pair >> (LANES - 1) & pair >> (LANES - 2));
        if (rest == (MASK)~(MASK)0) {
            memcpy(&before, values + W * (i - 1), W);
            STORE(values + W * i, rest, SET(before));
            continue;
        }
        for (; rest; rest &= (MASK)(rest - 1)) {
            const size_t place = i + (size_t)__builtin_ctz(rest);
            memcpy(values + W * place, values + W * (place - 1), W);
        }
    }
    NAME(places_carry_on)(bits, whole, n, before, values);
#else
    NAME(places_carry_on)(bits, 0, n, before, values);
#endif
}

#undef W
#undef WORD
#undef NAME
#undef LANES
#undef MASK
#undef PAIR
#undef V
#undef LOAD
#undef SET
#undef STORE
#undef BLEND
#undef SAME
