/* Row kernels at one level: prediction from values (rows.template.h), and activities of tokens. */
#include <math.h>
#if CDT_SIMD == 2
/* Eight numbers of rows_apart. */
static inline int LEVEL(rows_far_f4)(const float *x, const float *y, float bound)
{
    const __m256 from = _mm256_loadu_ps(x), d = y ? _mm256_sub_ps(from, _mm256_loadu_ps(y)) : from;
    return _mm256_movemask_ps(_mm256_cmp_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), d), _mm256_set1_ps(bound), _CMP_NLT_UQ));
}

static inline int LEVEL(rows_far_4_f8)(const double *x, const double *y, double bound)
{
    const __m256d from = _mm256_loadu_pd(x), d = y ? _mm256_sub_pd(from, _mm256_loadu_pd(y)) : from;
    return _mm256_movemask_pd(_mm256_cmp_pd(_mm256_andnot_pd(_mm256_set1_pd(-0.0), d), _mm256_set1_pd(bound), _CMP_NLT_UQ));
}

static inline int LEVEL(rows_far_f8)(const double *x, const double *y, double bound)
{
    return LEVEL(rows_far_4_f8)(x, y, bound) | LEVEL(rows_far_4_f8)(x + 4, y ? y + 4 : NULL, bound) << 4;
}

/* Extremes of numbers none of which is infinite, by instructions that drop NaN. 0: one is, or all are NaN. */
#define ROWS_RANGE(V, T, TYPE, PART)                                                                                      \
    static int LEVEL(rows_range_##TYPE)(const T *x, size_t n, T *low, T *high)                                            \
    {                                                                                                                    \
        enum { LANES = 32 / sizeof(T), WIDE = 4 };                                                                       \
        V lows[WIDE], highs[WIDE];                                                                                       \
        T all[2][WIDE * LANES], least = (T)INFINITY, most = -(T)INFINITY;                                                \
        size_t i = 0;                                                                                                    \
        for (unsigned j = 0; j < WIDE; j++) {                                                                            \
            lows[j] = _mm256_set1_##PART((T)INFINITY);                                                                   \
            highs[j] = _mm256_set1_##PART(-(T)INFINITY);                                                                 \
        }                                                                                                                \
        for (; i + WIDE * LANES <= n; i += WIDE * LANES)                                                                 \
            for (unsigned j = 0; j < WIDE; j++) {                                                                        \
                const V v = _mm256_loadu_##PART(x + i + j * LANES);                                                      \
                lows[j] = _mm256_min_##PART(v, lows[j]);                                                                 \
                highs[j] = _mm256_max_##PART(v, highs[j]);                                                               \
            }                                                                                                            \
        for (unsigned j = 0; j < WIDE; j++) {                                                                            \
            _mm256_storeu_##PART(all[0] + j * LANES, lows[j]);                                                           \
            _mm256_storeu_##PART(all[1] + j * LANES, highs[j]);                                                          \
        }                                                                                                                \
        for (unsigned j = 0; j < WIDE * LANES; j++) {                                                                    \
            least = all[0][j] < least ? all[0][j] : least;                                                               \
            most = all[1][j] > most ? all[1][j] : most;                                                                  \
        }                                                                                                                \
        for (; i < n; i++) {                                                                                             \
            least = x[i] < least ? x[i] : least;                                                                         \
            most = x[i] > most ? x[i] : most;                                                                            \
        }                                                                                                                \
        if (!(least > -(T)INFINITY && least <= most && most < (T)INFINITY)) return 0;                                    \
        *low = least + 0;                                                                                                \
        *high = most + 0;                                                                                                \
        return 1;                                                                                                        \
    }
ROWS_RANGE(__m256, float, f4, ps)
ROWS_RANGE(__m256d, double, f8, pd)
#undef ROWS_RANGE
#endif

/* Of quantising: the nearest whole numbers (0 where |s| is too large, or no number), also as integers; and `most` or the largest
 * difference below the bound, with how many those are added to `fit`. */
#if CDT_SIMD == 512
#define ROWS_QUANTISE(V, TYPE, PART)                                                                                      \
    static inline V LEVEL(rows_fit_##TYPE)(V d, V bound, V most, size_t *fit)                                             \
    {                                                                                                                    \
        const V size = _mm512_abs_##PART(d);                                                                             \
        const unsigned below = _mm512_cmp_##PART##_mask(size, bound, _CMP_LT_OQ);                                        \
        *fit += (unsigned)_mm_popcnt_u32(below);                                                                         \
        return _mm512_mask_max_##PART(most, below, most, size);                                                          \
    }
static inline __m512 LEVEL(rows_whole_f4)(__m512 s, int32_t *k)
{
    const __mmask16 near = _mm512_cmp_ps_mask(_mm512_abs_ps(s), _mm512_set1_ps(0x1p22f), _CMP_LT_OQ);
    const __m512i whole = _mm512_maskz_cvtps_epi32(near, s);
    _mm512_storeu_si512(k, whole);
    return _mm512_cvtepi32_ps(whole);
}

static inline __m512d LEVEL(rows_whole_f8)(__m512d s, int32_t *k)
{
    const __mmask8 near = _mm512_cmp_pd_mask(_mm512_abs_pd(s), _mm512_set1_pd(0x1p30), _CMP_LT_OQ);
    const __m256i whole = _mm512_maskz_cvtpd_epi32(near, s);
    _mm256_storeu_si256((__m256i *)k, whole);
    return _mm512_cvtepi32_pd(whole);
}
ROWS_QUANTISE(__m512, f4, ps)
ROWS_QUANTISE(__m512d, f8, pd)
#undef ROWS_QUANTISE
#elif CDT_SIMD == 2
#define ROWS_QUANTISE(V, TYPE, PART)                                                                                      \
    static inline V LEVEL(rows_fit_##TYPE)(V d, V bound, V most, size_t *fit)                                             \
    {                                                                                                                    \
        const V size = _mm256_andnot_##PART(_mm256_set1_##PART(-0.0), d);                         \
        const V below = _mm256_cmp_##PART(size, bound, _CMP_LT_OQ);                                                      \
        *fit += (unsigned)_mm_popcnt_u32((unsigned)_mm256_movemask_##PART(below));                                       \
        return _mm256_max_##PART(most, _mm256_and_##PART(size, below));                                                  \
    }
static inline __m256 LEVEL(rows_whole_f4)(__m256 s, int32_t *k)
{
    const __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), s), near = _mm256_cmp_ps(size, _mm256_set1_ps(0x1p22f), _CMP_LT_OQ);
    const __m256i whole = _mm256_cvtps_epi32(_mm256_and_ps(s, near));
    _mm256_storeu_si256((__m256i *)k, whole);
    return _mm256_cvtepi32_ps(whole);
}

static inline __m256d LEVEL(rows_whole_f8)(__m256d s, int32_t *k)
{
    const __m256d size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), s), near = _mm256_cmp_pd(size, _mm256_set1_pd(0x1p30), _CMP_LT_OQ);
    const __m128i whole = _mm256_cvtpd_epi32(_mm256_and_pd(s, near));
    _mm_storeu_si128((__m128i *)k, whole);
    return _mm256_cvtepi32_pd(whole);
}
ROWS_QUANTISE(__m256, f4, ps)
ROWS_QUANTISE(__m256d, f8, pd)
#undef ROWS_QUANTISE
#include "quantise_avx2.h"
#endif

#define T float
#define BITS int32_t
#define UBITS uint32_t
#define INFINITE 0x7F800000
#define LIMIT 0x1p22
#define MAGIC 0x1.8p23
#if CDT_SIMD == 512
#define VECTOR __m512
#define FLOATS(name) _mm512_##name##_ps
#else
#define VECTOR __m256
#define FLOATS(name) _mm256_##name##_ps
#endif
#define NOT_BELOW(v, bound) _mm512_cmp_ps_mask(v, bound, _CMP_NLT_UQ)
#define NAME(name) LEVEL(name##_f4)
#include "rows.template.h"
#define T double
#define BITS int64_t
#define UBITS uint64_t
#define INFINITE 0x7FF0000000000000
#define LIMIT 0x1p30
#define MAGIC 0x1.8p52
#if CDT_SIMD == 512
#define VECTOR __m512d
#define FLOATS(name) _mm512_##name##_pd
#else
#define VECTOR __m256d
#define FLOATS(name) _mm256_##name##_pd
#endif
#define NOT_BELOW(v, bound) _mm512_cmp_pd_mask(v, bound, _CMP_NLT_UQ)
#define NAME(name) LEVEL(name##_f8)
#include "rows.template.h"

#if CDT_SIMD == 512
static inline __m512i LEVEL(words_at)(const uint8_t *at)
{
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)at));
}

static inline __m512i LEVEL(words_sum)(const uint8_t *a, const uint8_t *b)
{
    return _mm512_add_epi16(LEVEL(words_at)(a), LEVEL(words_at)(b));
}

/* The activities of the 32 tokens from `at` on below these: of one row the token itself, the one before and the one after it; of two
 * rows (lagged) that above, again, and that of the second. */
static inline __m256i LEVEL(activity_of)(const cdt_neighbours *from, size_t at, __m256i above, __m256i left, __m256i right)
{
    const __m512i wa = _mm512_set1_epi16(from->weights[0]), wb = _mm512_set1_epi16((short)(4 * from->weights[1]));
    const uint8_t *const *const near = from->around;
    const __m512i twice = _mm512_slli_epi16(_mm512_cvtepu8_epi16(above), 1);
    const __m512i sides = _mm512_add_epi16(_mm512_cvtepu8_epi16(left), _mm512_cvtepu8_epi16(right));
    __m512i sum = _mm512_mullo_epi16(_mm512_add_epi16(twice, sides), wa);
    sum = _mm512_add_epi16(sum, _mm512_mullo_epi16(LEVEL(words_at)(from->before + at), wb));
    if (from->axes) {
        const unsigned wc = from->weights[2];
        __m512i around = LEVEL(words_sum)(near[0] + at, near[1] + at);
        if (from->axes > 1) around = _mm512_add_epi16(around, LEVEL(words_sum)(near[2] + at, near[3] + at));
        if (from->axes > 2) /* (43 wc sum) >> 6: the sum of 6 tokens is below 2^10 */
            around = _mm512_mulhi_epu16(_mm512_slli_epi16(_mm512_add_epi16(around, LEVEL(words_sum)(near[4] + at, near[5] + at)), 5),
                                        _mm512_set1_epi16((short)(43 * wc << 5)));
        else around = _mm512_mullo_epi16(around, _mm512_set1_epi16((short)(from->axes > 1 ? wc : 2 * wc)));
        sum = _mm512_add_epi16(sum, around);
    }
    return _mm512_cvtusepi16_epi8(_mm512_srl_epi16(sum, _mm_cvtsi32_si128((int)from->shift)));
}

static inline __m256i LEVEL(activity_32)(const cdt_neighbours *from, size_t at)
{
    const uint8_t *const above = from->above + at;
    const __m256i middle = _mm256_loadu_si256((const void *)above);
    if (from->lagged) return LEVEL(activity_of)(from, at, middle, middle, _mm256_loadu_si256((const void *)(from->second + at)));
    return LEVEL(activity_of)(from, at, middle, _mm256_loadu_si256((const void *)(above - 1)), _mm256_loadu_si256((const void *)(above + 1)));
}

static void LEVEL(rows_activity)(const cdt_neighbours *from, size_t n, uint8_t *restrict activity)
{
    for (size_t at = 0; at < n; at += CDT_SPARE) _mm256_storeu_si256((void *)(activity + at), LEVEL(activity_32)(from, at));
}

static inline __m512i LEVEL(look_up_64)(const uint8_t table[256], __m512i bytes)
{
    const __m512i t0 = _mm512_loadu_si512(table), t1 = _mm512_loadu_si512(table + 64);
    const __m512i t2 = _mm512_loadu_si512(table + 128), t3 = _mm512_loadu_si512(table + 192);
    const __m512i low = _mm512_permutex2var_epi8(t0, bytes, t1), high = _mm512_permutex2var_epi8(t2, bytes, t3);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), low, high);
}

static void LEVEL(rows_contexts)(const cdt_neighbours *from, size_t n, const uint8_t table[256], uint8_t *restrict contexts)
{
    for (size_t at = 0; at < n; at += CDT_SPARE)
        _mm256_storeu_si256((void *)(contexts + at), _mm512_castsi512_si256(LEVEL(look_up_64)(
                                                         table, _mm512_castsi256_si512(LEVEL(activity_32)(from, at)))));
}
#elif CDT_SIMD == 2
#include "activity_avx2.h"
#else
static void LEVEL(rows_activity)(const cdt_neighbours *from, size_t n, uint8_t *restrict activity)
{
    const uint8_t *const above = from->above, *const left = above - 1, *const second = from->second, *const before = from->before;
    const uint8_t *const a0 = from->around[0], *const a1 = from->around[1], *const b0 = from->around[2];
    const uint8_t *const b1 = from->around[3], *const c0 = from->around[4], *const c1 = from->around[5];
    const unsigned wa = from->weights[0], wb = from->weights[1], wc = from->weights[2], shift = from->shift;
    uint16_t sum[CDT_SPARE];
    /* Whole groups, so that short rows have no rest: what is beyond the row is spare on all sides. */
    for (size_t at = 0; at < n; at += CDT_SPARE) {
        if (from->lagged)
            for (size_t i = 0; i < CDT_SPARE; i++) sum[i] = (uint16_t)(wa * (3u * above[at + i] + second[at + i]));
        else
            for (size_t i = 0; i < CDT_SPARE; i++)
                sum[i] = (uint16_t)(wa * (left[at + i] + 2u * above[at + i] + above[at + i + 1]));
        for (size_t i = 0; i < CDT_SPARE; i++) sum[i] = (uint16_t)(sum[i] + wb * 4u * before[at + i]);
        if (from->axes == 1)
            for (size_t i = 0; i < CDT_SPARE; i++) sum[i] = (uint16_t)(sum[i] + wc * 2u * ((unsigned)a0[at + i] + a1[at + i]));
        else if (from->axes == 2)
            for (size_t i = 0; i < CDT_SPARE; i++)
                sum[i] = (uint16_t)(sum[i] + wc * (((unsigned)a0[at + i] + a1[at + i]) + ((unsigned)b0[at + i] + b1[at + i])));
        else if (from->axes == 3)
            for (size_t i = 0; i < CDT_SPARE; i++)
                sum[i] = (uint16_t)(sum[i] + (wc * 43u * (((unsigned)a0[at + i] + a1[at + i]) + ((unsigned)b0[at + i] + b1[at + i]) +
                                                         ((unsigned)c0[at + i] + c1[at + i])) >> 6));
        for (size_t i = 0; i < CDT_SPARE; i++) {
            const unsigned s = (unsigned)sum[i] >> shift;
            activity[at + i] = (uint8_t)(s < 255 ? s : 255);
        }
    }
}

static void LEVEL(rows_contexts)(const cdt_neighbours *from, size_t n, const uint8_t table[256], uint8_t *restrict contexts)
{
    LEVEL(rows_activity)(from, n, contexts);
    for (size_t i = 0; i < n; i++) contexts[i] = table[contexts[i]];
}
#endif

static void LEVEL(rows_loudness)(const uint8_t *restrict bytes, size_t n, uint8_t *restrict loudness)
{
    for (size_t at = 0; at < n; at += 64, loudness++) {
        const size_t part = n - at < 64 ? n - at : 64;
        unsigned count = 0;
#if CDT_SIMD == 512
        const __mmask64 there = ~(__mmask64)0 >> (64 - part);
        const __m512i b = _mm512_maskz_loadu_epi8(there, bytes + at);
        count = (unsigned)_mm_popcnt_u64(_mm512_test_epi8_mask(b, b));
#else
        for (size_t i = 0; i < part; i++) count += bytes[at + i] != 0;
#endif
        *loudness = (uint8_t)((count > 0) + (count > 3) + (count > 15));
    }
}

static void LEVEL(rows_look_up)(const uint8_t table[256], uint8_t *bytes, size_t n)
{
    size_t i = 0;
#if CDT_SIMD == 512
    for (; i < n; i += 64) {
        const __mmask64 there = n - i < 64 ? ((__mmask64)1 << (n - i)) - 1 : ~(__mmask64)0;
        _mm512_mask_storeu_epi8(bytes + i, there, LEVEL(look_up_64)(table, _mm512_maskz_loadu_epi8(there, bytes + i)));
    }
#elif CDT_SIMD == 2
    i = LEVEL(look_up_blocks)(table, bytes, n);
#endif
    for (; i < n; i++) bytes[i] = table[bytes[i]];
}

static void LEVEL(rows_index_tokens)(const uint8_t table[256], const uint8_t *restrict contexts, const uint8_t *restrict tokens,
                               size_t symbols, size_t n, uint16_t *restrict indices)
{
    size_t i = 0;
#if CDT_SIMD == 512
    const __m512i width = _mm512_set1_epi16((short)symbols);
    for (; i + 64 <= n; i += 64) {
        const __m512i bins = LEVEL(look_up_64)(table, _mm512_loadu_si512(contexts + i)), token = _mm512_loadu_si512(tokens + i);
        const __m512i low = _mm512_mullo_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(bins)), width);
        const __m512i high = _mm512_mullo_epi16(_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(bins, 1)), width);
        _mm512_storeu_si512(indices + i, _mm512_add_epi16(low, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(token))));
        _mm512_storeu_si512(indices + i + 32, _mm512_add_epi16(high, _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(token, 1))));
    }
#elif CDT_SIMD == 2
    i = LEVEL(index_blocks)(table, contexts, tokens, symbols, n, indices);
#endif
    for (; i < n; i++) indices[i] = (uint16_t)(table[contexts[i]] * symbols + tokens[i]);
}

static void LEVEL(rows_merge_bytes)(const uint8_t *restrict even, const uint8_t *restrict odd, size_t n, uint8_t *restrict out)
{
    const size_t half = n / 2;
    for (size_t i = 0; i < half; i++) {
        out[2 * i] = even[i];
        out[2 * i + 1] = odd[i];
    }
    if (n & 1) out[n - 1] = even[half];
}
