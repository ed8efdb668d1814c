/* Between 64 residuals and their bit planes with AVX2. */

/* 8 x 8 bits transposed in each 64. */
static inline __m256i LEVEL(planes_turn_bits)(__m256i x)
{
    __m256i t = _mm256_and_si256(_mm256_xor_si256(x, _mm256_srli_epi64(x, 7)), _mm256_set1_epi64x(0x00aa00aa00aa00aa));
    x = _mm256_xor_si256(x, _mm256_xor_si256(t, _mm256_slli_epi64(t, 7)));
    t = _mm256_and_si256(_mm256_xor_si256(x, _mm256_srli_epi64(x, 14)), _mm256_set1_epi64x(0x0000cccc0000cccc));
    x = _mm256_xor_si256(x, _mm256_xor_si256(t, _mm256_slli_epi64(t, 14)));
    t = _mm256_and_si256(_mm256_xor_si256(x, _mm256_srli_epi64(x, 28)), _mm256_set1_epi64x(0x00000000f0f0f0f0));
    return _mm256_xor_si256(x, _mm256_xor_si256(t, _mm256_slli_epi64(t, 28)));
}

/* 8 x 8 bytes transposed: rows of 64 bits, four in each. */
static inline void LEVEL(planes_turn_bytes)(__m256i *first, __m256i *last)
{
    const __m256i pairs = _mm256_set_epi8(15, 7, 14, 6, 13, 5, 12, 4, 11, 3, 10, 2, 9, 1, 8, 0, 15, 7, 14, 6, 13, 5, 12, 4, 11, 3, 10, 2,
                                          9, 1, 8, 0);
    const __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
    const __m256i a = _mm256_shuffle_epi8(*first, pairs), b = _mm256_shuffle_epi8(*last, pairs);
    const __m256i even = _mm256_permute2x128_si256(a, b, 0x20), odd = _mm256_permute2x128_si256(a, b, 0x31);
    *first = _mm256_permutevar8x32_epi32(_mm256_unpacklo_epi16(even, odd), order);
    *last = _mm256_permutevar8x32_epi32(_mm256_unpackhi_epi16(even, odd), order);
}

/* The low bytes of 64 numbers below 2^16, 16 in each of `words` as _mm256_packus_epi32 leaves them, to 8 planes. */
static inline void LEVEL(planes_split_bytes)(const __m256i *words, uint64_t *planes)
{
    const __m256i low = _mm256_set1_epi16(0xff), order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
    __m256i rows[2];
    for (unsigned i = 0; i < 2; i++) {
        const __m256i a = _mm256_and_si256(words[2 * i], low), b = _mm256_and_si256(words[2 * i + 1], low);
        rows[i] = LEVEL(planes_turn_bits)(_mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), order));
    }
    LEVEL(planes_turn_bytes)(&rows[0], &rows[1]);
    _mm256_storeu_si256((__m256i *)planes, rows[0]);
    _mm256_storeu_si256((__m256i *)(planes + 4), rows[1]);
}

/* 8 or 16 planes of the low 16 bits of 64 magnitudes. */
static inline void LEVEL(planes_split)(const __m256i *magnitudes, unsigned count, uint64_t *planes)
{
    const __m256i low = _mm256_set1_epi32(0xffff);
    __m256i words[4];
    for (unsigned i = 0; i < 4; i++)
        words[i] = _mm256_packus_epi32(_mm256_and_si256(magnitudes[2 * i], low), _mm256_and_si256(magnitudes[2 * i + 1], low));
    LEVEL(planes_split_bytes)(words, planes);
    if (count <= 8) return;
    for (unsigned i = 0; i < 4; i++) words[i] = _mm256_srli_epi16(words[i], 8);
    LEVEL(planes_split_bytes)(words, planes + 8);
}

/* All planes of 64 magnitudes of 32 bits, as many as are needed: 0, 8, 16 or 32. */
static inline unsigned LEVEL(planes_split_32)(const __m256i *magnitudes, uint64_t *planes)
{
    __m256i any = magnitudes[0];
    for (unsigned i = 1; i < 8; i++) any = _mm256_or_si256(any, magnitudes[i]);
    if (_mm256_testz_si256(any, any)) return 0;
    const unsigned count = _mm256_testz_si256(any, _mm256_set1_epi32(~0xff)) ? 8 : 16;
    LEVEL(planes_split)(magnitudes, count, planes);
    if (_mm256_testz_si256(any, _mm256_set1_epi32(~0xffff))) return count;
    __m256i upper[8];
    for (unsigned i = 0; i < 8; i++) upper[i] = _mm256_srli_epi32(magnitudes[i], 16);
    LEVEL(planes_split)(upper, 16, planes + 16);
    return 32;
}

static inline unsigned LEVEL(planes_of_4)(const int32_t *residuals, uint64_t *planes, uint64_t *signs)
{
    __m256i magnitudes[8];
    *signs = 0;
    for (unsigned i = 0; i < 8; i++) {
        const __m256i r = _mm256_loadu_si256((const __m256i *)(residuals + 8 * i));
        magnitudes[i] = _mm256_abs_epi32(r);
        *signs |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(r)) << (8 * i);
    }
    return LEVEL(planes_split_32)(magnitudes, planes);
}

/* Low (0x88) or high (0xdd) halves of 8 numbers of 64 bits. */
#define PLANES_HALVES(a, b, which)                                                                                             \
    _mm256_permute4x64_epi64(                                                                                                  \
        _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), which)), 0xd8)

static inline unsigned LEVEL(planes_of_8)(const int64_t *residuals, uint64_t *planes, uint64_t *signs)
{
    __m256i low[8], high[8];
    const __m256i zero = _mm256_setzero_si256();
    *signs = 0;
    for (unsigned i = 0; i < 8; i++) {
        const __m256i a = _mm256_loadu_si256((const __m256i *)(residuals + 8 * i));
        const __m256i b = _mm256_loadu_si256((const __m256i *)(residuals + 8 * i + 4));
        const __m256i down = _mm256_cmpgt_epi64(zero, a), below = _mm256_cmpgt_epi64(zero, b);
        const __m256i first = _mm256_sub_epi64(_mm256_xor_si256(a, down), down);
        const __m256i last = _mm256_sub_epi64(_mm256_xor_si256(b, below), below);
        low[i] = PLANES_HALVES(first, last, 0x88);
        high[i] = PLANES_HALVES(first, last, 0xdd);
        *signs |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(PLANES_HALVES(a, b, 0xdd))) << (8 * i);
    }
    const unsigned above = LEVEL(planes_split_32)(high, planes + 32);
    const unsigned count = LEVEL(planes_split_32)(low, planes);
    if (!above) return count;
    memset(planes + count, 0, (32 - count) * sizeof *planes);
    return 32 + above;
}
#undef PLANES_HALVES

/* 8 planes to bits 8 * slice to 8 * slice + 7 of 64 magnitudes. */
static inline void LEVEL(planes_join)(const uint64_t *planes, unsigned slice, __m256i *magnitudes)
{
    __m256i rows[2] = {_mm256_loadu_si256((const __m256i *)planes), _mm256_loadu_si256((const __m256i *)(planes + 4))};
    LEVEL(planes_turn_bytes)(&rows[0], &rows[1]);
    for (unsigned i = 0; i < 2; i++) {
        const __m256i bytes = LEVEL(planes_turn_bits)(rows[i]);
        const __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
        const __m256i eights[4] = {_mm256_cvtepu8_epi32(low), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(low, low)),
                                   _mm256_cvtepu8_epi32(high), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(high, high))};
        for (unsigned j = 0; j < 4; j++)
            magnitudes[4 * i + j] = slice ? _mm256_or_si256(magnitudes[4 * i + j], _mm256_slli_epi32(eights[j], (int)(8 * slice))) : eights[j];
    }
}

static inline void LEVEL(planes_join_32)(const uint64_t *planes, unsigned count, __m256i *magnitudes)
{
    LEVEL(planes_join)(planes, 0, magnitudes);
    if (count > 8) LEVEL(planes_join)(planes + 8, 1, magnitudes);
    if (count > 16) LEVEL(planes_join)(planes + 16, 2, magnitudes);
    if (count > 24) LEVEL(planes_join)(planes + 24, 3, magnitudes);
}

static inline void LEVEL(planes_to_4)(const uint64_t *planes, unsigned count, uint64_t signs, int32_t *residuals)
{
    __m256i magnitudes[8];
    LEVEL(planes_join_32)(planes, count, magnitudes);
    const __m256i lanes = _mm256_set_epi32(24, 25, 26, 27, 28, 29, 30, 31), one = _mm256_set1_epi32(1);
    for (unsigned i = 0; i < 8; i++) {
        const __m256i bits = _mm256_set1_epi32((int)(signs >> (i & 4 ? 32 : 0)));
        const __m256i sign = _mm256_sllv_epi32(bits, _mm256_sub_epi32(lanes, _mm256_set1_epi32((int)(8 * (i & 3)))));
        const __m256i value = _mm256_sign_epi32(magnitudes[i], _mm256_or_si256(sign, one));
        _mm256_storeu_si256((__m256i *)(residuals + 8 * i), value);
    }
}

static inline void LEVEL(planes_to_8)(const uint64_t *planes, unsigned count, uint64_t signs, int64_t *residuals)
{
    _Alignas(32) uint32_t parts[2][64] = {{0}};
    LEVEL(planes_join_32)(planes, count < 32 ? count : 32, (__m256i *)parts[0]);
    if (count > 32) LEVEL(planes_join_32)(planes + 32, count - 32, (__m256i *)parts[1]);
    const __m256i all = _mm256_set1_epi64x((long long)signs), zero = _mm256_setzero_si256();
    for (unsigned i = 0; i < 16; i++) {
        const __m256i low = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(parts[0] + 4 * i)));
        const __m256i high = _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(parts[1] + 4 * i)));
        const __m256i magnitude = _mm256_or_si256(low, _mm256_slli_epi64(high, 32));
        const __m256i lanes = _mm256_sub_epi64(_mm256_set_epi64x(60, 61, 62, 63), _mm256_set1_epi64x((long long)(4 * i)));
        const __m256i down = _mm256_cmpgt_epi64(zero, _mm256_sllv_epi64(all, lanes));
        _mm256_storeu_si256((__m256i *)(residuals + 4 * i), _mm256_sub_epi64(_mm256_xor_si256(magnitude, down), down));
    }
}

/* `k` planes, then zeros; returns what is in any of them. */
static inline uint64_t LEVEL(planes_words)(const uint8_t *words, unsigned k, uint64_t *planes)
{
    const __m256i zero = _mm256_setzero_si256(), lanes = _mm256_set_epi64x(3, 2, 1, 0);
    __m256i any = zero;
    for (unsigned b = 0; b < (k & ~7u) + 16; b += 4) {
        const __m256i mask = _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)k - (long long)b), lanes);
        const __m256i now = b < k ? _mm256_maskload_epi64((const long long *)(words + 8 * b), mask) : zero;
        any = _mm256_or_si256(any, now);
        _mm256_storeu_si256((__m256i *)(planes + b), now);
    }
    const __m128i both = _mm_or_si128(_mm256_castsi256_si128(any), _mm256_extracti128_si256(any, 1));
    return (uint64_t)(_mm_extract_epi64(both, 0) | _mm_extract_epi64(both, 1));
}
