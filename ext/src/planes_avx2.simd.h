/* Between 64 residuals and their bit planes with AVX2.
 *
 * Numbers that were packed to bytes lie `as packed`: of the 32 in a vector, four eights j, the low half has numbers 0 to 3 of each j in
 * turn, the high half numbers 4 to 7. Planes and columns (number c of each eight) are words of 64 bits, and bits are transposed in three
 * rounds, each between rows that lie in two vectors at the same place.
 */

/* One round: of each pair of rows, bits that are `apart` (and chosen by mask) of the first change places with those of the second. */
#define PLANES_ROUND(first, second, apart, mask)                                                                               \
    do {                                                                                                                       \
        const __m256i t = _mm256_and_si256(_mm256_xor_si256(_mm256_srli_epi64(first, apart), second), _mm256_set1_epi8(mask)); \
        second = _mm256_xor_si256(second, t);                                                                                  \
        first = _mm256_xor_si256(first, _mm256_slli_epi64(t, apart));                                                          \
    } while (0)

/* Pairs of halves, low with low and high with high. */
#define PLANES_LANES(a, b, which) _mm256_permute2x128_si256(a, b, which)

/* In each half 4 x 4 bytes are transposed. */
static inline __m256i LEVEL(planes_turn_fours)(__m256i x)
{
    return _mm256_shuffle_epi8(x, _mm256_set_epi8(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0, 15, 11, 7, 3, 14, 10, 6, 2, 13, 9,
                                                  5, 1, 12, 8, 4, 0));
}

/* 64 bytes as packed to planes 0 to 3 and 4 to 7. */
static inline void LEVEL(planes_from_bytes)(__m256i *first, __m256i *last)
{
    const __m256i a = LEVEL(planes_turn_fours)(*first), b = LEVEL(planes_turn_fours)(*last);
    __m256i x = _mm256_unpacklo_epi32(a, b), y = _mm256_unpackhi_epi32(a, b); /* columns 0 1 4 5, 2 3 6 7 */
    PLANES_ROUND(x, y, 2, 0x33);
    __m256i low = PLANES_LANES(x, y, 0x20), high = PLANES_LANES(x, y, 0x31); /* 0 1 2 3, 4 5 6 7 */
    PLANES_ROUND(low, high, 4, 0x0f);
    __m256i even = _mm256_unpacklo_epi64(low, high), odd = _mm256_unpackhi_epi64(low, high); /* 0 4 2 6, 1 5 3 7 */
    PLANES_ROUND(even, odd, 1, 0x55);
    *first = _mm256_unpacklo_epi64(even, odd);
    *last = _mm256_unpackhi_epi64(even, odd);
}

/* The inverse, but bytes are in order. */
static inline void LEVEL(planes_to_bytes)(__m256i *first, __m256i *last)
{
    const __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
    __m256i even = _mm256_unpacklo_epi64(*first, *last), odd = _mm256_unpackhi_epi64(*first, *last);
    PLANES_ROUND(even, odd, 1, 0x55);
    __m256i low = _mm256_unpacklo_epi64(even, odd), high = _mm256_unpackhi_epi64(even, odd);
    PLANES_ROUND(low, high, 4, 0x0f);
    __m256i x = PLANES_LANES(low, high, 0x20), y = PLANES_LANES(low, high, 0x31);
    PLANES_ROUND(x, y, 2, 0x33);
    const __m256 a = _mm256_castsi256_ps(x), b = _mm256_castsi256_ps(y);
    const __m256i ahead = LEVEL(planes_turn_fours)(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)));
    const __m256i after = LEVEL(planes_turn_fours)(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd)));
    *first = _mm256_permutevar8x32_epi32(ahead, order);
    *last = _mm256_permutevar8x32_epi32(after, order);
}
#undef PLANES_ROUND
#undef PLANES_LANES

/* 64 bytes as packed to 8 planes in memory. */
static inline void LEVEL(planes_put)(__m256i first, __m256i last, uint64_t *planes)
{
    LEVEL(planes_from_bytes)(&first, &last);
    _mm256_storeu_si256((__m256i *)planes, first);
    _mm256_storeu_si256((__m256i *)(planes + 4), last);
}

/* Which of 64 bytes as packed have their highest bit set. */
static inline uint64_t LEVEL(planes_signs)(__m256i first, __m256i last)
{
    const __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
    const uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_permutevar8x32_epi32(first, order));
    const uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_permutevar8x32_epi32(last, order));
    return (uint64_t)high << 32 | low;
}

/* The low and the high bytes of 64 words below 2^16, each four as packed in a vector of `words`, to 16 planes. */
static inline void LEVEL(planes_split_words)(const __m256i *words, uint64_t *planes)
{
    const __m256i low = _mm256_set1_epi16(0xff);
    __m256i bytes[4];
    for (unsigned i = 0; i < 2; i++) {
        const __m256i a = words[2 * i], b = words[2 * i + 1];
        bytes[i] = _mm256_packus_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low));
        bytes[2 + i] = _mm256_packus_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8));
    }
    LEVEL(planes_put)(bytes[0], bytes[1], planes);
    LEVEL(planes_put)(bytes[2], bytes[3], planes + 8);
}

/* 16 planes of the low 16 bits of 64 magnitudes. */
static inline void LEVEL(planes_split)(const __m256i *magnitudes, uint64_t *planes)
{
    const __m256i low = _mm256_set1_epi32(0xffff);
    __m256i words[4];
    for (unsigned i = 0; i < 4; i++)
        words[i] = _mm256_packus_epi32(_mm256_and_si256(magnitudes[2 * i], low), _mm256_and_si256(magnitudes[2 * i + 1], low));
    LEVEL(planes_split_words)(words, planes);
}

/* All 32 planes of 64 magnitudes. */
static inline void LEVEL(planes_split_32)(const __m256i *magnitudes, uint64_t *planes)
{
    __m256i upper[8];
    LEVEL(planes_split)(magnitudes, planes);
    for (unsigned i = 0; i < 8; i++) upper[i] = _mm256_srli_epi32(magnitudes[i], 16);
    LEVEL(planes_split)(upper, planes + 16);
}

/* All planes of 64 residuals of 32 bits, as many as are needed: 0, 8, 16 or 32. Packing saturates: what is less than the most of a byte
 * or a word was not changed by it, and no sign is. */
static inline unsigned LEVEL(planes_of_32)(const __m256i *residuals, uint64_t *planes, uint64_t *signs)
{
    __m256i words[4];
    for (unsigned i = 0; i < 4; i++) words[i] = _mm256_packs_epi32(residuals[2 * i], residuals[2 * i + 1]);
    const __m256i first = _mm256_packs_epi16(words[0], words[1]), last = _mm256_packs_epi16(words[2], words[3]);
    const __m256i ahead = _mm256_abs_epi8(first), after = _mm256_abs_epi8(last), one = _mm256_set1_epi8(1);
    *signs = LEVEL(planes_signs)(first, last);
    if (!_mm256_movemask_epi8(_mm256_or_si256(_mm256_add_epi8(ahead, one), _mm256_add_epi8(after, one)))) {
        const __m256i any = _mm256_or_si256(ahead, after);
        if (_mm256_testz_si256(any, any)) return 0;
        LEVEL(planes_put)(ahead, after, planes);
        return 8;
    }
    __m256i large = _mm256_setzero_si256();
    for (unsigned i = 0; i < 4; i++) {
        words[i] = _mm256_abs_epi16(words[i]);
        large = _mm256_or_si256(large, _mm256_add_epi16(words[i], _mm256_set1_epi16(1)));
    }
    if (_mm256_testz_si256(large, _mm256_set1_epi16((short)0x8000))) {
        LEVEL(planes_split_words)(words, planes);
        return 16;
    }
    __m256i magnitudes[8];
    for (unsigned i = 0; i < 8; i++) magnitudes[i] = _mm256_abs_epi32(residuals[i]);
    LEVEL(planes_split_32)(magnitudes, planes);
    return 32;
}

static inline unsigned LEVEL(planes_of_4)(const int32_t *residuals, uint64_t *planes, uint64_t *signs)
{
    __m256i r[8];
    for (unsigned i = 0; i < 8; i++) r[i] = _mm256_loadu_si256((const __m256i *)(residuals + 8 * i));
    return LEVEL(planes_of_32)(r, planes, signs);
}

/* Low (0x88) or high (0xdd) halves of 8 numbers of 64 bits. */
#define PLANES_HALVES(a, b, which)                                                                                             \
    _mm256_permute4x64_epi64(                                                                                                  \
        _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), which)), 0xd8)

static inline unsigned LEVEL(planes_of_8)(const int64_t *residuals, uint64_t *planes, uint64_t *signs)
{
    __m256i low[8], high[8], wide = _mm256_setzero_si256();
    const __m256i zero = _mm256_setzero_si256();
    for (unsigned i = 0; i < 8; i++) {
        const __m256i a = _mm256_loadu_si256((const __m256i *)(residuals + 8 * i));
        const __m256i b = _mm256_loadu_si256((const __m256i *)(residuals + 8 * i + 4));
        low[i] = PLANES_HALVES(a, b, 0x88);
        high[i] = PLANES_HALVES(a, b, 0xdd);
        wide = _mm256_or_si256(wide, _mm256_xor_si256(high[i], _mm256_srai_epi32(low[i], 31)));
    }
    if (_mm256_testz_si256(wide, wide)) return LEVEL(planes_of_32)(low, planes, signs);
    uint64_t down = 0;
    for (unsigned i = 0; i < 8; i++) {
        /* -(high, low) is (~high + (low == 0), -low). */
        const __m256i sign = _mm256_srai_epi32(high[i], 31), carry = _mm256_and_si256(_mm256_cmpeq_epi32(low[i], zero), sign);
        down |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(sign)) << (8 * i);
        low[i] = _mm256_sub_epi32(_mm256_xor_si256(low[i], sign), sign);
        high[i] = _mm256_sub_epi32(_mm256_xor_si256(high[i], sign), carry);
    }
    *signs = down;
    LEVEL(planes_split_32)(low, planes);
    LEVEL(planes_split_32)(high, planes + 32);
    return 64;
}
#undef PLANES_HALVES

/* 8 planes to bytes. */
static inline void LEVEL(planes_join)(const uint64_t *planes, __m256i *bytes)
{
    bytes[0] = _mm256_loadu_si256((const __m256i *)planes);
    bytes[1] = _mm256_loadu_si256((const __m256i *)(planes + 4));
    LEVEL(planes_to_bytes)(&bytes[0], &bytes[1]);
}

/* The same, with `signs` as the last plane. */
static inline void LEVEL(planes_join_signs)(const uint64_t *planes, uint64_t signs, __m256i *bytes)
{
    bytes[0] = _mm256_loadu_si256((const __m256i *)planes);
    bytes[1] = _mm256_blend_epi32(_mm256_loadu_si256((const __m256i *)(planes + 4)), _mm256_set1_epi64x((long long)signs), 0xc0);
    LEVEL(planes_to_bytes)(&bytes[0], &bytes[1]);
}

/* 64 residuals below 2^7 as bytes. */
static inline void LEVEL(planes_to_7)(const uint64_t *planes, uint64_t signs, int8_t *residuals)
{
    __m256i bytes[2];
    LEVEL(planes_join_signs)(planes, signs, bytes);
    for (unsigned i = 0; i < 2; i++) {
        const __m256i magnitude = _mm256_and_si256(bytes[i], _mm256_set1_epi8(127));
        const __m256i sign = _mm256_or_si256(bytes[i], _mm256_set1_epi8(1));
        _mm256_storeu_si256((__m256i *)(residuals + 32 * i), _mm256_sign_epi8(magnitude, sign));
    }
}

/* 64 residuals below 2^15 as words: numbers 0 to 7, 16 to 23, 8 to 15 and 24 to 31, and those after them so, too. */
static inline void LEVEL(planes_to_15)(const uint64_t *planes, uint64_t signs, int16_t *residuals)
{
    __m256i low[2], high[2];
    LEVEL(planes_join)(planes, low);
    LEVEL(planes_join_signs)(planes + 8, signs, high);
    for (unsigned i = 0; i < 4; i++) {
        const __m256i word = i & 1 ? _mm256_unpackhi_epi8(low[i / 2], high[i / 2]) : _mm256_unpacklo_epi8(low[i / 2], high[i / 2]);
        const __m256i magnitude = _mm256_and_si256(word, _mm256_set1_epi16(0x7fff)), sign = _mm256_or_si256(word, _mm256_set1_epi16(1));
        _mm256_storeu_si256((__m256i *)(residuals + 16 * i), _mm256_sign_epi16(magnitude, sign));
    }
}

/* The bytes of `slices` times 8 planes, zeros for other slices, with `signs` as the last plane of all `most` slices. */
static inline void LEVEL(planes_join_slices)(const uint64_t *planes, unsigned slices, unsigned most, uint64_t signs, __m256i (*bytes)[2])
{
    static const uint64_t none[8];
    for (unsigned slice = 0; slice + 1 < most; slice++) {
        if (slice < slices) LEVEL(planes_join)(planes + 8 * slice, bytes[slice]);
        else bytes[slice][0] = bytes[slice][1] = _mm256_setzero_si256();
    }
    LEVEL(planes_join_signs)(slices == most ? planes + 8 * (most - 1) : none, signs, bytes[most - 1]);
}

/* The lower half to one place, the upper half to another. */
static inline void LEVEL(planes_store_halves)(void *low, void *high, __m256i v)
{
    _mm_storeu_si128((__m128i *)low, _mm256_castsi256_si128(v));
    _mm_storeu_si128((__m128i *)high, _mm256_extracti128_si256(v, 1));
}

/* Any number of planes. The least number has no magnitude but for the last plane, where its sign is, too. */
static void LEVEL(planes_to_31)(const uint64_t *planes, unsigned count, uint64_t signs, int32_t *residuals)
{
    __m256i bytes[4][2];
    LEVEL(planes_join_slices)(planes, (count + 7) / 8, 4, signs, bytes);
    for (unsigned i = 0; i < 8; i++) {
        const unsigned from = i / 4;
        const __m256i low = i & 2 ? _mm256_unpackhi_epi8(bytes[0][from], bytes[1][from]) : _mm256_unpacklo_epi8(bytes[0][from], bytes[1][from]);
        const __m256i high = i & 2 ? _mm256_unpackhi_epi8(bytes[2][from], bytes[3][from]) : _mm256_unpacklo_epi8(bytes[2][from], bytes[3][from]);
        const __m256i x = i & 1 ? _mm256_unpackhi_epi16(low, high) : _mm256_unpacklo_epi16(low, high);
        const __m256i magnitude = _mm256_and_si256(x, _mm256_set1_epi32(INT32_MAX));
        int32_t *const to = residuals + 32 * from + 4 * (i & 3);
        LEVEL(planes_store_halves)(to, to + 16, _mm256_sign_epi32(magnitude, _mm256_or_si256(x, _mm256_set1_epi32(1))));
    }
    if (count == 32)
        for (uint64_t least = planes[31]; least; least &= least - 1) residuals[PLANES_LOWEST(least)] = INT32_MIN;
}

static void LEVEL(planes_to_63)(const uint64_t *planes, unsigned count, uint64_t signs, int64_t *residuals)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i bytes[8][2], words[4] = {zero, zero, zero, zero}, longs[2] = {zero, zero};
    LEVEL(planes_join_slices)(planes, (count + 7) / 8, 8, signs, bytes);
    for (unsigned i = 0; i < 16; i++) {
        const unsigned from = i / 8;
        if (!(i & 3))
            for (unsigned j = 0; j < 4; j++) {
                const __m256i even = bytes[2 * j][from], odd = bytes[2 * j + 1][from];
                words[j] = i & 4 ? _mm256_unpackhi_epi8(even, odd) : _mm256_unpacklo_epi8(even, odd);
            }
        if (!(i & 1))
            for (unsigned j = 0; j < 2; j++)
                longs[j] = i & 2 ? _mm256_unpackhi_epi16(words[2 * j], words[2 * j + 1]) : _mm256_unpacklo_epi16(words[2 * j], words[2 * j + 1]);
        const __m256i x = i & 1 ? _mm256_unpackhi_epi32(longs[0], longs[1]) : _mm256_unpacklo_epi32(longs[0], longs[1]);
        const __m256i magnitude = _mm256_and_si256(x, _mm256_set1_epi64x(INT64_MAX)), down = _mm256_cmpgt_epi64(zero, x);
        int64_t *const to = residuals + 32 * from + 2 * (i & 7);
        LEVEL(planes_store_halves)(to, to + 16, _mm256_sub_epi64(_mm256_xor_si256(magnitude, down), down));
    }
    if (count == 64)
        for (uint64_t least = planes[63]; least; least &= least - 1) residuals[PLANES_LOWEST(least)] = INT64_MIN;
}

/* How far numbers 8 i are into what planes_to_15 leaves. */
#define PLANES_WORD(i) (((i) & 4) * 8 + ((i) & 1) * 16 + ((i) & 2) * 4)

static inline void LEVEL(planes_to_4)(const uint64_t *planes, unsigned count, uint64_t signs, int32_t *residuals)
{
    if (count <= 8 && !planes[7]) {
        int8_t bytes[64];
        LEVEL(planes_to_7)(planes, signs, bytes);
        for (unsigned i = 0; i < 64; i += 8)
            _mm256_storeu_si256((__m256i *)(residuals + i), _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(bytes + i))));
    } else if (count <= 16 && !planes[15]) {
        int16_t words[64];
        LEVEL(planes_to_15)(planes, signs, words);
        for (unsigned i = 0; i < 8; i++)
            _mm256_storeu_si256((__m256i *)(residuals + 8 * i), _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(words + PLANES_WORD(i)))));
    } else {
        LEVEL(planes_to_31)(planes, count, signs, residuals);
    }
}

static inline void LEVEL(planes_to_8)(const uint64_t *planes, unsigned count, uint64_t signs, int64_t *residuals)
{
    if (count <= 8 && !planes[7]) {
        int8_t bytes[64];
        LEVEL(planes_to_7)(planes, signs, bytes);
        for (unsigned i = 0; i < 64; i += 4) {
            int32_t four;
            memcpy(&four, bytes + i, 4);
            _mm256_storeu_si256((__m256i *)(residuals + i), _mm256_cvtepi8_epi64(_mm_cvtsi32_si128(four)));
        }
    } else if (count <= 16 && !planes[15]) {
        int16_t words[64];
        LEVEL(planes_to_15)(planes, signs, words);
        for (unsigned i = 0; i < 16; i++) {
            const int16_t *const from = words + PLANES_WORD(i / 2) + (i & 1) * 4;
            _mm256_storeu_si256((__m256i *)(residuals + 4 * i), _mm256_cvtepi16_epi64(_mm_loadl_epi64((const __m128i *)from)));
        }
    } else {
        LEVEL(planes_to_63)(planes, count, signs, residuals);
    }
}
#undef PLANES_WORD

/* The first 8 of `count` words, zeros for those that are missing, and 8 zeros; returns what is in any of them. */
static inline __m256i LEVEL(planes_eight_words)(const uint8_t *words, unsigned count, uint64_t *planes)
{
    static const long long there[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    const long long *const mask = there + 8 - (count < 8 ? count : 8);
    const __m256i first = _mm256_maskload_epi64((const long long *)words, _mm256_loadu_si256((const __m256i *)mask));
    const __m256i last = _mm256_maskload_epi64((const long long *)words + 4, _mm256_loadu_si256((const __m256i *)(mask + 4)));
    _mm256_storeu_si256((__m256i *)planes, first);
    _mm256_storeu_si256((__m256i *)(planes + 4), last);
    _mm256_storeu_si256((__m256i *)(planes + 8), _mm256_setzero_si256());
    _mm256_storeu_si256((__m256i *)(planes + 12), _mm256_setzero_si256());
    return _mm256_or_si256(first, last);
}

/* `k` planes, then zeros; returns what is in any of them. */
static inline uint64_t LEVEL(planes_words)(const uint8_t *words, unsigned k, uint64_t *planes)
{
    __m256i any = LEVEL(planes_eight_words)(words, k, planes);
    for (unsigned b = 8; b < k; b += 8) any = _mm256_or_si256(any, LEVEL(planes_eight_words)(words + 8 * b, k - b, planes + b));
    const __m128i both = _mm_or_si128(_mm256_castsi256_si128(any), _mm256_extracti128_si256(any, 1));
    return (uint64_t)(_mm_extract_epi64(both, 0) | _mm_extract_epi64(both, 1));
}
