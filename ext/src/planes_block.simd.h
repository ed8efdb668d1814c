/* Blocks of residuals of one type (PLANES_VALUE, with PLANES_NAME for its functions). Part of planes.simd.h. */

#define PLANES_WIDTH (8 * (unsigned)sizeof(PLANES_VALUE))

static size_t PLANES_NAME(planes_encode)(const PLANES_VALUE *residuals, size_t n, uint8_t *out)
{
    const size_t groups = (n + 63) / 64;
    /* The three parts are written apart, each with room for the worst, and then moved together. */
    uint8_t *const words = out + 2 * groups + 64, *const bits = words + groups * 64 * sizeof(PLANES_VALUE) + 64;
    uint8_t *words_end = words, symbols[64], before = 0;
    planes_writer heads = {out, 0, 0}, writer = {bits, 0, 0};
    planes_group parts[PLANES_STEP];
    PLANES_VALUE last[64];
    /* In steps of several groups, each part of the work for all of them: one group's latency is then hidden by the others. */
    for (size_t g = 0; g < groups; g += PLANES_STEP) {
        const unsigned some = (unsigned)LEVEL(planes_least)(groups - g, PLANES_STEP);
        unsigned counts[PLANES_STEP], ranks[PLANES_STEP];
        for (unsigned i = 0; i < some; i++) {
            const PLANES_VALUE *group = residuals + 64 * (g + i);
            if (n - 64 * (g + i) < 64) {
                memset(last, 0, sizeof last);
                group = memcpy(last, group, (n - 64 * (g + i)) * sizeof *last);
            }
            counts[i] = PLANES_NAME(planes_of)(group, parts[i].planes, &parts[i].signs);
        }
        for (unsigned i = 0; i < some; i++) {
            if (counts[i] == 8) ranks[i] = LEVEL(planes_rank)(&parts[i], 8);
            else if (counts[i]) ranks[i] = LEVEL(planes_rank)(&parts[i], counts[i]);
        }
        for (unsigned i = 0; i < some; i++) {
            uint8_t *const symbol = &symbols[(g + i) % 64];
            *symbol = PLANES_EMPTY;
            if (counts[i]) *symbol = (uint8_t)LEVEL(planes_write_group)(&parts[i], ranks[i], &words_end, &writer);
        }
        if ((g + PLANES_STEP) % 64 == 0 || g + PLANES_STEP >= groups) {
            LEVEL(planes_write_symbols)(&heads, symbols, (unsigned)(g % 64) + some, before);
            before = symbols[(g + some - 1) % 64];
        }
    }
    uint8_t *const at = LEVEL(planes_flush)(&heads), *const after = at + (words_end - words);
    const size_t length = (size_t)(LEVEL(planes_flush)(&writer) - bits);
    memmove(at, words, (size_t)(words_end - words));
    memmove(after, bits, length);
    return (size_t)(after - out) + length;
}

/* Planes and signs of one group to `count` residuals, those after them zero. */
static inline int PLANES_NAME(planes_finish)(const planes_group *group, unsigned planes, PLANES_VALUE *residuals, size_t count)
{
    if (planes > PLANES_WIDTH) return CDT_CORRUPT;
    if (planes == PLANES_WIDTH) { /* only the least number has so large a magnitude */
        uint64_t other = ~group->signs;
        for (unsigned b = 0; b < PLANES_WIDTH - 1; b++) other |= group->planes[b];
        if (other & group->planes[PLANES_WIDTH - 1]) return CDT_CORRUPT;
    }
    if (count >= 64) {
        PLANES_NAME(planes_to)(group->planes, planes, group->signs, residuals);
        return CDT_OK;
    }
    PLANES_VALUE last[64];
    PLANES_NAME(planes_to)(group->planes, planes, group->signs, last);
    for (size_t i = count; i < 64; i++)
        if (last[i]) return CDT_CORRUPT;
    memcpy(residuals, last, count * sizeof *last);
    return CDT_OK;
}

/* Every group, after the symbols; `position` is that of the bits. */
static int PLANES_NAME(planes_decode_groups)(const planes_source *source, const uint8_t *symbols, const uint8_t *words,
                                             uint64_t position, PLANES_VALUE *residuals, size_t n)
{
    const size_t groups = (n + 63) / 64;
    uint64_t end = 8 * (uint64_t)source->length, passed = 0; /* bits before `reader`'s base */
    planes_reader reader = {source->in, position};
    enum { BEHIND = 2 };
    planes_group parts[PLANES_STEP];
    unsigned counts[PLANES_STEP];
    /* Each group's bits begin where those of the one before end: while they are found, an earlier one is finished. */
    for (size_t g = 0; g < groups + BEHIND; g++) {
        if (g < groups) {
            planes_group *const part = &parts[g % PLANES_STEP];
            const unsigned symbol = symbols[g];
            counts[g % PLANES_STEP] = 0;
            if (symbol != PLANES_EMPTY) {
                if (reader.base == source->in && reader.position >> 3 >= source->safe) {
                    passed = 8 * (uint64_t)source->safe;
                    end -= passed;
                    reader = (planes_reader){source->tail, reader.position - passed};
                }
                if (reader.position > end) return CDT_CORRUPT;
                counts[g % PLANES_STEP] = LEVEL(planes_read_group)(&reader, symbol, words, PLANES_WIDTH, part->planes, &part->signs);
                if (symbol >= PLANES_WORDS) words += 8 * (symbol - PLANES_WORDS + 1);
            }
        }
        if (g >= BEHIND) {
            const size_t at = g - BEHIND, left = n - 64 * at;
            PLANES_VALUE *const group = residuals + 64 * at;
            const unsigned count = counts[at % PLANES_STEP];
            if (!count && left >= 64) memset(group, 0, 64 * sizeof *group);
            else if (!count) memset(group, 0, left * sizeof *group);
            else if (PLANES_NAME(planes_finish)(&parts[at % PLANES_STEP], count, group, left)) return CDT_CORRUPT;
        }
    }
    return LEVEL(planes_ended)(source, passed + reader.position);
}

static int PLANES_NAME(planes_decode)(const uint8_t *in, size_t length, PLANES_VALUE *residuals, size_t n)
{
    const size_t groups = (n + 63) / 64;
    /* The symbols lie at the end of the output: group g is written after its symbol was read, and before those that follow. */
    uint8_t *const symbols = (uint8_t *)(residuals + n) - groups;
    planes_source source;
    LEVEL(planes_open)(&source, in, length);
    const uint64_t end = 8 * (uint64_t)length;
    uint64_t position = 0, words = 0;
    uint8_t before = 0;
    for (size_t g = 0; g < groups; g += 64) {
        if (position > end) return CDT_CORRUPT;
        planes_reader reader = LEVEL(planes_from)(&source, position);
        const unsigned count = (unsigned)LEVEL(planes_least)(groups - g, 64);
        const uint64_t start = reader.position;
        if (LEVEL(planes_read_symbols)(&reader, symbols + g, count, before, PLANES_WORDS + PLANES_WIDTH - 1)) return CDT_CORRUPT;
        position += reader.position - start;
        for (unsigned i = 0; i < count; i++) {
            const unsigned symbol = symbols[g + i];
            words += symbol < PLANES_WORDS ? 0 : symbol - PLANES_WORDS + 1;
        }
        before = symbols[g + count - 1];
    }
    size_t from, bits;
    if (LEVEL(planes_sections)(&source, position, words, &from, &bits)) return CDT_CORRUPT;
    return PLANES_NAME(planes_decode_groups)(&source, symbols, in + from, 8 * (uint64_t)bits, residuals, n);
}
#undef PLANES_WIDTH
