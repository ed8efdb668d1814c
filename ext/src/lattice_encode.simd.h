/* Rounding at random, and sums in the ring: see cdt_lattice.h. Values are double precision from the product with the factor on. */

/* Rounds |y| up if the fraction's first 16 bits and the word carry; where they just do not, what comes after decides. */
static inline cdt_lattice_stop LEVEL(encode_one)(double y, double limit, uint16_t word, cdt_spare *spare, uint64_t *number)
{
    const double size = __builtin_fabs(y);
    if (!(size <= limit)) return CDT_LATTICE_REFUSED;
    const uint64_t whole = (uint64_t)(int64_t)size;
    const double scaled = (size - (double)(int64_t)whole) * 65536; /* exact */
    const uint64_t first = (uint64_t)(int64_t)scaled, sum = first + word;
    double rest = scaled - (double)(int64_t)first;
    uint64_t up = sum >> 16;
    if (sum == 65535 && rest > 0) {
        if (spare->count - spare->used < CDT_LATTICE_SPARE) return CDT_LATTICE_DRY;
        for (;;) {
            const uint64_t drawn = spare->words[spare->used++];
            rest *= 18446744073709551616.0;
            const uint64_t next = (uint64_t)rest;
            rest -= (double)next;
            if (drawn != next || rest == 0) {
                up = drawn < next;
                break;
            }
        }
    }
    *number = y < 0 ? 0 - (whole + up) : whole + up;
    return CDT_LATTICE_DONE;
}

/* ENCODE_SOME encodes as many values as two vectors of doubles hold; 0 where one of them needs more than its word. */
#if CDT_SIMD == 512
#define ENCODE_LANES 8
#define ENCODE_LOAD_F4(p) _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define ENCODE_LOAD_F8(p) _mm512_loadu_pd(p)

/* |y| in 65536ths with the words added to it; where that is not the whole decision, and where |y| is too large, a bit is set. */
INLINE __m512i LEVEL(encode_sum)(__m512d y, const uint16_t *words, __mmask8 *open)
{
    const __m512d size = _mm512_abs_pd(y);
    const __mmask8 out = _mm512_cmp_pd_mask(size, _mm512_set1_pd(2147483647.0), _CMP_NLE_UQ);
    const __m512i word = _mm512_cvtepu16_epi64(_mm_loadu_si128((const __m128i *)words)), low = _mm512_set1_epi64(65535);
    const __m512i sum = _mm512_add_epi64(_mm512_cvttpd_epi64(_mm512_mul_pd(size, _mm512_set1_pd(65536))), word);
    *open = _mm512_cmpeq_epi64_mask(_mm512_and_si512(sum, low), low) | out;
    return _mm512_srli_epi64(sum, 16);
}

INLINE int LEVEL(encode_some_32)(__m512d y0, __m512d y1, const uint16_t *words, uint32_t *ring)
{
    __mmask8 open0, open1;
    const __m512i a = LEVEL(encode_sum)(y0, words, &open0), b = LEVEL(encode_sum)(y1, words + 8, &open1);
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i number = _mm512_permutex2var_epi32(a, even, b);
    const __mmask16 negative =
        _mm512_kunpackb(_mm512_movepi64_mask(_mm512_castpd_si512(y1)), _mm512_movepi64_mask(_mm512_castpd_si512(y0)));
    _mm512_storeu_si512(ring, _mm512_mask_sub_epi32(number, negative, _mm512_setzero_si512(), number));
    return !(open0 | open1);
}

INLINE int LEVEL(encode_eight)(__m512d y, const uint16_t *words, uint64_t *ring)
{
    const __m512d size = _mm512_abs_pd(y);
    const __mmask8 in = _mm512_cmp_pd_mask(size, _mm512_set1_pd(9223372036854774784.0), _CMP_LE_OQ);
    const __m512i whole = _mm512_cvttpd_epi64(size);
    const __m512d fraction = _mm512_sub_pd(size, _mm512_cvtepi64_pd(whole));
    __m512i sum = _mm512_cvttpd_epi64(_mm512_mul_pd(fraction, _mm512_set1_pd(65536)));
    sum = _mm512_add_epi64(sum, _mm512_cvtepu16_epi64(_mm_loadu_si128((const __m128i *)words)));
    const __mmask8 tie = _mm512_cmpeq_epi64_mask(sum, _mm512_set1_epi64(65535));
    __m512i number = _mm512_add_epi64(whole, _mm512_srli_epi64(sum, 16));
    number = _mm512_mask_sub_epi64(number, _mm512_movepi64_mask(_mm512_castpd_si512(y)), _mm512_setzero_si512(), number);
    _mm512_storeu_si512(ring, number);
    return in == 255 && !tie;
}

INLINE int LEVEL(encode_some_64)(__m512d y0, __m512d y1, const uint16_t *words, uint64_t *ring)
{
    return LEVEL(encode_eight)(y0, words, ring) & LEVEL(encode_eight)(y1, words + 8, ring + 8);
}

#elif CDT_SIMD == 2
#define ENCODE_LANES 4
#define ENCODE_LOAD_F4(p) _mm256_cvtps_pd(_mm_loadu_ps(p))
#define ENCODE_LOAD_F8(p) _mm256_loadu_pd(p)

/* Whole numbers from 0 to 2^52 - 1 as integers. */
INLINE __m256i LEVEL(encode_integer)(__m256d whole)
{
    const __m256d shift = _mm256_set1_pd(4503599627370496.0);
    return _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(whole, shift)), _mm256_castpd_si256(shift));
}

/* Four numbers of a ring, negated where y is; 0 where one of them needs more than its word, or has too many bits. */
INLINE int LEVEL(encode_four)(__m256d y, const uint16_t *words, double limit, __m256i *number)
{
    const __m256d size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), y), whole = _mm256_floor_pd(size);
    const int in = _mm256_movemask_pd(_mm256_cmp_pd(size, _mm256_set1_pd(limit), _CMP_LE_OQ));
    const __m256d scaled = _mm256_mul_pd(_mm256_sub_pd(size, whole), _mm256_set1_pd(65536));
    const __m256i word = _mm256_cvtepu16_epi64(_mm_loadl_epi64((const __m128i *)words));
    const __m256i sum = _mm256_add_epi64(LEVEL(encode_integer)(_mm256_floor_pd(scaled)), word);
    const __m256i tie = _mm256_cmpeq_epi64(sum, _mm256_set1_epi64x(65535));
    const __m256i sign = _mm256_cmpgt_epi64(_mm256_setzero_si256(), _mm256_castpd_si256(y));
    const __m256i positive = _mm256_add_epi64(LEVEL(encode_integer)(whole), _mm256_srli_epi64(sum, 16));
    *number = _mm256_sub_epi64(_mm256_xor_si256(positive, sign), sign);
    return in == 15 && _mm256_testz_si256(tie, tie);
}

INLINE int LEVEL(encode_some_32)(__m256d y0, __m256d y1, const uint16_t *words, uint32_t *ring)
{
    __m256i a, b;
    const int plain = LEVEL(encode_four)(y0, words, 2147483647.0, &a) & LEVEL(encode_four)(y1, words + 4, 2147483647.0, &b);
    const __m256 even = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88); /* halves of a, b, a, b */
    _mm256_storeu_si256((__m256i *)ring, _mm256_permute4x64_epi64(_mm256_castps_si256(even), 0xd8));
    return plain;
}

INLINE int LEVEL(encode_some_64)(__m256d y0, __m256d y1, const uint16_t *words, uint64_t *ring)
{
    __m256i a, b;
    const int plain = LEVEL(encode_four)(y0, words, 2251799813685247.0, &a) & LEVEL(encode_four)(y1, words + 4, 2251799813685247.0, &b);
    _mm256_storeu_si256((__m256i *)ring, a);
    _mm256_storeu_si256((__m256i *)(ring + 4), b);
    return plain;
}
#endif

#define ENCODE(name) LEVEL_JOIN(LEVEL_JOIN(name##_f4, 32), CDT_LEVEL)
#define ENCODE_VALUE float
#define ENCODE_LOAD ENCODE_LOAD_F4
#define ENCODE_NUMBER uint32_t
#define ENCODE_SOME LEVEL(encode_some_32)
#define ENCODE_LIMIT 2147483647.0
#include "lattice_encode.template.h"
#define ENCODE(name) LEVEL_JOIN(LEVEL_JOIN(name##_f4, 64), CDT_LEVEL)
#define ENCODE_VALUE float
#define ENCODE_LOAD ENCODE_LOAD_F4
#define ENCODE_NUMBER uint64_t
#define ENCODE_SOME LEVEL(encode_some_64)
#define ENCODE_LIMIT 9223372036854774784.0
#include "lattice_encode.template.h"
#define ENCODE(name) LEVEL_JOIN(LEVEL_JOIN(name##_f8, 32), CDT_LEVEL)
#define ENCODE_VALUE double
#define ENCODE_LOAD ENCODE_LOAD_F8
#define ENCODE_NUMBER uint32_t
#define ENCODE_SOME LEVEL(encode_some_32)
#define ENCODE_LIMIT 2147483647.0
#include "lattice_encode.template.h"
#define ENCODE(name) LEVEL_JOIN(LEVEL_JOIN(name##_f8, 64), CDT_LEVEL)
#define ENCODE_VALUE double
#define ENCODE_LOAD ENCODE_LOAD_F8
#define ENCODE_NUMBER uint64_t
#define ENCODE_SOME LEVEL(encode_some_64)
#define ENCODE_LIMIT 9223372036854774784.0
#include "lattice_encode.template.h"

/* Sixteen sums at every level, in vectors of the level's length: the order of additions is the same. */
#define SQUARES_VECTORS (16 / LANES_F8)
#define SQUARES(NAME, TYPE, LOAD)                                                                       \
    static double LEVEL(NAME)(const void *values, size_t n)                                             \
    {                                                                                                   \
        const TYPE *x = values;                                                                         \
        vf8 sums[SQUARES_VECTORS];                                                                      \
        double parts[16], total = 0;                                                                    \
        size_t i = 0;                                                                                   \
        UNROLL                                                                                          \
        for (int k = 0; k < SQUARES_VECTORS; k++) sums[k] = (vf8){0};                                   \
        for (; i + 16 <= n; i += 16) {                                                                  \
            UNROLL                                                                                      \
            for (int k = 0; k < SQUARES_VECTORS; k++) {                                                 \
                const vf8 some = LOAD(x + i + k * LANES_F8);                                            \
                sums[k] += some * some;                                                                 \
            }                                                                                           \
        }                                                                                               \
        UNROLL                                                                                          \
        for (int k = 0; k < SQUARES_VECTORS; k++) STORE_F8(parts + k * LANES_F8, sums[k]);              \
        for (; i < n; i++) parts[i % 16] += (double)x[i] * (double)x[i];                                \
        for (int k = 0; k < 16; k++) total += parts[k];                                                 \
        return total;                                                                                   \
    }
SQUARES(squares_f4, float, LOAD_F4_WIDE)
SQUARES(squares_f8, double, LOAD_F8)

#define ADD(NAME, TYPE)                                                                                 \
    static void LEVEL(NAME)(void *ring, const void *mask, size_t n, int negative)                       \
    {                                                                                                   \
        TYPE *restrict to = ring;                                                                       \
        const TYPE *restrict from = mask;                                                               \
        if (negative)                                                                                   \
            for (size_t i = 0; i < n; i++) to[i] -= from[i];                                            \
        else                                                                                            \
            for (size_t i = 0; i < n; i++) to[i] += from[i];                                            \
    }
ADD(add_32, uint32_t)
ADD(add_64, uint64_t)
