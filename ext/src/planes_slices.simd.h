/* Between 64 numbers and their bit planes (bit i of plane b is bit b of number i). Part of planes.simd.h. */

static inline uint64_t LEVEL(planes_load)(const uint8_t *in)
{
    uint64_t word;
    memcpy(&word, in, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline void LEVEL(planes_store)(uint8_t *out, uint64_t word)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(out, &word, 8);
}

/* The transpose of 8 x 8 bits. */
static inline uint64_t LEVEL(planes_turn_bits)(uint64_t x)
{
    uint64_t t = (x ^ (x >> 7)) & 0x00aa00aa00aa00aa;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000cccc0000cccc;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000f0f0f0f0;
    return x ^ t ^ (t << 28);
}

/* The transpose of 8 x 8 bytes; the first byte of a row is its lowest. */
static inline void LEVEL(planes_turn_bytes)(uint64_t rows[8])
{
    static const uint64_t masks[3] = {0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff};
    for (unsigned level = 0; level < 3; level++) {
        const unsigned apart = 1u << level, shift = 8u << level;
        for (unsigned i = 0; i < 8; i++) {
            if (i & apart) continue;
            const uint64_t t = ((rows[i] >> shift) ^ rows[i + apart]) & masks[level];
            rows[i + apart] ^= t;
            rows[i] ^= t << shift;
        }
    }
}

/* The `slices` low bytes of 64 magnitudes to 8 planes each. */
static inline void LEVEL(planes_split)(const uint32_t *magnitudes, unsigned slices, uint64_t *planes)
{
    for (unsigned slice = 0; slice < slices; slice++) {
        uint64_t *rows = planes + 8 * slice;
        uint8_t bytes[64];
        for (unsigned i = 0; i < 64; i++) bytes[i] = (uint8_t)(magnitudes[i] >> (8 * slice));
        for (unsigned i = 0; i < 8; i++) rows[i] = LEVEL(planes_turn_bits)(LEVEL(planes_load)(bytes + 8 * i));
        LEVEL(planes_turn_bytes)(rows);
    }
}

static inline void LEVEL(planes_join)(const uint64_t *planes, unsigned slices, uint32_t *magnitudes)
{
    memset(magnitudes, 0, 64 * sizeof *magnitudes);
    for (unsigned slice = 0; slice < slices; slice++) {
        uint64_t rows[8];
        uint8_t bytes[64];
        memcpy(rows, planes + 8 * slice, sizeof rows);
        LEVEL(planes_turn_bytes)(rows);
        for (unsigned i = 0; i < 8; i++) LEVEL(planes_store)(bytes + 8 * i, LEVEL(planes_turn_bits)(rows[i]));
        for (unsigned i = 0; i < 64; i++) magnitudes[i] |= (uint32_t)bytes[i] << (8 * slice);
    }
}
