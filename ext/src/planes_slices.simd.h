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

/* Planes of 64 residuals, the number of which is returned (a multiple of 8). */
static inline unsigned LEVEL(planes_of_4)(const int32_t *residuals, uint64_t *planes, uint64_t *signs)
{
    uint32_t parts[32 / 32][64];
    uint32_t most = 0;
    *signs = 0;
    for (unsigned i = 0; i < 64; i++) {
        const uint32_t r = (uint32_t)residuals[i], negative = r >> (32 - 1);
        const uint32_t magnitude = (r ^ -negative) + negative;
        *signs |= (uint64_t)negative << i;
        most |= magnitude;
        for (unsigned part = 0; part < 32 / 32; part++) parts[part][i] = (uint32_t)(magnitude >> (32 * part));
    }
    unsigned slices = 0;
    while (slices < 32 / 8 && most >> (8 * slices)) slices++;
    for (unsigned part = 0; 4 * part < slices; part++)
        LEVEL(planes_split)(parts[part], slices - 4 * part < 4 ? slices - 4 * part : 4, planes + 32 * part);
    return 8 * slices;
}

static inline void LEVEL(planes_to_4)(const uint64_t *planes, unsigned count, uint64_t signs, int32_t *residuals)
{
    uint32_t parts[32 / 32][64];
    for (unsigned part = 0; part < 32 / 32; part++) {
        const unsigned from = 4 * part, slices = (count + 7) / 8;
        LEVEL(planes_join)(planes + 8 * from, slices <= from ? 0 : slices - from < 4 ? slices - from : 4, parts[part]);
    }
    for (unsigned i = 0; i < 64; i++) {
        const uint32_t negative = (uint32_t)(signs >> i & 1);
        uint32_t magnitude = parts[0][i];
        for (unsigned part = 1; part < 32 / 32; part++) magnitude |= (uint32_t)parts[part][i] << (32 * part % 32);
        residuals[i] = (int32_t)((magnitude ^ -negative) + negative);
    }
}

/* Planes of 64 residuals, the number of which is returned (a multiple of 8). */
static inline unsigned LEVEL(planes_of_8)(const int64_t *residuals, uint64_t *planes, uint64_t *signs)
{
    uint32_t parts[64 / 32][64];
    uint64_t most = 0;
    *signs = 0;
    for (unsigned i = 0; i < 64; i++) {
        const uint64_t r = (uint64_t)residuals[i], negative = r >> (64 - 1);
        const uint64_t magnitude = (r ^ -negative) + negative;
        *signs |= (uint64_t)negative << i;
        most |= magnitude;
        for (unsigned part = 0; part < 64 / 32; part++) parts[part][i] = (uint32_t)(magnitude >> (32 * part));
    }
    unsigned slices = 0;
    while (slices < 64 / 8 && most >> (8 * slices)) slices++;
    for (unsigned part = 0; 4 * part < slices; part++)
        LEVEL(planes_split)(parts[part], slices - 4 * part < 4 ? slices - 4 * part : 4, planes + 32 * part);
    return 8 * slices;
}

static inline void LEVEL(planes_to_8)(const uint64_t *planes, unsigned count, uint64_t signs, int64_t *residuals)
{
    uint32_t parts[64 / 32][64];
    for (unsigned part = 0; part < 64 / 32; part++) {
        const unsigned from = 4 * part, slices = (count + 7) / 8;
        LEVEL(planes_join)(planes + 8 * from, slices <= from ? 0 : slices - from < 4 ? slices - from : 4, parts[part]);
    }
    for (unsigned i = 0; i < 64; i++) {
        const uint64_t negative = (uint64_t)(signs >> i & 1);
        uint64_t magnitude = parts[0][i];
        for (unsigned part = 1; part < 64 / 32; part++) magnitude |= (uint64_t)parts[part][i] << (32 * part % 64);
        residuals[i] = (int64_t)((magnitude ^ -negative) + negative);
    }
}


/* `k` planes, then zeros; returns what is in any of them. */
static inline uint64_t LEVEL(planes_words)(const uint8_t *words, unsigned k, uint64_t *planes)
{
    uint64_t any = 0;
    unsigned b = 0;
    for (; b < k; b++) any |= planes[b] = LEVEL(load_8)(words + 8 * b);
    for (const unsigned end = (k & ~7u) + 16; b < end; b++) planes[b] = 0;
    return any;
}
