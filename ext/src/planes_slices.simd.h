/* Between 64 numbers and their bit planes (bit i of plane b is bit b of number i). Part of planes.simd.h. */

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
        for (unsigned i = 0; i < 8; i++) rows[i] = LEVEL(planes_turn_bits)(LEVEL(load_8)(bytes + 8 * i));
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
        for (unsigned i = 0; i < 8; i++) LEVEL(store_8)(bytes + 8 * i, LEVEL(planes_turn_bits)(rows[i]));
        for (unsigned i = 0; i < 64; i++) magnitudes[i] |= (uint32_t)bytes[i] << (8 * slice);
    }
}

#define S int32_t
#define U uint32_t
#define NAME(name) LEVEL(name##_4)
#include "planes_slices.template.h"
#define S int64_t
#define U uint64_t
#define NAME(name) LEVEL(name##_8)
#include "planes_slices.template.h"

/* `k` planes, then zeros; returns what is in any of them. */
static inline uint64_t LEVEL(planes_words)(const uint8_t *words, unsigned k, uint64_t *planes)
{
    uint64_t any = 0;
    unsigned b = 0;
    for (; b < k; b++) any |= planes[b] = LEVEL(load_8)(words + 8 * b);
    for (const unsigned end = (k & ~7u) + 16; b < end; b++) planes[b] = 0;
    return any;
}
