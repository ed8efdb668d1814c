/* Between 64 residuals and their bit planes with AVX-512: 8 x 8 bits are transposed by GF2P8AFFINEQB, 8 x 8 bytes by VPERMB. */

#define PLANES_TURNED                                                                                                          \
    _mm512_set_epi64(0x3f372f271f170f07, 0x3e362e261e160e06, 0x3d352d251d150d05, 0x3c342c241c140c04, 0x3b332b231b130b03,       \
                     0x3a322a221a120a02, 0x3931292119110901, 0x3830282018100800)
#define PLANES_TURNED_BACK                                                                                                     \
    _mm512_set_epi64(0x070f171f272f373f, 0x060e161e262e363e, 0x050d151d252d353d, 0x040c141c242c343c, 0x030b131b232b333b,       \
                     0x020a121a222a323a, 0x0109111921293139, 0x0008101820283038)
/* The lowest byte of 32 numbers, then the next one, each eight from the last to the first. */
#define PLANES_PICKED                                                                                                          \
    _mm512_set_epi64(0x6165696d7175797d, 0x4145494d5155595d, 0x2125292d3135393d, 0x0105090d1115191d, 0x6064686c7074787c,       \
                     0x4044484c5054585c, 0x2024282c3034383c, 0x0004080c1014181c)

/* 8 x 8 bits transposed in each 64; the rows go from the last to the first: they are matrices, which map the unit vectors. */
static inline __m512i LEVEL(planes_turn)(__m512i rows)
{
    return _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64((long long)0x8040201008040201), rows, 0);
}

/* Bits 16 * half to 16 * half + 15 of 64 magnitudes to as many planes. */
static inline void LEVEL(planes_split)(const __m512i *magnitudes, unsigned half, uint64_t *planes)
{
    const __m512i picked = _mm512_add_epi8(PLANES_PICKED, _mm512_set1_epi8((char)(2 * half)));
    const __m512i first = _mm512_permutex2var_epi8(magnitudes[0], picked, magnitudes[1]);
    const __m512i last = _mm512_permutex2var_epi8(magnitudes[2], picked, magnitudes[3]);
    const __m512i low = _mm512_inserti64x4(first, _mm512_castsi512_si256(last), 1);
    const __m512i high = _mm512_shuffle_i64x2(first, last, 0xee);
    _mm512_storeu_si512(planes, _mm512_permutexvar_epi8(PLANES_TURNED, LEVEL(planes_turn)(low)));
    _mm512_storeu_si512(planes + 8, _mm512_permutexvar_epi8(PLANES_TURNED, LEVEL(planes_turn)(high)));
}

/* All planes of 64 magnitudes of 32 bits, as many as are needed: 0, 8, 16 or 32. */
static inline unsigned LEVEL(planes_split_32)(const __m512i *magnitudes, uint64_t *planes)
{
    const __m512i any = _mm512_or_si512(_mm512_or_si512(magnitudes[0], magnitudes[1]), _mm512_or_si512(magnitudes[2], magnitudes[3]));
    if (!_mm512_test_epi32_mask(any, any)) return 0;
    LEVEL(planes_split)(magnitudes, 0, planes);
    if (!_mm512_test_epi32_mask(any, _mm512_set1_epi32(~0xffff)))
        return _mm512_test_epi32_mask(any, _mm512_set1_epi32(0xff00)) ? 16 : 8;
    LEVEL(planes_split)(magnitudes, 1, planes + 16);
    return 32;
}

static inline unsigned LEVEL(planes_of_4)(const int32_t *residuals, uint64_t *planes, uint64_t *signs)
{
    __m512i magnitudes[4];
    *signs = 0;
    for (unsigned i = 0; i < 4; i++) {
        const __m512i r = _mm512_loadu_si512(residuals + 16 * i);
        magnitudes[i] = _mm512_abs_epi32(r);
        *signs |= (uint64_t)_mm512_movepi32_mask(r) << (16 * i);
    }
    return LEVEL(planes_split_32)(magnitudes, planes);
}

static inline unsigned LEVEL(planes_of_8)(const int64_t *residuals, uint64_t *planes, uint64_t *signs)
{
    __m512i low[4], high[4];
    *signs = 0;
    for (unsigned i = 0; i < 4; i++) {
        const __m512i a = _mm512_loadu_si512(residuals + 16 * i), b = _mm512_loadu_si512(residuals + 16 * i + 8);
        const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
        const __m512i first = _mm512_abs_epi64(a), last = _mm512_abs_epi64(b);
        low[i] = _mm512_permutex2var_epi32(first, even, last);
        high[i] = _mm512_permutex2var_epi32(first, _mm512_add_epi32(even, _mm512_set1_epi32(1)), last);
        *signs |= (uint64_t)_mm512_movepi64_mask(a) << (16 * i) | (uint64_t)_mm512_movepi64_mask(b) << (16 * i + 8);
    }
    const unsigned above = LEVEL(planes_split_32)(high, planes + 32);
    if (!above) return LEVEL(planes_split_32)(low, planes);
    LEVEL(planes_split)(low, 0, planes);
    LEVEL(planes_split)(low, 1, planes + 16);
    return 32 + above;
}

/* 16 planes to 64 numbers below 2^16. */
static inline void LEVEL(planes_join)(__m512i low, __m512i high, __m512i *magnitudes)
{
    const __m512i first = LEVEL(planes_turn)(_mm512_permutexvar_epi8(PLANES_TURNED_BACK, low));
    const __m512i last = LEVEL(planes_turn)(_mm512_permutexvar_epi8(PLANES_TURNED_BACK, high));
    /* Bytes i and 64 + i become number i. */
    const __m512i pairs = _mm512_set_epi32(0x4f0f, 0x4e0e, 0x4d0d, 0x4c0c, 0x4b0b, 0x4a0a, 0x4909, 0x4808, 0x4707, 0x4606, 0x4505,
                                           0x4404, 0x4303, 0x4202, 0x4101, 0x4000);
    for (unsigned i = 0; i < 4; i++) {
        const __m512i picked = _mm512_add_epi8(pairs, _mm512_set1_epi8((char)(16 * i)));
        magnitudes[i] = _mm512_maskz_permutex2var_epi8(0x3333333333333333, first, picked, last);
    }
}

static inline void LEVEL(planes_join_32)(const uint64_t *planes, unsigned count, __m512i *magnitudes)
{
    const __m512i zero = _mm512_setzero_si512();
    LEVEL(planes_join)(_mm512_loadu_si512(planes), count > 8 ? _mm512_loadu_si512(planes + 8) : zero, magnitudes);
    if (count <= 16) return;
    __m512i upper[4];
    LEVEL(planes_join)(_mm512_loadu_si512(planes + 16), count > 24 ? _mm512_loadu_si512(planes + 24) : zero, upper);
    for (unsigned i = 0; i < 4; i++) magnitudes[i] = _mm512_or_si512(magnitudes[i], _mm512_slli_epi32(upper[i], 16));
}

static inline void LEVEL(planes_sign_4)(const __m512i *magnitudes, uint64_t signs, int32_t *residuals)
{
    for (unsigned i = 0; i < 4; i++) {
        const __mmask16 negative = (__mmask16)(signs >> (16 * i));
        _mm512_storeu_si512(residuals + 16 * i, _mm512_mask_sub_epi32(magnitudes[i], negative, _mm512_setzero_si512(), magnitudes[i]));
    }
}

static inline void LEVEL(planes_sign_8)(__m512i magnitudes, uint64_t signs, int64_t *residuals)
{
    _mm512_storeu_si512(residuals, _mm512_mask_sub_epi64(magnitudes, (__mmask8)signs, _mm512_setzero_si512(), magnitudes));
}

/* Numbers below 2^32 as residuals. */
static inline void LEVEL(planes_wide_8)(const __m512i *magnitudes, uint64_t signs, int64_t *residuals)
{
    for (unsigned i = 0; i < 4; i++) {
        const __m512i m = magnitudes[i];
        LEVEL(planes_sign_8)(_mm512_cvtepu32_epi64(_mm512_castsi512_si256(m)), signs >> (16 * i), residuals + 16 * i);
        LEVEL(planes_sign_8)(_mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(m, 1)), signs >> (16 * i + 8), residuals + 16 * i + 8);
    }
}

static inline void LEVEL(planes_to_4)(const uint64_t *planes, unsigned count, uint64_t signs, int32_t *residuals)
{
    __m512i magnitudes[4];
    LEVEL(planes_join_32)(planes, count < 16 ? 16 : count, magnitudes); /* 16 are there, and so often 9 that a branch is not foreseen */
    LEVEL(planes_sign_4)(magnitudes, signs, residuals);
}

static inline void LEVEL(planes_to_8)(const uint64_t *planes, unsigned count, uint64_t signs, int64_t *residuals)
{
    __m512i low[4], high[4];
    LEVEL(planes_join_32)(planes, count < 16 ? 16 : count, low);
    if (count <= 32) {
        LEVEL(planes_wide_8)(low, signs, residuals);
        return;
    }
    LEVEL(planes_join_32)(planes + 32, count - 32, high);
    const __m512i first = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i last = _mm512_add_epi32(first, _mm512_set1_epi32(8));
    for (unsigned i = 0; i < 4; i++) {
        LEVEL(planes_sign_8)(_mm512_permutex2var_epi32(low[i], first, high[i]), signs >> (16 * i), residuals + 16 * i);
        LEVEL(planes_sign_8)(_mm512_permutex2var_epi32(low[i], last, high[i]), signs >> (16 * i + 8), residuals + 16 * i + 8);
    }
}

/* What follows from `count` planes; returns k, the least with at most 64 bits set in above[k] and above[k + 1] together. */
static inline unsigned LEVEL(planes_rank)(planes_group *group, unsigned count)
{
    const __m512i zero = _mm512_setzero_si512();
    __m512i above = zero, counts = zero;
    unsigned k = 0;
    _mm512_storeu_si512(group->planes + count, zero);
    _mm512_storeu_si512(group->above + count, zero);
    _mm512_storeu_si512(group->counts + count, zero);
    for (unsigned b = count; b > 0;) {
        const __m512i before = counts, all = _mm512_broadcastq_epi64(_mm512_castsi512_si128(above));
        above = _mm512_loadu_si512(group->planes + (b -= 8));
        above = _mm512_or_si512(above, _mm512_alignr_epi64(zero, above, 1));
        above = _mm512_or_si512(above, _mm512_alignr_epi64(zero, above, 2));
        above = _mm512_or_si512(above, _mm512_or_si512(_mm512_alignr_epi64(zero, above, 4), all));
        counts = _mm512_popcnt_epi64(above);
        _mm512_storeu_si512(group->above + b, above);
        _mm512_storeu_si512(group->counts + b, counts);
        const __m512i pairs = _mm512_add_epi64(counts, _mm512_alignr_epi64(before, counts, 1));
        k += PLANES_COUNT(_mm512_cmpgt_epu64_mask(pairs, _mm512_set1_epi64(64)));
    }
    return k;
}

/* `k` planes, then zeros; returns what is in any of them. */
static inline uint64_t LEVEL(planes_words)(const uint8_t *words, unsigned k, uint64_t *planes)
{
    const uint64_t all = ((uint64_t)1 << k) - 1; /* k < 64 */
    const __m512i first = _mm512_maskz_loadu_epi64((__mmask8)all, words);
    __m512i now = _mm512_maskz_loadu_epi64((__mmask8)(all >> 8), words + 64), any = _mm512_or_si512(first, now);
    _mm512_storeu_si512(planes, first);
    _mm512_storeu_si512(planes + 8, now);
    for (unsigned b = 16; b <= k; b += 8) {
        now = _mm512_maskz_loadu_epi64((__mmask8)(all >> b), words + 8 * b);
        any = _mm512_or_si512(any, now);
        _mm512_storeu_si512(planes + b, now);
    }
    _mm512_storeu_si512(planes + (k & ~7u) + 8, _mm512_setzero_si512());
    return (uint64_t)_mm512_reduce_or_epi64(any);
}

#undef PLANES_TURNED
#undef PLANES_TURNED_BACK
#undef PLANES_PICKED
