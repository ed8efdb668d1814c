/* Kernels of dense problems: a block of 64 spins of one read at a time. The template is included for each type. */
#define HALVES (128 / VECTOR_BYTES) /* vectors of 16-bit integers of a block */
#define EACH_HALF UNROLL for (int p = 0; p < HALVES; p++)

typedef int16_t vi2 __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int8_t vi1_half __attribute__((vector_size(VECTOR_BYTES / 2), may_alias));

#define WAYS (VECTOR_BYTES == 64 ? 4 : 2) /* reads that are visited in turns: while one waits for its costs, the others go on */
#define TEAM 8                            /* reads that are at the same block: they find rows of couplings in the cache */

/* A function that has all registers for itself. */
#define APART static __attribute__((noinline))

/* No draw of draw_exponential is larger: u is at least 2^-25. */
#define LARGEST_DRAW 17.33f

/* The smaller and the larger of numbers; bit k: whether number k of half a block, 32, is at most the other's; the largest number of a
 * vector, and whether any is at least the other vector's. */
#if CDT_SIMD == 512
#define LEAST_SHORTS(a, b) ((vi2)_mm512_min_epi16((__m512i)(a), (__m512i)(b)))
#define LEAST_FLOATS(a, b) ((vf4)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define GREATEST_SHORTS(a, b) ((vi2)_mm512_max_epi16((__m512i)(a), (__m512i)(b)))
#define GREATEST_FLOATS(a, b) ((vf4)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define LOWER_HALF_LARGEST_SHORTS(a) _mm256_max_epi16(_mm512_castsi512_si256((__m512i)(a)), _mm512_extracti64x4_epi64((__m512i)(a), 1))
#define LOWER_HALF_LARGEST_FLOATS(a) _mm256_max_ps(_mm512_castps512_ps256((__m512)(a)), _mm512_extractf32x8_ps((__m512)(a), 1))

INLINE uint32_t LEVEL(at_most_shorts)(const vi2 a[HALVES / 2], const vi2 b[HALVES / 2])
{
    return _mm512_cmple_epi16_mask((__m512i)a[0], (__m512i)b[0]);
}

INLINE uint32_t LEVEL(at_most_floats)(const vf4 a[QUARTERS / 2], const vf4 b[QUARTERS / 2])
{
    const uint32_t first = _mm512_cmp_ps_mask((__m512)a[0], (__m512)b[0], _CMP_LE_OQ);
    return first | (uint32_t)_mm512_cmp_ps_mask((__m512)a[1], (__m512)b[1], _CMP_LE_OQ) << 16;
}

INLINE int LEVEL(any_short_at_least)(vi2 a, vi2 b) { return _mm512_cmpge_epi16_mask((__m512i)a, (__m512i)b) != 0; }
INLINE int LEVEL(any_float_at_least)(vf4 a, vf4 b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GE_OQ) != 0; }
#elif CDT_SIMD == 2
#define LEAST_SHORTS(a, b) ((vi2)_mm256_min_epi16((__m256i)(a), (__m256i)(b)))
#define LEAST_FLOATS(a, b) ((vf4)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define GREATEST_SHORTS(a, b) ((vi2)_mm256_max_epi16((__m256i)(a), (__m256i)(b)))
#define GREATEST_FLOATS(a, b) ((vf4)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define LOWER_HALF_LARGEST_SHORTS(a) ((__m256i)(a))
#define LOWER_HALF_LARGEST_FLOATS(a) ((__m256)(a))

INLINE uint32_t LEVEL(at_most_shorts)(const vi2 a[HALVES / 2], const vi2 b[HALVES / 2])
{
    const __m256i above = _mm256_packs_epi16((__m256i)(a[0] > b[0]), (__m256i)(a[1] > b[1]));
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(above, 0xd8));
}

INLINE uint32_t LEVEL(at_most_floats)(const vf4 a[QUARTERS / 2], const vf4 b[QUARTERS / 2])
{
    uint32_t bits = 0;
    UNROLL for (int q = 0; q < QUARTERS / 2; q++) bits |= (uint32_t)_mm256_movemask_ps((__m256)(a[q] <= b[q])) << 8 * q;
    return bits;
}

INLINE int LEVEL(any_short_at_least)(vi2 a, vi2 b) { return _mm256_movemask_epi8((__m256i)(a >= b)) != 0; }
INLINE int LEVEL(any_float_at_least)(vf4 a, vf4 b) { return _mm256_movemask_ps((__m256)(a >= b)) != 0; }
#else
#define LEAST(a, b, integers) (((integers)(a) & ((a) < (b))) | ((integers)(b) & ~((a) < (b))))
#define LEAST_SHORTS(a, b) LEAST(a, b, vi2)
#define LEAST_FLOATS(a, b) ((vf4)LEAST(a, b, vi4))
#define GREATEST(a, b, integers) (((integers)(a) & ((b) < (a))) | ((integers)(b) & ~((b) < (a))))
#define GREATEST_SHORTS(a, b) GREATEST(a, b, vi2)
#define GREATEST_FLOATS(a, b) ((vf4)GREATEST(a, b, vi4))

/* Bit k: whether byte k of 32, 0 or 0xff, is set. */
INLINE uint32_t LEVEL(bits_of)(const uint64_t bytes[4])
{
    uint32_t bits = 0;
    UNROLL for (int k = 0; k < 4; k++) bits |= (uint32_t)((bytes[k] & 0x8040201008040201u) * 0x0101010101010101u >> 56) << 8 * k;
    return bits;
}

INLINE uint32_t LEVEL(at_most_shorts)(const vi2 a[HALVES / 2], const vi2 b[HALVES / 2])
{
    uint64_t bytes[4];
    UNROLL for (int p = 0; p < HALVES / 2; p++) ((vi1_half *)bytes)[p] = __builtin_convertvector(a[p] <= b[p], vi1_half);
    return LEVEL(bits_of)(bytes);
}

INLINE uint32_t LEVEL(at_most_floats)(const vf4 a[QUARTERS / 2], const vf4 b[QUARTERS / 2])
{
    uint64_t bytes[4];
    UNROLL for (int q = 0; q < QUARTERS / 2; q++) ((vi1_quarter *)bytes)[q] = NARROWED(a[q] <= b[q]);
    return LEVEL(bits_of)(bytes);
}

#define ANY(lanes) ((((vu8)(lanes))[0] | ((vu8)(lanes))[1]) != 0)
INLINE int LEVEL(any_short_at_least)(vi2 a, vi2 b) { return ANY(a >= b); }
INLINE int LEVEL(any_float_at_least)(vf4 a, vf4 b) { return ANY(a >= b); }

INLINE int16_t LEVEL(highest_short)(vi2 numbers)
{
    int16_t highest = numbers[0];
    for (int k = 1; k < 8; k++) highest = numbers[k] > highest ? numbers[k] : highest;
    return highest;
}

INLINE float LEVEL(highest_float)(vf4 numbers)
{
    const float first = numbers[0] > numbers[1] ? numbers[0] : numbers[1], second = numbers[2] > numbers[3] ? numbers[2] : numbers[3];
    return first > second ? first : second;
}
#endif

#if CDT_SIMD
INLINE int16_t LEVEL(highest_short)(vi2 numbers)
{
    const __m256i half = LOWER_HALF_LARGEST_SHORTS(numbers);
    const __m128i eight = _mm_max_epi16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    /* the least of eight unsigned numbers is one instruction: it finds 32767 minus the largest */
    return (int16_t)(32767 - _mm_extract_epi16(_mm_minpos_epu16(_mm_sub_epi16(_mm_set1_epi16(32767), eight)), 0));
}

INLINE float LEVEL(highest_float)(vf4 numbers)
{
    const __m256 half = LOWER_HALF_LARGEST_FLOATS(numbers);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
#endif

/* Bytes as 16-bit integers: those of vector p. */
#if CDT_SIMD == 512
#define WIDENED_TO_SHORTS(bytes, p) ((vi2)_mm512_cvtepi8_epi16(((const __m256i *)(bytes))[p]))
#elif CDT_SIMD == 2
#define WIDENED_TO_SHORTS(bytes, p) ((vi2)_mm256_cvtepi8_epi16(((const __m128i *)(bytes))[p]))
#else
#define WIDENED_TO_SHORTS(bytes, p) __builtin_convertvector(((const vi1_half *)(bytes))[p], vi2)
#endif

/* Bit k: whether byte k of 64 is negative. */
INLINE uint64_t LEVEL(negative)(const int8_t *bytes)
{
    uint64_t bits = 0;
#if CDT_SIMD == 512
    bits = _mm512_movepi8_mask(*(const __m512i *)bytes);
#elif CDT_SIMD == 2
    for (int p = 0; p < 2; p++) bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(((const __m256i *)bytes)[p]) << 32 * p;
#else
    for (int k = 0; k < 64; k++) bits |= (uint64_t)(bytes[k] < 0) << k;
#endif
    return bits;
}

/* Bits of the spins of a block. */
INLINE uint64_t LEVEL(spins_of)(const cdt_dense_problem *problem, size_t at)
{
    return problem->spins - at >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << (problem->spins - at)) - 1;
}

/* Draws from where they were kept, and keeping them. */
INLINE void LEVEL(resume_draws)(LEVEL(draws) *draws, const uint64_t *kept)
{
    memcpy(draws->first, kept, 64);
    memcpy(draws->second, kept + 8, 64);
}

INLINE void LEVEL(keep_draws)(const LEVEL(draws) *draws, uint64_t *kept)
{
    memcpy(kept, draws->first, 64);
    memcpy(kept + 8, draws->second, 64);
}

/* The draws of sweep `ahead` of a stream; if it was begun by another call, from where that one kept them. */
static void LEVEL(draws_of_part)(const cdt_dense_problem *problem, LEVEL(draws) *draws, const uint64_t *kept, cdt_anneal_stream stream,
                                 uint64_t ahead)
{
    if (problem->first == 0)
        LEVEL(start_draws)(draws, stream, ahead);
    else
        LEVEL(resume_draws)(draws, kept);
}

/* The next 64 bits of a stream of scalars: those of a draw, one after the other. */
typedef struct {
    LEVEL(draws) draws;
    uint64_t words[8];
    int next;
} LEVEL(words);

INLINE uint64_t LEVEL(next_word)(LEVEL(words) *words)
{
    if (words->next == 8) {
        vu8 drawn[PARTS];
        LEVEL(draw)(&words->draws, drawn);
        memcpy(words->words, drawn, 64);
        words->next = 0;
    }
    return words->words[words->next++];
}

/* Limits as integers, at most `most`: rounded down, which integer costs do not feel. */
INLINE vi4 LEVEL(whole_limits)(vf4 limits, int most)
{
    const vi4 beyond = limits > (float)most;
    return __builtin_convertvector((vf4)((vi4)limits & ~beyond), vi4) | (beyond & most);
}

/* Limits of half costs, drawn: draws times reach, rounded down. Spin 2 k of the block has draw k, spin 2 k + 1 draw 32 + k. */
INLINE void LEVEL(draw_shorts)(LEVEL(draws) *draws, float reach, vi2 limits[HALVES])
{
    vf4 drawn[QUARTERS];
    vi4 whole[QUARTERS];
    LEVEL(draw_exponential)(draws, drawn);
    EACH_QUARTER whole[q] = LEVEL(whole_limits)(drawn[q] * reach, CDT_DENSE_FIELD);
    EACH_HALF limits[p] = (vi2)(whole[p] | whole[p + HALVES] << 16);
}

/* The same of floats: spin k has draw k. */
INLINE void LEVEL(draw_floats)(LEVEL(draws) *draws, float reach, vf4 limits[QUARTERS])
{
    LEVEL(draw_exponential)(draws, limits);
    EACH_QUARTER limits[q] *= reach;
}

#define FIELD int16_t
#define FIELDS vi2
#define COUNT HALVES
#define LARGEST CDT_DENSE_FIELD
#define LEAST_GAIN (-1)
#define SUM int64_t
#define AT_MOST LEVEL(at_most_shorts)
#define HIGHER GREATEST_SHORTS
#define LOWER LEAST_SHORTS
#define HIGHEST_OF LEVEL(highest_short)
#define ANY_AT_LEAST LEVEL(any_short_at_least)
#define DRAW LEVEL(draw_shorts)
#define WIDENED_TO_FIELDS(bytes, p) WIDENED_TO_SHORTS(bytes, p)
#define COST int32_t
#define COSTS vi4
#define LIMITS(limits) LEVEL(whole_limits)(limits, 1 << 30) /* no exchange costs as much */

#define TYPED(name) LEVEL(dense_##name##_bytes)
#define COUPLING int8_t
#define ROW_AT(row, v) WIDENED_TO_FIELDS(row, v)
#include "anneal_dense_sums_bytes.template.h"
#include "anneal_dense.template.h"

#define TYPED(name) LEVEL(dense_##name##_shorts)
#define COUPLING int16_t
#define ROW_AT(row, v) (((const vi2 *)(row))[v])
#include "anneal_dense_sums.template.h"
#include "anneal_dense.template.h"

#include "anneal_dense_fields_end.h"

#define FIELD float
#define FIELDS vf4
#define COUNT QUARTERS
#define LARGEST 0x1.fffffep127f
#define LEAST_GAIN (-0x1p-149f)
#define SUM double
#define AT_MOST LEVEL(at_most_floats)
#define HIGHER GREATEST_FLOATS
#define LOWER LEAST_FLOATS
#define HIGHEST_OF LEVEL(highest_float)
#define ANY_AT_LEAST LEVEL(any_float_at_least)
#define DRAW LEVEL(draw_floats)
#define WIDENED_TO_FIELDS(bytes, p) __builtin_convertvector(WIDENED(bytes, p), vf4)
#define COST float
#define COSTS vf4
#define LIMITS(limits) (limits)

#define TYPED(name) LEVEL(dense_##name##_floats)
#define COUPLING float
#define ROW_AT(row, v) (((const vf4 *)(row))[v])
#include "anneal_dense_sums.template.h"
#include "anneal_dense.template.h"

#include "anneal_dense_fields_end.h"
