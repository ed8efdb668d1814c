/* Planes of residuals, once per width: S, U (of S's size), NAME. */
#define WIDTH (8 * sizeof(S))
#define PARTS (WIDTH / 32)

/* Planes of 64 residuals, the number of which is returned (a multiple of 8). */
static inline unsigned NAME(planes_of)(const S *residuals, uint64_t *planes, uint64_t *signs)
{
    uint32_t parts[PARTS][64];
    U most = 0;
    *signs = 0;
    for (unsigned i = 0; i < 64; i++) {
        const U r = (U)residuals[i], negative = r >> (WIDTH - 1);
        const U magnitude = (r ^ -negative) + negative;
        *signs |= (uint64_t)negative << i;
        most |= magnitude;
        for (unsigned part = 0; part < PARTS; part++) parts[part][i] = (uint32_t)(magnitude >> (32 * part));
    }
    unsigned slices = 0;
    while (slices < WIDTH / 8 && most >> (8 * slices)) slices++;
    for (unsigned part = 0; 4 * part < slices; part++)
        LEVEL(planes_split)(parts[part], slices - 4 * part < 4 ? slices - 4 * part : 4, planes + 32 * part);
    return 8 * slices;
}

static inline void NAME(planes_to)(const uint64_t *planes, unsigned count, uint64_t signs, S *residuals)
{
    uint32_t parts[PARTS][64];
    for (unsigned part = 0; part < PARTS; part++) {
        const unsigned from = 4 * part, slices = (count + 7) / 8;
        LEVEL(planes_join)(planes + 8 * from, slices <= from ? 0 : slices - from < 4 ? slices - from : 4, parts[part]);
    }
    for (unsigned i = 0; i < 64; i++) {
        const U negative = (U)(signs >> i & 1);
        U magnitude = parts[0][i];
        for (unsigned part = 1; part < PARTS; part++) magnitude |= (U)parts[part][i] << (32 * part % WIDTH);
        residuals[i] = (S)((magnitude ^ -negative) + negative);
    }
}

#undef S
#undef U
#undef NAME
#undef WIDTH
#undef PARTS
