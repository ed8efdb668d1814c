/* Residuals as sign and magnitude in bit planes; FORMAT.md specifies the bytes.
 *
 * A group is 64 residuals. above[b] marks those with a magnitude of 2^b or more. The low k planes and above[k] are stored as they
 * are (words), the rest only where it is not known: above[b + 1] among above[b], and plane b among above[b + 1] (bits).
 */
#define PLANES_SPARE 8          /* levels are handled in fours, beyond the highest plane too */
#define PLANES_ZEROS 16         /* planes above the highest that are zeros when a group was read */
#define PLANES_STEP 8           /* groups handled side by side; a divisor of 64 */

#include "planes_bits.simd.h"

/* ---- one group ---- */

/* Planes of a group, and what follows from them: above[b], their counts, and zeros beyond. */
typedef struct {
    _Alignas(64) uint64_t planes[64 + PLANES_ZEROS];
    uint64_t above[64 + PLANES_SPARE], counts[64 + PLANES_SPARE], signs;
} planes_group;

#if CDT_SIMD == 512
#include "planes_avx512.simd.h"
#elif CDT_SIMD == 2
#include "planes_avx2.simd.h"
#else
#include "planes_slices.simd.h"
#endif

#if CDT_SIMD != 512
/* What follows from `count` planes; returns k, the least with at most 64 bits set in above[k] and above[k + 1] together. */
static inline unsigned LEVEL(planes_rank)(planes_group *group, unsigned count)
{
    uint64_t now = 0, known = 0;
    unsigned k = 0;
    for (unsigned b = count; b < count + PLANES_SPARE; b++) group->planes[b] = group->above[b] = group->counts[b] = 0;
    for (unsigned b = count; b-- > 0;) {
        group->above[b] = now |= group->planes[b];
        group->counts[b] = PLANES_COUNT(now);
        k += group->counts[b] + known > 64;
        known = group->counts[b];
    }
    return k;
}
#endif

/* What is in bits only, from above[k] on. Four levels are most often all, and the last three of them at most 64 bits. */
static inline void LEVEL(planes_write_levels)(const planes_group *group, unsigned k, planes_writer *writer)
{
    const uint64_t *planes = group->planes + k, *above = group->above + k, *counts = group->counts + k;
    uint64_t levels[4], rest = 0;
    unsigned at = 0;
    for (unsigned i = 0; i < 4; i++)
        levels[i] = PLANES_PACK(above[i + 1], above[i]) | PLANES_PACK(planes[i], above[i + 1]) << (counts[i] & 63);
    LEVEL(planes_write)(writer, levels[0], (unsigned)(counts[0] + counts[1]));
    for (unsigned i = 1; i < 4; i++) {
        rest |= levels[i] << (at & 63);
        at += (unsigned)(counts[i] + counts[i + 1]);
    }
    if (!above[4] && at <= 64) {
        LEVEL(planes_write)(writer, rest, at);
        return;
    }
    for (unsigned i = 1; above[i]; i++) {
        const uint64_t low = PLANES_PACK(above[i + 1], above[i]), high = PLANES_PACK(planes[i], above[i + 1]);
        LEVEL(planes_write)(writer, low | high << (counts[i] & 63), (unsigned)(counts[i] + counts[i + 1]));
    }
}

/* Encode a group that is not empty; returns its symbol. */
static inline unsigned LEVEL(planes_write_group)(const planes_group *group, unsigned k, uint8_t **words, planes_writer *writer)
{
    const unsigned kind = k ? PLANES_WORDS : LEVEL(planes_kind)(group->above[0]);
    if (kind == PLANES_WORDS) {
        LEVEL(planes_copy)(*words, group->planes, k);
        LEVEL(store_8)(*words + 8 * k, group->above[k]);
        *words += 8 * (k + 1);
        LEVEL(planes_write_levels)(group, k, writer);
    } else {
        LEVEL(planes_write_sparse)(writer, group->above[0], kind);
        LEVEL(planes_write)(writer, group->above[1] != 0, 1); /* most often not, and then not a bit for each one of above[0] */
        if (group->above[1]) LEVEL(planes_write_levels)(group, 0, writer);
    }
    LEVEL(planes_write)(writer, PLANES_PACK(group->signs, group->above[0]), (unsigned)group->counts[0]);
    return kind + k;
}

/* Planes from k on, of which `now` is what is above[k]. Returns the number of planes; more than `limit`: the bytes are corrupt. Bits
 * are taken from a register as long as they last: memory is far away for what waits for each level's. */
static unsigned LEVEL(planes_read_any_levels)(planes_reader *reader, uint64_t now, unsigned k, unsigned limit, uint64_t *planes)
{
    uint64_t bits = LEVEL(planes_peek)(reader);
    unsigned known = PLANES_COUNT(now), left = 64;
    for (; now && k < limit; k++) {
        if (left < 2 * known) {
            bits = LEVEL(planes_peek)(reader);
            left = 64;
        }
        const uint64_t next = PLANES_SPREAD(bits, now);
        const unsigned more = PLANES_COUNT(next);
        if (known + more > 64) return limit + 1;
        bits >>= known & 63;
        planes[k] = (now & ~next) | PLANES_SPREAD(bits, next);
        bits >>= more;
        left -= known + more;
        reader->position += known + more;
        known = more;
        now = next;
    }
    LEVEL(fill_words)(planes + k, 0, PLANES_ZEROS * sizeof *planes);
    return now ? limit + 1 : k;
}

/* The same, for what is usual: four levels, the last three of them at most 64 bits. Counts are right where they are used. The bits of
 * the last three are in registers before it is known where they begin: one level waits for the other. */
static inline unsigned LEVEL(planes_read_levels)(planes_reader *reader, uint64_t now, unsigned k, unsigned limit, uint64_t *planes)
{
    const planes_reader later = {reader->base, reader->position + 64};
    const uint64_t following = LEVEL(planes_peek)(&later);
    uint64_t above[5] = {now}, bits = LEVEL(planes_peek)(reader);
    unsigned counts[5] = {PLANES_COUNT(now)};
    const uint64_t first = bits >> 1;
    for (unsigned i = 0; i < 4; i++) {
        above[i + 1] = PLANES_SPREAD(bits, above[i]);
        counts[i + 1] = PLANES_COUNT(above[i + 1]);
        bits >>= counts[i] & 63;
        planes[k + i] = (above[i] & ~above[i + 1]) | PLANES_SPREAD(bits, above[i + 1]);
        bits >>= counts[i + 1] & 63;
        /* From bit counts[0] + counts[1] on, which is 1 to 64. */
        if (i == 0) bits = first >> ((counts[0] - 1 + counts[1]) & 63) | following << ((0 - counts[0] - counts[1]) & 63);
    }
    const unsigned used = counts[1] + 2 * (counts[2] + counts[3]);
    if (above[4] || used > 64 || counts[0] + counts[1] > 64 || k + 4 > limit) {
        planes_reader own = *reader; /* the reader itself stays in registers */
        if (used + counts[4] <= 64 && counts[0] + counts[1] <= 64 && k + 4 <= limit) {
            own.position += counts[0] + counts[1] + used + counts[4];
            now = above[4];
            k += 4;
        }
        const unsigned count = LEVEL(planes_read_any_levels)(&own, now, k, limit, planes);
        reader->position = own.position;
        return count;
    }
    reader->position = reader->position + (counts[0] + 2 * (counts[1] + counts[2])) + 2 * counts[3]; /* known last: counts[3] */
    return k + 4;
}

static inline uint64_t LEVEL(planes_read_signs)(planes_reader *reader, uint64_t nonzero)
{
    const uint64_t signs = PLANES_SPREAD(LEVEL(planes_peek)(reader), nonzero);
    reader->position += PLANES_COUNT(nonzero);
    return signs;
}

/* A group with a sparse mask: as planes_read_group. Most often 64 bits are all, or all but the signs. */
static unsigned LEVEL(planes_read_sparse_group)(planes_reader *reader, unsigned symbol, unsigned limit, uint64_t *planes, uint64_t *signs)
{
    const uint64_t bits = LEVEL(planes_peek)(reader);
    const uint64_t bytes = bits & 255, among = PLANES_SPREAD(bits >> 8, 3 * PLANES_SPREAD(bytes, 0x5555));
    const uint64_t nibbles = symbol == PLANES_BYTES ? among : bits & 0xffff;
    const unsigned before = symbol == PLANES_BYTES ? 8 + 2 * PLANES_COUNT(bytes) : 16, used = before + 4 * PLANES_COUNT(nibbles);
    unsigned count = 1;
    uint64_t now = PLANES_SPREAD(bits >> before, 15 * PLANES_SPREAD(nibbles, 0x1111111111111111));
    if (used < 64) reader->position += used;
    else now = LEVEL(planes_read_sparse)(reader, symbol);
    LEVEL(fill_words)(planes, 0, PLANES_ZEROS * sizeof *planes);
    planes[0] = now;
    const unsigned ones = PLANES_COUNT(now);
    if (used + 1 + ones <= 64 && !(bits >> used & 1)) {
        *signs = PLANES_SPREAD(bits >> used >> 1, now);
        reader->position += 1 + ones;
        return 1;
    }
    if (LEVEL(planes_take)(reader, 1)) count = LEVEL(planes_read_any_levels)(reader, now, 0, limit, planes);
    *signs = LEVEL(planes_read_signs)(reader, now);
    return count;
}

/* Planes (zeros above, to a multiple of 8, and at least to 16) and signs of a group. Returns the number of planes, or limit + 1:
 * corrupt. */
static inline unsigned LEVEL(planes_read_group)(planes_reader *reader, unsigned symbol, const uint8_t *words, unsigned limit,
                                                uint64_t *planes, uint64_t *signs)
{
    if (symbol < PLANES_WORDS) {
        planes_reader own = *reader;
        uint64_t down;
        const unsigned count = LEVEL(planes_read_sparse_group)(&own, symbol, limit, planes, &down);
        reader->position = own.position;
        *signs = down;
        return count;
    }
    const unsigned k = symbol - PLANES_WORDS;
    const uint64_t known = LEVEL(planes_words)(words, k, planes), now = LEVEL(load_8)(words + 8 * k);
    const unsigned count = LEVEL(planes_read_levels)(reader, now, k, limit, planes);
    *signs = LEVEL(planes_read_signs)(reader, now | known);
    return count;
}

/* ---- symbols of 64 groups: which differ from the one before, by how much ---- */

static void LEVEL(planes_write_symbols)(planes_writer *writer, const uint8_t *symbols, unsigned count, uint8_t before)
{
    uint64_t changed = 0, far = 0, down = 0;
    for (unsigned i = 0; i < count; i++) {
        const int step = symbols[i] - before;
        changed |= (uint64_t)(step != 0) << i;
        far |= (uint64_t)(step > 1 || step < -1) << i;
        down |= (uint64_t)(step < 0) << i;
        before = symbols[i];
    }
    const unsigned kind = LEVEL(planes_kind)(changed);
    LEVEL(planes_write)(writer, kind, 2);
    if (kind == PLANES_EMPTY) return;
    if (kind == PLANES_WORDS) LEVEL(planes_write)(writer, changed, 64);
    else LEVEL(planes_write_sparse)(writer, changed, kind);
    LEVEL(planes_write)(writer, PLANES_PACK(far, changed), PLANES_COUNT(changed));
    LEVEL(planes_write)(writer, PLANES_PACK(down, changed & ~far), PLANES_COUNT(changed & ~far));
    for (; far; far &= far - 1) LEVEL(planes_write)(writer, symbols[PLANES_LOWEST(far)], 7);
}

static int LEVEL(planes_read_symbols)(planes_reader *reader, uint8_t *symbols, unsigned count, uint8_t before, unsigned most)
{
    uint8_t filled[128];
    memset(filled, before, 64);
    const unsigned kind = (unsigned)LEVEL(planes_take)(reader, 2);
    if (kind != PLANES_EMPTY) {
        uint64_t changed;
        if (kind == PLANES_WORDS) {
            changed = LEVEL(planes_peek)(reader);
            reader->position += 64;
        } else {
            changed = LEVEL(planes_read_sparse)(reader, kind);
        }
        if (count < 64 && changed >> count) return CDT_CORRUPT;
        const uint64_t far = PLANES_SPREAD(LEVEL(planes_peek)(reader), changed);
        reader->position += PLANES_COUNT(changed);
        const uint64_t down = PLANES_SPREAD(LEVEL(planes_peek)(reader), changed & ~far);
        reader->position += PLANES_COUNT(changed & ~far);
        for (; changed; changed &= changed - 1) {
            const unsigned i = PLANES_LOWEST(changed);
            if (far >> i & 1) before = (uint8_t)LEVEL(planes_take)(reader, 7);
            else before = (uint8_t)(before + 1 - 2 * (down >> i & 1));
            if (before > most) return CDT_CORRUPT;
            memset(filled + i, before, 64);
        }
    }
    memcpy(symbols, filled, count);
    return CDT_OK;
}

/* ---- blocks ---- */

static inline size_t LEVEL(planes_least)(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Where the words and the bits after the symbols begin: `position` in bits, `count` words. */
static int LEVEL(planes_sections)(const planes_source *source, uint64_t position, uint64_t count, size_t *words, size_t *bits)
{
    const size_t at = (size_t)(position + 7) / 8;
    if (at > source->length || (position & 7 && source->in[at - 1] >> (position & 7))) return CDT_CORRUPT;
    if (count > (source->length - at) / 8) return CDT_CORRUPT;
    *words = at;
    *bits = at + 8 * (size_t)count;
    return CDT_OK;
}

/* Whether all bits were read, and the last byte is filled with zeros. */
static int LEVEL(planes_ended)(const planes_source *source, uint64_t position)
{
    if ((position + 7) / 8 != source->length) return CDT_CORRUPT;
    return position & 7 && source->in[source->length - 1] >> (position & 7) ? CDT_CORRUPT : CDT_OK;
}

#define PLANES_VALUE int32_t
#define PLANES_NAME(name) LEVEL(name##_4)
#include "planes_block.simd.h"
#undef PLANES_VALUE
#undef PLANES_NAME
#define PLANES_VALUE int64_t
#define PLANES_NAME(name) LEVEL(name##_8)
#include "planes_block.simd.h"
#undef PLANES_VALUE
#undef PLANES_NAME

#undef PLANES_PACK
#undef PLANES_SPREAD
#undef PLANES_COUNT
#undef PLANES_LOWEST
