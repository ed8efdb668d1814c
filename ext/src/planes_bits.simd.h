/* Bits and masks, written and read. Part of planes.simd.h. */

#define PLANES_GROUP_BYTES 560 /* more than a group (64 levels, signs, a mask) or 64 symbols can ask for in bits */

/* How a mask of 64 bits is stored, and the symbols of groups: the last one, and those above it, for groups with words. */
enum { PLANES_EMPTY = 0, PLANES_BYTES = 1, PLANES_NIBBLES = 2, PLANES_WORDS = 3 };

#if CDT_SIMD
#define PLANES_PACK(x, mask) _pext_u64(x, mask)
#define PLANES_SPREAD(x, mask) _pdep_u64(x, mask)
#define PLANES_COUNT(x) ((unsigned)_mm_popcnt_u64(x))
#define PLANES_LOWEST(x) ((unsigned)_tzcnt_u64(x))
#else
static inline unsigned planes_count(uint64_t x)
{
    x -= (x >> 1) & 0x5555555555555555;
    x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)((x * 0x0101010101010101) >> 56);
}

static inline uint64_t planes_pack(uint64_t x, uint64_t mask)
{
    uint64_t packed = 0;
    for (unsigned i = 0; mask; mask &= mask - 1, i++) packed |= (uint64_t)((x & mask & -mask) != 0) << i;
    return packed;
}

static inline uint64_t planes_spread(uint64_t x, uint64_t mask)
{
    uint64_t spread = 0;
    for (; mask; mask &= mask - 1, x >>= 1) spread |= mask & -mask & -(x & 1);
    return spread;
}
#define PLANES_PACK(x, mask) planes_pack(x, mask)
#define PLANES_SPREAD(x, mask) planes_spread(x, mask)
#define PLANES_COUNT(x) planes_count(x)
#define PLANES_LOWEST(x) planes_count(((x) & -(x)) - 1)
#endif

/* `count` words; 8 at a time are written. */
static inline void LEVEL(planes_copy)(uint8_t *out, const uint64_t *words, unsigned count)
{
#if CDT_SIMD
    memcpy(out, words, 64);
    for (unsigned i = 8; i < count; i += 8) memcpy(out + 8 * i, words + i, 64);
#else
    for (unsigned i = 0; i < count; i++) LEVEL(store_8)(out + 8 * i, words[i]);
#endif
}

typedef struct {
    uint8_t *at;
    uint64_t pending;
    unsigned count; /* bits pending, below 64 */
} planes_writer;

/* Append `count` <= 64 bits; those above are zero. Up to 8 bytes are written ahead. */
static inline void LEVEL(planes_write)(planes_writer *writer, uint64_t bits, unsigned count)
{
    const uint64_t low = writer->pending | bits << writer->count, high = bits >> 1 >> (63 - writer->count);
    const unsigned total = writer->count + count, full = total >> 6;
    LEVEL(store_8)(writer->at, low);
    writer->at += 8 * full;
    writer->pending = low ^ ((low ^ high) & -(uint64_t)full); /* no branch: it would not be predicted */
    writer->count = total & 63;
}

static inline uint8_t *LEVEL(planes_flush)(planes_writer *writer)
{
    LEVEL(store_8)(writer->at, writer->pending);
    return writer->at + (writer->count + 7) / 8;
}

/* Bytes to decode: those from `safe` on are in `tail` too, with PLANES_GROUP_BYTES of zeros after them. */
typedef struct {
    const uint8_t *in;
    size_t length, safe;
    uint8_t tail[2 * PLANES_GROUP_BYTES + 16];
} planes_source;

/* Where to read bits; `position` is in bits. A group or 64 symbols may be read without a check. */
typedef struct {
    const uint8_t *base;
    uint64_t position;
} planes_reader;

static inline void LEVEL(planes_open)(planes_source *source, const uint8_t *in, size_t length)
{
    source->in = in;
    source->length = length;
    source->safe = length > PLANES_GROUP_BYTES ? length - PLANES_GROUP_BYTES : 0;
    memset(source->tail, 0, sizeof source->tail);
    if (length) memcpy(source->tail, in + source->safe, length - source->safe);
}

/* `position`, in bits, is not beyond the source's end. */
static inline planes_reader LEVEL(planes_from)(const planes_source *source, uint64_t position)
{
    const size_t byte = (size_t)(position >> 3);
    const planes_reader reader = {byte < source->safe ? source->in + byte : source->tail + (byte - source->safe), position & 7};
    return reader;
}

/* The next 64 bits, of which the caller takes some by adding to the position. */
static inline uint64_t LEVEL(planes_peek)(const planes_reader *reader)
{
    const uint8_t *at = reader->base + (reader->position >> 3);
    const unsigned shift = reader->position & 7;
    return LEVEL(load_8)(at) >> shift | (uint64_t)at[8] << 1 << (63 - shift);
}

static inline uint64_t LEVEL(planes_take)(planes_reader *reader, unsigned count)
{
    const uint64_t bits = LEVEL(planes_peek)(reader) & (((uint64_t)1 << count) - 1);
    reader->position += count;
    return bits;
}

/* ---- masks with few bits: which bytes, which nibbles of those, which bits of those ---- */

/* Bit i of the result: byte i (nibble i) of x is not 0. */
static inline uint64_t LEVEL(planes_nibbles)(uint64_t x)
{
    x |= x >> 1;
    x |= x >> 2;
    return PLANES_PACK(x, 0x1111111111111111);
}

static inline uint64_t LEVEL(planes_bytes)(uint64_t nibbles)
{
    return PLANES_PACK(nibbles | nibbles >> 1, 0x5555);
}

static inline void LEVEL(planes_write_sparse)(planes_writer *writer, uint64_t mask, unsigned kind)
{
    const uint64_t nibbles = LEVEL(planes_nibbles)(mask), bytes = LEVEL(planes_bytes)(nibbles);
    if (kind == PLANES_BYTES) {
        LEVEL(planes_write)(writer, bytes, 8);
        LEVEL(planes_write)(writer, PLANES_PACK(nibbles, 3 * PLANES_SPREAD(bytes, 0x5555)), 2 * PLANES_COUNT(bytes));
    } else {
        LEVEL(planes_write)(writer, nibbles, 16);
    }
    const uint64_t known = 15 * PLANES_SPREAD(nibbles, 0x1111111111111111);
    LEVEL(planes_write)(writer, PLANES_PACK(mask, known), 4 * PLANES_COUNT(nibbles));
}

static inline uint64_t LEVEL(planes_read_sparse)(planes_reader *reader, unsigned kind)
{
    uint64_t nibbles;
    if (kind == PLANES_BYTES) {
        const uint64_t bytes = LEVEL(planes_take)(reader, 8);
        nibbles = PLANES_SPREAD(LEVEL(planes_peek)(reader), 3 * PLANES_SPREAD(bytes, 0x5555));
        reader->position += 2 * PLANES_COUNT(bytes);
    } else {
        nibbles = LEVEL(planes_take)(reader, 16);
    }
    const uint64_t mask = PLANES_SPREAD(LEVEL(planes_peek)(reader), 15 * PLANES_SPREAD(nibbles, 0x1111111111111111));
    reader->position += 4 * PLANES_COUNT(nibbles);
    return mask;
}

/* The kind that takes the fewest bits. */
static inline unsigned LEVEL(planes_kind)(uint64_t mask)
{
    const uint64_t nibbles = LEVEL(planes_nibbles)(mask);
    if (PLANES_COUNT(nibbles) >= 12) return PLANES_WORDS;
    return mask == 0 ? PLANES_EMPTY : PLANES_COUNT(LEVEL(planes_bytes)(nibbles)) < 4 ? PLANES_BYTES : PLANES_NIBBLES;
}
